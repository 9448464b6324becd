/*
 * tree_test.c - the tree against plain arrays: by key, by rank, with snapshots held on the way.
 */
#include "base/tree.h"
#include "base/tree_internal.h"

#include "base/memory.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PRIME 0x7FFFFFFFu
#define ROOM 3000

/* The model: a sequence of numbers, which stand for the entries in every tree below. */
struct model {
	uint32_t value[ROOM];
	size_t count;
};

static struct bytes number(uint32_t value, uint8_t out[4])
{
	bytes_put_be32(out, value);
	return bytes_of(out, 4);
}

static uint32_t number_of(struct bytes bytes)
{
	assert_int_equal(bytes.size, 4);
	return bytes_get_be32(bytes.data);
}

static void model_insert(struct model *model, size_t at, uint32_t value)
{
	memmove(model->value + at + 1, model->value + at, (model->count - at) * sizeof(uint32_t));
	model->value[at] = value;
	model->count++;
}

static void model_remove(struct model *model, size_t at)
{
	model->count--;
	memmove(model->value + at, model->value + at + 1, (model->count - at) * sizeof(uint32_t));
}

static void assert_is(const struct tree *tree, const struct model *model)
{
	struct tree_cursor cursor = tree_seek(tree, 0);
	const struct tree_entry *entry;

	tree_check(tree);
	assert_int_equal(tree_count(tree), model->count);
	for (size_t i = 0; i < model->count; i++) {
		entry = tree_next(&cursor);
		assert_non_null(entry);
		assert_int_equal(number_of(tree_entry_value(entry)), model->value[i]);
	}
	assert_null(tree_next(&cursor));
	for (size_t i = model->count; i-- > 0;)
		assert_int_equal(number_of(tree_entry_value(tree_previous(&cursor))), model->value[i]);
	assert_null(tree_previous(&cursor));
}

/* A tree with the same entries, made in one go from left to right. */
static struct tree rebuilt(const struct tree *tree)
{
	struct tree fresh = {0};
	struct tree_cursor cursor = tree_seek(tree, 0);
	const struct tree_entry *entry;

	while ((entry = tree_next(&cursor)) != NULL)
		tree_insert_at(&fresh, tree_count(&fresh), tree_entry_key(entry), tree_entry_value(entry));
	return fresh;
}

static void assert_digest_is_of_content(const struct tree *tree)
{
	struct tree fresh = rebuilt(tree);
	struct id one = tree_digest(tree), other = tree_digest(&fresh);

	assert_memory_equal(&one, &other, sizeof one);
	tree_check(tree);
	tree_fini(&fresh);
}

static void empty_tree_answers(void **state)
{
	struct tree tree = {0}, snapshot = tree_snapshot(&tree);
	struct tree_cursor cursor = tree_seek(&tree, 0);

	(void)state;
	assert_int_equal(tree_count(&tree), 0);
	assert_null(tree_get(&tree, bytes_of_text("a")));
	assert_null(tree_remove(&tree, bytes_of_text("a")));
	assert_int_equal(tree_rank(&tree, bytes_of_text("a")), 0);
	assert_int_equal(tree_rank_past(&tree, bytes_of_text("")), 0);
	assert_null(tree_next(&cursor));
	assert_null(tree_previous(&cursor));
	tree_check(&tree);
	tree_fini(&tree);
	tree_fini(&snapshot);
}

static void put_get_remove(void **state)
{
	struct tree tree = {0};
	struct tree_entry *old;

	(void)state;
	assert_null(tree_put(&tree, bytes_of_text("b"), bytes_of_text("1")));
	assert_null(tree_put(&tree, bytes_of_text("a"), bytes_of_text("")));
	assert_null(tree_put(&tree, bytes_of_text(""), bytes_of_text("empty key")));
	old = tree_put(&tree, bytes_of_text("b"), bytes_of_text("two"));
	assert_true(bytes_equal(tree_entry_value(old), bytes_of_text("1")));
	tree_entry_drop(old);
	assert_int_equal(tree_count(&tree), 3);
	assert_true(bytes_equal(tree_entry_value(tree_get(&tree, bytes_of_text("b"))), bytes_of_text("two")));
	assert_true(bytes_equal(tree_entry_value(tree_get(&tree, bytes_of_text(""))), bytes_of_text("empty key")));
	assert_null(tree_get(&tree, bytes_of_text("c")));
	tree_check_order(&tree);
	old = tree_remove(&tree, bytes_of_text(""));
	assert_true(bytes_equal(tree_entry_value(old), bytes_of_text("empty key")));
	tree_entry_drop(old);
	assert_null(tree_remove(&tree, bytes_of_text("")));
	assert_int_equal(tree_count(&tree), 2);
	tree_fini(&tree);
}

