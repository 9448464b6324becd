/*
 * group_oracle.c - what must be true after every step of a member; the numbers are those of the list in README.md.
 *
 * The oracle compares each member's log with a shadow of it, from the end down to where they agree, so that a step costs as
 * much as it changed; and every member with one history of the lineage that all of them have to agree on.
 */
#include "tests/sim/group_oracle.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "groups/raft_wire.h"
#include "tests/sim/states.h"

/* ---- facts by number ---- */

static size_t slot_of(const struct marks *marks, const uint64_t key[3])
{
	size_t at = (size_t)linear_chain(linear_chain(key[0], key[1]), key[2]) & (marks->slots - 1);

	while (marks->slot[at].used && memcmp(marks->slot[at].key, key, sizeof(marks->slot[at].key)) != 0)
		at = (at + 1) & (marks->slots - 1);
	return at;
}

uint64_t marks_put(struct marks *marks, const uint64_t key[3], uint64_t value)
{
	struct mark *mark;

	if (marks->count * 2 >= marks->slots) {
		struct marks old = *marks;

		marks->slots = old.slots > 0 ? old.slots * 2 : 256;
		marks->slot = memory_new(marks->slots * sizeof(*marks->slot));
		for (size_t i = 0; i < old.slots; i++)
			if (old.slot[i].used)
				marks->slot[slot_of(marks, old.slot[i].key)] = old.slot[i];
		memory_free(old.slot);
	}
	mark = &marks->slot[slot_of(marks, key)];
	if (mark->used)
		return mark->value;
	*mark = (struct mark){.key = {key[0], key[1], key[2]}, .value = value, .used = true};
	marks->count++;
	return value;
}

void marks_fini(struct marks *marks)
{
	memory_free(marks->slot);
	*marks = (struct marks){0};
}

uint64_t oracle_short(const void *bytes)
{
	uint64_t number;

	memcpy(&number, bytes, sizeof(number));
	return number;
}

/* ---- lineages ---- */

size_t oracle_history(const struct oracle *oracle, const struct id *lineage)
{
	for (size_t at = 0; at < oracle->histories; at++)
		if (id_equal(&oracle->history[at].lineage, lineage))
			return at;
	return SIZE_MAX;
}

static size_t history_of(struct oracle *oracle, const struct id *lineage)
{
	size_t at = oracle_history(oracle, lineage);

	if (at != SIZE_MAX || id_is_zero(lineage))
		return at;
	at = oracle->histories;
	ASSERT(at < ORACLE_LINEAGES_MAX);
	oracle->history[oracle->histories++].lineage = *lineage;
	if (oracle->histories > 1)
		oracle->world->saw[SAW_TWO_LINEAGES]++;
	return at;
}

static struct history *numbered(const struct oracle *oracle, size_t number)
{
	return number == SIZE_MAX ? NULL : (struct history *)(uintptr_t)&oracle->history[number];
}

static struct history *history_at(const struct oracle *oracle, size_t place)
{
	return numbered(oracle, oracle->world->place[place].shadow.history);
}

static void forget(struct shadow *shadow)
{
	shadow->base = shadow->count = 0;
	shadow->knows_base = false;
	shadow->commit = shadow->term = shadow->applied = shadow->reported = 0;
	shadow->was_leader = false;
}

static void enter_lineage(struct oracle *oracle, size_t place)
{
	struct shadow *shadow = &oracle->world->place[place].shadow;
	const struct id *lineage = raft_lineage(group_raft(oracle->world->place[place].group));

	/* Somebody new remembers nothing, in another lineage or in the same. */
	if (id_equal(&shadow->lineage, lineage) && shadow->incarnation == oracle->world->place[place].incarnation)
		return;
	forget(shadow);
	shadow->incarnation = oracle->world->place[place].incarnation;
	shadow->lineage = *lineage;
	shadow->history = history_of(oracle, lineage);
}

/* ---- logs ---- */

bool oracle_shadow(const struct shadow *shadow, uint64_t index, struct shadow_entry *out)
{
	if (index <= shadow->base || index > shadow->base + shadow->count)
		return false;
	*out = shadow->entry[index - shadow->base - 1];
	return true;
}

