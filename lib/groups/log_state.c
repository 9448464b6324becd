/*
 * log_state.c - see log_state.h.
 *
 * Records stand encoded, one behind the other, in blocks that never move and are only added to. A frozen content is the
 * list of the blocks and the number of records at that moment: what is written later into the last block lies behind its
 * end.
 *
 *      block 0  [ record | record | record ]   block 1  [ record | record |   free   ]
 */
#include "groups/log_state.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/cbor.h"

#include <string.h>

#define BLOCK_SIZE (64u << 10)
#define BLOCK_RECORDS 1024

struct block {
	uint32_t references;
	uint32_t count;
	size_t size;
	size_t capacity;
	uint64_t before;                      /* records in the blocks before it */
	uint64_t position[BLOCK_RECORDS];
	uint32_t end[BLOCK_RECORDS];          /* of each record in data */
	uint8_t data[];
};

struct blocks {
	struct block **block;
	size_t count;
	size_t capacity;
	uint64_t records;
};

struct log_state {
	char *machine;                        /* NULL: the log itself is all there is */
	struct blocks blocks;
	struct hash hash;
	struct buffer scratch;
};

static struct block *block_new(size_t capacity, uint64_t before)
{
	struct block *block = memory_resize(NULL, sizeof *block + capacity);

	*block = (struct block){.references = 1, .capacity = capacity, .before = before};
	return block;
}

static void blocks_fini(struct blocks *blocks)
{
	for (size_t i = 0; i < blocks->count; i++) {
		if (--blocks->block[i]->references == 0)
			memory_free(blocks->block[i]);
	}
	memory_free(blocks->block);
	*blocks = (struct blocks){0};
}

/* A block with room for so many bytes more. */
static struct block *block_for(struct blocks *blocks, size_t size)
{
	struct block *last = blocks->count > 0 ? blocks->block[blocks->count - 1] : NULL;

	if (last != NULL && last->count < BLOCK_RECORDS && size <= last->capacity - last->size)
		return last;
	blocks->block = memory_grow(blocks->block, &blocks->capacity, blocks->count + 1, sizeof(struct block *));
	last = block_new(size > BLOCK_SIZE ? size : BLOCK_SIZE, blocks->records);
	blocks->block[blocks->count++] = last;
	return last;
}

static void append(struct blocks *blocks, uint64_t position, struct bytes record)
{
	struct block *block = block_for(blocks, record.size);

	memcpy(block->data + block->size, record.data, record.size);
	block->size += record.size;
	block->position[block->count] = position;
	block->end[block->count] = (uint32_t)block->size;
	block->count++;
	blocks->records++;
}

/* The block that holds the record of that number; number < records. */
static const struct block *block_of(const struct blocks *blocks, uint64_t number)
{
	size_t low = 0, high = blocks->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (blocks->block[middle]->before <= number)
			low = middle;
		else
			high = middle;
	}
	return blocks->block[low];
}

static struct bytes record_at(const struct block *block, size_t at)
{
	uint32_t start = at > 0 ? block->end[at - 1] : 0;

	return bytes_of(block->data + start, block->end[at] - start);
}

