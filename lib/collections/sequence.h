/*
 * sequence.h - many byte strings in one: what bulk commands and answers with many entries carry. A CBOR sequence (RFC
 * 8742) of byte strings, inside a byte string, so that it needs no count in front and no item limit.
 */
#ifndef COLLECTIONS_SEQUENCE_H
#define COLLECTIONS_SEQUENCE_H

#include "base/bytes.h"

void sequence_put(struct buffer *sequence, struct bytes item);
size_t sequence_size(struct bytes item);                           /* what sequence_put appends */
/* Takes the first one off *rest. false: nothing is left, or, with *rest not empty, what is left is malformed. */
bool sequence_next(struct bytes *rest, struct bytes *item);

#endif
