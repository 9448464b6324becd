/*
 * values.h - typed values (collections/type.h) as people and other programs write and read them.
 *
 *      a text         an argument, a line: as type_from_text takes it; json is made canonical
 *      a field        one column of a line of columns: the text, with \\ \t \n \r \0 for what would break the line
 *      a member       "value":17 in a JSON object; bytes that are not UTF-8 as "value_b64":"..."
 *      an entry       {"priority":3,"key":"a","value":true}: one object a line, what dump writes and load reads
 *
 * What is written as a member or an entry reads back as the same value. Numbers beyond what JSON readers keep whole, and
 * infinities, are strings there.
 */
#ifndef CMD_VALUES_H
#define CMD_VALUES_H

#include "collections/collection.h"

/* Appends the stored form. ERROR_BAD_TEXT: not of that type; then *out is as it was. */
MUST_CHECK enum error values_parse(enum type type, struct bytes text, struct buffer *out);

void values_field(enum type type, struct bytes stored, struct buffer *out);
void values_member(const char *name, enum type type, struct bytes stored, struct buffer *out);

/* The parts that the shape has, as an object without an end of line. */
void values_entry(const struct collection_shape *shape, const struct bytes part[PARTS], struct buffer *out);
/*
 * The inverse: part[] of the parts that the shape has get their stored forms. Other members are ignored.
 * ERROR_MALFORMED: no JSON object, a part is missing or there twice. ERROR_BAD_TEXT: one is not of its type.
 */
MUST_CHECK enum error values_read_entry(const struct collection_shape *shape, struct bytes line,
	struct buffer part[PARTS]);

/*
 * The same of a line of columns, as the verbs print them: fields between TABs, in the order of the parts. ERROR_MALFORMED:
 * another number of them, or a backslash before something else. Of a kind with one part the line is that part, as it is.
 */
MUST_CHECK enum error values_read_columns(const struct collection_shape *shape, struct bytes line,
	struct buffer part[PARTS]);

/*
 * How a store is listed in the entry of a peer, for people and for those who want to know its types:
 * "map users str:u64", "pqueue jobs u64:str:bytes 1000" with a capacity.
 */
void values_listed(const struct collection_shape *shape, struct bytes name, struct buffer *out);
/* name: borrowed from text. ERROR_BAD_TEXT: not one of these, perhaps not ours. */
MUST_CHECK enum error values_read_listed(struct bytes text, struct collection_shape *shape, struct bytes *name);

#endif
