/*
 * command.h - running the CMD behind `--`, for the programs that wrap one.
 */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include "runtime/child.h"
#include "runtime/runtime.h"

/*
 * input: its stdin; NULL: ours. NULL: it could not be started, which was reported; *status is then 127 (no such program),
 * 126 (it cannot be run) or 125 (no process could be made).
 */
struct child *command_start(struct runtime *runtime, char *const *argv, const struct bytes *input, int *status);

#endif
