/*
 * local.c - see local.h.
 *
 * A file is written and locked under a temporary name and then renamed, so that whoever sees it under its real
 * name sees it whole and locked for as long as its owner lives. Locks end with the process, however it ends.
 */
#include "runtime/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"

struct local {
	int fd;
	char path[LOCAL_PATH_SIZE + ID_TEXT_SIZE + 1];
};

void local_format_token(const struct dial *dial, char out[LOCAL_TOKEN_SIZE])
{
	char address[ADDRESS_TEXT_SIZE];
	size_t at = 0;

	if (!id_is_zero(&dial->peer)) {
		id_format(&dial->peer, out);
		out[ID_TEXT_SIZE - 1] = '@';
		at = ID_TEXT_SIZE;
	}
	out[at] = '\0';
	for (size_t i = 0; i < dial->count; i++) {
		address_format(&dial->address[i], address);
		at += (size_t)snprintf(out + at, LOCAL_TOKEN_SIZE - at, "%s%s", i > 0 ? "," : "", address);
		ASSERT(at < LOCAL_TOKEN_SIZE);
	}
}

enum error local_parse_token(const char *token, struct dial *out)
{
	struct dial dial = {0};
	const char *at = strchr(token, '@');
	char text[ID_TEXT_SIZE];

	if (at) {
		if (at - token != ID_TEXT_SIZE - 1)
			return ERROR_BAD_TEXT;
		memcpy(text, token, ID_TEXT_SIZE - 1);
		text[ID_TEXT_SIZE - 1] = '\0';
		if (id_from_hex(text, &dial.peer) != OK || !crypto_key_is_usable(&dial.peer))
			return ERROR_BAD_TEXT;
		token = at + 1;
	}
	while (dial.count < DIAL_ADDRESSES_MAX) {
		char one[ADDRESS_TEXT_SIZE];
		size_t size = strcspn(token, ",");

		if (size >= sizeof one)
			return ERROR_BAD_TEXT;
		memcpy(one, token, size);
		one[size] = '\0';
		if (address_parse(one, &dial.address[dial.count]) != OK)
			return ERROR_BAD_TEXT;
		dial.count++;
		if (token[size] == '\0') {
			*out = dial;
			return OK;
		}
		token += size + 1;
	}
	return ERROR_BAD_TEXT;
}

static void base_path(char out[LOCAL_PATH_SIZE])
{
	const char *own = getenv("MOSAIK_RUNTIME_DIR");
	const char *xdg = getenv("XDG_RUNTIME_DIR");

	if (own && *own)
		snprintf(out, LOCAL_PATH_SIZE, "%s", own);
	else if (xdg && *xdg)
		snprintf(out, LOCAL_PATH_SIZE, "%s/mosaik", xdg);
	else
		snprintf(out, LOCAL_PATH_SIZE, "/tmp/mosaik-%u", (unsigned)geteuid());
}

void local_path(const struct id *network, char out[LOCAL_PATH_SIZE])
{
	char hex[ID_TEXT_SIZE];
	size_t size;

	base_path(out);
	id_format(network, hex);
	size = strlen(out);
	snprintf(out + size, LOCAL_PATH_SIZE - size, "/%s", hex);
}

/* A directory of ours that nobody else can put files into. /tmp is everybody's: somebody may have made it first. */
static bool is_safe(const char *path)
{
	struct stat about;

	return lstat(path, &about) == 0 && S_ISDIR(about.st_mode) && about.st_uid == geteuid() && (about.st_mode & 022) == 0;
}

/* A base so long that paths below it would be cut off could make two networks one. */
static bool is_short(const char *base)
{
	return strlen(base) + 1 + ID_TEXT_SIZE <= LOCAL_PATH_SIZE;
}

static enum error make_folder(const struct id *network, char path[LOCAL_PATH_SIZE])
{
	char base[LOCAL_PATH_SIZE];

	base_path(base);
	if (!is_short(base)) {
		errno = ENAMETOOLONG;
		return ERROR_SYSTEM;
	}
	local_path(network, path);
	if (mkdir(base, 0700) != 0 && errno != EEXIST)
		return ERROR_SYSTEM;
	if (!is_safe(base))
		return ERROR_NOT_ALLOWED;
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return ERROR_SYSTEM;
	return is_safe(path) ? OK : ERROR_NOT_ALLOWED;
}

