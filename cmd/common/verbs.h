/*
 * verbs.h - the one-shot verbs of the collections: what a word and its operands ask for, and what the answer comes to on
 * stdout and as an exit status. Nothing here knows of a network: who runs a verb puts each request that verb_next makes
 * to a member, as a command if the verb writes, else as a query, and hands the answer to verb_answer.
 *
 *      while (verb_next(&call, &request))          one request after the other; a list goes on page by page
 *              status = verb_answer(&call, answer of the request, &output);
 */
#ifndef CMD_VERBS_H
#define CMD_VERBS_H

#include "cmd/common/columns.h"
#include "collections/collection.h"
#include "collections/pqueue_wire.h"
#include "collections/result.h"

enum verb_form {
	VERB_TEXT,           /* one a line: a value as it is; several as columns between TABs, escaped */
	VERB_NUL,            /* as they are, each ended by NUL */
	VERB_JSON            /* one object a line */
};

/* What -o names, in its order. A vec has an index, the others what is stored. */
enum verb_column { COLUMN_OF_PRIORITY = PART_PRIORITY, COLUMN_OF_KEY = PART_KEY, COLUMN_OF_VALUE = PART_VALUE, COLUMN_OF_INDEX = PARTS };

/* false: a kind of collection has no such column; see columns.h. */
bool verb_columns_read(enum collection_kind kind, const char *text, struct columns *out, const char **unknown);

struct verb_options {
	const char *from, *to;       /* cas; NULL: not given */
	const char *prefix;          /* of keys; NULL: all */
	bool highest;                /* take the highest, not the lowest */
	bool descending;
	const struct bytes *input;   /* what a last operand `-` stands for; NULL: itself */
	enum verb_form form;
	struct columns columns;      /* enum verb_column; count 0: all */
};

enum verb_shown {                    /* of an answer that is a yes */
	SHOWN_NOTHING,
	SHOWN_VALUE,
	SHOWN_COUNT,
	SHOWN_ENTRIES,               /* of a pqueue or a list */
	SHOWN_STANDING               /* of a once: the value that stands, also when it is another's */
};

struct verb_call;

struct verb {
	const char *name;
	const char *usage;           /* of its operands */
	const char *spec;            /* each operand a letter: k v p key, value, priority; n a number; r a range */
	bool repeats;                /* the last operand may come again: a request each, or, of what writes, all in one */
	bool writes;
	bool minds;                  /* NOTHING is a no; else a write that had nothing to do is done */
	enum verb_shown shown;
	void (*encode)(const struct verb_call *call, struct buffer *out);
};

/* The verbs of a kind; NULL: no such. verb_list: number n, NULL after the last. */
const struct verb *verb_find(enum collection_kind kind, const char *name);
const struct verb *verb_list(enum collection_kind kind, size_t n);

#define VERB_OPERANDS_MAX 3

struct verb_call {
	/* From the caller; borrowed. */
	const struct collection_shape *shape;
	const struct verb *verb;
	const struct verb_options *options;
	char *const *operand;
	size_t count;

	/* What the operands of the request under way are in their stored form. */
	struct buffer part[PARTS];
	struct buffer many;          /* a sequence (collections/sequence.h) */
	uint64_t number[2];
	struct pqueue_range range;
	struct buffer from, to;      /* of cas and of ranges */

	/* Where we are. */
	bool ended;
	size_t asked;                /* requests made */
	bool resumes;                /* the next page begins after these */
	struct buffer after_priority, after_key;
	uint64_t after_index;

	/* What was wrong, for a person: with an operand after verb_next, with the command after verb_answer. */
	char problem[160];
};

/* Whether there are as many operands as the verb takes. */
bool verb_takes(const struct verb *verb, size_t count);

/*
 * Appends the next request. false: there is none, or, with call->problem not empty, an operand is not what it should be,
 * which is a usage error.
 */
bool verb_next(struct verb_call *call, struct buffer *request);
/* Appends what is to be shown. The exit status so far; call->problem says why if it is neither yes nor no. */
int verb_answer(struct verb_call *call, struct bytes answer, struct buffer *output);
void verb_fini(struct verb_call *call);

#endif
