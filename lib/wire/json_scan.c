/*
 * json_scan.c - see json_scan.h.
 */
#include "wire/json_scan.h"

static bool read_hex4(struct json_scan *scan, uint32_t *out)
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

/* RFC 8259 section 7: characters beyond the basic plane are two escapes; half of such a pair is no character. */
static size_t read_unicode(struct json_scan *scan, uint8_t out[4])
{
	uint32_t code, low;

	if (!read_hex4(scan, &code) || (code >= 0xDC00 && code < 0xE000))
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

size_t json_escape(struct json_scan *scan, uint8_t out[4])
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
