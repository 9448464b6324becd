/*
 * load.h - what the load generators have in common: chance from a seed, and the store or group that they are for.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/common/group_name.h"
#include "discovery/card.h"

/* The next of a row of numbers; *state is not 0. */
static inline uint64_t load_draw(uint64_t *state, uint64_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % below;
}

/* Whether this peer is a member of the one called so; *group: its id. */
static inline bool load_is_member(const struct card *card, const char *kind, const char *name, struct id *group)
{
	const char *listed, *types;

	for (size_t i = 0; i < card->groups.count; i++) {
		listed = card_name(card, &card->groups.id[i]);
		if (!listed || !group_name_matches(listed, kind, name, &types))
			continue;
		*group = card->groups.id[i];
		return true;
	}
	return false;
}

#endif
