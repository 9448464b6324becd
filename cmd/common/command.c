/*
 * command.c - see command.h.
 */
#include "cmd/common/command.h"

#include <errno.h>
#include <string.h>

#include "cmd/common/exit.h"
#include "cmd/common/options.h"

static struct child *start(struct runtime *runtime, const struct child_options *options, int *status)
{
	struct child *child = NULL;

	if (child_start(runtime_loop(runtime), options, &child) == OK)
		return child;
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		*status = EXIT_NOT_FOUND;
		break;
	case EAGAIN:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		*status = EXIT_WRAPPER;
		break;
	default:
		*status = EXIT_NOT_RUNNABLE;
	}
	report("command", NULL, "cannot run '%s': %s", options->argv[0], strerror(errno));
	return NULL;
}

struct child *command_start(struct runtime *runtime, char *const *argv, const struct bytes *input, int *status)
{
	return start(runtime, &(struct child_options){.argv = argv, .input = input}, status);
}

struct child *command_start_piped(struct runtime *runtime, char *const *argv, int pipes[2], int *status)
{
	return start(runtime, &(struct child_options){.argv = argv, .pipes = pipes}, status);
}
