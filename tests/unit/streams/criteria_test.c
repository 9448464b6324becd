/* Criteria: to bytes and back, what they match, and everything that is not criteria refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "streams/criteria.h"
#include "streams/picking.h"
#include "wire/cbor.h"

static struct criterion prefix(const char *text)
{
	return (struct criterion){.kind = CRITERION_PREFIX, .value = bytes_of_text(text)};
}

static struct criterion field(const char *path, const char *value)
{
	return (struct criterion){CRITERION_FIELD, bytes_of_text(path), bytes_of_text(value)};
}

static struct criteria *made_of(const struct criterion *criterion, size_t count)
{
	struct buffer encoded = {0};
	struct criteria *criteria = NULL;

	assert_int_equal(criteria_encode(criterion, count, &encoded), OK);
	assert_int_equal(criteria_new(buffer_bytes(&encoded), &criteria), OK);
	buffer_fini(&encoded);   /* they keep a copy */
	return criteria;
}

static bool match(const struct criteria *criteria, const char *record)
{
	return criteria_match(criteria, bytes_of_text(record));
}

static void all_conditions_have_to_hold(void **state)
{
	struct criteria *one = made_of(&(struct criterion){CRITERION_PREFIX, {0}, bytes_of_text("ab")}, 1);
	struct criteria *two = made_of((struct criterion[]){prefix("{\"a\""), field("b", "2")}, 2);

	(void)state;
	assert_true(match(one, "ab") && match(one, "abc"));
	assert_false(match(one, "a") || match(one, "") || match(one, "xab"));
	assert_true(match(two, "{\"a\":1,\"b\":2}"));
	assert_false(match(two, "{\"b\":2,\"a\":1}") || match(two, "{\"a\":1,\"b\":3}"));
	criteria_free(one);
	criteria_free(two);
	criteria_free(NULL);
}

static void an_empty_prefix_matches_everything(void **state)
{
	struct criteria *criteria = made_of(&(struct criterion){.kind = CRITERION_PREFIX}, 1);

	(void)state;
	assert_true(match(criteria, "") && match(criteria, "x"));
	criteria_free(criteria);
}

static void too_much_is_refused_on_both_sides(void **state)
{
	static char large[CRITERIA_SIZE_MAX];
	struct buffer encoded = {0};
	struct criterion criterion = {CRITERION_PREFIX, {0}, bytes_of(large, sizeof(large))};
	struct criteria *criteria = NULL;

	(void)state;
	assert_int_equal(criteria_encode(&criterion, 1, &encoded), ERROR_FULL);
	assert_int_equal(criteria_new(buffer_bytes(&encoded), &criteria), ERROR_MALFORMED);
	assert_null(criteria);
	buffer_fini(&encoded);
}

static void refuses_other_shapes(void **state)
{
	static const struct {
		uint8_t data[16];
		size_t size;
	} bad[] = {
		{{0}, 0},                                        /* nothing */
		{{0x80}, 1},                                     /* no condition */
		{{0x81, 0x80}, 2},                               /* an empty one */
		{{0x81, 0x82, 0x03, 0x40}, 4},                   /* of an unknown kind */
		{{0x81, 0x82, 0x01, 0x41}, 4},                   /* cut short */
		{{0x81, 0x82, 0x01, 0x40, 0x00}, 5},             /* bytes behind it */
		{{0x81, 0x83, 0x01, 0x40, 0x40}, 5},             /* a prefix with a path */
		{{0x81, 0x82, 0x02, 0x40}, 4},                   /* a field without one */
		{{0x81, 0x83, 0x02, 0x40, 0x40}, 5},             /* with an empty one */
		{{0x81, 0x82, 0x01, 0x60}, 4},                   /* text for bytes */
		{{0x89, 0x82, 0x01, 0x40}, 4},                   /* more than CRITERIA_MAX */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct criteria *criteria = NULL;

		assert_int_equal(criteria_new(bytes_of(bad[i].data, bad[i].size), &criteria), ERROR_MALFORMED);
		assert_null(criteria);
	}
}

/* ---- picking ---- */

static void put(struct buffer *records, const char *text)
{
	cbor_put_bytes(records, bytes_of_text(text));
}

static void picks_and_what_is_left_make_the_whole(void **state)
{
	struct criteria *criteria = made_of(&(struct criterion){CRITERION_PREFIX, {0}, bytes_of_text("k")}, 1);
	struct buffer records = {0}, kept = {0}, left = {0};
	struct picking picking = {.count = 0}, rest = {.count = 0};

	(void)state;
	for (int i = 0; i < 9; i++) {
		put(&records, i % 3 == 0 ? "k" : "drop");
		put(i % 3 == 0 ? &kept : &left, i % 3 == 0 ? "k" : "drop");
	}
	picking_by_criteria(&picking, criteria, buffer_bytes(&records), 9);
	assert_int_equal(picking.count, 3);
	assert_true(bytes_equal(buffer_bytes(&picking.bits), bytes_of("\x49\x00", 2)));
	assert_true(bytes_equal(buffer_bytes(&picking.records), buffer_bytes(&kept)));
	assert_true(picking_bit(buffer_bytes(&picking.bits), 6));
	assert_false(picking_bit(buffer_bytes(&picking.bits), 7) || picking_bit(buffer_bytes(&picking.bits), 1000));
	picking_the_rest(&rest, buffer_bytes(&picking.bits), buffer_bytes(&records), 9);
	assert_int_equal(rest.count, 6);
	assert_true(bytes_equal(buffer_bytes(&rest.records), buffer_bytes(&left)));
	picking_fini(&picking);
	picking_fini(&rest);
	buffer_fini(&records);
	buffer_fini(&kept);
	buffer_fini(&left);
	criteria_free(criteria);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_conditions_have_to_hold),
		cmocka_unit_test(an_empty_prefix_matches_everything),
		cmocka_unit_test(too_much_is_refused_on_both_sides),
		cmocka_unit_test(refuses_other_shapes),
		cmocka_unit_test(picks_and_what_is_left_make_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
