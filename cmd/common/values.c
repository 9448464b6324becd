/*
 * values.c - see values.h.
 *
 * A json value is stored as jansson writes it without blanks and with sorted keys, so that values that differ in nothing
 * else are equal bytes, which is what a compare-and-swap compares. 1 and 1.0 stay two values.
 */
#include "cmd/common/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/check.h"
#include "cmd/common/jsontext.h"
#include "cmd/common/values_line.h"

#define READ_FLAGS (JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES)
#define WRITE_FLAGS (JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS)
#define NUMBER_WHOLE_MAX (INT64_C(1) << 53)      /* RFC 8259 section 6: up to here everybody's numbers are whole */
#define NAME_MAX_SIZE 24

static const char *const part_names[PARTS] = {
	[PART_PRIORITY] = "priority",
	[PART_KEY] = "key",
	[PART_VALUE] = "value",
};

/* ---- texts ---- */

static enum error put_canonical(const json_t *value, struct buffer *out)
{
	char *text = json_dumps(value, WRITE_FLAGS);

	if (!text)
		return ERROR_BAD_TEXT;
	buffer_append(out, bytes_of_text(text));
	free(text);
	return OK;
}

static json_t *read_json(struct bytes text)
{
	json_error_t problem;

	return text.size > 0 ? json_loadb((const char *)text.data, text.size, READ_FLAGS, &problem) : NULL;
}

enum error values_parse(enum type type, struct bytes text, struct buffer *out)
{
	enum error status;
	json_t *value;

	if (type != TYPE_JSON)
		return type_from_text(type, text, out);
	value = read_json(text);
	if (!value)
		return ERROR_BAD_TEXT;
	status = put_canonical(value, out);
	json_decref(value);
	return status;
}

static void escape(struct bytes text, struct buffer *out)
{
	static const char special[] = "\\\t\n\r", letter[] = "\\tnr";

	for (size_t i = 0; i < text.size; i++) {
		const char *found = text.data[i] != '\0' ? strchr(special, text.data[i]) : NULL;
		char pair[2] = {'\\', found ? letter[found - special] : '0'};

		if (found || text.data[i] == '\0')
			buffer_append(out, bytes_of(pair, sizeof pair));
		else
			buffer_append(out, bytes_of(&text.data[i], 1));
	}
}

void values_field(enum type type, struct bytes stored, struct buffer *out)
{
	struct buffer text = {0};

	type_print(type, stored, &text);
	escape(buffer_bytes(&text), out);
	buffer_fini(&text);
}

/* ---- writing JSON ---- */

/* Whether every reader of JSON keeps it as the number that it is. */
static bool is_safe_number(enum type type, struct bytes stored)
{
	if (type == TYPE_U64)
		return type_get_u64(stored.data) <= (uint64_t)NUMBER_WHOLE_MAX;
	if (type == TYPE_I64)
		return type_get_i64(stored.data) <= NUMBER_WHOLE_MAX && type_get_i64(stored.data) >= -NUMBER_WHOLE_MAX;
	return type == TYPE_F64 && !__builtin_isinf(type_get_f64(stored.data));
}

static void put_base64(struct bytes data, struct buffer *out)
{
	size_t size = jsontext_base64_size(data.size);

	buffer_append(out, bytes_of_text("\""));
	jsontext_base64(buffer_extend(out, size), data);
	buffer_append(out, bytes_of_text("\""));
}

void values_member(const char *name, enum type type, struct bytes stored, struct buffer *out)
{
	bool is_binary = type == TYPE_BYTES && !bytes_are_utf8(stored);
	struct buffer text = {0};

	buffer_append(out, bytes_of_text("\""));
	buffer_append(out, bytes_of_text(name));
	buffer_append(out, bytes_of_text(is_binary ? "_b64\":" : "\":"));
	type_print(type, stored, &text);
	if (is_binary)
		put_base64(stored, out);
	else if (type == TYPE_JSON || type == TYPE_BOOL || is_safe_number(type, stored))
		buffer_append(out, buffer_bytes(&text));
	else
		jsontext_quote(out, buffer_bytes(&text));
	buffer_fini(&text);
}

void values_entry(const struct collection_shape *shape, const struct bytes part[PARTS], struct buffer *out)
{
	const char *before = "{";

	for (unsigned i = 0; i < PARTS; i++) {
		if (!collection_has(shape->kind, (enum part)i))
			continue;
		buffer_append(out, bytes_of_text(before));
		values_member(part_names[i], shape->type[i], part[i], out);
		before = ",";
	}
	buffer_append(out, bytes_of_text("}"));
}

/* ---- reading JSON ---- */

