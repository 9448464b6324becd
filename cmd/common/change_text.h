/*
 * change_text.h - a change of a store as a line, and as the environment of a command.
 *
 *      text   version TAB op TAB key TAB value, of a pqueue also TAB priority; escaped, what there is not is empty
 *      -0     the same fields as they are, each ended by NUL
 *      -j     {"version":7,"op":"put","key":"a","value":1}; vec: "index", of a swap "other", of a truncate "length"
 *
 * The key of a vec is an index. Without a change it is a reset: what changed up to that version is not told.
 * -o chooses some of these, in its order; one alone is text as it is.
 */
#ifndef CMD_CHANGE_TEXT_H
#define CMD_CHANGE_TEXT_H

#include "cmd/common/verbs.h"
#include "collections/change.h"

/* Whether its parts are of the types of the shape. */
bool change_text_is_sound(const struct collection_shape *shape, const struct change *change);

struct change_told {
	uint64_t version;
	const struct change *change;     /* NULL: a reset */
};

enum change_column { CHANGE_VERSION, CHANGE_OP, CHANGE_KEY, CHANGE_VALUE, CHANGE_PRIORITY, CHANGE_COLUMNS };

/* What -o says: version, op, key (vec: index), value, priority. false: a kind has no such column; see columns.h. */
bool change_columns_read(enum collection_kind kind, const char *text, struct columns *out, const char **unknown);

struct change_form {
	enum verb_form form;
	struct columns columns;          /* count 0: all that the kind has */
};

void change_text_put(const struct collection_shape *shape, const struct change_form *form, const struct change_told *told,
	struct buffer *out);

/*
 * MOSAIK_VERSION, MOSAIK_OP, MOSAIK_KEY (vec: the index), MOSAIK_PRIORITY: texts as they are; not set where there is none.
 * A key with a NUL is in MOSAIK_KEY_B64 instead. *value: what the command gets on its stdin, appended.
 */
void change_text_environment(const struct collection_shape *shape, const struct change_told *told, struct buffer *value);

#endif
