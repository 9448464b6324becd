/*
 * participant_data.c - see participant_data.h.
 */
#include "cmd/common/participant_data.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "cmd/common/group_key.h"
#include "cmd/common/key_file.h"
#include "runtime/key.h"
#include "runtime/store.h"

uint64_t participant_random(void)
{
	struct keypair pair;
	uint64_t number;

	do {
		key_random(&pair);
		memcpy(&number, pair.seed, sizeof number);
	} while (number == 0);
	memory_wipe(&pair, sizeof pair);
	return number;
}

_Noreturn void participant_in_use(const struct participant_options *options)
{
	fail(EXIT_CONFIG, "in-use", NULL, "another process uses '%s' for this %s", options->data, options->kind);
}

struct group_terms participant_terms(const struct common *common, const struct participant_options *options)
{
	return (struct group_terms){.key = group_key(common, options->kind, options->name, options->key_path),
		.timing = options->lan ? raft_timing_lan : raft_timing_default, .copies_min = options->copies_min};
}

struct id participant_group(const struct common *common, const struct participant_options *options)
{
	struct group_terms terms = participant_terms(common, options);
	struct state state = options->state(options->self);
	struct id id = group_id_of(&terms, &state);

	state.ops->free(state.self);
	memory_wipe(&terms, sizeof terms);
	return id;
}

/* DATA/<group id>, with something behind it. */
static void path_of(const struct participant_options *options, const struct id *group, const char *tail, char out[STORE_PATH_MAX])
{
	char hex[ID_TEXT_SIZE];

	id_format(group, hex);
	if (snprintf(out, STORE_PATH_MAX, "%s/%s%s", options->data, hex, tail) >= STORE_PATH_MAX)
		fail(EXIT_CONFIG, "storage", NULL, "'%s' is too long a path", options->data);
}

bool participant_has_data(const struct participant_options *options, const struct id *group)
{
	char data[STORE_PATH_MAX];
	struct stat there;

	path_of(options, group, "", data);
	return stat(data, &there) == 0;
}

void participant_keep_identity(const struct participant_options *options, const struct id *group, struct keypair *out, int *lock)
{
	static const char *const hints[] = {"say -i FILE as before, or another --data DIR", NULL};
	char key[STORE_PATH_MAX];
	struct stat there;

	path_of(options, group, ".key", key);
	if (participant_has_data(options, group) && stat(key, &there) != 0)
		fail(EXIT_CONFIG, "identity", hints, "the data in '%s' belongs to an identity that -i named", options->data);
	if (key_file_keep(key, out, lock))
		return;
	if (errno == EWOULDBLOCK)
		participant_in_use(options);
	fail(EXIT_IO, "storage", NULL, "cannot keep a key in '%s': %s", key, strerror(errno));
}
