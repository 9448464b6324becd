/*
 * checksum.c - by libxxhash.
 */
#include "base/checksum.h"

#include "base/checksum_internal.h"

/* The C library found out when it was loaded. The compiler's own way asks the processor at every start: 0.1 ms in a guest. */
#if defined(__x86_64__) && __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
static bool has_avx2(void)
{
	return CPU_FEATURE_ACTIVE(AVX2);
}
#else
static bool has_avx2(void)
{
	return false;
}
#endif

struct checksum checksum_of(struct bytes data)
{
	return has_avx2() ? checksum_avx2(data) : checksum_here(data);
}
