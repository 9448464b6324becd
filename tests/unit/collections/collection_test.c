/*
 * collection_test.c - what is the same for all collections: shapes, snapshots, hostile commands, limits.
 */
#include "replicas.h"

#include "base/rng.h"
#include "base/tree.h"

static struct collection_shape shape_of(enum collection_kind kind, enum type type)
{
	return (struct collection_shape){.kind = kind, .type = {type, type, type}};
}

/* --- shapes --- */

static void assert_signature(const struct collection_shape *shape, const char *want)
{
	struct state state = collection_new(shape);
	struct buffer out = {0};

	state.ops->signature(state.self, &out);
	assert_bytes(buffer_bytes(&out), want);
	buffer_fini(&out);
	state.ops->free(state.self);
}

static void signatures_name_kind_types_and_capacity(void **state)
{
	struct collection_shape shape = {
		.kind = COLLECTION_PQUEUE,
		.type = {[PART_PRIORITY] = TYPE_U64, [PART_KEY] = TYPE_STR, [PART_VALUE] = TYPE_JSON},
	};

	(void)state;
	assert_signature(&shape, "pqueue u64 str json");
	shape.capacity = 100;
	assert_signature(&shape, "pqueue u64 str json 100");
	shape.capacity = 0;
	shape.kind = COLLECTION_MAP;
	assert_signature(&shape, "map str json");
	shape.kind = COLLECTION_SET;
	assert_signature(&shape, "set str");
	shape.kind = COLLECTION_VEC;
	assert_signature(&shape, "vec json");
	shape.kind = COLLECTION_CELL;
	assert_signature(&shape, "cell json");
	shape.kind = COLLECTION_ONCE;
	assert_signature(&shape, "once json");
}

static void types_from_text_and_back(void **state)
{
	static const char *const wrong[] = {"", "str", "str:", ":str", "str:u64:", "str:u64:u64", "str:int", "str u64"};
	struct collection_shape shape = {.kind = COLLECTION_MAP};
	struct buffer out = {0};

	(void)state;
	assert_int_equal(collection_types_from_text(T("str:u64"), &shape), OK);
	assert_int_equal(shape.type[PART_KEY], TYPE_STR);
	assert_int_equal(shape.type[PART_VALUE], TYPE_U64);
	collection_types_print(&shape, &out);
	assert_bytes(buffer_bytes(&out), "str:u64");
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(collection_types_from_text(T(wrong[i]), &shape), ERROR_BAD_TEXT);
	assert_int_equal(shape.type[PART_VALUE], TYPE_U64);
	shape.kind = COLLECTION_SET;
	assert_int_equal(collection_types_from_text(T("f64"), &shape), OK);
	assert_int_equal(shape.type[PART_KEY], TYPE_F64);
	shape.kind = COLLECTION_PQUEUE;
	assert_int_equal(collection_types_from_text(T("i64:bytes:json"), &shape), OK);
	assert_int_equal(shape.type[PART_PRIORITY], TYPE_I64);
	buffer_fini(&out);
}

static void kinds_by_name(void **state)
{
	enum collection_kind kind = COLLECTION_KINDS;

	(void)state;
	for (unsigned i = 0; i < COLLECTION_KINDS; i++) {
		assert_int_equal(collection_kind_from_name(T(collection_kind_name((enum collection_kind)i)), &kind), OK);
		assert_int_equal(kind, i);
	}
	assert_int_equal(collection_kind_from_name(T("queue"), &kind), ERROR_BAD_TEXT);
}

/* --- snapshots --- */

