/*
 * command.c - see command.h.
 */
#include "cmd/common/command.h"

#include <errno.h>
#include <string.h>

#include "cmd/common/exit.h"
#include "cmd/common/options.h"

int command_failed(const char *name)
{
	int number = errno;

	report("command", NULL, "cannot run '%s': %s", name, strerror(number));
	switch (number) {
	case ENOENT:
	case ENOTDIR:
		return EXIT_NOT_FOUND;
	case EAGAIN:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return EXIT_WRAPPER;
	default:
		return EXIT_NOT_RUNNABLE;
	}
}

static struct child *start(struct runtime *runtime, const struct child_options *options, int *status)
{
	struct child *child = NULL;

	if (child_start(runtime_loop(runtime), options, &child) == OK)
		return child;
	*status = command_failed(options->argv[0]);
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
