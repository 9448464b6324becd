/*
 * exchange_test.c - two catalogs are made equal: only what is missing travels, whatever the size, and neither bad
 * entries nor silent or hostile peers spoil it.
 */
#include "discovery/exchange.h"

#include "discovery/exchange_wire.h"
#include "harness.h"
#include "wire/cbor.h"
#include "wire/limits.h"

/* Entries of peers without addresses, in the catalog of member `index`; [first .. last). */
static void add_entries(struct world *world, size_t index, unsigned first, unsigned last)
{
	for (unsigned i = first; i < last; i++) {
		struct entry *entry = fake_entry(i, WALL_START, WALL_START);

		assert_int_equal(catalog_put(&world->member[index].catalog, world->now, entry), CATALOG_NEW);
		entry_drop(entry);
	}
}

static void ask(struct world *world, size_t from, size_t to)
{
	struct member *member = &world->member[from];
	struct dial dial = member_dial(to);

	member->out.protocol = PROTOCOL_CATALOG_SYNC;
	exchange_with(member->exchange, world->now, &dial, &member->out);
	member_settle(world, from);
}

static void assert_equal_catalogs(struct world *world, size_t a, size_t b)
{
	struct catalog_digest of_a = catalog_digest(&world->member[a].catalog, 0);
	struct catalog_digest of_b = catalog_digest(&world->member[b].catalog, 0);

	assert_true(catalog_digest_equal(&of_a, &of_b));
}

static void start_pair(struct world *world)
{
	world_init(world, 2);
	world_start(world, 0);
	world_start(world, 1);
}

static void one_round_makes_both_equal(void **state)
{
	struct world world;

	(void)state;
	start_pair(&world);
	add_entries(&world, 0, 100, 110);
	add_entries(&world, 0, 120, 130);
	add_entries(&world, 1, 110, 125);
	ask(&world, 0, 1);
	world_run(&world, 10 * LATENCY);
	assert_equal_catalogs(&world, 0, 1);
	assert_int_equal(world.member[0].catalog.live, 32);
	assert_int_equal(world.member[0].rounds_done, 1);
	assert_int_equal(world.member[0].rounds_failed, 0);
	world_fini(&world);
}

static void only_what_is_missing_travels(void **state)
{
	struct world world;
	uint64_t sent;

	(void)state;
	start_pair(&world);
	add_entries(&world, 0, 100, 400);
	add_entries(&world, 1, 100, 399);
	ask(&world, 0, 1);
	world_run(&world, 10 * LATENCY);
	assert_equal_catalogs(&world, 0, 1);
	sent = world.member[0].bytes_sent[PROTOCOL_CATALOG_SYNC];
	assert_in_range(sent, 200, 1200);   /* digest, buckets, one entry each way, our own */
	/* 64 sums, the lists of the buckets of three entries, one entry */
	assert_in_range(world.member[1].bytes_sent[PROTOCOL_CATALOG_SYNC], 64 * 8, 64 * 8 + 40 * 56 + 400);
	ask(&world, 0, 1);
	world_run(&world, 10 * LATENCY);
	assert_in_range(world.member[0].bytes_sent[PROTOCOL_CATALOG_SYNC] - sent, 20, 60);   /* equal: a digest */
	assert_int_equal(world.member[0].rounds_done, 2);
	world_fini(&world);
}

static void newer_versions_and_goodbyes_go_both_ways(void **state)
{
	struct entry *ours[2] = {fake_entry(100, 1, 5), fake_goodbye(101, 1, 1)};
	struct entry *theirs[2] = {fake_entry(100, 1, 4), fake_entry(101, 1, 1)};
	struct world world;
	struct version version;
	bool is_goodbye;

	(void)state;
	for (size_t asker = 0; asker < 2; asker++) {
		start_pair(&world);
		for (size_t i = 0; i < 2; i++) {
			catalog_put(&world.member[0].catalog, 0, ours[i]);
			catalog_put(&world.member[1].catalog, 0, theirs[i]);
		}
		ask(&world, asker, 1 - asker);
		world_run(&world, 10 * LATENCY);
		assert_equal_catalogs(&world, 0, 1);
		assert_true(catalog_version(&world.member[1].catalog, &ours[0]->card.peer, &version, &is_goodbye));
		assert_int_equal(version.update, 5);
		assert_false(world_knows(&world, 1, 101));
		world_fini(&world);
	}
	for (size_t i = 0; i < 2; i++) {
		entry_drop(ours[i]);
		entry_drop(theirs[i]);
	}
}

