/*
 * doubts_test.c - one announce machine and one neighbour that the test plays: what counts as a sign of life, and what
 * becomes of what others suspect.
 */
#include "discovery/announce.h"

#include "discovery/announce_wire.h"
#include "discovery/suspicion.h"
#include "fake.h"

#define WALL 1700000000000
#define LINK 1
#define NEIGHBOUR 1
#define ACCUSED 2
#define QUIET_JITTER (ANNOUNCE_QUIET * ANNOUNCE_QUIET_JITTER / 100)
#define QUIET_MAX (ANNOUNCE_QUIET + QUIET_JITTER + ANNOUNCE_QUIET_SPOKE)   /* msec until somebody is pinged */

struct solo {
	struct catalog catalog;
	struct keypair pair;
	struct announce *announce;
	struct outbox out;
	msec now;
	size_t pings;            /* sent */
};

static void solo_init(struct solo *solo)
{
	struct id network = fake_network();
	struct entry *entries[] = {fake_entry(NEIGHBOUR, WALL, WALL), fake_entry(ACCUSED, WALL, WALL)};

	memset(solo, 0, sizeof(*solo));
	solo->pair = fake_pair(0);
	solo->now = 1000;
	catalog_init(&solo->catalog, &network, &solo->pair.public_key, &fake_crypto, NULL);
	solo->announce = announce_new(&(struct announce_options){.catalog = &solo->catalog, .identity = &solo->pair,
		.crypto = &fake_crypto, .seed = 1}, solo->now, WALL);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(catalog_put(&solo->catalog, solo->now, entries[i]), CATALOG_NEW);
		entry_drop(entries[i]);
	}
	announce_ops.linked(solo->announce, solo->now,
		&(struct link){.id = LINK, .peer = fake_pair(NEIGHBOUR).public_key}, &solo->out);
}

static void solo_fini(struct solo *solo)
{
	announce_free(solo->announce);
	catalog_fini(&solo->catalog);
	outbox_fini(&solo->out);
}

static void carry_out(struct solo *solo)
{
	struct announce_message message;
	struct effect effect;

	while (outbox_next(&solo->out, &effect)) {
		if (effect.kind == EFFECT_SEND && effect.link == LINK) {
			assert_int_equal(announce_wire_get(blob_bytes(effect.payload), &message), OK);
			solo->pings += message.kind == ANNOUNCE_PING;
		}
		effect_drop(&effect);
	}
	announce_ops.check(solo->announce);
}

static void say(struct solo *solo, const struct announce_message *message)
{
	struct blob *blob = announce_wire_put(message);

	assert_int_equal(announce_ops.receive(solo->announce, solo->now, LINK, blob, &solo->out), OK);
	blob_drop(blob);
	carry_out(solo);
}

/* As a driver would: it ticks when the deadline has come, and only then. */
static void until(struct solo *solo, msec then)
{
	while (announce_ops.deadline(solo->announce) <= then) {
		msec due = announce_ops.deadline(solo->announce);

		solo->now = due > solo->now ? due : solo->now + 1;
		announce_ops.tick(solo->announce, solo->now, &solo->out);
		carry_out(solo);
	}
	solo->now = then;
}

static const struct announce_message ping = {.kind = ANNOUNCE_PING};

/* The neighbour asks so often that we never have to. */
static void listen_for(struct solo *solo, msec span)
{
	for (msec end = solo->now + span; solo->now < end;) {
		until(solo, solo->now + 100);
		say(solo, &ping);
	}
}

static void accuse(struct solo *solo)
{
	struct announce_message suspicion = {.kind = ANNOUNCE_SUSPECT};

	suspicion.id.peer = fake_pair(ACCUSED).public_key;
	suspicion.id.version = (struct version){WALL, WALL};
	say(solo, &suspicion);
}

static bool is_listed(const struct solo *solo, unsigned number)
{
	struct id peer = fake_pair(number).public_key;

	return catalog_find(&solo->catalog, &peer) != NULL;
}

static void a_node_that_is_only_asked_remembers_suspicions(void **state)
{
	struct solo solo;

	(void)state;
	solo_init(&solo);
	listen_for(&solo, 5000);
	assert_int_equal(solo.pings, 0);
	accuse(&solo);
	listen_for(&solo, SUSPICION_REFUTE - 200);
	assert_true(is_listed(&solo, ACCUSED));
	listen_for(&solo, 300);
	assert_false(is_listed(&solo, ACCUSED));
	assert_int_equal(announce_count(solo.announce).deaths, 1);
	solo_fini(&solo);
}

static void who_was_away_gives_the_accused_their_time_once_more(void **state)
{
	struct solo solo;

	(void)state;
	solo_init(&solo);
	listen_for(&solo, 2000);
	accuse(&solo);
	solo.now += 60000;   /* stopped, or suspended */
	say(&solo, &ping);
	listen_for(&solo, SUSPICION_REFUTE - 200);
	assert_true(is_listed(&solo, ACCUSED));
	listen_for(&solo, 300);
	assert_false(is_listed(&solo, ACCUSED));
	solo_fini(&solo);
}

