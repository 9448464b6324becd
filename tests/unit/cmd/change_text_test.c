/*
 * change_text_test.c - what commands change, as it is told to people, programs and commands.
 */
#include "cmd/common/change_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct collection_shape shape_of(enum collection_kind kind, const char *types)
{
	struct collection_shape shape = {.kind = kind};

	assert_int_equal(collection_types_from_text(bytes_of_text(types), &shape), OK);
	return shape;
}

static void expect(const struct collection_shape *shape, enum verb_form form, const struct change *change, struct bytes wanted)
{
	struct buffer out = {0};

	change_text_put(shape, &(struct change_form){.form = form}, &(struct change_told){7, change}, &out);
	assert_int_equal(out.size, wanted.size);
	assert_memory_equal(out.data, wanted.data, wanted.size);
	buffer_fini(&out);
}

static void a_line_has_all_its_columns(void **state)
{
	struct collection_shape shape = shape_of(COLLECTION_MAP, "str:bytes");
	struct change put = {.op = CHANGE_PUT, .has_key = true, .has_value = true, .key = bytes_of_text("a\tb"),
		.value = bytes_of("x\0\n", 3)};
	struct change clear = {.op = CHANGE_CLEAR};

	(void)state;
	expect(&shape, VERB_TEXT, &put, bytes_of_text("7\tput\ta\\tb\tx\\0\\n\n"));
	expect(&shape, VERB_TEXT, &clear, bytes_of_text("7\tclear\t\t\n"));
	expect(&shape, VERB_TEXT, NULL, bytes_of_text("7\treset\t\t\n"));
	expect(&shape, VERB_NUL, &put, bytes_of("7\0put\0a\tb\0x\0\n\0", 14));
	expect(&shape, VERB_JSON, NULL, bytes_of_text("{\"version\":7,\"op\":\"reset\"}\n"));
	expect(&shape, VERB_JSON, &put, bytes_of_text("{\"version\":7,\"op\":\"put\",\"key\":\"a\\tb\",\"value\":\"x\\u0000\\n\"}\n"));
	put.value = bytes_of("\377", 1);
	expect(&shape, VERB_JSON, &put, bytes_of_text("{\"version\":7,\"op\":\"put\",\"key\":\"a\\tb\",\"value_b64\":\"/w==\"}\n"));
}

static void indices_of_a_vec_are_numbers(void **state)
{
	struct collection_shape shape = shape_of(COLLECTION_VEC, "str");
	uint8_t one[TYPE_NUMBER_SIZE], two[TYPE_NUMBER_SIZE];
	struct change swap = {.op = CHANGE_SWAP, .has_key = true, .has_value = true, .key = bytes_of(one, sizeof one),
		.value = bytes_of(two, sizeof two)};

	(void)state;
	type_put_u64(1, one);
	type_put_u64(2, two);
	expect(&shape, VERB_TEXT, &swap, bytes_of_text("7\tswap\t1\t2\n"));
	expect(&shape, VERB_JSON, &swap, bytes_of_text("{\"version\":7,\"op\":\"swap\",\"index\":1,\"other\":2}\n"));
	swap = (struct change){.op = CHANGE_TRUNCATE, .has_key = true, .key = bytes_of(one, sizeof one)};
	expect(&shape, VERB_JSON, &swap, bytes_of_text("{\"version\":7,\"op\":\"truncate\",\"length\":1}\n"));
}

static void a_queue_has_a_column_more(void **state)
{
	struct collection_shape shape = shape_of(COLLECTION_PQUEUE, "u64:str:bool");
	uint8_t five[TYPE_NUMBER_SIZE];
	struct change put = {.op = CHANGE_PUT, .has_key = true, .has_value = true, .has_priority = true, .key = bytes_of_text("k"),
		.value = bytes_of("\1", 1), .priority = bytes_of(five, sizeof five)};

	(void)state;
	type_put_u64(5, five);
	expect(&shape, VERB_TEXT, &put, bytes_of_text("7\tput\tk\ttrue\t5\n"));
	put = (struct change){.op = CHANGE_REMOVE, .has_key = true, .key = bytes_of_text("k")};
	expect(&shape, VERB_TEXT, &put, bytes_of_text("7\tremove\tk\t\t\n"));
}

