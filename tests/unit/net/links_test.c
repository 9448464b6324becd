/*
 * links_test.c - endpoints talk to each other over real sockets on the loopback device.
 */
#include "pair.h"

#include "faults.h"
#include "net/sockaddr.h"

#include <arpa/inet.h>
#include <unistd.h>

static void messages_go_and_come_back(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	b->answer = ANSWER_ECHO;
	struct dial dial = dial_to(b);
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	assert_int_equal(a->note_count, 0);   /* never from inside the call */
	UNTIL(&pair, note_of(a, id)->linked);
	assert_true(id_equal(&note_of(a, id)->peer, &b->keys.public_key));
	UNTIL(&pair, b->note_count == 1);     /* the acceptor hears of the link before any message */
	assert_int_equal(b->note[0].id % 2, 1);
	assert_true(id_equal(&b->note[0].peer, &a->keys.public_key));
	for (int i = 0; i < 1000; i++)
		links_send(a->links, id, message_of(1 + (size_t)i));
	UNTIL(&pair, note_of(a, id)->received == 1000);
	assert_int_equal(note_of(a, id)->received_bytes, 500500);
	UNTIL(&pair, note_of(a, id)->sent_bytes == 500500);
	links_close(a->links, id, OK);
	UNTIL(&pair, note_of(a, id)->unlinked && b->note[0].unlinked);
	assert_int_equal(note_of(a, id)->reason, OK);
	assert_int_equal(b->note[0].reason, OK);
	pair_fini(&pair);
}

static void a_large_message_passes(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	struct dial dial = dial_to(b);
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	/* Sixteen windows: its credit is given while it is collected. Sent before the link is there. */
	links_send(a->links, id, message_of(RECORD_MAX));
	links_send(a->links, id, message_of(10));
	links_send(a->links, id, message_of(RECORD_MAX));
	UNTIL(&pair, b->note_count == 1 && b->note[0].received == 3);
	assert_int_equal(b->note[0].received_bytes, 2 * (size_t)RECORD_MAX + 10);
	assert_int_equal(b->note[0].first_byte, 1);
	assert_int_equal(b->note[0].last_byte, 3);
	UNTIL(&pair, note_of(a, id)->sent_bytes == 2 * (size_t)RECORD_MAX + 10);
	assert_false(links_busy(a->links));
	pair_fini(&pair);
}

/* A reader that does not consume holds the sender; what was held flows when it does. */
static void back_pressure_holds_and_releases(void **state)
{
	struct pair pair;
	const size_t size = 10000, count = 500;

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	b->hoard = true;
	struct dial dial = dial_to(b);
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	for (size_t i = 0; i < count; i++)
		links_send(a->links, id, message_of(size));
	UNTIL(&pair, b->note_count == 1 && b->note[0].received_bytes > WINDOW_LINK - 2 * size);
	pair_run(&pair, 50);
	assert_true(b->note[0].received_bytes <= WINDOW_LINK);
	assert_true(note_of(a, id)->sent_bytes <= WINDOW_LINK);
	assert_true(links_busy(a->links));
	/* In crumbs: prefixes and halves of messages must not get lost in the sums. */
	while (b->note[0].received < count) {
		size_t crumb = b->note[0].unconsumed > 777 ? 777 : b->note[0].unconsumed;
		b->note[0].unconsumed -= crumb;
		links_consumed(b->links, b->note[0].id, crumb);
		if (b->note[0].unconsumed == 0)
			UNTIL(&pair, b->note[0].unconsumed > 0 || b->note[0].received == count);
	}
	UNTIL(&pair, note_of(a, id)->sent_bytes == size * count);
	pair_fini(&pair);
}

