/*
 * store.c - see store.h.
 *
 *     store_put -> waiting -> (one transaction in the thread pool) busy -> done(), oldest first
 */
#include "runtime/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "base/check.h"
#include "base/memory.h"
#include "runtime/store_directory.h"

#define FULL_RETRY 500   /* msec */

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

/* ---- start ---- */

static enum store_state state_of(enum store_read read)
{
	return read == STORE_READ_WHOLE ? STORE_INTACT : read == STORE_READ_EMPTY ? STORE_NEW : STORE_SET_ASIDE;
}

/* Directory made, locked and judged; a damaged one is moved away and begun anew. 0 or errno. */
static int prepare(struct store *store, struct store_found *found)
{
	char stem[ID_TEXT_SIZE + 16];
	char group[ID_TEXT_SIZE];
	int error = store_directory_make(store->directory);
	enum store_read read;

	id_format(&store->options.group, group);
	if (error == 0 && snprintf(store->path, sizeof store->path, "%s/%s", store->directory, group) >= STORE_PATH_MAX)
		error = ENAMETOOLONG;
	if (error == 0)
		error = store_directory_make(store->path);
	if (error == 0)
		error = store_directory_sync(store->directory);
	if (error == 0)
		error = store_directory_lock(store->path, &store->lock);
	if (error == 0)
		error = store_directory_judge(store->path, &store->options.group, &store->options.peer, &read);
	if (error != 0)
		return error;
	found->state = state_of(read);
	if (found->state != STORE_SET_ASIDE)
		return 0;
	snprintf(stem, sizeof stem, "damaged-%.10s", group);
	error = store_directory_set_aside(store->directory, store->path, stem, found->aside);
	close(store->lock);
	store->lock = -1;
	if (error == 0)
		error = store_directory_make(store->path);
	if (error == 0)
		error = store_directory_lock(store->path, &store->lock);
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
			error = store_directory_sync(store->path);
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