static void await_ping(struct solo *solo, msec within)
{
	size_t before = solo->pings;

	for (msec ms = 0; ms < within && solo->pings == before; ms++)
		until(solo, solo->now + 1);
	assert_int_equal(solo->pings, before + 1);
}

static void an_acknowledgement_is_a_sign_of_life(void **state)
{
	struct solo solo;

	(void)state;
	solo_init(&solo);
	for (int i = 0; i < 5; i++) {
		await_ping(&solo, QUIET_MAX);
		announce_ops.sent(solo.announce, LINK, 1, &solo.out);
		carry_out(&solo);
	}
	assert_int_equal(announce_count(solo.announce).doubts, 0);
	until(&solo, solo.now + QUIET_MAX + ANNOUNCE_ANSWER + 1);
	assert_int_equal(announce_count(solo.announce).doubts, 1);
	solo_fini(&solo);
}

/* Two who hear the same at the same time: one of them pings, and the other one next time. */
static void who_was_spoken_to_pings_first(void **state)
{
	msec spoken_to = ANNOUNCE_QUIET + QUIET_JITTER, spoke = ANNOUNCE_QUIET - QUIET_JITTER + ANNOUNCE_QUIET_SPOKE;
	struct solo solo;

	(void)state;
	assert_true(spoken_to < spoke);
	solo_init(&solo);
	say(&solo, &ping);
	await_ping(&solo, spoken_to);
	announce_ops.sent(solo.announce, LINK, 1, &solo.out);
	until(&solo, solo.now + spoke - 1);
	assert_int_equal(solo.pings, 1);
	say(&solo, &ping);
	await_ping(&solo, spoken_to);
	solo_fini(&solo);
}

static void what_is_heard_elsewhere_is_a_sign_of_life(void **state)
{
	struct id neighbour = fake_pair(NEIGHBOUR).public_key, stranger = fake_pair(ACCUSED).public_key;
	struct solo solo;

	(void)state;
	solo_init(&solo);
	for (int i = 0; i < 50; i++) {
		until(&solo, solo.now + 100);
		announce_heard(solo.announce, solo.now, &stranger, &solo.out);
		announce_heard(solo.announce, solo.now, &neighbour, &solo.out);
		carry_out(&solo);
	}
	assert_int_equal(solo.pings, 0);
	await_ping(&solo, QUIET_MAX);
	/* Also while an answer is awaited. */
	announce_heard(solo.announce, solo.now, &neighbour, &solo.out);
	until(&solo, solo.now + ANNOUNCE_ANSWER + 1);
	assert_int_equal(announce_count(solo.announce).doubts, 0);
	solo_fini(&solo);
}

static void say_entry(struct solo *solo, uint64_t update)
{
	struct entry *entry = fake_entry(ACCUSED, WALL, update);

	say(solo, &(struct announce_message){.kind = ANNOUNCE_GOSSIP, .whole_count = 1,
		.whole = {{.round = 1, .signed_bytes = blob_bytes(entry->signed_bytes)}}});
	entry_drop(entry);
}

/* Its clock is five minutes ahead: what it announces is not taken, but that it lives is. */
static void a_skewed_clock_refutes_as_well(void **state)
{
	struct id accused = fake_pair(ACCUSED).public_key;
	struct solo solo;

	(void)state;
	solo_init(&solo);
	say(&solo, &(struct announce_message){.kind = ANNOUNCE_JOIN});
	say_entry(&solo, WALL + 300000);
	assert_int_equal(catalog_find(&solo.catalog, &accused)->entry->card.version.update, WALL);
	say(&solo, &(struct announce_message){.kind = ANNOUNCE_SUSPECT, .id = {accused, {WALL, WALL}, false}});
	say_entry(&solo, WALL + 300001);
	until(&solo, solo.now + SUSPICION_REFUTE + 100);
	assert_non_null(catalog_find(&solo.catalog, &accused));
	assert_int_equal(announce_count(solo.announce).deaths, 0);
	/* Too late to be heard in time, but not for ever. */
	say(&solo, &(struct announce_message){.kind = ANNOUNCE_SUSPECT, .id = {accused, {WALL, WALL + 300001}, false}});
	until(&solo, solo.now + SUSPICION_REFUTE + 100);
	assert_null(catalog_find(&solo.catalog, &accused));
	say_entry(&solo, WALL + 300002);
	assert_non_null(catalog_find(&solo.catalog, &accused));
	solo_fini(&solo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_that_is_only_asked_remembers_suspicions),
		cmocka_unit_test(who_was_away_gives_the_accused_their_time_once_more),
		cmocka_unit_test(an_acknowledgement_is_a_sign_of_life),
		cmocka_unit_test(who_was_spoken_to_pings_first),
		cmocka_unit_test(what_is_heard_elsewhere_is_a_sign_of_life),
		cmocka_unit_test(a_skewed_clock_refutes_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