static void remember(struct shadow *shadow, const struct entry_head *head)
{
	shadow->entry = memory_grow(shadow->entry, &shadow->capacity, shadow->count + 1, sizeof(*shadow->entry));
	shadow->entry[shadow->count++] = (struct shadow_entry){head->term, head->chain,
		head->kind == ENTRY_CONFIGURATION || head->kind == ENTRY_GENESIS};
}

void oracle_began(struct oracle *oracle, size_t place, const struct image *image)
{
	struct shadow *shadow = &oracle->world->place[place].shadow;

	forget(shadow);
	shadow->incarnation = oracle->world->place[place].incarnation;
	shadow->lineage = image ? image->hard.lineage : (struct id){{0}};
	shadow->history = history_of(oracle, &shadow->lineage);
	if (!image || id_is_zero(&image->hard.lineage))
		return;
	shadow->base = image->count > 0 ? image->entry[0].head.index - 1 : image->meta.index;
	shadow->knows_base = shadow->base == image->meta.index;
	shadow->base_chain = image->meta.chain;
	for (size_t i = 0; i < image->count; i++)
		remember(shadow, &image->entry[i].head);
	shadow->term = image->hard.term;
	shadow->reported = shadow->applied = image->meta.position;
}

static bool same_chain(const struct chain *a, const struct chain *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* I2, I12: what a log may lose. */
static void truncated(struct oracle *oracle, size_t place, uint64_t from)
{
	struct world *world = oracle->world;
	struct shadow *shadow = &world->place[place].shadow;
	const struct raft *raft = group_raft(world->place[place].group);
	struct shadow_entry entry;

	if (from <= shadow->commit)
		world_fail(world, "I12: member %zu drops entry %" PRIu64 ", committed up to %" PRIu64, place, from, shadow->commit);
	if (shadow->was_leader && raft_role(raft) == RAFT_IS_LEADER && raft_term(raft) == shadow->term)
		world_fail(world, "I2: leader %zu drops its own entry %" PRIu64, place, from);
	world->saw[SAW_TRUNCATION]++;
	for (uint64_t index = from; oracle_shadow(shadow, index, &entry); index++)
		world->saw[SAW_TRUNCATED_CONFIGURATION] += entry.is_configuration;
	shadow->count = (size_t)(from - shadow->base - 1);
}

/* I3: one (index, term), one history. */
static void appended(struct oracle *oracle, size_t place, const struct log_entry *entry)
{
	const uint64_t key[3] = {entry->head.index, entry->head.term};
	struct world *world = oracle->world;
	struct history *history = history_at(oracle, place);
	uint64_t chain = oracle_short(entry->head.chain.byte);

	if (history && marks_put(&history->written, key, chain) != chain)
		world_fail(world, "I3: entry %" PRIu64 " of term %" PRIu64 " has another history at member %zu",
			entry->head.index, entry->head.term, place);
	remember(&world->place[place].shadow, &entry->head);
}

static void restart_shadow(struct shadow *shadow, const struct raft *raft)
{
	shadow->base = raft_first(raft) - 1;
	shadow->count = 0;
	shadow->knows_base = raft_chain(raft, shadow->base, &shadow->base_chain);
}

/* The last index at which log and shadow agree; both hold more only beyond it. */
static uint64_t agreement(struct shadow *shadow, const struct raft *raft)
{
	uint64_t first = raft_first(raft), last = raft_last(raft), index = shadow->base + shadow->count;
	struct shadow_entry entry;
	struct chain chain;

	index = index < last ? index : last;
	for (; index >= first && oracle_shadow(shadow, index, &entry); index--)
		if (same_chain(&entry.chain, &raft_entry(raft, index)->head.chain))
			return index;
	if (index + 1 < first || (oracle_shadow(shadow, index, &entry) && raft_chain(raft, index, &chain)
		&& !same_chain(&entry.chain, &chain))) {
		restart_shadow(shadow, raft);   /* a snapshot was installed */
		return shadow->base;
	}
	return index;
}

static bool follow_log(struct oracle *oracle, size_t place)   /* true: it changed in a way that may concern configurations */
{
	struct shadow *shadow = &oracle->world->place[place].shadow;
	const struct raft *raft = group_raft(oracle->world->place[place].group);
	uint64_t base = shadow->base, index = agreement(shadow, raft), last = raft_last(raft);
	bool concerns = shadow->base != base;

	if (index < shadow->base + shadow->count) {
		concerns = true;
		truncated(oracle, place, index + 1);
	}
	for (index++; index <= last; index++) {
		const struct log_entry *entry = raft_entry(raft, index);

		oracle->world->saw[SAW_FREEZE] += entry->head.kind == ENTRY_FREEZE;
		oracle->world->freezing |= !oracle->world->calm && entry->head.kind == ENTRY_FREEZE && raft_role(raft) == RAFT_IS_LEADER;
		oracle->world->saw[SAW_THAW] += entry->head.kind == ENTRY_THAW;
		concerns |= entry->head.kind == ENTRY_CONFIGURATION || entry->head.kind == ENTRY_GENESIS;
		appended(oracle, place, entry);
	}
	return concerns;
}

/* I17: the configuration in force is the last one in the log, and a leader has at most one that is not committed. */
static void check_configuration(struct oracle *oracle, size_t place)
{
	struct world *world = oracle->world;
	const struct shadow *shadow = &world->place[place].shadow;
	const struct raft *raft = group_raft(world->place[place].group);
	const struct configuration *in_force;
	struct configuration found;
	uint64_t written = 0, open = 0, index = shadow->base + shadow->count;
	bool is_open;

	for (; index > shadow->base && !shadow->entry[index - shadow->base - 1].is_configuration; index--)
		;
	if (index <= shadow->base || index < raft_first(raft))
		return;
	in_force = raft_configuration(raft, raft_last(raft), &written);
	if (written != index || configuration_decode(blob_bytes(raft_entry(raft, index)->payload), &found) != OK
		|| !voters_equal(&found.incoming, &in_force->incoming) || !voters_equal(&found.outgoing, &in_force->outgoing))
		world_fail(world, "I17: member %zu acts by the configuration of %" PRIu64 ", its log has one at %" PRIu64, place,
			written, index);
	is_open = index > raft_commit(raft);
	for (; index > shadow->base && index > raft_commit(raft); index--)
		open += shadow->entry[index - shadow->base - 1].is_configuration;
	if (raft_role(raft) == RAFT_IS_LEADER && open > 1)
		world_fail(world, "I17: leader %zu has %" PRIu64 " configurations that are not committed", place, open);
	if (!configuration_is_joint(&found)) {
		world->removing = !world->calm && raft_role(raft) == RAFT_IS_LEADER && is_open
			&& !configuration_has(&found, &(struct member){world->place[place].peer, world->place[place].incarnation});
		world->saw[SAW_REMOVED_LEADER] += world->removing;
		return;
	}
	world->saw[SAW_JOINT]++;
	world->joint = !world->calm && is_open;
}

/* ---- leaders ---- */

/* I1, I4 */
static void became_leader(struct oracle *oracle, size_t place)
{
	struct world *world = oracle->world;
	const struct shadow *shadow = &world->place[place].shadow;
	uint64_t term = raft_term(group_raft(world->place[place].group)), who = world->place[place].incarnation;
	const uint64_t key[3] = {term};
	struct history *history = &oracle->history[shadow->history];
	struct shadow_entry entry;
	size_t index = history->committed;

	world->saw[SAW_ELECTION]++;
	if (marks_put(&history->leaders, key, who) != who)
		world_fail(world, "I1: member %zu is the second leader of term %" PRIu64, place, term);
	while (index > 0 && (history->log[index - 1].by_term >= term || !history->log[index - 1].known))
		index--;
	if (index <= shadow->base)
		return;
	if (!oracle_shadow(shadow, index, &entry) || !same_chain(&entry.chain, &history->log[index - 1].chain))
		world_fail(world, "I4: member %zu leads term %" PRIu64 " without entry %zu, committed in term %" PRIu64, place, term,
			index, history->log[index - 1].by_term);
}

static void check_term(struct oracle *oracle, size_t place)
{
	struct world *world = oracle->world;
	struct shadow *shadow = &world->place[place].shadow;
	const struct raft *raft = group_raft(world->place[place].group);
	bool leads = raft_role(raft) == RAFT_IS_LEADER;

	if (raft_term(raft) < shadow->term)
		world_fail(world, "I6: the term of member %zu goes back from %" PRIu64 " to %" PRIu64, place, shadow->term,
			raft_term(raft));
	if (raft_commit(raft) < shadow->commit)
		world_fail(world, "I6: member %zu takes back its commit of %" PRIu64, place, shadow->commit);
	if (raft_commit(raft) > raft_last(raft))
		world_fail(world, "I6: member %zu commits %" PRIu64 " and has %" PRIu64, place, raft_commit(raft), raft_last(raft));
	if (leads && (!shadow->was_leader || raft_term(raft) != shadow->term))
		became_leader(oracle, place);
	world->saw[SAW_STEPPED_DOWN] += shadow->was_leader && !leads;
	shadow->led_before = shadow->was_leader;
	shadow->was_leader = leads;
	shadow->term = raft_term(raft);
}

/* ---- the state ---- */

/* I20, I21: equal states at equal positions, however they came about. */
static void check_state(struct oracle *oracle, size_t place)
{
	struct world *world = oracle->world;
	struct shadow *shadow = &world->place[place].shadow;
	const struct state *state = group_state(world->place[place].group);
	struct history *history = history_at(oracle, place);
	struct id hash;
	struct applied *applied;

	if (!history || shadow->reported == 0 || shadow->reported == shadow->applied || shadow->reported > history->positions)
		return;
	shadow->applied = shadow->reported;
	hash = state->ops->hash(state->self);
	applied = &history->applied[shadow->reported - 1];
	if (applied->has_hash && applied->hash != oracle_short(hash.byte))
		world_fail(world, "I20: the state of member %zu differs at position %" PRIu64, place, shadow->reported);
	applied->hash = oracle_short(hash.byte);
	applied->has_hash = true;
}

void oracle_look(struct oracle *oracle, size_t place)
{
	struct world *world = oracle->world;
	struct shadow *shadow = &world->place[place].shadow;
	const struct raft *raft = group_raft(world->place[place].group);
	uint64_t commit;
	bool concerns;

	enter_lineage(oracle, place);
	if (shadow->history == SIZE_MAX)
		return;
	concerns = follow_log(oracle, place);
	if (world->failed)
		return;
	check_term(oracle, place);
	if (concerns)
		check_configuration(oracle, place);
	commit = shadow->commit;
	shadow->commit = raft_commit(raft);
	if (shadow->commit > commit)
		oracle_committed(oracle, place, commit, shadow->commit);
	check_state(oracle, place);
}

/* ---- commands ---- */

static void put_version(struct history *history, uint64_t key, uint64_t position, struct linear_state state)
{
	struct cell_versions *cell = &history->cell[key];

	cell->version = memory_grow(cell->version, &cell->capacity, cell->count + 1, sizeof(*cell->version));
	cell->version[cell->count++] = (struct version){position, state};
}

static struct linear_state cell_at(const struct history *history, uint64_t position, uint64_t key)
{
	const struct cell_versions *cell = &history->cell[key];
	size_t low = 0, high = cell->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (cell->version[middle].position <= position)
			low = middle + 1;
		else
			high = middle;
	}
	return low == 0 ? linear_state_first : cell->version[low - 1].state;
}

