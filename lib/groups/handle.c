/*
 * handle.c - see handle.h.
 *
 * A batch is the payload of its entry from the beginning: commands are written behind some headroom, and the head is put in
 * front when the entry gets its sequence. From then on the payload never changes, so that an entry that is sent twice is
 * twice the same.
 */
#include "groups/handle.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/cbor.h"

#include <string.h>

struct batch {
	struct list node;
	uint64_t sequence;       /* 0: still filled */
	bool is_sent;            /* to this leader */
	struct blob *payload;
	size_t size;             /* of the commands in it */
	uint64_t *ticket;        /* [count] */
	size_t count;
	size_t capacity;
	msec since;              /* its first command */
};

static struct batch *batch_of(struct list *node)
{
	return LIST_OF(node, struct batch, node);
}

static struct batch *batch_new(msec now, size_t size)
{
	struct batch *batch = memory_new(sizeof *batch);

	batch->payload = blob_new(SESSION_COMMAND_HEAD_MAX, size);
	batch->since = now;
	return batch;
}

static void batch_free(struct batch *batch)
{
	list_remove(&batch->node);
	blob_drop(batch->payload);
	memory_free(batch->ticket);
	memory_free(batch);
}

void handle_init(struct handle *handle, uint64_t nonce, msec retry)
{
	*handle = (struct handle){.nonce = nonce, .retry = retry, .again_at = MSEC_NEVER};
	list_init(&handle->batches);
}

void handle_fini(struct handle *handle)
{
	struct outcome outcome;

	LIST_EACH_SAFE(node, after, &handle->batches)
		batch_free(batch_of(node));
	while (handle_next_outcome(handle, &outcome))
		blob_drop(outcome.result);
	memory_free(handle->outcome);
}

bool handle_has_room(const struct handle *handle)
{
	return handle->commands < HANDLE_COMMANDS_MAX && handle->size < HANDLE_SIZE_MAX;
}

/* The batch that takes a command of so many bytes, head included. */
static struct batch *batch_for(struct handle *handle, msec now, size_t size)
{
	struct batch *last = list_is_empty(&handle->batches) ? NULL : batch_of(handle->batches.prev);

	if (last != NULL && last->sequence == 0 && last->count < HANDLE_BATCH_COMMANDS
		&& last->size + size <= HANDLE_BATCH_SIZE)
		return last;
	last = batch_new(now, size < 256 ? 256 : size);
	list_append(&handle->batches, &last->node);
	return last;
}

static void write(struct batch *batch, struct bytes data)
{
	struct blob *payload = batch->payload;
	size_t wanted = blob_size(payload) + data.size;

	if (payload->start + wanted > payload->capacity)
		payload = batch->payload = blob_grow(payload, 2 * wanted);
	if (data.size > 0)
		memcpy(payload->data + payload->end, data.data, data.size);
	payload->end += data.size;
}

void handle_propose(struct handle *handle, msec now, uint64_t ticket, struct bytes command)
{
	uint8_t head[CBOR_HEAD_MAX];
	size_t head_size = cbor_bytes_head(head, command.size);
	struct batch *batch = batch_for(handle, now, head_size + command.size);

	ASSERT(ticket != 0);
	ASSERT(handle_has_room(handle));
	write(batch, bytes_of(head, head_size));
	write(batch, command);
	batch->ticket = memory_grow(batch->ticket, &batch->capacity, batch->count + 1, sizeof *batch->ticket);
	batch->ticket[batch->count++] = ticket;
	batch->size += head_size + command.size;
	handle->commands++;
	handle->size += head_size + command.size;
	handle->was_full = handle->was_full || !handle_has_room(handle);
}

/* Gives a batch its sequence: from here on its payload is what it is. */
static void seal(struct handle *handle, struct batch *batch)
{
	struct session_command command = {.session = handle->session, .count = (uint32_t)batch->count};
	struct blob *payload = batch->payload;
	struct buffer head = {0};

	ASSERT(batch->count > 0 && batch->size == blob_size(payload));
	command.sequence = batch->sequence = ++handle->sequence;
	command.floor = command.sequence - 1 - handle->flight;
	session_command_encode_head(&command, batch->size, &head);
	ASSERT(head.size <= payload->start);
	payload->start -= (uint32_t)head.size;
	memcpy(payload->data + payload->start, head.data, head.size);
	buffer_fini(&head);
	handle->flight++;
}

/* The session that it was sealed for is no more: it is filled, or at least sealed, anew. */
static void unseal(struct handle *handle, struct batch *batch)
{
	struct blob *old = batch->payload;

	ASSERT(batch->sequence != 0 && handle->flight > 0);
	batch->payload = blob_new(SESSION_COMMAND_HEAD_MAX, batch->size);
	write(batch, bytes_of(old->data + old->end - batch->size, batch->size));
	blob_drop(old);
	batch->sequence = 0;
	batch->is_sent = false;
	handle->flight--;
}