/* All credit of a connection comes back, however its links end: else the last of these links would starve. */
static void credit_survives_the_ends_of_links(void **state)
{
	struct pair pair;
	const size_t size = 600 * KIB;
	const enum error ends[] = {ERROR_NO_CAPACITY, OK, ERROR_STREAM_NOT_FOUND};

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	b->hoard = true;
	struct dial dial = dial_to(b);
	for (size_t i = 0; i < 45; i++) {
		link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
		links_send(a->links, id, message_of(300 * KIB));
		links_send(a->links, id, message_of(size));   /* a prepaid one, not always whole when the end comes */
		UNTIL(&pair, b->note_count == i + 1 && b->note[i].received >= 1);
		links_close(i % 2 ? a->links : b->links, i % 2 ? id : b->note[i].id, ends[i % 3]);
		if (ends[i % 3] == OK)
			links_close(i % 2 ? b->links : a->links, i % 2 ? b->note[i].id : id, OK);
		UNTIL(&pair, note_of(a, id)->unlinked && b->note[i].unlinked);
	}
	assert_int_equal(links_count(a->links)->handshakes, 1);
	pair_fini(&pair);
}

static void many_links_share_a_connection_both_ways(void **state)
{
	struct pair pair;
	const size_t count = 100;   /* more than a peer may have open at once: the rest waits its turn */

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	struct dial to_b = dial_to(b);
	link_id first = connect_to(a, PROTOCOL_GROUPS, &to_b);
	UNTIL(&pair, note_of(a, first)->linked && b->note_count == 1);
	struct dial to_a = {.peer = a->keys.public_key};   /* no address: the connection is there */
	link_id back = connect_to(b, PROTOCOL_GROUPS, &to_a);
	UNTIL(&pair, note_of(b, back)->linked && a->note_count == 2);
	assert_int_equal(a->note[1].id % 2, 1);
	for (size_t i = 0; i < count; i++) {
		link_id id = connect_to(a, PROTOCOL_GROUPS, &to_b);
		links_send(a->links, id, message_of(3000));
		links_close(a->links, id, OK);
	}
	UNTIL(&pair, b->note_count == count + 2 && b->note[count + 1].unlinked);
	for (size_t i = 2; i < count + 2; i++) {
		assert_int_equal(b->note[i].received_bytes, 3000);
		UNTIL(&pair, b->note[i].unlinked && b->note[i].reason == OK);
	}
	assert_int_equal(links_count(a->links)->handshakes, 1);
	assert_true(links_rtt_us(a->links, &b->keys.public_key) > 0);
	pair_fini(&pair);
}

/* Both dial at once: links work whichever connection they take, and one connection goes. */
static void a_simultaneous_dial_settles(void **state)
{
	struct links_tuning tuning = links_tuning_default;
	struct pair pair;

	(void)state;
	tuning.idle_unwanted_max = 50;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", &tuning);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", &tuning);
	struct dial to_a = dial_to(a), to_b = dial_to(b);
	link_id ab = connect_to(a, PROTOCOL_ANNOUNCE, &to_b);
	link_id ba = connect_to(b, PROTOCOL_ANNOUNCE, &to_a);
	links_send(a->links, ab, message_of(11));
	links_send(b->links, ba, message_of(22));
	UNTIL(&pair, a->note_count == 2 && b->note_count == 2 && a->note[1].received && b->note[1].received);
	assert_int_equal(b->note[1].received_bytes, 11);
	assert_int_equal(a->note[1].received_bytes, 22);
	/* The preferred one carries every new link, from either side. */
	for (int i = 0; i < 4; i++) {
		struct side *from = i % 2 ? a : b;
		link_id id = connect_to(from, PROTOCOL_ANNOUNCE, i % 2 ? &to_b : &to_a);
		UNTIL(&pair, note_of(from, id)->linked);
	}
	links_close(a->links, ab, OK);
	links_close(b->links, ba, OK);
	UNTIL(&pair, note_of(a, ab)->unlinked && note_of(b, ba)->unlinked);
	pair_run(&pair, 200);
	size_t open_links = 0;
	for (size_t i = 0; i < a->note_count; i++)
		open_links += a->note[i].linked && !a->note[i].unlinked;
	assert_int_equal(open_links, 4);
	assert_ptr_equal(a->links->connections.next, a->links->connections.prev);   /* one */
	assert_ptr_equal(b->links->connections.next, b->links->connections.prev);
	pair_fini(&pair);
}