static void expect_chosen(const char *columns, enum verb_form form, struct bytes wanted)
{
	struct collection_shape shape = shape_of(COLLECTION_MAP, "str:str");
	struct change put = {.op = CHANGE_PUT, .has_key = true, .has_value = true, .key = bytes_of_text("a\tb"),
		.value = bytes_of_text("v")};
	struct change_form chosen = {.form = form};
	struct buffer out = {0};
	const char *unknown;

	assert_true(change_columns_read(COLLECTION_MAP, columns, &chosen.columns, &unknown));
	change_text_put(&shape, &chosen, &(struct change_told){7, &put}, &out);
	assert_int_equal(out.size, wanted.size);
	assert_memory_equal(out.data, wanted.data, wanted.size);
	buffer_fini(&out);
}

static void columns_are_chosen(void **state)
{
	struct columns columns = {.count = 0};
	const char *unknown = NULL;

	(void)state;
	expect_chosen("value,key,value", VERB_TEXT, bytes_of_text("v\ta\\tb\n"));
	expect_chosen("key", VERB_TEXT, bytes_of_text("a\tb\n"));
	expect_chosen("key,op", VERB_NUL, bytes_of("a\tb\0put\0", 8));
	expect_chosen("op,version,key", VERB_JSON, bytes_of_text("{\"op\":\"put\",\"version\":7,\"key\":\"a\\tb\"}\n"));
	assert_false(change_columns_read(COLLECTION_MAP, "key,priority", &columns, &unknown));
	assert_string_equal(unknown, "priority");
	assert_false(change_columns_read(COLLECTION_VEC, "key", &columns, &unknown));
	assert_true(change_columns_read(COLLECTION_VEC, "index,value", &columns, &unknown));
	assert_true(change_columns_read(COLLECTION_PQUEUE, "priority", &columns, &unknown));
}

static void parts_of_another_type_are_unsound(void **state)
{
	struct collection_shape shape = shape_of(COLLECTION_MAP, "str:u64");
	struct change put = {.op = CHANGE_PUT, .has_key = true, .has_value = true, .key = bytes_of_text("k"),
		.value = bytes_of_text("12345678")};

	(void)state;
	assert_true(change_text_is_sound(&shape, &put));
	put.value.size = 7;
	assert_false(change_text_is_sound(&shape, &put));
	put.value.size = 8;
	put.key = bytes_of("\377", 1);
	assert_false(change_text_is_sound(&shape, &put));
}

static void a_command_gets_texts_as_they_are(void **state)
{
	struct collection_shape shape = shape_of(COLLECTION_MAP, "bytes:u64");
	uint8_t five[TYPE_NUMBER_SIZE];
	struct change change = {.op = CHANGE_PUT, .has_key = true, .has_value = true, .key = bytes_of_text("a\t'b\n"),
		.value = bytes_of(five, sizeof five)};
	struct buffer value = {0};

	(void)state;
	type_put_u64(5, five);
	setenv("MOSAIK_PRIORITY", "somebody else's", 1);
	change_text_environment(&shape, &(struct change_told){12, &change}, &value);
	assert_string_equal(getenv("MOSAIK_VERSION"), "12");
	assert_string_equal(getenv("MOSAIK_OP"), "put");
	assert_string_equal(getenv("MOSAIK_KEY"), "a\t'b\n");
	assert_null(getenv("MOSAIK_PRIORITY"));
	assert_true(bytes_equal(buffer_bytes(&value), bytes_of_text("5")));
	/* No environment holds a NUL. */
	change.key = bytes_of("a\0b", 3);
	change_text_environment(&shape, &(struct change_told){12, &change}, &value);
	assert_null(getenv("MOSAIK_KEY"));
	assert_string_equal(getenv("MOSAIK_KEY_B64"), "YQBi");
	change_text_environment(&shape, &(struct change_told){13, NULL}, &value);
	assert_string_equal(getenv("MOSAIK_OP"), "reset");
	assert_null(getenv("MOSAIK_KEY_B64"));
	buffer_fini(&value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_all_its_columns),
		cmocka_unit_test(indices_of_a_vec_are_numbers),
		cmocka_unit_test(a_queue_has_a_column_more),
		cmocka_unit_test(columns_are_chosen),
		cmocka_unit_test(parts_of_another_type_are_unsound),
		cmocka_unit_test(a_command_gets_texts_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
