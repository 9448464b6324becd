/*
 * The birth of a group: who proposes, when it is sealed, and what becomes of those that were bound when somebody died.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "groups/genesis.h"

#define MEMBERS 5
#define DELAY 100

struct place {
	struct genesis genesis;
	struct candidate self;
	bool alive;
	struct id lineage;           /* zero: none */
	struct configuration first;
	unsigned begun;
	struct blob *promise;        /* on its disk; NULL: none */
};

struct room {
	size_t count;
	msec now;
	struct place place[MEMBERS];
	bool lost[MESSAGE_END];      /* kinds that do not arrive */
	size_t deaf;                 /* hears nothing; MEMBERS: nobody */
	bool slow;                   /* what begins is not written down */
	bool forgetful;              /* neither is what a member is bound to */
};

static const struct id nothing;

static void meet(struct room *room, size_t a, size_t b)
{
	struct place *place = &room->place[a];
	const struct id *lineage = &room->place[b].lineage;

	if (a == b || !place->alive || !room->place[b].alive)
		return;
	genesis_peer(&place->genesis, room->now, &room->place[b].self, lineage);
	/* As the owner does. */
	if (!id_is_zero(lineage) && id_is_zero(&place->lineage) && list_is_empty(&place->genesis.outputs)
		&& genesis_is_free(&place->genesis, lineage)) {
		genesis_over(&place->genesis);
		place->lineage = *lineage;
	}
}

/* With what is on its disk. */
static void come(struct room *room, size_t n)
{
	struct place *place = &room->place[n];

	place->self.member.peer = (struct id){{(uint8_t)(n + 1)}};
	place->alive = true;
	genesis_init(&place->genesis, &(struct genesis_options){.group = id_hash(bytes_of_text("group")), .self = place->self,
		.voters_cap = 5, .delay = DELAY, .seed = n + (size_t)place->self.member.incarnation}, room->now);
	if (place->promise != NULL)
		assert_int_equal(genesis_restore(&place->genesis, room->now, blob_bytes(place->promise)), OK);
	for (size_t i = 0; i < room->count; i++) {
		meet(room, n, i);
		meet(room, i, n);
	}
}

/* As somebody that was never here. */
static void enter(struct room *room, size_t n)
{
	struct place *place = &room->place[n];

	place->self.member.incarnation += 100;
	place->lineage = nothing;
	blob_drop(place->promise);
	place->promise = NULL;
	come(room, n);
}

static void leave(struct room *room, size_t n)
{
	room->place[n].alive = false;
	genesis_fini(&room->place[n].genesis);
	for (size_t i = 0; i < room->count; i++) {
		if (room->place[i].alive)
			genesis_peer_gone(&room->place[i].genesis, room->now, &room->place[n].self.member.peer);
	}
}

static void room_init(struct room *room, size_t count, uint8_t expect)
{
	*room = (struct room){.count = count, .deaf = MEMBERS};
	for (size_t n = 0; n < count; n++)
		room->place[n].self.expect = expect;
}

static void room_fini(struct room *room)
{
	for (size_t n = 0; n < room->count; n++) {
		if (room->place[n].alive)
			leave(room, n);
		blob_drop(room->place[n].promise);
	}
}

static void deliver(struct room *room, size_t from, const struct genesis_output *output)
{
	size_t to = (size_t)output->to.byte[0] - 1;
	struct group_message message;

	assert_int_equal(group_wire_decode(blob_bytes(output->payload), &message), OK);
	if (room->place[to].alive && !room->lost[message.kind] && to != room->deaf)
		genesis_receive(&room->place[to].genesis, room->now, &room->place[from].self.member.peer, &message);
	blob_drop(output->payload);
}

static void has_begun(struct room *room, size_t n, const struct genesis_output *output)
{
	struct place *place = &room->place[n];

	assert_true(id_is_zero(&place->lineage));
	place->lineage = output->lineage;
	place->first = output->first;
	place->begun++;
	if (room->slow)
		return;
	genesis_durable(&place->genesis);
	for (size_t i = 0; i < room->count; i++)
		meet(room, i, n);
}

