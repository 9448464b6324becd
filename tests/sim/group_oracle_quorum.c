/*
 * group_oracle_quorum.c - the oracle's part that counts: what is committed is held by majorities, what is said was durable
 * before it was said, configurations follow one another as they must.
 */
#include "tests/sim/group_oracle.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "groups/group_wire.h"
#include "groups/raft_wire.h"

/* ---- commit ---- */

/* Whether this voter still has what it acknowledged. One whose life is over for ever acknowledged it before. */
static bool holds(const struct oracle *oracle, const struct member *voter, uint64_t index, const struct chain *chain)
{
	const struct world *world = oracle->world;
	size_t place = world_place_of(world, &voter->peer);
	const struct place *member;
	struct entry_head head;
	struct shadow_entry entry;

	if (place == world->options.places)
		return false;
	member = &world->place[place];
	if (member->incarnation != voter->incarnation || (!member->group && !world->options.durable[place]))
		return true;
	if (world->options.durable[place]) {
		if (!member->disk.has_hard || member->disk.meta.index > index)
			return true;
		return disk_entry(&member->disk, index, &head) && memcmp(&head.chain, chain, sizeof(*chain)) == 0;
	}
	if (index <= member->shadow.base)
		return true;
	return oracle_shadow(&member->shadow, index, &entry) && memcmp(&entry.chain, chain, sizeof(*chain)) == 0;
}

static bool majority_holds(const struct oracle *oracle, const struct voters *voters, uint64_t index,
	const struct chain *chain)
{
	size_t count = 0;

	for (size_t i = 0; i < voters->count; i++)
		count += holds(oracle, &voters->member[i], index, chain);
	return voters->count == 0 || count >= voters_majority(voters);
}

/* I9 */
static void check_majority(struct oracle *oracle, size_t place, uint64_t index)
{
	const struct raft *raft = group_raft(oracle->world->place[place].group);
	uint64_t written;
	const struct configuration *configuration = raft_configuration(raft, raft_last(raft), &written);
	struct shadow_entry entry;

	if (!oracle_shadow(&oracle->world->place[place].shadow, index, &entry))
		return;
	if (entry.term != raft_term(raft))
		world_fail(oracle->world, "I4: leader %zu of term %" PRIu64 " counts copies of entry %" PRIu64 " of term %" PRIu64, place,
			raft_term(raft), index, entry.term);
	if (!majority_holds(oracle, &configuration->incoming, index, &entry.chain)
		|| !majority_holds(oracle, &configuration->outgoing, index, &entry.chain))
		world_fail(oracle->world, "I9: leader %zu commits %" PRIu64 ", and no majority holds it", place, index);
}

/* I19 */
static void check_size(struct oracle *oracle, struct history *history, const struct voters *voters)
{
	struct world *world = oracle->world;
	const struct group_terms *terms = &world->options.terms;
	size_t cap = terms->voters_cap > 0 ? terms->voters_cap : 5;

	if ((voters->count % 2 == 0 && terms->copies_min < 2) || voters->count > cap || voters->count == 0)
		world_fail(world, "I19: %u voters, at most %zu and odd", voters->count, cap);
	if (history->had_three && voters->count < 3 && terms->voters_min != 1 && !oracle->may_shrink)
		world_fail(world, "I19: three voters once, and %u now", voters->count);
	for (size_t i = 0; i < voters->count; i++) {
		size_t place = world_place_of(world, &voters->member[i].peer);

		if (place == world->options.places || world->options.preference[place] == PREFER_OBSERVER)
			world_fail(world, "I19: member %zu votes and never should", place);
	}
	history->had_three |= voters->count >= 3;
	world->saw[SAW_SEVEN_VOTERS] += voters->count == 7;
}

/* I18: from one to the next by way of both. */
static void check_succession(struct oracle *oracle, struct history *history, const struct configuration *next,
	uint64_t index)
{
	const struct configuration *last = &history->configuration;
	bool fine = history->configuration_index == 0
		|| (configuration_is_joint(next) ? !configuration_is_joint(last) && voters_equal(&next->outgoing, &last->incoming)
			: configuration_is_joint(last) && voters_equal(&next->incoming, &last->incoming));

	if (!fine && !history->missed)
		world_fail(oracle->world, "I18: the configuration of %" PRIu64 " does not follow that of %" PRIu64, index,
			history->configuration_index);
	if (configuration_is_joint(next))
		for (size_t i = 0; i < next->outgoing.count; i++)
			oracle->world->saw[SAW_VOTER_REPLACED] += next->incoming.count >= next->outgoing.count
				&& !voters_have(&next->incoming, &next->outgoing.member[i]);
	check_size(oracle, history, &next->incoming);
	history->missed = false;
	history->configuration = *next;
	history->configuration_index = index;
}

