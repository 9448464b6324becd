/*
 * printed.c - see printed.h.
 */
#include "cmd/common/printed.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>

#include "cmd/common/exit.h"
#include "cmd/common/options.h"
#include "runtime/runtime.h"

int printed_not(int reason)
{
	__fpurge(stdout);   /* told once */
	clearerr(stdout);
	if (reason == EPIPE)
		return 128 + SIGPIPE;
	report("stdout", NULL, "cannot write to stdout: %s", strerror(reason));
	return EXIT_IO;
}

int printed(int status)
{
	return fflush(stdout) == 0 && !ferror(stdout) ? status : printed_not(errno);
}

int printed_end(int status)
{
	if (status == 128 + SIGPIPE)
		runtime_die_of(SIGPIPE);
	return status;
}
