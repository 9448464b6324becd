/*
 * checksum.c - by libxxhash.
 */
#include "base/checksum.h"

#include "base/checksum_internal.h"

static bool has_avx2(void)
{
#ifdef __x86_64__
	return __builtin_cpu_supports("avx2");
#else
	return false;
#endif
}

struct checksum checksum_of(struct bytes data)
{
	return has_avx2() ? checksum_avx2(data) : checksum_here(data);
}
