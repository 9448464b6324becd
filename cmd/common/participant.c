/*
 * participant.c - see participant.h.
 */
#include "cmd/common/participant.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cmd/common/group_name.h"
#include "cmd/common/participant_data.h"
#include "cmd/common/session_stats.h"
#include "runtime/store.h"

static struct node *node_of(const struct participant *participant)
{
	return runtime_node(participant->session->runtime);
}

static void on_stored(void *self, uint64_t token, enum error status)
{
	struct participant *participant = self;

	if (!participant->group)
		return;
	if (status != OK)
		report("storage", NULL, "cannot write to '%s': %s", participant->options.data, strerror(errno));
	node_group_persisted(node_of(participant), runtime_now(participant->session->runtime), &participant->id, token, status);
	runtime_again(participant->session->runtime);
}

static void open_store(struct participant *participant, struct image *image)
{
	struct store_options options = {.directory = participant->options.data, .group = participant->id,
		.peer = participant->session->identity.public_key, .loop = runtime_loop(participant->session->runtime), .done = on_stored,
		.self = participant};
	struct store_found found;
	enum error error = store_open(&options, &participant->store, image, &found);

	if (error == ERROR_NOT_ALLOWED)
		participant_in_use(&participant->options);
	if (error != OK)
		fail(EXIT_IO, "storage", NULL, "cannot open '%s': %s", participant->options.data, strerror(errno));
	if (found.state == STORE_SET_ASIDE)
		warn("the data in '%s' is damaged or another identity's: kept as '%s', and begun anew", participant->options.data, found.aside);
}

static void keep_identity(struct participant *participant, const struct common *common, struct keypair *out)
{
	struct id group = participant_group(common, &participant->options);

	participant_keep_identity(&participant->options, &group, out, &participant->key_lock);
}

static void open_session(struct participant *participant, const struct session_options *how)
{
	struct session_options options = *how;
	struct keypair pair;
	bool keeps = participant->options.data && !how->common->identity_path;

	if (keeps)
		keep_identity(participant, how->common, &pair);
	options.identity = keeps ? &pair : NULL;
	session_open(participant->session, &options);
	if (keeps)
		memory_wipe(&pair, sizeof pair);
}

static void join(struct participant *participant, msec now)
{
	const struct participant_options *wanted = &participant->options;
	struct group_options options = {.state = wanted->state(wanted->self), .external = wanted->external,
		.preference = wanted->preference, .expect = wanted->expect, .join_only = wanted->join_only,
		.tell_applied = wanted->tell_applied, .tell_changes = wanted->tell_changes, .observers_read = wanted->observers_read,
		.peer = participant->session->identity.public_key, .seed = participant_random()};
	struct image image = {0};
	enum error error;

	options.terms = participant_terms(participant->session->common, wanted);
	participant->id = group_id_of(&options.terms, &options.state);
	if (wanted->data)
		open_store(participant, &image);
	options.durable = participant->store != NULL;
	options.incarnation = image.hard.incarnation != 0 ? image.hard.incarnation : participant_random();
	error = node_group_join(node_of(participant), now, &(struct node_group){.name = wanted->listed, .options = &options,
		.image = image.hard.incarnation != 0 ? &image : NULL}, &participant->group);
	image_fini(&image);
	if (error != OK)
		fail(EXIT_DATA, "storage", NULL, "the data in '%s' is not of this %s: %s", wanted->data, wanted->kind, error_text(error));
}

void participant_open(struct participant *participant, struct session *session, const struct session_options *how,
	const struct participant_options *options)
{
	*participant = (struct participant){.session = session, .options = *options, .key_lock = -1};
	participant->listed = memory_copy_text(options->listed);
	participant->options.listed = participant->listed;
	if (how)
		open_session(participant, how);
	join(participant, runtime_now(session->runtime));
	if (!options->data && !options->quiet && !session->common->quiet)
		warn("%s '%s' is kept in memory only: --data DIR keeps it on disk", options->kind, options->name);
}

static void close_store(struct participant *participant)
{
	store_close(participant->store);
	participant->store = NULL;
}

static void quit(struct participant *participant, msec now)
{
	if (participant->group)
		node_group_quit(node_of(participant), now, participant->group);
	participant->group = NULL;
}

static bool write_all(int fd, struct bytes data)
{
	while (data.size > 0) {
		ssize_t size = write(fd, data.data, data.size);

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return false;
		data = bytes_of(data.data + size, data.size - (size_t)size);
	}
	return true;
}

