/*
 * model_test.c - thousands of random commands on each collection, against a model that is one plain array.
 *
 * replicas_do() holds two replicas against each other and against one that only follows changes; here the outcome, the
 * count and the content are held against the model.
 */
#include "replicas.h"

#include "base/rng.h"

#include <stdlib.h>

#define STEPS 6000
#define ROOM 400
#define WORD 4

struct item {
	char priority[WORD], key[WORD], value[WORD];
};

/* Kept in the order in which the collection lists its entries. */
struct model {
	struct item item[ROOM];
	size_t count;
};

struct world {
	struct replicas r;
	struct model model;
	struct rng rng;
	struct item at;              /* the arguments of this step */
	size_t index, other;
	enum outcome outcome;        /* what the model expects */
	uint64_t result_count;
};

static void word(struct rng *rng, uint64_t variety, char out[WORD])
{
	uint64_t n = rng_below(rng, variety);

	snprintf(out, WORD, "%c%c", (char)('a' + n % 26), n >= 26 ? (char)('a' + n / 26 % 26) : '\0');
}

static bool same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static void expect(struct world *w, enum outcome outcome, uint64_t count)
{
	w->outcome = outcome;
	w->result_count = count;
}

/* --- the model --- */

static size_t find(const struct model *model, const char *key)
{
	size_t at = 0;

	while (at < model->count && !same(model->item[at].key, key))
		at++;
	return at;
}

static void insert(struct model *model, size_t at, const struct item *item)
{
	assert_true(model->count < ROOM && at <= model->count);
	memmove(&model->item[at + 1], &model->item[at], (model->count - at) * sizeof *item);
	model->item[at] = *item;
	model->count++;
}

static void take(struct model *model, size_t at)
{
	assert_true(at < model->count);
	model->count--;
	memmove(&model->item[at], &model->item[at + 1], (model->count - at) * sizeof model->item[0]);
}

static int compare(const void *a, const void *b)
{
	const struct item *one = a, *other = b;
	int order = strcmp(one->priority, other->priority);

	return order != 0 ? order : strcmp(one->key, other->key);
}

static void sort(struct model *model)
{
	qsort(model->item, model->count, sizeof model->item[0], compare);
}

/* --- steps of map and set --- */

static void model_put(struct world *w)
{
	size_t at = find(&w->model, w->at.key);

	if (at == w->model.count)
		insert(&w->model, at, &w->at);
	else
		w->model.item[at] = w->at;
	sort(&w->model);
}

/* Up to four entries in one command. Returns how many keys are new. */
static size_t bulk_put(struct world *w, bool with_value, struct buffer *out)
{
	size_t before = w->model.count, n = (size_t)rng_below(&w->rng, 5);

	for (size_t i = 0; i < n; i++) {
		word(&w->rng, 60, w->at.key);
		word(&w->rng, 5, w->at.value);
		sequence_put(out, T(w->at.key));
		if (with_value)
			sequence_put(out, T(w->at.value));
		model_put(w);
	}
	expect(w, with_value ? n > 0 ? OUTCOME_DONE : OUTCOME_NOTHING :
		w->model.count > before ? OUTCOME_DONE : OUTCOME_NOTHING, w->model.count - before);
	return n;
}

static void bulk_remove(struct world *w, struct buffer *out)
{
	size_t n = (size_t)rng_below(&w->rng, 5);
	uint64_t removed = 0;

	for (size_t i = 0; i < n; i++) {
		size_t at;

		word(&w->rng, 60, w->at.key);
		sequence_put(out, T(w->at.key));
		at = find(&w->model, w->at.key);
		if (at < w->model.count) {
			take(&w->model, at);
			removed++;
		}
	}
	expect(w, removed > 0 ? OUTCOME_DONE : OUTCOME_NOTHING, removed);
}