static void frozen_content_stays_while_commands_go_on(void **state)
{
	struct collection_shape shape = shape_of(COLLECTION_MAP, TYPE_BYTES);
	struct replicas r;
	struct buffer before = {0}, late = {0}, after = {0};
	uint64_t cursor = 0;
	void *frozen;
	char key[16];

	(void)state;
	replicas_open(&r, &shape);
	for (unsigned i = 0; i < 500; i++) {
		snprintf(key, sizeof key, "k%u", i);
		map_put(&r.command, T(key), T("old"));
		replicas_do(&r);
	}
	replicas_dump(&r.state, SIZE_MAX, &before);
	frozen = r.state.ops->freeze(r.state.self);
	for (unsigned i = 0; r.state.ops->items(frozen, &cursor, 200, &late); i++) {     /* a mutation between any two pieces */
		snprintf(key, sizeof key, "k%u", i * 7 % 600);
		if (i % 3 == 0)
			map_remove(&r.command, T(key));
		else
			map_put(&r.command, T(key), T("new"));
		replicas_do(&r);
	}
	map_clear(&r.command);
	replicas_do(&r);
	r.state.ops->thaw(frozen);
	assert_true(bytes_equal(buffer_bytes(&before), buffer_bytes(&late)));
	replicas_dump(&r.state, SIZE_MAX, &after);
	assert_int_equal(after.size, 0);
	buffer_fini(&before);
	buffer_fini(&late);
	buffer_fini(&after);
	replicas_check(&r);
	replicas_close(&r);
}

static void frozen_content_outlives_the_state(void **state)
{
	struct collection_shape shape = shape_of(COLLECTION_SET, TYPE_BYTES);
	struct state set = collection_new(&shape);
	struct buffer command = {0}, result = {0}, items = {0};
	struct bytes rest, item;
	uint64_t cursor = 0;
	void *frozen;

	(void)state;
	set_add_many(&command, words("a b c"));
	set.ops->apply(set.self, &(struct state_moment){.position = 1}, buffer_bytes(&command), &result, NULL);
	frozen = set.ops->freeze(set.self);
	set.ops->free(set.self);
	assert_true(set.ops->items(frozen, &cursor, SIZE_MAX, &items));
	assert_false(set.ops->items(frozen, &cursor, SIZE_MAX, &items));
	assert_int_equal(cursor, 3);
	rest = buffer_bytes(&items);
	assert_true(sequence_next(&rest, &item));
	assert_memory_equal(item.data, "\x81\x41""a", 3);      /* an array of one byte string of one byte */
	set.ops->thaw(frozen);
	buffer_fini(&command);
	buffer_fini(&result);
	buffer_fini(&items);
}

static enum error restore_text(struct state *state, const char *item, size_t size)
{
	return state->ops->restore(state->self, bytes_of(item, size));
}

static void items_that_are_none_are_refused(void **state)
{
	struct collection_shape shape = shape_of(COLLECTION_MAP, TYPE_STR);
	struct state map = collection_new(&shape), cell;

	(void)state;
	assert_int_equal(restore_text(&map, "\x82\x41""b\x41""1", 5), OK);
	assert_int_equal(restore_text(&map, "\x82\x41""b\x41""2", 5), ERROR_MALFORMED);    /* again */
	assert_int_equal(restore_text(&map, "\x82\x41""a\x41""1", 5), ERROR_MALFORMED);    /* not in order */
	assert_int_equal(restore_text(&map, "\x82\x41""c\x41""\xFF", 5), ERROR_MALFORMED); /* no text */
	assert_int_equal(restore_text(&map, "\x81\x41""c", 3), ERROR_MALFORMED);
	assert_int_equal(restore_text(&map, "\x82\x41""c\x41""1\x00", 6), ERROR_MALFORMED);
	assert_int_equal(restore_text(&map, "", 0), ERROR_MALFORMED);
	assert_int_equal(restore_text(&map, "\x82\x41""c\x41""1", 5), OK);
	collection_check(&map);
	map.ops->free(map.self);
	shape.kind = COLLECTION_CELL;
	cell = collection_new(&shape);
	assert_int_equal(restore_text(&cell, "\x81\x41""1", 3), OK);
	assert_int_equal(restore_text(&cell, "\x81\x41""2", 3), ERROR_MALFORMED);
	cell.ops->free(cell.self);
}

static void free_of_nothing_is_fine(void **state)
{
	struct collection_shape shape = shape_of(COLLECTION_VEC, TYPE_STR);
	struct state vec = collection_new(&shape);

	(void)state;
	vec.ops->free(NULL);
	vec.ops->free(vec.self);
}

/* --- hostile commands --- */

