/*
 * node_groups_test.c - what a node makes of groups: its entry, its peers' entries, and clients of guests.
 */
#include "tests/unit/node/world.h"

#include "groups/log_state.h"

#define GUEST 2

static struct id key_of_group(void)
{
	return id_hash(bytes_of_text("the key"));
}

static enum error try_join(struct world *world, size_t n, struct group **out)
{
	struct group_options options = {.terms = {.key = key_of_group(), .timing = raft_timing_lan}, .state = log_state_new(),
		.incarnation = n + 1, .tell_applied = true};
	struct node_group group = {.name = "our group", .options = &options};

	return node_group_join(world->node[n].node, world->now, &group, out);
}

static struct group *join(struct world *world, size_t n)
{
	struct group *group;
	enum error error = try_join(world, n, &group);

	assert_int_equal(error, OK);
	return group;
}

/* Two nodes that know each other, and a guest that knows nobody. */
static struct world *world_of_three(void)
{
	struct world *world = world_new(3);

	world->node[GUEST].guest = true;
	for (size_t n = 0; n < 3; n++)
		world_start(world, n);
	world_bootstrap(world, 1, 0);
	world_run(world, 3000);
	return world;
}

static struct group_status status_of(const struct group *group)
{
	struct group_status status;

	group_status(group, &status);
	return status;
}

static const struct card *card_seen(const struct world *world, size_t by, size_t whom)
{
	const struct catalog_peer *peer = catalog_find(node_catalog(world->node[by].node), world_id(world, whom));

	assert_non_null(peer);
	return &peer->entry->card;
}

static void groups_are_in_the_entry_while_they_last(void **state)
{
	struct world *world = world_of_three();
	struct group *group = join(world, 0);
	struct id id = *group_id(group);

	(void)state;
	world_run(world, 1000);
	assert_true(id_set_has(&card_seen(world, 1, 0)->groups, &id));
	assert_string_equal(card_name(card_seen(world, 1, 0), &id), "our group");
	node_group_quit(world->node[0].node, world->now, group);
	world_run(world, 1000);
	assert_false(id_set_has(&card_seen(world, 1, 0)->groups, &id));
	assert_null(card_name(card_seen(world, 1, 0), &id));
	world_free(world);
}

static void a_group_is_joined_once(void **state)
{
	struct world *world = world_of_three();
	struct group *again = NULL;
	enum error error;

	(void)state;
	(void)join(world, 0);
	error = try_join(world, 0, &again);
	assert_int_equal(error, ERROR_STALE);
	assert_null(again);
	world_free(world);
}

static void whoever_joins_finds_the_others(void **state)
{
	struct world *world = world_of_three();
	struct group *a = join(world, 0), *b;
	struct id leader;

	(void)state;
	world_run(world, 5000);
	assert_true(status_of(a).online);
	b = join(world, 1);
	world_run(world, 5000);
	assert_true(status_of(b).online);
	leader = status_of(b).leader;
	assert_true(id_equal(&leader, world_id(world, 0)));
	assert_int_equal(world_is_connected(world, PROTOCOL_GROUPS, 0, 1), true);
	world_free(world);
}

static void departing_leaves_every_group(void **state)
{
	struct world *world = world_of_three();

	(void)state;
	(void)join(world, 0);
	(void)join(world, 1);
	world_run(world, 5000);
	assert_true(world_wires(world, PROTOCOL_GROUPS, 0, 1) >= 3);
	node_depart(world->node[0].node, world->now);
	world_run(world, 1000);
	assert_int_equal(world_wires(world, PROTOCOL_GROUPS, 0, 1), 0);
	world_free(world);
}

static struct client *client_of_guest(struct world *world, size_t member, const struct id *group)
{
	struct client_options options = {.group = *group, .key = key_of_group()};

	return node_client(world->node[GUEST].node, world->now, &options, &(struct dial){.peer = *world_id(world, member)});
}