static void another_network_is_refused(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "other", "127.0.0.1:0", NULL);
	struct dial dial = dial_to(b);
	link_id id = connect_to(a, PROTOCOL_CATALOG_SYNC, &dial);
	UNTIL(&pair, note_of(a, id)->unlinked);
	assert_int_equal(note_of(a, id)->reason, ERROR_DIFFERENT_NETWORK);
	assert_int_equal(links_count(b->links)->proofs_refused, 1);
	assert_int_equal(a->met + b->met, 0);
	assert_int_equal(b->note_count, 0);
	pair_fini(&pair);
}

static void another_key_than_the_dialled_is_refused(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	struct dial dial = dial_to(b);
	dial.peer = id_hash(bytes_of_text("somebody else"));
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	UNTIL(&pair, note_of(a, id)->unlinked);
	assert_int_equal(note_of(a, id)->reason, ERROR_WRONG_PEER);
	assert_int_equal(a->met + b->met, 0);
	pair_fini(&pair);
}

static void a_bare_address_meets_whoever_answers(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "0.0.0.0:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "[::1]:0", NULL);
	links_set_hello(b->links, bytes_of_text("my card"));
	struct dial dial = dial_to(b);
	dial.peer = (struct id){0};
	link_id id = connect_to(a, PROTOCOL_ANNOUNCE, &dial);
	UNTIL(&pair, note_of(a, id)->linked && b->met == 1);
	assert_true(id_equal(&note_of(a, id)->peer, &b->keys.public_key));
	assert_true(id_equal(&a->met_peer, &b->keys.public_key));
	assert_true(id_equal(&b->met_peer, &a->keys.public_key));
	assert_int_equal(a->hello_size, 7);
	assert_int_equal(b->hello_size, 0);   /* a guest */
	pair_fini(&pair);
}

static void reasons_travel_with_a_link(void **state)
{
	const enum error reasons[] = {ERROR_STREAM_NOT_FOUND, ERROR_NOT_ALLOWED, ERROR_NO_CAPACITY, ERROR_TOO_SLOW,
		ERROR_GROUP_NOT_FOUND, ERROR_CANCELLED};
	struct pair pair;

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	struct dial dial = dial_to(b);
	link_id witness = connect_to(a, PROTOCOL_STREAMS, &dial);
	UNTIL(&pair, b->note_count == 1);
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
		link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
		links_send(a->links, id, message_of(5));
		UNTIL(&pair, b->note_count == i + 2 && b->note[i + 1].received == 1);
		links_close(b->links, b->note[i + 1].id, reasons[i]);
		UNTIL(&pair, note_of(a, id)->unlinked && b->note[i + 1].unlinked);
		assert_int_equal(note_of(a, id)->reason, reasons[i]);
		assert_int_equal(b->note[i + 1].reason, reasons[i]);
	}
	assert_false(note_of(a, witness)->unlinked || b->note[0].unlinked);
	pair_fini(&pair);
}

static void an_error_from_the_reader_closes_the_connection(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	struct dial dial = dial_to(b);
	link_id one = connect_to(a, PROTOCOL_GROUPS, &dial), two = connect_to(a, PROTOCOL_GROUPS, &dial);
	UNTIL(&pair, b->note_count == 2);
	b->verdict = ERROR_RATE_LIMITED;
	for (int i = 0; i < 3; i++)
		links_send(a->links, one, message_of(5));
	UNTIL(&pair, note_of(a, one)->unlinked && note_of(a, two)->unlinked && b->note[1].unlinked);
	assert_int_equal(note_of(a, one)->reason, ERROR_RATE_LIMITED);
	assert_int_equal(note_of(a, two)->reason, ERROR_RATE_LIMITED);
	assert_int_equal(b->note[0].reason, ERROR_RATE_LIMITED);
	assert_int_equal(b->note[0].received, 1);   /* nothing counts after the first bad message */
	pair_fini(&pair);
}