static void write_promise(struct room *room, size_t n, struct blob *promise)
{
	struct place *place = &room->place[n];

	if (room->forgetful) {
		blob_drop(promise);
		return;
	}
	blob_drop(place->promise);
	place->promise = promise;
	genesis_promised(&place->genesis, room->now);
}

static bool step(struct room *room, size_t n)
{
	struct genesis_output output;

	if (!room->place[n].alive || !genesis_next(&room->place[n].genesis, &output))
		return false;
	if (output.kind == GENESIS_SEND)
		deliver(room, n, &output);
	else if (output.kind == GENESIS_PROMISE)
		write_promise(room, n, output.payload);
	else
		has_begun(room, n, &output);
	return true;
}

static void run(struct room *room, msec span)
{
	for (msec until = room->now + span; room->now < until; room->now++) {
		bool moved = true;

		for (size_t n = 0; n < room->count; n++) {
			if (room->place[n].alive && genesis_deadline(&room->place[n].genesis) <= room->now)
				genesis_tick(&room->place[n].genesis, room->now);
		}
		while (moved) {
			moved = false;
			for (size_t n = 0; n < room->count; n++)
				moved = step(room, n) || moved;
		}
	}
}

static size_t begun(const struct room *room)
{
	size_t count = 0;

	for (size_t n = 0; n < room->count; n++)
		count += room->place[n].begun;
	return count;
}

/* All have begun, in one lineage. */
static void expect_one(const struct room *room, size_t members, uint8_t voters)
{
	assert_int_equal(begun(room), members);
	for (size_t n = 0; n < members; n++) {
		assert_true(id_equal(&room->place[n].lineage, &room->place[0].lineage));
		assert_int_equal(room->place[n].first.incoming.count, voters);
	}
}

static void alone_after_a_while(void **unused)
{
	struct room room;

	(void)unused;
	room_init(&room, 1, 1);
	enter(&room, 0);
	run(&room, DELAY);
	assert_int_equal(begun(&room), 0);
	run(&room, 2);
	expect_one(&room, 1, 1);
	room_fini(&room);
}

static void together_if_they_see_each_other(void **unused)
{
	struct room room;

	(void)unused;
	for (size_t count = 2; count <= MEMBERS; count++) {
		room_init(&room, count, 1);
		for (size_t n = 0; n < count; n++)
			enter(&room, n);
		run(&room, DELAY * 3);
		/* An even one is a standby, and hears of the lineage from the others. */
		assert_int_equal(begun(&room), count - (count % 2 == 0));
		room_fini(&room);
	}
}

static void not_before_so_many_are_there(void **unused)
{
	struct room room;

	(void)unused;
	room_init(&room, 5, 4);
	for (size_t n = 0; n < 3; n++)
		enter(&room, n);
	run(&room, 50 * DELAY);
	assert_int_equal(begun(&room), 0);
	enter(&room, 3);
	run(&room, 10 * DELAY);
	assert_int_equal(begun(&room), 4);   /* four take part, three of them vote */
	for (size_t n = 0; n < 4; n++)
		assert_int_equal(room.place[n].first.incoming.count, 3);
	room_fini(&room);
}

static void observers_and_joiners_take_no_part(void **unused)
{
	struct room room;

	(void)unused;
	room_init(&room, 3, 1);
	room.place[0].self.preference = PREFER_OBSERVER;
	room.place[1].self.join_only = true;
	enter(&room, 0);
	enter(&room, 1);
	run(&room, 50 * DELAY);
	assert_int_equal(begun(&room), 0);
	enter(&room, 2);
	run(&room, 10 * DELAY);
	assert_int_equal(begun(&room), 1);
	assert_true(member_equal(&room.place[2].first.incoming.member[0], &room.place[2].self.member));
	room_fini(&room);
}

