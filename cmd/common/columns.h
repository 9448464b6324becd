/*
 * columns.h - what -o chooses: some of the columns that there are, in its order.
 */
#ifndef CMD_COLUMNS_H
#define CMD_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#define COLUMNS_MAX 32

struct columns {
	size_t one[COLUMNS_MAX];     /* indices into the names */
	size_t count;
};

/*
 * text: names between commas. name[count], in which NULL is a column that this list has not; said twice is once. false: there
 * is no such column; *unknown points at its name in text, which ends at a comma or NUL.
 */
bool columns_read(const char *text, const char *const *name, size_t count, struct columns *out, const char **unknown);

#endif
