/*
 * once_wire.h - commands and queries of a once, ready to be proposed or asked. Each appends one to a buffer; answers are
 * results (result.h). Keys and values are in their stored form (type.h).
 */
#ifndef COLLECTIONS_ONCE_WIRE_H
#define COLLECTIONS_ONCE_WIRE_H

#include "base/bytes.h"

void once_set(struct buffer *out, struct bytes value);           /* DONE: we won. MISMATCH with the value that stands */
void once_get(struct buffer *out);                               /* query: DONE with the value, or NOTHING */

#endif
