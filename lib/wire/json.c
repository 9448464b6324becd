/*
 * json.c - a scanner that goes forward once; values inside of values are only checked.
 *
 * Decoding a string where it stands is safe: what an escape stands for is never longer than the escape.
 */
#include "wire/json.h"

#include "base/check.h"
#include "wire/json_scan.h"

#include <string.h>

/* ---- strings ---- */

/* What a string is read for. */
struct reading {
	uint8_t *into;             /* decoded to there; NULL: only compared */
	size_t size;               /* of what it stands for */
	struct bytes wanted;
	bool same;                 /* as `wanted`, so far */
};

/* Behind the opening quote, to behind the closing one. */
static bool read_string(struct json_scan *scan, struct reading *reading)
{
	while (scan->at < scan->end) {
		uint8_t out[4];
		size_t size = 1;

		out[0] = *scan->at++;
		if (out[0] == '"')
			return true;
		if (out[0] < 0x20)
			return false;
		if (out[0] == '\\')
			size = json_escape(scan, out);
		if (size == 0)
			return false;
		reading->same = reading->same && size <= reading->wanted.size - reading->size &&
			memcmp(out, reading->wanted.data + reading->size, size) == 0;
		if (reading->into != NULL)
			memcpy(reading->into + reading->size, out, size);
		reading->size += size;
	}
	return false;
}

/* ---- values ---- */

static bool skip_digits(struct json_scan *scan)
{
	const uint8_t *from = scan->at;

	while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
		scan->at++;
	return scan->at > from;
}

static bool is_at(const struct json_scan *scan, const char *one_of)
{
	return scan->at < scan->end && *scan->at != '\0' && strchr(one_of, *scan->at) != NULL;
}

static bool skip_number(struct json_scan *scan)
{
	if (is_at(scan, "-"))
		scan->at++;
	if (is_at(scan, "0"))
		scan->at++;
	else if (!skip_digits(scan))
		return false;
	if (is_at(scan, ".")) {
		scan->at++;
		if (!skip_digits(scan))
			return false;
	}
	if (!is_at(scan, "eE"))
		return true;
	scan->at++;
	if (is_at(scan, "+-"))
		scan->at++;
	return skip_digits(scan);
}

static bool skip_literal(struct json_scan *scan)
{
	static const char *const literals[] = {"true", "false", "null"};

	for (size_t i = 0; i < sizeof(literals) / sizeof(literals[0]); i++) {
		struct bytes literal = bytes_of_text(literals[i]);

		if ((size_t)(scan->end - scan->at) >= literal.size && memcmp(scan->at, literal.data, literal.size) == 0) {
			scan->at += literal.size;
			return true;
		}
	}
	return false;
}

static bool skip_value(struct json_scan *scan, unsigned depth);

static bool skip_name(struct json_scan *scan)
{
	struct reading reading = {.same = false};

	return json_take(scan, '"') && read_string(scan, &reading) && json_take(scan, ':');
}

/* Behind the opening bracket. The recursion ends at JSON_DEPTH_MAX. */
static bool skip_inside(struct json_scan *scan, uint8_t closing, unsigned depth)
{
	if (depth >= JSON_DEPTH_MAX)
		return false;
	if (json_take(scan, closing))
		return true;
	do {
		if (closing == '}' && !skip_name(scan))
			return false;
		json_skip_space(scan);
		if (!skip_value(scan, depth + 1))
			return false;
	} while (json_take(scan, ','));
	return json_take(scan, closing);
}

static bool skip_value(struct json_scan *scan, unsigned depth)
{
	struct reading reading = {.same = false};

	if (scan->at == scan->end)
		return false;
	switch (*scan->at) {
	case '"':
		scan->at++;
		return read_string(scan, &reading);
	case '{':
		scan->at++;
		return skip_inside(scan, '}', depth);
	case '[':
		scan->at++;
		return skip_inside(scan, ']', depth);
	case 't':
	case 'f':
	case 'n':
		return skip_literal(scan);
	default:
		return skip_number(scan);
	}
}