static void waits_for_those_that_should_be_here(void **unused)
{
	struct room room;

	(void)unused;
	room_init(&room, 1, 1);
	enter(&room, 0);
	genesis_missing(&room.place[0].genesis, 0, 1);
	run(&room, 9 * DELAY);
	assert_int_equal(begun(&room), 0);
	run(&room, 2 * DELAY);
	assert_int_equal(begun(&room), 1);
	room_fini(&room);
}

static void no_answer_is_a_new_attempt(void **unused)
{
	struct room room;

	(void)unused;
	room_init(&room, 3, 3);
	room.lost[MESSAGE_BIRTH_READY] = true;
	for (size_t n = 0; n < 3; n++)
		enter(&room, n);
	run(&room, 5000);
	assert_int_equal(begun(&room), 0);
	room.lost[MESSAGE_BIRTH_READY] = false;
	run(&room, 10000);
	expect_one(&room, 3, 3);
	room_fini(&room);
}

/* The member that proposed, once somebody is bound. */
static size_t run_until_bound(struct room *room)
{
	for (int i = 0; i < 1000; i++) {
		run(room, 1);
		for (size_t n = 0; n < room->count; n++) {
			if (room->place[n].alive && room->place[n].genesis.state == GENESIS_BOUND)
				return (size_t)room->place[n].genesis.proposer.byte[0] - 1;
		}
	}
	fail();
	return 0;
}

static void who_is_bound_waits_for_the_word_of_the_proposer(void **unused)
{
	struct room room;
	size_t proposer;

	(void)unused;
	room_init(&room, 3, 1);
	room.lost[MESSAGE_BIRTH_SEALED] = true;
	room.lost[MESSAGE_BIRTH_READY] = true;
	for (size_t n = 0; n < 3; n++)
		enter(&room, n);
	proposer = run_until_bound(&room);
	leave(&room, proposer);
	run(&room, 60000);
	assert_int_equal(begun(&room), 0);   /* it may have sealed it */
	room.lost[MESSAGE_BIRTH_SEALED] = room.lost[MESSAGE_BIRTH_READY] = false;
	/* Back as somebody else: nobody can have the seal. */
	enter(&room, proposer);
	run(&room, 60000);
	expect_one(&room, 3, 3);
	room_fini(&room);
}

static void who_missed_the_seal_takes_it_from_another(void **unused)
{
	struct room room;
	size_t proposer;

	(void)unused;
	room_init(&room, 3, 1);
	room.lost[MESSAGE_BIRTH_READY] = true;
	for (size_t n = 0; n < 3; n++)
		enter(&room, n);
	proposer = run_until_bound(&room);
	room.lost[MESSAGE_BIRTH_READY] = false;
	room.deaf = (proposer + 1) % 3;
	run(&room, 10000);
	/* The deaf one heard no seal, but sees in their hellos that the others have it. */
	room.deaf = MEMBERS;
	run(&room, 10000);
	expect_one(&room, 3, 3);
	room_fini(&room);
}

static void nobody_hears_of_it_before_it_is_written_down(void **unused)
{
	struct room room;
	size_t proposer;

	(void)unused;
	room_init(&room, 3, 1);
	room.slow = true;
	for (size_t n = 0; n < 3; n++)
		enter(&room, n);
	proposer = run_until_bound(&room);
	run(&room, 10000);
	assert_int_equal(begun(&room), 1);
	assert_int_equal(room.place[proposer].begun, 1);
	room.slow = false;
	genesis_durable(&room.place[proposer].genesis);
	run(&room, 1);
	expect_one(&room, 3, 3);
	room_fini(&room);
}

