/*
 * checksum.c - multiplications of 64 by 64 bits, eight of them side by side.
 *
 *      stripe    [ word 0, word 1 | word 2, word 3 | ... | word 14, word 15 ]     128 bytes, little-endian
 *                      lane 0           lane 1     | ... |      lane 7
 *
 *      lane := high ^ low of (word ^ key) * (next word ^ lane)
 *
 * Each bit of a word reaches about half of the bits of its lane, and through the lane those of all stripes to come: so order
 * counts. Lanes do not wait for each other, which is what keeps a processor's multiplier busy. The last stripe is filled
 * up with zeros, and told from real ones by the size, which BLAKE3 takes in with the lanes at the end.
 */
#include "base/checksum.h"

#include <endian.h>
#include <string.h>

#define LANES 8
#define STRIPE (LANES * 2 * sizeof(uint64_t))

__extension__ typedef unsigned __int128 product;

/* Odd numbers without a pattern: the fractions of the square roots of the primes from 2 to 19. */
static const uint64_t key[LANES] = {0x6a09e667f3bcc909, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
	0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};

static inline uint64_t word_at(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof word);
	return le64toh(word);
}

static inline uint64_t fold(uint64_t a, uint64_t b)
{
	product wide = (product)a * b;

	return (uint64_t)(wide >> 64) ^ (uint64_t)wide;
}

static inline void take_stripe(uint64_t lane[LANES], const uint8_t *at)
{
	for (size_t i = 0; i < LANES; i++)
		lane[i] = fold(word_at(at + 16 * i) ^ key[i], word_at(at + 16 * i + 8) ^ lane[i]);
}

struct id checksum(struct bytes data)
{
	uint64_t lane[LANES], end[LANES + 1];
	uint8_t last[STRIPE] = {0};
	size_t left = data.size;

	/* Anything but the keys: with equal factors the two words of a pair could change places. */
	for (size_t i = 0; i < LANES; i++)
		lane[i] = ~key[i];
	for (; left >= STRIPE; left -= STRIPE)
		take_stripe(lane, data.data + (data.size - left));
	if (left > 0) {
		memcpy(last, data.data + (data.size - left), left);
		take_stripe(lane, last);
	}
	for (size_t i = 0; i < LANES; i++)
		end[i] = htole64(lane[i]);
	end[LANES] = htole64(data.size);
	return id_hash(bytes_of((const uint8_t *)end, sizeof end));
}