/* Expectation and replacement at random, with the true value in every second case. */
static void map_swap_step(struct world *w, size_t at)
{
	bool there = at < w->model.count;
	struct map_swap swap = {.key = T(w->at.key), .has_expected = rng_below(&w->rng, 3) > 0};
	char expected[WORD];

	word(&w->rng, 5, expected);
	if (there && rng_below(&w->rng, 2) == 0)
		memcpy(expected, w->model.item[at].value, WORD);
	swap.expected = T(expected);
	swap.has_replacement = rng_below(&w->rng, 3) > 0;
	swap.replacement = T(w->at.value);
	map_cas(&w->r.command, &swap);
	if (swap.has_expected != there || (there && !same(w->model.item[at].value, expected))) {
		expect(w, OUTCOME_MISMATCH, 0);
		return;
	}
	expect(w, OUTCOME_DONE, there || swap.has_replacement);
	if (swap.has_replacement)
		model_put(w);
	else if (there)
		take(&w->model, at);
}

static void map_step(struct world *w)
{
	size_t at = find(&w->model, w->at.key);
	bool there = at < w->model.count;
	struct buffer many = {0};

	switch (rng_below(&w->rng, 20)) {
	case 0:
		map_clear(&w->r.command);
		expect(w, w->model.count > 0 ? OUTCOME_DONE : OUTCOME_NOTHING, w->model.count);
		w->model.count = 0;
		break;
	case 1:
		bulk_put(w, true, &many);
		map_put_many(&w->r.command, buffer_bytes(&many));
		break;
	case 2:
		bulk_remove(w, &many);
		map_remove_many(&w->r.command, buffer_bytes(&many));
		break;
	case 3: case 4: case 5: case 6:
		map_remove(&w->r.command, T(w->at.key));
		expect(w, there ? OUTCOME_DONE : OUTCOME_NOTHING, there);
		if (there)
			take(&w->model, at);
		break;
	case 7: case 8: case 9: case 10:
		map_swap_step(w, at);
		break;
	default:
		map_put(&w->r.command, T(w->at.key), T(w->at.value));
		expect(w, OUTCOME_DONE, !there);
		model_put(w);
	}
	buffer_fini(&many);
}

static void set_step(struct world *w)
{
	size_t at = find(&w->model, w->at.key);
	bool there = at < w->model.count;
	struct buffer many = {0};

	switch (rng_below(&w->rng, 20)) {
	case 0:
		set_clear(&w->r.command);
		expect(w, w->model.count > 0 ? OUTCOME_DONE : OUTCOME_NOTHING, w->model.count);
		w->model.count = 0;
		break;
	case 1:
		bulk_put(w, false, &many);
		set_add_many(&w->r.command, buffer_bytes(&many));
		break;
	case 2:
		bulk_remove(w, &many);
		set_remove_many(&w->r.command, buffer_bytes(&many));
		break;
	case 3: case 4: case 5: case 6: case 7:
		set_remove(&w->r.command, T(w->at.key));
		expect(w, there ? OUTCOME_DONE : OUTCOME_NOTHING, there);
		if (there)
			take(&w->model, at);
		break;
	default:
		set_add(&w->r.command, T(w->at.key));
		expect(w, there ? OUTCOME_NOTHING : OUTCOME_DONE, !there);
		model_put(w);
	}
	buffer_fini(&many);
}

/* --- steps of vec --- */

static void vec_insert_step(struct world *w, size_t at)
{
	if (at > w->model.count) {
		expect(w, OUTCOME_RANGE, w->model.count);
		return;
	}
	insert(&w->model, at, &w->at);
	expect(w, OUTCOME_DONE, w->model.count);
}

static void vec_take_step(struct world *w, size_t at)
{
	bool there = at < w->model.count;

	if (there)
		take(&w->model, at);
	expect(w, there ? OUTCOME_DONE : OUTCOME_NOTHING, w->model.count);
}

static void vec_swap_step(struct world *w)
{
	struct model *model = &w->model;
	bool able = w->index < model->count && w->other < model->count && w->index != w->other;
	struct item kept;

	vec_swap(&w->r.command, w->index, w->other);
	if (able) {
		kept = model->item[w->index];
		model->item[w->index] = model->item[w->other];
		model->item[w->other] = kept;
	}
	expect(w, able ? OUTCOME_DONE : OUTCOME_NOTHING, model->count);
}

static void vec_truncate_step(struct world *w)
{
	bool able = w->index < w->model.count;

	vec_truncate(&w->r.command, w->index);
	if (able)
		w->model.count = w->index;
	expect(w, able ? OUTCOME_DONE : OUTCOME_NOTHING, w->model.count);
}

