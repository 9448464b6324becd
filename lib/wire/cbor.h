/*
 * cbor.h - deterministic CBOR (RFC 8949 section 4.2.1): a writer, and a pull reader that takes nothing else.
 *
 * The reader stands on libcbor's stateless cbor_stream_decode; it allocates nothing. It refuses indefinite lengths,
 * tags, floats and simple values other than false, true and null, integers not in shortest form, text that is not
 * UTF-8, map keys that are unsorted, repeated, arrays or maps, more than CBOR_ITEMS_MAX items, nesting beyond
 * CBOR_DEPTH_MAX, a declared count or length beyond the bytes that remain, and bytes after the end.
 *
 * Errors stick: after the first, every further read gives zero or empty, and cbor_end() reports ERROR_MALFORMED.
 * A decoder therefore reads a whole message and checks once; loops over counts are safe because a count is held
 * against the remaining bytes when it is read, and is 0 after an error.
 */
#ifndef WIRE_CBOR_H
#define WIRE_CBOR_H

#include "base/blob.h"
#include "base/id.h"
#include "wire/limits.h"

/* Appends to a buffer that the caller owns. Keys of a map are written in ascending order by the caller. */
void cbor_put_uint(struct buffer *out, uint64_t value);
void cbor_put_int(struct buffer *out, int64_t value);
void cbor_put_bool(struct buffer *out, bool value);
void cbor_put_null(struct buffer *out);
void cbor_put_bytes(struct buffer *out, struct bytes value);
void cbor_put_id(struct buffer *out, const struct id *id);    /* a byte string of 32 */
void cbor_put_text(struct buffer *out, struct bytes utf8);
void cbor_put_array(struct buffer *out, size_t count);
void cbor_put_map(struct buffer *out, size_t pairs);

#define CBOR_HEAD_MAX 9
/* Writes the head of a byte string (its length, not its bytes) and returns the head's size, 1 to 9. */
size_t cbor_bytes_head(uint8_t out[CBOR_HEAD_MAX], size_t length);
/* The inverse: size of the head at data, its string's length in *length. 0: not a whole head in shortest form. */
size_t cbor_bytes_head_read(struct bytes data, size_t *length);

enum cbor_kind {
	CBOR_UINT, CBOR_NEGATIVE, CBOR_BYTES, CBOR_TEXT, CBOR_ARRAY, CBOR_MAP, CBOR_BOOL, CBOR_NULL, CBOR_NOTHING
};

struct cbor {
	struct bytes data;
	size_t at;
	bool failed;
	uint8_t depth;
	uint32_t items;
	struct cbor_level {
		uint64_t left;               /* items still to come */
		bool is_map;
		bool at_key;
		struct bytes last_key;       /* encoded; for the order of keys */
	} level[CBOR_DEPTH_MAX];
};

void cbor_init(struct cbor *in, struct bytes data);
enum cbor_kind cbor_peek(const struct cbor *in);       /* CBOR_NOTHING at the end or after an error */
uint64_t cbor_uint(struct cbor *in);
uint64_t cbor_uint_up_to(struct cbor *in, uint64_t most);   /* more is an error, and gives 0 */
int64_t cbor_int(struct cbor *in);
bool cbor_bool(struct cbor *in);
void cbor_null(struct cbor *in);
struct bytes cbor_bytes(struct cbor *in);              /* borrowed from data */
struct bytes cbor_text(struct cbor *in);
struct id cbor_id(struct cbor *in);                    /* a byte string of exactly 32 */
size_t cbor_array(struct cbor *in, size_t most);       /* its count; more than `most` is an error */
void cbor_array_of(struct cbor *in, size_t exactly);
size_t cbor_map(struct cbor *in, size_t most);         /* number of pairs */
void cbor_skip(struct cbor *in);                       /* one item with everything in it; still checked */
void cbor_fail(struct cbor *in);                       /* the caller found a value that does not fit */
MUST_CHECK enum error cbor_end(const struct cbor *in); /* OK: everything read, nothing left, no error on the way */

#endif