#define RAW(text) {(const uint8_t *)text, sizeof text - 1}
static const struct bytes malformed[] = {
	RAW(""), RAW("\xFF"), RAW("\x80"), RAW("\x81"), RAW("\x81\x18"), RAW("\x81\x20"), RAW("\x81\x18\x63"), RAW("\x00"),
	RAW("\x81\x40"), RAW("\x82\x00\x40\x00"), RAW("\xA0"), RAW("\x9F\x00\xFF"), RAW("\x83\x00\x40"), RAW("\x83\x00\x41"),
	RAW("\x84\x00\x40\x40\x40"), RAW("\x82\x00\xF6"), RAW("\x82\x01\x41\x41"), RAW("\x82\x01\x42\x41\x61"),
	RAW("\x9B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
};

static void malformed_commands_and_queries_change_nothing(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < COLLECTION_KINDS; kind++) {
		struct collection_shape shape = shape_of((enum collection_kind)kind, TYPE_U64);
		struct replicas r;

		replicas_open(&r, &shape);
		for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
			buffer_append(&r.command, malformed[i]);
			assert_true(outcome_is_refusal(replicas_do(&r)));
			assert_int_equal(r.changes.size, 0);
		}
		buffer_clear(&r.answer);
		assert_int_equal(r.state.ops->query(r.state.self, T(""), &r.answer), ERROR_MALFORMED);
		assert_int_equal(r.state.ops->query(r.state.self, T("\x81\x18\x63"), &r.answer), ERROR_MALFORMED);
		assert_int_equal(r.state.ops->query(r.state.self, bytes_of("\x86\0\0\0\0\0\0", 7), &r.answer), ERROR_MALFORMED);
		assert_int_equal(r.answer.size, 0);
		replicas_check(&r);
		replicas_close(&r);
	}
}

/* --- limits --- */

static void entries_up_to_the_limit_come_back_whole(void **state)
{
	struct collection_shape shape = shape_of(COLLECTION_PQUEUE, TYPE_BYTES);
	char *large = memory_new(COLLECTION_ENTRY_MAX);
	struct pqueue_entry entry = {T("p"), T("key"), bytes_of(large, COLLECTION_ENTRY_MAX - 4)};
	struct bytes rest, item;
	struct replicas r;

	(void)state;
	replicas_open(&r, &shape);
	pqueue_push(&r.command, &entry);
	assert_true(r.command.size <= 1u << 20);             /* GROUP_COMMAND_MAX */
	assert_int_equal(replicas_do(&r), OUTCOME_DONE);
	pqueue_get(&r.command, T("key"));
	assert_int_equal(replicas_ask(&r), OUTCOME_DONE);
	assert_false(r.result.left_out);
	assert_int_equal(r.result.value[2].size, COLLECTION_ENTRY_MAX - 4);
	pqueue_list(&r.command, &(struct pqueue_list){0});
	assert_int_equal(replicas_ask(&r), OUTCOME_DONE);
	assert_false(r.result.left_out);
	rest = r.result.value[0];
	for (size_t i = 0; i < 3; i++)
		assert_true(sequence_next(&rest, &item));
	assert_int_equal(item.size, COLLECTION_ENTRY_MAX - 4);
	entry.key = T("key4");
	pqueue_push(&r.command, &entry);
	assert_int_equal(replicas_do(&r), OUTCOME_LARGE);
	pqueue_set_priority(&r.command, T("key"), T("pp"));  /* what was let in may not grow beyond it */
	assert_int_equal(replicas_do(&r), OUTCOME_LARGE);
	replicas_check(&r);
	replicas_close(&r);
	memory_free(large);
}

static void lists_stop_before_they_are_too_long(void **state)
{
	struct collection_shape shape = shape_of(COLLECTION_VEC, TYPE_BYTES);
	char *large = memory_new(400000);
	struct bytes rest, item;
	struct replicas r;
	uint64_t from = 0;
	unsigned pages = 0;

	(void)state;
	replicas_open(&r, &shape);
	for (unsigned i = 0; i < 5; i++) {
		vec_push(&r.command, bytes_of(large, 400000));
		assert_int_equal(replicas_do(&r), OUTCOME_DONE);
	}
	do {
		vec_list(&r.command, from, 0);
		assert_int_equal(replicas_ask(&r), OUTCOME_DONE);
		assert_false(r.result.left_out);
		for (rest = r.result.value[0]; sequence_next(&rest, &item); from++)
			assert_int_equal(item.size, 400000);
		pages++;
	} while (r.result.count > 0 && pages < 10);
	assert_int_equal(from, 5);
	assert_int_equal(pages, 3);
	replicas_close(&r);
	memory_free(large);
}

