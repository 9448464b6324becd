/*
 * announce_internal.h - what the parts of announce share.
 *
 *     announce.c            our entry, the machine
 *     announce_gossip.c     entries and goodbyes of others: Plumtree, with broadcast.[ch]
 *     announce_views.c      joining, random walks, priorities: HyParView, with membership.[ch]
 *     announce_doubts.c     pings, probes, suspicions, with suspicion.[ch]
 *     announce_links.c      links and neighbours
 *     announce_contacts.c   whom to dial, and when
 *     announce_strangers.c  the lost, and mixing
 */
#ifndef DISCOVERY_ANNOUNCE_INTERNAL_H
#define DISCOVERY_ANNOUNCE_INTERNAL_H

#include "discovery/announce.h"
#include "discovery/announce_wire.h"
#include "discovery/broadcast.h"
#include "discovery/membership.h"
#include "discovery/suspicion.h"

enum contact_kind {
	CONTACT_BOOTSTRAP,   /* dialled for ever */
	CONTACT_DRAWN,       /* from the catalog; kept as a memory of when it may be drawn again */
	CONTACT_ONCE         /* a hint, one of the lost, a stranger: forgotten when its link ends */
};

/* Somebody to dial. */
struct contact {
	enum contact_kind kind;
	struct dial dial;
	struct id answered;      /* who that is: dial.peer, or who was found there last; zero: not known yet */
	link_id link;            /* ours to it, until unlinked(); 0: none */
	msec retry_at;
	msec retry_span;         /* the next wait, before jitter */
	bool is_urgent;          /* it may cost somebody else's place: the end of a joining walk */
	bool is_lost;            /* one of announce.lost: it may not be there at all */
	bool is_probe;           /* dialled to see whether it answers; not kept unless there is room */
};

enum announce_link_state { LINK_DIALLING, LINK_WAITING, LINK_UP, LINK_CLOSING };

struct announce_link {
	struct link link;        /* peer: zero while dialling */
	enum announce_link_state state;
	struct contact *contact; /* NULL: the peer opened it */
	msec up_at;
	msec heard_at;
	msec quiet;              /* this long after heard_at a ping is due; if we spoke last, ANNOUNCE_QUIET_SPOKE later */
	bool has_spoken_last;    /* we, as far as is known: our word was acknowledged after its last one */
	msec ping_due;           /* of its answer; 0: none is open; MSEC_NEVER: its silence was doubted already */
	bool has_spoken;         /* the peer: its first word, JOIN or NEIGHBOR, was heard */
	bool has_joined;         /* it was JOIN: the peer knows nobody */
	size_t outstanding;      /* bytes sent and not acknowledged */
	unsigned bad;            /* entries on it that were malformed or badly signed */
	bool skew_named;         /* its clock was named in the log */
};

/* Who wants to know from us whether somebody is there. */
#define ASKERS_MAX 32
struct asker {
	struct id asker;
	struct id target;
	msec until;
};

struct announce {
	struct announce_options options;
	struct catalog *catalog;
	struct rng rng;
	msec now;                /* newest we were told of */
	msec wall;               /* the wall clock at wall_at */
	msec wall_at;

	struct card card;        /* what the next entry will say */
	struct entry *entry;     /* newest signed; NULL: none yet, or a guest */
	msec signed_at;
	msec sign_at;            /* a change waits until then; MSEC_NEVER: none does */
	msec announce_at;                /* periodic */
	bool unsent;             /* signed without an outbox at hand: to be flooded at the next chance */
	bool departed;

	struct number_table links;       /* link id -> struct announce_link, ours and theirs */
	struct id_table neighbours;      /* peer -> struct announce_link, the one that is LINK_UP */
	size_t dialling;                 /* but the lost */
	struct contact **contact;        /* in the order they were added */
	size_t contact_count;
	size_t contact_capacity;
	uint64_t drawn_revision;         /* of the catalog when it was last searched for peers to dial */
	msec draw_at;                    /* not before: a catalog full of dead peers is not dialled in a storm */
	msec draw_span;

	struct lost *lost;               /* lost[0 .. lost_count), without order */
	size_t lost_count;
	size_t lost_capacity;
	msec lost_at;                    /* the next dial of one of them; MSEC_NEVER: there is none */
	msec mix_at;
	msec mix_span;
	size_t mix_live;                 /* peers at the last mixing */

	struct membership membership;
	struct broadcast broadcast;
	struct suspicion suspicion;
	struct announce_counters counters;
	struct asker asker[ASKERS_MAX];
	size_t asker_count;
	msec shuffle_at;
	msec flood_at;                   /* since then, */
	uint64_t flood_count;            /* anti-entropy has brought so much news */
	bool is_unbundling;              /* more news of the same message follows */
	bool has_slept;                  /* nothing happened to us for long: not the others were silent, we were away */

	struct announce_fact *fact;      /* fact[fact_first .. fact_count) are waiting */
	size_t fact_first;
	size_t fact_count;
	size_t fact_capacity;
};

/* announce.c */
void announce_put_fact(struct announce *announce, const struct announce_fact *fact);
void announce_greet(struct announce *announce, struct announce_link *link, struct outbox *out);   /* a new neighbour */

