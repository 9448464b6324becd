/*
 * membership.h - HyParView's passive view, and its constants (Leitao, Pereira, Rodrigues: HyParView, DSN 2007).
 * The active view is the set of links of announce; this is the memory of whom else to try.
 *
 * The paper fills the passive view from random walks because no node knows the members. Here the catalog lists all of
 * them, so anybody can be drawn at any time; what the catalog cannot say is who was reachable a moment ago. That is what
 * the view holds: peers that shuffles, joins and ended links spoke of lately. A dial is drawn from the view
 * first and from the catalog when the view has nobody left, so that neither a poor walk nor a stale view isolates a node.
 */
#ifndef DISCOVERY_MEMBERSHIP_H
#define DISCOVERY_MEMBERSHIP_H

#include "base/id.h"
#include "base/rng.h"

#define MEMBERSHIP_PASSIVE_MAX 30
#define MEMBERSHIP_ARWL 6              /* hops of a joining walk (FORWARDJOIN) and of a shuffle */
#define MEMBERSHIP_PRWL 3              /* hops left at which a joining walk is remembered in passing */
#define MEMBERSHIP_SHUFFLE_PASSIVE 4   /* of a shuffle's sample, k_p; k_a is 3 */
#define MEMBERSHIP_SHUFFLE_ACTIVE 3

/* Zero-initialised is empty and valid. */
struct membership {
	struct id passive[MEMBERSHIP_PASSIVE_MAX];
	size_t count;
};

bool membership_has(const struct membership *membership, const struct id *peer);
/* HyParView: when the passive view is full, a random one makes room. */
void membership_add(struct membership *membership, const struct id *peer, struct rng *rng);
void membership_remove(struct membership *membership, const struct id *peer);
/* Up to `most` different ones, at random. Returns how many. */
size_t membership_sample(const struct membership *membership, struct rng *rng, struct id *out, size_t most);
void membership_check(const struct membership *membership);

#endif
