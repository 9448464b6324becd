/*
 * linear.c - see linear.h.
 *
 * The search walks a list of invocations and returns in the order of time. The first invocation whose result the state
 * explains is carried out and taken out of the list with its return; a return that is met before its operation was carried
 * out means a wrong turn: the last step is undone. When no return is left, all is explained; operations without one may
 * stay behind.
 *
 * What was done is remembered as a set of bits together with the state. Operations are numbered by invocation, so all low
 * bits are 1 soon and only a window around the front differs; those that never returned have bits of their own, else
 * one of them would hold the window open for ever.
 */
#include "tests/sim/linear.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

const struct linear_state linear_state_first = {.value = LINEAR_NONE};

/* ---- the objects ---- */

static uint64_t mix(uint64_t value)
{
	value = (value ^ (value >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	value = (value ^ (value >> 27)) * UINT64_C(0x94D049BB133111EB);
	return value ^ (value >> 31);
}

uint64_t linear_chain(uint64_t chain, uint64_t value)
{
	return mix(chain * UINT64_C(0x9E3779B97F4A7C15) + mix(value + 1) + 1);
}

bool linear_is_read(enum linear_kind kind)
{
	return kind == LINEAR_READ || kind == LINEAR_COUNT || kind == LINEAR_LIST;
}

static uint64_t number_of(const struct linear_state *state)
{
	return state->value == LINEAR_NONE ? 0 : state->value;
}

bool linear_apply(struct linear_state *state, const struct linear_op *op)
{
	uint64_t result = 1, chain = op->chain;

	switch (op->kind) {
	case LINEAR_READ:
		result = state->value;
		break;
	case LINEAR_WRITE:
		state->value = op->value;
		return true;
	case LINEAR_SWAP:
		result = state->value;
		state->value = op->value;
		break;
	case LINEAR_CAS:
		result = state->value == op->expected;
		if (result)
			state->value = op->value;
		break;
	case LINEAR_DELETE:
		result = state->value != LINEAR_NONE;
		state->value = LINEAR_NONE;
		break;
	case LINEAR_ADD:
		result = state->value = number_of(state) + op->value;
		break;
	case LINEAR_APPEND:
		state->chain = linear_chain(state->chain, op->value);
		result = state->value = number_of(state) + 1;
		break;
	case LINEAR_LIST:
		chain = state->chain;
		result = number_of(state);
		break;
	case LINEAR_COUNT:
		result = number_of(state);
		break;
	case LINEAR_KINDS:
		ASSERT(false);
	}
	return op->blind || (result == op->result && chain == op->chain);
}

/* ---- what was seen before ---- */

struct memory_slot {
	uint64_t hash;
	size_t at, size;             /* words of the arena; size 0: free */
};

struct memory {
	uint64_t *word;
	size_t words, capacity;
	struct memory_slot *slot;
	size_t slots, used;          /* slots: a power of 2 */
};

static void memory_fini(struct memory *memory)
{
	memory_free(memory->word);
	memory_free(memory->slot);
}

static struct memory_slot *memory_find(const struct memory *memory, uint64_t hash, const uint64_t *key, size_t size)
{
	size_t at = (size_t)hash & (memory->slots - 1);

	while (memory->slot[at].size > 0) {
		const struct memory_slot *slot = &memory->slot[at];

		if (slot->hash == hash && slot->size == size && memcmp(memory->word + slot->at, key, size * 8) == 0)
			break;
		at = (at + 1) & (memory->slots - 1);
	}
	return &memory->slot[at];
}

static void memory_widen(struct memory *memory)
{
	struct memory old = *memory;

	memory->slots = old.slots > 0 ? old.slots * 2 : 64;
	memory->slot = memory_new(memory->slots * sizeof(*memory->slot));
	for (size_t i = 0; i < old.slots; i++)
		if (old.slot[i].size > 0)
			*memory_find(memory, old.slot[i].hash, old.word + old.slot[i].at, old.slot[i].size) = old.slot[i];
	memory_free(old.slot);
}

static bool memory_add(struct memory *memory, const uint64_t *key, size_t size)   /* false: it was there */
{
	struct memory_slot *slot;
	uint64_t hash = size;

	for (size_t i = 0; i < size; i++)
		hash = linear_chain(hash, key[i]);
	if (memory->used * 2 >= memory->slots)
		memory_widen(memory);
	slot = memory_find(memory, hash, key, size);
	if (slot->size > 0)
		return false;
	memory->word = memory_grow(memory->word, &memory->capacity, memory->words + size, 8);
	memcpy(memory->word + memory->words, key, size * 8);
	*slot = (struct memory_slot){.hash = hash, .at = memory->words, .size = size};
	memory->words += size;
	memory->used++;
	return true;
}

/* ---- one key ---- */

struct event {
	int64_t time;
	bool is_return;
	size_t op;                   /* of the key: 0 .. count */
	struct event *next, *previous, *match;   /* match of an invocation: its return, or NULL */
};

struct search {
	const struct linear_op *history;
	const size_t *index;         /* the key's operations in the history, by invocation */
	size_t count;
	struct event *event;
	struct event head;
	size_t *bit;                 /* of an operation: in `done`, or behind it if it never returned */
	size_t bits, pending_words;
	uint64_t *done;              /* [pending_words] of those that never returned, then the others */
	size_t low, high;            /* words of the others: all before low are full, all from high on are empty */
	struct event **step;         /* invocations carried out, */
	struct linear_state *before; /* and the state before each */
	size_t steps, deepest, stuck;
	uint64_t *key;
	struct memory memory;
};

static int by_time(const void *a, const void *b)
{
	const struct event *one = a, *other = b;

	if (one->time != other->time)
		return one->time < other->time ? -1 : 1;
	/* At one instant everything overlaps. */
	if (one->is_return != other->is_return)
		return one->is_return ? 1 : -1;
	return one->op < other->op ? -1 : one->op > other->op;
}

static void number_bits(struct search *search)
{
	size_t pending = 0, returned = 0;

	for (size_t i = 0; i < search->count; i++)
		pending += search->history[search->index[i]].returned == LINEAR_PENDING;
	search->pending_words = (pending + 63) / 64;
	pending = 0;
	for (size_t i = 0; i < search->count; i++)
		search->bit[i] = search->history[search->index[i]].returned == LINEAR_PENDING ? pending++
			: search->pending_words * 64 + returned++;
	search->bits = search->pending_words * 64 + returned;
}

static void link_events(struct search *search)
{
	struct event *last = &search->head;
	struct event **call = memory_new((search->count + 1) * sizeof(struct event *));
	size_t events = 0;

	for (size_t i = 0; i < search->count; i++) {
		const struct linear_op *op = &search->history[search->index[i]];

		ASSERT(op->returned >= op->invoked);
		search->event[events++] = (struct event){.time = op->invoked, .op = i};
		if (op->returned != LINEAR_PENDING)
			search->event[events++] = (struct event){.time = op->returned, .is_return = true, .op = i};
	}
	qsort(search->event, events, sizeof(struct event), by_time);
	for (size_t i = 0; i < events; i++) {
		struct event *event = &search->event[i];

		last->next = event;
		event->previous = last;
		last = event;
		if (event->is_return)
			call[event->op]->match = event;
		else
			call[event->op] = event;
	}
	memory_free(call);
}

static void unlink_event(struct event *event)
{
	event->previous->next = event->next;
	if (event->next)
		event->next->previous = event->previous;
}

static void relink_event(struct event *event)
{
	event->previous->next = event;
	if (event->next)
		event->next->previous = event;
}

static void mark(struct search *search, size_t bit, bool done)
{
	size_t word = bit / 64;

	if (!done) {
		search->done[word] &= ~(UINT64_C(1) << bit % 64);
		if (word >= search->pending_words && word < search->low)
			search->low = word;
		return;
	}
	search->done[word] |= UINT64_C(1) << bit % 64;
	if (word >= search->high)
		search->high = word + 1;
	while (search->low < search->high && search->done[search->low] == UINT64_MAX)
		search->low++;
}

static bool is_new(struct search *search, const struct linear_state *state)
{
	size_t size = 0;

	while (search->high > search->low && search->done[search->high - 1] == 0)
		search->high--;
	search->key[size++] = state->value;
	search->key[size++] = state->chain;
	search->key[size++] = search->low;
	for (size_t i = 0; i < search->pending_words; i++)
		search->key[size++] = search->done[i];
	for (size_t i = search->low; i < search->high; i++)
		search->key[size++] = search->done[i];
	return memory_add(&search->memory, search->key, size);
}

static enum linear_verdict explore(struct search *search, size_t memory, uint64_t *tried)
{
	struct linear_state state = linear_state_first;
	struct event *event = search->head.next;

	while (event) {
		const struct linear_op *op = &search->history[search->index[event->op]];
		struct linear_state after = state;

		if (event->is_return) {
			if (search->steps >= search->deepest) {
				search->deepest = search->steps;
				search->stuck = search->index[event->op];
			}
			if (search->steps == 0)
				return LINEAR_VIOLATED;
			event = search->step[--search->steps];
			state = search->before[search->steps];
			mark(search, search->bit[event->op], false);
			if (event->match)
				relink_event(event->match);
			relink_event(event);
			event = event->next;
			continue;
		}
		(*tried)++;
		if (linear_apply(&after, op)) {
			mark(search, search->bit[event->op], true);
			if (is_new(search, &after)) {
				search->before[search->steps] = state;
				search->step[search->steps++] = event;
				state = after;
				unlink_event(event);
				if (event->match)
					unlink_event(event->match);
				event = search->head.next;
				if (search->memory.words * 8 > memory)
					return LINEAR_UNDECIDED;
				continue;
			}
			mark(search, search->bit[event->op], false);
		}
		event = event->next;
	}
	return LINEAR_OK;
}

static void check_key(struct search *search, size_t memory, struct linear_report *out)
{
	size_t words;

	search->event = memory_new(2 * search->count * sizeof(struct event));
	search->bit = memory_new(search->count * sizeof(size_t));
	search->step = memory_new(search->count * sizeof(struct event *));
	search->before = memory_new(search->count * sizeof(struct linear_state));
	number_bits(search);
	words = search->bits / 64 + 1;
	search->done = memory_new(words * 8);
	search->key = memory_new((words + 3) * 8);
	search->low = search->high = search->pending_words;
	link_events(search);
	out->verdict = explore(search, memory, &out->steps);
	out->key = search->history[search->index[0]].key;
	out->op = search->stuck;
	memory_fini(&search->memory);
	memory_free(search->event);
	memory_free(search->bit);
	memory_free(search->step);
	memory_free(search->before);
	memory_free(search->done);
	memory_free(search->key);
}

/* ---- a history ---- */

struct place {
	const struct linear_op *op;
	size_t index;
};

static int by_key(const void *a, const void *b)
{
	const struct place *one = a, *other = b;

	if (one->op->key != other->op->key)
		return one->op->key < other->op->key ? -1 : 1;
	if (one->op->invoked != other->op->invoked)
		return one->op->invoked < other->op->invoked ? -1 : 1;
	return one->index < other->index ? -1 : one->index > other->index;
}

/* Reads come after the write whose position they saw; among themselves in the order of time. */
static int by_position(const void *a, const void *b)
{
	const struct place *one = a, *other = b;
	bool reads = linear_is_read(one->op->kind), other_reads = linear_is_read(other->op->kind);

	if (one->op->position != other->op->position)
		return one->op->position < other->op->position ? -1 : 1;
	if (reads != other_reads)
		return reads ? 1 : -1;
	if (one->op->invoked != other->op->invoked)
		return one->op->invoked < other->op->invoked ? -1 : 1;
	return one->index < other->index ? -1 : one->index > other->index;
}

static struct place *places_of(const struct linear_op *ops, size_t count, int (*order)(const void *, const void *))
{
	struct place *place = memory_new((count + 1) * sizeof(*place));

	for (size_t i = 0; i < count; i++)
		place[i] = (struct place){&ops[i], i};
	qsort(place, count, sizeof(*place), order);
	return place;
}

void linear_check(const struct linear_op *ops, size_t count, size_t memory, struct linear_report *out)
{
	struct place *place = places_of(ops, count, by_key);
	size_t *index = memory_new((count + 1) * sizeof(size_t));
	struct linear_report undecided = {.verdict = LINEAR_OK};

	*out = (struct linear_report){.verdict = LINEAR_OK};
	for (size_t i = 0; i < count; i++)
		index[i] = place[i].index;
	for (size_t from = 0, to; from < count && out->verdict != LINEAR_VIOLATED; from = to) {
		for (to = from; to < count && place[to].op->key == place[from].op->key; )
			to++;
		check_key(&(struct search){.history = ops, .index = index + from, .count = to - from}, memory, out);
		if (out->verdict == LINEAR_UNDECIDED)
			undecided = *out;
	}
	if (out->verdict == LINEAR_OK && undecided.verdict == LINEAR_UNDECIDED)
		*out = undecided;
	memory_free(index);
	memory_free(place);
}

/* ---- the witness ---- */

static bool in_real_time(const struct place *place, size_t count, struct linear_report *out)
{
	int64_t latest = INT64_MIN;
	uint64_t written = 0;

	for (size_t i = 0; i < count; i++) {
		const struct linear_op *op = place[i].op;

		if (op->position == 0 || op->returned == LINEAR_PENDING)
			continue;
		out->steps++;
		if (op->returned < latest || (!linear_is_read(op->kind) && op->position == written)) {
			*out = (struct linear_report){LINEAR_VIOLATED, op->key, place[i].index, out->steps};
			return false;
		}
		latest = op->invoked > latest ? op->invoked : latest;
		if (!linear_is_read(op->kind))
			written = op->position;
	}
	return true;
}

static int by_key_then_position(const void *a, const void *b)
{
	const struct place *one = a, *other = b;

	if (one->op->key != other->op->key)
		return one->op->key < other->op->key ? -1 : 1;
	return by_position(a, b);
}

/* One key, in the order of positions. Those without one come first; one of them that may have had an effect ends it. */
static bool explains(const struct place *place, size_t count, struct linear_report *out)
{
	struct linear_state state = linear_state_first;

	for (size_t i = 0; i < count; i++) {
		const struct linear_op *op = place[i].op;

		if (op->position == 0 && !linear_is_read(op->kind))
			return true;
		if (op->position > 0 && !linear_apply(&state, op)) {
			*out = (struct linear_report){LINEAR_VIOLATED, op->key, place[i].index, out->steps};
			return false;
		}
	}
	return true;
}

void linear_witness(const struct linear_op *ops, size_t count, struct linear_report *out)
{
	struct place *place = places_of(ops, count, by_position);
	size_t from = 0, to;
	bool fine;

	*out = (struct linear_report){.verdict = LINEAR_OK};
	fine = in_real_time(place, count, out);
	qsort(place, count, sizeof(*place), by_key_then_position);
	for (; fine && from < count; from = to) {
		for (to = from; to < count && place[to].op->key == place[from].op->key; )
			to++;
		fine = explains(place + from, to - from, out);
	}
	memory_free(place);
}