/* announce_gossip.c */
void announce_gossip_spread(struct announce *announce, struct entry *news, unsigned round, const struct id *from,
	struct outbox *out);
void announce_gossip_offer(struct announce *announce, struct entry *news, const struct id *from, struct outbox *out);
void announce_gossip_greet(struct announce *announce, struct announce_link *link, struct outbox *out);   /* with recent news */
bool announce_gossip_is_young(const struct announce *announce, const struct version *version);   /* within the drift */
void announce_gossip_carry_out(struct announce *announce, struct outbox *out);   /* what broadcast wants sent */
enum error announce_gossip_receive(struct announce *announce, struct announce_link *link,
	const struct announce_message *message, struct outbox *out);

/* announce_views.c */
void announce_views_first_word(struct announce *announce, struct announce_link *link, struct outbox *out);
bool announce_views_is_urgent(const struct announce *announce, const struct contact *contact);
void announce_views_receive(struct announce *announce, struct announce_link *link,
	const struct announce_message *message, struct outbox *out);
void announce_views_tick(struct announce *announce, struct outbox *out);
/* A neighbour at random but these two (may be NULL); NULL: there is no other. */
struct announce_link *announce_views_random(struct announce *announce, const struct id *not_this, const struct id *nor_this);

/* announce_doubts.c */
void announce_doubts_heard(struct announce *announce, struct announce_link *link, struct outbox *out);
void announce_doubts_begin(struct announce *announce, const struct id *peer, struct outbox *out);
void announce_doubts_dial_failed(struct announce *announce, const struct id *peer, struct outbox *out);
void announce_doubts_receive(struct announce *announce, struct announce_link *link,
	const struct announce_message *message, struct outbox *out);
void announce_doubts_greet(struct announce *announce, struct announce_link *link, struct outbox *out);
void announce_doubts_tick(struct announce *announce, struct outbox *out);
msec announce_doubts_deadline(const struct announce *announce);

/* announce_links.c; flood sends to every neighbour but `from` and `owner` (borrowed, may be NULL). */
void announce_links_dial(struct announce *announce, struct contact *contact, struct outbox *out);
void announce_links_linked(struct announce *announce, const struct link *link, struct outbox *out);
void announce_links_unlinked(struct announce *announce, link_id link, enum error reason, struct outbox *out);
void announce_links_send(struct announce *announce, struct announce_link *link, struct blob *message,
	struct outbox *out);   /* kept */
void announce_links_flood(struct announce *announce, const struct id *from, const struct id *owner,
	struct blob *message, struct outbox *out);
void announce_links_tell(struct announce *announce, struct announce_link *link, const struct announce_message *message,
	struct outbox *out);
/*
 * Makes room: the neighbour of longest standing goes to the passive view. HyParView draws one, who then often is somebody
 * who came a moment ago and knows nobody else yet.
 */
void announce_links_evict(struct announce *announce, struct outbox *out);
void announce_links_admit(struct announce *announce, struct announce_link *link, struct outbox *out);   /* WAITING */
void announce_links_refuse(struct announce_link *link, enum error reason, struct outbox *out);
void announce_links_bury(struct announce *announce, const struct id *peer, struct outbox *out);   /* it is dead */
void announce_links_tick(struct announce *announce, struct outbox *out);
msec announce_links_deadline(const struct announce *announce);
void announce_links_part(struct announce *announce, const struct id *peer, struct outbox *out);   /* it said goodbye */
void announce_links_free(struct announce *announce);
void announce_links_check(const struct announce *announce);

/* announce_contacts.c */
void announce_contacts_init(struct announce *announce);
void announce_contacts_add(struct announce *announce, enum contact_kind kind, const struct dial *dial);
void announce_contacts_tick(struct announce *announce, struct outbox *out);   /* dials who is due */
msec announce_contacts_deadline(const struct announce *announce);
/* The dial of a contact came to nothing, or its link ended before it was a success. */
void announce_contacts_failed(struct announce *announce, struct contact *contact);
bool announce_contacts_wants_more(const struct announce *announce);
bool announce_contacts_is_line_broken(enum error reason);
/* Dials it now, unless that is being done; false: it cannot be dialled. */
bool announce_contacts_dial_now(struct announce *announce, const struct id *peer, bool is_probe, struct outbox *out);
/* Somebody listed who can be dialled now, as good as random: the first from a random place on. NULL: there is nobody. */
const struct id *announce_contacts_draw_listed(struct announce *announce);
void announce_contacts_succeeded(struct announce *announce);
void announce_contacts_neighbour_down(struct announce *announce, const struct announce_link *link);
void announce_contacts_unlinked(struct announce *announce, struct contact *contact);   /* its link is gone */
void announce_contacts_departed(struct announce *announce, const struct id *peer);
void announce_contacts_free(struct announce *announce);
void announce_contacts_check(const struct announce *announce);

/* announce_strangers.c */
void announce_strangers_init(struct announce *announce);
void announce_strangers_dial_failed(struct announce *announce, const struct contact *contact, enum error reason);
void announce_strangers_tick(struct announce *announce, struct outbox *out);
msec announce_strangers_deadline(const struct announce *announce);
void announce_strangers_free(struct announce *announce);
void announce_strangers_check(const struct announce *announce);

#endif