static void an_expelled_peer_hears_why(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	struct dial dial = dial_to(b);
	link_id one = connect_to(a, PROTOCOL_GROUPS, &dial), two = connect_to(a, PROTOCOL_STREAMS, &dial);
	UNTIL(&pair, b->note_count == 2);
	links_expel(b->links, &a->keys.public_key, ERROR_UNKNOWN_PEER);
	UNTIL(&pair, note_of(a, one)->unlinked && note_of(a, two)->unlinked);
	assert_int_equal(note_of(a, one)->reason, ERROR_UNKNOWN_PEER);
	assert_int_equal(note_of(a, two)->reason, ERROR_UNKNOWN_PEER);
	pair_fini(&pair);
}

/* Wants the reason at once: a flood of answers is in flight when the other side leaves. */
static void leaving_ends_links_gracefully(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	links_set_hello(b->links, bytes_of_text("card"));
	struct dial dial = dial_to(b);
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	UNTIL(&pair, b->note_count == 1);
	for (int i = 0; i < 100; i++)
		links_send(b->links, b->note[0].id, message_of(1000));
	UNTIL(&pair, !links_busy(b->links));
	links_shut(b->links);
	UNTIL(&pair, note_of(a, id)->unlinked);
	assert_int_equal(note_of(a, id)->received, 100);
	assert_int_equal(note_of(a, id)->reason, ERROR_GRACEFUL);
	assert_false(b->note[0].unlinked);   /* no callback comes after links_shut */
	pair_fini(&pair);
}

/* A socket that is bound and never answers. */
static int silent_socket(struct address *out)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_storage bound = {0};
	socklen_t size = sizeof bound;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&bound, &size), 0);
	sockaddr_to_address(&bound, out);
	return fd;
}

static void a_dead_port_refuses_at_once(void **state)
{
	struct pair pair;
	struct dial dial = {.count = 1};

	(void)state;
	close(silent_socket(&dial.address[0]));
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "0.0.0.0:0", NULL);
	uint64_t start = uv_hrtime();
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	UNTIL(&pair, note_of(a, id)->unlinked);
	assert_int_equal(note_of(a, id)->reason, ERROR_REFUSED);
	assert_true(uv_hrtime() - start < 200 * NSEC_PER_MSEC);
	pair_fini(&pair);
}

static void silence_is_no_answer(void **state)
{
	struct links_tuning tuning = links_tuning_default;
	struct pair pair;
	struct dial dial = {.count = 1};
	int fd = silent_socket(&dial.address[0]);

	(void)state;
	tuning.handshake_max = 100;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", &tuning);
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	UNTIL(&pair, note_of(a, id)->unlinked);
	assert_int_equal(note_of(a, id)->reason, ERROR_NO_ANSWER);
	close(fd);
	pair_fini(&pair);
}

static void the_next_address_is_tried(void **state)
{
	struct links_tuning tuning = links_tuning_default;
	struct pair pair;

	(void)state;
	tuning.next_address_after = 20;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", &tuning);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	struct dial dial = dial_to(b);
	dial.count = 3;
	dial.address[2] = dial.address[0];
	int fd = silent_socket(&dial.address[0]);           /* silent */
	close(silent_socket(&dial.address[1]));             /* dead */
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	UNTIL(&pair, note_of(a, id)->linked);
	close(fd);
	pair_fini(&pair);
}

