/*
 * exchange_solo_test.c - one exchange machine, and a peer that says what it likes.
 */
#include "discovery/exchange.h"

#include "discovery/exchange_wire.h"
#include "fake.h"
#include "wire/limits.h"

#include <string.h>

#define WALL_START 1700000000000

struct solo {
	struct catalog catalog;
	struct keypair pair;
	struct exchange *exchange;
	struct outbox out;
	struct link link;
};

#define ASKED 2     /* a link we opened */
#define ACCEPTED 1

static void solo_init(struct solo *solo, link_id link)
{
	struct id network = fake_network();

	memset(solo, 0, sizeof(*solo));
	solo->pair = fake_pair(0);
	solo->link = (struct link){.id = link, .peer = fake_pair(7).public_key};
	catalog_init(&solo->catalog, &network, &solo->pair.public_key, &fake_crypto, NULL);
	solo->exchange = exchange_new(&(struct exchange_options){.catalog = &solo->catalog, .seed = 1}, 0);
	if (link == ASKED)
		assert_int_equal(
			exchange_with(solo->exchange, 0, &(struct dial){.peer = solo->link.peer}, &solo->out), ASKED);
	exchange_ops.linked(solo->exchange, 0, &solo->link, &solo->out);
}

static void solo_fini(struct solo *solo)
{
	exchange_free(solo->exchange);
	catalog_fini(&solo->catalog);
	outbox_fini(&solo->out);
}

static enum error hear(struct solo *solo, struct blob *message)
{
	enum error error = exchange_ops.receive(solo->exchange, 1, solo->link.id, message, &solo->out);

	exchange_ops.check(solo->exchange);
	catalog_check(&solo->catalog);
	blob_drop(message);
	return error;
}

/* The next message we sent. */
static struct blob *say(struct solo *solo)
{
	struct blob *message = NULL;
	struct effect effect;

	while (message == NULL && outbox_next(&solo->out, &effect)) {
		if (effect.kind == EFFECT_SEND)
			message = blob_keep(effect.payload);
		effect_drop(&effect);
	}
	assert_non_null(message);
	return message;
}

/* Its kind. */
static unsigned said(struct solo *solo)
{
	struct blob *blob = say(solo);
	struct exchange_message message;

	assert_int_equal(exchange_wire_decode(blob_bytes(blob), &message), OK);
	exchange_wire_fini(&message);
	blob_drop(blob);
	return message.kind;
}

static struct blob *digest(const char *text)
{
	struct catalog_digest digest = {{strlen(text), 1}};

	return exchange_wire_digest(0, &digest, 1);
}

static struct blob *entries(enum exchange_kind kind, struct entry *entry, bool more)
{
	struct exchange_frame frame = {.kind = kind};

	if (entry != NULL)
		exchange_wire_put_entry(&frame, blob_bytes(entry->signed_bytes), 1, 0);
	entry_drop(entry);
	return exchange_wire_close(&frame, more);
}

static struct blob *want(void)
{
	struct exchange_frame frame = {.kind = EXCHANGE_WANT};

	return exchange_wire_close(&frame, false);
}

static void what_does_not_belong_is_refused(void **state)
{
	struct solo solo;

	(void)state;
	solo_init(&solo, ACCEPTED);
	assert_int_equal(hear(&solo, exchange_wire_plain(EXCHANGE_EQUAL)), ERROR_MALFORMED);
	assert_int_equal(hear(&solo, want()), ERROR_MALFORMED);
	assert_int_equal(hear(&solo, entries(EXCHANGE_GIVE, NULL, false)), ERROR_MALFORMED);
	assert_int_equal(hear(&solo, entries(EXCHANGE_ALL, NULL, false)), ERROR_MALFORMED);
	assert_int_equal(hear(&solo, blob_copy(bytes_of_text("\x81\x0a"))), ERROR_MALFORMED);
	assert_int_equal(hear(&solo, blob_copy(bytes_of_text("\x81\x02\x00"))), ERROR_MALFORMED);
	assert_int_equal(hear(&solo, digest("other")), OK);
	assert_int_equal(said(&solo), EXCHANGE_LIST);
	assert_int_equal(hear(&solo, digest("other")), ERROR_MALFORMED);      /* in the middle of a round */
	assert_int_equal(hear(&solo, exchange_wire_plain(EXCHANGE_ASK_ALL)), ERROR_MALFORMED);
	assert_int_equal(hear(&solo, want()), OK);
	assert_int_equal(said(&solo), EXCHANGE_GIVE);
	assert_int_equal(hear(&solo, want()), ERROR_MALFORMED);               /* twice */
	assert_int_equal(hear(&solo, entries(EXCHANGE_GIVE, NULL, false)), OK);
	assert_int_equal(hear(&solo, entries(EXCHANGE_GIVE, NULL, false)), ERROR_MALFORMED);
	assert_int_equal(hear(&solo, digest("other")), OK);                    /* the next round */
	solo_fini(&solo);
	solo_init(&solo, ASKED);
	assert_int_equal(said(&solo), EXCHANGE_DIGEST);
	assert_int_equal(hear(&solo, digest("other")), ERROR_MALFORMED);      /* who opened the link asks */
	assert_int_equal(hear(&solo, entries(EXCHANGE_ALL, NULL, false)), ERROR_MALFORMED);   /* we are no guest */
	solo_fini(&solo);
}

