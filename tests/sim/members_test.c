/*
 * members_test.c - whole nodes become a group through discovery alone, lose members, and serve clients.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/check.h"
#include "groups/log_state.h"
#include "tests/sim/sim.h"

#define PLACES 5
#define TICKETS 4096

struct town {
	struct sim *sim;
	struct group *group[PLACES];         /* NULL: no member here */
	struct id id;
	struct buffer applied[PLACES];       /* every command, and a line feed */
	unsigned results[PLACES], refused[PLACES];
	struct client *client;
	unsigned client_results, client_ups, client_downs, client_resets;
	enum error client_reason;
	struct buffer followed;
};

static void on_group(struct town *town, size_t place, const struct group_fact *fact)
{
	if (fact->kind == GROUP_APPLIED) {
		buffer_append(&town->applied[place], blob_bytes(fact->bytes));
		buffer_append(&town->applied[place], bytes_of_text("\n"));
	} else if (fact->kind == GROUP_RESULT && fact->reason == OK) {
		town->results[place]++;
	} else if (fact->kind == GROUP_RESULT) {
		town->refused[place]++;
	}
}

static void on_client(struct town *town, const struct client_fact *fact)
{
	switch (fact->kind) {
	case CLIENT_UP:
		town->client_ups++;
		break;
	case CLIENT_DOWN:
		town->client_downs++;
		town->client_reason = fact->reason;
		break;
	case CLIENT_RESULT:
		town->client_results += fact->reason == OK;
		break;
	case CLIENT_EVENT:
		town->client_resets += fact->event == EVENT_RESET;
		if (fact->event != EVENT_RECORD)
			break;
		buffer_append(&town->followed, fact->bytes);
		buffer_append(&town->followed, bytes_of_text("\n"));
		break;
	case CLIENT_ROOM:
		break;
	}
}

static void on_fact(struct sim *sim, struct sim_node *node, const struct node_fact *fact)
{
	struct town *town = sim->observer;

	if (fact->kind == NODE_GROUP)
		on_group(town, node->place, &fact->group_fact);
	else if (fact->kind == NODE_CLIENT)
		on_client(town, &fact->client_fact);
	else
		assert_int_not_equal(fact->kind, NODE_GROUP_PERSIST);   /* they live in memory */
}

static struct id key_of_group(void)
{
	return id_hash(bytes_of_text("the key"));
}

static void join(struct town *town, size_t place)
{
	struct group_options options = {.terms = {.key = key_of_group(), .timing = raft_timing_default},
		.state = log_state_new(), .incarnation = 1000 * town->sim->node[place].life + place + 1, .tell_applied = true,
		.seed = place};
	struct node_group group = {.name = "town", .options = &options};
	enum error error = node_group_join(town->sim->node[place].node, town->sim->now, &group, &town->group[place]);

	assert_int_equal(error, OK);
	town->id = *group_id(town->group[place]);
	sim_turn(town->sim, &town->sim->node[place]);
}

static struct town *town_new(uint64_t seed, size_t members)
{
	struct sim_options options = sim_defaults;
	static struct town town;

	town = (struct town){0};
	options.seed = seed;
	options.places = PLACES;
	options.check_every = 1;
	town.sim = sim_new(&options);
	town.sim->fact = on_fact;
	town.sim->observer = &town;
	for (size_t place = 0; place < PLACES; place++) {
		sim_start(town.sim, place, false);
		if (place > 0)
			sim_bootstrap(town.sim, place, 0);
		if (place < members)
			join(&town, place);
	}
	return &town;
}

static void town_free(struct town *town)
{
	sim_free(town->sim);
	for (size_t place = 0; place < PLACES; place++)
		buffer_fini(&town->applied[place]);
	buffer_fini(&town->followed);
}

/* The place of the leader that every member follows; PLACES: there is none. */
static size_t leader_of(const struct town *town)
{
	struct group_status status;
	size_t leader = PLACES;

	for (size_t place = 0; place < PLACES; place++) {
		if (!town->group[place])
			continue;
		group_status(town->group[place], &status);
		size_t theirs = sim_place_of(town->sim, &status.leader);
		if (!status.online || theirs == PLACES || !town->group[theirs] || (leader != PLACES && leader != theirs))
			return PLACES;
		leader = theirs;
	}
	return leader;
}

static unsigned voters_of(const struct town *town, size_t place)
{
	struct group_status status;

	group_status(town->group[place], &status);
	return status.voters;
}

