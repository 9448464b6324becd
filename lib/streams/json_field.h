/*
 * json_field.h - does a JSON record say that a field has a value? Without a tree, an allocation or recursion: it runs
 * once a record at a producer, on records that anybody may have written.
 */
#ifndef STREAMS_JSON_FIELD_H
#define STREAMS_JSON_FIELD_H

#include "base/bytes.h"

/*
 * record: RFC 8259 text whose outermost value is an object. path: names of members, outermost first, joined by dots.
 * True when the member is there and is the string `value` (escapes of the record read), or a number, true, false or null
 * that is written exactly as `value`. Of members of one name the first counts. What stands behind the member is not
 * looked at; whatever cannot be read on the way to it is false.
 */
bool json_field_equals(struct bytes record, struct bytes path, struct bytes value);

#endif
