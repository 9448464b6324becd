/*
 * collection_resume_test.c - changes that are told by one member after another: each once.
 */
#include "cmd/common/collection_resume.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void each_change_is_taken_in_order(void **state)
{
	struct collection_resume resume;

	(void)state;
	resume_init(&resume, 5);
	assert_int_equal(resume_again(&resume), 5);
	assert_false(resume_takes(&resume, 4));
	assert_true(resume_takes(&resume, 5));
	assert_true(resume_takes(&resume, 5));
	assert_true(resume_takes(&resume, 9));
	assert_false(resume_takes(&resume, 5));
}

static void the_next_member_goes_on_in_the_middle_of_a_version(void **state)
{
	struct collection_resume resume;

	(void)state;
	resume_init(&resume, 1);
	assert_true(resume_takes(&resume, 7));
	assert_true(resume_takes(&resume, 7));
	assert_int_equal(resume_again(&resume), 7);
	assert_false(resume_takes(&resume, 6));      /* it lags, and tells what it catches up with */
	assert_false(resume_takes(&resume, 7));
	assert_false(resume_takes(&resume, 7));
	assert_true(resume_takes(&resume, 7));
	assert_true(resume_takes(&resume, 8));
	/* Another one that dies before it told what was known already. */
	assert_int_equal(resume_again(&resume), 8);
	assert_int_equal(resume_again(&resume), 8);
	assert_false(resume_takes(&resume, 8));
	assert_true(resume_takes(&resume, 8));
}

static void what_comes_again_is_forgotten_with_its_version(void **state)
{
	struct collection_resume resume;

	(void)state;
	resume_init(&resume, 1);
	assert_true(resume_takes(&resume, 3));
	resume_again(&resume);
	assert_true(resume_takes(&resume, 4));
	assert_true(resume_takes(&resume, 4));
}

static void a_reset_begins_behind_it_also_in_another_history(void **state)
{
	struct collection_resume resume;

	(void)state;
	resume_init(&resume, 50);
	assert_true(resume_takes(&resume, 50));
	resume_reset(&resume, 60);
	assert_false(resume_takes(&resume, 60));
	assert_true(resume_takes(&resume, 61));
	resume_reset(&resume, 0);
	assert_int_equal(resume_again(&resume), 1);
	assert_true(resume_takes(&resume, 1));
}

static void from_the_very_beginning_is_not_from_now_on(void **state)
{
	struct collection_resume resume;

	(void)state;
	resume_init(&resume, 0);
	assert_int_equal(resume_again(&resume), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_change_is_taken_in_order),
		cmocka_unit_test(the_next_member_goes_on_in_the_middle_of_a_version),
		cmocka_unit_test(what_comes_again_is_forgotten_with_its_version),
		cmocka_unit_test(a_reset_begins_behind_it_also_in_another_history),
		cmocka_unit_test(from_the_very_beginning_is_not_from_now_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
