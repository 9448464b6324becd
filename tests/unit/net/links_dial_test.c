/*
 * links_dial_test.c - how a connection comes about, or why not, and how its loss is noticed.
 */
#include "pair.h"

#include "net/sockaddr.h"

#include <arpa/inet.h>
#include <unistd.h>

static bool is_single(const struct list *list)
{
	return list->next == list->prev && !list_is_empty(list);
}

static bool has_two_proven(const struct side *side)
{
	size_t count = 0;

	LIST_EACH(node, &side->links->connections)
		count += LIST_OF(node, struct connection, node)->proven;
	return count == 2;
}

/* The one link that the other side opened; NULL: none yet. */
static struct note *opened_by_peer(struct side *side)
{
	for (size_t i = 0; i < side->note_count; i++)
		if (side->note[i].id % 2 == 1)
			return &side->note[i];
	return NULL;
}

static bool heard(struct side *side, size_t bytes)
{
	const struct note *note = opened_by_peer(side);
	return note && note->received_bytes == bytes;
}

/* Both dial at once: links work whichever connection they take, and one connection goes. */
static void a_simultaneous_dial_settles(void **state)
{
	struct links_tuning tuning = links_tuning_default;
	struct pair pair;

	(void)state;
	tuning.idle_unwanted_max = 100;
	struct side *a, *b;
	pair_init_two(&pair, &tuning, &a, &b);
	struct dial to_a = dial_to(a), to_b = dial_to(b);
	link_id ab = connect_to(a, PROTOCOL_ANNOUNCE, &to_b);
	link_id ba = connect_to(b, PROTOCOL_ANNOUNCE, &to_a);
	links_send(a->links, ab, message_of(11));
	links_send(b->links, ba, message_of(22));
	UNTIL(&pair, heard(b, 11) && heard(a, 22) && has_two_proven(a) && has_two_proven(b));
	/* The preferred one carries every new link, from either side. */
	for (int i = 0; i < 4; i++) {
		struct side *from = i % 2 ? a : b;
		link_id id = connect_to(from, PROTOCOL_ANNOUNCE, i % 2 ? &to_b : &to_a);
		UNTIL(&pair, note_of(from, id)->linked);
	}
	links_close(a->links, ab, OK);
	links_close(b->links, ba, OK);
	UNTIL(&pair, note_of(a, ab)->unlinked && note_of(b, ba)->unlinked);
	UNTIL(&pair, is_single(&a->links->connections) && is_single(&b->links->connections));
	size_t open_links = 0;
	for (size_t i = 0; i < a->note_count; i++)
		open_links += a->note[i].linked && !a->note[i].unlinked;
	assert_int_equal(open_links, 4);
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
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
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

/*
 * An address that refuses, for as long as the socket is open: it listens to a peer that does not exist, and so the port
 * answers everybody else with ICMP. A port that was closed instead may at once be somebody else's, or our own.
 */
static int refusing_socket(struct address *out)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(9)};
	int fd = silent_socket(out);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
	return fd;
}

static void a_dead_port_refuses_at_once(void **state)
{
	struct pair pair;
	struct dial dial = {.count = 1};
	int fd = refusing_socket(&dial.address[0]);

	(void)state;
	pair_init(&pair);
	struct side *a = pair_add(&pair, "a", "net", "0.0.0.0:0", NULL);
	uint64_t start = uv_hrtime();
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	UNTIL(&pair, note_of(a, id)->unlinked);
	assert_int_equal(note_of(a, id)->reason, ERROR_REFUSED);
	assert_true(uv_hrtime() - start < 2 * NSEC_PER_SEC);   /* the deadline would take five */
	close(fd);
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
	int silent = silent_socket(&dial.address[0]);
	int dead = refusing_socket(&dial.address[1]);
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	UNTIL(&pair, note_of(a, id)->linked);
	close(silent);
	close(dead);
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

static void large_entries_are_presented(void **state)
{
	static uint8_t entry[ENTRY_SIZE_MAX];
	struct pair pair;

	(void)state;
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
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

static void dialling_again_from_inside_a_callback_works(void **state)
{
	struct pair pair;
	struct dial dead = {.count = 1};
	int fd = refusing_socket(&dead.address[0]);

	(void)state;
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
	struct dial good = dial_to(b);
	a->redial = &dead;
	connect_to(a, PROTOCOL_STREAMS, &dead);
	UNTIL(&pair, a->note_count == 20);
	a->redial = &good;
	UNTIL(&pair, a->note[a->note_count - 1].linked);
	close(fd);
	pair_fini(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_simultaneous_dial_settles),
		cmocka_unit_test(another_network_is_refused),
		cmocka_unit_test(another_key_than_the_dialled_is_refused),
		cmocka_unit_test(a_bare_address_meets_whoever_answers),
		cmocka_unit_test(a_dead_port_refuses_at_once),
		cmocka_unit_test(silence_is_no_answer),
		cmocka_unit_test(the_next_address_is_tried),
		cmocka_unit_test(no_address_is_unreachable),
		cmocka_unit_test(a_dial_can_be_taken_back),
		cmocka_unit_test(strangers_retry_when_many_are_half_open),
		cmocka_unit_test(a_full_house_refuses),
		cmocka_unit_test(a_crashed_peer_is_noticed),
		cmocka_unit_test(large_entries_are_presented),
		cmocka_unit_test(a_node_can_dial_itself),
		cmocka_unit_test(dialling_again_from_inside_a_callback_works),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
