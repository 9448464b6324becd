/*
 * values_test.c - typed values as texts, fields, members and entries; what is written reads back.
 */
#include "cmd/common/values.h"
#include "cmd/common/values_line.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct bytes T(const char *text)
{
	return bytes_of_text(text);
}

static void assert_bytes(struct bytes have, const char *want)
{
	if (!bytes_equal(have, T(want)))
		print_error("have '%.*s', want '%s'\n", (int)have.size, (const char *)have.data, want);
	assert_true(bytes_equal(have, T(want)));
}

static void assert_json(const char *text, const char *want)
{
	struct buffer out = {0};

	assert_int_equal(values_parse(TYPE_JSON, T(text), &out), OK);
	assert_bytes(buffer_bytes(&out), want);
	buffer_fini(&out);
}

static void json_is_made_canonical(void **state)
{
	static const char *const wrong[] = {"", " ", "{", "nul", "{\"a\":1,\"a\":2}", "1 2", "\xFF", "123456789012345678901234"};
	struct buffer out = {0};

	(void)state;
	assert_json(" { \"b\" : [1, 2.5 ,null],\n \"a\":{\"y\":true,\"x\":\"\\u00e9\"} } ",
		"{\"a\":{\"x\":\"\xC3\xA9\",\"y\":true},\"b\":[1,2.5,null]}");
	assert_json("17", "17");
	assert_json("\"text\"", "\"text\"");
	assert_json("null", "null");
	assert_json("\"\\u0000\"", "\"\\u0000\"");
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(values_parse(TYPE_JSON, T(wrong[i]), &out), ERROR_BAD_TEXT);
	assert_int_equal(out.size, 0);
	assert_int_equal(values_parse(TYPE_U64, T("12"), &out), OK);
	assert_int_equal(out.size, 8);
	assert_int_equal(values_parse(TYPE_U64, T("x"), &out), ERROR_BAD_TEXT);
	assert_int_equal(out.size, 8);
	buffer_fini(&out);
}

static void fields_keep_to_their_line_and_column(void **state)
{
	struct buffer out = {0};

	(void)state;
	values_field(TYPE_BYTES, bytes_of("a\tb\\c\nd\re\0f\xFF", 12), &out);
	assert_bytes(buffer_bytes(&out), "a\\tb\\\\c\\nd\\re\\0f\xFF");
	buffer_fini(&out);
}

static void assert_member(enum type type, const char *text, const char *want)
{
	struct buffer stored = {0}, out = {0};

	assert_int_equal(values_parse(type, T(text), &stored), OK);
	values_member("v", type, buffer_bytes(&stored), &out);
	assert_bytes(buffer_bytes(&out), want);
	buffer_fini(&stored);
	buffer_fini(&out);
}

static void members_of_every_type(void **state)
{
	(void)state;
	assert_member(TYPE_STR, "a\"b\n", "\"v\":\"a\\\"b\\n\"");
	assert_member(TYPE_BYTES, "text", "\"v\":\"text\"");
	assert_member(TYPE_BYTES, "\xFF\xFE", "\"v_b64\":\"//4=\"");
	assert_member(TYPE_U64, "9007199254740992", "\"v\":9007199254740992");
	assert_member(TYPE_U64, "9007199254740993", "\"v\":\"9007199254740993\"");
	assert_member(TYPE_I64, "-5", "\"v\":-5");
	assert_member(TYPE_I64, "-9007199254740993", "\"v\":\"-9007199254740993\"");
	assert_member(TYPE_F64, "0.5", "\"v\":0.5");
	assert_member(TYPE_F64, "-inf", "\"v\":\"-inf\"");
	assert_member(TYPE_BOOL, "true", "\"v\":true");
	assert_member(TYPE_JSON, "{\"a\": 1}", "\"v\":{\"a\":1}");
}

static struct collection_shape queue(enum type priority, enum type key, enum type value)
{
	return (struct collection_shape){.kind = COLLECTION_PQUEUE, .type = {priority, key, value}};
}

static void release(struct buffer part[PARTS])
{
	for (size_t i = 0; i < PARTS; i++)
		buffer_fini(&part[i]);
}

static enum error read_line(const struct collection_shape *shape, const char *line)
{
	struct buffer part[PARTS] = {{0}};
	enum error status = values_read_entry(shape, T(line), part);

	release(part);
	return status;
}