static size_t wait_for_leader(struct town *town, msec span, unsigned voters)
{
	msec until = town->sim->now + span;

	while (town->sim->now < until) {
		sim_run_until(town->sim, town->sim->now + 100);
		size_t leader = leader_of(town);
		if (leader != PLACES && voters_of(town, leader) == voters)
			return leader;
	}
	return PLACES;
}

static void propose(struct town *town, size_t place, unsigned from, unsigned to)
{
	char text[16];

	for (unsigned n = from; n < to; n++) {
		snprintf(text, sizeof text, "%u", n);
		group_propose(town->group[place], town->sim->now, n + 1, bytes_of_text(text));
	}
	node_group_turn(town->sim->node[place].node, town->sim->now);
	sim_turn(town->sim, &town->sim->node[place]);
}

static void stop(struct town *town, size_t place)
{
	town->group[place] = NULL;
	buffer_clear(&town->applied[place]);
}

static void expect_numbers(const struct buffer *told, unsigned from, unsigned to)
{
	struct buffer right = {0};
	char text[16];

	for (unsigned n = from; n < to; n++) {
		snprintf(text, sizeof text, "%u\n", n);
		buffer_append(&right, bytes_of_text(text));
	}
	assert_true(bytes_equal(buffer_bytes(told), buffer_bytes(&right)));
	buffer_fini(&right);
}

/* ---- tests ---- */

static void nodes_become_a_group(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct town *town = town_new(seed, 3);
		size_t leader = wait_for_leader(town, 30000, 3);

		assert_int_not_equal(leader, PLACES);
		for (size_t place = 0; place < 3; place++)
			propose(town, place, 0, 0);
		propose(town, (leader + 1) % 3, 0, 100);   /* a follower */
		sim_run_until(town->sim, town->sim->now + 3000);
		assert_int_equal(town->results[(leader + 1) % 3], 100);
		for (size_t place = 0; place < 3; place++)
			expect_numbers(&town->applied[place], 0, 100);
		town_free(town);
	}
}

static void a_killed_leader_is_replaced(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct town *town = town_new(seed, 3);
		size_t leader = wait_for_leader(town, 30000, 3), next;

		assert_int_not_equal(leader, PLACES);
		propose(town, leader, 0, 10);
		sim_run_until(town->sim, town->sim->now + 1000);
		stop(town, leader);
		sim_crash(town->sim, leader, false);
		next = wait_for_leader(town, 12000, 3);
		assert_int_not_equal(next, PLACES);
		assert_int_not_equal(next, leader);
		propose(town, next, 10, 20);
		sim_run_until(town->sim, town->sim->now + 2000);
		expect_numbers(&town->applied[next], 0, 20);
		/* Back with the same key and nothing else: it is told everything. */
		sim_start(town->sim, leader, true);
		sim_bootstrap(town->sim, leader, next);
		join(town, leader);
		sim_run_until(town->sim, town->sim->now + 20000);
		assert_int_not_equal(leader_of(town), PLACES);
		expect_numbers(&town->applied[leader], 0, 20);
		town_free(town);
	}
}

static void a_minority_knows_that_it_is_one(void **state)
{
	struct town *town = town_new(3, 3);
	size_t leader = wait_for_leader(town, 30000, 3);
	struct group_status status;

	(void)state;
	assert_int_not_equal(leader, PLACES);
	for (size_t place = 0; place < PLACES; place++)
		if (place != leader) {
			sim_cut(town->sim, leader, place, true);
			sim_cut(town->sim, place, leader, true);
		}
	sim_run_until(town->sim, town->sim->now + 10000);
	group_status(town->group[leader], &status);
	assert_false(status.online);
	propose(town, leader, 0, 1);
	propose(town, (leader + 1) % 3, 5, 6);
	sim_run_until(town->sim, town->sim->now + 5000);
	assert_int_equal(town->results[leader], 0);
	assert_int_equal(town->results[(leader + 1) % 3], 1);
	sim_heal(town->sim);
	assert_int_not_equal(wait_for_leader(town, 60000, 3), PLACES);
	town_free(town);
}

