/*
 * collection_resume.c - see collection_resume.h.
 */
#include "cmd/common/collection_resume.h"

void resume_init(struct collection_resume *resume, uint64_t first)
{
	/* A follow from 0 would begin at whatever the member has now. */
	*resume = (struct collection_resume){.at = first > 0 ? first : 1};
}

uint64_t resume_again(struct collection_resume *resume)
{
	resume->skip = resume->told;
	return resume->at;
}

bool resume_takes(struct collection_resume *resume, uint64_t version)
{
	if (version < resume->at)
		return false;      /* a member that lags behind the last one tells what it catches up with */
	if (version > resume->at) {
		*resume = (struct collection_resume){.at = version, .told = 1};
		return true;
	}
	if (resume->skip > 0) {
		resume->skip--;
		return false;
	}
	resume->told++;
	return true;
}

void resume_reset(struct collection_resume *resume, uint64_t version)
{
	resume_init(resume, version + 1);
}