static void no_address_is_unreachable(void **state)
{
	struct pair pair;
	struct dial dial = {.peer = id_hash(bytes_of_text("x"))};

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	assert_int_equal(a->note_count, 0);
	UNTIL(&pair, note_of(a, id)->unlinked);
	assert_int_equal(note_of(a, id)->reason, ERROR_UNREACHABLE);
	pair_fini(&pair);
}

static void a_dial_can_be_taken_back(void **state)
{
	struct pair pair;
	struct dial dial = {.count = 1};
	int fd = silent_socket(&dial.address[0]);

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	links_send(a->links, id, message_of(4));
	pair_run(&pair, 5);
	links_close(a->links, id, ERROR_CANCELLED);
	UNTIL(&pair, note_of(a, id)->unlinked);
	assert_int_equal(note_of(a, id)->reason, ERROR_CANCELLED);
	assert_true(list_is_empty(&a->links->attempts));
	close(fd);
	pair_fini(&pair);
}

static void strangers_retry_when_many_are_half_open(void **state)
{
	struct links_tuning tuning = links_tuning_default;
	struct pair pair;

	(void)state;
	tuning.retry_above = 0;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", &tuning);
	struct dial dial = dial_to(b);
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	UNTIL(&pair, note_of(a, id)->linked);
	assert_int_equal(links_count(b->links)->retries_sent, 1);
	pair_fini(&pair);
}

static void a_full_house_refuses(void **state)
{
	struct links_tuning tuning = links_tuning_default;
	struct pair pair;

	(void)state;
	tuning.connections_max = 0;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", &tuning);
	struct dial dial = dial_to(b);
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	UNTIL(&pair, note_of(a, id)->unlinked);
	assert_int_equal(note_of(a, id)->reason, ERROR_NO_CAPACITY);
	dial = dial_to(a);
	id = connect_to(b, PROTOCOL_STREAMS, &dial);
	UNTIL(&pair, note_of(b, id)->unlinked);
	assert_int_equal(note_of(b, id)->reason, ERROR_FULL);
	pair_fini(&pair);
}

static void it_works_without_segmentation(void **state)
{
	struct links_tuning tuning = links_tuning_default;
	struct pair pair;

	(void)state;
	tuning.plain_udp = true;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "[::1]:0", &tuning);
	struct side *b = pair_add(&pair, "b", "net", "[::1]:0", &tuning);
	b->answer = ANSWER_ECHO;
	struct dial dial = dial_to(b);
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	for (int i = 0; i < 200; i++)
		links_send(a->links, id, message_of(20000));
	UNTIL(&pair, note_of(a, id)->received == 200);
	assert_int_equal(note_of(a, id)->received_bytes, 200 * 20000);
	pair_fini(&pair);
}

/* A second exchange finds the connection of the first; left alone, it goes. */
static void an_idle_connection_is_reused_then_closed(void **state)
{
	struct links_tuning tuning = links_tuning_default;
	struct pair pair;

	(void)state;
	tuning.idle_max = 60;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", &tuning);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	struct dial dial = dial_to(b);
	for (int i = 0; i < 3; i++) {
		link_id id = connect_to(a, PROTOCOL_CATALOG_SYNC, &dial);
		links_send(a->links, id, message_of(3));
		links_close(a->links, id, OK);
		UNTIL(&pair, note_of(a, id)->unlinked);
	}
	assert_int_equal(links_count(b->links)->handshakes, 1);
	UNTIL(&pair, list_is_empty(&a->links->connections) && list_is_empty(&b->links->connections));
	pair_fini(&pair);
}

static void a_message_above_the_limit_closes_with_413(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	struct dial dial = dial_to(b);
	link_id id = connect_to(a, PROTOCOL_ANNOUNCE, &dial);
	links_send(a->links, id, message_of(FRAME_ANNOUNCE_MAX));
	UNTIL(&pair, b->note_count == 1 && b->note[0].received == 1);
	links_send(a->links, id, message_of(FRAME_ANNOUNCE_MAX + 1));
	UNTIL(&pair, note_of(a, id)->unlinked);
	assert_int_equal(note_of(a, id)->reason, ERROR_FRAME_TOO_LARGE);
	assert_int_equal(b->note[0].received, 1);
	pair_fini(&pair);
}

