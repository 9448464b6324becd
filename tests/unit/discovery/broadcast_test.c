/*
 * broadcast_test.c - Plumtree's rules and the suspicion clock, one by one, without links.
 */
#include "discovery/broadcast.h"

#include "base/memory.h"
#include "discovery/suspicion.h"
#include "fake.h"

static struct announce_have have_of(unsigned peer, uint64_t update, unsigned round)
{
	return (struct announce_have){
		.id = {.peer = fake_pair(peer).public_key, .version = {.start = 1, .update = update}}, .round = round};
}

/* The last action of a kind. */
struct told {
	msec now;             /* in: what may leave by now */
	struct id to;
	bool wanted;
	size_t have_count;
	unsigned round;       /* of the first */
};

/* How many actions of a kind wait; all are taken. */
static unsigned actions(struct broadcast *broadcast, enum broadcast_kind kind, struct told *last)
{
	struct broadcast_action action;
	unsigned count = 0;

	broadcast_check(broadcast);
	broadcast_flush(broadcast, last->now);
	while (broadcast_next_action(broadcast, &action)) {
		if (action.kind == kind) {
			count++;
			last->to = action.to;
			last->wanted = action.wanted;
			last->have_count = action.have_count;
			last->round = action.have_count > 0 ? action.have[0].round : 0;
		}
		memory_free(action.have);
	}
	return count;
}

static void branches(struct broadcast *broadcast, unsigned count)
{
	for (unsigned i = 1; i <= count; i++) {
		struct id peer = fake_pair(i).public_key;

		broadcast_peer_up(broadcast, &peer);
	}
}

static void a_second_copy_prunes_its_branch(void **state)
{
	struct id one = fake_pair(1).public_key;
	struct id two = fake_pair(2).public_key;
	struct announce_have news = have_of(50, 1, 1);
	struct broadcast broadcast = {0};
	struct told last = {0};

	(void)state;
	branches(&broadcast, 3);
	broadcast_news(&broadcast, 0, &news, &one);
	assert_int_equal(actions(&broadcast, BROADCAST_GOSSIP, &last), 2);
	assert_int_equal(last.round, 2);
	assert_true(broadcast_duplicate(&broadcast, 0, &news.id, 1, &two));
	assert_int_equal(actions(&broadcast, BROADCAST_PRUNE, &last), 1);
	assert_true(id_equal(&last.to, &two));
	assert_false(broadcast_is_eager(&broadcast, &two));
	assert_false(broadcast_duplicate(&broadcast, 0, &news.id, 1, &one));
	/* The next news goes to it by name, a little later. */
	news = have_of(50, 2, 1);
	last.now = 100;
	broadcast_news(&broadcast, 100, &news, &one);
	assert_int_equal(actions(&broadcast, BROADCAST_GOSSIP, &last), 1);
	assert_int_equal(broadcast_deadline(&broadcast), 100 + BROADCAST_LAZY_DELAY);
	broadcast_tick(&broadcast, 100 + BROADCAST_LAZY_DELAY);
	assert_int_equal(actions(&broadcast, BROADCAST_IHAVE, &last), 1);
	assert_true(id_equal(&last.to, &two) && last.have_count == 1);
	broadcast_fini(&broadcast);
}

static void a_name_without_news_is_asked_for_from_one_after_the_other(void **state)
{
	struct id one = fake_pair(1).public_key;
	struct id two = fake_pair(2).public_key;
	struct announce_have have = have_of(50, 1, 1);
	struct broadcast broadcast = {0};
	struct told last = {0};

	(void)state;
	branches(&broadcast, 2);
	broadcast_pruned(&broadcast, 0, &one);
	broadcast_named(&broadcast, 0, &have, &one);
	broadcast_named(&broadcast, 10, &have, &two);
	broadcast_tick(&broadcast, BROADCAST_MISSING_FIRST - 1);
	assert_int_equal(actions(&broadcast, BROADCAST_GRAFT, &last), 0);
	broadcast_tick(&broadcast, BROADCAST_MISSING_FIRST);
	assert_int_equal(actions(&broadcast, BROADCAST_GRAFT, &last), 1);
	assert_true(id_equal(&last.to, &one) && last.wanted);
	assert_true(broadcast_is_eager(&broadcast, &one));
	broadcast_tick(&broadcast, BROADCAST_MISSING_FIRST + BROADCAST_MISSING_NEXT);
	assert_int_equal(actions(&broadcast, BROADCAST_WANT, &last), 1);
	assert_true(id_equal(&last.to, &two));
	broadcast_tick(&broadcast, BROADCAST_MISSING_FIRST + 2 * BROADCAST_MISSING_NEXT);
	assert_true(broadcast_deadline(&broadcast) == MSEC_NEVER);
	broadcast_fini(&broadcast);
}

