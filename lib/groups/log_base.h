/*
 * log_base.h - what the commands of a log came to up to a position, as whoever carries them out says: it takes their place.
 *
 * It comes through the log itself, in parts, so that every replica has the same bytes at the same place, however its own
 * machine would have put them. Parts of one base follow each other; a first part begins another one.
 */
#ifndef GROUPS_LOG_BASE_H
#define GROUPS_LOG_BASE_H

#include "base/blob.h"
#include "base/error.h"
#include "base/id.h"

#define LOG_PART_MAX (512u << 10)
#define LOG_PARTS_MAX 128
#define LOG_BASE_MAX ((size_t)LOG_PART_MAX * LOG_PARTS_MAX)   /* 64 MiB */

struct log_part {
	uint64_t position;               /* commands up to here are in it */
	uint64_t term;                   /* of the leader that said so: tells two of the same position apart */
	uint32_t number;                 /* from 0 */
	uint32_t count;                  /* of parts */
	struct bytes bytes;
};

void log_part_encode(const struct log_part *part, struct buffer *out);
/* ERROR_MALFORMED: not a part, or one that breaks the limits. */
MUST_CHECK enum error log_part_decode(struct bytes item, struct log_part *out);
/* Cut out of a whole content of at most LOG_BASE_MAX bytes. */
uint32_t log_part_count(size_t size);
struct bytes log_part_cut(struct bytes content, uint32_t number);

/* One that is whole, or on its way. */
struct log_base {
	uint64_t position;               /* 0: none */
	uint64_t term;
	uint32_t count;                  /* parts that it has when it is whole */
	uint32_t have;
	struct blob **part;              /* [have] */
	size_t capacity;
};

void log_base_fini(struct log_base *base);
void log_base_copy(const struct log_base *from, struct log_base *out);   /* shares the parts */
/* false: not the one that comes next; nothing is changed. A first part replaces what was there. */
bool log_base_add(struct log_base *base, const struct log_part *part);
bool log_base_is_whole(const struct log_base *base);
size_t log_base_size(const struct log_base *base);
/* The number-th part again; number < have. */
struct log_part log_base_part(const struct log_base *base, uint32_t number);
void log_base_hash(const struct log_base *base, struct hash *hash);

#endif
