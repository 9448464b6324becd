/*
 * views_test.c - HyParView's rules, one by one: what a node does with each word of its neighbours, played by hand; and
 * whom it looks for when somebody is lost.
 */
#include "discovery/announce.h"

#include "discovery/announce_internal.h"
#include "fake.h"

#define WALL 1700000000000
#define KINDS (ANNOUNCE_WANT + 1)

struct solo {
	struct catalog catalog;
	struct keypair pair;
	struct announce *announce;
	struct outbox out;
	msec now;
	unsigned connects, closes;           /* since the last drain */
	struct id dialled;
	enum error reason;
	link_id closed;
	size_t told;                         /* entries */
	unsigned said[KINDS];
	struct announce_message last[KINDS];
	link_id last_to[KINDS];
};

static void drain(struct solo *solo)
{
	struct effect effect;

	solo->connects = solo->closes = 0;
	solo->told = 0;
	memset(solo->said, 0, sizeof(solo->said));
	while (outbox_next(&solo->out, &effect)) {
		if (effect.kind == EFFECT_CONNECT) {
			solo->connects++;
			solo->dialled = effect.dial->peer;
		} else if (effect.kind == EFFECT_CLOSE) {
			solo->closes++;
			solo->reason = effect.reason;
			solo->closed = effect.link;
		} else if (effect.kind == EFFECT_SEND) {
			struct announce_message message;

			assert_int_equal(announce_wire_get(blob_bytes(effect.payload), &message), OK);
			solo->said[message.kind]++;
			solo->told += message.whole_count;
			solo->last[message.kind] = message;
			solo->last_to[message.kind] = effect.link;
		}
		effect_drop(&effect);
	}
	announce_ops.check(solo->announce);
}

/* Neighbours 1 .. count are up on the links 1, 3, 5 that they opened, a moment apart; nothing waits in the outbox. */
static void solo_init(struct solo *solo, unsigned count)
{
	struct id network = fake_network();

	memset(solo, 0, sizeof(*solo));
	solo->pair = fake_pair(0);
	solo->now = 1000;
	catalog_init(&solo->catalog, &network, &solo->pair.public_key, &fake_crypto, NULL);
	solo->announce = announce_new(&(struct announce_options){.catalog = &solo->catalog, .identity = &solo->pair,
		.crypto = &fake_crypto, .seed = 1}, solo->now, WALL);
	announce_ops.tick(solo->announce, solo->now, &solo->out);
	for (unsigned i = 1; i <= count; i++)
		announce_ops.linked(solo->announce, ++solo->now, &(struct link){.id = 2 * i - 1, .peer = fake_pair(i).public_key},
			&solo->out);
	drain(solo);
}

static void solo_fini(struct solo *solo)
{
	announce_free(solo->announce);
	catalog_fini(&solo->catalog);
	outbox_fini(&solo->out);
}

/* With an address, as everybody who is to be dialled. */
static struct entry *list(struct solo *solo, unsigned number)
{
	struct card card = fake_card(number, WALL, WALL);
	struct address address = {.ip = {[10] = 0xFF, [11] = 0xFF, [12] = 10}, .port = (uint16_t)(1000 + number)};
	struct keypair pair = fake_pair(number);
	struct entry *entry;

	card_set_addresses(&card, &address, 1);
	entry = entry_sign(&card, &pair, &fake_crypto);
	assert_int_equal(catalog_put(&solo->catalog, solo->now, entry), CATALOG_NEW);
	card_fini(&card);
	return entry;
}

static void say(struct solo *solo, link_id link, struct announce_message message)
{
	struct blob *blob = announce_wire_put(&message);

	assert_int_equal(announce_ops.receive(solo->announce, solo->now, link, blob, &solo->out), OK);
	blob_drop(blob);
	drain(solo);
}

/* 4.2: a walk of ARWL hops begins at each other neighbour. */
static void a_join_is_forwarded_to_all_others(void **state)
{
	struct solo solo;

	(void)state;
	solo_init(&solo, 3);
	say(&solo, 3, (struct announce_message){.kind = ANNOUNCE_JOIN});
	assert_int_equal(solo.said[ANNOUNCE_FORWARD_JOIN], 2);
	assert_int_equal(solo.last[ANNOUNCE_FORWARD_JOIN].round, MEMBERSHIP_ARWL);
	assert_true(id_equal(&solo.last[ANNOUNCE_FORWARD_JOIN].id.peer, &(struct id[]){fake_pair(2).public_key}[0]));
	say(&solo, 3, (struct announce_message){.kind = ANNOUNCE_JOIN});   /* once a link */
	assert_int_equal(solo.said[ANNOUNCE_FORWARD_JOIN], 0);
	solo_fini(&solo);
}

