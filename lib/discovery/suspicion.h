/*
 * suspicion.h - who may be dead, and since when.
 *
 *     a neighbour is silent, or its line broke
 *        -> DOUBTED: it is asked again directly and through up to 3 others, 400 ms
 *             any sign of life: forgotten;    all say no: at once, else after 400 ms:
 *        -> SUSPECTED: everybody is told; a living peer says something newer at once; 1 s
 *             newer version: forgotten
 *        -> DEAD: every catalog shows it as departed, until a newer version comes
 *
 * A pure sub-machine of announce: it keeps the clock of each doubt, the owner does the asking and telling.
 */
#ifndef DISCOVERY_SUSPICION_H
#define DISCOVERY_SUSPICION_H

#include "base/table.h"
#include "base/time.h"
#include "discovery/card.h"

#define SUSPICION_DOUBT 400      /* msec for the questions */
#define SUSPICION_REFUTE 1000    /* msec for the accused */
#define SUSPICION_MAX 4096       /* further ones are ignored: the 300 s of the catalog still end them */

/* Zero-initialised is empty and valid. */
struct suspicion {
	struct id_table doubts;      /* peer -> struct doubt */
};

void suspicion_fini(struct suspicion *suspicion);

/* Our own doubt; `asked` others and ourselves will answer. false: there is one already. */
bool suspicion_doubt(
	struct suspicion *suspicion, msec now, const struct id *peer, const struct version *version, size_t asked);
/* One of those who were asked found nobody; the last one makes it due. */
void suspicion_denied(struct suspicion *suspicion, msec now, const struct id *peer);
/* We heard from it: ends our own doubt, not what others say. */
void suspicion_alive(struct suspicion *suspicion, const struct id *peer);
/* Somebody suspects. false: known already. */
bool suspicion_told(struct suspicion *suspicion, msec now, const struct id *peer, const struct version *version);
bool suspicion_holds(const struct suspicion *suspicion, const struct id *peer);
/* A newer version ends everything; so does a goodbye. */
void suspicion_refuted(struct suspicion *suspicion, const struct id *peer, const struct version *version);

/* We were away, and may have missed what the accused say: our own doubts end, they get their time once more. */
void suspicion_put_off(struct suspicion *suspicion, msec now);

struct suspicion_verdict {
	enum { SUSPICION_TELL, SUSPICION_DEAD } kind;
	struct id peer;
	struct version version;
};
/* One that is due; the owner tells everybody, or the catalog. false: none. */
bool suspicion_next(struct suspicion *suspicion, msec now, struct suspicion_verdict *verdict);
msec suspicion_deadline(const struct suspicion *suspicion);
void suspicion_check(const struct suspicion *suspicion);

#endif