/* The process is gone without a word; its port answers with ICMP, or its next life with a stateless reset. */
static void a_crashed_peer_is_noticed(void **state)
{
	struct pair pair;

	(void)state;
	for (int reborn = 0; reborn < 2; reborn++) {
		pair_init(&pair);
		struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
		struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
		struct dial dial = dial_to(b);
		link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
		UNTIL(&pair, note_of(a, id)->linked && b->note_count == 1);
		/* As a crash would: no packet leaves, the socket is closed. */
		b->links->shut = true;
		while (!list_is_empty(&b->links->connections)) {
			struct connection *connection = LIST_OF(b->links->connections.next, struct connection, node);
			quic_set_owner(connection->quic, NULL);
			connection->quic = NULL;
			links_connection_end(connection, ERROR_SYSTEM);
		}
		quic_shut(b->links->quic);
		links_deliver(b->links);
		UNTIL(&pair, links_closed(b->links));
		links_free(b->links);
		char text[ADDRESS_TEXT_SIZE];
		address_format(&dial.address[0], text);
		pair.count = 1;
		if (reborn)
			pair_add(&pair, "b", "net", text, NULL);
		links_send(a->links, id, message_of(100));
		UNTIL(&pair, note_of(a, id)->unlinked);
		assert_int_equal(note_of(a, id)->reason, reborn ? ERROR_UNEXPECTED_CLOSE : ERROR_REFUSED);
		pair_fini(&pair);
	}
}

/* A request and FIN; the answer goes out although the peer's end has come before it. */
static void an_answer_after_the_peers_end_still_goes(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	struct dial dial = dial_to(b);
	b->answer = ANSWER_ECHO;
	for (int i = 0; i < 20; i++) {
		link_id id = connect_to(a, PROTOCOL_GROUPS, &dial);
		links_send(a->links, id, message_of(100000));
		links_send(a->links, id, message_of(7));
		links_close(a->links, id, OK);
		links_send(a->links, id, message_of(9));   /* after the end: dropped */
		UNTIL(&pair, note_of(a, id)->unlinked);
		assert_int_equal(note_of(a, id)->reason, OK);
		assert_int_equal(note_of(a, id)->received_bytes, 100007);
	}
	UNTIL(&pair, b->note_count == 20 && b->note[19].unlinked);
	assert_int_equal(b->note[19].reason, OK);
	pair_fini(&pair);
}

static void credit_at_once_needs_no_consumer(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	struct dial dial = dial_to(b);
	b->at_once = true;
	link_id id = connect_to(a, PROTOCOL_GROUPS, &dial);
	for (int i = 0; i < 300; i++)
		links_send(a->links, id, message_of(100 * KIB));
	UNTIL(&pair, b->note_count == 1 && b->note[0].received == 300);
	pair_fini(&pair);
}

static void large_entries_are_presented(void **state)
{
	static uint8_t entry[ENTRY_SIZE_MAX];
	struct pair pair;

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	struct dial dial = dial_to(b);
	links_set_hello(a->links, bytes_of(entry, sizeof entry));
	links_set_hello(b->links, bytes_of(entry, sizeof entry - 1));
	link_id id = connect_to(a, PROTOCOL_ANNOUNCE, &dial);
	UNTIL(&pair, note_of(a, id)->linked && b->met == 1);
	assert_int_equal(b->hello_size, sizeof entry);
	assert_int_equal(a->hello_size, sizeof entry - 1);
	pair_fini(&pair);
}