/* A guest has no entry and nobody's trust: the key is all that counts. */
static void guests_have_clients(void **state)
{
	struct world *world = world_of_three();
	struct node *guest = world->node[GUEST].node;
	struct group *group = join(world, 0);
	struct client *client;

	(void)state;
	world_run(world, 5000);
	/* The list first: it says where the member is to be found. */
	node_ask(guest, world->now, &(struct dial){.count = 1, .address = {world->node[1].address[0]}});
	world_run(world, 1000);
	client = client_of_guest(world, 0, group_id(group));
	assert_int_equal(node_client_propose(guest, client, 1, bytes_of_text("a")), OK);
	assert_int_equal(node_client_feed(guest, client, 2, bytes_of_text("b")), OK);
	assert_int_equal(node_client_query(guest, client, &(struct group_query){.ticket = 3, .level = QUERY_STRONG,
		.deadline = world->now + 5000}), OK);
	node_client_status(guest, client, 4);
	node_client_follow(guest, client, &(struct client_follow){.ticket = 5, .position = 1});
	world_run(world, 3000);
	/* UP, four results, two records. */
	assert_int_equal(world_facts(world, GUEST, NODE_CLIENT), 7);
	assert_int_equal(status_of(group).position, 2);
	assert_int_equal(world_live(world, 0), 2);
	node_client_leave(guest, client, 6);
	world_run(world, 7000);
	assert_int_equal(world_last(world, GUEST, NODE_CLIENT).client_fact.ticket, 6);
	node_client_free(guest, client);
	world_run(world, 1000);
	assert_int_equal(world_wires(world, PROTOCOL_GROUPS, GUEST, 0), 0);
	world_free(world);
}

static void a_member_that_is_nowhere_is_told(void **state)
{
	struct world *world = world_of_three();
	struct id group = id_hash(bytes_of_text("some group"));
	struct client *client = client_of_guest(world, 0, &group);

	(void)state;
	world_run(world, 1000);
	assert_int_equal(world_last(world, GUEST, NODE_CLIENT).client_fact.kind, CLIENT_DOWN);
	assert_int_equal(world_last(world, GUEST, NODE_CLIENT).client_fact.reason, ERROR_UNREACHABLE);
	/* At an address it is found, but it does not know the group. */
	node_client_dial(world->node[GUEST].node, world->now, client, &(struct dial){.peer = *world_id(world, 0), .count = 1,
		.address = {world->node[0].address[0]}});
	world_run(world, 1000);
	assert_int_equal(world_last(world, GUEST, NODE_CLIENT).client_fact.reason, ERROR_GROUP_NOT_FOUND);
	world_free(world);
}

/* Freed at any moment of its link: nothing that follows finds anybody. */
static void clients_are_freed_at_any_time(void **state)
{
	(void)state;
	for (msec after = 0; after < 100; after += 5) {
		struct world *world = world_of_three();
		struct group *group = join(world, 0);
		struct dial dial = {.peer = *world_id(world, 0), .count = 1, .address = {world->node[0].address[0]}};
		struct client_options options = {.group = *group_id(group), .key = key_of_group()};
		struct client *client = node_client(world->node[GUEST].node, world->now, &options, &dial);

		node_client_status(world->node[GUEST].node, client, 1);
		world_run(world, after);
		node_client_free(world->node[GUEST].node, client);
		world_run(world, 2000);
		assert_int_equal(world->violations, 0);
		world_free(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_in_the_entry_while_they_last),
		cmocka_unit_test(a_group_is_joined_once),
		cmocka_unit_test(whoever_joins_finds_the_others),
		cmocka_unit_test(departing_leaves_every_group),
		cmocka_unit_test(guests_have_clients),
		cmocka_unit_test(a_member_that_is_nowhere_is_told),
		cmocka_unit_test(clients_are_freed_at_any_time),
	};

	return cmocka_run_group_tests_name("node_groups", tests, NULL, NULL);
}
