/*
 * json.c - a scanner that goes forward once; values inside of values are only checked.
 *
 * Decoding a string where it stands is safe: what an escape stands for is never longer than the escape.
 */
#include "wire/json.h"

#include "base/check.h"

#include <string.h>

struct scan {
	const uint8_t *at;
	const uint8_t *end;
};

/* ---- strings ---- */

static bool read_hex4(const uint8_t **at, const uint8_t *end, uint32_t *out)
{
	uint32_t value = 0;

	if (end - *at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		uint8_t digit = *(*at)++;

		if (digit >= '0' && digit <= '9')
			value = value << 4 | (uint32_t)(digit - '0');
		else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
			value = value << 4 | (uint32_t)((digit | 0x20) - 'a' + 10);
		else
			return false;
	}
	*out = value;
	return true;
}

static size_t put_utf8(uint32_t code, uint8_t out[4])
{
	if (code < 0x80) {
		out[0] = (uint8_t)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (uint8_t)(0xC0 | code >> 6);
		out[1] = (uint8_t)(0x80 | (code & 0x3F));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (uint8_t)(0xE0 | code >> 12);
		out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
		out[2] = (uint8_t)(0x80 | (code & 0x3F));
		return 3;
	}
	out[0] = (uint8_t)(0xF0 | code >> 18);
	out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3F));
	out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3F));
	out[3] = (uint8_t)(0x80 | (code & 0x3F));
	return 4;
}

/* RFC 8259 section 7: characters beyond the basic plane are two escapes; half of such a pair is no character. */
static size_t read_unicode(const uint8_t **at, const uint8_t *end, uint8_t out[4])
{
	uint32_t code, low;

	if (!read_hex4(at, end, &code) || (code >= 0xDC00 && code < 0xE000))
		return 0;
	if (code >= 0xD800 && code < 0xDC00) {
		if (end - *at < 2 || (*at)[0] != '\\' || (*at)[1] != 'u')
			return 0;
		*at += 2;
		if (!read_hex4(at, end, &low) || low < 0xDC00 || low > 0xDFFF)
			return 0;
		code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
	}
	return put_utf8(code, out);
}

size_t json_escape(const uint8_t **at, const uint8_t *end, uint8_t out[4])
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *letter;
	uint8_t first;

	if (*at == end)
		return 0;
	first = *(*at)++;
	if (first == 'u')
		return read_unicode(at, end, out);
	letter = first != '\0' ? strchr(letters, first) : NULL;
	if (letter == NULL)
		return 0;
	out[0] = (uint8_t)meant[letter - letters];
	return 1;
}

/* What a string is read for. */
struct reading {
	uint8_t *into;             /* decoded to there; NULL: only compared */
	size_t size;               /* of what it stands for */
	struct bytes wanted;
	bool same;                 /* as `wanted`, so far */
};

/* Behind the opening quote, to behind the closing one. */
static bool read_string(struct scan *scan, struct reading *reading)
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
			size = json_escape(&scan->at, scan->end, out);
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

static void skip_space(struct scan *scan)
{
	while (scan->at < scan->end && memchr(" \t\r\n", *scan->at, 4) != NULL)
		scan->at++;
}

/* Steps over `byte` and the space in front of it; false: something else is there. */
static bool take(struct scan *scan, uint8_t byte)
{
	skip_space(scan);
	if (scan->at == scan->end || *scan->at != byte)
		return false;
	scan->at++;
	return true;
}

static bool skip_digits(struct scan *scan)
{
	const uint8_t *from = scan->at;

	while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
		scan->at++;
	return scan->at > from;
}

static bool is_at(const struct scan *scan, const char *one_of)
{
	return scan->at < scan->end && *scan->at != '\0' && strchr(one_of, *scan->at) != NULL;
}

static bool skip_number(struct scan *scan)
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

static bool skip_literal(struct scan *scan)
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

static bool skip_value(struct scan *scan, unsigned depth);

static bool skip_name(struct scan *scan)
{
	struct reading reading = {.same = false};

	return take(scan, '"') && read_string(scan, &reading) && take(scan, ':');
}

/* Behind the opening bracket. The recursion ends at JSON_DEPTH_MAX. */
static bool skip_inside(struct scan *scan, uint8_t closing, unsigned depth)
{
	if (depth >= JSON_DEPTH_MAX)
		return false;
	if (take(scan, closing))
		return true;
	do {
		if (closing == '}' && !skip_name(scan))
			return false;
		skip_space(scan);
		if (!skip_value(scan, depth + 1))
			return false;
	} while (take(scan, ','));
	return take(scan, closing);
}

static bool skip_value(struct scan *scan, unsigned depth)
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
static bool take_string(struct scan *scan, uint8_t *text, struct bytes *out)
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

static bool read_member(struct scan *scan, uint8_t *text, struct json_object *out)
{
	struct json_member *member = &out->member[out->count];
	const uint8_t *from;

	if (out->count == JSON_MEMBERS_MAX || !take(scan, '"') || !take_string(scan, text, &member->name))
		return false;
	if (has_name(out, member->name) || !take(scan, ':'))
		return false;
	skip_space(scan);
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
	struct scan scan = {text, text + size};

	out->count = 0;
	if (!bytes_are_utf8(bytes_of(text, size)) || !take(&scan, '{'))
		return false;
	if (!take(&scan, '}')) {
		do {
			if (!read_member(&scan, text, out))
				return false;
		} while (take(&scan, ','));
		if (!take(&scan, '}'))
			return false;
	}
	skip_space(&scan);
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
	struct scan scan;

	if (value == NULL || value->kind != JSON_ARRAY)
		return false;
	scan = (struct scan){value->text.data + 1, value->text.data + value->text.size};
	while (!take(&scan, ']')) {
		struct reading reading = {.wanted = text, .same = true};

		skip_space(&scan);
		if (is_at(&scan, "\"")) {
			scan.at++;
			if (!read_string(&scan, &reading))
				return false;
			if (reading.same && reading.size == text.size)
				return true;
		} else if (!skip_value(&scan, 1)) {
			return false;
		}
		(void)take(&scan, ',');
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