/* Who never heard of a peer does not fetch its goodbye, from neither side, and the catalogs count as equal. */
static void a_goodbye_of_a_stranger_stays_where_it_is(void **state)
{
	struct entry *goodbye = fake_goodbye(101, 1, 1);
	struct entry *other = fake_entry(102, 1, 1);
	struct world world;
	struct version version;
	bool is_goodbye;

	(void)state;
	for (size_t asker = 0; asker < 2; asker++) {
		start_pair(&world);
		catalog_put(&world.member[0].catalog, 0, goodbye);
		catalog_put(&world.member[0].catalog, 0, other);
		ask(&world, asker, 1 - asker);
		world_run(&world, 10 * LATENCY);
		assert_equal_catalogs(&world, 0, 1);
		assert_true(world_knows(&world, 1, 102));
		assert_false(catalog_version(&world.member[1].catalog, &goodbye->card.peer, &version, &is_goodbye));
		world_fini(&world);
	}
	entry_drop(goodbye);
	entry_drop(other);
}

/* More than a frame of heads and many frames of entries, both ways at once. */
static void large_catalogs_are_cut_into_frames(void **state)
{
	struct world world;

	(void)state;
	start_pair(&world);
	add_entries(&world, 0, 1000, 8000);
	add_entries(&world, 1, 6000, 9000);
	ask(&world, 1, 0);
	world_run(&world, 2000);
	assert_equal_catalogs(&world, 0, 1);
	assert_int_equal(world.member[1].catalog.live, 8002);
	assert_true(world.member[0].messages_sent[PROTOCOL_CATALOG_SYNC] > 15);
	assert_true(world.member[0].largest_sent <= FRAME_CATALOG_MAX);
	world_fini(&world);
}

static void a_guest_lists_everybody_with_age_and_rtt(void **state)
{
	struct world world;
	struct keypair far = fake_pair(100);
	struct entry *goodbye = fake_goodbye(5000, 1, 1);
	const struct catalog_peer *peer;

	(void)state;
	world_init(&world, 2);
	world.member[0].is_guest = true;
	world_start(&world, 0);
	world_start(&world, 1);
	add_entries(&world, 1, 100, 3100);
	catalog_set_rtt(&world.member[1].catalog, &far.public_key, 777);
	catalog_put(&world.member[1].catalog, 0, goodbye);
	entry_drop(goodbye);
	world_run(&world, 40000);
	ask(&world, 0, 1);
	world_run(&world, 500);
	assert_int_equal(world.member[0].rounds_done, 1);
	assert_int_equal(world.member[0].catalog.live, 3001);   /* the member itself, not the guest */
	peer = catalog_find(&world.member[0].catalog, &far.public_key);
	assert_int_equal(peer->rtt_us, 777);
	assert_in_range(peer->heard_at, 0, 100);   /* 40 s ago, as the member heard it */
	assert_false(world_knows(&world, 1, 0));
	/* Nobody can ask a guest. */
	ask(&world, 1, 0);
	world_run(&world, 500);
	assert_int_equal(world.member[1].rounds_failed, 1);
	world_fini(&world);
}

static bool again(struct world *world, size_t guest)
{
	struct member *member = &world->member[guest];
	bool began;

	member->out.protocol = PROTOCOL_CATALOG_SYNC;
	began = exchange_again(member->exchange, world->now, &member->out);
	member_settle(world, guest);
	world_run(world, 10 * LATENCY);
	return began;
}

/* Only the first answer is everything; then what changed travels, departures and what was forgotten included. */
static void a_guest_that_stays_hears_of_changes_only(void **state)
{
	struct keypair gone = fake_pair(105), forgotten = fake_pair(107);
	struct entry *goodbye = fake_goodbye(105, WALL_START, WALL_START);
	struct world world;
	uint64_t sent;

	(void)state;
	world_init(&world, 2);
	world.member[0].is_guest = true;
	world_start(&world, 0);
	world_start(&world, 1);
	add_entries(&world, 1, 100, 400);
	exchange_keep(world.member[0].exchange);
	assert_false(again(&world, 0));   /* nobody was asked yet */
	ask(&world, 0, 1);
	world_run(&world, 10 * LATENCY);
	assert_int_equal(world.member[0].catalog.live, 301);
	sent = world.member[1].bytes_sent[PROTOCOL_CATALOG_SYNC];
	assert_true(again(&world, 0));
	assert_int_equal(world.member[1].bytes_sent[PROTOCOL_CATALOG_SYNC] - sent, 2);   /* [2] */
	assert_int_equal(catalog_put(&world.member[1].catalog, world.now, goodbye), CATALOG_LEFT);
	entry_drop(goodbye);
	catalog_forget(&world.member[1].catalog, world.now, &forgotten.public_key);
	add_entries(&world, 1, 400, 403);
	assert_true(again(&world, 0));
	assert_int_equal(world.member[0].catalog.live, 302);
	assert_null(catalog_find(&world.member[0].catalog, &gone.public_key));
	assert_null(catalog_find(&world.member[0].catalog, &forgotten.public_key));
	assert_equal_catalogs(&world, 0, 1);
	assert_int_equal(world.member[0].rounds_done, 3);
	assert_int_equal(world.member[1].catalog.live, 302);   /* a guest gives nothing */
	world_fini(&world);
}

