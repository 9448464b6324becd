/*
 * recovery.c - see recovery.h.
 */
#include "groups/recovery.h"

#include "base/check.h"
#include "base/rng.h"
#include "groups/raft.h"
#include "groups/replica.h"

/* Would a member of that lineage, carrying the log out, come to an entry with which it gives way? See lineage.h. */
static bool gives_way(const struct raft *raft, const struct id *lineage)
{
	for (uint64_t index = raft_first(raft); index <= raft_last(raft); index++) {
		const struct log_entry *entry = raft_entry(raft, index);
		struct surrender ours = {*lineage, entry->head.position}, to;

		if (entry->head.kind == ENTRY_DISSOLVE && surrender_decode(blob_bytes(entry->payload), &to) == OK
			&& surrender_compare(&ours, &to) < 0)
			return true;
	}
	return false;
}

static uint64_t position_of(const struct raft *raft, const struct image *image)
{
	const struct log_entry *last = raft_entry(raft, raft_last(raft));

	return last != NULL ? last->head.position + last->head.commands : image->meta.position;
}

/* Entries that do not go on from the snapshot are none: see raft_life.c. */
static uint64_t leftover_of(const struct raft *raft, const struct image *image)
{
	bool is_leftover = image->count > 0 && image->entry[image->count - 1].head.index > raft_last(raft);

	return is_leftover ? raft_last(raft) + 1 : 0;
}

/* One that gives way nowhere in the log: `to` may be as long as ours there, and then it is the ids that decide. */
static struct id new_lineage(const struct raft *raft, struct rng *rng)
{
	struct id lineage;

	do {
		uint8_t nonce[2 * sizeof(uint64_t)];

		bytes_put_be64(nonce, rng_next(rng));
		bytes_put_be64(nonce + sizeof(uint64_t), rng_next(rng));
		lineage = id_derive(raft_lineage(raft), bytes_of(nonce, sizeof nonce));
	} while (gives_way(raft, &lineage));
	return lineage;
}

static void append_configuration(const struct raft *raft, const struct recovered *from, const struct hard_state *hard,
	const struct id *peer, struct persist *request)
{
	struct configuration alone = {.incoming = {.count = 1, .member = {{*peer, hard->incarnation}}}};
	struct log_entry entry = {.head = {.index = from->index + 1, .term = hard->term, .kind = ENTRY_CONFIGURATION,
		.position = from->position}};
	struct buffer payload = {0};
	struct chain last;
	bool is_known = raft_chain(raft, from->index, &last);

	ASSERT(is_known);
	configuration_encode(&alone, &payload);
	entry.payload = blob_copy(buffer_bytes(&payload));
	buffer_fini(&payload);
	entry.head.chain = chain_extend(&last, &entry.head, blob_bytes(entry.payload));
	persist_append(request, &entry);
	blob_drop(entry.payload);
}

static struct persist *make_request(const struct raft *raft, const struct image *image, const struct id *peer, uint64_t seed,
	const struct recovered *from)
{
	struct persist *request = persist_new(1);
	struct rng rng;

	rng_init(&rng, seed ^ image->hard.incarnation);
	request->has_hard = true;
	request->hard.lineage = new_lineage(raft, &rng);
	request->hard.term = image->hard.term + 1;
	request->hard.had_three = image->hard.had_three;
	do
		request->hard.incarnation = rng_next(&rng);
	while (request->hard.incarnation == 0 || request->hard.incarnation == image->hard.incarnation);
	request->truncate_from = leftover_of(raft, image);
	append_configuration(raft, from, &request->hard, peer, request);
	return request;
}

enum recovery recovery_plan(const struct image *image, const struct id *peer, uint64_t seed, struct recovered *out,
	struct persist **request)
{
	struct raft_options options = {.self = {*peer, image->hard.incarnation}, .timing = raft_timing_default};
	enum recovery outcome = RECOVERY_POSSIBLE;
	struct raft *raft;
	uint64_t written;

	if (image->hard.incarnation == 0 || id_is_zero(&image->hard.lineage))
		return RECOVERY_EMPTY;
	raft = raft_new(&options, image, 0);   /* it knows what of the image counts */
	if (raft_last(raft) == 0) {
		outcome = RECOVERY_EMPTY;
	} else if (gives_way(raft, raft_lineage(raft))) {
		outcome = RECOVERY_DISSOLVED;
	} else {
		*out = (struct recovered){.index = raft_last(raft), .position = position_of(raft, image),
			.voters = raft_configuration(raft, raft_last(raft), &written)->incoming.count};
		out->term = raft_entry(raft, out->index) != NULL ? raft_entry(raft, out->index)->head.term : image->meta.term;
		*request = make_request(raft, image, peer, seed, out);
	}
	raft_free(raft);
	return outcome;
}
