/*
 * aside.c - see aside.h.
 */
#include "cmd/mosaik-produce/aside.h"

#include <fcntl.h>
#include <unistd.h>

#define PENDING_MAX (512 * 1024)

static void on_ready(void *self)
{
	struct aside *aside = self;

	aside->is_blocked = false;
}

bool aside_open(struct aside *aside, struct uv_loop_s *loop, const char *path)
{
	aside->what = path ? path : "stdout";
	aside->owns_fd = path != NULL;
	aside->fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666) : STDOUT_FILENO;
	if (aside->fd < 0)
		return false;
	aside->output = output_open(loop, aside->fd, on_ready, aside);
	return true;
}

void aside_close(struct aside *aside)
{
	if (!aside->output)
		return;
	output_close(aside->output);
	if (aside->owns_fd)
		close(aside->fd);
	aside->output = NULL;
}

bool aside_is_full(const struct aside *aside)
{
	return aside->output && output_pending(aside->output) >= PENDING_MAX;
}

bool aside_is_empty(const struct aside *aside)
{
	return !aside->output || output_pending(aside->output) == 0;
}

enum stdio_status aside_flush(struct aside *aside)
{
	enum stdio_status status;

	if (aside->is_blocked || aside_is_empty(aside))
		return STDIO_OK;
	status = output_flush(aside->output);
	if (status != STDIO_AGAIN)
		return status;
	aside->is_blocked = true;
	return STDIO_OK;
}