/* Our history loses against another one: what it came to is kept beside the data, where an operator finds it. */
static void archive(struct participant *participant, const struct group_fact *fact)
{
	char path[4096], lineage[ID_SHORT_SIZE];
	bool written;
	int fd;

	if (!participant->options.data || !fact->bytes)
		return;
	id_format_short(&fact->lineage, lineage);
	snprintf(path, sizeof path, "%s/archive-%s.snapshot", participant->options.data, lineage);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	written = fd >= 0 && write_all(fd, blob_bytes(fact->bytes)) && fsync(fd) == 0;   /* what it is of is forgotten next */
	if (!written)
		warn("cannot write '%s': %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	participant->archive_failed |= !written;
}

static void tell_dissolved(const struct participant *participant, const struct group_fact *fact)
{
	const struct participant_options *options = &participant->options;
	const char *fate = !options->data ? "gone (in memory only)" : participant->archive_failed ? "not, or not all, archived" :
		"archived beside the data";

	if (fact->position > 0)
		warn("two histories of %s '%s' met: ours lost, and its %llu commands are %s", options->kind, options->name,
			(unsigned long long)fact->position, fate);
}

static void end(struct participant *participant, int status)
{
	if (participant->options.over)
		participant->options.over(participant->options.self, status);
	else
		session_leave(participant->session, status);
}

static void on_fact(struct participant *participant, msec now, const struct group_fact *fact)
{
	switch ((int)fact->kind) {
	case GROUP_ONLINE:
	case GROUP_OFFLINE:
		participant->is_online = fact->kind == GROUP_ONLINE;
		break;
	case GROUP_RESTORED:
		participant->snapshots++;
		participant->snapshot_version = fact->position;
		break;
	case GROUP_ARCHIVE:
		archive(participant, fact);
		break;
	case GROUP_DISSOLVED:
		tell_dissolved(participant, fact);
		break;
	case GROUP_HALTED:
		quit(participant, now);
		end(participant, EXIT_IO);
		break;
	case GROUP_LEFT:
		quit(participant, now);
		end(participant, participant->session->status);
		break;
	case GROUP_SPLIT:
		warn("%s '%s' has two histories: they are being made one", participant->options.kind, participant->options.name);
		break;
	case GROUP_DIVERGED:
		warn("our copy of %s '%s' differs from the others': it is fetched anew", participant->options.kind, participant->options.name);
		break;
	default:
		break;
	}
}

bool participant_fact(struct participant *participant, msec now, const struct node_fact *fact, struct group_fact *out)
{
	*out = (struct group_fact){.kind = GROUP_ROOM};
	if ((fact->kind != NODE_GROUP && fact->kind != NODE_GROUP_PERSIST) || !id_equal(&fact->group, &participant->id))
		return false;
	if (fact->kind == NODE_GROUP_PERSIST) {
		if (participant->store)
			store_put(participant->store, fact->persist);
		else
			persist_free(fact->persist);
		return true;
	}
	*out = fact->group_fact;
	on_fact(participant, now, out);
	return true;
}

static void tell_if_full(struct participant *participant)
{
	bool full = participant->store && store_is_full(participant->store);

	if (full == participant->told_full)
		return;
	warn(full ? "the disk of '%s' is full: waiting for room" : "the disk of '%s' has room again", participant->options.data);
	participant->told_full = full;
}

void participant_stats(struct participant *participant)
{
	struct stats stats = session_stats_begin(participant->session);
	struct group_status status = {.voters = 0};
	char hash[ID_TEXT_SIZE];

	if (participant->group)
		group_status(participant->group, &status);
	if (participant->options.over)   /* one of several */
		stats_word(&stats, "store", participant->options.name);
	stats_number(&stats, "online", status.online);
	stats_number(&stats, "term", status.term);
	stats_number(&stats, "committed", status.position);
	stats_number(&stats, "log_first", status.log_first);
	stats_number(&stats, "log_last", status.log_last);
	stats_number(&stats, "voters", status.voters);
	stats_number(&stats, "voters_up", status.voters_up);
	stats_number(&stats, "snapshots", participant->snapshots);
	stats_number(&stats, "snapshot_version", participant->snapshot_version);
	id_format(&status.state_hash, hash);
	stats_word(&stats, "state_hash", hash);
	session_stats_end(participant->session, &stats);
}

static void tell_other(struct participant *participant, const char *listed)
{
	const struct participant_options *options = &participant->options;

	participant->told_others = true;
	if (strcmp(listed, options->listed) == 0)
		warn("another %s '%s' is there, with another --key or --lan, or another state: they are two", options->kind, options->name);
	else
		warn("another %s '%s' is there, of other types: '%s', not '%s': they are two", options->kind, options->name, listed,
			options->listed);
}

/* Who forgot -T, --key or --lan would wait for the others of that name for ever, and not know why. */
static void look_for_others(struct participant *participant)
{
	const struct catalog *catalog = node_catalog(node_of(participant));
	const struct catalog_peer *peer;
	const char *types;
	size_t at = 0;

	if (participant->told_others || participant->seen == catalog->live)
		return;
	participant->seen = catalog->live;
	while (!participant->told_others && (peer = catalog_next(catalog, &at)) != NULL) {
		const struct card *card = &peer->entry->card;

		for (size_t i = 0; i < card->groups.count && !participant->told_others; i++) {
			const char *listed = card_name(card, &card->groups.id[i]);

			if (listed && !id_equal(&card->groups.id[i], &participant->id) &&
					group_name_matches(listed, participant->options.kind, participant->options.name, &types))
				tell_other(participant, listed);
		}
	}
}

void participant_turn(struct participant *participant, msec now)
{
	if (!participant->options.over && session_stats_due(participant->session, now))
		participant_stats(participant);
	tell_if_full(participant);
	look_for_others(participant);
	if (participant->group)
		node_group_turn(node_of(participant), now);
}

void participant_leave(struct participant *participant, msec now, int status)
{
	if (participant->is_leaving)
		return;
	participant->is_leaving = true;
	participant->session->status = status;
	if (participant->group) {
		group_leave(participant->group, now);
		participant_turn(participant, now);
	} else {
		end(participant, status);
	}
}

void participant_close(struct participant *participant)
{
	quit(participant, runtime_now(participant->session->runtime));
	close_store(participant);
	if (participant->key_lock >= 0)
		close(participant->key_lock);
	memory_free(participant->listed);
}