static void vec_extend_step(struct world *w)
{
	size_t n = (size_t)rng_below(&w->rng, 5);
	struct buffer many = {0};

	for (size_t i = 0; i < n; i++) {
		word(&w->rng, 600, w->at.value);
		sequence_put(&many, T(w->at.value));
		insert(&w->model, w->model.count, &w->at);
	}
	vec_extend(&w->r.command, buffer_bytes(&many));
	expect(w, many.size > 0 ? OUTCOME_DONE : OUTCOME_NOTHING, w->model.count);
	buffer_fini(&many);
}

static void vec_step(struct world *w)
{
	size_t count = w->model.count;
	uint64_t choice = rng_below(&w->rng, 30) == 0 ? rng_below(&w->rng, 6) : 6 + rng_below(&w->rng, 18);

	if (count > ROOM - 20)       /* it grows to that from time to time */
		choice = 4;

	switch (choice) {
	case 0:
		vec_clear(&w->r.command);
		expect(w, count > 0 ? OUTCOME_DONE : OUTCOME_NOTHING, count);
		w->model.count = 0;
		break;
	case 1: case 2:
		vec_pop(&w->r.command);
		vec_take_step(w, count > 0 ? count - 1 : 0);
		break;
	case 3: case 5:
		vec_pop_front(&w->r.command);
		vec_take_step(w, 0);
		break;
	case 4:
		vec_truncate_step(w);
		break;
	case 6: case 7: case 8:
		vec_remove(&w->r.command, w->index);
		vec_take_step(w, w->index);
		break;
	case 9: case 10: case 11:
		vec_swap_step(w);
		break;
	case 12: case 13:
		vec_extend_step(w);
		break;
	case 14: case 15:
		vec_push_front(&w->r.command, T(w->at.value));
		vec_insert_step(w, 0);
		break;
	case 16: case 17: case 18:
		vec_push(&w->r.command, T(w->at.value));
		vec_insert_step(w, count);
		break;
	default:
		vec_insert(&w->r.command, w->index, T(w->at.value));
		vec_insert_step(w, w->index);
	}
}

/* --- steps of cell and once: a map with one key --- */

static void cell_step(struct world *w)
{
	bool there = w->model.count > 0;
	struct map_swap swap;

	w->at.key[0] = '\0';
	switch (rng_below(&w->rng, 4)) {
	case 0:
		cell_clear(&w->r.command);
		expect(w, there ? OUTCOME_DONE : OUTCOME_NOTHING, there);
		w->model.count = 0;
		break;
	case 1:
		cell_set(&w->r.command, T(w->at.value));
		expect(w, OUTCOME_DONE, !there);
		model_put(w);
		break;
	default:
		swap = (struct map_swap){.has_expected = rng_below(&w->rng, 2) > 0, .has_replacement = rng_below(&w->rng, 2) > 0};
		cell_cas(&w->r.command, &(struct cell_swap){swap.has_expected, swap.has_replacement, T("b"), T(w->at.value)});
		if (swap.has_expected != there || (there && !same(w->model.item[0].value, "b"))) {
			expect(w, OUTCOME_MISMATCH, 0);
			break;
		}
		expect(w, OUTCOME_DONE, there || swap.has_replacement);
		w->model.count = 0;
		if (swap.has_replacement)
			model_put(w);
	}
}

static void once_step(struct world *w)
{
	bool there = w->model.count > 0;

	w->at.key[0] = '\0';
	once_set(&w->r.command, T(w->at.value));
	expect(w, there ? OUTCOME_MISMATCH : OUTCOME_DONE, !there);
	if (!there)
		model_put(w);
}

/* --- steps of pqueue --- */

static void queue_push_step(struct world *w)
{
	struct model *model = &w->model;
	size_t at = find(model, w->at.key);
	uint64_t capacity = w->r.shape.capacity;

	pqueue_push(&w->r.command, &(struct pqueue_entry){T(w->at.priority), T(w->at.key), T(w->at.value)});
	if (at == model->count && capacity > 0 && model->count == capacity) {
		if (compare(&w->at, &model->item[0]) < 0) {
			expect(w, OUTCOME_FULL, 0);
			return;
		}
		take(model, 0);
		expect(w, OUTCOME_DONE, 1);
	} else {
		expect(w, OUTCOME_DONE, at == model->count);
	}
	model_put(w);
}

