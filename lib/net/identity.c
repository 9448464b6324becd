/*
 * identity.c - where secret keys come from, and where they are kept.
 *
 * A key file is refused rather than repaired: whoever can read it is the node, so a file that others can read, or
 * that somebody else owns, is a question for a person. A new file is written whole under another name and then
 * linked to its own, which fails if that exists: no key is ever half written or overwritten.
 */
#include "net/identity.h"

#include "base/check.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE_SIZE (2 * SEED_SIZE + 1)   /* hex digits and a newline */

void identity_entropy(void *out, size_t size)
{
	int failed = gnutls_rnd(GNUTLS_RND_KEY, out, size);
	ASSERT(!failed);   /* without a generator there is no key to be had */
}

void identity_random(struct keypair *out)
{
	identity_entropy(out->seed, sizeof out->seed);
	crypto_ed25519.derive(out);
}

static void from_id(struct id *seed, struct keypair *out)
{
	memcpy(out->seed, seed->byte, sizeof out->seed);
	memory_wipe(seed, sizeof *seed);
	crypto_ed25519.derive(out);
}

void identity_from_seed_text(const char *text, struct keypair *out)
{
	struct id seed;

	if (id_from_hex(text, &seed) != OK)
		seed = id_hash(bytes_of_text(text));
	from_id(&seed, out);
}

/* Wants a plain file of ours that nobody else may read. */
static enum error check_file(int fd)
{
	struct stat stat;

	if (fstat(fd, &stat) != 0)
		return ERROR_SYSTEM;
	if (!S_ISREG(stat.st_mode))
		return ERROR_BAD_TEXT;
	if (stat.st_uid != geteuid() || (stat.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return ERROR_NOT_ALLOWED;
	return OK;
}

/* Up to `size` bytes; fewer only at the end of the file. -1: errno. */
static ssize_t read_all(int fd, char *out, size_t size)
{
	size_t have = 0;

	while (have < size) {
		ssize_t got = read(fd, out + have, size - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

static enum error parse_file(int fd, struct keypair *out)
{
	char text[KEY_FILE_SIZE + 2] = {0};   /* one byte more than a key file has, and a NUL */
	struct id seed;
	ssize_t size = read_all(fd, text, KEY_FILE_SIZE + 1);
	enum error error = size < 0 ? ERROR_SYSTEM : OK;

	if (error == OK && (size != KEY_FILE_SIZE || text[KEY_FILE_SIZE - 1] != '\n'))
		error = ERROR_BAD_TEXT;
	if (error == OK) {
		text[KEY_FILE_SIZE - 1] = '\0';
		error = id_from_hex(text, &seed);
	}
	if (error == OK)
		from_id(&seed, out);
	memory_wipe(text, sizeof text);
	return error;
}

enum error identity_load(const char *path, struct keypair *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);   /* a pipe in its place must not hang us */

	if (fd < 0)
		return ERROR_SYSTEM;
	enum error error = check_file(fd);
	if (error == OK)
		error = parse_file(fd, out);
	int saved = errno;
	close(fd);
	errno = saved;
	return error;
}

enum error identity_read(const char *path, bool only_ours, size_t most, struct buffer *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), saved;
	size_t start = out->size;
	enum error error = OK;
	ssize_t size;

	if (fd < 0)
		return ERROR_SYSTEM;
	if (only_ours)
		error = check_file(fd);
	if (error == OK) {
		/* One byte more, so that it is seen when there is more. */
		size = read_all(fd, (char *)buffer_extend(out, most + 1), most + 1);
		out->size = start + (size > 0 ? (size_t)size : 0);
		error = size < 0 ? ERROR_SYSTEM : (size_t)size > most ? ERROR_FULL : OK;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return error;
}

static bool make_parents(const char *path)
{
	char *folder = memory_copy_text(path);
	bool made = true;

	for (char *slash = strchr(folder + 1, '/'); slash && made; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		made = mkdir(folder, 0700) == 0 || errno == EEXIST;
		*slash = '/';
	}
	memory_free(folder);
	return made;
}

static bool write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, data, size);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		data += done;
		size -= (size_t)done;
	}
	return true;
}

/* The new name is durable only when its folder is. */
static bool sync_folder(const char *path)
{
	char *folder = memory_copy_text(path);
	char *slash = strrchr(folder, '/');

	if (slash)
		slash[slash == folder ? 1 : 0] = '\0';
	int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memory_free(folder);
	if (fd < 0)
		return false;
	bool done = fsync(fd) == 0;
	close(fd);
	return done;
}

static bool write_new(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	/* fchmod: a umask may have taken more than it should, never less. */
	bool done = fchmod(fd, 0600) == 0 && write_all(fd, text, KEY_FILE_SIZE) && fsync(fd) == 0;
	int saved = errno;
	if (close(fd) != 0 && done) {
		done = false;
		saved = errno;
	}
	errno = saved;
	return done;
}

enum error identity_save(const char *path, const struct keypair *pair)
{
	char text[ID_TEXT_SIZE + 1], temporary[PATH_MAX];
	struct id seed;
	int size = snprintf(temporary, sizeof temporary, "%s.%ld.new", path, (long)getpid());

	if (size < 0 || (size_t)size >= sizeof temporary) {
		errno = ENAMETOOLONG;
		return ERROR_SYSTEM;
	}
	memcpy(seed.byte, pair->seed, sizeof seed.byte);
	id_format(&seed, text);
	text[KEY_FILE_SIZE - 1] = '\n';
	bool done = make_parents(path) && write_new(temporary, text) && link(temporary, path) == 0;
	int saved = errno;
	unlink(temporary);
	memory_wipe(text, sizeof text);
	memory_wipe(&seed, sizeof seed);
	if (done && !sync_folder(path)) {
		done = false;
		saved = errno;
	}
	errno = saved;
	return done ? OK : ERROR_SYSTEM;
}