/* The number of the first record at the position or later. */
static uint64_t number_of(const struct blocks *blocks, uint64_t position)
{
	uint64_t low = 0, high = blocks->records;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		const struct block *block = block_of(blocks, middle);

		if (block->position[middle - block->before] < position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- records ---- */

static void encode_record(const struct log_record *record, struct buffer *out)
{
	cbor_put_array(out, 3);
	cbor_put_uint(out, record->position);
	cbor_put_uint(out, record->term);
	cbor_put_bytes(out, record->command);
}

enum error log_record_decode(struct bytes item, struct log_record *out)
{
	struct log_record read;
	struct cbor in;

	cbor_init(&in, item);
	cbor_array_of(&in, 3);
	read.position = cbor_uint(&in);
	read.term = cbor_uint(&in);
	read.command = cbor_bytes(&in);
	if (cbor_end(&in) != OK)
		return ERROR_MALFORMED;
	*out = read;
	return OK;
}

bool log_record_next(struct bytes *answer, struct log_record *out)
{
	size_t length, head = cbor_bytes_head_read(*answer, &length);

	if (head == 0 || length > answer->size - head)
		return false;
	if (log_record_decode(bytes_of(answer->data + head, length), out) != OK)
		return false;
	*answer = bytes_of(answer->data + head + length, answer->size - head - length);
	return true;
}

void log_state_query(uint64_t position, uint64_t most, struct buffer *out)
{
	cbor_put_array(out, 2);
	cbor_put_uint(out, position);
	cbor_put_uint(out, most);
}

/* ---- as a state ---- */

static void put_signature(const void *self, struct buffer *out)
{
	const struct log_state *log = self;

	buffer_append(out, bytes_of_text("log"));
	if (log->machine)
		buffer_append(out, bytes_of_text(log->machine));
}

static void take_in(struct log_state *log, const struct log_record *record)
{
	buffer_clear(&log->scratch);
	encode_record(record, &log->scratch);
	append(&log->blocks, record->position, buffer_bytes(&log->scratch));
	hash_update(&log->hash, buffer_bytes(&log->scratch));
}

static void apply(void *self, const struct state_moment *moment, struct bytes command, struct buffer *result,
	struct buffer *changes)
{
	struct log_state *log = self;

	(void)result;
	take_in(log, &(struct log_record){moment->position, moment->term, command});
	if (changes != NULL)
		buffer_append(changes, buffer_bytes(&log->scratch));
}

static enum error query(const void *self, struct bytes query_bytes, struct buffer *answer)
{
	const struct blocks *blocks = &((const struct log_state *)self)->blocks;
	uint64_t position, most, given = 0;
	struct cbor in;

	cbor_init(&in, query_bytes);
	cbor_array_of(&in, 2);
	position = cbor_uint(&in);
	most = cbor_uint(&in);
	if (cbor_end(&in) != OK)
		return ERROR_MALFORMED;
	for (uint64_t n = number_of(blocks, position); n < blocks->records && given < most; n++, given++) {
		const struct block *block = block_of(blocks, n);
		struct bytes record = record_at(block, (size_t)(n - block->before));

		if (given > 0 && answer->size + record.size + CBOR_HEAD_MAX > LOG_STATE_ANSWER_MAX)
			break;
		cbor_put_bytes(answer, record);
	}
	return OK;
}

static void *freeze(const void *self)
{
	const struct blocks *blocks = &((const struct log_state *)self)->blocks;
	struct blocks *frozen = memory_new(sizeof *frozen);

	frozen->block = memory_copy(blocks->block, blocks->count * sizeof(struct block *));
	frozen->count = blocks->count;
	frozen->records = blocks->records;
	for (size_t i = 0; i < frozen->count; i++)
		frozen->block[i]->references++;
	return frozen;
}

static bool items(void *frozen, uint64_t *cursor, size_t enough, struct buffer *out)
{
	const struct blocks *blocks = frozen;
	size_t end = out->size + enough;

	if (*cursor >= blocks->records)
		return false;
	while (*cursor < blocks->records && out->size < end) {
		const struct block *block = block_of(blocks, *cursor);

		cbor_put_bytes(out, record_at(block, (size_t)(*cursor - block->before)));
		(*cursor)++;
	}
	return true;
}

static void thaw(void *frozen)
{
	blocks_fini(frozen);
	memory_free(frozen);
}

static void clear(void *self)
{
	struct log_state *log = self;

	blocks_fini(&log->blocks);
	hash_init(&log->hash);
}

static enum error restore(void *self, struct bytes item)
{
	struct log_state *log = self;
	struct log_record record;
	const struct block *last;

	if (log_record_decode(item, &record) != OK)
		return ERROR_MALFORMED;
	last = log->blocks.count > 0 ? log->blocks.block[log->blocks.count - 1] : NULL;
	if (last != NULL && record.position <= last->position[last->count - 1])
		return ERROR_MALFORMED;
	take_in(log, &record);
	return OK;
}

static struct id content_hash(const void *self)
{
	return hash_final(&((const struct log_state *)self)->hash);
}

static void log_state_free(void *self)
{
	struct log_state *log = self;

	if (log == NULL)
		return;
	blocks_fini(&log->blocks);
	buffer_fini(&log->scratch);
	memory_free(log->machine);
	memory_free(log);
}

static const struct state_ops log_state_ops = {
	.signature = put_signature,
	.apply = apply,
	.query = query,
	.freeze = freeze,
	.items = items,
	.thaw = thaw,
	.clear = clear,
	.restore = restore,
	.hash = content_hash,
	.free = log_state_free,
};

struct state log_state_named(const char *machine)
{
	struct log_state *log = memory_new(sizeof *log);

	hash_init(&log->hash);
	if (machine != NULL)
		log->machine = memory_copy_text(machine);
	return (struct state){&log_state_ops, log};
}

struct state log_state_new(void)
{
	return log_state_named(NULL);
}

bool log_state_is(const struct state *state)
{
	return state->ops == &log_state_ops;
}

uint64_t log_state_count(const struct state *state)
{
	ASSERT(state->ops == &log_state_ops);
	return ((const struct log_state *)state->self)->blocks.records;
}
