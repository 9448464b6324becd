/*
 * session.c - see session.h.
 *
 * A session remembers the results of its newest entries, oldest first:
 *
 *      floor      first          last
 *        |          |              |
 *     .. 4   5   6 [7   8   9   10 11]        7 .. 11 are kept; 5 and 6 went because there were too many
 *
 * Everything here is done in the order of the log and depends on nothing else, so that equal logs make equal tables.
 */
#include "groups/session.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/cbor.h"

struct kept {
	struct blob *results;
	uint64_t position;       /* users' commands before the entry */
};

struct session {
	uint64_t id;
	uint64_t last;           /* sequence of the newest entry that was carried out; 0: none */
	uint64_t floor;
	uint64_t used;           /* index of the newest entry that named this session */
	struct kept *kept;       /* of the sequences (last - count, last] */
	size_t first;            /* kept[first .. first + count) */
	size_t count;
	size_t capacity;
	size_t size;             /* bytes of the results */
};

static void drop_oldest(struct session *session)
{
	struct blob *oldest = session->kept[session->first].results;

	ASSERT(session->count > 0);
	ASSERT(session->size >= blob_size(oldest));
	session->size -= blob_size(oldest);
	session->first++;
	session->count--;
	blob_drop(oldest);
}

static void session_free(struct session *session)
{
	while (session->count > 0)
		drop_oldest(session);
	memory_free(session->kept);
	memory_free(session);
}

/* The slots in front were left by results that went; they are taken back when there are more of them than results. */
static void append(struct session *session, uint64_t position, struct blob *results)
{
	if (session->first > session->count) {
		for (size_t i = 0; i < session->count; i++)
			session->kept[i] = session->kept[session->first + i];
		session->first = 0;
	}
	session->kept = memory_grow(session->kept, &session->capacity, session->first + session->count + 1,
		sizeof *session->kept);
	session->kept[session->first + session->count] = (struct kept){blob_keep(results), position};
	session->count++;
	session->size += blob_size(results);
}

static void forget_seen(struct session *session)
{
	while (session->count > 0 && session->last - session->count < session->floor)
		drop_oldest(session);
}

void sessions_fini(struct sessions *sessions)
{
	for (size_t i = 0; i < sessions->by_id.count; i++)
		session_free(sessions->by_id.slot[i].value);
	number_table_fini(&sessions->by_id);
}

static void forget_least_used(struct sessions *sessions)
{
	struct session *least = sessions->by_id.slot[0].value;

	for (size_t i = 1; i < sessions->by_id.count; i++) {
		struct session *session = sessions->by_id.slot[i].value;

		if (session->used < least->used)
			least = session;
	}
	number_table_remove(&sessions->by_id, least->id);
	session_free(least);
}

void sessions_open(struct sessions *sessions, uint64_t index)
{
	struct session *session;

	ASSERT(index > 0);
	ASSERT(number_table_get(&sessions->by_id, index) == NULL);
	if (sessions->by_id.count == SESSIONS_MAX)
		forget_least_used(sessions);
	session = memory_new(sizeof *session);
	session->id = session->used = index;
	number_table_put(&sessions->by_id, index, session);
}

void sessions_expire(struct sessions *sessions, uint64_t id, uint64_t if_idle_since)
{
	struct session *session = number_table_get(&sessions->by_id, id);

	if (session == NULL || session->used > if_idle_since)
		return;
	number_table_remove(&sessions->by_id, id);
	session_free(session);
}

static const struct kept *kept_of(const struct session *session, uint64_t sequence)
{
	return &session->kept[session->first + session->count - 1 - (size_t)(session->last - sequence)];
}

enum session_verdict sessions_judge(struct sessions *sessions, uint64_t index, const struct session_command *command,
	struct bytes *results)
{
	struct session *session = number_table_get(&sessions->by_id, command->session);

	if (session == NULL)
		return SESSION_EXPIRED;
	ASSERT(index > session->used);
	session->used = index;
	if (command->floor > session->floor && command->floor <= session->last) {
		session->floor = command->floor;
		forget_seen(session);
	}
	if (command->sequence == session->last + 1)
		return SESSION_NEW;
	if (command->sequence > session->last)
		return SESSION_GAP;
	if (command->sequence <= session->last - session->count)
		return SESSION_STALE;
	*results = blob_bytes(kept_of(session, command->sequence)->results);
	return SESSION_REPEATED;
}

void sessions_keep(struct sessions *sessions, const struct session_command *command, uint64_t position,
	struct blob *results)
{
	struct session *session = number_table_get(&sessions->by_id, command->session);

	ASSERT(session != NULL);
	ASSERT(command->sequence == session->last + 1);
	session->last++;
	append(session, position, results);
	while (session->count > 1 && (session->count > SESSION_RESULTS_MAX || session->size > SESSION_RESULTS_SIZE_MAX))
		drop_oldest(session);
}

enum session_verdict sessions_look(const struct sessions *sessions, uint64_t id, uint64_t sequence,
	struct session_results *out)
{
	const struct session *session = number_table_get(&sessions->by_id, id);

	if (session == NULL)
		return SESSION_EXPIRED;
	if (sequence > session->last)
		return SESSION_NEW;
	if (sequence <= session->last - session->count)
		return SESSION_STALE;
	*out = (struct session_results){blob_bytes(kept_of(session, sequence)->results), kept_of(session, sequence)->position};
	return SESSION_REPEATED;
}

