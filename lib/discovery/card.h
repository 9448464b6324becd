/*
 * card.h - what a node says about itself, in memory: the content of an entry before it is signed and after it was
 * read. Sets, tickets and names are sorted by id, without repeats.
 */
#ifndef DISCOVERY_CARD_H
#define DISCOVERY_CARD_H

#include "base/address.h"
#include "base/blob.h"
#include "discovery/id_set.h"

/*
 * With four tickets, three full sets and all addresses an entry is still below ENTRY_SIZE_MAX; names get the
 * room that is left.
 */
#define CARD_TICKETS_MAX 4
#define CARD_NAMES_MAX 768    /* one for every id of the three sets */

/* Lexicographic and strictly increasing for one peer. Wall-clock milliseconds, but only the order counts. */
struct version {
	uint64_t start;    /* when the node started */
	uint64_t update;   /* when the entry changed; the next one is max(previous + 1, wall clock) */
};

static inline int version_compare(const struct version *a, const struct version *b)
{
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->update < b->update ? -1 : a->update > b->update;
}

struct card_name {
	struct id id;
	char *text;                    /* UTF-8, at most ENTRY_NAME_MAX bytes */
};

struct card_ticket {
	struct id id;
	struct blob *data;             /* at most ENTRY_TICKET_MAX bytes */
};

/* Zero-initialised is empty and valid. */
struct card {
	struct id network;
	struct id peer;
	struct version version;
	struct address *address;       /* as the owner prefers them */
	size_t address_count;
	struct id_set tags;
	struct id_set streams;
	struct id_set groups;
	struct card_ticket *ticket;
	size_t ticket_count;
	struct card_name *name;
	size_t name_count;
};

void card_fini(struct card *card);                         /* frees what it points to; leaves it empty and valid */
void card_copy(struct card *to, const struct card *from);  /* deep; `to` is not initialised */
bool card_equal(const struct card *a, const struct card *b);   /* all but the version */

void card_set_addresses(struct card *card, const struct address *address, size_t count);   /* copied */

/*
 * The text behind an id; NULL takes it away. Names are help for people, so one that cannot be carried (see
 * card_is_name; too many) is left out and the id stands alone.
 */
void card_set_name(struct card *card, const struct id *id, const char *text);
const char *card_name(const struct card *card, const struct id *id);            /* NULL: unknown; borrowed */
/* 1 to ENTRY_NAME_MAX bytes of UTF-8 without control characters: what a terminal may be shown. */
bool card_is_name(struct bytes text);

/* Replaces; kept. data NULL takes it away. false: too large, or CARD_TICKETS_MAX are there. */
bool card_set_ticket(struct card *card, const struct id *id, struct blob *data);

void card_check(const struct card *card);

#endif
