/*
 * bearer.c - see bearer.h. Files are looked at rather than watched: they may be links, be replaced by renaming, or be on a
 * file system that tells nobody.
 */
#include "runtime/bearer.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/memory.h"
#include "net/identity.h"
#include "wire/limits.h"

struct file {
	char *path;
	struct stat seen;            /* when it was read last; zero: it was not there */
	struct buffer token;         /* empty: none */
	struct buffer presented;     /* is in the entry */
};

struct bearer {
	struct file file[CARD_TICKETS_MAX];
	size_t count;
};

static void trim(struct buffer *text)
{
	size_t front = 0;

	while (text->size > 0 && strchr(" \t\r\n", text->data[text->size - 1]))
		text->size--;
	while (front < text->size && strchr(" \t\r\n", text->data[front]))
		front++;
	buffer_drop_front(text, front);
}

/* On failure the token stays. */
static enum error read_token(struct file *file)
{
	struct buffer text = {0};
	enum error error = identity_read(file->path, false, ENTRY_TICKET_MAX + 2, &text);   /* and a newline */

	if (error == OK) {
		trim(&text);
		error = jwt_is_shaped(buffer_bytes(&text)) ? OK : ERROR_BAD_TEXT;
	}
	if (error == OK) {
		struct buffer old = file->token;

		file->token = text;
		text = old;
	}
	buffer_fini(&text);
	return error == ERROR_FULL ? ERROR_BAD_TEXT : error;
}

enum error bearer_open(char *const *path, size_t count, struct bearer **out, const char **what)
{
	struct bearer *bearer;
	enum error error = OK;

	if (count > CARD_TICKETS_MAX) {
		*what = path[CARD_TICKETS_MAX];
		return ERROR_FULL;
	}
	bearer = memory_new(sizeof *bearer);
	for (size_t i = 0; error == OK && i < count; i++) {
		struct file *file = &bearer->file[bearer->count++];

		*what = path[i];
		file->path = memory_copy_text(path[i]);
		error = stat(path[i], &file->seen) == 0 ? read_token(file) : ERROR_SYSTEM;
	}
	if (error == OK) {
		*out = bearer;
	} else {
		int saved = errno;

		bearer_close(bearer);
		errno = saved;
	}
	return error;
}

void bearer_close(struct bearer *bearer)
{
	if (!bearer)
		return;
	for (size_t i = 0; i < bearer->count; i++) {
		memory_free(bearer->file[i].path);
		buffer_fini(&bearer->file[i].token);
		buffer_fini(&bearer->file[i].presented);
	}
	memory_free(bearer);
}

struct bytes bearer_ticket(const struct bearer *bearer, size_t n)
{
	return n < bearer->count ? buffer_bytes(&bearer->file[n].token) : (struct bytes){NULL, 0};
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
		a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void look(struct file *file, msec now, const struct log *log)
{
	struct stat seen = {0};

	if (stat(file->path, &seen) != 0)
		memset(&seen, 0, sizeof seen);
	if (is_same(&seen, &file->seen))
		return;
	file->seen = seen;
	if (seen.st_ino == 0 && errno == ENOENT) {
		log_event(log, LOG_WARN, now, "ticket", "gone file=\"%s\"", file->path);
		buffer_clear(&file->token);
	} else if (read_token(file) != OK) {
		log_event(log, LOG_WARN, now, "ticket", "unusable file=\"%s\" kept=\"what it held before\"", file->path);
	} else {
		log_event(log, LOG_INFO, now, "ticket", "read file=\"%s\"", file->path);
	}
}

void bearer_refresh(struct bearer *bearer, struct node *node, msec now, const struct log *log)
{
	bool changed = false;

	for (size_t i = 0; i < bearer->count; i++) {
		struct file *file = &bearer->file[i];

		look(file, now, log);
		changed |= !bytes_equal(buffer_bytes(&file->token), buffer_bytes(&file->presented));
	}
	if (!changed)
		return;
	/* All of them, as two files may hold one ticket. The entry is signed once, with everything in it. */
	for (size_t i = 0; i < bearer->count; i++)
		if (bearer->file[i].presented.size > 0)
			node_remove_ticket(node, now, buffer_bytes(&bearer->file[i].presented));
	for (size_t i = 0; i < bearer->count; i++) {
		struct file *file = &bearer->file[i];

		buffer_clear(&file->presented);
		buffer_append(&file->presented, buffer_bytes(&file->token));
		if (file->token.size > 0) {
			bool added = node_add_ticket(node, now, buffer_bytes(&file->token));

			ASSERT(added);
		}
	}
}