static void ranks_of_keys_and_prefixes(void **state)
{
	struct tree tree = {0};
	char key[16];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {      /* k000 .. k999 */
		snprintf(key, sizeof key, "k%03u", i * 7 % 1000);
		assert_null(tree_put(&tree, bytes_of_text(key), bytes_of_text("")));
	}
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(key, sizeof key, "k%03u", i);
		assert_int_equal(tree_rank(&tree, bytes_of_text(key)), i);
		assert_int_equal(tree_rank_past(&tree, bytes_of_text(key)), i + 1);
		snprintf(key, sizeof key, "k%03u+", i);
		assert_int_equal(tree_rank(&tree, bytes_of_text(key)), i + 1);
		assert_int_equal(tree_rank_past(&tree, bytes_of_text(key)), i + 1);
	}
	assert_int_equal(tree_rank(&tree, bytes_of_text("k4")), 400);
	assert_int_equal(tree_rank_past(&tree, bytes_of_text("k4")), 500);
	assert_int_equal(tree_rank_past(&tree, bytes_of_text("k99")), 1000);
	assert_int_equal(tree_rank_past(&tree, bytes_of_text("k")), 1000);
	assert_int_equal(tree_rank_past(&tree, bytes_of_text("")), 1000);
	assert_int_equal(tree_rank_past(&tree, bytes_of_text("a")), 0);
	assert_int_equal(tree_rank(&tree, bytes_of_text("z")), 1000);
	tree_fini(&tree);
}

/* Position of the first value that is not smaller. */
static size_t model_rank(const struct model *model, uint32_t value)
{
	size_t at = 0;

	while (at < model->count && model->value[at] < value)
		at++;
	return at;
}

/* Keys of a number, in the order of numbers. */
#define KEY_MAX 80
typedef struct bytes key_function(uint32_t value, uint8_t out[KEY_MAX]);

static struct bytes short_key(uint32_t value, uint8_t out[KEY_MAX])
{
	return number(value, out);
}

/* Eight digits to the base of 3, nine bytes each, without zeroes at the end: keys begin alike, and with each other. */
static struct bytes long_key(uint32_t value, uint8_t out[KEY_MAX])
{
	size_t size = 72;

	for (size_t at = 72; at > 0; at -= 9, value /= 3) {
		memcpy(out + at - 9, "--------0", 9);
		out[at - 1] = (uint8_t)('0' + value % 3);
	}
	while (size > 0 && out[size - 1] == '0')
		size -= 9;
	return bytes_of(out, size);
}

static size_t model_rank_past(const struct model *model, struct bytes prefix, key_function *key_of)
{
	uint8_t text[KEY_MAX];
	size_t count = 0;

	for (size_t i = 0; i < model->count; i++) {
		struct bytes key = key_of(model->value[i], text);

		if (key.size > prefix.size)
			key.size = prefix.size;
		count += bytes_compare(key, prefix) <= 0;
	}
	return count;
}

static void step_by_key(struct tree *tree, struct model *model, uint32_t value, key_function *key_of, bool put)
{
	uint8_t text[4], key_text[KEY_MAX];
	struct bytes key = key_of(value, key_text);
	size_t at = model_rank(model, value);
	bool there = at < model->count && model->value[at] == value;
	struct tree_entry *old;

	assert_int_equal(tree_rank(tree, key), at);
	if (value % 8 == 0)
		assert_int_equal(tree_rank_past(tree, key), model_rank_past(model, key, key_of));
	assert_true((tree_get(tree, key) != NULL) == there);
	old = put ? tree_put(tree, key, number(value, text)) : tree_remove(tree, key);
	assert_true((old != NULL) == there);
	tree_entry_drop(old);
	if (put && !there)
		model_insert(model, at, value);
	else if (!put && there)
		model_remove(model, at);
}

