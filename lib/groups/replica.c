/*
 * replica.c - see replica.h.
 *
 * What is in an entry was checked by the leader that took it in, and is checked again here: an entry that is not sound
 * must do the same on every member, which is nothing.
 */
#include "groups/replica.h"

#include "base/check.h"
#include "wire/cbor.h"

void replica_init(struct replica *replica, const struct state *state)
{
	ASSERT(state->ops != NULL);
	*replica = (struct replica){.state = *state};
}

void replica_fini(struct replica *replica)
{
	sessions_fini(&replica->sessions);
	replica->state.ops->free(replica->state.self);
	buffer_fini(&replica->result);
	buffer_fini(&replica->change);
}

void replica_clear(struct replica *replica)
{
	struct state state = replica->state;

	sessions_fini(&replica->sessions);
	buffer_fini(&replica->result);
	buffer_fini(&replica->change);
	state.ops->clear(state.self);
	replica_init(replica, &state);
}

void surrender_encode(const struct surrender *surrender, struct buffer *out)
{
	cbor_put_array(out, 2);
	cbor_put_id(out, &surrender->lineage);
	cbor_put_uint(out, surrender->position);
}

enum error surrender_decode(struct bytes payload, struct surrender *out)
{
	struct surrender read;
	struct cbor in;

	cbor_init(&in, payload);
	cbor_array_of(&in, 2);
	read.lineage = cbor_id(&in);
	read.position = cbor_uint(&in);
	if (cbor_end(&in) != OK || id_is_zero(&read.lineage))
		return ERROR_MALFORMED;
	*out = read;
	return OK;
}

int surrender_compare(const struct surrender *a, const struct surrender *b)
{
	if (a->position != b->position)
		return a->position < b->position ? -1 : 1;
	return id_compare(&a->lineage, &b->lineage);
}

void expiry_encode(const struct expiry *expiry, struct buffer *out)
{
	cbor_put_array(out, 2);
	cbor_put_uint(out, expiry->session);
	cbor_put_uint(out, expiry->if_idle_since);
}

enum error expiry_decode(struct bytes payload, struct expiry *out)
{
	struct expiry read;
	struct cbor in;

	cbor_init(&in, payload);
	cbor_array_of(&in, 2);
	read.session = cbor_uint(&in);
	read.if_idle_since = cbor_uint(&in);
	if (cbor_end(&in) != OK)
		return ERROR_MALFORMED;
	*out = read;
	return OK;
}

/* Carries the commands of one entry out. Their results become one blob. */
static struct blob *carry_out(struct replica *replica, const struct log_entry *entry, struct bytes commands,
	struct buffer *changes)
{
	struct state_moment moment = {.position = entry->head.position, .term = entry->head.term};
	struct buffer results = {0};
	struct bytes command;
	struct blob *blob;

	while (session_command_next(&commands, &command)) {
		moment.position++;
		buffer_clear(&replica->result);
		buffer_clear(&replica->change);
		replica->state.ops->apply(replica->state.self, &moment, command, &replica->result,
			changes != NULL ? &replica->change : NULL);
		ASSERT(replica->result.size <= STATE_RESULT_MAX);
		cbor_put_bytes(&results, buffer_bytes(&replica->result));
		if (changes != NULL)
			cbor_put_bytes(changes, buffer_bytes(&replica->change));
	}
	blob = blob_copy(buffer_bytes(&results));
	buffer_fini(&results);
	return blob;
}

static void apply_commands(struct replica *replica, const struct log_entry *entry, struct buffer *changes,
	struct applied *out)
{
	struct blob *results;

	if (session_command_decode(blob_bytes(entry->payload), &out->command) != OK
		|| out->command.count != entry->head.commands)
		return;
	out->has_commands = true;
	out->refused = replica->frozen || replica->dissolved;
	if (out->refused)
		return;
	out->verdict = sessions_judge(&replica->sessions, entry->head.index, &out->command, &out->results);
	if (out->verdict != SESSION_NEW)
		return;
	results = carry_out(replica, entry, out->command.commands, changes);
	sessions_keep(&replica->sessions, &out->command, entry->head.position, results);
	out->results = blob_bytes(results);
	blob_drop(results);   /* the session holds on to it: the newest is always kept */
}

