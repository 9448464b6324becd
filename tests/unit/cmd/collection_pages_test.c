/*
 * collection_pages_test.c - all of a store, page by page, with the collection itself in the place of a member; and single
 * values of it.
 */
#include "cmd/common/collection_pages.h"
#include "cmd/common/collection_value.h"

#include "collections/cell_wire.h"
#include "collections/map_wire.h"
#include "collections/pqueue_wire.h"
#include "collections/set_wire.h"
#include "collections/vec_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LONG (100u * 1024)     /* of a value: few go on a page */
#define COUNT 40

struct shop {
	struct collection_shape shape;
	struct state state;
	uint64_t position;
	uint64_t entries;
	uint64_t sum;                  /* of what their last parts begin with */
	bool in_order;
	struct buffer last;
};

static void open_shop(struct shop *shop, enum collection_kind kind, const char *types)
{
	*shop = (struct shop){.shape = {.kind = kind}, .in_order = true};
	assert_int_equal(collection_types_from_text(bytes_of_text(types), &shop->shape), OK);
	shop->state = collection_new(&shop->shape);
}

static void close_shop(struct shop *shop)
{
	shop->state.ops->free(shop->state.self);
	buffer_fini(&shop->last);
}

static void apply(struct shop *shop, struct buffer *command)
{
	struct buffer result = {0};

	shop->state.ops->apply(shop->state.self, &(struct state_moment){++shop->position, 1}, buffer_bytes(command), &result, NULL);
	buffer_fini(&result);
	buffer_clear(command);
}

static void on_entry(void *self, uint64_t index, const struct bytes part[PARTS])
{
	struct shop *shop = self;
	struct bytes key = shop->shape.kind == COLLECTION_VEC ? part[PART_VALUE] : part[PART_KEY];
	char text[8];

	assert_true(key.size >= 4);
	shop->in_order &= index == shop->entries && bytes_compare(buffer_bytes(&shop->last), key) < 0;
	buffer_clear(&shop->last);
	buffer_append(&shop->last, key);
	snprintf(text, sizeof text, "%.4s", (const char *)key.data);
	shop->sum += (uint64_t)atoi(text);
	shop->entries++;
}

static unsigned read_all(struct shop *shop, struct collection_pages *pages)
{
	struct buffer query = {0}, answer = {0};
	unsigned asked = 0;

	pages->shape = &shop->shape;
	pages->entry = on_entry;
	pages->self = shop;
	while (pages_ask(pages, &query)) {
		assert_int_equal(shop->state.ops->query(shop->state.self, buffer_bytes(&query), &answer), OK);
		assert_int_equal(pages_answer(pages, shop->position + asked, buffer_bytes(&answer)), OK);
		buffer_clear(&query);
		buffer_clear(&answer);
		asked++;
	}
	buffer_fini(&query);
	buffer_fini(&answer);
	return asked;
}

static void fill(struct shop *shop)
{
	static uint8_t value[LONG];
	struct buffer command = {0};
	struct bytes whole = {value, sizeof value};

	for (unsigned i = 1; i <= COUNT; i++) {
		char key[8];

		snprintf(key, sizeof key, "%04u", i);
		memset(value, 'x', sizeof value);
		memcpy(value, key, 4);
		if (shop->shape.kind == COLLECTION_MAP)
			map_put(&command, bytes_of_text(key), whole);
		else if (shop->shape.kind == COLLECTION_VEC)
			vec_push(&command, whole);
		else if (shop->shape.kind == COLLECTION_SET)
			set_add(&command, whole);
		else
			pqueue_push(&command, &(struct pqueue_entry){bytes_of_text("same"), bytes_of_text(key), whole});
		apply(shop, &command);
	}
	buffer_fini(&command);
}

