/*
 * dial_test.c - which addresses of a peer are tried, and in which order.
 */
#include "tests/unit/node/lone.h"

#define PEER 1

/* Node 0 lists `ours`, peer 1 lists `theirs`; what is dialled. */
struct scene {
	struct address ours[DIAL_ADDRESSES_MAX];
	size_t our_count;
	struct address theirs[DIAL_ADDRESSES_MAX];
	size_t their_count;
	struct address from;
};

static struct dial dial_of(const struct scene *scene)
{
	struct lone *lone = lone_new();
	struct dial dial = {.peer = fake_pair(PEER).public_key};
	const struct saying saying = {.peer = PEER, .address = scene->theirs, .address_count = scene->their_count,
		.from = &scene->from};

	node_set_addresses(lone->node, lone->now, scene->ours, scene->our_count);
	lone_hear(lone, &saying);
	node_fill_dial(lone->node, &dial);
	lone_free(lone);
	return dial;
}

static void assert_dialled(const struct dial *dial, const struct address *expected, size_t count)
{
	assert_int_equal(dial->count, count);
	for (size_t i = 0; i < count; i++)
		assert_true(address_equal(&dial->address[i], &expected[i]));
}

static void a_stranger_is_not_dialled_on_our_own_host(void **state)
{
	const struct scene scene = {.ours = {world_address(1, 7000), world_loopback(7000)}, .our_count = 2,
		.theirs = {world_loopback(7001), world_address(2, 7001)}, .their_count = 2, .from = world_address(2, 7001)};
	const struct address expected[] = {world_address(2, 7001)};
	struct dial dial = dial_of(&scene);

	(void)state;
	assert_dialled(&dial, expected, 1);
}

static void a_common_address_is_a_common_host_and_loopback_comes_first(void **state)
{
	const struct scene scene = {.ours = {world_address(1, 7000), world_address(5, 7000)}, .our_count = 2,
		.theirs = {world_address(3, 7001), world_loopback(7001), world_address(5, 7001)}, .their_count = 3,
		.from = world_address(5, 7001)};
	const struct address expected[] = {world_loopback(7001), world_address(3, 7001), world_address(5, 7001)};
	struct dial dial = dial_of(&scene);

	(void)state;
	assert_dialled(&dial, expected, 3);
}

/* Every host has 127.0.0.1: it tells nothing. */
static void a_common_loopback_address_is_no_common_host(void **state)
{
	const struct scene scene = {.ours = {world_loopback(7000), world_address(1, 7000)}, .our_count = 2,
		.theirs = {world_loopback(7001), world_address(2, 7001)}, .their_count = 2, .from = world_address(2, 7001)};
	const struct address expected[] = {world_address(2, 7001)};
	struct dial dial = dial_of(&scene);

	(void)state;
	assert_dialled(&dial, expected, 1);
}

static void whoever_lists_loopback_only_is_on_our_host(void **state)
{
	const struct scene theirs_only = {.ours = {world_address(1, 7000)}, .our_count = 1,
		.theirs = {world_loopback(7001)}, .their_count = 1, .from = world_loopback(7001)};
	const struct scene ours_only = {.ours = {world_loopback(7000)}, .our_count = 1,
		.theirs = {world_address(1, 7001), world_loopback(7001)}, .their_count = 2, .from = world_loopback(7001)};
	const struct address expected[] = {world_loopback(7001), world_address(1, 7001)};
	struct dial dial = dial_of(&theirs_only);

	(void)state;
	assert_dialled(&dial, expected, 1);
	dial = dial_of(&ours_only);
	assert_dialled(&dial, expected, 2);
}

/* We do not know our own host yet: a loopback address might be anybody's. */
static void without_addresses_of_our_own_loopback_is_left_out(void **state)
{
	const struct scene scene = {.our_count = 0, .theirs = {world_loopback(7001), world_address(2, 7001)},
		.their_count = 2, .from = world_address(2, 7001)};
	const struct address expected[] = {world_address(2, 7001)};
	struct dial dial = dial_of(&scene);

	(void)state;
	assert_dialled(&dial, expected, 1);
}

