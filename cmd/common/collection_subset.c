/*
 * collection_subset.c - whether another set has everything that a set has: 0 yes, 1 no. Two questions, one after the other:
 * the first one is read as a whole, the second one is asked about it in batches. Each set is as it is when it is asked.
 */
#include "base/list.h"
#include "base/memory.h"
#include "cmd/common/collection_command.h"
#include "cmd/common/collection_pages.h"
#include "collections/result.h"
#include "collections/sequence.h"
#include "collections/set_wire.h"

#define BATCH_BYTES (256u * 1024)

/* Keys for one question. */
struct keys_batch {
	struct list place;
	struct buffer keys;              /* a sequence */
};

struct comparing {
	struct asker asker;
	const struct collection_invocation *invocation;
	struct collection_shape shape;
	struct collection_pages pages;   /* of the first set */
	struct list batches;
	uint64_t ticket;
	bool is_second;                  /* the other set is asked now */
	enum type type;                  /* of the keys of the first one */
};

static void on_entry(void *self, uint64_t index, const struct bytes part[PARTS])
{
	struct comparing *comparing = self;
	struct keys_batch *batch = LIST_OF(comparing->batches.prev, struct keys_batch, place);
	size_t size = sequence_size(part[PART_KEY]);

	(void)index;
	if (list_is_empty(&comparing->batches) || batch->keys.size + size > BATCH_BYTES) {
		batch = memory_new(sizeof *batch);
		*batch = (struct keys_batch){0};
		list_append(&comparing->batches, &batch->place);
	}
	sequence_put(&batch->keys, part[PART_KEY]);
}

static void drop_first(struct comparing *comparing)
{
	struct keys_batch *batch = LIST_OF(comparing->batches.next, struct keys_batch, place);

	list_remove(&batch->place);
	buffer_fini(&batch->keys);
	memory_free(batch);
}

/* The next question, or the end of it. */
static void ask(struct comparing *comparing)
{
	struct buffer text = {0};
	struct group_query query;
	bool more = !list_is_empty(&comparing->batches);

	if (comparing->is_second && more)
		set_has_all(&text, buffer_bytes(&LIST_OF(comparing->batches.next, struct keys_batch, place)->keys));
	else if (!comparing->is_second)
		more = pages_ask(&comparing->pages, &text);
	if (more) {
		query = collection_query(comparing->invocation->settings, ++comparing->ticket, buffer_bytes(&text));
		(void)asker_query(&comparing->asker, &query);      /* one at a time is always taken */
	} else {
		asker_leave(&comparing->asker, EXIT_YES);
	}
	buffer_fini(&text);
}

static void on_up(struct asker *asker, msec now)
{
	struct comparing *comparing = asker->self;

	(void)now;
	if (!collection_found(asker, &comparing->shape))
		return;
	comparing->ticket = 0;
	if (!comparing->is_second)
		comparing->type = comparing->shape.type[PART_KEY];
	if (comparing->shape.type[PART_KEY] == comparing->type) {
		ask(comparing);
		return;
	}
	report("types", NULL, "set '%s' is of type %s, set '%s' of %s", comparing->invocation->store, type_name(comparing->type),
		asker->name, type_name(comparing->shape.type[PART_KEY]));
	asker_leave(asker, EXIT_UNAVAILABLE);
}

static bool read_answer(struct comparing *comparing, const struct client_fact *fact, bool *has_all)
{
	struct result result;

	*has_all = true;
	if (!comparing->is_second)
		return pages_answer(&comparing->pages, fact->position, fact->bytes) == OK;
	if (result_decode(fact->bytes, &result) != OK || outcome_is_refusal(result.outcome))
		return false;
	*has_all = result.outcome == OUTCOME_DONE;
	drop_first(comparing);
	return true;
}

static void on_fact(struct asker *asker, msec now, const struct client_fact *fact)
{
	struct comparing *comparing = asker->self;
	bool has_all;

	if (fact->kind != CLIENT_RESULT || asker_retry(asker, now, fact->reason))
		return;
	if (fact->reason != OK) {
		asker_leave(asker, asker_outcome(asker, fact->reason));
	} else if (!read_answer(comparing, fact, &has_all)) {
		report("malformed", NULL, "the member's answer cannot be understood");
		asker_leave(asker, EXIT_PROTOCOL);
	} else if (!has_all) {
		asker_leave(asker, EXIT_NO);
	} else {
		ask(comparing);
	}
}

static bool again(struct asker *asker)
{
	(void)asker;
	return true;
}

static int run(struct comparing *comparing)
{
	const struct collection_invocation *invocation = comparing->invocation;

	comparing->asker = (struct asker){.up = on_up, .fact = on_fact, .again = again, .self = comparing};
	collection_asker(invocation, &comparing->asker);
	if (comparing->is_second)
		comparing->asker.name = invocation->operand[0];
	return asker_run(&comparing->asker);
}

int collection_subset_run(const struct collection_invocation *invocation)
{
	struct comparing comparing = {.invocation = invocation};
	int status;

	if (invocation->count != 1)
		usage_error("subset STORE OTHER: that is not what was given");
	list_init(&comparing.batches);
	comparing.pages = (struct collection_pages){.shape = &comparing.shape, .entry = on_entry, .self = &comparing};
	status = run(&comparing);
	comparing.is_second = true;
	if (status == EXIT_YES)
		status = run(&comparing);
	while (!list_is_empty(&comparing.batches))
		drop_first(&comparing);
	pages_fini(&comparing.pages);
	return status;
}
