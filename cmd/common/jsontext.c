/*
 * jsontext.c - see jsontext.h.
 */
#include "cmd/common/jsontext.h"

#include <string.h>

#include "base/check.h"

#define REPLACEMENT "\xEF\xBF\xBD"   /* U+FFFD in UTF-8 */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint8_t *escape_byte(uint8_t *out, uint8_t byte)
{
	static const char hex[] = "0123456789abcdef";
	static const char short_form[] = {
		['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};

	*out++ = '\\';
	if (byte < sizeof short_form && short_form[byte]) {
		*out++ = (uint8_t)short_form[byte];
		return out;
	}
	memcpy(out, "u00", 3);
	out[3] = (uint8_t)hex[byte >> 4];
	out[4] = (uint8_t)hex[byte & 15];
	return out + 5;
}

uint8_t *jsontext_escape(uint8_t *out, struct bytes utf8)
{
	for (size_t i = 0; i < utf8.size; i++) {
		uint8_t byte = utf8.data[i];

		if (byte >= 0x20 && byte != '"' && byte != '\\')
			*out++ = byte;
		else
			out = escape_byte(out, byte);
	}
	return out;
}

void jsontext_quote(struct buffer *out, struct bytes text)
{
	bool is_utf8 = bytes_are_utf8(text);
	size_t before = out->size;
	uint8_t *start = buffer_extend(out, text.size * JSONTEXT_ESCAPED_MAX + 2), *at = start;

	*at++ = '"';
	if (is_utf8)
		at = jsontext_escape(at, text);
	for (size_t i = 0; i < text.size && !is_utf8; i++) {
		if (text.data[i] < 0x80) {
			at = jsontext_escape(at, (struct bytes){text.data + i, 1});
		} else {
			memcpy(at, REPLACEMENT, 3);
			at += 3;
		}
	}
	*at++ = '"';
	out->size = before + (size_t)(at - start);
}

uint8_t *jsontext_base64(uint8_t *out, struct bytes data)
{
	size_t i = 0;

	for (; data.size - i >= 3; i += 3) {
		uint32_t bits = (uint32_t)data.data[i] << 16 | (uint32_t)data.data[i + 1] << 8 | data.data[i + 2];

		*out++ = (uint8_t)digits[bits >> 18];
		*out++ = (uint8_t)digits[bits >> 12 & 63];
		*out++ = (uint8_t)digits[bits >> 6 & 63];
		*out++ = (uint8_t)digits[bits & 63];
	}
	if (i < data.size) {
		bool two = data.size - i == 2;
		uint32_t bits = (uint32_t)data.data[i] << 16 | (two ? (uint32_t)data.data[i + 1] << 8 : 0);

		*out++ = (uint8_t)digits[bits >> 18];
		*out++ = (uint8_t)digits[bits >> 12 & 63];
		*out++ = two ? (uint8_t)digits[bits >> 6 & 63] : '=';
		*out++ = '=';
	}
	return out;
}

/* 0 to 63, or 64: not a digit. */
static uint32_t digit_value(uint8_t digit)
{
	if (digit >= 'A' && digit <= 'Z')
		return (uint32_t)(digit - 'A');
	if (digit >= 'a' && digit <= 'z')
		return (uint32_t)(digit - 'a') + 26;
	if (digit >= '0' && digit <= '9')
		return (uint32_t)(digit - '0') + 52;
	return digit == '+' ? 62 : digit == '/' ? 63 : 64;
}

bool jsontext_from_base64(struct bytes text, struct buffer *out)
{
	size_t padding = 0;
	uint32_t bits = 0;

	if (text.size % 4 != 0)
		return false;
	while (padding < 2 && padding < text.size && text.data[text.size - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < text.size - padding; i++) {
		uint32_t value = digit_value(text.data[i]);

		if (value > 63)
			return false;
		bits = bits << 6 | value;
		if (i % 4 != 0) {
			/* 4 digits are 3 bytes: digit 1 completes the first one, with 4 bits left over, and so on. */
			uint8_t byte = (uint8_t)(bits >> (6 - 2 * (i % 4)));

			buffer_append(out, (struct bytes){&byte, 1});
		}
	}
	/* Two texts must not stand for the same bytes: bits behind the end have to be 0. */
	return padding == 0 || (bits & (padding == 1 ? 3u : 15u)) == 0;
}
