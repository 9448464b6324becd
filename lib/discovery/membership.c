/*
 * membership.c - see membership.h: a small set without order that forgets at random.
 */
#include "discovery/membership.h"

#include "base/check.h"

#include <string.h>

static size_t position(const struct membership *membership, const struct id *peer)
{
	size_t at = 0;

	while (at < membership->count && !id_equal(&membership->passive[at], peer))
		at++;
	return at;
}

bool membership_has(const struct membership *membership, const struct id *peer)
{
	return position(membership, peer) < membership->count;
}

void membership_add(struct membership *membership, const struct id *peer, struct rng *rng)
{
	ASSERT(!id_is_zero(peer));
	if (membership_has(membership, peer))
		return;
	if (membership->count < MEMBERSHIP_PASSIVE_MAX)
		membership->passive[membership->count++] = *peer;
	else
		membership->passive[rng_below(rng, MEMBERSHIP_PASSIVE_MAX)] = *peer;
}

void membership_remove(struct membership *membership, const struct id *peer)
{
	size_t at = position(membership, peer);

	if (at < membership->count)
		membership->passive[at] = membership->passive[--membership->count];
}

size_t membership_sample(const struct membership *membership, struct rng *rng, struct id *out, size_t most)
{
	struct id pool[MEMBERSHIP_PASSIVE_MAX];
	size_t left = membership->count;
	size_t count = 0;

	memcpy(pool, membership->passive, left * sizeof(pool[0]));
	while (count < most && left > 0) {
		size_t at = (size_t)rng_below(rng, left);

		out[count++] = pool[at];
		pool[at] = pool[--left];
	}
	return count;
}

void membership_check(const struct membership *membership)
{
	ASSERT(membership->count <= MEMBERSHIP_PASSIVE_MAX);
	for (size_t i = 0; i < membership->count; i++) {
		ASSERT(!id_is_zero(&membership->passive[i]));
		ASSERT(position(membership, &membership->passive[i]) == i);
	}
}
