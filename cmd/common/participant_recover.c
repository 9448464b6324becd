/*
 * participant_recover.c - the last way out of a group whose majority is lost for ever: see participant_data.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cmd/common/key_file.h"
#include "cmd/common/participant_data.h"
#include "runtime/store_recover.h"

static _Noreturn void absent(const struct participant_options *options)
{
	static const char *const hints[] = {"what it was begun with counts: network, name, --key, --lan, types (-T) or --sm-id", NULL};

	fail(EXIT_CONFIG, "no-data", hints, "there is no data of %s '%s' in '%s'", options->kind, options->name, options->data);
}

static _Noreturn void ask(const struct participant_options *options, const struct recovered *found)
{
	static const char *const hints[] = {"only when a majority of its voters will never come back",
		"on the one survivor whose term, and then index, is the greatest", NULL};

	fail(EXIT_USAGE, "survivors", hints, "%s '%s' goes up to %llu here (term %llu, index %llu, voters %zu): "
		"--from-survivors makes this one its only voter", options->kind, options->name, (unsigned long long)found->position,
		(unsigned long long)found->term, (unsigned long long)found->index, found->voters);
}

static int tell(const struct participant_options *options, const struct recovered *found)
{
	warn("%s '%s' goes on from %llu, with this member alone: acknowledged writes after that may be lost", options->kind, options->name,
		(unsigned long long)found->position);
	if (printf("%llu\n", (unsigned long long)found->position) < 0 || fflush(stdout) != 0)
		fail(EXIT_IO, "stdout", NULL, "cannot write to stdout: %s", strerror(errno));
	return EXIT_YES;
}

static _Noreturn void refuse(const struct participant_options *options, enum store_recovered why)
{
	if (why == STORE_RECOVER_ABSENT)
		absent(options);
	if (why == STORE_RECOVER_IN_USE)
		participant_in_use(options);
	if (why == STORE_RECOVER_FOREIGN)
		fail(EXIT_CONFIG, "identity", NULL, "the data in '%s' is another identity's", options->data);
	if (why == STORE_RECOVER_FAILED)
		fail(EXIT_IO, "storage", NULL, "cannot change '%s': %s", options->data, strerror(errno));
	if (why == STORE_RECOVER_DAMAGED)
		fail(EXIT_DATA, "damaged", NULL, "the data in '%s' is damaged: nothing was changed", options->data);
	if (why == STORE_RECOVER_EMPTY)
		fail(EXIT_DATA, "empty", NULL, "'%s' holds nothing of %s '%s' yet: nothing was changed", options->data, options->kind, options->name);
	fail(EXIT_DATA, "gave-way", NULL, "%s '%s' gave way to another history here, whose members have what counts: nothing was changed",
		options->kind, options->name);
}

int participant_recover(const struct common *common, const struct participant_options *options, bool sure)
{
	struct store_recovery recovery = {.directory = options->data, .seed = participant_random(), .is_trial = !sure};
	struct recovered found;
	enum store_recovered done;
	struct keypair pair;
	int lock = -1;

	if (!options->data)
		usage_error("recover: --data DIR says what of");
	recovery.group = participant_group(common, options);
	if (!participant_has_data(options, &recovery.group))
		absent(options);
	if (common->identity_path)
		key_file_load(common->identity_path, &pair);
	else
		participant_keep_identity(options, &recovery.group, &pair, &lock);
	recovery.peer = pair.public_key;
	memory_wipe(&pair, sizeof pair);
	done = store_recover(&recovery, &found);
	if (lock >= 0)
		close(lock);
	if (done != STORE_RECOVERED)
		refuse(options, done);
	if (!sure)
		ask(options, &found);
	return tell(options, &found);
}
