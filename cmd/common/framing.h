/*
 * framing.h - records in a byte stream: the seven KINDs of -F, read and written.
 *
 *   lines  bytes up to LF; a last line without LF is a record; empty input is none
 *   null   bytes up to NUL; writing a record that contains NUL fails
 *   u32    4-byte big-endian length, then the bytes
 *   raw    chunks as read, up to 64 KiB
 *   whole  all of the input is one record, also when it is empty
 *   json   one object a line {"stream","from","seq","ts","data"}; bytes that are not UTF-8 in "data_b64"
 *   cbor   a sequence of byte strings (RFC 8742)
 *
 * The reader turns what read(2) gave into batches as producer_write takes them: a CBOR sequence of byte strings in a
 * blob with BATCH_HEADROOM. The hot path copies a record once and allocates once a batch.
 */
#ifndef CMD_FRAMING_H
#define CMD_FRAMING_H

#include "base/blob.h"
#include "base/error.h"
#include "base/id.h"
#include "base/time.h"

struct output;   /* runtime/stdio.h */

#define RECORD_SIZE_MAX (16u * 1024 * 1024)       /* of one record, unless --max-record says otherwise */
#define RECORD_SIZE_LIMIT (1024u * 1024 * 1024)   /* what --max-record can say: as FRAME_MAX of wire/limits.h */

enum framing { FRAMING_LINES, FRAMING_NULL, FRAMING_U32, FRAMING_RAW, FRAMING_WHOLE, FRAMING_JSON, FRAMING_CBOR };

/* "lines", "null", ...; ERROR_BAD_TEXT. */
enum error framing_from_name(const char *name, enum framing *out);
const char *framing_name(enum framing framing);

struct record_reader;

struct record_reader *record_reader_new(enum framing framing, size_t record_max);
void record_reader_free(struct record_reader *reader);

/*
 * Where the next read(2) goes: *room bytes, at least 1. Valid until the next call on the reader. To be asked for only
 * after record_reader_batch gave NULL: then memory stays within a few times record_max.
 */
uint8_t *record_reader_space(struct record_reader *reader, size_t *room);
void record_reader_filled(struct record_reader *reader, size_t size);
/* So many records at most in a batch from now on, at least one. */
void record_reader_limit(struct record_reader *reader, uint64_t most);
void record_reader_end(struct record_reader *reader);   /* end of input */

/*
 * The next batch of whole records from what is here (about 64 KiB of them, or one larger record). *batch: the
 * caller owns it; NULL: more input is needed, or at the end, that was all. Errors: ERROR_MALFORMED (a truncated
 * u32 or cbor record at the end, bad JSON, not a cbor byte string), ERROR_FRAME_TOO_LARGE (a record over record_max).
 * The good records before a bad one come first. After an error record_reader_where() says "record 17, byte 4711: what",
 * counted from 1 and from 0, and every further call gives the same error.
 */
MUST_CHECK enum error record_reader_batch(struct record_reader *reader, struct blob **batch, uint64_t *count);
const char *record_reader_where(const struct record_reader *reader);

/* What json says about a record; not looked at by other framings. */
struct record_origin {
	const char *stream;          /* name as the user typed it */
	struct id from;
	uint64_t sequence;           /* of the first */
	struct bytes picked;         /* bit i, the lowest first: record sequence + i is here; empty: all are, in a row */
	msec wall;                   /* when it arrived, milliseconds since 1970 */
};

/* What is to be written of a batch. */
struct record_batch {
	struct blob *message;        /* borrowed */
	struct bytes records;        /* the records part, inside message */
	uint64_t most;               /* so many of them at the most */
};

/*
 * Writes the records of a batch to the output. Large pieces are not copied: the output keeps the message. json numbers from
 * origin->sequence, over what was not picked. ERROR_BAD_TEXT: a NUL inside a record, framing null, or a record of 4 GiB, framing u32; what came
 * before it was written.
 */
MUST_CHECK enum error record_write(enum framing framing, struct output *output, const struct record_batch *batch,
	const struct record_origin *origin);

/* One record that stands by itself. */
MUST_CHECK enum error record_write_one(enum framing framing, struct output *output, struct bytes record,
	const struct record_origin *origin);

#endif