static void fill(struct solo *solo, unsigned first, unsigned end)
{
	for (unsigned i = first; i < end; i++) {
		struct entry *entry = fake_entry(i, WALL_START, WALL_START);

		assert_int_equal(catalog_put(&solo->catalog, 0, entry), CATALOG_NEW);
		entry_drop(entry);
	}
}

static struct blob *differ(unsigned bits, int open)
{
	struct exchange_scope scope = {.bits = bits};

	if (open >= 0)
		scope.open[open / 8] = (uint8_t)(1u << open % 8);
	return exchange_wire_differ(&scope);
}

static struct blob *question_of_many(void)
{
	return exchange_wire_digest(0, &(struct catalog_digest){{1, 2}}, 1000);
}

static void sums_say_where_to_look(void **state)
{
	struct exchange_message sums, list;
	struct blob *said_list;
	struct solo solo;

	(void)state;
	solo_init(&solo, ACCEPTED);
	fill(&solo, 100, 600);
	assert_int_equal(hear(&solo, differ(6, 1)), ERROR_MALFORMED);         /* nobody asked */
	assert_int_equal(hear(&solo, question_of_many()), OK);
	struct blob *said_sums = say(&solo);
	assert_int_equal(exchange_wire_decode(blob_bytes(said_sums), &sums), OK);
	assert_int_equal(sums.kind, EXCHANGE_SUMS);
	assert_int_equal(sums.scope.bits, 6);
	assert_int_equal(sums.sums.size, 64 * 8);
	assert_int_equal(hear(&solo, question_of_many()), ERROR_MALFORMED);   /* in the middle of a round */
	assert_int_equal(hear(&solo, differ(5, 1)), ERROR_MALFORMED);         /* of what was not summed up */
	assert_int_equal(hear(&solo, differ(6, 17)), OK);
	said_list = say(&solo);
	assert_int_equal(exchange_wire_decode(blob_bytes(said_list), &list), OK);
	assert_int_equal(list.kind, EXCHANGE_LIST);
	assert_in_range(list.item_count, 1, 30);
	for (size_t i = 0; i < list.item_count; i++)
		assert_int_equal(list.item[i].id.byte[0] >> 2, 17);
	exchange_wire_fini(&list);
	blob_drop(said_list);
	blob_drop(said_sums);
	solo_fini(&solo);
}

/* What was missing came by another way while the sums were on theirs. */
static void no_bucket_that_differs_is_the_end_of_the_round(void **state)
{
	uint64_t ours[1 << 5];
	struct exchange_fact fact;
	struct solo solo;

	(void)state;
	solo_init(&solo, ACCEPTED);
	fill(&solo, 100, 150);
	catalog_sums(&solo.catalog, 0, 5, ours);
	assert_int_equal(hear(&solo, exchange_wire_sums(5, ours)), ERROR_MALFORMED);   /* who opened the link asks */
	assert_int_equal(hear(&solo, question_of_many()), OK);
	assert_int_equal(said(&solo), EXCHANGE_SUMS);
	assert_int_equal(hear(&solo, differ(5, -1)), OK);
	assert_int_equal(hear(&solo, question_of_many()), OK);                /* the next round */
	solo_fini(&solo);
	solo_init(&solo, ASKED);
	assert_int_equal(said(&solo), EXCHANGE_DIGEST);
	catalog_sums(&solo.catalog, 0, 5, ours);
	assert_int_equal(hear(&solo, exchange_wire_sums(5, ours)), OK);
	assert_int_equal(said(&solo), EXCHANGE_DIFFER);
	assert_true(exchange_next_fact(solo.exchange, &fact));
	assert_int_equal(fact.kind, EXCHANGE_DONE);
	solo_fini(&solo);
}

