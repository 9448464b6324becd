/*
 * json_field.c - a scanner that goes forward over a text, once.
 *
 *      { "a" : ... , "b" : { "c" : "value" } }        path b.c
 *            ^skip    ^enter    ^compare
 *
 * A value that is of no interest is skipped by counting brackets outside of strings, so depth costs nothing.
 */
#include "streams/json_field.h"

#include "base/check.h"

#include <string.h>

struct scan {
	const uint8_t *at;
	const uint8_t *end;
};

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

static bool read_hex4(struct scan *scan, uint32_t *out)
{
	uint32_t value = 0;

	if (scan->end - scan->at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		uint8_t digit = *scan->at++;

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

/* RFC 8259 section 7: characters beyond the basic plane are two escapes. 0: not an escape. */
static size_t read_unicode(struct scan *scan, uint8_t out[4])
{
	uint32_t code, low;

	if (!read_hex4(scan, &code))
		return 0;
	if (code >= 0xD800 && code < 0xDC00) {
		if (scan->end - scan->at < 2 || scan->at[0] != '\\' || scan->at[1] != 'u')
			return 0;
		scan->at += 2;
		if (!read_hex4(scan, &low) || low < 0xDC00 || low > 0xDFFF)
			return 0;
		code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
	}
	return put_utf8(code, out);
}

/* Behind a backslash: the bytes that the escape stands for. 0: none. */
static size_t read_escape(struct scan *scan, uint8_t out[4])
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *letter;
	uint8_t first;

	if (scan->at == scan->end)
		return 0;
	first = *scan->at++;
	if (first == 'u')
		return read_unicode(scan, out);
	letter = first != '\0' ? strchr(letters, first) : NULL;
	if (letter == NULL)
		return 0;
	out[0] = (uint8_t)meant[letter - letters];
	return 1;
}

enum string_result { STRING_BAD, STRING_OTHER, STRING_SAME };

/* Reads a string, behind its opening quote, to behind its closing one. */
static enum string_result compare_string(struct scan *scan, struct bytes wanted)
{
	bool same = true;
	size_t at = 0;

	while (scan->at < scan->end) {
		uint8_t out[4];
		size_t size = 1;

		out[0] = *scan->at++;
		if (out[0] == '"')
			return same && at == wanted.size ? STRING_SAME : STRING_OTHER;
		if (out[0] == '\\')
			size = read_escape(scan, out);
		if (size == 0)
			return STRING_BAD;
		same = same && size <= wanted.size - at && memcmp(out, wanted.data + at, size) == 0;
		at += same ? size : 0;
	}
	return STRING_BAD;
}

static bool ends_literal(uint8_t byte)
{
	return memchr(" \t\r\n,]}", byte, 7) != NULL;
}

static struct bytes take_literal(struct scan *scan)
{
	const uint8_t *from = scan->at;

	while (scan->at < scan->end && !ends_literal(*scan->at))
		scan->at++;
	return bytes_of(from, (size_t)(scan->at - from));
}

/* One value, whatever it is; scan stands at its first byte. */
static bool skip_value(struct scan *scan)
{
	size_t depth = 0;

	while (scan->at < scan->end) {
		uint8_t byte = *scan->at;

		if (byte == '"') {
			scan->at++;
			if (compare_string(scan, (struct bytes){NULL, 0}) == STRING_BAD)
				return false;
		} else if (byte == '{' || byte == '[') {
			depth++;
			scan->at++;
		} else if (byte == '}' || byte == ']') {
			if (depth == 0)
				return false;
			depth--;
			scan->at++;
		} else if (depth > 0 && memchr(" \t\r\n,:", byte, 6) != NULL) {
			scan->at++;
			continue;
		} else if (take_literal(scan).size == 0) {
			return false;
		}
		if (depth == 0)
			return true;
	}
	return false;
}

/* Inside an object: goes to the value of its member `name`. */
static bool find_member(struct scan *scan, struct bytes name)
{
	do {
		enum string_result result;

		if (!take(scan, '"'))
			return false;
		result = compare_string(scan, name);
		if (result == STRING_BAD || !take(scan, ':'))
			return false;
		skip_space(scan);
		if (result == STRING_SAME)
			return true;
		if (!skip_value(scan))
			return false;
	} while (take(scan, ','));
	return false;
}

bool json_field_equals(struct bytes record, struct bytes path, struct bytes value)
{
	struct scan scan = {record.data, record.data + record.size};

	ASSERT(path.size > 0);
	while (path.size > 0) {
		const uint8_t *dot = memchr(path.data, '.', path.size);
		struct bytes name = {path.data, dot != NULL ? (size_t)(dot - path.data) : path.size};
		size_t taken = name.size + (dot != NULL);

		if (scan.at == NULL || !take(&scan, '{') || !find_member(&scan, name))
			return false;
		path = (struct bytes){path.data + taken, path.size - taken};
	}
	if (take(&scan, '"'))
		return compare_string(&scan, value) == STRING_SAME;
	return value.size > 0 && bytes_equal(take_literal(&scan), value);
}
