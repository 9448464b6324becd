/* states.c - see states.h. A command is [kind, cell, value, expected, name, padding], a result [result, chain]. */
#include "tests/sim/states.h"

#include <string.h>

#include "base/memory.h"

#define COMMAND_SIZE 26
#define RESULT_SIZE 16
#define ITEM_SIZE 17

struct states {
	struct linear_state cell[STATES_CELLS];
	size_t ballast;
	uint64_t sum[2];             /* of the hashes of all cells that hold something */
};

static void put(struct buffer *out, uint64_t value)
{
	uint8_t *at = buffer_extend(out, 8);

	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(const uint8_t *at)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value |= (uint64_t)at[i] << 8 * i;
	return value;
}

static bool is_first(const struct linear_state *cell)
{
	return cell->value == LINEAR_NONE && cell->chain == 0;
}

static void count_in(struct states *self, size_t number, uint64_t sign)
{
	const struct linear_state *cell = &self->cell[number];
	uint64_t hash;

	if (is_first(cell))
		return;
	hash = linear_chain(linear_chain(number, cell->value), cell->chain);
	self->sum[0] += sign * hash;
	self->sum[1] += sign * linear_chain(hash, 1);
}

static void signature(const void *self, struct buffer *out)
{
	(void)self;
	buffer_append(out, bytes_of_text("test cells"));
}

/* What linear_apply verifies, told. */
static uint64_t result_of(const struct linear_state *before, const struct linear_state *after, const struct linear_op *op)
{
	switch (op->kind) {
	case LINEAR_SWAP:
		return before->value;
	case LINEAR_CAS:
		return before->value == op->expected;
	case LINEAR_DELETE:
		return before->value != LINEAR_NONE;
	case LINEAR_READ:
		return before->value;
	case LINEAR_COUNT:
	case LINEAR_LIST:
		return before->value == LINEAR_NONE ? 0 : before->value;
	case LINEAR_ADD:
	case LINEAR_APPEND:
		return after->value;
	case LINEAR_WRITE:
	case LINEAR_KINDS:
		break;
	}
	return 1;
}

static void apply(void *data, const struct state_moment *moment, struct bytes command, struct buffer *result,
	struct buffer *changes)
{
	struct states *self = data;
	struct linear_op op = {0};
	struct linear_state before;
	uint64_t name;

	(void)moment;
	(void)changes;
	if (!states_read_command(command, &op, &name))
		return;
	op.blind = true;
	before = self->cell[op.key];
	count_in(self, op.key, UINT64_MAX);
	(void)linear_apply(&self->cell[op.key], &op);
	count_in(self, op.key, 1);
	put(result, result_of(&before, &self->cell[op.key], &op));
	put(result, 0);
}

static enum error query(const void *data, struct bytes query, struct buffer *answer)
{
	const struct states *self = data;
	struct linear_op op = {0};
	const struct linear_state *cell;

	if (query.size != 2 || query.data[0] >= LINEAR_KINDS || query.data[1] >= STATES_CELLS)
		return ERROR_MALFORMED;
	op.kind = (enum linear_kind)query.data[0];
	if (!linear_is_read(op.kind))
		return ERROR_MALFORMED;
	cell = &self->cell[query.data[1]];
	put(answer, result_of(cell, cell, &op));
	put(answer, op.kind == LINEAR_LIST ? cell->chain : 0);
	return OK;
}

static void *freeze(const void *self)
{
	return memory_copy(self, sizeof(struct states));
}

static bool items(void *frozen, uint64_t *cursor, size_t enough, struct buffer *out)
{
	struct states *self = frozen;
	size_t began = out->size;

	for (; *cursor < STATES_CELLS && out->size - began < enough; (*cursor)++) {
		const struct linear_state *cell = &self->cell[*cursor];
		size_t size = ITEM_SIZE + self->ballast;
		const uint8_t head[3] = {0x59, (uint8_t)(size >> 8), (uint8_t)size}, small = (uint8_t)(0x40 + size);
		uint8_t number = (uint8_t)*cursor;

		if (is_first(cell))
			continue;
		buffer_append(out, size < 24 ? bytes_of(&small, 1) : size < 256
			? bytes_of((const uint8_t[]){0x58, (uint8_t)size}, 2) : bytes_of(head, 3));
		buffer_append(out, bytes_of(&number, 1));
		put(out, cell->value);
		put(out, cell->chain);
		memset(buffer_extend(out, self->ballast), (int)(cell->value & 0xFF), self->ballast);
	}
	return out->size > began;
}

static void thaw(void *frozen)
{
	memory_free(frozen);
}

static void clear(void *data)
{
	struct states *self = data;

	for (size_t i = 0; i < STATES_CELLS; i++)
		self->cell[i] = linear_state_first;
	self->sum[0] = self->sum[1] = 0;
}

static enum error restore(void *data, struct bytes item)
{
	struct states *self = data;

	if (item.size != ITEM_SIZE + self->ballast || item.data[0] >= STATES_CELLS)
		return ERROR_MALFORMED;
	count_in(self, item.data[0], UINT64_MAX);
	self->cell[item.data[0]] = (struct linear_state){get(item.data + 1), get(item.data + 9)};
	count_in(self, item.data[0], 1);
	return OK;
}

static struct id hash(const void *data)
{
	const struct states *self = data;
	struct id id = {{0}};

	memcpy(id.byte, self->sum, sizeof(self->sum));
	return id;
}

static void release(void *self)
{
	memory_free(self);
}

static const struct state_ops ops = {.signature = signature, .apply = apply, .query = query, .freeze = freeze,
	.items = items, .thaw = thaw, .clear = clear, .restore = restore, .hash = hash, .free = release};

struct state states_new(size_t ballast)
{
	struct states *self = memory_new(sizeof(*self));

	self->ballast = ballast;
	clear(self);
	return (struct state){&ops, self};
}

void states_set(struct state *state, uint64_t cell, struct linear_state content)
{
	struct states *self = state->self;

	count_in(self, cell, UINT64_MAX);
	self->cell[cell] = content;
	count_in(self, cell, 1);
}

void states_command(const struct linear_op *op, uint64_t name, size_t padding, struct buffer *out)
{
	const uint8_t head[2] = {(uint8_t)op->kind, (uint8_t)op->key};

	buffer_append(out, bytes_of(head, 2));
	put(out, op->value);
	put(out, op->expected);
	put(out, name);
	memset(buffer_extend(out, padding), 0x55, padding);
}

bool states_read_command(struct bytes command, struct linear_op *op, uint64_t *name)
{
	if (command.size < COMMAND_SIZE || command.data[0] >= LINEAR_KINDS || command.data[1] >= STATES_CELLS)
		return false;
	op->kind = (enum linear_kind)command.data[0];
	op->key = command.data[1];
	op->value = get(command.data + 2);
	op->expected = get(command.data + 10);
	*name = get(command.data + 18);
	return true;
}

void states_query(const struct linear_op *op, struct buffer *out)
{
	const uint8_t text[2] = {(uint8_t)op->kind, (uint8_t)op->key};

	buffer_append(out, bytes_of(text, 2));
}

bool states_read_result(struct bytes result, struct linear_op *op)
{
	if (result.size != RESULT_SIZE)
		return false;
	op->result = get(result.data);
	op->chain = get(result.data + 8);
	return true;
}