static void bucket_sets_have_the_size_that_they_say(void **state)
{
	struct exchange_message message;

	(void)state;
	assert_int_equal(exchange_wire_decode(bytes_of("\x83\x09\x03\x41\x01", 5), &message), OK);
	assert_int_equal(message.scope.bits, 3);
	assert_int_equal(exchange_wire_decode(bytes_of("\x83\x09\x04\x41\x01", 5), &message), ERROR_MALFORMED);
	assert_int_equal(exchange_wire_decode(bytes_of("\x83\x09\x02\x41\x01", 5), &message), ERROR_MALFORMED);
	assert_int_equal(exchange_wire_decode(bytes_of("\x83\x09\x0b\x41\x01", 5), &message), ERROR_MALFORMED);
	assert_int_equal(exchange_wire_decode(bytes_of("\x83\x08\x03\x41\x01", 5), &message), ERROR_MALFORMED);
	assert_int_equal(exchange_wire_decode(bytes_of("\x84\x01\x00\x41\x01\x00", 6), &message), ERROR_MALFORMED);
}

static void lists_must_ascend_also_over_frames(void **state)
{
	struct exchange_frame frame = {.kind = EXCHANGE_LIST};
	struct entry_label head = {.peer = {{5}}, .version = {1, 1}};
	struct solo solo;
	struct exchange_message message;
	struct blob *blob;

	(void)state;
	exchange_wire_put_head(&frame, &head);
	exchange_wire_put_head(&frame, &head);
	blob = exchange_wire_close(&frame, false);
	assert_int_equal(exchange_wire_decode(blob_bytes(blob), &message), ERROR_MALFORMED);
	blob_drop(blob);
	solo_init(&solo, ASKED);
	frame = (struct exchange_frame){.kind = EXCHANGE_LIST};
	exchange_wire_put_head(&frame, &head);
	assert_int_equal(hear(&solo, exchange_wire_close(&frame, true)), OK);
	assert_int_equal(hear(&solo, entries(EXCHANGE_GIVE, NULL, false)), OK);
	frame = (struct exchange_frame){.kind = EXCHANGE_LIST};
	exchange_wire_put_head(&frame, &head);
	assert_int_equal(hear(&solo, exchange_wire_close(&frame, false)), ERROR_MALFORMED);
	solo_fini(&solo);
}

/* A frame that brings nothing and promises more could go on for ever. */
static void promises_without_items_are_refused(void **state)
{
	struct exchange_message message;

	(void)state;
	assert_int_equal(exchange_wire_decode(bytes_of("\x83\x05\x80\xf5", 4), &message), ERROR_MALFORMED);
	assert_int_equal(exchange_wire_decode(bytes_of("\x83\x05\x80\xf4", 4), &message), OK);
	exchange_wire_fini(&message);
	assert_int_equal(exchange_wire_decode(bytes_of("\x83\x03\x80\xf5", 4), &message), ERROR_MALFORMED);
}

static void a_bad_entry_spoils_no_other(void **state)
{
	struct exchange_frame frame = {.kind = EXCHANGE_GIVE};
	struct entry *good[2] = {fake_entry(11, 1, 1), fake_entry(12, 1, 1)};
	struct entry *forged = fake_entry(13, 1, 1);
	struct exchange_fact fact;
	struct solo solo;
	unsigned news = 0;

	(void)state;
	solo_init(&solo, ACCEPTED);
	assert_int_equal(hear(&solo, digest("other")), OK);
	forged->signed_bytes->data[forged->signed_bytes->end - 1] ^= 1;
	exchange_wire_put_entry(&frame, blob_bytes(good[0]->signed_bytes), 0, 0);
	exchange_wire_put_entry(&frame, bytes_of_text("no entry at all"), 0, 0);
	exchange_wire_put_entry(&frame, blob_bytes(forged->signed_bytes), 0, 0);
	exchange_wire_put_entry(&frame, blob_bytes(good[1]->signed_bytes), 0, 0);
	assert_int_equal(hear(&solo, exchange_wire_close(&frame, false)), OK);
	assert_int_equal(solo.catalog.live, 2);
	assert_int_equal(solo.catalog.entries_refused, 2);
	assert_true(exchange_next_fact(solo.exchange, &fact));
	assert_int_equal(fact.kind, EXCHANGE_ASKED);
	assert_true(id_equal(&fact.peer, &solo.link.peer));
	while (exchange_next_fact(solo.exchange, &fact)) {
		assert_int_equal(fact.kind, EXCHANGE_NEWS);
		assert_true(id_equal(&fact.peer, &solo.link.peer));
		entry_drop(fact.news);
		news++;
	}
	assert_int_equal(news, 2);
	for (size_t i = 0; i < 2; i++)
		entry_drop(good[i]);
	entry_drop(forged);
	solo_fini(&solo);
}

