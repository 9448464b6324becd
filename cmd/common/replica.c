/*
 * replica.c - see replica.h.
 */
#include "cmd/common/replica.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "cmd/common/group_key.h"
#include "runtime/store.h"

static struct node *node_of(const struct replica *replica)
{
	return runtime_node(replica->session->runtime);
}

static uint64_t random_number(void)
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

static void on_stored(void *self, uint64_t token, enum error status)
{
	struct replica *replica = self;

	if (!replica->group)
		return;
	if (status != OK)
		report("storage", NULL, "cannot write to '%s': %s", replica->options.data, strerror(errno));
	node_group_persisted(node_of(replica), runtime_now(replica->session->runtime), &replica->id, token, status);
	runtime_again(replica->session->runtime);
}

static void open_store(struct replica *replica, struct image *image)
{
	struct store_options options = {.directory = replica->options.data, .group = replica->id,
		.peer = replica->session->identity.public_key, .loop = runtime_loop(replica->session->runtime), .done = on_stored,
		.self = replica};
	struct store_found found;
	enum error error = store_open(&options, &replica->store, image, &found);

	if (error == ERROR_NOT_ALLOWED)
		fail(EXIT_CONFIG, "in-use", NULL, "another process uses '%s' for this %s", replica->options.data, replica->options.kind);
	if (error != OK)
		fail(EXIT_IO, "storage", NULL, "cannot open '%s': %s", replica->options.data, strerror(errno));
	if (found.state == STORE_SET_ASIDE)
		warn("the data in '%s' is damaged or another identity's: kept as '%s', and begun anew", replica->options.data, found.aside);
}

static void join(struct replica *replica, msec now)
{
	const struct replica_options *wanted = &replica->options;
	struct group_options options = {.state = wanted->state(wanted->self), .external = wanted->external,
		.preference = wanted->preference, .expect = wanted->expect, .join_only = wanted->join_only,
		.tell_applied = wanted->tell_applied, .tell_changes = wanted->tell_changes,
		.peer = replica->session->identity.public_key, .seed = random_number()};
	struct image image = {0};
	enum error error;

	options.terms.key = group_key(replica->session->common, wanted->kind, wanted->name, wanted->key_path);
	options.terms.timing = wanted->lan ? raft_timing_lan : raft_timing_default;
	options.terms.copies_min = wanted->copies_min;
	replica->id = group_id_of(&options.terms, &options.state);
	if (wanted->data)
		open_store(replica, &image);
	options.durable = replica->store != NULL;
	options.incarnation = image.hard.incarnation != 0 ? image.hard.incarnation : random_number();
	error = node_group_join(node_of(replica), now, &(struct node_group){.name = wanted->listed, .options = &options,
		.image = image.hard.incarnation != 0 ? &image : NULL}, &replica->group);
	image_fini(&image);
	if (error != OK)
		fail(EXIT_DATA, "storage", NULL, "the data in '%s' is not of this %s: %s", wanted->data, wanted->kind, error_text(error));
}

void replica_open(struct replica *replica, struct session *session, const struct replica_options *options)
{
	*replica = (struct replica){.session = session, .options = *options};
	join(replica, runtime_now(session->runtime));
	if (!options->data && !session->common->quiet)
		warn("%s '%s' is kept in memory only: --data DIR keeps it on disk", options->kind, options->name);
}

static void close_store(struct replica *replica)
{
	store_close(replica->store);
	replica->store = NULL;
}

static void quit(struct replica *replica, msec now)
{
	if (replica->group)
		node_group_quit(node_of(replica), now, replica->group);
	replica->group = NULL;
}

/* Our history lost against another one: it is kept aside, and we join the winner with a new life. */
static void start_afresh(struct replica *replica, msec now, const struct group_fact *fact)
{
	const struct replica_options *options = &replica->options;
	char lineage[ID_SHORT_SIZE];

	id_format_short(&fact->lineage, lineage);
	if (fact->position > 0)
		warn("two histories of %s '%s' met: ours lost, and its %llu commands are %s", options->kind, options->name,
			(unsigned long long)fact->position, replica->store ? "archived" : "gone with the memory they were in");
	quit(replica, now);
	if (replica->store)
		store_archive(replica->store, &fact->lineage);
	replica->store = NULL;
	join(replica, now);
}

static void on_fact(struct replica *replica, msec now, const struct group_fact *fact)
{
	switch (fact->kind) {
	case GROUP_ONLINE:
	case GROUP_OFFLINE:
		replica->is_online = fact->kind == GROUP_ONLINE;
		break;
	case GROUP_DISSOLVED:
		start_afresh(replica, now, fact);
		break;
	case GROUP_HALTED:
		quit(replica, now);
		session_leave(replica->session, EXIT_IO);
		break;
	case GROUP_LEFT:
		quit(replica, now);
		session_leave(replica->session, replica->session->status);
		break;
	case GROUP_SPLIT:
		warn("%s '%s' has two histories: they are being made one", replica->options.kind, replica->options.name);
		break;
	case GROUP_DIVERGED:
		warn("our copy of %s '%s' differs from the others': it is fetched anew", replica->options.kind, replica->options.name);
		break;
	default:
		break;
	}
}

bool replica_fact(struct replica *replica, msec now, const struct node_fact *fact, struct group_fact *out)
{
	*out = (struct group_fact){.kind = GROUP_ROOM};
	if ((fact->kind != NODE_GROUP && fact->kind != NODE_GROUP_PERSIST) || !id_equal(&fact->group, &replica->id))
		return false;
	if (fact->kind == NODE_GROUP_PERSIST) {
		if (replica->store)
			store_put(replica->store, fact->persist);
		else
			persist_free(fact->persist);
		return true;
	}
	*out = fact->group_fact;
	on_fact(replica, now, out);
	return true;
}

void replica_turn(struct replica *replica, msec now)
{
	bool full = replica->store && store_is_full(replica->store);

	if (full != replica->told_full) {
		warn(full ? "the disk of '%s' is full: waiting for room" : "the disk of '%s' has room again", replica->options.data);
		replica->told_full = full;
	}
	if (replica->group)
		node_group_turn(node_of(replica), now);
}

void replica_leave(struct replica *replica, msec now, int status)
{
	if (replica->is_leaving)
		return;
	replica->is_leaving = true;
	replica->session->status = status;
	if (replica->group) {
		group_leave(replica->group, now);
		replica_turn(replica, now);
	} else {
		session_leave(replica->session, status);
	}
}

void replica_close(struct replica *replica)
{
	quit(replica, runtime_now(replica->session->runtime));
	close_store(replica);
}
