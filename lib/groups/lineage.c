/*
 * lineage.c - see lineage.h.
 */
#include "groups/lineage.h"

void lineage_init(struct lineage *lineage, bool fence)
{
	*lineage = (struct lineage){.fence = fence, .frozen_at = MSEC_NEVER};
}

bool lineage_heard(struct lineage *lineage, msec now, const struct surrender *other)
{
	bool is_new = !id_equal(&lineage->heard.lineage, &other->lineage);
	bool is_stale = now >= lineage->heard_at + LINEAGE_STATEMENT_TTL;

	/* Of several, the strongest; but one that fell silent does not stand in the way of others. */
	if (is_new && !is_stale && surrender_compare(&lineage->heard, other) > 0)
		return false;
	lineage->heard = *other;
	lineage->heard_at = now;
	return is_new;
}

static enum lineage_step when_frozen(struct lineage *lineage, msec now, const struct replica *replica,
	const struct surrender *ours, struct surrender *to)
{
	bool is_answered;

	if (lineage->frozen_at == MSEC_NEVER)
		lineage->frozen_at = now;
	is_answered = id_equal(&lineage->heard.lineage, &replica->to.lineage) && lineage->heard_at > lineage->frozen_at;
	if (is_answered && surrender_compare(ours, &lineage->heard) > 0)
		return LINEAGE_THAW;
	if (lineage->fence && !lineage->adopt)
		return LINEAGE_STAY;
	*to = lineage->heard;
	if (is_answered)
		return LINEAGE_DISSOLVE;
	return now >= lineage->frozen_at + LINEAGE_STATEMENT_TTL ? LINEAGE_THAW : LINEAGE_STAY;
}

enum lineage_step lineage_next(struct lineage *lineage, msec now, const struct replica *replica, struct surrender *to)
{
	struct surrender ours = {replica->lineage, replica->position};

	if (replica->dissolved)
		return LINEAGE_STAY;
	if (replica->frozen)
		return when_frozen(lineage, now, replica, &ours, to);
	lineage->frozen_at = MSEC_NEVER;
	if (id_is_zero(&lineage->heard.lineage) || id_equal(&lineage->heard.lineage, &ours.lineage)
		|| now >= lineage->heard_at + LINEAGE_STATEMENT_TTL || surrender_compare(&ours, &lineage->heard) > 0)
		return LINEAGE_STAY;
	*to = lineage->heard;
	return ours.position == 0 ? LINEAGE_DISSOLVE : LINEAGE_FREEZE;
}

msec lineage_deadline(const struct lineage *lineage)
{
	return lineage->frozen_at == MSEC_NEVER || lineage->fence ? MSEC_NEVER
		: lineage->frozen_at + LINEAGE_STATEMENT_TTL;
}

void lineage_note_dissolved(struct lineage *lineage, const struct id *which, const struct surrender *to)
{
	if (lineage_dissolved(lineage, which) == NULL)
		lineage->dissolved[lineage->dissolved_next++ % LINEAGE_DISSOLVED_MAX] = (struct dissolved){*which, *to};
}

const struct surrender *lineage_dissolved(const struct lineage *lineage, const struct id *which)
{
	for (size_t i = 0; i < LINEAGE_DISSOLVED_MAX; i++) {
		if (id_equal(&lineage->dissolved[i].lineage, which) && !id_is_zero(which))
			return &lineage->dissolved[i].to;
	}
	return NULL;
}
