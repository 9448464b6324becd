/*
 * catalog.h - who is known: the newest entry of every peer of this network, the goodbyes of those who left, and the
 * events that tell a reader what changed.
 *
 * A goodbye stays as a tombstone for purge_after, so that an older entry that still travels cannot bring its peer
 * back. Staleness is judged by when *we* last heard news, never by the peer's clock.
 */
#ifndef DISCOVERY_CATALOG_H
#define DISCOVERY_CATALOG_H

#include "base/log.h"
#include "discovery/entry_pool.h"
#include "discovery/peer_table.h"
#include "wire/limits.h"

#define CATALOG_PURGE_AFTER 300000   /* msec without news until a peer is dropped */
#define CATALOG_SETTLE 4000          /* msec until a refresh should be everywhere */

enum catalog_result {
	CATALOG_NEW,         /* first entry of the peer, or the first after its goodbye */
	CATALOG_UPDATED,     /* newer than the one we had, or signed where we had an unsigned one */
	CATALOG_LEFT,        /* a goodbye that ended a live entry, or a first or newer goodbye of a peer without one */
	CATALOG_KNOWN,       /* the same version as ours */
	CATALOG_OLDER,       /* older than ours, or than a goodbye */
	CATALOG_FOREIGN,     /* another network */
	CATALOG_REFUSED      /* full, or about ourselves: nobody else speaks for us */
};

struct catalog_peer {
	struct entry *entry;       /* an entry, or the goodbye of a tombstone */
	msec heard_at;             /* when the newest version got here, less the age it had: may be negative */
	uint32_t rtt_us : 30;      /* 0: unknown; half an hour is the most */
	bool is_refresh : 1;       /* the newest version says what the one before it said */
	bool is_suspected : 1;     /* departed without a goodbye: hidden, until a newer version comes */
	uint32_t before;           /* a refresh: the version before it was made so many msec earlier; 0: longer */
};

/* PEER_UPDATED: it says something else than before, or it started anew; a mere new announcement is no event. */
enum catalog_event_kind { PEER_DISCOVERED, PEER_UPDATED, PEER_DEPARTED };

struct catalog_event {
	enum catalog_event_kind kind;
	struct entry *entry;       /* the newest known (for PEER_DEPARTED the last entry); the reader drops it */
};

struct catalog {
	struct id network;
	struct id self;
	const struct crypto *crypto;
	const struct log *log;
	msec purge_after;
	struct peer_table peers;        /* own entry and tombstones included */
	struct entry_pool *pool;        /* borrowed: entries shared with other nodes of this process; NULL: none */
	size_t live;                    /* peers that are neither tombstones nor suspected, self included */
	uint64_t revision;              /* grows with every change of any entry */
	msec oldest;                    /* not after any heard_at but our own; MSEC_NEVER: nobody to purge */
	msec wall_ahead;                /* the wall clock less `now`; MSEC_NEVER: not told yet */
	struct version rival;           /* newest version of our own id that came from elsewhere; zero: none. Two live
	                                   processes with one key, or our clock was set back */
	struct entry *rival_entry;      /* that version, until it is taken; NULL */
	struct catalog_event event[CATALOG_EVENTS_MAX];   /* ring */
	size_t event_first;
	size_t event_count;
	uint64_t events_lost;           /* not read in time; the reader takes and clears it */
	uint64_t entries_refused;       /* malformed, badly signed or foreign ones, skipped */
};

void catalog_init(struct catalog *catalog, const struct id *network, const struct id *self, const struct crypto *crypto,
	const struct log *log);
void catalog_fini(struct catalog *catalog);

/*
 * Kept: takes a reference of its own. Self is put with catalog_put_self. `heard_at` is now, or earlier for an entry
 * that was this long with somebody else: so a silent peer ends everywhere at the same time.
 */
enum catalog_result catalog_put(struct catalog *catalog, msec heard_at, struct entry *entry);
/* Our own entry, or our goodbye. */
void catalog_put_self(struct catalog *catalog, msec now, struct entry *entry);

