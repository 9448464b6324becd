/*
 * check.c - the last words of a process that found a bug in itself.
 *
 * Nothing is freed and nothing is flushed: the state is no longer trusted, and a core dump should show it as it was.
 */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *file, int line, const char *text)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, text);
	abort();
}