static void a_newer_version_ends_the_search_for_an_older(void **state)
{
	struct id one = fake_pair(1).public_key;
	struct announce_have have = have_of(50, 1, 1);
	struct announce_have newer = have_of(50, 2, 1);
	struct broadcast broadcast = {0};

	(void)state;
	branches(&broadcast, 1);
	broadcast_named(&broadcast, 0, &have, &one);
	broadcast_news(&broadcast, 0, &newer, &one);
	assert_true(broadcast_deadline(&broadcast) == MSEC_NEVER);
	broadcast_fini(&broadcast);
}

/* Two copies that go round a circle in different ways may not cut it twice. */
static void one_branch_is_cut_at_a_time(void **state)
{
	struct id one = fake_pair(1).public_key;
	struct id two = fake_pair(2).public_key;
	struct id three = fake_pair(3).public_key;
	struct announce_have news = have_of(50, 1, 1);
	struct broadcast broadcast = {0};
	struct told last = {0};

	(void)state;
	branches(&broadcast, 4);
	broadcast_news(&broadcast, 0, &news, &one);
	assert_true(broadcast_duplicate(&broadcast, 0, &news.id, 1, &two));
	assert_true(broadcast_duplicate(&broadcast, BROADCAST_CUT_INTERVAL / 2 - 1, &news.id, 1, &three));
	assert_int_equal(actions(&broadcast, BROADCAST_PRUNE, &last), 1);
	assert_true(broadcast_is_eager(&broadcast, &three));
	/* The other side has cut it already: it is put together again. */
	broadcast_pruned(&broadcast, BROADCAST_CALM - 1, &three);
	assert_int_equal(actions(&broadcast, BROADCAST_GRAFT, &last), 1);
	assert_true(id_equal(&last.to, &three) && !last.wanted);
	assert_true(broadcast_is_eager(&broadcast, &three));
	broadcast_pruned(&broadcast, BROADCAST_CALM, &three);
	assert_int_equal(actions(&broadcast, BROADCAST_GRAFT, &last), 0);
	assert_false(broadcast_is_eager(&broadcast, &three));
	broadcast_fini(&broadcast);
}

/* The first news leaves at once, what follows within 20 ms in one bundle, and a full bundle waits for nothing. */
static void much_news_goes_in_bundles(void **state)
{
	struct id one = fake_pair(1).public_key;
	struct broadcast broadcast = {0};
	struct told last = {.now = 50};
	struct announce_have news;

	(void)state;
	branches(&broadcast, 2);
	for (unsigned i = 0; i < 3; i++) {
		news = have_of(50 + i, 1, 1);
		broadcast_news(&broadcast, 50, &news, &one);
	}
	assert_int_equal(actions(&broadcast, BROADCAST_GOSSIP, &last), 1);
	assert_int_equal(last.have_count, 3);
	for (unsigned i = 0; i < 2; i++) {
		news = have_of(60 + i, 1, 1);
		broadcast_news(&broadcast, 55, &news, &one);
		assert_int_equal(actions(&broadcast, BROADCAST_GOSSIP, &last), 0);
	}
	last.now = 50 + BROADCAST_BUNDLE_DELAY;
	assert_int_equal(broadcast_deadline(&broadcast), last.now);
	assert_int_equal(actions(&broadcast, BROADCAST_GOSSIP, &last), 1);
	assert_int_equal(last.have_count, 2);
	for (unsigned i = 0; i < ANNOUNCE_GOSSIP_MAX; i++) {
		news = have_of(100 + i, 1, 1);
		broadcast_news(&broadcast, last.now, &news, &one);
	}
	assert_int_equal(actions(&broadcast, BROADCAST_GOSSIP, &last), 1);
	assert_int_equal(last.have_count, ANNOUNCE_GOSSIP_MAX);
	broadcast_fini(&broadcast);
}

static void what_was_asked_for_leaves_the_tree_as_it_is(void **state)
{
	struct id one = fake_pair(1).public_key;
	struct id two = fake_pair(2).public_key;
	struct id three = fake_pair(3).public_key;
	struct announce_have have = have_of(50, 1, 0);   /* the answer to a WANT */
	struct broadcast broadcast = {0};
	struct told last = {0};

	(void)state;
	branches(&broadcast, 3);
	broadcast_pruned(&broadcast, 0, &one);
	broadcast_news(&broadcast, BROADCAST_CALM, &have, &one);
	assert_false(broadcast_is_eager(&broadcast, &one));
	/* The copy over the tree comes late, and so does an answer of somebody else: neither is a circle. */
	assert_true(broadcast_duplicate(&broadcast, BROADCAST_CALM, &have.id, 1, &two));
	assert_true(broadcast_duplicate(&broadcast, BROADCAST_CALM, &have.id, 0, &three));
	assert_int_equal(actions(&broadcast, BROADCAST_PRUNE, &last), 0);
	assert_true(broadcast_duplicate(&broadcast, BROADCAST_CALM, &have.id, 1, &three));
	assert_int_equal(actions(&broadcast, BROADCAST_PRUNE, &last), 1);
	assert_true(broadcast_is_eager(&broadcast, &two) && !broadcast_is_eager(&broadcast, &three));
	broadcast_fini(&broadcast);
}

