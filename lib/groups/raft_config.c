/*
 * raft_config.c - who votes: a pure function of the snapshot and the log, and the arithmetic of majorities.
 *
 * B33: the log is the only source. C5: the list below holds the snapshot's configuration and one element for every entry
 * GENESIS or CONFIGURATION behind it, kept in step with every append, truncation and installation; raft_check computes it
 * again from the log.
 *
 *      configured[]     snapshot's @40   joint @52   simple @53
 *                                           ^ committed (commit = 52)
 *                                                       ^ effective: in force as soon as it is in the log (B5, B6)
 */
#include "groups/raft_internal.h"

#include "base/check.h"
#include "base/memory.h"

#include <string.h>

static const struct configuration nobody;

const struct configuration *raft_configuration(const struct raft *raft, uint64_t index, uint64_t *written)
{
	for (size_t i = raft->configured_count; i-- > 0;) {
		if (raft->configured[i].index <= index) {
			*written = raft->configured[i].index;
			return &raft->configured[i].configuration;
		}
	}
	*written = 0;
	return &nobody;
}

const struct configuration *raft_config_effective(const struct raft *raft)
{
	size_t count = raft->configured_count;

	return count > 0 ? &raft->configured[count - 1].configuration : &nobody;
}

const struct configuration *raft_config_committed(const struct raft *raft)
{
	uint64_t written;

	return raft_configuration(raft, raft->commit, &written);
}

const struct configuration *raft_config_certain(const struct raft *raft)
{
	size_t count = raft->configured_count;

	if (count > 1 && raft->configured[count - 1].index > raft->commit)
		return &raft->configured[count - 2].configuration;
	return raft_config_committed(raft);
}

uint64_t raft_config_index(const struct raft *raft)
{
	return raft->configured_count > 0 ? raft->configured[raft->configured_count - 1].index : 0;
}

static void push(struct raft *raft, uint64_t index, const struct configuration *configuration)
{
	size_t count = raft->configured_count;

	ASSERT(count == 0 || raft->configured[count - 1].index < index);
	raft->configured = memory_grow(raft->configured, &raft->configured_capacity, count + 1,
		sizeof(*raft->configured));
	raft->configured[count] = (struct configured){index, *configuration};
	raft->configured_count++;
}

void raft_config_appended(struct raft *raft, const struct log_entry *entry)
{
	struct configuration configuration;
	enum error error;

	if (entry->head.kind != ENTRY_GENESIS && entry->head.kind != ENTRY_CONFIGURATION)
		return;
	error = configuration_decode(blob_bytes(entry->payload), &configuration);
	ASSERT(error == OK);   /* checked when it was decoded, or made here */
	push(raft, entry->head.index, &configuration);
}

void raft_config_truncated(struct raft *raft, uint64_t from)
{
	while (raft->configured_count > 0 && raft->configured[raft->configured_count - 1].index >= from)
		raft->configured_count--;
}

/* B8, B14: a snapshot holds what was in force at its index and nothing later; below it nothing else survives. */
void raft_config_rebased(struct raft *raft, const struct snapshot_meta *meta)
{
	size_t gone = 0;
	size_t kept;

	while (gone < raft->configured_count && raft->configured[gone].index <= meta->index)
		gone++;
	kept = raft->configured_count - gone;
	raft->configured = memory_grow(raft->configured, &raft->configured_capacity, kept + 1,
		sizeof(*raft->configured));
	memmove(raft->configured + 1, raft->configured + gone, kept * sizeof(*raft->configured));
	raft->configured[0] = (struct configured){meta->configuration_index, meta->configuration};
	raft->configured_count = kept + 1;
}

/* The largest value that a majority has at least; B18: each member of the set counts once. */
static uint64_t agreed(const struct raft *raft, const struct voters *voters,
	uint64_t (*value)(const struct raft *raft, const struct member *member))
{
	uint64_t sorted[VOTERS_MAX];   /* descending */

	ASSERT(voters->count <= VOTERS_MAX);
	for (size_t i = 0; i < voters->count; i++) {
		uint64_t mine = value(raft, &voters->member[i]);
		size_t place = i;

		for (; place > 0 && sorted[place - 1] < mine; place--)
			sorted[place] = sorted[place - 1];
		sorted[place] = mine;
	}
	return sorted[voters_majority(voters) - 1];
}

uint64_t raft_config_quorum(const struct raft *raft, const struct configuration *configuration,
	uint64_t (*value)(const struct raft *raft, const struct member *member))
{
	uint64_t incoming, outgoing;

	if (configuration->incoming.count == 0)
		return 0;
	incoming = agreed(raft, &configuration->incoming, value);
	if (!configuration_is_joint(configuration))
		return incoming;
	/* Dissertation 4.3: agreement needs separate majorities of the old and of the new. */
	outgoing = agreed(raft, &configuration->outgoing, value);
	return incoming < outgoing ? incoming : outgoing;
}
