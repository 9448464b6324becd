/*
 * links_test.c - endpoints talk to each other over real sockets on the loopback device: messages, credit, ends.
 */
#include "pair.h"

#include "faults.h"

static void messages_go_and_come_back(void **state)
{
	struct pair pair;

	(void)state;
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
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

/* What a proof on a link is made of: both ends have it, and no other connection, nor the hello of this one. */
static void links_are_bound_to_their_session(void **state)
{
	struct pair pair;

	(void)state;
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
	struct side *c = pair_add(&pair, "c", "net", "127.0.0.1:0", NULL);
	struct dial dial = dial_to(b), other = dial_to(c);
	link_id first = connect_to(a, PROTOCOL_GROUPS, &dial);
	UNTIL(&pair, note_of(a, first)->linked && b->note_count == 1);
	link_id second = connect_to(a, PROTOCOL_GROUPS, &dial);
	link_id elsewhere = connect_to(a, PROTOCOL_GROUPS, &other);
	link_id streams = connect_to(a, PROTOCOL_STREAMS, &dial);
	UNTIL(&pair, note_of(a, second)->linked && note_of(a, elsewhere)->linked && note_of(a, streams)->linked);
	struct id binding = note_of(a, first)->binding;
	assert_false(id_is_zero(&binding));
	assert_true(id_equal(&b->note[0].binding, &binding));
	assert_true(id_equal(&note_of(a, second)->binding, &binding));
	assert_false(id_equal(&note_of(a, elsewhere)->binding, &binding));
	assert_false(id_equal(&note_of(a, streams)->binding, &binding));
	pair_fini(&pair);
}

/* Streams take turns: what is urgent, on a link of its own, passes megabytes that wait on another. */
static void a_small_message_passes_a_long_queue(void **state)
{
	const size_t piece = 1u << 20, pieces = 64;
	struct pair pair;

	(void)state;
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
	struct dial dial = dial_to(b);
	link_id bulk = connect_to(a, PROTOCOL_STREAMS, &dial), control = connect_to(a, PROTOCOL_STREAMS, &dial);
	UNTIL(&pair, note_of(a, bulk)->linked && note_of(a, control)->linked && b->note_count == 2);
	struct note *slow = &b->note[0], *quick = &b->note[1];
	for (size_t i = 0; i < pieces; i++)
		links_send(a->links, bulk, message_of(piece));
	UNTIL(&pair, slow->received + quick->received > 0);
	for (size_t i = 1; i <= 10; i++) {
		links_send(a->links, control, message_of(100));
		UNTIL(&pair, slow->received == pieces || quick->received == i);
	}
	assert_int_equal(quick->received, 10);
	assert_in_range(slow->received, 1, pieces - 1);
	UNTIL(&pair, slow->received == pieces);
	pair_fini(&pair);
}

static void a_large_message_passes(void **state)
{
	struct pair pair;

	(void)state;
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
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
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
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
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
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
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
	struct dial to_b = dial_to(b);
	link_id first = connect_to(a, PROTOCOL_STREAMS, &to_b);
	UNTIL(&pair, note_of(a, first)->linked && b->note_count == 1);
	struct dial to_a = {.peer = a->keys.public_key};   /* no address: the connection is there */
	link_id back = connect_to(b, PROTOCOL_STREAMS, &to_a);
	UNTIL(&pair, note_of(b, back)->linked && a->note_count == 2);
	assert_int_equal(a->note[1].id % 2, 1);
	for (size_t i = 0; i < count; i++) {
		link_id id = connect_to(a, PROTOCOL_STREAMS, &to_b);
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

static void reasons_travel_with_a_link(void **state)
{
	const enum error reasons[] = {ERROR_STREAM_NOT_FOUND, ERROR_NOT_ALLOWED, ERROR_NO_CAPACITY, ERROR_TOO_SLOW,
		ERROR_GROUP_NOT_FOUND, ERROR_CANCELLED};
	struct pair pair;

	(void)state;
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
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
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
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
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
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
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
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
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
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

/* What the first message of groups has to be fits, and the next may be as long as any. */
static void a_first_message_of_groups_is_a_small_one(void **state)
{
	struct pair pair;

	(void)state;
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
	struct dial dial = dial_to(b);
	link_id id = connect_to(a, PROTOCOL_GROUPS, &dial);
	links_send(a->links, id, message_of(FRAME_HANDSHAKE_MAX));
	links_send(a->links, id, message_of(FRAME_GROUPS_MAX));
	UNTIL(&pair, b->note_count == 1 && b->note[0].received == 2);
	id = connect_to(a, PROTOCOL_GROUPS, &dial);
	links_send(a->links, id, message_of(FRAME_HANDSHAKE_MAX + 1));
	UNTIL(&pair, note_of(a, id)->unlinked);
	assert_int_equal(note_of(a, id)->reason, ERROR_FRAME_TOO_LARGE);
	assert_true(b->note_count < 2 || b->note[1].received == 0);
	pair_fini(&pair);
}

/* A request and FIN; the answer goes out although the peer's end has come before it. */
static void an_answer_after_the_peers_end_still_goes(void **state)
{
	struct pair pair;

	(void)state;
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
	struct dial dial = dial_to(b);
	b->answer = ANSWER_ECHO;
	for (int i = 0; i < 20; i++) {
		link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
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
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
	struct dial dial = dial_to(b);
	b->at_once = true;
	link_id id = connect_to(a, PROTOCOL_STREAMS, &dial);
	for (int i = 0; i < 300; i++)
		links_send(a->links, id, message_of(100 * KIB));
	UNTIL(&pair, b->note_count == 1 && b->note[0].received == 300);
	pair_fini(&pair);
}

static void leaving_from_inside_a_callback_works(void **state)
{
	struct pair pair;

	(void)state;
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
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

static void a_blocked_socket_loses_nothing(void **state)
{
	struct pair pair;

	(void)state;
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
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

static void a_link_that_ends_without_a_word_ends_well(void **state)
{
	struct pair pair;

	(void)state;
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
	struct dial dial = dial_to(b);
	link_id ours = connect_to(a, PROTOCOL_STREAMS, &dial), theirs;
	UNTIL(&pair, b->note_count == 1);
	links_close(a->links, ours, OK);
	UNTIL(&pair, note_of(a, ours)->unlinked && b->note[0].unlinked);
	theirs = connect_to(a, PROTOCOL_STREAMS, &dial);
	UNTIL(&pair, b->note_count == 2);
	links_close(b->links, b->note[1].id, OK);
	UNTIL(&pair, note_of(a, theirs)->unlinked && b->note[1].unlinked);
	assert_int_equal(note_of(a, ours)->reason, OK);
	assert_int_equal(note_of(a, theirs)->reason, OK);
	assert_int_equal(b->note[0].reason, OK);
	assert_int_equal(b->note[1].reason, OK);
	pair_fini(&pair);
}

/*
 * Opened, and ended without a word, while nothing arrives; then acknowledgements of what came after it tell that both are
 * lost. ngtcp2 0.12.1 used to end the process here.
 */
static void a_link_of_which_beginning_and_end_are_lost_ends_well(void **state)
{
	struct pair pair;

	(void)state;
	struct side *a, *b;
	pair_init_two(&pair, NULL, &a, &b);
	struct dial dial = dial_to(b);
	link_id witness = connect_to(a, PROTOCOL_STREAMS, &dial), silent;
	links_send(a->links, witness, message_of(5));
	UNTIL(&pair, b->note_count == 1 && b->note[0].received == 1 && note_of(a, witness)->sent_bytes == 5);
	faults.loses = true;
	silent = connect_to(a, PROTOCOL_STREAMS, &dial);
	links_flush(a->links);
	links_close(a->links, silent, OK);
	links_flush(a->links);
	faults.loses = false;
	for (size_t i = 2; i < 20; i++) {
		links_send(a->links, witness, message_of(5));
		UNTIL(&pair, b->note[0].received == i && note_of(a, witness)->sent_bytes == 5 * i);
	}
	UNTIL(&pair, note_of(a, silent)->unlinked);
	assert_int_equal(note_of(a, silent)->reason, OK);
	UNTIL(&pair, b->note_count == 1 || b->note[1].unlinked);
	assert_int_equal(b->note_count > 1 ? b->note[1].reason : OK, OK);   /* the end alone may have come: there was no link */
	assert_false(note_of(a, witness)->unlinked || b->note[0].unlinked);
	pair_fini(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_go_and_come_back),
		cmocka_unit_test(links_are_bound_to_their_session),
		cmocka_unit_test(a_small_message_passes_a_long_queue),
		cmocka_unit_test(a_large_message_passes),
		cmocka_unit_test(back_pressure_holds_and_releases),
		cmocka_unit_test(credit_survives_the_ends_of_links),
		cmocka_unit_test(many_links_share_a_connection_both_ways),
		cmocka_unit_test(reasons_travel_with_a_link),
		cmocka_unit_test(an_error_from_the_reader_closes_the_connection),
		cmocka_unit_test(an_expelled_peer_hears_why),
		cmocka_unit_test(leaving_ends_links_gracefully),
		cmocka_unit_test(it_works_without_segmentation),
		cmocka_unit_test(an_idle_connection_is_reused_then_closed),
		cmocka_unit_test(a_message_above_the_limit_closes_with_413),
		cmocka_unit_test(a_first_message_of_groups_is_a_small_one),
		cmocka_unit_test(an_answer_after_the_peers_end_still_goes),
		cmocka_unit_test(credit_at_once_needs_no_consumer),
		cmocka_unit_test(leaving_from_inside_a_callback_works),
		cmocka_unit_test(a_blocked_socket_loses_nothing),
		cmocka_unit_test(a_link_that_ends_without_a_word_ends_well),
		cmocka_unit_test(a_link_of_which_beginning_and_end_are_lost_ends_well),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