static void a_doubt_becomes_a_suspicion_and_a_death(void **state)
{
	struct id peer = fake_pair(1).public_key;
	struct version version = {1, 5};
	struct suspicion suspicion = {0};
	struct suspicion_verdict verdict;

	(void)state;
	assert_true(suspicion_doubt(&suspicion, 0, &peer, &version, 1));
	assert_false(suspicion_doubt(&suspicion, 0, &peer, &version, 1));
	suspicion_denied(&suspicion, 50, &peer);
	assert_false(suspicion_next(&suspicion, 50, &verdict));
	suspicion_denied(&suspicion, 60, &peer);   /* the last one who could know */
	assert_true(suspicion_next(&suspicion, 60, &verdict) && verdict.kind == SUSPICION_TELL);
	suspicion_alive(&suspicion, &peer);        /* too late: only its own word counts now */
	assert_false(suspicion_next(&suspicion, 60 + SUSPICION_REFUTE - 1, &verdict));
	assert_true(suspicion_next(&suspicion, 60 + SUSPICION_REFUTE, &verdict) && verdict.kind == SUSPICION_DEAD);
	suspicion_check(&suspicion);
	assert_true(suspicion_deadline(&suspicion) == MSEC_NEVER);
	suspicion_fini(&suspicion);
}

static void a_sign_of_life_and_a_newer_version_end_it(void **state)
{
	struct id peer = fake_pair(1).public_key;
	struct version version = {1, 5};
	struct version newer = {1, 6};
	struct suspicion suspicion = {0};
	struct suspicion_verdict verdict;

	(void)state;
	assert_true(suspicion_doubt(&suspicion, 0, &peer, &version, 3));
	suspicion_alive(&suspicion, &peer);
	assert_false(suspicion_next(&suspicion, 10000, &verdict));
	assert_true(suspicion_told(&suspicion, 0, &peer, &version));
	assert_false(suspicion_told(&suspicion, 1, &peer, &version));
	suspicion_refuted(&suspicion, &peer, &version);
	assert_true(suspicion_deadline(&suspicion) == SUSPICION_REFUTE);
	suspicion_refuted(&suspicion, &peer, &newer);
	assert_false(suspicion_next(&suspicion, 10000, &verdict));
	suspicion_fini(&suspicion);
}

/* What only says that somebody is still there is named to one lazy branch, in company. */
static void names_of_refreshes_go_together(void **state)
{
	unsigned names = 4 * BROADCAST_REFRESH_COMPANY;
	struct id source = fake_pair(1).public_key;
	struct broadcast broadcast = {0};
	struct told last = {0};

	(void)state;
	branches(&broadcast, 5);
	for (unsigned i = 2; i <= 5; i++) {
		struct id peer = fake_pair(i).public_key;

		broadcast_pruned(&broadcast, (msec)i * 1000, &peer);
	}
	for (unsigned i = 0; i < names; i++) {
		struct announce_have news = have_of(50 + i, 1, 1);

		news.is_refresh = true;
		broadcast_news(&broadcast, 10000, &news, &source);
	}
	assert_int_equal(broadcast_deadline(&broadcast), 10000 + BROADCAST_REFRESH_DELAY);
	broadcast_tick(&broadcast, 10000 + BROADCAST_REFRESH_DELAY);
	assert_int_equal(actions(&broadcast, BROADCAST_IHAVE, &last), 4);
	assert_int_equal(last.have_count, BROADCAST_REFRESH_COMPANY);
	/* A little later two more share a message: they come one after the other. */
	for (unsigned i = 0; i < BROADCAST_REFRESH_COMPANY; i++) {
		struct announce_have news = have_of(80 + i, 1, 1);

		news.is_refresh = true;
		broadcast_news(&broadcast, 20000 + i, &news, &source);
	}
	broadcast_tick(&broadcast, 20000 + BROADCAST_REFRESH_DELAY);
	assert_int_equal(actions(&broadcast, BROADCAST_IHAVE, &last), 1);
	assert_int_equal(last.have_count, BROADCAST_REFRESH_COMPANY);
	broadcast_fini(&broadcast);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_copy_prunes_its_branch),
		cmocka_unit_test(a_name_without_news_is_asked_for_from_one_after_the_other),
		cmocka_unit_test(a_newer_version_ends_the_search_for_an_older),
		cmocka_unit_test(one_branch_is_cut_at_a_time),
		cmocka_unit_test(much_news_goes_in_bundles),
		cmocka_unit_test(what_was_asked_for_leaves_the_tree_as_it_is),
		cmocka_unit_test(names_of_refreshes_go_together),
		cmocka_unit_test(a_doubt_becomes_a_suspicion_and_a_death),
		cmocka_unit_test(a_sign_of_life_and_a_newer_version_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
