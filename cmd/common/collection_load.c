/*
 * collection_load.c - entries from stdin into a store, one JSON object a line, as `dump` writes them, or columns between
 * TABs, as `ls` does: what is there already is replaced, of a vec they go to the end. `put STORE -` is another name for it.
 *
 *     lines -> entries -> batches of BATCH_BYTES -> commands, so many under way as the member takes -> results
 *
 * A batch is one command, carried out as a whole or not at all. After the first one that fails nothing more is sent, and
 * stderr says which lines are certainly there.
 */
#include <inttypes.h>

#include "base/check.h"
#include "base/list.h"
#include "base/memory.h"
#include "cmd/common/collection_command.h"
#include "cmd/common/feed.h"
#include "cmd/common/values.h"
#include "collections/cell_wire.h"
#include "collections/map_wire.h"
#include "collections/once_wire.h"
#include "collections/pqueue_wire.h"
#include "collections/sequence.h"
#include "collections/set_wire.h"
#include "collections/vec_wire.h"

#define BATCH_BYTES (128u * 1024)
#define LINE_MAX_BYTES (8u << 20)
#define TICKET_BARRIER 1

/* A command under way. */
struct load_batch {
	struct list place;               /* in the order they were sent */
	uint64_t ticket;
	uint64_t last_line;
	uint64_t entries;
	bool is_done;
};

struct loading {
	struct asker asker;
	const struct collection_invocation *invocation;
	struct collection_shape shape;
	struct feed *feed;               /* NULL before the member is up */
	struct buffer part[PARTS];       /* of the last line */
	struct buffer sequence;          /* of the batch that is being filled */
	struct buffer command;           /* one that found no room yet; empty: none */
	uint64_t line;
	uint64_t entries;                /* in `sequence` or `command` */
	uint64_t ticket;
	struct list batches;
	uint64_t sure;                   /* lines that are certainly there */
	uint64_t refused;                /* entries that a full queue did not take */
	bool in_columns;                 /* not JSON: the first line says which */
	bool is_held;                    /* the entry in `part` is in no batch yet */
	bool ended;                      /* nothing more is read */
	bool has_failed;                 /* a batch; what comes after it counts for nothing */
	int status;
};

static void close_feed(void *self)
{
	struct loading *loading = self;

	feed_close(loading->feed);
	loading->feed = NULL;
}

/* ---- sending ---- */

static void encode(struct loading *loading)
{
	struct bytes sequence = buffer_bytes(&loading->sequence);

	switch (loading->shape.kind) {
	case COLLECTION_MAP:
		map_put_many(&loading->command, sequence);
		break;
	case COLLECTION_VEC:
		vec_extend(&loading->command, sequence);
		break;
	case COLLECTION_SET:
		set_add_many(&loading->command, sequence);
		break;
	case COLLECTION_PQUEUE:
		pqueue_push_many(&loading->command, sequence);
		break;
	case COLLECTION_CELL:
		cell_set(&loading->command, buffer_bytes(&loading->part[PART_VALUE]));
		break;
	case COLLECTION_ONCE:
		once_set(&loading->command, buffer_bytes(&loading->part[PART_VALUE]));
		break;
	case COLLECTION_KINDS:
		break;
	}
}

/* false: there is no room for it now. */
static bool send_command(struct loading *loading)
{
	struct load_batch *batch;

	if (loading->command.size == 0)
		return true;
	if (!asker_propose(&loading->asker, loading->ticket + 1, buffer_bytes(&loading->command)))
		return false;
	batch = memory_new(sizeof *batch);
	*batch = (struct load_batch){.ticket = ++loading->ticket, .last_line = loading->line, .entries = loading->entries};
	list_append(&loading->batches, &batch->place);
	buffer_clear(&loading->command);
	loading->entries = 0;
	return true;
}

static bool send_batch(struct loading *loading)
{
	if (loading->entries > 0 && loading->command.size == 0) {
		encode(loading);
		buffer_clear(&loading->sequence);
	}
	return send_command(loading);
}

/* ---- lines ---- */

static bool is_single(const struct loading *loading)
{
	return loading->shape.kind == COLLECTION_CELL || loading->shape.kind == COLLECTION_ONCE;
}

static size_t size_of_entry(const struct loading *loading)
{
	size_t size = 0;

	for (unsigned i = 0; i < PARTS; i++)
		if (collection_has(loading->shape.kind, (enum part)i))
			size += sequence_size(buffer_bytes(&loading->part[i]));
	return size;
}