#define HELD 4

struct held {
	struct tree tree[HELD];
	struct model model[HELD];
};

/* Lets go of one old snapshot and takes one of now, after a look at whether the old one is what it was. */
static void renew(struct held *held, size_t which, const struct tree *tree, const struct model *model)
{
	assert_is(&held->tree[which], &held->model[which]);
	assert_digest_is_of_content(&held->tree[which]);
	tree_fini(&held->tree[which]);
	held->tree[which] = tree_snapshot(tree);
	held->model[which] = *model;
}

static void release(struct held *held)
{
	for (size_t i = 0; i < HELD; i++) {
		assert_is(&held->tree[i], &held->model[i]);
		tree_fini(&held->tree[i]);
	}
	memory_free(held);
}

/* Phases of growth and of decline, so that nodes split, even out and merge at every height. */
static void run_by_key(uint64_t seeds, key_function *key_of)
{
	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct model *model = memory_new(sizeof *model);
		struct held *held = memory_new(sizeof *held);
		struct tree tree = {0};
		struct rng rng;

		rng_init(&rng, seed);
		for (unsigned i = 0; i < 12000; i++) {
			uint64_t puts = i / 3000 % 2 == 0 ? 8 : 2;
			uint32_t value = (uint32_t)rng_below(&rng, seed % 2 ? 2900 : 300);

			step_by_key(&tree, model, value, key_of, rng_below(&rng, 10) < puts);
			if (rng_below(&rng, 97) == 0)
				renew(held, rng_below(&rng, HELD), &tree, model);
			if (i % 500 == 0) {
				assert_is(&tree, model);
				tree_check_order(&tree);
				assert_digest_is_of_content(&tree);
			}
		}
		assert_is(&tree, model);
		release(held);
		tree_fini(&tree);
		memory_free(model);
	}
}

static void random_steps_by_key_with_snapshots(void **state)
{
	(void)state;
	run_by_key(4, short_key);
}

static void random_steps_with_keys_that_begin_alike(void **state)
{
	(void)state;
	run_by_key(4, long_key);
}

static void step_by_rank(struct tree *tree, struct model *model, struct rng *rng, uint64_t inserts)
{
	uint8_t text[4];
	uint32_t value = (uint32_t)rng_next(rng);
	uint64_t choice = rng_below(rng, 10);
	size_t at = (size_t)rng_below(rng, model->count + 1), other;

	if (rng_below(rng, 4) == 0)                     /* the ends are special: see split() */
		at = rng_below(rng, 2) == 0 ? 0 : model->count;
	if (choice < inserts && model->count < ROOM) {
		tree_insert_at(tree, at, bytes_of(NULL, 0), number(value, text));
		model_insert(model, at, value);
		return;
	}
	if (at == model->count)
		return;
	other = (size_t)rng_below(rng, model->count);
	if (choice < 8) {
		struct tree_entry *old = tree_remove_at(tree, at);

		assert_int_equal(number_of(tree_entry_value(old)), model->value[at]);
		tree_entry_drop(old);
		model_remove(model, at);
	} else if (choice == 8) {
		struct tree_entry *old = tree_replace_at(tree, at, bytes_of(NULL, 0), number(value, text));

		assert_int_equal(number_of(tree_entry_value(old)), model->value[at]);
		tree_entry_drop(old);
		model->value[at] = value;
	} else {
		uint32_t kept = model->value[at];

		tree_swap_at(tree, at, other);
		model->value[at] = model->value[other];
		model->value[other] = kept;
	}
}

static void random_steps_by_rank_with_snapshots(void **state)
{
	(void)state;
	for (uint64_t seed = 11; seed <= 14; seed++) {
		struct model *model = memory_new(sizeof *model);
		struct held *held = memory_new(sizeof *held);
		struct tree tree = {0};
		struct rng rng;

		rng_init(&rng, seed);
		for (unsigned i = 0; i < 12000; i++) {
			step_by_rank(&tree, model, &rng, i / 2000 % 2 == 0 ? 6 : 2);
			if (rng_below(&rng, 97) == 0)
				renew(held, rng_below(&rng, HELD), &tree, model);
			if (i % 500 == 0) {
				assert_is(&tree, model);
				assert_digest_is_of_content(&tree);
			}
		}
		assert_is(&tree, model);
		release(held);
		tree_fini(&tree);
		memory_free(model);
	}
}

