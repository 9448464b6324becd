/*
 * store_recover.c - see store_recover.h.
 */
#include "runtime/store_recover.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/store_directory.h"

static enum store_recovered failed(int error)
{
	errno = error > 0 ? error : EIO;   /* LMDB's own are negative */
	return STORE_RECOVER_FAILED;
}

static enum store_recovered change(struct store_file *file, const struct store_recovery *recovery, struct recovered *out)
{
	struct persist *request = NULL;
	struct image image = {0};
	enum recovery outcome;
	int error = 0;

	if (store_file_read(file, &recovery->group, &recovery->peer, &image) != STORE_READ_WHOLE)
		return STORE_RECOVER_DAMAGED;
	outcome = recovery_plan(&image, &recovery->peer, recovery->seed, out, &request);
	image_fini(&image);
	if (outcome != RECOVERY_POSSIBLE)
		return outcome == RECOVERY_EMPTY ? STORE_RECOVER_EMPTY : STORE_RECOVER_DISSOLVED;
	if (!recovery->is_trial)
		error = store_file_write(file, &request, 1);
	persist_free(request);
	return error == 0 ? STORE_RECOVERED : failed(error);
}

static enum store_recovered when_locked(const char *path, const struct store_recovery *recovery, struct recovered *out)
{
	enum store_recovered done;
	struct store_file file;
	enum store_read read;
	int error = store_directory_judge(path, &recovery->group, &recovery->peer, &read);

	if (error != 0)
		return failed(error);
	if (read == STORE_READ_EMPTY)
		return STORE_RECOVER_EMPTY;
	if (read != STORE_READ_WHOLE)
		return read == STORE_READ_FOREIGN ? STORE_RECOVER_FOREIGN : STORE_RECOVER_DAMAGED;
	error = store_file_open(path, &file);
	if (error != 0)
		return failed(error);
	done = change(&file, recovery, out);
	store_file_close(&file);
	return done;
}

enum store_recovered store_recover(const struct store_recovery *recovery, struct recovered *out)
{
	char path[STORE_PATH_MAX], group[ID_TEXT_SIZE];
	enum store_recovered done;
	struct stat there;
	int lock, error;

	id_format(&recovery->group, group);
	if (snprintf(path, sizeof path, "%s/%s", recovery->directory, group) >= STORE_PATH_MAX)
		return failed(ENAMETOOLONG);
	if (stat(path, &there) != 0)
		return errno == ENOENT ? STORE_RECOVER_ABSENT : failed(errno);
	error = store_directory_lock(path, &lock);
	if (error != 0)
		return error == EWOULDBLOCK ? STORE_RECOVER_IN_USE : failed(error);
	done = when_locked(path, recovery, out);
	close(lock);
	return done;
}
