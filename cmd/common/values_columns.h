/*
 * values_columns.h - entries as `ls` prints them: their parts between TABs, with \\ \t \n \r \0 for what would break the
 * line; of a kind with one part the line as it is.
 */
#ifndef CMD_VALUES_COLUMNS_H
#define CMD_VALUES_COLUMNS_H

#include "collections/collection.h"

/*
 * part[] of the parts that the shape has get their stored forms. ERROR_MALFORMED: not so many columns, or a backslash
 * before something else. ERROR_BAD_TEXT: one is not of its type.
 */
MUST_CHECK enum error values_read_columns(const struct collection_shape *shape, struct bytes line,
	struct buffer part[PARTS]);

#endif
