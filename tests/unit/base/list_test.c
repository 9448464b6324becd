/*
 * list_test.c - order, removal while walking, and nodes that know whether they are in.
 */
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct thing {
	int number;
	struct list node;
};

static int sum_in_order(struct list *head)
{
	int digits = 0;

	LIST_EACH(node, head)
		digits = digits * 10 + LIST_OF(node, struct thing, node)->number;
	return digits;
}

static void keeps_order_and_removes(void **state)
{
	struct thing things[4];
	struct list head;

	(void)state;
	list_init(&head);
	assert_true(list_is_empty(&head));
	assert_int_equal(sum_in_order(&head), 0);
	for (int i = 0; i < 4; i++) {
		things[i].number = i + 1;
		list_init(&things[i].node);
		assert_false(list_is_linked(&things[i].node));
		list_append(&head, &things[i].node);
		assert_true(list_is_linked(&things[i].node));
	}
	assert_int_equal(sum_in_order(&head), 1234);
	list_remove(&things[1].node);
	list_remove(&things[1].node);
	assert_int_equal(sum_in_order(&head), 134);
	list_append(&head, &things[1].node);
	assert_int_equal(sum_in_order(&head), 1342);
}

static void body_may_remove(void **state)
{
	struct thing things[4];
	struct list head;

	(void)state;
	list_init(&head);
	for (int i = 0; i < 4; i++) {
		things[i].number = i + 1;
		list_append(&head, &things[i].node);
	}
	LIST_EACH_SAFE(node, after, &head) {
		if (LIST_OF(node, struct thing, node)->number % 2 == 0)
			list_remove(node);
	}
	assert_int_equal(sum_in_order(&head), 13);
	LIST_EACH_SAFE(node, after, &head)
		list_remove(node);
	assert_true(list_is_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_order_and_removes),
		cmocka_unit_test(body_may_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
