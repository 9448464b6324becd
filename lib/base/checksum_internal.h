/*
 * checksum_internal.h - the checksum as whoever includes this is compiled: once for every processor of a kind, once for the
 * better ones. Both give the same.
 */
#ifndef BASE_CHECKSUM_INTERNAL_H
#define BASE_CHECKSUM_INTERNAL_H

#include "base/checksum.h"

#include <string.h>

#define XXH_INLINE_ALL   /* no library to load when a program starts; and static, so that no version replaces another */
#include <xxhash.h>

_Static_assert(CHECKSUM_SIZE == sizeof(XXH128_canonical_t), "the canonical form of XXH3, 128 bits");

static inline struct checksum checksum_here(struct bytes data)
{
	XXH128_canonical_t canonical;
	struct checksum checksum;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits(data.data, data.size));
	memcpy(checksum.byte, canonical.digest, sizeof checksum.byte);
	return checksum;
}

/* checksum_avx2.c: only where the processor has AVX2. */
struct checksum checksum_avx2(struct bytes data);

#endif