/* Meeting oneself is no accident worth a crash. */
static void a_node_can_dial_itself(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct dial dial = dial_to(a);
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	links_send(a->links, id, message_of(50));
	UNTIL(&pair, a->note_count == 2 && note_of(a, 1)->received == 1);
	links_close(a->links, id, OK);
	UNTIL(&pair, note_of(a, id)->unlinked && note_of(a, 1)->unlinked);
	pair_fini(&pair);
}

static void leaving_from_inside_a_callback_works(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	struct dial dial = dial_to(b);
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	UNTIL(&pair, note_of(a, id)->linked && b->note_count == 1);
	b->shut_on_message = true;
	for (int i = 0; i < 50; i++)
		links_send(a->links, id, message_of(3000));
	UNTIL(&pair, note_of(a, id)->unlinked);
	assert_int_equal(b->note[0].received, 1);
	pair_fini(&pair);
}

static void dialling_again_from_inside_a_callback_works(void **state)
{
	struct pair pair;
	struct dial dead = {.count = 1};

	(void)state;
	close(silent_socket(&dead.address[0]));
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	struct dial good = dial_to(b);
	a->redial = &dead;
	connect_to(a, PROTOCOL_STREAMS, &dead);
	UNTIL(&pair, a->note_count == 20);
	a->redial = &good;
	UNTIL(&pair, a->note[a->note_count - 1].linked);
	pair_fini(&pair);
}

static void a_blocked_socket_loses_nothing(void **state)
{
	struct pair pair;

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(&pair, "b", "net", "127.0.0.1:0", NULL);
	struct dial dial = dial_to(b);
	b->answer = ANSWER_ECHO;
	faults.reason = EAGAIN;
	faults.period = 3;
	faults.left = 10000;
	faults.most = 2;
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	for (int i = 0; i < 100; i++)
		links_send(a->links, id, message_of(50000));
	UNTIL(&pair, note_of(a, id)->received == 100);
	assert_true(faults.failed > 10);
	faults.reason = 0;
	faults.most = 0;
	pair_fini(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_go_and_come_back),
		cmocka_unit_test(a_large_message_passes),
		cmocka_unit_test(back_pressure_holds_and_releases),
		cmocka_unit_test(credit_survives_the_ends_of_links),
		cmocka_unit_test(many_links_share_a_connection_both_ways),
		cmocka_unit_test(a_simultaneous_dial_settles),
		cmocka_unit_test(another_network_is_refused),
		cmocka_unit_test(another_key_than_the_dialled_is_refused),
		cmocka_unit_test(a_bare_address_meets_whoever_answers),
		cmocka_unit_test(reasons_travel_with_a_link),
		cmocka_unit_test(an_error_from_the_reader_closes_the_connection),
		cmocka_unit_test(an_expelled_peer_hears_why),
		cmocka_unit_test(leaving_ends_links_gracefully),
		cmocka_unit_test(a_dead_port_refuses_at_once),
		cmocka_unit_test(silence_is_no_answer),
		cmocka_unit_test(the_next_address_is_tried),
		cmocka_unit_test(no_address_is_unreachable),
		cmocka_unit_test(a_dial_can_be_taken_back),
		cmocka_unit_test(strangers_retry_when_many_are_half_open),
		cmocka_unit_test(a_full_house_refuses),
		cmocka_unit_test(it_works_without_segmentation),
		cmocka_unit_test(an_idle_connection_is_reused_then_closed),
		cmocka_unit_test(a_message_above_the_limit_closes_with_413),
		cmocka_unit_test(a_crashed_peer_is_noticed),
		cmocka_unit_test(an_answer_after_the_peers_end_still_goes),
		cmocka_unit_test(credit_at_once_needs_no_consumer),
		cmocka_unit_test(large_entries_are_presented),
		cmocka_unit_test(a_node_can_dial_itself),
		cmocka_unit_test(leaving_from_inside_a_callback_works),
		cmocka_unit_test(dialling_again_from_inside_a_callback_works),
		cmocka_unit_test(a_blocked_socket_loses_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
