/*
 * checksum.c - by libxxhash.
 */
#include "base/checksum.h"

#include <string.h>

#define XXH_INLINE_ALL   /* no library to load when a program starts */
#include <xxhash.h>

_Static_assert(CHECKSUM_SIZE == sizeof(XXH128_canonical_t), "the canonical form of XXH3, 128 bits");

struct checksum checksum_of(struct bytes data)
{
	XXH128_canonical_t canonical;
	struct checksum checksum;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits(data.data, data.size));
	memcpy(checksum.byte, canonical.digest, sizeof checksum.byte);
	return checksum;
}