enum error local_publish(const struct id *network, const struct dial *self, struct local **out)
{
	char folder[LOCAL_PATH_SIZE], hex[ID_TEXT_SIZE], temporary[LOCAL_PATH_SIZE + ID_TEXT_SIZE + 8];
	char token[LOCAL_TOKEN_SIZE + 1];
	struct local *local;
	enum error error = make_folder(network, folder);
	size_t size;

	if (error != OK)
		return error;
	local = memory_new(sizeof *local);
	id_format(&self->peer, hex);
	snprintf(local->path, sizeof local->path, "%s/%s", folder, hex);
	snprintf(temporary, sizeof temporary, "%s/.%s", folder, hex);
	local_format_token(self, token);
	size = strlen(token);
	token[size++] = '\n';
	local->fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (local->fd < 0 || flock(local->fd, LOCK_EX | LOCK_NB) != 0 || write(local->fd, token, size) != (ssize_t)size ||
			rename(temporary, local->path) != 0) {
		int saved = errno;

		if (local->fd >= 0)
			close(local->fd);
		memory_free(local);
		errno = saved;
		return ERROR_SYSTEM;
	}
	*out = local;
	return OK;
}

/* Does this name still lead to the file that is open? A later life of the same key puts its own in our place. */
static bool is_same_file(int fd, int folder, const char *name)
{
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
		opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

void local_withdraw(struct local *local)
{
	if (!local)
		return;
	if (is_same_file(local->fd, AT_FDCWD, local->path))
		(void)unlink(local->path);
	close(local->fd);
	memory_free(local);
}

/* Reads one file; removes it if its owner is dead. */
static bool read_live(int folder, const char *name, struct dial *out)
{
	char token[LOCAL_TOKEN_SIZE + 1];
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t size;

	if (fd < 0)
		return false;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
		if (is_same_file(fd, folder, name))
			(void)unlinkat(folder, name, 0);
		close(fd);
		return false;
	}
	size = read(fd, token, sizeof token - 1);
	close(fd);
	if (size <= 0)
		return false;
	token[size] = '\0';
	token[strcspn(token, "\n")] = '\0';
	return local_parse_token(token, out) == OK && !id_is_zero(&out->peer);
}

size_t local_find(const struct id *network, const struct id *self, struct dial *out, size_t most)
{
	char path[LOCAL_PATH_SIZE], base[LOCAL_PATH_SIZE], own[ID_TEXT_SIZE] = "";
	struct dirent *entry;
	size_t count = 0;
	DIR *folder;

	base_path(base);
	local_path(network, path);
	if (!is_short(base) || !is_safe(base) || !is_safe(path) || !(folder = opendir(path)))
		return 0;
	if (self)
		id_format(self, own);
	while (count < most && (entry = readdir(folder)) != NULL) {
		if (strlen(entry->d_name) != ID_TEXT_SIZE - 1 || strcmp(entry->d_name, own) == 0)
			continue;   /* ".", "..", a file under way, ourselves */
		if (read_live(dirfd(folder), entry->d_name, &out[count]))
			count++;
	}
	closedir(folder);
	return count;
}

void local_inspect(const struct id *network, struct local_state *out)
{
	char path[LOCAL_PATH_SIZE], base[LOCAL_PATH_SIZE];
	struct dirent *entry;
	DIR *folder;

	base_path(base);
	local_path(network, path);
	*out = (struct local_state){.exists = access(base, F_OK) == 0, .is_safe = is_safe(base)};
	if (!out->is_safe || access(path, F_OK) != 0)
		return;
	out->is_safe = is_safe(path);
	folder = opendir(path);
	while (folder && (entry = readdir(folder)) != NULL) {
		int fd = strlen(entry->d_name) == ID_TEXT_SIZE - 1 ? openat(dirfd(folder), entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;

		if (fd < 0)
			continue;
		if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
			out->stale++;
			memcpy(out->stale_name, entry->d_name, ID_TEXT_SIZE);
		} else {
			out->live++;
		}
		close(fd);
	}
	if (folder)
		closedir(folder);
}
