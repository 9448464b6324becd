/*
 * command.c - see command.h.
 */
#include "cmd/common/command.h"

#include <errno.h>
#include <string.h>

#include "cmd/common/exit.h"
#include "cmd/common/options.h"

struct child *command_start(struct runtime *runtime, char *const *argv, const struct bytes *input, int *status)
{
	struct child *child = NULL;

	if (child_start(runtime_loop(runtime), &(struct child_options){.argv = argv, .input = input}, &child) == OK)
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
	report("command", NULL, "cannot run '%s': %s", argv[0], strerror(errno));
	return NULL;
}