static struct applied *position_of(struct history *history, uint64_t position)
{
	if (position > history->positions) {
		size_t old = history->positions;

		history->applied = memory_grow(history->applied, &history->applied_capacity, position, sizeof(struct applied));
		memset(history->applied + old, 0, (position - old) * sizeof(struct applied));
		history->positions = position;
	}
	return &history->applied[position - 1];
}

/* Positions between two that a member told in a row hold nothing, for everybody. */
static void check_gap(struct oracle *oracle, size_t place, struct history *history, uint64_t to)
{
	for (uint64_t position = oracle->world->place[place].shadow.reported + 1; position < to; position++) {
		struct applied *between = position_of(history, position);

		if (between->known && between->name != 0)
			world_fail(oracle->world, "I5: member %zu leaves out the command of position %" PRIu64, place, position);
		between->known = true;
	}
}

static bool read_command(const struct world *world, struct bytes command, struct linear_op *op, uint64_t *name)
{
	return world->workload ? workload_read_name(command, name) : states_read_command(command, op, name);
}

static void apply_to_cell(struct history *history, uint64_t position, const struct linear_op *op, struct applied *applied)
{
	struct linear_state state = cell_at(history, position, op->key);

	applied->before = state;
	(void)linear_apply(&state, op);
	put_version(history, op->key, position, state);
}