static void a_kept_link_that_ends_is_no_link(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 2);
	world.member[0].is_guest = true;
	world_start(&world, 0);
	world_start(&world, 1);
	exchange_keep(world.member[0].exchange);
	ask(&world, 0, 1);
	world_run(&world, 10 * LATENCY);
	world_kill(&world, 1);
	assert_true(again(&world, 0));
	assert_false(again(&world, 0));   /* the answer is still due */
	world_run(&world, 2 * SILENCE);
	assert_int_equal(world.member[0].rounds_failed, 1);
	assert_false(again(&world, 0));
	world_fini(&world);
}

static void a_dial_that_fails_is_told(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 2);
	world_start(&world, 0);
	ask(&world, 0, 1);
	world_run(&world, 100);
	assert_int_equal(world.member[0].rounds_failed, 1);
	assert_int_equal(world.member[0].rounds_done, 0);
	world_fini(&world);
}

/* Both ask each other in the same instant: the entries go over the line once, and both are told of the end. */
static void rounds_that_cross_do_the_work_once(void **state)
{
	struct world world;
	uint64_t entries;

	(void)state;
	start_pair(&world);
	add_entries(&world, 0, 100, 1100);
	ask(&world, 0, 1);
	ask(&world, 1, 0);
	world_run(&world, 100);
	assert_equal_catalogs(&world, 0, 1);
	assert_true(world.member[0].rounds_done > 0);
	assert_true(world.member[1].rounds_done > 0);
	entries = world.member[0].bytes_sent[PROTOCOL_CATALOG_SYNC] + world.member[1].bytes_sent[PROTOCOL_CATALOG_SYNC];
	assert_in_range(entries, 1000 * 180, 1000 * 380);
	world_fini(&world);
}

static void a_round_that_stalls_is_given_up(void **state)
{
	struct world world;

	(void)state;
	start_pair(&world);
	add_entries(&world, 1, 100, 110);
	ask(&world, 0, 1);
	world_run(&world, 2 * LATENCY + 1);   /* the question is on its way */
	for (size_t i = 0; i < world.wire_count; i++)
		world.wire[i].is_cut = true;      /* and nobody will ever say so */
	world_run(&world, EXCHANGE_STALL - 10);
	assert_int_equal(world.member[0].rounds_failed, 0);
	world_run(&world, 20);
	assert_int_equal(world.member[0].rounds_failed, 1);
	world_fini(&world);
}

static void neighbours_are_visited_again_and_again(void **state)
{
	struct world world;

	(void)state;
	start_pair(&world);
	world_bootstrap(&world, 0, 1);
	world_run(&world, 1000);
	for (unsigned i = 0; i < 5; i++) {
		add_entries(&world, i % 2, 100 + i, 101 + i);
		world_run(&world, EXCHANGE_INTERVAL_MAX + 10 * LATENCY);
		assert_equal_catalogs(&world, 0, 1);
	}
	world_fini(&world);
}

/* An entry that its owner abandoned is told with its age, so it ends for the hearer when it ends for the teller. */
static void age_travels_with_an_entry(void **state)
{
	struct world world;
	struct keypair pair = fake_pair(100);
	msec early;

	(void)state;
	start_pair(&world);
	add_entries(&world, 0, 100, 101);
	world_run(&world, 200000);
	ask(&world, 1, 0);
	world_run(&world, 100);
	early = catalog_find(&world.member[1].catalog, &pair.public_key)->heard_at;
	assert_in_range(early, 0, 20);
	world_run(&world, 85000);
	assert_true(world_knows(&world, 1, 100));
	world_fini(&world);
}

static void the_fading_are_no_news(void **state)
{
	struct world world;

	(void)state;
	start_pair(&world);
	add_entries(&world, 0, 100, 101);
	world_run(&world, CATALOG_PURGE_AFTER - 20000);
	ask(&world, 1, 0);
	world_run(&world, 100);
	assert_true(world.member[1].rounds_done > 0);
	assert_true(world_knows(&world, 0, 100));
	assert_false(world_knows(&world, 1, 100));
	world_fini(&world);
}

/* --- one machine, and a peer that says what it likes --- */

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
		cmocka_unit_test(one_round_makes_both_equal),
		cmocka_unit_test(only_what_is_missing_travels),
		cmocka_unit_test(newer_versions_and_goodbyes_go_both_ways),
		cmocka_unit_test(a_goodbye_of_a_stranger_stays_where_it_is),
		cmocka_unit_test(large_catalogs_are_cut_into_frames),
		cmocka_unit_test(a_guest_lists_everybody_with_age_and_rtt),
		cmocka_unit_test(a_guest_that_stays_hears_of_changes_only),
		cmocka_unit_test(a_kept_link_that_ends_is_no_link),
		cmocka_unit_test(a_dial_that_fails_is_told),
		cmocka_unit_test(rounds_that_cross_do_the_work_once),
		cmocka_unit_test(a_round_that_stalls_is_given_up),
		cmocka_unit_test(neighbours_are_visited_again_and_again),
		cmocka_unit_test(age_travels_with_an_entry),
		cmocka_unit_test(the_fading_are_no_news),
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