static void nobody_is_ready_before_that_is_written_down(void **unused)
{
	struct room room;
	size_t bound;

	(void)unused;
	room_init(&room, 3, 1);
	room.forgetful = true;
	for (size_t n = 0; n < 3; n++)
		enter(&room, n);
	bound = (run_until_bound(&room) + 1) % 3;
	run(&room, 1000);
	assert_int_equal(room.place[bound].genesis.state, GENESIS_BOUND);
	assert_int_equal(begun(&room), 0);
	room.forgetful = false;
	run(&room, 20000);
	expect_one(&room, 3, 3);
	room_fini(&room);
}

static void who_is_bound_is_bound_after_a_crash(void **unused)
{
	struct room room;
	struct id lineage, written;
	size_t proposer, bound;

	(void)unused;
	room_init(&room, 3, 1);
	room.lost[MESSAGE_BIRTH_READY] = room.lost[MESSAGE_BIRTH_ABANDONED] = room.lost[MESSAGE_BIRTH_UNSEALED] = true;
	for (size_t n = 0; n < 3; n++)
		enter(&room, n);
	proposer = run_until_bound(&room);
	bound = (proposer + 1) % 3;
	lineage = room.place[bound].genesis.birth.lineage;
	written = genesis_promise_lineage(blob_bytes(room.place[bound].promise));
	assert_true(id_equal(&lineage, &written));
	leave(&room, bound);
	come(&room, bound);
	run(&room, 10000);
	assert_int_equal(room.place[bound].genesis.state, GENESIS_BOUND);
	assert_true(id_equal(&room.place[bound].genesis.birth.lineage, &lineage));
	/* The proposer gave it up long ago; who hears that is free, and erases what it wrote. */
	room.lost[MESSAGE_BIRTH] = true;
	room.lost[MESSAGE_BIRTH_UNSEALED] = false;
	run(&room, 1100);
	assert_int_not_equal(room.place[bound].genesis.state, GENESIS_BOUND);
	assert_null(room.place[bound].promise);
	room.lost[MESSAGE_BIRTH] = room.lost[MESSAGE_BIRTH_READY] = room.lost[MESSAGE_BIRTH_ABANDONED] = false;
	run(&room, 20000);
	expect_one(&room, 3, 3);
	room_fini(&room);
}

/* It sealed, lost its disk, and knows of nothing: what it says sets nobody free, and it may join what it does not know. */
static void the_word_of_another_life_does_not_count(void **unused)
{
	struct room room;
	struct id lineage;
	size_t proposer, bound, third;

	(void)unused;
	room_init(&room, 3, 3);
	room.slow = true;
	for (size_t n = 0; n < 3; n++)
		enter(&room, n);
	proposer = run_until_bound(&room);
	bound = (proposer + 1) % 3;
	third = (proposer + 2) % 3;
	lineage = room.place[bound].genesis.birth.lineage;
	run(&room, 10);
	leave(&room, bound);
	room.slow = false;
	genesis_durable(&room.place[proposer].genesis);
	run(&room, 10);
	assert_true(id_equal(&room.place[third].lineage, &lineage));
	leave(&room, third);
	leave(&room, proposer);
	enter(&room, proposer);
	come(&room, bound);
	run(&room, 10000);
	assert_int_equal(room.place[bound].genesis.state, GENESIS_BOUND);
	assert_true(genesis_is_free(&room.place[proposer].genesis, &lineage));
	genesis_receive(&room.place[bound].genesis, room.now, &room.place[proposer].self.member.peer,
		&(struct group_message){.kind = MESSAGE_BIRTH_UNSEALED, .lineage = lineage});
	assert_int_equal(room.place[bound].genesis.state, GENESIS_BOUND);
	/* The one that has it is back. */
	come(&room, third);
	genesis_over(&room.place[third].genesis);
	run(&room, 10);
	assert_true(id_equal(&room.place[bound].lineage, &lineage));
	assert_true(id_equal(&room.place[proposer].lineage, &lineage));
	room_fini(&room);
}