/* I5, I13 for commands. */
static void check_applied(struct oracle *oracle, size_t place, const struct group_fact *fact)
{
	struct world *world = oracle->world;
	struct shadow *shadow = &world->place[place].shadow;
	struct history *history = history_at(oracle, place);
	struct linear_op op = {.blind = true};
	struct applied *applied;
	uint64_t name;

	if (!history || !read_command(world, blob_bytes(fact->bytes), &op, &name)) {
		world_fail(world, "member %zu applies what nobody said", place);
		return;
	}
	if (fact->position <= shadow->reported)
		world_fail(world, "I6: member %zu applies position %" PRIu64 " after %" PRIu64, place, fact->position,
			shadow->reported);
	check_gap(oracle, place, history, fact->position);
	shadow->reported = fact->position;
	applied = position_of(history, fact->position);
	if (applied->known && applied->name != name)
		world_fail(world, "I5: position %" PRIu64 " holds another command at member %zu", fact->position, place);
	if (applied->known || world->failed)
		return;
	*applied = (struct applied){.name = name, .known = true};
	if (!clients_applied(world->clients, name, fact->position))
		return;
	if (world->workload)
		workload_applied(world->workload, shadow->history, fact->position, name);
	else
		apply_to_cell(history, fact->position, &op, applied);
}