/*
 * Decodes, verifies and puts. On CATALOG_NEW, _UPDATED and _LEFT *entry (if not NULL) is borrowed from the catalog.
 * What is no news is not verified: the result then says nothing about the signature.
 */
MUST_CHECK enum error catalog_put_signed(struct catalog *catalog, msec heard_at, struct bytes signed_bytes,
	enum catalog_result *result, struct entry **entry);

/* Reads the head, and verifies nothing. ERROR_MALFORMED. */
MUST_CHECK enum error catalog_peek(const struct catalog *catalog, struct bytes signed_bytes, struct entry_label *out);

/* What would become of this entry, if its signature is good. */
enum catalog_result catalog_judge(const struct catalog *catalog, const struct entry_label *head, bool is_signed);

/*
 * Its crash went unrefuted: it is hidden like a departed one, with PEER_DEPARTED, if nothing newer than `version` is known.
 * Not a goodbye: its version stays known to anti-entropy, so that catalogs that heard of the crash and those that did not
 * have equal digests, and nobody sends the dead entry in circles. false: nothing to hide.
 */
bool catalog_suspect(struct catalog *catalog, msec now, const struct id *peer, const struct version *version);

/* NULL: unknown, left or thought dead. */
const struct catalog_peer *catalog_find(const struct catalog *catalog, const struct id *peer);
/* Live peers in id order: start with *at = 0; NULL at the end. A change of the catalog ends the walk. */
const struct catalog_peer *catalog_next(const struct catalog *catalog, size_t *at);

/* What anti-entropy compares: version known of a peer, goodbyes included; false: nothing known that is signed. */
bool catalog_version(const struct catalog *catalog, const struct id *peer, struct version *version, bool *is_goodbye);
/*
 * Sums of marks over all that is signed and no goodbye, the suspected included: equal for those who know the same. A sum
 * of hashes hides what its owner makes collide at great expense, and that is only his own entry.
 *
 * Somebody always just announced himself again, so digests of large catalogs would never be equal. A refresh that was made after
 * `cut` (wall clock of its owner, msec) therefore counts as the version before it: what was made before the cut is
 * everywhere by now, or was lost. What says anything new always counts. If a clock is wrong, so that neither version is
 * before the cut, the newest counts.
 */
struct catalog_digest {
	uint64_t part[2];
};
uint64_t catalog_cut(const struct catalog *catalog, msec now);
struct catalog_digest catalog_digest(const struct catalog *catalog, uint64_t cut);
bool catalog_digest_equal(const struct catalog_digest *a, const struct catalog_digest *b);
/* The same by the first `bits` bits of the id: 1 << bits sums of the first parts. */
void catalog_sums(const struct catalog *catalog, uint64_t cut, unsigned bits, uint64_t *sum);
/* Told once a turn, for catalog_cut and whoever asks. */
void catalog_set_wall(struct catalog *catalog, msec now, msec wall);
msec catalog_wall(const struct catalog *catalog, msec now);   /* MSEC_NEVER: not told yet */

/* Dropped without a goodbye, because somebody who knows does not list it any more. Nothing happens if it is unknown. */
void catalog_forget(struct catalog *catalog, msec now, const struct id *peer);

void catalog_set_rtt(struct catalog *catalog, const struct id *peer, uint64_t rtt_us);

/* Drops what has been silent for purge_after, and old tombstones. Next due: catalog_deadline. */
void catalog_purge(struct catalog *catalog, msec now);
msec catalog_deadline(const struct catalog *catalog);

/* The entry by which a rival was noticed, once; NULL: there is no news of one. The caller drops it. */
struct entry *catalog_take_rival(struct catalog *catalog);

/* Oldest unread event; false: none. */
bool catalog_next_event(struct catalog *catalog, struct catalog_event *event);

void catalog_check(const struct catalog *catalog);

#endif