static void entries_that_are_none_are_refused(void **state)
{
	struct collection_shape map = {.kind = COLLECTION_MAP, .type = {[PART_KEY] = TYPE_STR, [PART_VALUE] = TYPE_U64}};
	struct collection_shape flags = {.kind = COLLECTION_VEC, .type = {[PART_VALUE] = TYPE_BOOL}};

	(void)state;
	assert_int_equal(read_line(&map, "{\"key\":\"a\",\"value\":1,\"version\":7}"), OK);
	assert_int_equal(read_line(&map, "{\"key\":\"a\",\"value\":\"18446744073709551615\"}"), OK);
	assert_int_equal(read_line(&map, ""), ERROR_MALFORMED);
	assert_int_equal(read_line(&map, "[]"), ERROR_MALFORMED);
	assert_int_equal(read_line(&map, "{\"key\":\"a\"}"), ERROR_MALFORMED);
	assert_int_equal(read_line(&map, "{\"key\":\"a\",\"value\":1,\"value_b64\":\"\"}"), ERROR_MALFORMED);
	assert_int_equal(read_line(&map, "{\"key\":\"a\",\"value\":1} x"), ERROR_MALFORMED);
	assert_int_equal(read_line(&map, "{\"key\":\"a\",\"value\":-1}"), ERROR_BAD_TEXT);
	assert_int_equal(read_line(&map, "{\"key\":\"a\",\"value\":1.5}"), ERROR_BAD_TEXT);
	assert_int_equal(read_line(&map, "{\"key\":7,\"value\":1}"), ERROR_BAD_TEXT);
	assert_int_equal(read_line(&map, "{\"key_b64\":\"YQ==\",\"value\":1}"), ERROR_BAD_TEXT);
	assert_int_equal(read_line(&flags, "{\"value\":true}"), OK);
	assert_int_equal(read_line(&flags, "{\"value\":\"true\"}"), ERROR_BAD_TEXT);
	assert_int_equal(read_line(&flags, "{\"value\":1}"), ERROR_BAD_TEXT);
}

/* A value of the type, from everything that it can be. */
static void random_value(struct rng *rng, enum type type, struct buffer *out)
{
	static const char *const documents[] = {"null", "[]", "{\"a\":[1,{\"b\":\"\\u0000\\n\"}]}", "-1.5e-7", "\"\\\\\"", "0"};
	uint8_t stored[TYPE_NUMBER_SIZE];

	buffer_clear(out);
	if (type == TYPE_JSON) {
		assert_int_equal(values_parse(type, T(documents[rng_below(rng, 6)]), out), OK);
		return;
	}
	do {
		size_t size = type_size(type) > 0 ? type_size(type) : (size_t)rng_below(rng, 7);

		type_put_u64(rng_next(rng) >> (rng_below(rng, 3) * 24), stored);
		if (type == TYPE_BOOL)
			stored[0] &= 1;
		buffer_clear(out);
		buffer_append(out, bytes_of(stored, size));
	} while (!type_holds(type, buffer_bytes(out)));
}

static void entries_read_back_as_they_were(void **state)
{
	struct buffer part[PARTS] = {{0}}, again[PARTS] = {{0}}, line = {0};
	struct rng rng;

	(void)state;
	rng_init(&rng, 7);
	for (unsigned i = 0; i < 3000; i++) {
		struct collection_shape shape = queue((enum type)(i % TYPES), (enum type)(i / TYPES % TYPES),
			(enum type)(i / TYPES / TYPES % TYPES));
		struct bytes written[PARTS];

		for (size_t p = 0; p < PARTS; p++) {
			random_value(&rng, shape.type[p], &part[p]);
			written[p] = buffer_bytes(&part[p]);
		}
		buffer_clear(&line);
		values_entry(&shape, written, &line);
		assert_true(bytes_are_utf8(buffer_bytes(&line)));
		assert_null(memchr(line.data, '\n', line.size));
		assert_int_equal(values_read_entry(&shape, buffer_bytes(&line), again), OK);
		for (size_t p = 0; p < PARTS; p++)
			assert_true(bytes_equal(buffer_bytes(&again[p]), written[p]));
	}
	release(part);
	release(again);
	buffer_fini(&line);
}

/* The same line with a blank in front goes another way, through a JSON parser: both ways say the same. */
static void assert_both_ways(const struct collection_shape *shape, const char *line, bool is_simple)
{
	struct buffer fast[PARTS] = {{0}}, slow[PARTS] = {{0}}, blank = {0};
	enum error status;

	buffer_append(&blank, bytes_of_text(" "));
	buffer_append(&blank, bytes_of_text(line));
	assert_int_equal(values_line_read(shape, bytes_of_text(line), fast), is_simple);
	assert_false(values_line_read(shape, buffer_bytes(&blank), slow));
	status = values_read_entry(shape, buffer_bytes(&blank), slow);
	assert_int_equal(values_read_entry(shape, bytes_of_text(line), fast), status);
	for (unsigned i = 0; i < PARTS && status == OK; i++)
		assert_true(bytes_equal(buffer_bytes(&fast[i]), buffer_bytes(&slow[i])));
	release(fast);
	release(slow);
	buffer_fini(&blank);
}

