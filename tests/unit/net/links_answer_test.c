/*
 * links_answer_test.c - when what came is acknowledged. On the clock of the machine: the bounds are those of a busy one.
 */
#include "pair.h"

#include <dlfcn.h>
#include <limits.h>
#include <ngtcp2/ngtcp2.h>

#define MESSAGE 50
#define ANSWER_BYTES 4096            /* as in net/quic_connection.c */
#define DELAY_OF_THE_STANDARD 25     /* msec: max_ack_delay */

typedef __typeof__(ngtcp2_conn_get_max_data_left) asker;

static unsigned attempts;   /* at a packet: the window is asked for before each call of ngtcp2 that may write one */

/* In front of the library's. */
uint64_t ngtcp2_conn_get_max_data_left(ngtcp2_conn *conn)
{
	void *symbol = dlsym(RTLD_NEXT, "ngtcp2_conn_get_max_data_left");
	asker *library;

	assert_non_null(symbol);
	memcpy(&library, &symbol, sizeof library);
	attempts++;
	return library(conn);
}

static struct side *linked(struct pair *pair, link_id *id)
{
	pair_init(pair);
	struct side *a = pair_add(pair, "a", "net", "127.0.0.1:0", NULL);
	struct side *b = pair_add(pair, "b", "net", "127.0.0.1:0", NULL);
	struct dial dial = dial_to(b);

	*id = connect_to(a, PROTOCOL_STREAMS, &dial);
	links_send(a->links, *id, message_of(MESSAGE));
	UNTIL(pair, b->note_count == 1 && b->note[0].received == 1 && note_of(a, *id)->sent_bytes == MESSAGE);
	return b;
}

/* One after the other, so that each is a packet: a packet back for each would wake whoever sends, for nothing. */
static void small_messages_are_acknowledged_together(void **state)
{
	enum { COUNT = 500 };
	struct pair pair;
	link_id id;

	(void)state;
	struct side *b = linked(&pair, &id), *a = &pair.side[0];
	uint64_t before = links_count(b->links)->packets_sent, bytes = links_count(b->links)->bytes_received, began = uv_hrtime();
	for (size_t i = 1; i <= COUNT; i++) {
		links_send(a->links, id, message_of(MESSAGE));
		UNTIL(&pair, b->note[0].received == 1 + i);
	}
	uint64_t answers = links_count(b->links)->packets_sent - before;
	bytes = links_count(b->links)->bytes_received - bytes;
	assert_true(answers <= (uv_hrtime() - began) / NSEC_PER_MSEC + bytes / ANSWER_BYTES + 10);
	pair_fini(&pair);
}

static void a_lone_message_is_acknowledged_soon(void **state)
{
	uint64_t least = UINT64_MAX;
	struct pair pair;
	link_id id;

	(void)state;
	struct side *b = linked(&pair, &id), *a = &pair.side[0];
	for (size_t i = 2; i < 30; i++) {
		uint64_t began = uv_hrtime();

		links_send(a->links, id, message_of(MESSAGE));
		UNTIL(&pair, note_of(a, id)->sent_bytes == i * MESSAGE);
		uint64_t took = (uv_hrtime() - began) / NSEC_PER_MSEC;
		least = took < least ? took : least;
	}
	assert_int_equal(b->note[0].received, 29);
	assert_true(least < DELAY_OF_THE_STANDARD / 2);
	pair_fini(&pair);
}

/* Not a second one to hear that the first packet holds all there is. */
static void a_small_message_takes_one_attempt(void **state)
{
	unsigned least = UINT_MAX;
	struct pair pair;
	link_id id;

	(void)state;
	struct side *b = linked(&pair, &id), *a = &pair.side[0];
	for (size_t i = 2; i < 30; i++) {
		unsigned before = attempts;

		links_send(a->links, id, message_of(MESSAGE));
		links_flush(a->links);
		least = attempts - before < least ? attempts - before : least;   /* more where a timer is due as well */
		UNTIL(&pair, b->note[0].received == i);
	}
	assert_int_equal(least, 1);
	pair_fini(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_messages_are_acknowledged_together),
		cmocka_unit_test(a_lone_message_is_acknowledged_soon),
		cmocka_unit_test(a_small_message_takes_one_attempt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