/* A configuration that was written at just this index, as the leader knows it even if the entry is compacted already. */
static void define_configuration(struct oracle *oracle, const struct raft *raft, struct history *history, uint64_t index)
{
	uint64_t written;
	const struct configuration *configuration = raft_configuration(raft, index, &written);

	if (written == index)
		check_succession(oracle, history, configuration, index);
	else
		history->missed = true;   /* a single voter commits, leaves and compacts a joint one in one turn */
}

static void define(struct oracle *oracle, size_t place, struct history *history, uint64_t index)
{
	struct world *world = oracle->world;
	const struct raft *raft = group_raft(world->place[place].group);
	/* A leader that is no voter any more steps down with that very commit. */
	bool leads = raft_role(raft) == RAFT_IS_LEADER || world->place[place].shadow.led_before;
	struct shadow_entry entry = {0};
	bool known = oracle_shadow(&world->place[place].shadow, index, &entry);
	const struct log_entry *written = raft_entry(raft, index);

	if (!known && !leads)
		world_fail(world, "I9: member %zu has a snapshot of what nobody committed, %" PRIu64, place, index);
	if (!leads && index > 1)
		world_fail(world, "I9: member %zu commits %" PRIu64 " before any leader does", place, index);
	history->log = memory_grow(history->log, &history->log_capacity, index, sizeof(*history->log));
	history->log[index - 1] = (struct committed){entry.term, raft_term(raft), entry.chain, known};
	history->committed = index;
	if (written)
		history->position = written->head.position + written->head.commands;
	if (entry.is_configuration || !known)
		define_configuration(oracle, raft, history, index);
}

/* I5 */
/*
 * I11: as many lineages as there were times the expected number of starters. What never committed is none: a beginning that a
 * crash took back, or that only one member remembers, and gives up.
 */
static void check_beginnings(struct oracle *oracle)
{
	struct world *world = oracle->world;
	size_t begun = 0;

	for (size_t i = 0; i < oracle->histories; i++)
		begun += oracle->history[i].committed > 0;
	if (begun * world->options.expect > world->starters)
		world_fail(world, "I11: %zu lineages, and %zu members that started; each is to have %u", begun, world->starters,
			world->options.expect);
}

void oracle_committed(struct oracle *oracle, size_t place, uint64_t from, uint64_t to)
{
	struct world *world = oracle->world;
	const struct shadow *shadow = &world->place[place].shadow;
	struct history *history = &oracle->history[shadow->history];

	for (uint64_t index = from + 1; index <= to && !world->failed; index++) {
		struct shadow_entry entry = {0};

		if (index > history->committed) {
			define(oracle, place, history, index);
			continue;
		}
		if (!oracle_shadow(shadow, index, &entry)) {
			if (index != shadow->base || !shadow->knows_base)
				continue;
			entry.chain = shadow->base_chain;
		}
		if (history->log[index - 1].known
			&& memcmp(&entry.chain, &history->log[index - 1].chain, sizeof(entry.chain)) != 0)
			world_fail(world, "I5: member %zu commits another entry %" PRIu64 " than the others", place, index);
	}
	if (!world->failed && from == 0)
		check_beginnings(oracle);
	if (!world->failed && raft_role(group_raft(world->place[place].group)) == RAFT_IS_LEADER)
		check_majority(oracle, place, to);
}

/* ---- what is said ---- */

/* I7: one vote a term, over the whole life of a member. */
static void check_vote(struct oracle *oracle, size_t place, const struct raft_message *message, uint64_t whom)
{
	const uint64_t key[3] = {message->from, message->term, oracle_short(message->lineage.byte)};

	if (marks_put(&oracle->votes, key, whom) != whom)
		world_fail(oracle->world, "I7: member %zu votes twice in term %" PRIu64, place, message->term);
}

