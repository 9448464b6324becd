/*
 * log_state.c - see log_state.h.
 *
 * Records stand encoded, one behind the other, in blocks that never move and are only added to. A frozen content is the
 * list of the blocks and the number of records at that moment: what is written later into the last block lies behind its
 * end.
 *
 *      block 0  [ record | record | record ]   block 1  [ record | record |   free   ]
 *
 * With a base (log_base.h) the list begins behind it. The parts of a base that is not whole yet are content like the rest:
 * items are the base's parts, the parts of the coming one, then the records.
 */
#include "groups/log_state.h"

#include "base/check.h"
#include "base/memory.h"
#include "groups/log_base.h"
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
	size_t bytes;
};

struct content {
	struct log_base base;                 /* whole, or none */
	struct log_base coming;               /* not whole; its position is beyond the base's */
	struct blocks blocks;                 /* all beyond the base */
};

struct log_state {
	char *machine;                        /* NULL: the log itself is all there is */
	struct content content;
	struct hash hash;                     /* of the records */
	struct id parts_hash;                 /* of the parts; zero: none */
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
	blocks->bytes += record.size;
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

/* ---- the base ---- */

static void content_fini(struct content *content)
{
	log_base_fini(&content->base);
	log_base_fini(&content->coming);
	blocks_fini(&content->blocks);
}

static uint64_t last_position(const struct content *content)
{
	const struct blocks *blocks = &content->blocks;
	const struct block *last = blocks->count > 0 ? blocks->block[blocks->count - 1] : NULL;

	return last != NULL ? last->position[last->count - 1] : content->base.position;
}

static void hash_parts(struct log_state *log)
{
	const struct content *content = &log->content;
	struct hash hash;

	hash_init(&hash);
	log_base_hash(&content->base, &hash);
	log_base_hash(&content->coming, &hash);
	log->parts_hash = content->base.have + content->coming.have > 0 ? hash_final(&hash) : (struct id){{0}};
}

/* The records up to there are gone. */
static void drop_records(struct log_state *log, uint64_t position)
{
	struct blocks old = log->content.blocks;

	log->content.blocks = (struct blocks){0};
	hash_init(&log->hash);
	for (uint64_t n = number_of(&old, position + 1); n < old.records; n++) {
		const struct block *block = block_of(&old, n);
		struct bytes record = record_at(block, (size_t)(n - block->before));

		append(&log->content.blocks, block->position[n - block->before], record);
		hash_update(&log->hash, record);
	}
	blocks_fini(&old);
}

/* What is coming is whole: it takes the place of the base. */
static void settle(struct content *content)
{
	log_base_fini(&content->base);
	content->base = content->coming;
	content->coming = (struct log_base){0};
}

static bool add_part(struct log_state *log, const struct log_part *part)
{
	struct content *content = &log->content;

	if (part->position <= content->base.position || !log_base_add(&content->coming, part))
		return false;
	if (log_base_is_whole(&content->coming))
		settle(content);
	hash_parts(log);
	return true;
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
	append(&log->content.blocks, record->position, buffer_bytes(&log->scratch));
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
	const struct blocks *blocks = &((const struct log_state *)self)->content.blocks;
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

/* A part that does not fit changes nothing, on every replica alike. */
static void fold(void *self, struct bytes payload)
{
	struct log_state *log = self;
	struct log_part part;

	if (log_part_decode(payload, &part) != OK || part.position > last_position(&log->content))
		return;
	if (add_part(log, &part) && log->content.base.position == part.position)
		drop_records(log, part.position);
}

static void *freeze(const void *self)
{
	const struct content *content = &((const struct log_state *)self)->content;
	const struct blocks *blocks = &content->blocks;
	struct content *frozen = memory_new(sizeof *frozen);

	log_base_copy(&content->base, &frozen->base);
	log_base_copy(&content->coming, &frozen->coming);
	frozen->blocks.block = memory_copy(blocks->block, blocks->count * sizeof(struct block *));
	frozen->blocks.count = blocks->count;
	frozen->blocks.records = blocks->records;
	for (size_t i = 0; i < blocks->count; i++)
		blocks->block[i]->references++;
	return frozen;
}

static void put_part(const struct log_base *base, uint64_t number, struct buffer *out)
{
	struct log_part part = log_base_part(base, (uint32_t)number);
	struct buffer item = {0};

	log_part_encode(&part, &item);
	cbor_put_bytes(out, buffer_bytes(&item));
	buffer_fini(&item);
}

static void put_item(const struct content *content, uint64_t number, struct buffer *out)
{
	uint64_t base = content->base.have, coming = content->coming.have;
	const struct block *block;

	if (number < base) {
		put_part(&content->base, number, out);
	} else if (number < base + coming) {
		put_part(&content->coming, number - base, out);
	} else {
		block = block_of(&content->blocks, number - base - coming);
		cbor_put_bytes(out, record_at(block, (size_t)(number - base - coming - block->before)));
	}
}

static bool items(void *frozen, uint64_t *cursor, size_t enough, struct buffer *out)
{
	const struct content *content = frozen;
	uint64_t count = content->base.have + content->coming.have + content->blocks.records;
	size_t end = out->size + enough;

	if (*cursor >= count)
		return false;
	while (*cursor < count && out->size < end)
		put_item(content, (*cursor)++, out);
	return true;
}

static void thaw(void *frozen)
{
	content_fini(frozen);
	memory_free(frozen);
}

static void clear(void *self)
{
	struct log_state *log = self;

	content_fini(&log->content);
	hash_init(&log->hash);
	log->parts_hash = (struct id){{0}};
}

/* Parts come before records, those of the base before others; there is no second base. */
static enum error restore_part(struct log_state *log, struct bytes item)
{
	struct content *content = &log->content;
	struct log_part part;

	if (log_part_decode(item, &part) != OK || content->blocks.records > 0 || (part.number == 0 && content->coming.have > 0))
		return ERROR_MALFORMED;
	if (content->base.have > 0 && part.number + 1 == part.count)
		return ERROR_MALFORMED;
	return add_part(log, &part) ? OK : ERROR_MALFORMED;
}

static enum error restore(void *self, struct bytes item)
{
	struct log_state *log = self;
	struct log_record record;

	if (log_record_decode(item, &record) != OK)
		return restore_part(log, item);
	if (record.position <= last_position(&log->content))
		return ERROR_MALFORMED;
	take_in(log, &record);
	return OK;
}

static struct id content_hash(const void *self)
{
	const struct log_state *log = self;
	struct hash hash = log->hash;

	if (!id_is_zero(&log->parts_hash))
		hash_update(&hash, bytes_of(log->parts_hash.byte, ID_SIZE));
	return hash_final(&hash);
}

static void log_state_free(void *self)
{
	struct log_state *log = self;

	if (log == NULL)
		return;
	content_fini(&log->content);
	buffer_fini(&log->scratch);
	memory_free(log->machine);
	memory_free(log);
}

static const struct state_ops log_state_ops = {
	.signature = put_signature,
	.apply = apply,
	.query = query,
	.fold = fold,
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

static const struct content *content_of(const struct state *state)
{
	ASSERT(state->ops == &log_state_ops);
	return &((const struct log_state *)state->self)->content;
}

uint64_t log_state_count(const struct state *state)
{
	return content_of(state)->blocks.records;
}

uint64_t log_state_last(const struct state *state)
{
	return last_position(content_of(state));
}

size_t log_state_size(const struct state *state)
{
	return content_of(state)->blocks.bytes;
}

const struct log_base *log_state_base(const struct state *state)
{
	return &content_of(state)->base;
}
