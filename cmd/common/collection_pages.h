/*
 * collection_pages.h - all entries of a store, as its members tell them: page by page, in order.
 *
 *      while (pages_ask(&pages, &query))       the next question
 *              pages_answer(&pages, position, answer)       its answer: each entry to `entry`
 *
 * Each page is as the store was when it was asked for; `first` and `last` tell whether it changed in between.
 */
#ifndef CMD_COLLECTION_PAGES_H
#define CMD_COLLECTION_PAGES_H

#include "collections/collection.h"

struct collection_pages {
	/* From the owner; borrowed. */
	const struct collection_shape *shape;
	struct bytes prefix;             /* of stored keys; empty: all */
	uint64_t from;                   /* vec: the first index */
	/* index: of a vec. The parts that the shape has. */
	void (*entry)(void *self, uint64_t index, const struct bytes part[PARTS]);
	void *self;

	/* Where we are. */
	bool asked, resumes;
	uint64_t index;                  /* of the next entry */
	struct buffer after_priority, after_key;
	uint64_t first, last;            /* versions of the first and the last page */
};

/* false: that was all. */
bool pages_ask(struct collection_pages *pages, struct buffer *query);
/* ERROR_MALFORMED: it makes no sense. */
MUST_CHECK enum error pages_answer(struct collection_pages *pages, uint64_t position, struct bytes answer);
/* As if nothing was asked yet. */
void pages_again(struct collection_pages *pages);
void pages_fini(struct collection_pages *pages);

#endif