static void queue_update_step(struct world *w, bool priority)
{
	size_t at = find(&w->model, w->at.key);
	bool there = at < w->model.count;

	if (priority)
		pqueue_set_priority(&w->r.command, T(w->at.key), T(w->at.priority));
	else
		pqueue_set_value(&w->r.command, T(w->at.key), T(w->at.value));
	expect(w, there ? OUTCOME_DONE : OUTCOME_NOTHING, there);
	if (there)
		memcpy(priority ? w->model.item[at].priority : w->model.item[at].value,
			priority ? w->at.priority : w->at.value, WORD);
	sort(&w->model);
}

static void queue_swap_step(struct world *w)
{
	size_t at = find(&w->model, w->at.key);
	struct pqueue_swap swap = {.key = T(w->at.key), .expected = T("b"), .has_replacement = rng_below(&w->rng, 2) > 0};

	swap.replacement = T(w->at.value);
	pqueue_cas(&w->r.command, &swap);
	if (at == w->model.count || !same(w->model.item[at].value, "b")) {
		expect(w, OUTCOME_MISMATCH, 0);
		return;
	}
	expect(w, OUTCOME_DONE, 1);
	if (swap.has_replacement)
		memcpy(w->model.item[at].value, w->at.value, WORD);
	else
		take(&w->model, at);
}

static bool is_inside(const struct pqueue_range *range, const char *low, const char *high, const char *priority)
{
	int from = strcmp(priority, low), to = strcmp(priority, high);

	return (range->from == PQUEUE_UNBOUNDED || from > 0 || (from == 0 && range->from == PQUEUE_INCLUDED)) &&
		(range->to == PQUEUE_UNBOUNDED || to < 0 || (to == 0 && range->to == PQUEUE_INCLUDED));
}

static void queue_range_step(struct world *w)
{
	struct pqueue_range range = {
		.from = (enum pqueue_bound)rng_below(&w->rng, 3), .to = (enum pqueue_bound)rng_below(&w->rng, 3)};
	char low[WORD], high[WORD];
	size_t before = w->model.count;

	word(&w->rng, 40, low);
	word(&w->rng, 40, high);
	range.low = T(low);
	range.high = T(high);
	pqueue_remove_range(&w->r.command, &range);
	for (size_t i = w->model.count; i-- > 0;) {
		if (is_inside(&range, low, high, w->model.item[i].priority))
			take(&w->model, i);
	}
	expect(w, w->model.count < before ? OUTCOME_DONE : OUTCOME_NOTHING, before - w->model.count);
}

static void queue_take_step(struct world *w, bool highest)
{
	bool there = w->model.count > 0;

	if (highest)
		pqueue_take_max(&w->r.command);
	else
		pqueue_take_min(&w->r.command);
	if (there)
		take(&w->model, highest ? w->model.count - 1 : 0);
	expect(w, there ? OUTCOME_DONE : OUTCOME_NOTHING, w->model.count);
}

static void queue_step(struct world *w)
{
	size_t at = find(&w->model, w->at.key);
	struct buffer many = {0};

	switch (rng_below(&w->rng, 30)) {
	case 0:
		queue_range_step(w);
		break;
	case 1:
		bulk_remove(w, &many);
		pqueue_remove_many(&w->r.command, buffer_bytes(&many));
		break;
	case 2: case 3: case 4:
		queue_take_step(w, rng_below(&w->rng, 2) > 0);
		break;
	case 5: case 6: case 7:
		queue_update_step(w, true);
		break;
	case 8: case 9: case 10:
		queue_update_step(w, false);
		break;
	case 11: case 12: case 13: case 14:
		queue_swap_step(w);
		break;
	case 15: case 16:
		pqueue_remove(&w->r.command, T(w->at.key));
		expect(w, at < w->model.count ? OUTCOME_DONE : OUTCOME_NOTHING, at < w->model.count);
		if (at < w->model.count)
			take(&w->model, at);
		break;
	default:
		queue_push_step(w);
	}
	buffer_fini(&many);
}