static bool may_go(const struct handle *handle, const struct batch *batch)
{
	if (handle->flight < HANDLE_FLIGHT_SMALL)
		return true;
	return handle->flight < HANDLE_FLIGHT_MAX
		&& (batch->count >= HANDLE_LARGE_COMMANDS || batch->size >= HANDLE_LARGE_SIZE);
}

/* The batch to send next, sealed; NULL: none. Those that wait stand behind all that were sent. */
static struct batch *next_batch(struct handle *handle)
{
	LIST_EACH(node, &handle->batches) {
		struct batch *batch = batch_of(node);

		if (batch->is_sent)
			continue;
		if (batch->sequence == 0 && !may_go(handle, batch))
			return NULL;
		if (batch->sequence == 0)
			seal(handle, batch);
		return batch;
	}
	return NULL;
}

static struct blob *opening(const struct handle *handle)
{
	struct buffer buffer = {0};
	struct blob *payload;

	cbor_put_uint(&buffer, handle->nonce);
	payload = blob_copy(buffer_bytes(&buffer));
	buffer_fini(&buffer);
	return payload;
}

bool handle_next(struct handle *handle, msec now, struct sending *out)
{
	struct batch *batch;

	if (list_is_empty(&handle->batches) || handle->opening)
		return false;
	if (handle->session == 0) {
		*out = (struct sending){ENTRY_SESSION_OPEN, 0, opening(handle)};
		handle->opening = true;
		handle->again_at = now + handle->retry;
		return true;
	}
	batch = next_batch(handle);
	if (batch == NULL)
		return false;
	batch->is_sent = true;
	*out = (struct sending){ENTRY_COMMANDS, (uint32_t)batch->count, blob_keep(batch->payload)};
	if (handle->again_at == MSEC_NEVER)
		handle->again_at = now + handle->retry;
	return true;
}

void handle_again(struct handle *handle)
{
	handle->again_at = MSEC_NEVER;
	handle->opening = false;
	LIST_EACH(node, &handle->batches) {
		struct batch *batch = batch_of(node);

		if (batch->sequence == 0)
			break;
		batch->is_sent = false;
	}
}

void handle_again_at(struct handle *handle, msec at)
{
	handle->again_at = msec_min(handle->again_at, at);
}

void handle_tick(struct handle *handle, msec now)
{
	if (now >= handle->again_at)
		handle_again(handle);
}

msec handle_deadline(const struct handle *handle)
{
	return handle->again_at;
}

/* ---- outcomes ---- */

static void tell(struct handle *handle, const struct outcome *outcome)
{
	if (handle->outcome_first == handle->outcome_count)
		handle->outcome_first = handle->outcome_count = 0;
	handle->outcome = memory_grow(handle->outcome, &handle->outcome_capacity, handle->outcome_count + 1,
		sizeof *handle->outcome);
	handle->outcome[handle->outcome_count++] = *outcome;
}

bool handle_next_outcome(struct handle *handle, struct outcome *out)
{
	if (handle->outcome_first == handle->outcome_count)
		return false;
	*out = handle->outcome[handle->outcome_first++];
	return true;
}

static void forget(struct handle *handle, struct batch *batch)
{
	ASSERT(handle->commands >= batch->count && handle->size >= batch->size);
	if (batch->sequence != 0)
		handle->flight--;
	handle->commands -= batch->count;
	handle->size -= batch->size;
	batch_free(batch);
}

static void fail(struct handle *handle, struct batch *batch, enum error reason)
{
	for (size_t i = 0; i < batch->count; i++)
		tell(handle, &(struct outcome){.ticket = batch->ticket[i], .reason = reason});
	forget(handle, batch);
}

/* results: a byte string for each command. position: users' commands before the first. */
static void succeed(struct handle *handle, struct batch *batch, struct bytes results, uint64_t position)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct outcome outcome = {.ticket = batch->ticket[i], .position = position + 1 + i};
		struct bytes result = {0};

		if (session_command_next(&results, &result) && result.size > 0)
			outcome.result = blob_copy(result);
		tell(handle, &outcome);
	}
	forget(handle, batch);
}

/* ---- what came of it ---- */

static struct batch *oldest(const struct handle *handle)
{
	return list_is_empty(&handle->batches) ? NULL : batch_of(handle->batches.next);
}

/* The session is unknown to the replica: nothing of what is in flight can be carried out any more. */
static void lose_session(struct handle *handle)
{
	LIST_EACH(node, &handle->batches) {
		if (batch_of(node)->sequence != 0)
			unseal(handle, batch_of(node));
	}
	handle->session = handle->sequence = 0;
	handle->opening = false;
	handle->again_at = MSEC_NEVER;
	/* A SESSION_OPEN of before may still come; it is not to be taken for one that is sent from now on. */
	handle->nonce++;
}

