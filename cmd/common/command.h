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
/* The same with pipes to its stdin and from its stdout (child_options.pipes), which are the caller's to close. */
struct child *command_start_piped(struct runtime *runtime, char *const *argv, int pipes[2], int *status);

/* Says why by errno; returns the status as above. For those who start it otherwise. */
int command_failed(const char *name);

#endif
