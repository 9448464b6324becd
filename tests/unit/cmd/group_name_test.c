/*
 * The names that members list their groups under.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/common/group_name.h"

static void assert_read(const char *listed, const char *kind, const char *name, const char *types)
{
	struct group_name read = group_name_read(listed);

	assert_true(bytes_equal(read.kind, bytes_of_text(kind)));
	assert_true(bytes_equal(read.name, bytes_of_text(name)));
	assert_string_equal(read.types, types);
}

static void a_listed_name_has_up_to_three_parts(void **unused)
{
	(void)unused;
	assert_read("jobs", "group", "jobs", "");
	assert_read("map users str:u64", "map", "users", "str:u64");
	assert_read("pqueue jobs u64:str:bytes 1000", "pqueue", "jobs", "u64:str:bytes 1000");
	/* Whatever strangers list. */
	assert_read("", "group", "", "");
	assert_read("map ", "map", "", "");
	assert_read("map users", "map", "users", "");
	assert_read("  ", "", "", "");
}

static void kind_and_name_must_both_be_the_same(void **unused)
{
	const char *types;

	(void)unused;
	assert_true(group_name_matches("map users str:u64", "map", "users", &types));
	assert_string_equal(types, "str:u64");
	assert_false(group_name_matches("map users str:u64", "map", "user", &types));
	assert_false(group_name_matches("map users str:u64", "map", "users2", &types));
	assert_false(group_name_matches("map users str:u64", "vec", "users", &types));
	assert_false(group_name_matches("map users str:u64", "group", "users", &types));
	assert_true(group_name_matches("users", "group", "users", &types));
	assert_string_equal(types, "");
}

static void types_are_the_same_whatever_the_capacity(void **unused)
{
	(void)unused;
	assert_true(group_name_types_match("u64:str:bytes 1000", "u64:str:bytes"));
	assert_true(group_name_types_match("str", "str"));
	assert_false(group_name_types_match("str:u64", "str"));
	assert_false(group_name_types_match("str", "str:u64"));
}

static void people_may_say_less_than_all_of_it(void **unused)
{
	(void)unused;
	assert_true(group_name_says("map users str:u64", "map users str:u64"));
	assert_true(group_name_says("map users str:u64", "map users"));
	assert_true(group_name_says("map users str:u64", "users"));
	assert_true(group_name_says("jobs", "jobs"));
	assert_false(group_name_says("map users str:u64", "map use"));
	assert_false(group_name_says("map users str:u64", "user"));
	assert_false(group_name_says("map users str:u64", ""));
	assert_false(group_name_says("map users str:u64", "vec users"));
}

static void a_group_of_a_card_is_found_by_id_or_name(void **unused)
{
	struct id listed = id_hash(bytes_of_text("listed")), silent = id_hash(bytes_of_text("silent"));
	struct id group[] = {listed, silent};
	char text[] = "map users str:u64", hex[ID_TEXT_SIZE];
	struct card_name name[] = {{.id = listed, .text = text}};
	struct card card = {.groups = {.id = group, .count = 2}, .name = name, .name_count = 1};

	(void)unused;
	assert_string_equal(group_name_in(&card, "users"), text);
	assert_string_equal(group_name_in(&card, "silent"), "");      /* its id is the hash of that word */
	id_format(&silent, hex);
	assert_string_equal(group_name_in(&card, hex), "");
	assert_null(group_name_in(&card, "nothing"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listed_name_has_up_to_three_parts),
		cmocka_unit_test(kind_and_name_must_both_be_the_same),
		cmocka_unit_test(types_are_the_same_whatever_the_capacity),
		cmocka_unit_test(people_may_say_less_than_all_of_it),
		cmocka_unit_test(a_group_of_a_card_is_found_by_id_or_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