static enum error read_value(enum type type, const json_t *value, struct buffer *out)
{
	uint8_t stored[TYPE_NUMBER_SIZE];

	if (type == TYPE_JSON)
		return put_canonical(value, out);
	if (json_is_string(value) && type != TYPE_BOOL)
		return type_from_text(type, bytes_of(json_string_value(value), json_string_length(value)), out);
	if (json_is_boolean(value) && type == TYPE_BOOL) {
		stored[0] = json_is_true(value);
		buffer_append(out, bytes_of(stored, 1));
		return OK;
	}
	if (json_is_integer(value) && type == TYPE_I64)
		type_put_i64(json_integer_value(value), stored);
	else if (json_is_integer(value) && json_integer_value(value) >= 0 && type == TYPE_U64)
		type_put_u64((uint64_t)json_integer_value(value), stored);
	else if (!json_is_number(value) || type != TYPE_F64 || type_put_f64(json_number_value(value), stored) != OK)
		return ERROR_BAD_TEXT;
	buffer_append(out, bytes_of(stored, sizeof stored));
	return OK;
}

static enum error read_member(const json_t *object, const char *name, enum type type, struct buffer *out)
{
	char name_base64[NAME_MAX_SIZE];
	const json_t *value = json_object_get(object, name), *base64;

	snprintf(name_base64, sizeof name_base64, "%s_b64", name);
	base64 = json_object_get(object, name_base64);
	if (!value == !base64)
		return ERROR_MALFORMED;
	if (value)
		return read_value(type, value, out);
	if (!json_is_string(base64) || type != TYPE_BYTES)
		return ERROR_BAD_TEXT;
	return jsontext_from_base64(bytes_of(json_string_value(base64), json_string_length(base64)), out) ?
		OK : ERROR_BAD_TEXT;
}

enum error values_read_entry(const struct collection_shape *shape, struct bytes line, struct buffer part[PARTS])
{
	enum error status;
	json_t *object;

	if (values_line_read(shape, line, part))
		return OK;
	object = read_json(line);
	status = json_is_object(object) ? OK : ERROR_MALFORMED;
	for (unsigned i = 0; i < PARTS && status == OK; i++) {
		buffer_clear(&part[i]);
		if (collection_has(shape->kind, (enum part)i))
			status = read_member(object, part_names[i], shape->type[i], &part[i]);
	}
	json_decref(object);
	return status;
}

/* ---- listed names ---- */

void values_listed(const struct collection_shape *shape, struct bytes name, struct buffer *out)
{
	char capacity[24];

	buffer_append(out, bytes_of_text(collection_kind_name(shape->kind)));
	buffer_append(out, bytes_of_text(" "));
	buffer_append(out, name);
	buffer_append(out, bytes_of_text(" "));
	collection_types_print(shape, out);
	if (shape->capacity == 0)
		return;
	snprintf(capacity, sizeof capacity, " %llu", (unsigned long long)shape->capacity);
	buffer_append(out, bytes_of_text(capacity));
}

/* The text after the last blank; takes it and the blank off *text. */
static struct bytes last_word(struct bytes *text)
{
	size_t at = text->size;
	struct bytes word;

	while (at > 0 && text->data[at - 1] != ' ')
		at--;
	word = bytes_of(text->data + at, text->size - at);
	text->size = at > 0 ? at - 1 : 0;
	return word;
}

/* A capacity at the end of the text, if one is there; else the text stays as it is. */
static uint64_t read_capacity(struct bytes *text)
{
	struct bytes rest = *text, word = last_word(&rest);
	struct buffer stored = {0};
	uint64_t capacity = 0;

	if (type_from_text(TYPE_U64, word, &stored) == OK) {
		capacity = type_get_u64(stored.data);
		*text = rest;
	}
	buffer_fini(&stored);
	return capacity;
}

enum error values_read_listed(struct bytes text, struct collection_shape *shape, struct bytes *name)
{
	const uint8_t *blank = text.size > 0 ? memchr(text.data, ' ', text.size) : NULL;
	struct collection_shape read = {0};
	size_t size;

	if (!blank)
		return ERROR_BAD_TEXT;
	size = (size_t)(blank - text.data);
	if (collection_kind_from_name(bytes_of(text.data, size), &read.kind) != OK)
		return ERROR_BAD_TEXT;
	text = bytes_of(blank + 1, text.size - size - 1);
	if (read.kind == COLLECTION_PQUEUE)
		read.capacity = read_capacity(&text);
	if (collection_types_from_text(last_word(&text), &read) != OK || text.size == 0)
		return ERROR_BAD_TEXT;
	*shape = read;
	*name = text;
	return OK;
}