/* I8: nothing is promised that is not durable. */
static void check_durable(struct oracle *oracle, size_t place, const struct raft_message *message)
{
	struct world *world = oracle->world;
	const struct disk *disk = &world->place[place].disk;
	bool asks = message->kind == RAFT_PREVOTE || message->kind == RAFT_PREVOTE_REPLY;
	struct entry_head head;

	if (!asks && message->term > disk->hard.term)
		world_fail(world, "I8: member %zu speaks in term %" PRIu64 ", and has %" PRIu64 " on disk", place, message->term,
			disk->hard.term);
	if (((message->kind == RAFT_VOTE_REPLY && message->granted) || message->kind == RAFT_VOTE)
		&& disk->hard.term == message->term && disk->hard.vote.incarnation
			!= (message->kind == RAFT_VOTE ? message->from : message->to))
		world_fail(world, "I8: member %zu votes in term %" PRIu64 " before its disk knows", place, message->term);
	if ((message->kind == RAFT_APPEND_OK || message->kind == RAFT_HEARTBEAT_REPLY) && message->match > disk->meta.index
		&& !disk_entry(disk, message->match, &head))
		world_fail(world, "I8: member %zu acknowledges %" PRIu64 ", which is not on its disk", place, message->match);
}

/* I10: the last words of a life may follow its end in one turn; once the next has spoken, it is silent for ever. */
static void check_speaker(struct world *world, size_t place, uint64_t speaker)
{
	struct place *member = &world->place[place];

	if (speaker != member->incarnation && (speaker != member->former || member->spoke_anew))
		world_fail(world, "I10: member %zu speaks for another incarnation", place);
	member->spoke_anew |= speaker == member->incarnation;
}

static bool is_ours(struct bytes message, enum group_message_kind kind)
{
	return message.size > 2 && message.data[0] >> 5 == 4 && message.data[1] == 0x18 && message.data[2] == kind;
}

/* I8 of a beginning: who is ready for it is bound to it on its disk. */
static void check_bound(struct oracle *oracle, size_t place, struct bytes bytes)
{
	struct world *world = oracle->world;
	struct id promise = disk_promise(&world->place[place].disk);
	struct group_message message;

	if (group_wire_decode(bytes, &message) != OK)
		world_fail(world, "member %zu says what it would not understand", place);
	else if (world->options.durable[place] && !id_equal(&promise, &message.lineage))
		world_fail(world, "I8: member %zu is ready for a beginning, and has not written that down", place);
	world->binding = !world->calm && world->options.durable[place];
}

void oracle_before_send(struct oracle *oracle, size_t place, const struct group_effect *effect)
{
	struct world *world = oracle->world;
	const struct bytes bytes = blob_bytes(effect->payload);
	size_t to = world_place_of(world, &effect->peer);
	struct raft_message message;

	if (is_ours(bytes, MESSAGE_BIRTH_READY))
		check_bound(oracle, place, bytes);
	if (is_ours(bytes, MESSAGE_CHUNK) && to < world->options.places)
		world->place[to].fed_by |= UINT32_C(1) << place;
	if (bytes.size < 2 || bytes.data[0] >> 5 != 4 || bytes.data[1] == 0 || bytes.data[1] >= RAFT_KINDS)
		return;
	if (raft_wire_decode(bytes, &message) != OK) {
		world_fail(world, "member %zu says what it would not understand", place);
		return;
	}
	check_speaker(world, place, message.from);
	world->handed_over += message.kind == RAFT_TIMEOUT_NOW;
	if (message.kind == RAFT_VOTE)
		check_vote(oracle, place, &message, message.from);
	if (message.kind == RAFT_VOTE_REPLY && message.granted)
		check_vote(oracle, place, &message, message.to);
	if (world->options.durable[place])
		check_durable(oracle, place, &message);
}

void oracle_wrote(struct oracle *oracle, size_t place, const struct persist *persist)
{
	struct world *world = oracle->world;
	const uint64_t key[3] = {persist->hard.incarnation, persist->hard.term, oracle_short(persist->hard.lineage.byte)};

	if (!persist->has_hard || member_is_none(&persist->hard.vote))
		return;
	if (marks_put(&oracle->votes, key, persist->hard.vote.incarnation) != persist->hard.vote.incarnation)
		world_fail(world, "I7: member %zu writes a second vote in term %" PRIu64, place, persist->hard.term);
}