/*
 * I23: only the weaker of two histories gives way, so never each to the other. This is all there ever will
 * be of ours; the other can only have grown since. Who did not hear of that, and finds that the others have left, goes with
 * whichever history it meets first, and that one may be about to give way itself.
 */
static void check_surrender(struct oracle *oracle, size_t place, const struct group_fact *fact)
{
	struct history *ours = history_at(oracle, place);
	const struct history *other = numbered(oracle, oracle_history(oracle, &fact->lineage));
	bool is_decided = ours && ours->gave_way;

	if (!ours || !other)
		return;
	ours->gave_way = true;
	if (is_decided || fact->position < other->position
		|| (fact->position == other->position && id_compare(&ours->lineage, &other->lineage) < 0))
		return;
	world_fail(oracle->world, "I23: member %zu gives up a history of %" PRIu64 " commands for one of %" PRIu64, place,
		fact->position, other->position);
}

void oracle_fact(struct oracle *oracle, size_t place, const struct group_fact *fact)
{
	struct world *world = oracle->world;
	struct shadow *shadow = &world->place[place].shadow;

	if (fact->kind == GROUP_DISSOLVED)
		check_surrender(oracle, place, fact);
	if (fact->kind == GROUP_DISSOLVED && history_at(oracle, place) && fact->position > history_at(oracle, place)->archived)
		history_at(oracle, place)->archived = fact->position;
	/* What is told before the end of a lineage is of that one, whatever the member is by now. */
	if (shadow->history == SIZE_MAX || fact->kind == GROUP_DISSOLVED)
		enter_lineage(oracle, place);
	if (fact->kind == GROUP_APPLIED) {
		check_applied(oracle, place, fact);
	} else if (fact->kind == GROUP_RESTORED) {
		if (fact->position < shadow->reported)
			world_fail(world, "I6: member %zu goes back to position %" PRIu64 " by a snapshot", place, fact->position);
		shadow->reported = fact->position;
		world->saw[SAW_SNAPSHOT_INSTALLED]++;
		world->saw[SAW_INSTALL_FROM_SEVERAL] += (world->place[place].fed_by & (world->place[place].fed_by - 1)) != 0;
		world->place[place].fed_by = 0;
		world->saw[SAW_INSTALL_WHILE_JOINT] += history_at(oracle, place)
			&& configuration_is_joint(&history_at(oracle, place)->configuration);
	}
}

struct linear_state oracle_cell(const struct oracle *oracle, size_t number, uint64_t position, uint64_t key)
{
	const struct history *history = numbered(oracle, number);

	return history ? cell_at(history, position, key) : linear_state_first;
}

uint64_t oracle_applied(const struct oracle *oracle, size_t number, uint64_t position, struct linear_state *before)
{
	const struct history *history = numbered(oracle, number);

	if (!history || position == 0 || position > history->positions)
		return 0;
	*before = history->applied[position - 1].before;
	return history->applied[position - 1].name;
}

