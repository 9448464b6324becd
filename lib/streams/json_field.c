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
#include "wire/json_scan.h"

#include <string.h>

enum string_result { STRING_BAD, STRING_OTHER, STRING_SAME };

/* Reads a string, behind its opening quote, to behind its closing one. */
static enum string_result compare_string(struct json_scan *scan, struct bytes wanted)
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
			size = json_escape(scan, out);
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

static struct bytes take_literal(struct json_scan *scan)
{
	const uint8_t *from = scan->at;

	while (scan->at < scan->end && !ends_literal(*scan->at))
		scan->at++;
	return bytes_of(from, (size_t)(scan->at - from));
}

/* One value, whatever it is; scan stands at its first byte. */
static bool skip_value(struct json_scan *scan)
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
static bool find_member(struct json_scan *scan, struct bytes name)
{
	do {
		enum string_result result;

		if (!json_take(scan, '"'))
			return false;
		result = compare_string(scan, name);
		if (result == STRING_BAD || !json_take(scan, ':'))
			return false;
		json_skip_space(scan);
		if (result == STRING_SAME)
			return true;
		if (!skip_value(scan))
			return false;
	} while (json_take(scan, ','));
	return false;
}

bool json_field_equals(struct bytes record, struct bytes path, struct bytes value)
{
	struct json_scan scan = {record.data, record.data + record.size};

	ASSERT(path.size > 0);
	while (path.size > 0) {
		const uint8_t *dot = memchr(path.data, '.', path.size);
		struct bytes name = {path.data, dot != NULL ? (size_t)(dot - path.data) : path.size};
		size_t taken = name.size + (dot != NULL);

		if (scan.at == NULL || !json_take(&scan, '{') || !find_member(&scan, name))
			return false;
		path = (struct bytes){path.data + taken, path.size - taken};
	}
	if (json_take(&scan, '"'))
		return compare_string(&scan, value) == STRING_SAME;
	return value.size > 0 && bytes_equal(take_literal(&scan), value);
}