static void stop_reading(struct loading *loading, int status)
{
	loading->ended = true;
	if (loading->status == EXIT_YES)
		loading->status = status;
}

static void refuse_line(const struct loading *loading, enum error error)
{
	struct buffer types = {0};

	collection_types_print(&loading->shape, &types);
	if (error == OK)
		report("entry", NULL, "line %" PRIu64 " is too large for one entry", loading->line + 1);
	else
		report("entry", NULL, "line %" PRIu64 " is no entry of a %s of types %.*s", loading->line + 1, loading->asker.kind,
			(int)types.size, (const char *)types.data);
	buffer_fini(&types);
}

static void add_entry(struct loading *loading)
{
	for (unsigned i = 0; i < PARTS; i++)
		if (collection_has(loading->shape.kind, (enum part)i) && !is_single(loading))
			sequence_put(&loading->sequence, buffer_bytes(&loading->part[i]));
	loading->entries++;
	loading->line++;
}

/* Into the batch, or, where that is full, into the next one. false: there is no room for it now. */
static bool place_entry(struct loading *loading)
{
	bool fits = loading->sequence.size + size_of_entry(loading) <= COLLECTION_ENTRY_MAX;

	if (!fits && !send_batch(loading))
		return false;
	loading->is_held = false;
	add_entry(loading);
	if (is_single(loading) || loading->sequence.size >= BATCH_BYTES)
		return send_batch(loading);
	return true;
}

/* Where the first column is JSON it may begin like an entry, which then has other members. */
static bool is_columns(struct loading *loading, struct bytes line)
{
	unsigned first = 0;

	while (!collection_has(loading->shape.kind, (enum part)first))
		first++;
	if (line.size == 0 || line.data[0] != '{')
		return true;
	return loading->shape.type[first] == TYPE_JSON && values_read_entry(&loading->shape, line, loading->part) != OK;
}

static void take_line(struct loading *loading, struct bytes line)
{
	enum error error;

	if (loading->line == 0)
		loading->in_columns = is_columns(loading, line);
	error = (loading->in_columns ? values_read_columns : values_read_entry)(&loading->shape, line, loading->part);

	loading->is_held = error == OK && size_of_entry(loading) <= COLLECTION_ENTRY_MAX;
	if (!loading->is_held) {
		refuse_line(loading, error);
		stop_reading(loading, EXIT_DATA);
	}
}

static void read_lines(struct loading *loading)
{
	struct bytes line;

	while (!loading->ended && send_command(loading)) {
		if (loading->is_held) {
			if (!place_entry(loading))
				return;
			continue;
		}
		switch (feed_next(loading->feed, &line)) {
		case FEED_RECORD:
			take_line(loading, line);
			break;
		case FEED_WAIT:
			return;
		case FEED_END:
			stop_reading(loading, EXIT_YES);
			break;
		case FEED_BAD:
			stop_reading(loading, EXIT_DATA);
			break;
		case FEED_FAILED:
			stop_reading(loading, EXIT_IO);
			break;
		}
	}
}

/* ---- the end ---- */

static void drop_batch(struct load_batch *batch)
{
	list_remove(&batch->place);
	memory_free(batch);
}

static void finish(struct loading *loading)
{
	if (loading->refused > 0)
		warn("%" PRIu64 " entries were not taken: the queue is full of what is not lower", loading->refused);
	if (loading->status != EXIT_YES && loading->sure > 0)
		report("stopped", NULL, "lines 1 to %" PRIu64 " are in %s '%s'", loading->sure, loading->asker.kind, loading->asker.name);
	else if (loading->status != EXIT_YES)
		report("stopped", NULL, "no line is in %s '%s'", loading->asker.kind, loading->asker.name);
	asker_leave(&loading->asker, loading->status);
}

static void on_turn(struct asker *asker, msec now)
{
	struct loading *loading = asker->self;

	(void)now;
	if (!loading->feed)
		return;
	read_lines(loading);
	if (loading->ended && send_batch(loading) && list_is_empty(&loading->batches))
		finish(loading);
}

/* ---- the member ---- */

