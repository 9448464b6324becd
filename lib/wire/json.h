/*
 * json.h - strict reading of one small JSON object from a stranger (RFC 8259), without a tree: UTF-8, no name twice, numbers
 * and literals by the grammar, nothing behind the object, bounded depth and number of members.
 */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include "base/bytes.h"

#define JSON_MEMBERS_MAX 64
#define JSON_DEPTH_MAX 8           /* of values inside of values */

enum json_kind { JSON_STRING, JSON_NUMBER, JSON_LITERAL, JSON_ARRAY, JSON_OBJECT };

struct json_value {
	enum json_kind kind;
	struct bytes text;         /* STRING: what it stands for; else as it is written, brackets included */
};

struct json_object {
	struct json_member {
		struct bytes name;     /* what it stands for */
		struct json_value value;
	} member[JSON_MEMBERS_MAX];
	size_t count;
};

/*
 * The text is kept as long as *out is used, and changed: its outermost strings are decoded where they stand. false: not
 * such an object; *out is then of no use. Names inside of values may repeat: nobody reads them.
 */
bool json_read(uint8_t *text, size_t size, struct json_object *out);

const struct json_value *json_find(const struct json_object *object, const char *name);   /* NULL: absent */
bool json_is_text(const struct json_value *value, struct bytes text);                     /* the string, exactly */
/* An array has the string `text` among its items; whatever else is in it does not matter. */
bool json_array_has(const struct json_value *value, struct bytes text);
/* A whole number from 0 to `most`, without sign, fraction or exponent. */
bool json_whole(const struct json_value *value, uint64_t most, uint64_t *out);

#endif