static void what_is_no_promise_is_refused(void **unused)
{
	struct genesis genesis;
	struct id none;

	(void)unused;
	genesis_init(&genesis, &(struct genesis_options){.delay = DELAY}, 0);
	assert_int_equal(genesis_restore(&genesis, 0, bytes_of_text("nothing")), ERROR_MALFORMED);
	assert_int_equal(genesis.state, GENESIS_WAITING);
	none = genesis_promise_lineage(bytes_of_text("nothing"));
	assert_true(id_is_zero(&none));
	genesis_fini(&genesis);
}

/* Of four, three vote, and the fourth may be the one that proposes. */
static void who_proposes_votes(void **unused)
{
	(void)unused;
	for (uint8_t n = 1; n <= 8; n++) {
		struct genesis genesis;
		struct candidate candidate = {.member = {{{n}}, n}, .expect = 4};

		genesis_init(&genesis, &(struct genesis_options){.self = candidate, .voters_cap = 5, .delay = DELAY}, 0);
		for (uint8_t other = 11; other < 14; other++) {
			candidate.member = (struct member){{{other}}, other};
			genesis_peer(&genesis, 0, &candidate, &nothing);
		}
		genesis_tick(&genesis, 5 * DELAY);
		assert_int_equal(genesis.state, GENESIS_PROPOSING);
		assert_int_equal(genesis.birth.count, 4);
		assert_int_equal(genesis.birth.first.incoming.count, 3);
		assert_true(configuration_has(&genesis.birth.first, &genesis.options.self.member));
		genesis_fini(&genesis);
	}
}

static void an_operator_may_declare_the_proposer_dead(void **unused)
{
	struct room room;
	size_t proposer;

	(void)unused;
	room_init(&room, 3, 1);
	room.lost[MESSAGE_BIRTH_READY] = true;
	for (size_t n = 0; n < 3; n++)
		enter(&room, n);
	proposer = run_until_bound(&room);
	leave(&room, proposer);
	room.lost[MESSAGE_BIRTH_READY] = false;
	for (size_t n = 0; n < 3; n++) {
		if (n != proposer)
			genesis_declare_dead(&room.place[n].genesis, room.now, &room.place[proposer].self.member.peer);
	}
	run(&room, 60000);
	assert_true(begun(&room) >= 1);
	room_fini(&room);
}

static void one_that_joins_another_is_asked_in_vain_no_more(void **unused)
{
	struct room room;
	struct id other = id_hash(bytes_of_text("other"));

	(void)unused;
	room_init(&room, 1, 2);
	enter(&room, 0);
	assert_true(genesis_is_free(&room.place[0].genesis, &other));
	genesis_over(&room.place[0].genesis);
	run(&room, 100 * DELAY);
	assert_int_equal(begun(&room), 0);
	assert_int_equal(genesis_deadline(&room.place[0].genesis), MSEC_NEVER);
	room_fini(&room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alone_after_a_while),
		cmocka_unit_test(together_if_they_see_each_other),
		cmocka_unit_test(not_before_so_many_are_there),
		cmocka_unit_test(observers_and_joiners_take_no_part),
		cmocka_unit_test(waits_for_those_that_should_be_here),
		cmocka_unit_test(no_answer_is_a_new_attempt),
		cmocka_unit_test(who_is_bound_waits_for_the_word_of_the_proposer),
		cmocka_unit_test(who_missed_the_seal_takes_it_from_another),
		cmocka_unit_test(nobody_hears_of_it_before_it_is_written_down),
		cmocka_unit_test(nobody_is_ready_before_that_is_written_down),
		cmocka_unit_test(who_is_bound_is_bound_after_a_crash),
		cmocka_unit_test(the_word_of_another_life_does_not_count),
		cmocka_unit_test(what_is_no_promise_is_refused),
		cmocka_unit_test(who_proposes_votes),
		cmocka_unit_test(an_operator_may_declare_the_proposer_dead),
		cmocka_unit_test(one_that_joins_another_is_asked_in_vain_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