static void on_up(struct asker *asker, msec now)
{
	struct loading *loading = asker->self;
	struct group_query barrier = {.ticket = TICKET_BARRIER, .level = QUERY_STRONG, .deadline = MSEC_NEVER};

	(void)now;
	if (!collection_found(asker, &loading->shape))
		return;
	loading->ticket = TICKET_BARRIER;
	(void)asker_query(asker, &barrier);
}

static void begin(struct loading *loading)
{
	struct session *session = &loading->asker.ask.session;

	loading->feed = feed_open(runtime_loop(session->runtime), FRAMING_LINES, LINE_MAX_BYTES);
	loading->asker.writes = true;
	session->closing = close_feed;
	session->self = loading;
	runtime_again(session->runtime);
}

static struct load_batch *find_batch(struct loading *loading, uint64_t ticket)
{
	LIST_EACH(place, &loading->batches) {
		struct load_batch *batch = LIST_OF(place, struct load_batch, place);

		if (batch->ticket == ticket)
			return batch;
	}
	return NULL;
}

/* Those at the front that are done: everything up to the last of them is certainly there. */
static void settle(struct loading *loading)
{
	while (!list_is_empty(&loading->batches)) {
		struct load_batch *batch = LIST_OF(loading->batches.next, struct load_batch, place);

		if (!batch->is_done)
			return;
		loading->sure = batch->last_line;
		drop_batch(batch);
	}
}

/* A batch is done, or refused as a whole. */
static bool is_taken(struct loading *loading, const struct load_batch *batch, struct bytes bytes)
{
	struct result result;

	if (result_decode(bytes, &result) != OK) {
		report("malformed", NULL, "the member's answer cannot be understood");
		stop_reading(loading, EXIT_PROTOCOL);
		return false;
	}
	if (result.outcome == OUTCOME_MISMATCH) {
		report("set-before", NULL, "%s '%s' was set before", loading->asker.kind, loading->asker.name);
		stop_reading(loading, EXIT_NO);
		return false;
	}
	if (outcome_is_refusal(result.outcome)) {
		report("refused", NULL, "lines up to %" PRIu64 ": %s", batch->last_line, outcome_name(result.outcome));
		stop_reading(loading, EXIT_DATA);
		return false;
	}
	if (loading->shape.kind == COLLECTION_PQUEUE && result.count < batch->entries)
		loading->refused += batch->entries - result.count;
	return true;
}

static void on_result(struct loading *loading, const struct client_fact *fact)
{
	struct load_batch *batch = find_batch(loading, fact->ticket);

	ASSERT(batch);
	if (fact->reason != OK && loading->status == EXIT_YES)
		stop_reading(loading, asker_outcome(&loading->asker, fact->reason));
	if (fact->reason == OK && is_taken(loading, batch, fact->bytes)) {
		batch->is_done = true;
		settle(loading);
		return;
	}
	/* What comes after it is not sent any more. */
	loading->has_failed = true;
	buffer_clear(&loading->command);
	buffer_clear(&loading->sequence);
	loading->entries = 0;
	loading->is_held = false;
}

static void drop_batches(struct loading *loading)
{
	while (!list_is_empty(&loading->batches))
		drop_batch(LIST_OF(loading->batches.next, struct load_batch, place));
}

static void on_fact(struct asker *asker, msec now, const struct client_fact *fact)
{
	struct loading *loading = asker->self;

	if (fact->kind != CLIENT_RESULT)
		return;
	if (loading->feed) {
		on_result(loading, fact);
		if (loading->has_failed && asker->open == 0 && !asker->ask.session.leaving)
			finish(loading);
	} else if (fact->reason == OK) {
		begin(loading);
	} else if (!asker_retry(asker, now, fact->reason)) {
		asker_leave(asker, asker_outcome(asker, fact->reason));
	}
}

int collection_load_run(const struct collection_invocation *invocation)
{
	struct loading loading = {.invocation = invocation, .asker = {.up = on_up, .fact = on_fact, .turn = on_turn}};
	int status;

	if (invocation->count > 0)
		usage_error("'%s' is one operand too many: entries come from stdin", invocation->operand[0]);
	list_init(&loading.batches);
	collection_asker(invocation, &loading.asker);
	loading.asker.self = &loading;
	status = asker_run(&loading.asker);
	drop_batches(&loading);
	for (unsigned i = 0; i < PARTS; i++)
		buffer_fini(&loading.part[i]);
	buffer_fini(&loading.sequence);
	buffer_fini(&loading.command);
	return status;
}
