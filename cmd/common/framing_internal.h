/*
 * framing_internal.h - shared by framing*.c only: the reader, and the heads of CBOR byte strings.
 *
 *      data   [ taken | records being scanned ... | room for read(2) ]
 *                     ^ start                     ^ end               ^ capacity
 */
#ifndef CMD_FRAMING_INTERNAL_H
#define CMD_FRAMING_INTERNAL_H

#include "cmd/common/framing.h"

#define FRAMING_HEAD_MAX 9

/* What a scanner found at reader->start. */
struct found {
	bool is_whole;         /* false: more input is needed, or there is none */
	struct bytes record;   /* borrowed from the reader */
	size_t size;           /* input bytes that it takes, separators included */
};

/*
 * Looks for one record without taking it: called again without more input, it finds the same. After an error
 * (framing_fail) too.
 */
typedef enum error framing_scan(struct record_reader *reader, struct found *found);

struct record_reader {
	enum framing framing;
	framing_scan *scan;            /* NULL: raw, which needs no scanning */
	size_t record_max;
	uint8_t *data;
	size_t start;
	size_t end;
	size_t capacity;
	size_t searched;               /* bytes after start that hold no separator: not searched again */
	uint64_t most;                 /* records in a batch */
	bool ended;                    /* no more input */
	bool whole_done;               /* whole: its one record was given */
	struct blob *chunk;            /* raw: read into in place */
	struct buffer decoded;         /* json: the record that the line stands for */
	uint64_t records;              /* given so far */
	uint64_t offset;               /* input byte that start stands for */
	char where[160];
};

framing_scan framing_scan_lines, framing_scan_null, framing_scan_whole, framing_scan_u32, framing_scan_cbor,
	framing_scan_json;

/* Bytes up to `separator`, a record or not, of at most `size_max`. For lines, null and json. */
enum error framing_scan_until(struct record_reader *reader, uint8_t separator, size_t size_max, struct found *found);
/* Steps over input: a record, or something between records. */
void framing_skip(struct record_reader *reader, size_t size);

__attribute__((format(printf, 3, 4)))
enum error framing_fail(struct record_reader *reader, enum error error, const char *format, ...);   /* returns error */

static inline struct bytes framing_here(const struct record_reader *reader)
{
	return (struct bytes){reader->data + reader->start, reader->end - reader->start};
}

/* ---- heads of CBOR byte strings (RFC 8949 section 3, major type 2, shortest form) ---- */

static inline size_t framing_head_size(size_t length)
{
	return length < 24 ? 1 : length <= UINT8_MAX ? 2 : length <= UINT16_MAX ? 3 : length <= UINT32_MAX ? 5 : 9;
}

/* Writes framing_head_size(length) bytes and returns what follows them. */
static inline uint8_t *framing_put_head(uint8_t *at, size_t length)
{
	static const uint8_t first[] = {[2] = 0x58, [3] = 0x59, [5] = 0x5A, [9] = 0x5B};
	size_t size = framing_head_size(length);

	*at++ = size == 1 ? (uint8_t)(0x40 + length) : first[size];
	for (size_t shift = (size - 1) * 8; shift > 0; shift -= 8)
		*at++ = (uint8_t)(length >> (shift - 8));
	return at;
}

/* ---- writing ---- */

/* Small pieces go side by side into room that the output lends; asked for rarely, because a record can be 10 bytes. */
struct pen {
	struct output *output;
	uint8_t *at;           /* next byte; NULL: no room borrowed */
	uint8_t *from;         /* where the borrowed room starts */
	uint8_t *end;
};

#define PEN_ROOM 16384

uint8_t *framing_pen_room(struct pen *pen, size_t size);   /* size <= PEN_ROOM; the caller moves pen->at */
void framing_pen_lift(struct pen *pen);   /* what was written is the output's; before output_put_blob */

enum error framing_write_json(
	struct output *output, struct bytes records, const struct record_origin *origin, uint64_t most);

#endif
