/*
 * store.c - see store.h.
 *
 *     store_put -> waiting -> (one transaction in the thread pool) busy -> done(), oldest first
 *
 * Rot in LMDB's own pages can make LMDB crash instead of failing, so a directory is judged by a child process before it
 * is used here: one that reads every record, and whose death is an answer too.
 */
#include "runtime/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "base/check.h"
#include "base/memory.h"
#include "runtime/store_file.h"

#define FULL_RETRY 500   /* msec */
#define NAMES_MAX 1000   /* directories set aside, of one kind */
#define LOCK_PAUSE 10    /* msec between two tries for the lock of a directory, */
#define LOCK_TRIES 100   /* at most: 1 s */

struct requests {
	struct persist **request;
	size_t count;
	size_t capacity;
};

struct store {
	struct store_options options;
	char *directory;
	char path[STORE_PATH_MAX];
	int lock;
	struct store_file file;
	uv_work_t work;
	uv_timer_t retry;
	struct requests waiting;
	struct requests busy;            /* the thread's, while `working` */
	int result;                      /* of the transaction: 0, errno, LMDB's */
	bool working;
	bool full;
	bool failed;
	bool closing;
};

/* ---- directories ---- */

static int sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error;

	if (fd < 0)
		return errno;
	error = fsync(fd) == 0 ? 0 : errno;
	close(fd);
	return error;
}

static int make_directory(const char *path)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : errno;
}

/* One process at a time, and for as long as it lives: one that was killed just now may still be on its way out. */
static int lock_directory(const char *path, int *out)
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

/* Moves `path` to "<directory>/<stem>-<number>", the first that is free. */
static int set_aside(const char *directory, const char *path, const char *stem, char out[STORE_PATH_MAX])
{
	struct stat there;

	for (int n = 1; n < NAMES_MAX; n++) {
		if (snprintf(out, STORE_PATH_MAX, "%s/%s-%d", directory, stem, n) >= STORE_PATH_MAX)
			return ENAMETOOLONG;
		if (lstat(out, &there) == 0)
			continue;
		if (rename(path, out) != 0)
			return errno;
		return sync_directory(directory);
	}
	return EEXIST;
}

/* ---- start ---- */

/* In a child: 0 whole, 1 empty, 2 to be set aside. */
static int judge(const struct store *store)
{
	struct store_file file;
	enum store_read read;

	if (store_file_open(store->path, &file) != 0)
		return 2;
	read = store_file_read(&file, &store->options.group, &store->options.peer, NULL);
	store_file_close(&file);
	return read == STORE_READ_WHOLE ? 0 : read == STORE_READ_EMPTY ? 1 : 2;
}

/* 0 or errno. */
static int try_out(const struct store *store, enum store_state *out)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		signal(SIGBUS, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		signal(SIGABRT, SIG_DFL);
		_exit(judge(store));
	}
	if (child < 0)
		return errno;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		*out = STORE_SET_ASIDE;
	else
		*out = WEXITSTATUS(status) == 1 ? STORE_NEW : STORE_INTACT;
	return 0;
}

/* Directory made, locked and judged; a damaged one is moved away and begun anew. 0 or errno. */
static int prepare(struct store *store, struct store_found *found)
{
	char stem[ID_TEXT_SIZE + 16];
	char group[ID_TEXT_SIZE];
	int error = make_directory(store->directory);

	id_format(&store->options.group, group);
	if (error == 0 && snprintf(store->path, sizeof store->path, "%s/%s", store->directory, group) >= STORE_PATH_MAX)
		error = ENAMETOOLONG;
	if (error == 0)
		error = make_directory(store->path);
	if (error == 0)
		error = sync_directory(store->directory);
	if (error == 0)
		error = lock_directory(store->path, &store->lock);
	if (error == 0)
		error = try_out(store, &found->state);
	if (error != 0 || found->state != STORE_SET_ASIDE)
		return error;
	snprintf(stem, sizeof stem, "damaged-%.10s", group);
	error = set_aside(store->directory, store->path, stem, found->aside);
	close(store->lock);
	store->lock = -1;
	if (error == 0)
		error = make_directory(store->path);
	if (error == 0)
		error = lock_directory(store->path, &store->lock);
	return error;
}

/* LMDB's own errors are negative, and have no name for a person: something it read or wrote was not as it has to be. */
static int errno_of(int number)
{
	return number > 0 ? number : EIO;
}

