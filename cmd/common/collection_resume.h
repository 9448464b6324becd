/*
 * collection_resume.h - where we are in the changes of a store, so that each is told once although members come and go.
 *
 * One command may change many things: all its changes have one version, and on every member the same order. So a place is a
 * version, and how many changes of it were told.
 *
 *      resume_init(&resume, first version wanted)
 *      follow from resume_again(&resume)            on every member, anew
 *      resume_takes(&resume, version)               for each change that comes: false, it was told before
 *      resume_reset(&resume, version)               the member cannot tell what was up to that version
 */
#ifndef CMD_COLLECTION_RESUME_H
#define CMD_COLLECTION_RESUME_H

#include <stdbool.h>
#include <stdint.h>

struct collection_resume {
	uint64_t at;         /* the version of the last change that was told, or the first one that is wanted */
	uint64_t told;       /* changes of it */
	uint64_t skip;       /* so many of them come again from the member that is followed now */
};

void resume_init(struct collection_resume *resume, uint64_t first);
uint64_t resume_again(struct collection_resume *resume);
bool resume_takes(struct collection_resume *resume, uint64_t version);
void resume_reset(struct collection_resume *resume, uint64_t version);

#endif