static void who_leaves_is_let_go(void **state)
{
	struct town *town = town_new(4, 4);
	size_t leader = wait_for_leader(town, 30000, 3), after;

	(void)state;
	assert_int_not_equal(leader, PLACES);
	sim_run_until(town->sim, town->sim->now + 15000);
	group_leave(town->group[leader], town->sim->now);
	node_group_turn(town->sim->node[leader].node, town->sim->now);
	sim_turn(town->sim, &town->sim->node[leader]);
	sim_run_until(town->sim, town->sim->now + 6000);
	node_group_quit(town->sim->node[leader].node, town->sim->now, town->group[leader]);
	sim_turn(town->sim, &town->sim->node[leader]);
	stop(town, leader);
	after = wait_for_leader(town, 5000, 3);   /* the standby has its place */
	assert_int_not_equal(after, PLACES);
	sim_run_until(town->sim, town->sim->now + 10000);
	const struct catalog_peer *gone = catalog_find(node_catalog(town->sim->node[after].node),
		&town->sim->node[leader].identity.public_key);
	assert_non_null(gone);
	assert_false(id_set_has(&gone->entry->card.groups, &town->id));
	town_free(town);
}

static void begin_client(struct town *town, size_t member)
{
	struct client_options options = {.group = town->id, .key = key_of_group()};
	struct sim_node *node = &town->sim->node[PLACES - 1];

	town->client = node_client(node->node, town->sim->now, &options,
		&(struct dial){.peer = town->sim->node[member].identity.public_key});
	sim_turn(town->sim, node);
}

/* A node that is no member proposes through a follower, and another one's log is what it follows. */
static void clients_ask_any_member(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct town *town = town_new(seed, 3);
		size_t leader = wait_for_leader(town, 30000, 3);
		struct node *node = town->sim->node[PLACES - 1].node;
		struct group_query query = {.ticket = 900, .level = QUERY_STRONG, .deadline = MSEC_NEVER};

		assert_int_not_equal(leader, PLACES);
		begin_client(town, (leader + 1) % 3);
		node_client_follow(node, town->client, &(struct client_follow){.ticket = 999, .what = FOLLOW_LOG, .position = 1});
		for (unsigned n = 0; n < 50; n++) {
			char text[16];
			snprintf(text, sizeof text, "%u", n);
			assert_int_equal(node_client_propose(node, town->client, n + 1, bytes_of_text(text)), OK);
		}
		assert_int_equal(node_client_query(node, town->client, &query), OK);
		node_client_status(node, town->client, 901);
		sim_turn(town->sim, &town->sim->node[PLACES - 1]);
		sim_run_until(town->sim, town->sim->now + 5000);
		assert_int_equal(town->client_ups, 1);
		assert_int_equal(town->client_results, 52);
		expect_numbers(&town->followed, 0, 50);
		assert_int_equal(town->client_resets, 0);
		/* The member leaves the network: the client hears of it. */
		sim_depart(town->sim, (leader + 1) % 3);
		stop(town, (leader + 1) % 3);
		sim_run_until(town->sim, town->sim->now + 3000);
		assert_int_equal(town->client_downs, 1);
		assert_int_equal(town->client_reason, ERROR_GRACEFUL);
		node_client_free(node, town->client);
		town_free(town);
	}
}

static void a_client_with_another_key_is_refused(void **state)
{
	struct town *town = town_new(1, 1);
	struct client_options options = {.group = town->id, .key = id_hash(bytes_of_text("another"))};
	struct sim_node *node = &town->sim->node[PLACES - 1];

	(void)state;
	sim_run_until(town->sim, 10000);
	town->client = node_client(node->node, town->sim->now, &options, &(struct dial){.peer = town->sim->node[0].identity.public_key});
	sim_turn(town->sim, node);
	sim_run_until(town->sim, town->sim->now + 2000);
	assert_int_equal(town->client_downs, 1);
	assert_int_equal(town->client_reason, ERROR_BOND_PROOF);
	/* Freed while it dials: what comes of the link goes to nobody. */
	node_client_dial(node->node, town->sim->now, town->client, &(struct dial){.peer = town->sim->node[0].identity.public_key});
	sim_turn(town->sim, node);
	node_client_free(node->node, town->client);
	sim_turn(town->sim, node);
	sim_run_until(town->sim, town->sim->now + 10000);
	town_free(town);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_become_a_group),
		cmocka_unit_test(a_killed_leader_is_replaced),
		cmocka_unit_test(a_minority_knows_that_it_is_one),
		cmocka_unit_test(who_leaves_is_let_go),
		cmocka_unit_test(clients_ask_any_member),
		cmocka_unit_test(a_client_with_another_key_is_refused),
	};

	return cmocka_run_group_tests_name("members", tests, NULL, NULL);
}