/* --- content --- */

static void ask_for_all(struct world *w)
{
	struct buffer *out = &w->r.command;

	switch (w->r.shape.kind) {
	case COLLECTION_MAP:
		map_list(out, &(struct map_list){.parts = MAP_PAIRS});
		break;
	case COLLECTION_SET:
		set_list(out, &(struct set_list){0});
		break;
	case COLLECTION_VEC:
		vec_list(out, 0, 0);
		break;
	case COLLECTION_CELL:
		cell_get(out);
		break;
	case COLLECTION_ONCE:
		once_get(out);
		break;
	case COLLECTION_PQUEUE:
		pqueue_list(out, &(struct pqueue_list){0});
		break;
	case COLLECTION_KINDS:
		fail();
	}
}

static void assert_next(struct bytes *rest, const char *want)
{
	struct bytes item;

	assert_true(sequence_next(rest, &item));
	assert_bytes(item, want);
}

static void assert_content(struct world *w)
{
	enum collection_kind kind = w->r.shape.kind;
	struct bytes rest;

	ask_for_all(w);
	replicas_ask(&w->r);
	if (kind == COLLECTION_CELL || kind == COLLECTION_ONCE) {
		assert_int_equal(w->r.result.values, w->model.count);
		if (w->model.count > 0)
			assert_value(&w->r, w->model.item[0].value);
		return;
	}
	rest = w->r.result.value[0];
	for (size_t i = 0; i < w->model.count; i++) {
		if (collection_has(kind, PART_PRIORITY))
			assert_next(&rest, w->model.item[i].priority);
		if (collection_has(kind, PART_KEY))
			assert_next(&rest, w->model.item[i].key);
		if (collection_has(kind, PART_VALUE))
			assert_next(&rest, w->model.item[i].value);
	}
	assert_int_equal(rest.size, 0);
}

static void run(enum collection_kind kind, uint64_t seed, uint64_t capacity, void (*step)(struct world *w))
{
	struct world *w = memory_new(sizeof *w);
	struct collection_shape shape = {.kind = kind, .type = {TYPE_STR, TYPE_STR, TYPE_STR}, .capacity = capacity};

	rng_init(&w->rng, seed);
	replicas_open(&w->r, &shape);
	for (unsigned i = 0; i < STEPS; i++) {
		if (kind == COLLECTION_PQUEUE)
			word(&w->rng, 40, w->at.priority);
		word(&w->rng, 60, w->at.key);
		word(&w->rng, 5, w->at.value);
		w->index = (size_t)rng_below(&w->rng, w->model.count + 3);
		w->other = (size_t)rng_below(&w->rng, w->model.count + 3);
		step(w);
		assert_int_equal(replicas_do(&w->r), w->outcome);
		assert_int_equal(w->r.result.count, w->result_count);
		if (i % 20 == 0)
			assert_content(w);
		if (i % 500 == 0)
			replicas_check(&w->r);
	}
	assert_content(w);
	replicas_check(&w->r);
	replicas_close(&w->r);
	memory_free(w);
}

static void map_is_as_its_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++)
		run(COLLECTION_MAP, seed, 0, map_step);
}

static void set_is_as_its_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++)
		run(COLLECTION_SET, seed, 0, set_step);
}

static void vec_is_as_its_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++)
		run(COLLECTION_VEC, seed, 0, vec_step);
}

static void cell_and_once_are_as_their_model(void **state)
{
	(void)state;
	run(COLLECTION_CELL, 1, 0, cell_step);
	run(COLLECTION_ONCE, 1, 0, once_step);
}

static void pqueue_is_as_its_model(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++)
		run(COLLECTION_PQUEUE, seed, 0, queue_step);
	for (uint64_t seed = 4; seed <= 6; seed++)
		run(COLLECTION_PQUEUE, seed, seed == 4 ? 1 : 10, queue_step);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_is_as_its_model),
		cmocka_unit_test(set_is_as_its_model),
		cmocka_unit_test(vec_is_as_its_model),
		cmocka_unit_test(cell_and_once_are_as_their_model),
		cmocka_unit_test(pqueue_is_as_its_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