/* One command carries what a load has in hand: tens of thousands of entries. */
static void bulk_commands_have_no_limit_of_items(void **state)
{
	struct collection_shape shape = shape_of(COLLECTION_MAP, TYPE_BYTES);
	struct buffer pairs = {0};
	struct replicas r;
	uint8_t key[4];

	(void)state;
	replicas_open(&r, &shape);
	for (uint32_t i = 0; i < 100000; i++) {
		bytes_put_be32(key, i * 2654435761u);
		sequence_put(&pairs, bytes_of(key, sizeof key));
		sequence_put(&pairs, bytes_of(key, 1));
	}
	map_put_many(&r.command, buffer_bytes(&pairs));
	assert_true(r.command.size <= 1u << 20);
	assert_int_equal(replicas_do(&r), OUTCOME_DONE);
	assert_int_equal(r.result.count, 100000);
	replicas_check(&r);
	replicas_close(&r);
	buffer_fini(&pairs);
}

/* --- results and changes --- */

static void results_survive_their_encoding(void **state)
{
	struct result result = {.outcome = OUTCOME_MISMATCH, .count = 7, .value = {T("a"), T(""), T("c")}, .values = 3};
	struct result back;
	struct buffer out = {0};

	(void)state;
	result_put(&out, &result, STATE_RESULT_MAX);
	assert_int_equal(result_decode(buffer_bytes(&out), &back), OK);
	assert_int_equal(back.outcome, OUTCOME_MISMATCH);
	assert_int_equal(back.count, 7);
	assert_int_equal(back.values, 3);
	assert_bytes(back.value[2], "c");
	for (size_t size = 0; size < out.size; size++)
		assert_int_equal(result_decode(bytes_of(out.data, size), &back), ERROR_MALFORMED);
	buffer_clear(&out);
	result_put(&out, &result, 20);
	assert_int_equal(result_decode(buffer_bytes(&out), &back), OK);
	assert_true(back.left_out);
	assert_int_equal(back.values, 0);
	assert_int_equal(result_decode(bytes_of("\x83\x09\x00\x80", 4), &back), ERROR_MALFORMED);
	for (unsigned i = 0; i < OUTCOMES; i++)
		assert_true(strlen(outcome_name((enum outcome)i)) > 0);
	buffer_fini(&out);
}

static void changes_survive_their_encoding(void **state)
{
	struct change change = {.op = CHANGE_PUT, .has_key = true, .key = T("k"), .has_priority = true, .priority = T("p")};
	struct change back;
	struct buffer out = {0};

	(void)state;
	change_put(&out, &change);
	assert_int_equal(change_decode(buffer_bytes(&out), &back), OK);
	assert_int_equal(back.op, CHANGE_PUT);
	assert_true(back.has_key && back.has_priority && !back.has_value);
	assert_bytes(back.key, "k");
	assert_bytes(back.priority, "p");
	for (size_t size = 0; size < out.size; size++)
		assert_int_equal(change_decode(bytes_of(out.data, size), &back), ERROR_MALFORMED);
	assert_int_equal(change_decode(bytes_of("\x83\x09\xF6\xF6", 4), &back), ERROR_MALFORMED);
	assert_int_equal(change_decode(bytes_of("\x82\x00\xF6", 3), &back), ERROR_MALFORMED);
	for (unsigned i = 0; i < CHANGE_OPS; i++)
		assert_true(strlen(change_name((enum change_op)i)) > 0);
	buffer_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_name_kind_types_and_capacity),
		cmocka_unit_test(types_from_text_and_back),
		cmocka_unit_test(kinds_by_name),
		cmocka_unit_test(frozen_content_stays_while_commands_go_on),
		cmocka_unit_test(frozen_content_outlives_the_state),
		cmocka_unit_test(items_that_are_none_are_refused),
		cmocka_unit_test(free_of_nothing_is_fine),
		cmocka_unit_test(malformed_commands_and_queries_change_nothing),
		cmocka_unit_test(entries_up_to_the_limit_come_back_whole),
		cmocka_unit_test(lists_stop_before_they_are_too_long),
		cmocka_unit_test(bulk_commands_have_no_limit_of_items),
		cmocka_unit_test(results_survive_their_encoding),
		cmocka_unit_test(changes_survive_their_encoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
