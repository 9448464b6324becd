/*
 * lock_state.c - see lock_state.h. Locks stand in the order of their names; one without a queue keeps its last token.
 */
#include "groups/lock_state.h"

#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "wire/cbor.h"

struct owner {
	struct id id;
	uint64_t grace;
};

struct lock {
	struct buffer name;
	struct owner *queue;             /* [count]; the first one holds it */
	size_t count;
	size_t capacity;
	uint64_t token;                  /* of the holder; else the last one given */
	uint64_t renewals;
	uint64_t wait;                   /* grace of the one before, if it was expired */
};

struct locks {
	struct lock *lock;               /* by name */
	size_t count;
	size_t capacity;
};

/* ---- the set of locks ---- */

static void locks_fini(struct locks *locks)
{
	for (size_t i = 0; i < locks->count; i++) {
		buffer_fini(&locks->lock[i].name);
		memory_free(locks->lock[i].queue);
	}
	memory_free(locks->lock);
	*locks = (struct locks){0};
}

static size_t place_of(const struct locks *locks, struct bytes name)
{
	size_t low = 0, high = locks->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (bytes_compare(buffer_bytes(&locks->lock[middle].name), name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct lock *find(const struct locks *locks, struct bytes name)
{
	size_t at = place_of(locks, name);

	return at < locks->count && bytes_equal(buffer_bytes(&locks->lock[at].name), name) ? &locks->lock[at] : NULL;
}

static struct lock *add(struct locks *locks, struct bytes name)
{
	size_t at = place_of(locks, name);

	locks->lock = memory_grow(locks->lock, &locks->capacity, locks->count + 1, sizeof *locks->lock);
	memmove(locks->lock + at + 1, locks->lock + at, (locks->count - at) * sizeof *locks->lock);
	locks->count++;
	locks->lock[at] = (struct lock){0};
	buffer_append(&locks->lock[at].name, name);
	return &locks->lock[at];
}

static size_t queue_place(const struct lock *lock, const struct id *owner)
{
	size_t at = 0;

	while (at < lock->count && !id_equal(&lock->queue[at].id, owner))
		at++;
	return at;
}

/* ---- commands ---- */

static void enqueue(struct lock *lock, const struct lock_command *command)
{
	if (lock->count == LOCK_QUEUE_MAX || queue_place(lock, &command->owner) < lock->count)
		return;
	lock->queue = memory_grow(lock->queue, &lock->capacity, lock->count + 1, sizeof *lock->queue);
	lock->queue[lock->count++] = (struct owner){command->owner, command->grace};
	if (lock->count > 1)
		return;
	lock->token = lock->token + 1 > command->token_min ? lock->token + 1 : command->token_min;
	lock->renewals = 0;
}

/* The next one, if any, holds it with the next token. */
static void dequeue(struct lock *lock, size_t at, uint64_t wait)
{
	memmove(lock->queue + at, lock->queue + at + 1, (lock->count - at - 1) * sizeof *lock->queue);
	lock->count--;
	if (at > 0)
		return;
	lock->wait = wait;   /* also when nobody waits: whoever comes next has to know */
	lock->renewals = 0;
	lock->token += lock->count > 0;
}

static void carry_out(struct locks *locks, const struct lock_command *command)
{
	struct lock *lock = find(locks, command->name);
	bool enters = command->verb == LOCK_ACQUIRE || command->verb == LOCK_TRY;
	size_t at;

	if (!lock && enters && locks->count < LOCK_QUEUE_MAX)
		lock = add(locks, command->name);
	if (!lock)
		return;
	at = queue_place(lock, &command->owner);
	switch (command->verb) {
	case LOCK_ACQUIRE:
		enqueue(lock, command);
		break;
	case LOCK_TRY:
		if (lock->count == 0)
			enqueue(lock, command);
		break;
	case LOCK_RENEW:
		if (lock->count > 0 && at == 0)
			lock->renewals++;
		break;
	case LOCK_RELEASE:
		if (at < lock->count)
			dequeue(lock, at, command->renewals != 0 ? lock->wait : 0);
		break;
	case LOCK_EXPIRE:
		if (lock->count > 0 && at == 0 && lock->renewals == command->renewals)
			dequeue(lock, 0, lock->queue[0].grace > lock->wait ? lock->queue[0].grace : lock->wait);
		break;
	}
}

void lock_command_encode(const struct lock_command *command, struct buffer *out)
{
	cbor_put_array(out, 6);
	cbor_put_uint(out, command->verb);
	cbor_put_bytes(out, command->name);
	cbor_put_id(out, &command->owner);
	cbor_put_uint(out, command->token_min);
	cbor_put_uint(out, command->grace);
	cbor_put_uint(out, command->renewals);
}

enum error lock_command_decode(struct bytes encoded, struct lock_command *out)
{
	struct lock_command read;
	struct cbor in;
	uint64_t verb;

	cbor_init(&in, encoded);
	cbor_array_of(&in, 6);
	verb = cbor_uint(&in);
	read.name = cbor_bytes(&in);
	read.owner = cbor_id(&in);
	read.token_min = cbor_uint(&in);
	read.grace = cbor_uint(&in);
	read.renewals = cbor_uint(&in);
	/* A token takes part in sums: half of its range is more than any clock needs. */
	if (cbor_end(&in) != OK || verb > LOCK_EXPIRE || read.name.size > LOCK_NAME_MAX || read.token_min > UINT64_MAX / 2)
		return ERROR_MALFORMED;
	read.verb = (enum lock_verb)verb;
	*out = read;
	return OK;
}

static void encode_standing(const struct locks *locks, struct bytes name, const struct id *owner, struct buffer *out)
{
	const struct lock *lock = find(locks, name);
	size_t count = lock ? lock->count : 0, at = lock ? queue_place(lock, owner) : 0;

	cbor_put_array(out, 7);
	cbor_put_bool(out, count > 0);
	cbor_put_id(out, count > 0 ? &lock->queue[0].id : &(struct id){0});
	cbor_put_uint(out, lock ? lock->token : 0);
	cbor_put_uint(out, lock ? lock->renewals : 0);
	cbor_put_uint(out, lock ? lock->wait : 0);
	cbor_put_bool(out, at < count);
	cbor_put_uint(out, at < count ? at : count);
}

enum error lock_standing_decode(struct bytes encoded, struct lock_standing *out)
{
	struct lock_standing read;
	struct cbor in;

	cbor_init(&in, encoded);
	cbor_array_of(&in, 7);
	read.held = cbor_bool(&in);
	read.holder = cbor_id(&in);
	read.token = cbor_uint(&in);
	read.renewals = cbor_uint(&in);
	read.wait = cbor_uint(&in);
	read.queued = cbor_bool(&in);
	read.ahead = cbor_uint(&in);
	if (cbor_end(&in) != OK)
		return ERROR_MALFORMED;
	*out = read;
	return OK;
}

void lock_query_encode(struct bytes name, const struct id *owner, struct buffer *out)
{
	cbor_put_array(out, 2);
	cbor_put_bytes(out, name);
	cbor_put_id(out, owner);
}

/* ---- the state ---- */

static void encode_lock(const struct lock *lock, struct buffer *out)
{
	cbor_put_array(out, 5);
	cbor_put_bytes(out, buffer_bytes(&lock->name));
	cbor_put_uint(out, lock->token);
	cbor_put_uint(out, lock->renewals);
	cbor_put_uint(out, lock->wait);
	cbor_put_array(out, 2 * lock->count);
	for (size_t i = 0; i < lock->count; i++) {
		cbor_put_id(out, &lock->queue[i].id);
		cbor_put_uint(out, lock->queue[i].grace);
	}
}

static void signature(const void *self, struct buffer *out)
{
	(void)self;
	buffer_append(out, bytes_of_text("lock"));
}

static void apply(void *self, const struct state_moment *moment, struct bytes command, struct buffer *result,
	struct buffer *changes)
{
	struct locks *locks = self;
	struct lock_command read;

	(void)moment;
	if (lock_command_decode(command, &read) != OK)
		return;
	carry_out(locks, &read);
	encode_standing(locks, read.name, &read.owner, result);
	if (changes) {
		const struct lock *lock = find(locks, read.name);

		if (lock)
			encode_lock(lock, changes);
	}
}

static enum error query(const void *self, struct bytes query, struct buffer *answer)
{
	struct bytes name;
	struct id owner;
	struct cbor in;

	cbor_init(&in, query);
	cbor_array_of(&in, 2);
	name = cbor_bytes(&in);
	owner = cbor_id(&in);
	if (cbor_end(&in) != OK)
		return ERROR_MALFORMED;
	encode_standing(self, name, &owner, answer);
	return OK;
}

/* Few and small: a copy of the encoded items, each as a byte string. */
struct frozen {
	struct buffer items;
	size_t count;
};

static void *freeze(const void *self)
{
	const struct locks *locks = self;
	struct frozen *frozen = memory_new(sizeof *frozen);
	struct buffer item = {0};

	for (size_t i = 0; i < locks->count; i++) {
		buffer_clear(&item);
		encode_lock(&locks->lock[i], &item);
		cbor_put_bytes(&frozen->items, buffer_bytes(&item));
	}
	buffer_fini(&item);
	frozen->count = locks->count;
	return frozen;
}

static bool items(void *self, uint64_t *cursor, size_t enough, struct buffer *out)
{
	struct frozen *frozen = self;
	struct bytes rest = buffer_bytes(&frozen->items);
	size_t before = out->size;

	for (uint64_t i = 0; rest.size > 0; i++) {
		size_t size, head = cbor_bytes_head_read(rest, &size);

		if (i >= *cursor) {
			if (out->size - before >= enough)
				break;
			buffer_append(out, bytes_of(rest.data, head + size));
			++*cursor;
		}
		rest = bytes_of(rest.data + head + size, rest.size - head - size);
	}
	return out->size > before;
}

static void thaw(void *self)
{
	struct frozen *frozen = self;

	buffer_fini(&frozen->items);
	memory_free(frozen);
}

static void clear(void *self)
{
	locks_fini(self);
}

static enum error restore(void *self, struct bytes item)
{
	struct locks *locks = self;
	struct lock read = {0}, *lock;
	struct bytes name;
	struct cbor in;

	cbor_init(&in, item);
	cbor_array_of(&in, 5);
	name = cbor_bytes(&in);
	read.token = cbor_uint(&in);
	read.renewals = cbor_uint(&in);
	read.wait = cbor_uint(&in);
	read.count = cbor_array(&in, 2 * LOCK_QUEUE_MAX);
	if (read.count % 2 != 0)
		cbor_fail(&in);
	read.count /= 2;
	read.queue = memory_new(read.count * sizeof *read.queue);
	read.capacity = read.count;
	for (size_t i = 0; i < read.count; i++) {
		read.queue[i].id = cbor_id(&in);
		read.queue[i].grace = cbor_uint(&in);
	}
	if (cbor_end(&in) != OK || name.size > LOCK_NAME_MAX || find(locks, name) || locks->count == LOCK_QUEUE_MAX) {
		memory_free(read.queue);
		return ERROR_MALFORMED;
	}
	lock = add(locks, name);
	read.name = lock->name;
	*lock = read;
	return OK;
}

static struct id hash_of(const void *self)
{
	struct frozen *frozen = freeze(self);
	struct id hash = id_hash(buffer_bytes(&frozen->items));

	thaw(frozen);
	return hash;
}

static void locks_free(void *self)
{
	if (!self)
		return;
	locks_fini(self);
	memory_free(self);
}

static const struct state_ops ops = {.signature = signature, .apply = apply, .query = query, .freeze = freeze, .items = items,
	.thaw = thaw, .clear = clear, .restore = restore, .hash = hash_of, .free = locks_free};

struct state lock_state_new(void)
{
	return (struct state){&ops, memory_new(sizeof(struct locks))};
}