static void apply_expiry(struct replica *replica, const struct log_entry *entry)
{
	struct expiry expiry;

	if (expiry_decode(blob_bytes(entry->payload), &expiry) == OK)
		sessions_expire(&replica->sessions, expiry.session, expiry.if_idle_since);
}

static void apply_freeze(struct replica *replica, const struct log_entry *entry, struct applied *out)
{
	struct surrender to;

	if (replica->frozen || replica->dissolved || surrender_decode(blob_bytes(entry->payload), &to) != OK)
		return;
	replica->frozen = out->was_frozen_now = true;
	replica->to = to;
}

static void apply_thaw(struct replica *replica, struct applied *out)
{
	if (!replica->frozen || replica->dissolved)
		return;
	replica->frozen = false;
	replica->to = (struct surrender){0};
	out->was_frozen_now = true;
}

/*
 * The leader that wrote this compared an older position of ours. What counts is the position here, after which no
 * command is carried out: if it is greater than the other's, this history stays.
 */
static void apply_dissolve(struct replica *replica, const struct log_entry *entry, struct applied *out)
{
	struct surrender ours = {replica->lineage, replica->position}, to;

	if (replica->dissolved || surrender_decode(blob_bytes(entry->payload), &to) != OK)
		return;
	if (surrender_compare(&ours, &to) >= 0)
		return;
	replica->dissolved = out->was_frozen_now = true;
	replica->frozen = false;
	replica->to = to;
}

static void note_checkpoint(struct replica *replica)
{
	struct checkpoint *slot = &replica->checkpoint[replica->index / REPLICA_CHECKPOINT_EVERY % REPLICA_CHECKPOINTS];

	*slot = (struct checkpoint){replica->index, replica->state.ops->hash(replica->state.self)};
}

void replica_apply(struct replica *replica, const struct log_entry *entry, struct buffer *changes,
	struct applied *out)
{
	ASSERT(entry->head.index == replica->index + 1);
	ASSERT(entry->head.position == replica->position);
	*out = (struct applied){0};
	switch (entry->head.kind) {
	case ENTRY_COMMANDS:
		apply_commands(replica, entry, changes, out);
		break;
	case ENTRY_SESSION_OPEN:
		sessions_open(&replica->sessions, entry->head.index);
		break;
	case ENTRY_SESSION_EXPIRE:
		apply_expiry(replica, entry);
		break;
	case ENTRY_FREEZE:
		apply_freeze(replica, entry, out);
		break;
	case ENTRY_THAW:
		apply_thaw(replica, out);
		break;
	case ENTRY_DISSOLVE:
		apply_dissolve(replica, entry, out);
		break;
	case ENTRY_FOLD:
		if (replica->state.ops->fold != NULL)
			replica->state.ops->fold(replica->state.self, blob_bytes(entry->payload));
		break;
	case ENTRY_GENESIS:
	case ENTRY_NOOP:
	case ENTRY_CONFIGURATION:
	case ENTRY_SNAPSHOT_MARK:
	case ENTRY_STATE_HASH:
	case ENTRY_KINDS:
		break;
	}
	replica->index = entry->head.index;
	replica->term = entry->head.term;
	replica->position = entry->head.position + entry->head.commands;
	if (replica->index % REPLICA_CHECKPOINT_EVERY == 0)
		note_checkpoint(replica);
}

bool replica_checkpoint(const struct replica *replica, uint64_t index, struct id *hash)
{
	const struct checkpoint *slot = &replica->checkpoint[index / REPLICA_CHECKPOINT_EVERY % REPLICA_CHECKPOINTS];

	if (index == 0 || slot->index != index)
		return false;
	*hash = slot->hash;
	return true;
}