static void simple_lines_are_read_as_all_others(void **state)
{
	static const struct {
		const char *line;
		bool is_simple;
	} lines[] = {
		{"{\"key\":\"a\",\"value\":17}", true},
		{"{\"key\":\"\",\"value\":0}", true},
		{"{\"key\":\"\xc3\xa4\",\"value\":999999999999999}", true},
		{"{\"key\":\"\xc3\",\"value\":1}", false},
		{"{\"key\":\"a\tb\",\"value\":1}", false},
		{"{\"key\":\"a\\u0041\",\"value\":1}", false},
		{"{\"key\":\"a\\\"\",\"value\":1}", false},
		{"{\"key\":\"a\",\"value\":017}", false},
		{"{\"key\":\"a\",\"value\":-1}", false},
		{"{\"key\":\"a\",\"value\":1.5}", false},
		{"{\"key\":\"a\",\"value\":1e3}", false},
		{"{\"key\":\"a\",\"value\":9999999999999999}", false},
		{"{\"key\":\"a\",\"value\":\"18446744073709551615\"}", false},
		{"{\"value\":1,\"key\":\"a\"}", false},
		{"{\"key\":\"a\",\"value\":1,\"more\":2}", false},
		{"{\"key\":\"a\",\"value\":1,\"value\":2}", false},
		{"{\"key\":\"a\",\"value\":1", false},
		{"{\"key\":\"a\",\"value\":", false},
		{"{\"key\":\"a", false},
		{"{\"key\":", false},
		{"{", false},
		{"", false},
	};
	struct collection_shape shape = {.kind = COLLECTION_MAP};

	(void)state;
	assert_int_equal(collection_types_from_text(bytes_of_text("str:u64"), &shape), OK);
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		assert_both_ways(&shape, lines[i].line, lines[i].is_simple);
}

static void entry_has_the_parts_of_its_kind(void **state)
{
	struct collection_shape shape = {.kind = COLLECTION_SET, .type = {[PART_KEY] = TYPE_STR}};
	struct buffer line = {0};

	(void)state;
	values_entry(&shape, (struct bytes[PARTS]){[PART_KEY] = T("a")}, &line);
	assert_bytes(buffer_bytes(&line), "{\"key\":\"a\"}");
	buffer_fini(&line);
}

static void assert_listed(const struct collection_shape *shape, const char *name, const char *want)
{
	struct collection_shape read;
	struct buffer out = {0};
	struct bytes read_name;

	values_listed(shape, T(name), &out);
	assert_bytes(buffer_bytes(&out), want);
	assert_int_equal(values_read_listed(buffer_bytes(&out), &read, &read_name), OK);
	assert_int_equal(read.kind, shape->kind);
	assert_int_equal(read.capacity, shape->capacity);
	for (unsigned part = 0; part < PARTS; part++) {
		if (collection_has(read.kind, (enum part)part))
			assert_int_equal(read.type[part], shape->type[part]);
	}
	assert_bytes(read_name, name);
	buffer_fini(&out);
}

static void listed_names(void **state)
{
	static const char *const wrong[] = {
		"", "map", "map ", "map users", "map users str", "map users str:u64:u64", "map users str:u64 7", "users str:u64",
		"group users", "map  str:u64", "set users str:u64", "pqueue jobs 1000", "pqueue 7", "map str:u64"};
	struct collection_shape shape = queue(TYPE_U64, TYPE_STR, TYPE_BYTES), read;
	struct bytes name;

	(void)state;
	assert_listed(&shape, "jobs", "pqueue jobs u64:str:bytes");
	assert_listed(&shape, "7", "pqueue 7 u64:str:bytes");
	shape.capacity = 1000;
	assert_listed(&shape, "all the jobs", "pqueue all the jobs u64:str:bytes 1000");
	shape = (struct collection_shape){.kind = COLLECTION_MAP, .type = {[PART_KEY] = TYPE_STR, [PART_VALUE] = TYPE_U64}};
	assert_listed(&shape, "users", "map users str:u64");
	shape = (struct collection_shape){.kind = COLLECTION_ONCE, .type = {[PART_VALUE] = TYPE_JSON}};
	assert_listed(&shape, "boot", "once boot json");
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(values_read_listed(T(wrong[i]), &read, &name), ERROR_BAD_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_made_canonical),
		cmocka_unit_test(fields_keep_to_their_line_and_column),
		cmocka_unit_test(members_of_every_type),
		cmocka_unit_test(entries_that_are_none_are_refused),
		cmocka_unit_test(entries_read_back_as_they_were),
		cmocka_unit_test(simple_lines_are_read_as_all_others),
		cmocka_unit_test(entry_has_the_parts_of_its_kind),
		cmocka_unit_test(listed_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
