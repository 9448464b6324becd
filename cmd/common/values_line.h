/*
 * values_line.h - entries as `dump` writes most of them, read without a JSON parser: three times as fast, and nothing else.
 */
#ifndef CMD_VALUES_LINE_H
#define CMD_VALUES_LINE_H

#include "collections/collection.h"

/*
 * {"key":"...","value":17} without blanks, members in the order of the parts, strings of bytes and str without escapes, plain
 * numbers of u64. false: it is not of this form, and says nothing about what it is; part[] may hold anything then.
 */
bool values_line_read(const struct collection_shape *shape, struct bytes line, struct buffer part[PARTS]);

#endif