static void store_free(struct store *store)
{
	if (store->lock >= 0)
		close(store->lock);
	for (size_t i = 0; i < store->waiting.count; i++)
		persist_free(store->waiting.request[i]);
	memory_free(store->waiting.request);
	memory_free(store->busy.request);
	memory_free(store->directory);
	memory_free(store);
}

enum error store_open(const struct store_options *options, struct store **out, struct image *image, struct store_found *found)
{
	struct store *store = memory_new(sizeof *store);
	int error;

	store->options = *options;
	store->directory = memory_copy_text(options->directory);
	store->lock = -1;
	*found = (struct store_found){.state = STORE_NEW};
	*image = (struct image){0};
	error = prepare(store, found);
	if (error == 0)
		error = store_file_open(store->path, &store->file);
	if (error == 0 && found->state != STORE_INTACT) {
		error = store_file_put_owner(&store->file, &options->group, &options->peer);
		if (error == 0)
			error = sync_directory(store->path);
	}
	if (error == 0 && found->state == STORE_INTACT
		&& store_file_read(&store->file, &options->group, &options->peer, image) != STORE_READ_WHOLE)
		error = EIO;
	if (error != 0) {
		if (store->file.env)
			store_file_close(&store->file);
		store_free(store);
		errno = errno_of(error);
		return error == EWOULDBLOCK ? ERROR_NOT_ALLOWED : ERROR_SYSTEM;
	}
	uv_timer_init(options->loop, &store->retry);
	store->retry.data = store;
	store->work.data = store;
	*out = store;
	return OK;
}

/* ---- work ---- */

static void in_thread(uv_work_t *work)
{
	struct store *store = work->data;

	store->result = store_file_write(&store->file, store->busy.request, store->busy.count);
}

static void after_thread(uv_work_t *work, int status);

static void start_work(struct store *store)
{
	store->working = true;
	uv_queue_work(store->options.loop, &store->work, in_thread, after_thread);
}

static void start_waiting(struct store *store)
{
	struct requests none = store->busy;

	if (store->working || store->full || store->waiting.count == 0)
		return;
	ASSERT(none.count == 0);
	store->busy = store->waiting;
	store->waiting = none;
	start_work(store);
}

static void again(uv_timer_t *timer)
{
	start_work(timer->data);
}

static void answer_all(struct store *store)
{
	struct requests answered = store->busy;

	store->busy = (struct requests){0};
	for (size_t i = 0; i < answered.count; i++) {
		uint64_t token = answered.request[i]->token;

		persist_free(answered.request[i]);
		errno = store->failed ? errno_of(store->result) : 0;
		store->options.done(store->options.self, token, store->failed ? ERROR_SYSTEM : OK);
	}
	memory_free(answered.request);
}

static void closed(uv_handle_t *handle)
{
	struct store *store = handle->data;

	store_file_close(&store->file);
	store_free(store);
}

static void finish_close(struct store *store)
{
	if (uv_is_closing((uv_handle_t *)&store->retry))
		return;
	for (size_t i = 0; i < store->busy.count; i++)
		persist_free(store->busy.request[i]);
	store->busy.count = 0;
	uv_close((uv_handle_t *)&store->retry, closed);
}

static void after_thread(uv_work_t *work, int status)
{
	struct store *store = work->data;

	(void)status;
	store->working = false;
	store->full = store->result == ENOSPC || store->result == EDQUOT;
	if (!store->full) {
		store->failed = store->result != 0;
		answer_all(store);
	}
	if (store->working)
		return;   /* done() has asked for more */
	if (store->closing)
		finish_close(store);
	else if (store->full)
		uv_timer_start(&store->retry, again, FULL_RETRY, 0);
	else if (!store->failed)
		start_waiting(store);
}

void store_put(struct store *store, struct persist *request)
{
	struct requests *waiting = &store->waiting;

	ASSERT(!store->closing);
	waiting->request = memory_grow(waiting->request, &waiting->capacity, waiting->count + 1, sizeof(struct persist *));
	waiting->request[waiting->count++] = request;
	if (!store->failed)
		start_waiting(store);
}

bool store_is_full(const struct store *store)
{
	return store->full;
}

void store_close(struct store *store)
{
	if (!store || store->closing)
		return;
	store->closing = true;
	if (!store->working)
		finish_close(store);
}