static void the_address_where_it_was_met_comes_last(void **state)
{
	const struct scene scene = {.ours = {world_address(1, 7000)}, .our_count = 1,
		.theirs = {world_address(2, 7001), world_address(3, 7001)}, .their_count = 2, .from = world_address(9, 4321)};
	const struct scene silent = {.ours = {world_address(1, 7000)}, .our_count = 1, .from = world_address(9, 4321)};
	const struct address expected[] = {world_address(2, 7001), world_address(3, 7001), world_address(9, 4321)};
	struct dial dial = dial_of(&scene);

	(void)state;
	assert_dialled(&dial, expected, 3);
	dial = dial_of(&silent);
	assert_dialled(&dial, expected + 2, 1);
}

static void no_address_is_tried_twice(void **state)
{
	const struct scene scene = {.ours = {world_address(1, 7000)}, .our_count = 1,
		.theirs = {world_address(2, 7001), world_address(2, 7001), world_address(2, 7002)}, .their_count = 3,
		.from = world_address(2, 7002)};
	const struct address expected[] = {world_address(2, 7001), world_address(2, 7002)};
	struct dial dial = dial_of(&scene);

	(void)state;
	assert_dialled(&dial, expected, 2);
}

static void there_is_a_limit(void **state)
{
	struct scene scene = {.ours = {world_address(1, 7000)}, .our_count = 1, .their_count = DIAL_ADDRESSES_MAX,
		.from = world_address(9, 4321)};
	struct dial dial;

	(void)state;
	for (unsigned i = 0; i < DIAL_ADDRESSES_MAX; i++)
		scene.theirs[i] = world_address(100 + i, 7001);
	dial = dial_of(&scene);
	assert_dialled(&dial, scene.theirs, DIAL_ADDRESSES_MAX);
}

static void a_peer_nobody_knows_has_no_address(void **state)
{
	struct lone *lone = lone_new();
	struct dial dial = {.peer = fake_pair(PEER).public_key};

	(void)state;
	node_fill_dial(lone->node, &dial);
	assert_int_equal(dial.count, 0);
	lone_free(lone);
}

/* The peer moved, or it is met behind another translator: the newest counts. */
static void the_newest_observation_counts(void **state)
{
	struct lone *lone = lone_new();
	const struct address before = world_address(8, 1), after = world_address(9, 2);
	struct dial dial = {.peer = fake_pair(PEER).public_key};

	(void)state;
	lone_hear(lone, &(struct saying){.peer = PEER, .from = &before});
	lone_hear(lone, &(struct saying){.peer = PEER, .from = &after});
	node_fill_dial(lone->node, &dial);
	assert_dialled(&dial, &after, 1);
	lone_free(lone);
}

static void addresses_that_a_dial_brings_along_are_left_alone(void **state)
{
	struct lone *lone = lone_new();
	const struct dial dial = {.peer = fake_pair(PEER).public_key, .count = 1, .address = {world_address(7, 7007)}};
	struct address listed = world_address(2, 7001);
	struct effect effect;

	(void)state;
	lone_hear(lone, &(struct saying){.peer = PEER, .address = &listed, .address_count = 1});
	lone_drop_effects(lone);
	node_add_hint(lone->node, lone->now, &dial);
	effect = lone_expect(lone, EFFECT_CONNECT, PROTOCOL_ANNOUNCE);
	assert_dialled(effect.dial, dial.address, 1);
	effect_drop(&effect);
	lone_consume(lone);
	lone_hear(lone, &(struct saying){.peer = PEER, .update = 1, .produces = true, .address = &listed,
		.address_count = 1, .from = &listed});
	effect = lone_expect(lone, EFFECT_CONNECT, PROTOCOL_STREAMS);   /* this one has none: filled in from the catalog */
	assert_dialled(effect.dial, &listed, 1);
	effect_drop(&effect);
	lone_free(lone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stranger_is_not_dialled_on_our_own_host),
		cmocka_unit_test(a_common_address_is_a_common_host_and_loopback_comes_first),
		cmocka_unit_test(a_common_loopback_address_is_no_common_host),
		cmocka_unit_test(whoever_lists_loopback_only_is_on_our_host),
		cmocka_unit_test(without_addresses_of_our_own_loopback_is_left_out),
		cmocka_unit_test(the_address_where_it_was_met_comes_last),
		cmocka_unit_test(no_address_is_tried_twice),
		cmocka_unit_test(there_is_a_limit),
		cmocka_unit_test(a_peer_nobody_knows_has_no_address),
		cmocka_unit_test(the_newest_observation_counts),
		cmocka_unit_test(addresses_that_a_dial_brings_along_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