static void every_entry_comes_once_and_in_order(void **state)
{
	static const char *const types[] = {[COLLECTION_MAP] = "str:bytes", [COLLECTION_VEC] = "bytes", [COLLECTION_SET] = "bytes",
		[COLLECTION_PQUEUE] = "str:str:bytes"};

	(void)state;
	for (unsigned kind = 0; kind < sizeof types / sizeof types[0]; kind++) {
		struct collection_pages pages = {0};
		struct shop shop;

		if (!types[kind])
			continue;
		open_shop(&shop, (enum collection_kind)kind, types[kind]);
		assert_int_equal(read_all(&shop, &pages), 1);      /* empty */
		assert_int_equal(shop.entries, 0);
		pages_again(&pages);
		fill(&shop);
		assert_true(read_all(&shop, &pages) > COUNT / 11);
		assert_int_equal(shop.entries, COUNT);
		assert_int_equal(shop.sum, COUNT * (COUNT + 1) / 2);
		assert_true(shop.in_order);
		assert_int_equal(pages.first, shop.position);
		assert_true(pages.last > pages.first);
		pages_fini(&pages);
		close_shop(&shop);
	}
}

static void a_prefix_and_a_first_index(void **state)
{
	struct collection_pages pages = {.prefix = bytes_of_text("000")};
	struct shop shop;

	(void)state;
	open_shop(&shop, COLLECTION_MAP, "str:bytes");
	fill(&shop);
	read_all(&shop, &pages);
	assert_int_equal(shop.entries, 9);
	pages_fini(&pages);
	close_shop(&shop);
	open_shop(&shop, COLLECTION_VEC, "bytes");
	fill(&shop);
	pages = (struct collection_pages){.from = COUNT - 2};
	shop.entries = COUNT - 2;
	read_all(&shop, &pages);
	assert_true(shop.in_order);
	assert_int_equal(shop.entries, COUNT);
	assert_int_equal(shop.sum, COUNT + COUNT - 1);
	pages_fini(&pages);
	close_shop(&shop);
}

static void nonsense_is_refused(void **state)
{
	struct collection_shape shape = {.kind = COLLECTION_MAP};
	struct collection_pages pages = {.shape = &shape, .entry = on_entry};

	(void)state;
	assert_int_equal(pages_answer(&pages, 1, bytes_of_text("x")), ERROR_MALFORMED);
	assert_int_equal(pages_answer(&pages, 1, bytes_of("\x83\x00\x01\x81\x40", 5)), ERROR_MALFORMED);   /* more, but nothing now */
	assert_int_equal(pages_answer(&pages, 1, bytes_of("\x83\x00\x00\x81\x41\x41", 6)), ERROR_MALFORMED);   /* half an entry */
	pages_fini(&pages);
}

static bool find(struct shop *shop, const char *key, struct bytes *value, struct buffer *answer)
{
	struct buffer query = {0}, stored = {0};
	bool is_there;

	buffer_clear(answer);
	if (value_has_key(shop->shape.kind))
		assert_int_equal(value_key(&shop->shape, key, &stored), OK);
	value_query(&shop->shape, buffer_bytes(&stored), &query);
	assert_int_equal(shop->state.ops->query(shop->state.self, buffer_bytes(&query), answer), OK);
	assert_int_equal(value_read(&shop->shape, buffer_bytes(answer), &is_there, value), OK);
	buffer_fini(&query);
	buffer_fini(&stored);
	return is_there;
}

static void a_value_is_found_and_swapped(void **state)
{
	struct buffer command = {0}, answer = {0};
	struct bytes value;
	struct shop shop;

	(void)state;
	open_shop(&shop, COLLECTION_PQUEUE, "str:str:bytes");
	fill(&shop);
	assert_false(find(&shop, "nothing", &value, &answer));
	assert_true(find(&shop, "0007", &value, &answer));
	assert_int_equal(value.size, LONG);
	value_swap(&shop.shape, &(struct value_swap){.key = bytes_of_text("0007"), .was_there = true, .before = value,
		.after = bytes_of_text("new")}, &command);
	apply(&shop, &command);
	assert_true(find(&shop, "0007", &value, &answer));
	assert_true(bytes_equal(value, bytes_of_text("new")));
	close_shop(&shop);
	open_shop(&shop, COLLECTION_CELL, "str");
	assert_false(find(&shop, NULL, &value, &answer));
	value_swap(&shop.shape, &(struct value_swap){.after = bytes_of_text("first")}, &command);
	apply(&shop, &command);
	assert_true(find(&shop, NULL, &value, &answer));
	assert_true(bytes_equal(value, bytes_of_text("first")));
	close_shop(&shop);
	buffer_fini(&command);
	buffer_fini(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_entry_comes_once_and_in_order),
		cmocka_unit_test(a_prefix_and_a_first_index),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(a_value_is_found_and_swapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
