/*
 * store_directory.c - see store_directory.h.
 */
#include "runtime/store_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAMES_MAX 1000   /* directories set aside, of one kind */
#define LOCK_PAUSE 10    /* msec between two tries for the lock of a directory, */
#define LOCK_TRIES 100   /* at most: 1 s */

int store_directory_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error;

	if (fd < 0)
		return errno;
	error = fsync(fd) == 0 ? 0 : errno;
	close(fd);
	return error;
}

int store_directory_make(const char *path)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : errno;
}

int store_directory_lock(const char *path, int *out)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE * 1000000L};
	char name[STORE_PATH_MAX + 8];
	int fd;

	snprintf(name, sizeof name, "%s/lock", path);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	for (int left = LOCK_TRIES; flock(fd, LOCK_EX | LOCK_NB) != 0; left--) {
		int error = errno;

		if (error != EWOULDBLOCK || left <= 1) {
			close(fd);
			return error;
		}
		nanosleep(&pause, NULL);
	}
	*out = fd;
	return 0;
}

int store_directory_set_aside(const char *directory, const char *path, const char *stem, char out[STORE_PATH_MAX])
{
	struct stat there;

	for (int n = 1; n < NAMES_MAX; n++) {
		if (snprintf(out, STORE_PATH_MAX, "%s/%s-%d", directory, stem, n) >= STORE_PATH_MAX)
			return ENAMETOOLONG;
		if (lstat(out, &there) == 0)
			continue;
		if (rename(path, out) != 0)
			return errno;
		return store_directory_sync(directory);
	}
	return EEXIST;
}

/* In a child: its exit status. */
static int judge(const char *path, const struct id *group, const struct id *peer)
{
	struct store_file file;
	enum store_read read;

	if (store_file_open(path, &file) != 0)
		return STORE_READ_DAMAGED;
	read = store_file_read(&file, group, peer, NULL);
	store_file_close(&file);
	return (int)read;
}

int store_directory_judge(const char *path, const struct id *group, const struct id *peer, enum store_read *out)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		signal(SIGBUS, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		signal(SIGABRT, SIG_DFL);
		_exit(judge(path, group, peer));
	}
	if (child < 0)
		return errno;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	*out = WIFEXITED(status) && WEXITSTATUS(status) < STORE_READ_DAMAGED ? (enum store_read)WEXITSTATUS(status) :
		STORE_READ_DAMAGED;
	return 0;
}
