/*
 * type.c - see type.h.
 */
#include "collections/type.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGN_BIT (UINT64_C(1) << 63)
#define NUMBER_TEXT_MAX 40u          /* longer than any number that type_print writes */
#define F64_DIGITS_MIN 15            /* most numbers that people write come back as they were */
#define F64_DIGITS_MAX 17            /* always enough to read back the same number */
#define F64_TEXT_MAX 400u            /* 1e308 written out, and room for a fraction */

static const char *const names[TYPES] = {
	[TYPE_BYTES] = "bytes",
	[TYPE_STR] = "str",
	[TYPE_U64] = "u64",
	[TYPE_I64] = "i64",
	[TYPE_F64] = "f64",
	[TYPE_BOOL] = "bool",
	[TYPE_JSON] = "json",
};

const char *type_name(enum type type)
{
	ASSERT(type < TYPES);
	return names[type];
}

enum error type_from_name(struct bytes name, enum type *out)
{
	for (unsigned i = 0; i < TYPES; i++) {
		if (bytes_equal(name, bytes_of_text(names[i]))) {
			*out = (enum type)i;
			return OK;
		}
	}
	return ERROR_BAD_TEXT;
}

size_t type_size(enum type type)
{
	if (type == TYPE_U64 || type == TYPE_I64 || type == TYPE_F64)
		return TYPE_NUMBER_SIZE;
	return type == TYPE_BOOL ? 1 : 0;
}

/* --- numbers --- */

void type_put_u64(uint64_t value, uint8_t out[TYPE_NUMBER_SIZE])
{
	bytes_put_be64(out, value);
}

uint64_t type_get_u64(const uint8_t stored[TYPE_NUMBER_SIZE])
{
	return bytes_get_be64(stored);
}

void type_put_i64(int64_t value, uint8_t out[TYPE_NUMBER_SIZE])
{
	type_put_u64((uint64_t)value ^ SIGN_BIT, out);
}

int64_t type_get_i64(const uint8_t stored[TYPE_NUMBER_SIZE])
{
	return (int64_t)(type_get_u64(stored) ^ SIGN_BIT);
}

enum error type_put_f64(double value, uint8_t out[TYPE_NUMBER_SIZE])
{
	uint64_t bits;

	if (__builtin_isnan(value))
		return ERROR_BAD_TEXT;
	value += 0.0;   /* -0 becomes 0 */
	memcpy(&bits, &value, sizeof bits);
	type_put_u64(bits & SIGN_BIT ? ~bits : bits | SIGN_BIT, out);
	return OK;
}

