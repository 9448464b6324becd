/*
 * base64url.c - see base64url.h.
 */
#include "base/base64url.h"

#include "base/check.h"

#define BAD 64u

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static uint32_t value_of(uint8_t letter)
{
	if (letter >= 'A' && letter <= 'Z')
		return letter - (uint32_t)'A';
	if (letter >= 'a' && letter <= 'z')
		return letter - (uint32_t)'a' + 26;
	if (letter >= '0' && letter <= '9')
		return letter - (uint32_t)'0' + 52;
	if (letter == '-')
		return 62;
	return letter == '_' ? 63 : BAD;
}

void base64url_encode(struct buffer *out, struct bytes data)
{
	for (size_t i = 0; i < data.size; i += 3) {
		size_t here = data.size - i < 3 ? data.size - i : 3;
		uint32_t word = (uint32_t)data.data[i] << 16;
		uint8_t *text = buffer_extend(out, here + 1);

		word |= here > 1 ? (uint32_t)data.data[i + 1] << 8 : 0;
		word |= here > 2 ? data.data[i + 2] : 0;
		for (size_t letter = 0; letter <= here; letter++)
			text[letter] = (uint8_t)alphabet[word >> (18 - 6 * letter) & 0x3F];
	}
}

bool base64url_decode(struct bytes text, uint8_t *out, size_t *size)
{
	uint32_t bits = 0;
	unsigned held = 0;
	size_t made = 0;

	if (text.size % 4 == 1)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		uint32_t value = value_of(text.data[i]);

		if (value == BAD)
			return false;
		bits = (bits << 6 | value) & 0xFFF;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[made++] = (uint8_t)(bits >> held);
		}
	}
	/* Bits that no byte uses: else one ticket could be written in several ways. */
	if ((bits & ((1u << held) - 1)) != 0)
		return false;
	ASSERT(made <= BASE64URL_DECODED_MAX(text.size));
	*size = made;
	return true;
}
