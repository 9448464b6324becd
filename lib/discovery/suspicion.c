/*
 * suspicion.c - see suspicion.h.
 */
#include "discovery/suspicion.h"

#include "base/check.h"
#include "base/memory.h"

struct doubt {
	struct version version;   /* the life and word that is doubted */
	bool is_told;             /* SUSPECTED; else our own DOUBT */
	size_t open;              /* answers that are still to come */
	msec due;
};

static struct doubt *doubt_new(struct suspicion *suspicion, const struct id *peer, const struct version *version)
{
	struct doubt *doubt = memory_new(sizeof(*doubt));

	doubt->version = *version;
	id_table_put(&suspicion->doubts, peer, doubt);
	return doubt;
}

static void doubt_end(struct suspicion *suspicion, const struct id *peer)
{
	memory_free(id_table_remove(&suspicion->doubts, peer));
}

bool suspicion_doubt(
	struct suspicion *suspicion, msec now, const struct id *peer, const struct version *version, size_t asked)
{
	struct doubt *doubt;

	if (id_table_get(&suspicion->doubts, peer) != NULL || suspicion->doubts.count >= SUSPICION_MAX)
		return false;
	doubt = doubt_new(suspicion, peer, version);
	doubt->open = asked + 1;
	doubt->due = now + SUSPICION_DOUBT;
	return true;
}

void suspicion_denied(struct suspicion *suspicion, msec now, const struct id *peer)
{
	struct doubt *doubt = id_table_get(&suspicion->doubts, peer);

	if (doubt == NULL || doubt->is_told || doubt->open == 0)
		return;
	if (--doubt->open == 0)
		doubt->due = now;
}

void suspicion_alive(struct suspicion *suspicion, const struct id *peer)
{
	const struct doubt *doubt = id_table_get(&suspicion->doubts, peer);

	/* What everybody was told can be taken back by the accused alone: only its word reaches everybody, too. */
	if (doubt != NULL && !doubt->is_told)
		doubt_end(suspicion, peer);
}

bool suspicion_told(struct suspicion *suspicion, msec now, const struct id *peer, const struct version *version)
{
	struct doubt *doubt = id_table_get(&suspicion->doubts, peer);

	if (doubt == NULL) {
		if (suspicion->doubts.count >= SUSPICION_MAX)
			return false;
		doubt = doubt_new(suspicion, peer, version);
	} else if (doubt->is_told && version_compare(version, &doubt->version) <= 0) {
		return false;
	}
	doubt->is_told = true;
	doubt->version = *version;
	doubt->due = now + SUSPICION_REFUTE;
	return true;
}

bool suspicion_holds(const struct suspicion *suspicion, const struct id *peer)
{
	return id_table_get(&suspicion->doubts, peer) != NULL;
}

void suspicion_refuted(struct suspicion *suspicion, const struct id *peer, const struct version *version)
{
	const struct doubt *doubt = id_table_get(&suspicion->doubts, peer);

	if (doubt != NULL && version_compare(version, &doubt->version) > 0)
		doubt_end(suspicion, peer);
}

bool suspicion_next(struct suspicion *suspicion, msec now, struct suspicion_verdict *verdict)
{
	for (size_t i = 0; i < suspicion->doubts.count; i++) {
		struct doubt *doubt = suspicion->doubts.slot[i].value;

		if (doubt->due > now)
			continue;
		verdict->peer = suspicion->doubts.slot[i].key;
		verdict->version = doubt->version;
		verdict->kind = doubt->is_told ? SUSPICION_DEAD : SUSPICION_TELL;
		if (doubt->is_told) {
			doubt_end(suspicion, &verdict->peer);
		} else {
			doubt->is_told = true;
			doubt->due = now + SUSPICION_REFUTE;
		}
		return true;
	}
	return false;
}

void suspicion_put_off(struct suspicion *suspicion, msec now)
{
	/* Downwards: what is removed moves only what was looked at already. */
	for (size_t i = suspicion->doubts.count; i-- > 0;) {
		struct doubt *doubt = suspicion->doubts.slot[i].value;
		struct id peer = suspicion->doubts.slot[i].key;

		if (doubt->is_told)
			doubt->due = now + SUSPICION_REFUTE;
		else
			doubt_end(suspicion, &peer);
	}
}

msec suspicion_deadline(const struct suspicion *suspicion)
{
	msec due = MSEC_NEVER;

	for (size_t i = 0; i < suspicion->doubts.count; i++) {
		const struct doubt *doubt = suspicion->doubts.slot[i].value;

		due = msec_min(due, doubt->due);
	}
	return due;
}

void suspicion_fini(struct suspicion *suspicion)
{
	for (size_t i = 0; i < suspicion->doubts.count; i++)
		memory_free(suspicion->doubts.slot[i].value);
	id_table_fini(&suspicion->doubts);
}

void suspicion_check(const struct suspicion *suspicion)
{
	ASSERT(suspicion->doubts.count <= SUSPICION_MAX);
	for (size_t i = 0; i < suspicion->doubts.count; i++) {
		const struct doubt *doubt = suspicion->doubts.slot[i].value;

		ASSERT(doubt->due != MSEC_NEVER);
		ASSERT(!id_is_zero(&suspicion->doubts.slot[i].key));
	}
}