double type_get_f64(const uint8_t stored[TYPE_NUMBER_SIZE])
{
	uint64_t bits = type_get_u64(stored);
	double value;

	bits = bits & SIGN_BIT ? bits & ~SIGN_BIT : ~bits;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static bool is_stored_f64(const uint8_t stored[TYPE_NUMBER_SIZE])
{
	uint8_t again[TYPE_NUMBER_SIZE];

	return type_put_f64(type_get_f64(stored), again) == OK && memcmp(stored, again, sizeof again) == 0;
}

bool type_holds(enum type type, struct bytes stored)
{
	ASSERT(type < TYPES);
	if (type_size(type) > 0 && stored.size != type_size(type))
		return false;
	switch (type) {
	case TYPE_STR:
	case TYPE_JSON:
		return bytes_are_utf8(stored);
	case TYPE_BOOL:
		return stored.data[0] <= 1;
	case TYPE_F64:
		return is_stored_f64(stored.data);
	case TYPE_BYTES:
	case TYPE_U64:
	case TYPE_I64:
	case TYPES:
		break;
	}
	return true;
}

/* --- from text --- */

/* Decimal digits and nothing else; at most `most`. */
static enum error parse_digits(struct bytes text, uint64_t most, uint64_t *out)
{
	uint64_t value = 0;

	if (text.size == 0)
		return ERROR_BAD_TEXT;
	for (size_t i = 0; i < text.size; i++) {
		uint64_t digit = (uint64_t)text.data[i] - '0';

		if (text.data[i] < '0' || text.data[i] > '9' || value > (most - digit) / 10)
			return ERROR_BAD_TEXT;
		value = value * 10 + digit;
	}
	*out = value;
	return OK;
}

static enum error parse_u64(struct bytes text, uint8_t out[TYPE_NUMBER_SIZE])
{
	uint64_t value;

	if (parse_digits(text, UINT64_MAX, &value) != OK)
		return ERROR_BAD_TEXT;
	type_put_u64(value, out);
	return OK;
}

static enum error parse_i64(struct bytes text, uint8_t out[TYPE_NUMBER_SIZE])
{
	bool negative = text.size > 0 && text.data[0] == '-';
	bool has_sign = negative || (text.size > 0 && text.data[0] == '+');
	uint64_t value;

	if (has_sign)
		text = bytes_of(text.data + 1, text.size - 1);
	if (parse_digits(text, negative ? SIGN_BIT : SIGN_BIT - 1, &value) != OK)
		return ERROR_BAD_TEXT;
	type_put_i64((int64_t)(negative ? 0 - value : value), out);
	return OK;
}

static bool is_infinity(const char *text)
{
	return strcmp(text + (*text == '-' || *text == '+'), "inf") == 0;
}

/* strtod takes more than we do (blanks, hexadecimal, nan), so that the letters are looked at first. */
static enum error parse_f64(struct bytes text, uint8_t out[TYPE_NUMBER_SIZE])
{
	char copy[F64_TEXT_MAX + 1], *end;
	double value;

	if (text.size == 0 || text.size > F64_TEXT_MAX)
		return ERROR_BAD_TEXT;
	memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	if (!is_infinity(copy) && (strspn(copy, "0123456789+-.eE") != text.size))
		return ERROR_BAD_TEXT;
	value = strtod(copy, &end);
	if (end != copy + text.size || (__builtin_isinf(value) && !is_infinity(copy)))
		return ERROR_BAD_TEXT;
	return type_put_f64(value, out);
}

static enum error parse_bool(struct bytes text, uint8_t *out)
{
	if (!bytes_equal(text, bytes_of_text("true")) && !bytes_equal(text, bytes_of_text("false")))
		return ERROR_BAD_TEXT;
	*out = text.data[0] == 't';
	return OK;
}

enum error type_from_text(enum type type, struct bytes text, struct buffer *out)
{
	uint8_t stored[TYPE_NUMBER_SIZE];
	enum error status = OK;

	ASSERT(type < TYPES);
	if (type_size(type) == 0) {
		if (!type_holds(type, text))
			return ERROR_BAD_TEXT;
		buffer_append(out, text);
		return OK;
	}
	if (type == TYPE_U64)
		status = parse_u64(text, stored);
	else if (type == TYPE_I64)
		status = parse_i64(text, stored);
	else if (type == TYPE_F64)
		status = parse_f64(text, stored);
	else
		status = parse_bool(text, stored);
	if (status == OK)
		buffer_append(out, bytes_of(stored, type_size(type)));
	return status;
}

/* --- to text --- */

static int print_f64(double value, char out[NUMBER_TEXT_MAX])
{
	int size = 0;

	for (int digits = F64_DIGITS_MIN; digits <= F64_DIGITS_MAX; digits++) {
		size = snprintf(out, NUMBER_TEXT_MAX, "%.*g", digits, value);
		if (__builtin_isinf(value) || strtod(out, NULL) == value)
			break;
	}
	return size;
}

void type_print(enum type type, struct bytes stored, struct buffer *out)
{
	char text[NUMBER_TEXT_MAX];
	int size = 0;

	ASSERT(type_holds(type, stored));
	if (type_size(type) == 0) {
		buffer_append(out, stored);
		return;
	}
	if (type == TYPE_U64)
		size = snprintf(text, sizeof text, "%llu", (unsigned long long)type_get_u64(stored.data));
	else if (type == TYPE_I64)
		size = snprintf(text, sizeof text, "%lld", (long long)type_get_i64(stored.data));
	else if (type == TYPE_F64)
		size = print_f64(type_get_f64(stored.data), text);
	else
		size = snprintf(text, sizeof text, "%s", stored.data[0] ? "true" : "false");
	ASSERT(size > 0 && (size_t)size < sizeof text);
	buffer_append(out, bytes_of(text, (size_t)size));
}
