/*
 * id.c - digests: made by BLAKE3, written as hex.
 *
 * People name a network or a stream with a word, programs name it with 64 hex digits; both go through
 * id_from_text(). The dangerous case is between the two: an id that lost a digit on its way through a clipboard
 * would hash to a perfectly good id that nobody else has. So what is long and all hex must be exactly an id.
 */
#include "base/id.h"

#include "base/check.h"

#include <string.h>

#define NEAR_HEX_MIN 32   /* no word is this long and made of hex digits only */

_Static_assert(ID_SIZE == BLAKE3_OUT_LEN && ID_SIZE == BLAKE3_KEY_LEN, "an id is a BLAKE3 digest and a BLAKE3 key");

static const char digits[] = "0123456789abcdef";

/* -1: not a hex digit. By hand: isxdigit and strtol ask the locale. */
static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Length of the run of hex digits at the front of text. */
static size_t hex_length(const char *text)
{
	size_t length = 0;

	while (hex_value(text[length]) >= 0)
		length++;
	return length;
}

static void format_bytes(const struct id *id, size_t bytes, char *out)
{
	ASSERT(bytes <= ID_SIZE);
	for (size_t i = 0; i < bytes; i++) {
		out[2 * i] = digits[id->byte[i] >> 4];
		out[2 * i + 1] = digits[id->byte[i] & 15];
	}
	out[2 * bytes] = '\0';
}

struct id id_hash(struct bytes data)
{
	struct hash hash;

	hash_init(&hash);
	hash_update(&hash, data);
	return hash_final(&hash);
}

struct id id_derive(const struct id *from, struct bytes tail)
{
	struct hash hash;

	hash_init(&hash);
	hash_update(&hash, bytes_of(from->byte, ID_SIZE));
	hash_update(&hash, tail);
	return hash_final(&hash);
}

struct id id_keyed(const struct id *key, struct bytes data)
{
	struct hash hash;

	blake3_hasher_init_keyed(&hash.state, key->byte);
	hash_update(&hash, data);
	return hash_final(&hash);
}

enum error id_from_text(const char *text, struct id *out)
{
	size_t length;

	ASSERT(text != NULL && out != NULL);
	length = strlen(text);
	if (length == 0)
		return ERROR_BAD_TEXT;
	if (id_from_hex(text, out) == OK)
		return OK;
	if (length >= NEAR_HEX_MIN && hex_length(text) == length)
		return ERROR_NEAR_HEX;
	*out = id_hash(bytes_of(text, length));
	return OK;
}

enum error id_from_hex(const char *text, struct id *out)
{
	ASSERT(text != NULL && out != NULL);
	if (hex_length(text) != 2 * ID_SIZE || text[2 * ID_SIZE] != '\0')
		return ERROR_BAD_TEXT;
	for (size_t i = 0; i < ID_SIZE; i++)
		out->byte[i] = (uint8_t)(16 * hex_value(text[2 * i]) + hex_value(text[2 * i + 1]));
	return OK;
}

void id_format(const struct id *id, char out[ID_TEXT_SIZE])
{
	format_bytes(id, ID_SIZE, out);
}

void id_format_short(const struct id *id, char out[ID_SHORT_SIZE])
{
	format_bytes(id, (ID_SHORT_SIZE - 1) / 2, out);
}

int id_compare(const struct id *a, const struct id *b)
{
	return memcmp(a->byte, b->byte, ID_SIZE);
}

bool id_equal(const struct id *a, const struct id *b)
{
	return id_compare(a, b) == 0;
}

bool id_equal_secret(const struct id *a, const struct id *b)
{
	/* volatile: a compiler that saw the whole loop could leave it at the first difference, and time would tell. */
	volatile uint8_t difference = 0;

	for (size_t i = 0; i < ID_SIZE; i++)
		difference = (uint8_t)(difference | (a->byte[i] ^ b->byte[i]));
	return difference == 0;
}

bool id_is_zero(const struct id *id)
{
	static const struct id zero;

	return id_equal(id, &zero);
}

void hash_init(struct hash *hash)
{
	blake3_hasher_init(&hash->state);
}

void hash_update(struct hash *hash, struct bytes data)
{
	ASSERT(data.data != NULL || data.size == 0);
	if (data.size > 0)
		blake3_hasher_update(&hash->state, data.data, data.size);
}

struct id hash_final(const struct hash *hash)
{
	struct id id;

	blake3_hasher_finalize(&hash->state, id.byte, ID_SIZE);
	return id;
}
