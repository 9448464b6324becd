/*
 * Two histories that met: when the weaker one freezes, thaws, dissolves; and that not both do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "groups/lineage.h"

static struct surrender history(uint8_t id, uint64_t position)
{
	return (struct surrender){{{id}}, position};
}

static struct replica at(uint8_t id, uint64_t position)
{
	return (struct replica){.lineage = {{id}}, .position = position};
}

static enum lineage_step next(struct lineage *lineage, msec now, const struct replica *replica)
{
	struct surrender to;

	return lineage_next(lineage, now, replica, &to);
}

static void the_stronger_one_stays(void **unused)
{
	struct lineage lineage;
	struct surrender other = history(2, 10);
	struct replica stronger = at(1, 11), longer_id = at(3, 10), weaker = at(1, 10), empty = at(1, 0);

	(void)unused;
	lineage_init(&lineage, false);
	assert_int_equal(next(&lineage, 0, &weaker), LINEAGE_STAY);
	assert_true(lineage_heard(&lineage, 1, &other));
	assert_false(lineage_heard(&lineage, 2, &other));
	assert_int_equal(next(&lineage, 3, &stronger), LINEAGE_STAY);
	assert_int_equal(next(&lineage, 3, &longer_id), LINEAGE_STAY);
	assert_int_equal(next(&lineage, 3, &weaker), LINEAGE_FREEZE);
	assert_int_equal(next(&lineage, 3, &empty), LINEAGE_DISSOLVE);
	assert_int_equal(next(&lineage, 2 + LINEAGE_STATEMENT_TTL, &weaker), LINEAGE_STAY);
}

static void frozen_it_waits_for_one_more_word(void **unused)
{
	struct lineage lineage;
	struct surrender other = history(2, 10), later = history(2, 12), unrelated = history(3, 99);
	struct replica replica = at(1, 5);

	(void)unused;
	lineage_init(&lineage, false);
	lineage_heard(&lineage, 1, &other);
	replica.frozen = true;
	replica.to = other;
	assert_int_equal(next(&lineage, 2, &replica), LINEAGE_STAY);
	assert_int_equal(lineage_deadline(&lineage), 2 + LINEAGE_STATEMENT_TTL);
	lineage_heard(&lineage, 3, &later);
	assert_int_equal(next(&lineage, 3, &replica), LINEAGE_DISSOLVE);
	replica.position = 13;   /* commands that came before the freeze */
	assert_int_equal(next(&lineage, 3, &replica), LINEAGE_THAW);
	replica.position = 5;
	lineage_heard(&lineage, 4, &unrelated);
	assert_int_equal(next(&lineage, 4, &replica), LINEAGE_STAY);
	assert_int_equal(next(&lineage, 2 + LINEAGE_STATEMENT_TTL, &replica), LINEAGE_THAW);
	replica.frozen = false;
	assert_int_equal(next(&lineage, 3 + LINEAGE_STATEMENT_TTL, &replica), LINEAGE_FREEZE);
	assert_int_equal(lineage_deadline(&lineage), MSEC_NEVER);
}

static void fenced_it_waits_for_an_operator(void **unused)
{
	struct lineage lineage;
	struct surrender other = history(2, 10);
	struct replica replica = at(1, 5);

	(void)unused;
	lineage_init(&lineage, true);
	replica.frozen = true;
	replica.to = other;
	assert_int_equal(next(&lineage, 2, &replica), LINEAGE_STAY);
	lineage_heard(&lineage, 3, &other);
	assert_int_equal(next(&lineage, 4, &replica), LINEAGE_STAY);
	assert_int_equal(next(&lineage, 4 * LINEAGE_STATEMENT_TTL, &replica), LINEAGE_STAY);
	lineage.adopt = true;
	lineage_heard(&lineage, 4 * LINEAGE_STATEMENT_TTL, &other);
	assert_int_equal(next(&lineage, 4 * LINEAGE_STATEMENT_TTL, &replica), LINEAGE_DISSOLVE);
}

static void a_weaker_third_does_not_hide_the_strongest(void **unused)
{
	struct lineage lineage;
	struct surrender strong = history(2, 10), weak = history(3, 1), to;
	struct replica replica = at(1, 5);

	(void)unused;
	lineage_init(&lineage, false);
	lineage_heard(&lineage, 1, &strong);
	assert_false(lineage_heard(&lineage, 2, &weak));
	assert_int_equal(lineage_next(&lineage, 2, &replica, &to), LINEAGE_FREEZE);
	assert_true(id_equal(&to.lineage, &strong.lineage));
	/* But it counts when the strong one is silent. */
	assert_true(lineage_heard(&lineage, 1 + LINEAGE_STATEMENT_TTL, &weak));
	assert_int_equal(next(&lineage, 1 + LINEAGE_STATEMENT_TTL, &replica), LINEAGE_STAY);
}

static void remembers_which_are_over(void **unused)
{
	struct lineage lineage;
	struct surrender to = history(99, 7);

	(void)unused;
	lineage_init(&lineage, false);
	for (uint8_t i = 1; i <= LINEAGE_DISSOLVED_MAX + 1; i++) {
		struct surrender which = history(i, 0);

		assert_null(lineage_dissolved(&lineage, &which.lineage));
		lineage_note_dissolved(&lineage, &which.lineage, &to);
		assert_int_equal(lineage_dissolved(&lineage, &which.lineage)->position, 7);
	}
	to = history(1, 0);
	assert_null(lineage_dissolved(&lineage, &to.lineage));   /* the oldest gave way */
	to = history(0, 0);
	assert_null(lineage_dissolved(&lineage, &to.lineage));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_stronger_one_stays),
		cmocka_unit_test(frozen_it_waits_for_one_more_word),
		cmocka_unit_test(fenced_it_waits_for_an_operator),
		cmocka_unit_test(a_weaker_third_does_not_hide_the_strongest),
		cmocka_unit_test(remembers_which_are_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
