/*
 * collection_line.h - a one-shot verb as a line of text: what `serve STORE -` reads from stdin.
 *
 *      put alice 17            words between blanks; with a TAB anywhere in the line, between TABs only
 *      put	two words	a\nb    \\ \t \n \r \0 stand for what would break the line
 *      cas alice --from 17 --to 18
 *
 * So a line of what `ls` prints, with a verb and a TAB in front, is a line here.
 */
#ifndef CMD_COLLECTION_LINE_H
#define CMD_COLLECTION_LINE_H

#include "cmd/common/verbs.h"

#define LINE_OPERANDS_MAX 64

struct collection_line {
	const struct verb *verb;
	struct verb_options options;           /* those of the line; form is left to the caller */
	char *operand[LINE_OPERANDS_MAX];      /* borrowed from text */
	size_t count;
	struct buffer text;
};

/* false: *problem says why, for a person; borrowed. `line` keeps nothing of the record; collection_line_fini in any case. */
bool collection_line_read(enum collection_kind kind, struct bytes record, struct collection_line *line,
	const char **problem);
void collection_line_fini(struct collection_line *line);

#endif