void handle_opened(struct handle *handle, uint64_t index, struct bytes payload)
{
	struct blob *ours;

	if (handle->session != 0)
		return;
	ours = opening(handle);
	if (bytes_equal(blob_bytes(ours), payload)) {
		handle->session = index;
		handle->opening = false;
		handle->again_at = MSEC_NEVER;
	}
	blob_drop(ours);
}

static bool is_ours(const struct handle *handle, const struct applied *applied)
{
	return applied->has_commands && handle->session != 0 && applied->command.session == handle->session;
}

/*
 * The batch that an entry carries, if it is done for the first time here; NULL: it is an old one. A member that begins anew
 * in its lineage sees entries again that it has answered long ago.
 */
static struct batch *batch_applied(const struct handle *handle, const struct applied *applied)
{
	struct batch *batch = oldest(handle);

	if (!is_ours(handle, applied) || applied->refused || applied->verdict != SESSION_NEW)
		return NULL;
	if (batch == NULL || batch->sequence == 0 || applied->command.sequence < batch->sequence)
		return NULL;
	ASSERT(batch->sequence == applied->command.sequence);
	ASSERT(batch->count == applied->command.count);
	return batch;
}

const uint64_t *handle_tickets(const struct handle *handle, const struct applied *applied)
{
	const struct batch *batch = batch_applied(handle, applied);

	return batch != NULL ? batch->ticket : NULL;
}

void handle_applied(struct handle *handle, msec now, const struct applied *applied, uint64_t position)
{
	struct batch *batch = batch_applied(handle, applied);

	if (!is_ours(handle, applied))
		return;
	if (applied->refused) {
		handle_again_at(handle, now + handle->retry);
	} else if (batch != NULL) {
		succeed(handle, batch, applied->results, position);
		handle->again_at = handle->flight > 0 ? now + handle->retry : MSEC_NEVER;
	} else if (applied->verdict == SESSION_GAP) {
		handle_again_at(handle, now + handle->retry / 8);
	} else if (applied->verdict == SESSION_EXPIRED) {
		lose_session(handle);
	}
}

void handle_sessions_changed(struct handle *handle, const struct sessions *sessions)
{
	if (handle->session != 0 && sessions_used(sessions, handle->session) == 0)
		lose_session(handle);
}

void handle_restored(struct handle *handle, const struct sessions *sessions)
{
	if (handle->session == 0)
		return;
	LIST_EACH_SAFE(node, after, &handle->batches) {
		struct batch *batch = batch_of(node);
		struct session_results known;
		enum session_verdict verdict;

		if (batch->sequence == 0)
			break;
		verdict = sessions_look(sessions, handle->session, batch->sequence, &known);
		if (verdict == SESSION_REPEATED)
			succeed(handle, batch, known.results, known.position);
		else if (verdict != SESSION_NEW)
			fail(handle, batch, ERROR_INDETERMINATE);
	}
	if (sessions_used(sessions, handle->session) == 0)
		lose_session(handle);
	else
		handle_again(handle);
}

void handle_reborn(struct handle *handle, bool is_complete)
{
	LIST_EACH_SAFE(node, after, &handle->batches) {
		if (!is_complete && batch_of(node)->sequence != 0)
			fail(handle, batch_of(node), ERROR_INDETERMINATE);
	}
	lose_session(handle);
}

void handle_refuse(struct handle *handle, msec before, enum error reason)
{
	LIST_EACH_SAFE(node, after, &handle->batches) {
		if (batch_of(node)->sequence == 0 && batch_of(node)->since < before)
			fail(handle, batch_of(node), reason);
	}
}

msec handle_waiting_since(const struct handle *handle)
{
	LIST_EACH(node, &handle->batches) {
		if (batch_of(node)->sequence == 0)
			return batch_of(node)->since;
	}
	return MSEC_NEVER;
}

bool handle_told_room(struct handle *handle)
{
	bool tells = handle->was_full && handle_has_room(handle);

	if (tells)
		handle->was_full = false;
	return tells;
}

void handle_check(const struct handle *handle)
{
	size_t flight = 0, commands = 0, size = 0;
	bool is_filling = false;

	LIST_EACH(node, &handle->batches) {
		const struct batch *batch = batch_of(node);

		ASSERT(batch->count > 0 && batch->payload != NULL);
		ASSERT(!(is_filling && batch->sequence != 0));   /* those in flight stand in front */
		is_filling = batch->sequence == 0;
		if (!is_filling) {
			ASSERT(handle->session != 0);
			flight++;
			ASSERT(batch->sequence == handle->sequence - handle->flight + flight);
		}
		commands += batch->count;
		size += batch->size;
	}
	ASSERT(flight == handle->flight && flight <= HANDLE_FLIGHT_MAX);
	ASSERT(commands == handle->commands && size == handle->size);
}