static enum json_kind kind_of(uint8_t first)
{
	switch (first) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case 't':
	case 'f':
	case 'n':
		return JSON_LITERAL;
	default:
		return JSON_NUMBER;
	}
}

/* ---- the object ---- */

/* Behind a quote: decoded in `text`, in which the scan goes. */
static bool take_string(struct json_scan *scan, uint8_t *text, struct bytes *out)
{
	struct reading reading = {.into = text + (scan->at - text)};

	if (!read_string(scan, &reading))
		return false;
	*out = bytes_of(reading.into, reading.size);
	return true;
}

static bool has_name(const struct json_object *object, struct bytes name)
{
	for (size_t i = 0; i < object->count; i++)
		if (bytes_equal(object->member[i].name, name))
			return true;
	return false;
}

static bool read_member(struct json_scan *scan, uint8_t *text, struct json_object *out)
{
	struct json_member *member = &out->member[out->count];
	const uint8_t *from;

	if (out->count == JSON_MEMBERS_MAX || !json_take(scan, '"') || !take_string(scan, text, &member->name))
		return false;
	if (has_name(out, member->name) || !json_take(scan, ':'))
		return false;
	json_skip_space(scan);
	if (is_at(scan, "\"")) {
		scan->at++;
		member->value.kind = JSON_STRING;
		if (!take_string(scan, text, &member->value.text))
			return false;
	} else {
		from = scan->at;
		if (!skip_value(scan, 1))
			return false;
		member->value.kind = kind_of(*from);
		member->value.text = bytes_of(from, (size_t)(scan->at - from));
	}
	out->count++;
	return true;
}

bool json_read(uint8_t *text, size_t size, struct json_object *out)
{
	struct json_scan scan = {text, text + size};

	out->count = 0;
	if (!bytes_are_utf8(bytes_of(text, size)) || !json_take(&scan, '{'))
		return false;
	if (!json_take(&scan, '}')) {
		do {
			if (!read_member(&scan, text, out))
				return false;
		} while (json_take(&scan, ','));
		if (!json_take(&scan, '}'))
			return false;
	}
	json_skip_space(&scan);
	return scan.at == scan.end;
}

const struct json_value *json_find(const struct json_object *object, const char *name)
{
	for (size_t i = 0; i < object->count; i++)
		if (bytes_equal(object->member[i].name, bytes_of_text(name)))
			return &object->member[i].value;
	return NULL;
}

bool json_is_text(const struct json_value *value, struct bytes text)
{
	return value != NULL && value->kind == JSON_STRING && bytes_equal(value->text, text);
}

bool json_array_has(const struct json_value *value, struct bytes text)
{
	struct json_scan scan;

	if (value == NULL || value->kind != JSON_ARRAY)
		return false;
	scan = (struct json_scan){value->text.data + 1, value->text.data + value->text.size};
	while (!json_take(&scan, ']')) {
		struct reading reading = {.wanted = text, .same = true};

		json_skip_space(&scan);
		if (is_at(&scan, "\"")) {
			scan.at++;
			if (!read_string(&scan, &reading))
				return false;
			if (reading.same && reading.size == text.size)
				return true;
		} else if (!skip_value(&scan, 1)) {
			return false;
		}
		(void)json_take(&scan, ',');
	}
	return false;
}

bool json_whole(const struct json_value *value, uint64_t most, uint64_t *out)
{
	uint64_t number = 0;

	if (value == NULL || value->kind != JSON_NUMBER)
		return false;
	ASSERT(value->text.size > 0);
	for (size_t i = 0; i < value->text.size; i++) {
		uint64_t digit = (uint64_t)value->text.data[i] - '0';

		if (digit > 9 || digit > most || number > (most - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*out = number;
	return true;
}