static void filled_in_order_and_emptied_from_either_end(void **state)
{
	struct tree tree = {0};
	uint8_t text[4];

	(void)state;
	for (uint32_t i = 0; i < 20000; i++)
		tree_insert_at(&tree, i, bytes_of(NULL, 0), number(20000 + i, text));
	for (uint32_t i = 0; i < 20000; i++)
		tree_insert_at(&tree, 0, bytes_of(NULL, 0), number(19999 - i, text));
	tree_check(&tree);
	for (uint32_t i = 0; i < 40000; i += 97)
		assert_int_equal(number_of(tree_entry_value(tree_at(&tree, i))), i);
	for (uint32_t i = 0; i < 20000; i++) {
		struct tree_entry *first = tree_remove_at(&tree, 0);
		struct tree_entry *last = tree_remove_at(&tree, tree_count(&tree) - 1);

		assert_int_equal(number_of(tree_entry_value(first)), i);
		assert_int_equal(number_of(tree_entry_value(last)), 39999 - i);
		tree_entry_drop(first);
		tree_entry_drop(last);
		if (i % 1000 == 0)
			tree_check(&tree);
	}
	assert_int_equal(tree_count(&tree), 0);
	assert_null(tree.root);
}

static struct id digest_of(const char *const *values, size_t count)
{
	struct tree tree = {0};
	struct id digest;

	for (size_t i = 0; i < count; i++)
		tree_insert_at(&tree, i, bytes_of(NULL, 0), bytes_of_text(values[i]));
	digest = tree_digest(&tree);
	tree_fini(&tree);
	return digest;
}

static void digest_tells_order_count_and_borders_apart(void **state)
{
	const char *const sequences[][3] = {{"a", "b", "c"}, {"b", "a", "c"}, {"a", "c", "b"}, {"ab", "c", ""}, {"", "ab", "c"}};
	struct id digest[8];
	struct tree tree = {0};
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		digest[count++] = digest_of(sequences[i], 3);
	digest[count++] = digest_of(sequences[0], 2);
	digest[count++] = tree_digest(&tree);
	tree_insert_at(&tree, 0, bytes_of_text("a"), bytes_of_text("b"));
	digest[count++] = tree_digest(&tree);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < i; j++)
			assert_false(id_equal(&digest[i], &digest[j]));
	}
	tree_fini(&tree);
}

static uint32_t power(uint64_t base, uint32_t exponent)
{
	uint64_t result = 1;

	for (; exponent > 0; exponent >>= 1, base = base * base % PRIME) {
		if (exponent & 1)
			result = result * base % PRIME;
	}
	return (uint32_t)result;
}

/* p - 1 = 2 3^2 7 11 31 151 331: a base has full order when no (p - 1) / q takes it to one. */
static void bases_of_the_digest_have_full_order(void **state)
{
	static const uint32_t bases[] = {TREE_DIGEST_BASES}, factors[] = {2, 3, 7, 11, 31, 151, 331};

	(void)state;
	assert_int_equal(sizeof bases / sizeof bases[0], TREE_DIGEST_LANES);
	for (size_t i = 0; i < TREE_DIGEST_LANES; i++) {
		assert_int_equal(power(bases[i], PRIME - 1), 1);
		for (size_t j = 0; j < sizeof factors / sizeof factors[0]; j++)
			assert_int_not_equal(power(bases[i], (PRIME - 1) / factors[j]), 1);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(bases[i], bases[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_tree_answers),
		cmocka_unit_test(put_get_remove),
		cmocka_unit_test(ranks_of_keys_and_prefixes),
		cmocka_unit_test(random_steps_by_key_with_snapshots),
		cmocka_unit_test(random_steps_with_keys_that_begin_alike),
		cmocka_unit_test(random_steps_by_rank_with_snapshots),
		cmocka_unit_test(filled_in_order_and_emptied_from_either_end),
		cmocka_unit_test(digest_tells_order_count_and_borders_apart),
		cmocka_unit_test(bases_of_the_digest_have_full_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