static void a_forwarded_join_walks_is_remembered_and_ends_with_a_dial(void **state)
{
	struct solo solo;
	struct id newcomer = fake_pair(50).public_key;

	(void)state;
	solo_init(&solo, 2);
	entry_drop(list(&solo, 50));
	say(&solo, 1, (struct announce_message){.kind = ANNOUNCE_FORWARD_JOIN, .round = 5, .id.peer = newcomer});
	assert_int_equal(solo.said[ANNOUNCE_FORWARD_JOIN], 1);
	assert_int_equal(solo.last[ANNOUNCE_FORWARD_JOIN].round, 4);
	assert_int_equal(solo.last_to[ANNOUNCE_FORWARD_JOIN], 3);          /* not back */
	assert_false(membership_has(&solo.announce->membership, &newcomer));
	say(&solo, 1, (struct announce_message){.kind = ANNOUNCE_FORWARD_JOIN, .round = MEMBERSHIP_PRWL, .id.peer = newcomer});
	assert_true(membership_has(&solo.announce->membership, &newcomer));
	assert_int_equal(solo.connects, 0);
	say(&solo, 1, (struct announce_message){.kind = ANNOUNCE_FORWARD_JOIN, .round = 0, .id.peer = newcomer});
	assert_int_equal(solo.connects, 1);
	assert_true(id_equal(&solo.dialled, &newcomer));
	solo_fini(&solo);
}

/* 4.3: who has nobody costs somebody else a place, the others are refused when there is none. */
static void only_the_urgent_get_a_place_in_a_full_view(void **state)
{
	struct solo solo;

	(void)state;
	solo_init(&solo, ANNOUNCE_NEIGHBOURS_MAX);
	announce_ops.linked(solo.announce, solo.now, &(struct link){.id = 51, .peer = fake_pair(51).public_key}, &solo.out);
	say(&solo, 51, (struct announce_message){.kind = ANNOUNCE_NEIGHBOR, .flag = false});
	assert_int_equal(solo.closes, 1);
	assert_int_equal(solo.reason, ERROR_NO_CAPACITY);
	announce_ops.linked(solo.announce, solo.now, &(struct link){.id = 53, .peer = fake_pair(52).public_key}, &solo.out);
	say(&solo, 53, (struct announce_message){.kind = ANNOUNCE_NEIGHBOR, .flag = true});
	assert_int_equal(solo.closes, 1);
	assert_int_equal(solo.reason, ERROR_CANCELLED);                    /* DISCONNECT to the one that makes room: */
	assert_int_equal(solo.closed, 1);                                  /* who came last may know nobody else yet */
	assert_int_equal(announce_neighbours(solo.announce), ANNOUNCE_NEIGHBOURS_MAX);
	assert_int_equal(solo.announce->membership.count, 1);              /* and it is remembered */
	solo_fini(&solo);
}

static void link_up(struct solo *solo, unsigned number)
{
	announce_ops.linked(solo->announce, solo->now,
		&(struct link){.id = 2 * number - 1, .peer = fake_pair(number).public_key}, &solo->out);
	drain(solo);
}

/* What went round before there was a link to it, if it is not more than the exchange would find in the same time. */
static void a_new_neighbour_is_told_what_is_new(void **state)
{
	struct solo solo;

	(void)state;
	solo_init(&solo, 0);
	for (unsigned i = 0; i < 20; i++)
		entry_drop(list(&solo, 100 + i));
	for (unsigned i = 0; i < 5; i++) {
		struct entry *goodbye = fake_goodbye(100 + i, WALL, WALL + 1);

		assert_int_equal(catalog_put(&solo.catalog, solo.now, goodbye), CATALOG_LEFT);
		entry_drop(goodbye);
	}
	link_up(&solo, 1);
	assert_int_equal(solo.told, 16);                                   /* and ourselves, and nobody who has left */
	solo.now += 3001;
	entry_drop(list(&solo, 200));
	link_up(&solo, 2);
	assert_int_equal(solo.told, 2);                                    /* the others are known everywhere by now */
	for (unsigned i = 0; i < ANNOUNCE_GOSSIP_MAX; i++)
		entry_drop(list(&solo, 300 + i));
	link_up(&solo, 3);
	assert_int_equal(solo.told, 1);
	say(&solo, 5, (struct announce_message){.kind = ANNOUNCE_JOIN});   /* whoever knows nobody is told of all */
	assert_int_equal(solo.told, ANNOUNCE_GOSSIP_MAX + 1);
	solo_fini(&solo);
}