uint64_t oracle_acknowledged(const struct oracle *oracle, size_t number)
{
	const struct history *history = numbered(oracle, number);

	return history ? history->acknowledged : 0;
}

void oracle_acknowledge(struct oracle *oracle, size_t number, uint64_t position)
{
	struct history *history = numbered(oracle, number);

	if (history && position > history->acknowledged)
		history->acknowledged = position;
}

size_t oracle_lineages(const struct oracle *oracle)
{
	return oracle->histories;
}

bool oracle_configuration(const struct oracle *oracle, struct configuration *out)
{
	const struct world *world = oracle->world;
	const struct history *history = NULL;

	for (size_t place = 0; place < world->options.places && !history; place++)
		if (world->place[place].group)
			history = history_at(oracle, place);
	if (!history && oracle->histories > 0)
		history = &oracle->history[0];
	if (!history || history->configuration_index == 0)
		return false;
	*out = history->configuration;
	return true;
}

void oracle_left(struct oracle *oracle)
{
	oracle->may_shrink = true;
}

/* I23: what was acknowledged in a history that gave way was archived by somebody. */
static void check_archives(struct oracle *oracle)
{
	for (size_t i = 0; i < oracle->histories; i++) {
		bool stays = false;

		for (size_t place = 0; place < oracle->world->options.places; place++)
			stays |= oracle->world->place[place].group && oracle->world->place[place].shadow.history == i;
		if (!stays && oracle->history[i].acknowledged > oracle->history[i].archived)
			world_fail(oracle->world, "I23: lineage %zu is gone, %" PRIu64 " commands were acknowledged, %" PRIu64
				" archived", i, oracle->history[i].acknowledged, oracle->history[i].archived);
	}
}

static void check_content(struct oracle *oracle, size_t place)
{
	struct world *world = oracle->world;
	const struct place *member = &world->place[place];
	const struct state *state = world->options.external ? &member->external : group_state(member->group);

	if (!workload_is_content(world->workload, member->shadow.history, state))
		world_fail(world, "I13: in the end member %zu does not hold what was acknowledged", place);
}

/* In the end everybody holds what the history says. */
void oracle_finish(struct oracle *oracle)
{
	struct world *world = oracle->world;

	check_archives(oracle);
	for (size_t place = 0; place < world->options.places; place++) {
		const struct place *member = &world->place[place];

		if (!member->group)
			continue;
		if (world->workload) {
			check_content(oracle, place);
			continue;
		}
		for (uint64_t key = 0; key < world->options.keys; key++) {
			struct linear_op op = {.kind = key % 3 == 0 ? LINEAR_READ : key % 3 == 1 ? LINEAR_COUNT : LINEAR_LIST, .key = key};
			struct linear_state expected = oracle_cell(oracle, member->shadow.history, UINT64_MAX, key);
			struct buffer query = {0}, answer = {0};
			const struct state *state = group_state(member->group);

			states_query(&op, &query);
			if (state->ops->query(state->self, buffer_bytes(&query), &answer) != OK
				|| !states_read_result(buffer_bytes(&answer), &op) || !linear_apply(&expected, &op))
				world_fail(world, "I13: in the end member %zu does not hold what was acknowledged of key %" PRIu64, place, key);
			buffer_fini(&query);
			buffer_fini(&answer);
		}
	}
}

struct oracle *oracle_new(struct world *world)
{
	struct oracle *oracle = memory_new(sizeof(*oracle));

	oracle->world = world;
	for (size_t place = 0; place < world->options.places; place++)
		world->place[place].shadow.history = SIZE_MAX;
	return oracle;
}

void oracle_free(struct oracle *oracle)
{
	for (size_t i = 0; i < oracle->histories; i++) {
		struct history *history = &oracle->history[i];

		memory_free(history->log);
		memory_free(history->applied);
		for (size_t key = 0; key < STATES_CELLS; key++)
			memory_free(history->cell[key].version);
		marks_fini(&history->written);
		marks_fini(&history->leaders);
	}
	for (size_t place = 0; place < oracle->world->options.places; place++)
		memory_free(oracle->world->place[place].shadow.entry);
	marks_fini(&oracle->votes);
	memory_free(oracle);
}