uint64_t sessions_last(const struct sessions *sessions, uint64_t id)
{
	const struct session *session = number_table_get(&sessions->by_id, id);

	return session != NULL ? session->last : 0;
}

uint64_t sessions_used(const struct sessions *sessions, uint64_t id)
{
	const struct session *session = number_table_get(&sessions->by_id, id);

	return session != NULL ? session->used : 0;
}

/* ---- canonical form: one byte string a session, ascending by id ---- */

static void encode_session(const struct session *session, struct buffer *out)
{
	cbor_put_array(out, 4 + 2 * session->count);
	cbor_put_uint(out, session->id);
	cbor_put_uint(out, session->last);
	cbor_put_uint(out, session->floor);
	cbor_put_uint(out, session->used);
	for (size_t i = session->first; i < session->first + session->count; i++) {
		cbor_put_uint(out, session->kept[i].position);
		cbor_put_bytes(out, blob_bytes(session->kept[i].results));
	}
}

void sessions_encode(const struct sessions *sessions, struct buffer *out)
{
	struct buffer one = {0};

	for (size_t i = 0; i < sessions->by_id.count; i++) {
		buffer_clear(&one);
		encode_session(sessions->by_id.slot[i].value, &one);
		cbor_put_bytes(out, buffer_bytes(&one));
	}
	buffer_fini(&one);
}

/* Whether a table could have come to hold this. */
static bool is_sound(const struct session *session)
{
	if (session->id == 0 || session->used < session->id || session->floor > session->last)
		return false;
	if (session->count > session->last || session->last - session->count < session->floor)
		return false;
	return session->count <= 1 || session->size <= SESSION_RESULTS_SIZE_MAX;
}

/* The session, or NULL. */
static struct session *decode_session(struct bytes encoded)
{
	struct session *session = memory_new(sizeof *session);
	struct cbor in;
	size_t count;

	cbor_init(&in, encoded);
	count = cbor_array(&in, 4 + 2 * SESSION_RESULTS_MAX);
	session->id = cbor_uint(&in);
	session->last = cbor_uint(&in);
	session->floor = cbor_uint(&in);
	session->used = cbor_uint(&in);
	for (size_t i = 4; i + 1 < count; i += 2) {
		uint64_t position = cbor_uint(&in);
		struct blob *results = blob_copy(cbor_bytes(&in));

		append(session, position, results);
		blob_drop(results);
	}
	if (cbor_end(&in) == OK && count % 2 == 0 && is_sound(session))
		return session;
	session_free(session);
	return NULL;
}

static enum error decode_sessions(struct bytes rest, struct sessions *out)
{
	uint64_t newest = 0;

	while (rest.size > 0) {
		size_t length, head = cbor_bytes_head_read(rest, &length);
		struct session *session;

		if (head == 0 || length > rest.size - head || out->by_id.count == SESSIONS_MAX)
			return ERROR_MALFORMED;
		session = decode_session(bytes_of(rest.data + head, length));
		if (session == NULL)
			return ERROR_MALFORMED;
		if (session->id <= newest) {
			session_free(session);
			return ERROR_MALFORMED;
		}
		newest = session->id;
		number_table_put(&out->by_id, newest, session);
		rest = bytes_of(rest.data + head + length, rest.size - head - length);
	}
	return OK;
}

enum error sessions_decode(struct bytes encoded, struct sessions *out)
{
	enum error error;

	*out = (struct sessions){0};
	error = decode_sessions(encoded, out);
	if (error != OK)
		sessions_fini(out);
	return error;
}

/* ---- entries COMMANDS: [session, sequence, floor, count, commands] ---- */

void session_command_encode_head(const struct session_command *command, size_t size, struct buffer *out)
{
	uint8_t head[CBOR_HEAD_MAX];

	cbor_put_array(out, 5);
	cbor_put_uint(out, command->session);
	cbor_put_uint(out, command->sequence);
	cbor_put_uint(out, command->floor);
	cbor_put_uint(out, command->count);
	buffer_append(out, bytes_of(head, cbor_bytes_head(head, size)));
}

void session_command_encode(const struct session_command *command, struct buffer *out)
{
	session_command_encode_head(command, command->commands.size, out);
	buffer_append(out, command->commands);
}

bool session_command_next(struct bytes *rest, struct bytes *command)
{
	size_t length, head = cbor_bytes_head_read(*rest, &length);

	if (head == 0 || length > rest->size - head)
		return false;
	*command = bytes_of(rest->data + head, length);
	*rest = bytes_of(rest->data + head + length, rest->size - head - length);
	return true;
}

static bool has_commands(struct bytes rest, uint32_t count)
{
	struct bytes command;

	for (; count > 0; count--) {
		if (!session_command_next(&rest, &command))
			return false;
	}
	return rest.size == 0;
}

enum error session_command_decode(struct bytes payload, struct session_command *out)
{
	struct session_command read = {0};
	struct cbor in;
	uint64_t count;

	cbor_init(&in, payload);
	cbor_array_of(&in, 5);
	read.session = cbor_uint(&in);
	read.sequence = cbor_uint(&in);
	read.floor = cbor_uint(&in);
	count = cbor_uint(&in);
	read.commands = cbor_bytes(&in);
	if (cbor_end(&in) != OK || read.session == 0 || read.sequence == 0 || read.floor >= read.sequence)
		return ERROR_MALFORMED;
	if (count > read.commands.size || count > UINT32_MAX || !has_commands(read.commands, (uint32_t)count))
		return ERROR_MALFORMED;
	read.count = (uint32_t)count;
	*out = read;
	return OK;
}