/* Bytes of the messages that wait in the outbox; drops them. */
static size_t drain(struct solo *solo)
{
	struct effect effect;
	size_t size = 0;

	while (outbox_next(&solo->out, &effect)) {
		if (effect.kind == EFFECT_SEND)
			size += blob_size(effect.payload);
		effect_drop(&effect);
	}
	return size;
}

/* Who lets us answer without end and acknowledges nothing is sent away before it costs much memory. */
static void a_peer_that_acknowledges_nothing_is_sent_away(void **state)
{
	struct solo solo;
	enum error error = OK;
	struct exchange_fact fact;
	struct blob *question;
	struct catalog_digest equal;
	size_t sent = 0;

	(void)state;
	solo_init(&solo, ACCEPTED);
	equal = catalog_digest(&solo.catalog, 0);
	question = exchange_wire_digest(0, &equal, 0);
	for (unsigned i = 0; error == OK && i < LINK_OUTSTANDING_MAX; i++) {
		error = exchange_ops.receive(solo.exchange, 1, ACCEPTED, question, &solo.out);
		sent += drain(&solo);
		while (exchange_next_fact(solo.exchange, &fact))
			assert_int_equal(fact.kind, EXCHANGE_ASKED);
	}
	assert_int_equal(error, ERROR_TOO_SLOW);
	assert_in_range(sent, MIB, LINK_OUTSTANDING_MAX);
	blob_drop(question);
	solo_fini(&solo);
}

/* The window is full: the rest waits for acknowledgements. */
static void entries_wait_for_room_on_the_line(void **state)
{
	struct solo solo;
	size_t sent;
	size_t total = 0;

	(void)state;
	solo_init(&solo, ACCEPTED);
	for (unsigned i = 0; i < 10000; i++) {
		struct entry *entry = fake_entry(100 + i, WALL_START, WALL_START);

		total += blob_size(entry->signed_bytes);
		catalog_put(&solo.catalog, 0, entry);
		entry_drop(entry);
	}
	assert_int_equal(hear(&solo, exchange_wire_plain(EXCHANGE_ASK_ALL)), OK);
	sent = drain(&solo);
	assert_in_range(sent, MIB, MIB + 64 * KIB);
	while (sent > 0) {
		total -= sent < total ? sent : total;
		exchange_ops.sent(solo.exchange, ACCEPTED, sent, &solo.out);
		sent = drain(&solo);
		assert_true(sent <= MIB + 64 * KIB);
	}
	assert_int_equal(total, 0);
	solo_fini(&solo);
}

static void accepted_links_are_bounded(void **state)
{
	struct solo solo;
	struct effect effect;
	unsigned refused = 0;

	(void)state;
	solo_init(&solo, ACCEPTED);
	for (link_id id = 3; id < 3 + 2 * EXCHANGE_ACCEPTED_PEER_MAX; id += 2)
		exchange_ops.linked(solo.exchange, 0, &(struct link){.id = id, .peer = solo.link.peer}, &solo.out);
	while (outbox_next(&solo.out, &effect)) {
		assert_int_equal(effect.kind, EFFECT_CLOSE);
		assert_int_equal(effect.reason, ERROR_NO_CAPACITY);
		refused++;
	}
	assert_int_equal(refused, 1);
	solo_fini(&solo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_belong_is_refused),
		cmocka_unit_test(sums_say_where_to_look),
		cmocka_unit_test(no_bucket_that_differs_is_the_end_of_the_round),
		cmocka_unit_test(bucket_sets_have_the_size_that_they_say),
		cmocka_unit_test(lists_must_ascend_also_over_frames),
		cmocka_unit_test(promises_without_items_are_refused),
		cmocka_unit_test(a_bad_entry_spoils_no_other),
		cmocka_unit_test(a_peer_that_acknowledges_nothing_is_sent_away),
		cmocka_unit_test(entries_wait_for_room_on_the_line),
		cmocka_unit_test(accepted_links_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