/* 4.4: a walk; at its end the samples are swapped, and the reply goes back the way. */
static void a_shuffle_walks_and_swaps_samples(void **state)
{
	struct announce_message shuffle = {.kind = ANNOUNCE_SHUFFLE, .sample_count = 2};
	struct solo solo;

	(void)state;
	solo_init(&solo, 2);
	entry_drop(list(&solo, 50));
	shuffle.sample[0] = fake_pair(50).public_key;
	shuffle.sample[1] = fake_pair(60).public_key;                      /* nobody lists it: not learnt */
	say(&solo, 1, shuffle);
	assert_int_equal(solo.said[ANNOUNCE_SHUFFLE], 1);
	assert_int_equal(solo.last_to[ANNOUNCE_SHUFFLE], 3);
	assert_int_equal(solo.last[ANNOUNCE_SHUFFLE].way_count, 1);
	assert_int_equal(solo.announce->membership.count, 0);              /* not yet at its end */
	shuffle.way_count = ANNOUNCE_WAY_MAX - 1;
	for (size_t i = 0; i < shuffle.way_count; i++)
		shuffle.way[i] = fake_pair((unsigned)(70 + i)).public_key;
	say(&solo, 1, shuffle);
	assert_int_equal(solo.said[ANNOUNCE_SHUFFLE_REPLY], 1);
	assert_int_equal(solo.last_to[ANNOUNCE_SHUFFLE_REPLY], 1);
	assert_int_equal(solo.announce->membership.count, 1);
	assert_true(membership_has(&solo.announce->membership, &shuffle.sample[0]));
	/* Somebody else's reply is handed on, ours is learnt. */
	shuffle.kind = ANNOUNCE_SHUFFLE_REPLY;
	shuffle.way_count = 1;
	shuffle.way[0] = fake_pair(2).public_key;
	say(&solo, 1, shuffle);
	assert_int_equal(solo.last_to[ANNOUNCE_SHUFFLE_REPLY], 3);
	assert_int_equal(solo.last[ANNOUNCE_SHUFFLE_REPLY].way_count, 0);
	solo_fini(&solo);
}

/* Whoever is lost is dialled again and again at its last address; whoever is back, or left, is not. */
static void the_lost_are_dialled_until_they_are_found(void **state)
{
	struct solo solo;
	struct entry *entry;
	unsigned dials = 0;

	(void)state;
	solo_init(&solo, 5);
	entry = list(&solo, 50);
	assert_true(catalog_suspect(&solo.catalog, solo.now, &entry->card.peer, &entry->card.version));
	announce_lost(solo.announce, solo.now, entry);
	for (msec end = solo.now + 120000; solo.now < end; solo.now += 100) {
		announce_ops.tick(solo.announce, solo.now, &solo.out);
		drain(&solo);
		if (solo.connects == 0 || !id_equal(&solo.dialled, &entry->card.peer))
			continue;
		dials++;
		announce_ops.unlinked(solo.announce, solo.now, solo.out.next_link - 2, ERROR_NO_ANSWER, &solo.out);
		drain(&solo);
	}
	assert_in_range(dials, 50, 120);   /* every 1.5 s +- 50 %: nobody is left to share the work with */
	assert_int_equal(solo.announce->lost_count, 1);
	/* A newer version came from somewhere: it lives. */
	struct card card = fake_card(50, WALL, WALL + 5);
	struct keypair pair = fake_pair(50);
	struct entry *newer = entry_sign(&card, &pair, &fake_crypto);
	assert_int_equal(catalog_put(&solo.catalog, solo.now, newer), CATALOG_NEW);
	for (msec end = solo.now + 120000; solo.now < end; solo.now += 100)
		announce_ops.tick(solo.announce, solo.now, &solo.out);
	assert_int_equal(solo.announce->lost_count, 0);
	assert_true(solo.announce->lost_at == MSEC_NEVER);
	card_fini(&card);
	entry_drop(newer);
	entry_drop(entry);
	solo_fini(&solo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_join_is_forwarded_to_all_others),
		cmocka_unit_test(a_forwarded_join_walks_is_remembered_and_ends_with_a_dial),
		cmocka_unit_test(only_the_urgent_get_a_place_in_a_full_view),
		cmocka_unit_test(a_new_neighbour_is_told_what_is_new),
		cmocka_unit_test(a_shuffle_walks_and_swaps_samples),
		cmocka_unit_test(the_lost_are_dialled_until_they_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
