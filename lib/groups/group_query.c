/*
 * group_query.c - reads. A strong one first passes raft's barrier; every one waits until the replica stands where it is
 * wanted; then the state is asked, or the owner of an external one.
 */
#include "groups/group_internal.h"

#include "base/check.h"
#include "base/memory.h"

void group_ask(struct group *group, uint64_t ticket, bool is_query, uint64_t position)
{
	struct asked *asked = memory_new(sizeof *asked);

	ASSERT(number_table_get(&group->asked, ticket) == NULL);   /* tickets are answered once */
	*asked = (struct asked){is_query, position, *raft_lineage(group->raft)};
	number_table_put(&group->asked, ticket, asked);
}

void group_answer(struct group *group, msec now, uint64_t ticket, enum error outcome, struct bytes answer)
{
	struct asked *asked = number_table_remove(&group->asked, ticket);
	struct group_fact *fact;

	group->now = now;
	if (asked == NULL)
		return;   /* its deadline passed */
	fact = group_tell(group, asked->is_query ? GROUP_ANSWER : GROUP_RESULT);
	fact->ticket = ticket;
	fact->reason = outcome;
	fact->position = asked->position;
	fact->lineage = asked->lineage;
	fact->bytes = answer.size > 0 ? blob_copy(answer) : NULL;
	memory_free(asked);
}

void group_queries_fini(struct group *group)
{
	for (size_t i = 0; i < group->query_count; i++)
		blob_drop(group->query[i].bytes);
	memory_free(group->query);
	for (size_t i = 0; i < group->asked.count; i++)
		memory_free(group->asked.slot[i].value);
	number_table_fini(&group->asked);
}

static struct query *add(struct group *group, const struct query *query)
{
	group->query = memory_grow(group->query, &group->query_capacity, group->query_count + 1, sizeof *group->query);
	group->query[group->query_count] = *query;
	group->dirty = true;
	return &group->query[group->query_count++];
}

static void fail(struct group *group, uint64_t ticket, enum error reason)
{
	struct group_fact *fact = group_tell(group, GROUP_ANSWER);

	fact->ticket = ticket;
	fact->reason = reason;
	fact->position = group->replica.position;
}

void group_query(struct group *group, msec now, const struct group_query *query)
{
	ASSERT(query->ticket != 0);
	group->now = now;
	if (group->query_count >= GROUP_QUERIES_MAX) {
		fail(group, query->ticket, ERROR_BUSY);
		return;
	}
	add(group, &(struct query){
		.ticket = query->ticket,
		.level = query->level,
		.position = query->position,
		.deadline = query->deadline,
		.bytes = query->query.size > 0 ? blob_copy(query->query) : NULL,
		.passed = query->level == QUERY_LOCAL,
	});
}

void group_read_for_statement(struct group *group)
{
	add(group, &(struct query){.level = QUERY_STRONG,
		.deadline = group->now + group->options.terms.timing.election_timeout});
}

static struct query *query_of(struct group *group, uint64_t read)
{
	for (size_t i = 0; i < group->query_count; i++) {
		if (group->query[i].read == read)
			return &group->query[i];
	}
	return NULL;
}

void group_query_readable(struct group *group, uint64_t read, uint64_t index)
{
	struct query *query = query_of(group, read);

	if (query == NULL)
		return;   /* it was given up */
	query->passed = true;
	query->index = index;
}

void group_query_failed(struct group *group, uint64_t read)
{
	struct query *query = query_of(group, read);

	if (query == NULL)
		return;
	query->read = 0;
	query->ask_at = group->now + group->options.terms.timing.heartbeat / 4 + 1;
}

static void state_position(struct group *group, const struct query *query)
{
	struct group_message message = {.kind = MESSAGE_STATEMENT, .lineage = *raft_lineage(group->raft),
		.index = group->replica.position};

	ASSERT(query->ticket == 0);
	group->stating = false;
	for (size_t i = 0; i < group->peers.count; i++) {
		const struct peer *peer = group->peers.slot[i].value;

		if (peer->up && !id_is_zero(&peer->hello.lineage) && !id_equal(&peer->hello.lineage, &message.lineage))
			group_say(group, &peer->id, LANE_CONTROL, &message);
	}
}

static void answer(struct group *group, struct query *query)
{
	struct buffer out = {0};
	struct group_fact *fact;
	enum error reason = OK;

	if (query->ticket == 0) {
		state_position(group, query);
		return;
	}
	if (group->options.external && query->bytes != NULL) {
		group_ask(group, query->ticket, true, group->replica.position);
		fact = group_tell(group, GROUP_QUESTION);
		fact->ticket = query->ticket;
		fact->position = group->replica.position;
		fact->bytes = blob_keep(query->bytes);
		return;
	}
	if (query->bytes != NULL)
		reason = group->replica.state.ops->query(group->replica.state.self, blob_bytes(query->bytes), &out);
	fact = group_tell(group, GROUP_ANSWER);
	fact->ticket = query->ticket;
	fact->reason = reason;
	fact->position = group->replica.position;
	fact->lineage = *raft_lineage(group->raft);
	fact->bytes = reason == OK && out.size > 0 ? blob_copy(buffer_bytes(&out)) : NULL;
	buffer_fini(&out);
}

static bool is_due(const struct group *group, const struct query *query)
{
	return query->passed && !group->restoring && group->replica.index >= query->index
		&& group->replica.position >= query->position;
}

/* Whether it is done with. */
static bool step(struct group *group, struct query *query)
{
	if (is_due(group, query)) {
		answer(group, query);
		return true;
	}
	if (!query->passed && group->replica.frozen && query->ticket != 0) {
		fail(group, query->ticket, ERROR_FROZEN);
		return true;
	}
	if (group->now >= query->deadline) {
		if (query->ticket != 0)
			fail(group, query->ticket, ERROR_TIMEOUT);
		else
			group->stating = false;
		return true;
	}
	if (!query->passed && query->read == 0 && group->online && group->now >= query->ask_at) {
		query->read = ++group->last_read;
		raft_read(group->raft, group->now, query->read);
	}
	return false;
}

bool group_queries_turn(struct group *group)
{
	size_t kept = 0;
	uint64_t asked = group->last_read;

	for (size_t i = 0; i < group->query_count; i++) {
		if (step(group, &group->query[i]))
			blob_drop(group->query[i].bytes);
		else
			group->query[kept++] = group->query[i];
	}
	group->query_count = kept;
	return group->last_read != asked;   /* raft has something to say */
}

msec group_queries_deadline(const struct group *group)
{
	msec at = MSEC_NEVER;

	for (size_t i = 0; i < group->query_count; i++) {
		const struct query *query = &group->query[i];

		at = msec_min(at, query->deadline);
		if (!query->passed && query->read == 0 && group->online)
			at = msec_min(at, query->ask_at);
	}
	return at;
}
