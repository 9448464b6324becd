/*
 * collection_internal.h - what the kinds of collections share.
 */
#ifndef COLLECTIONS_COLLECTION_INTERNAL_H
#define COLLECTIONS_COLLECTION_INTERNAL_H

#include "base/tree.h"
#include "collections/change.h"
#include "collections/collection.h"
#include "collections/result.h"
#include "wire/cbor.h"

#define PART_BIT(part) (1u << (part))
#define WITH_PRIORITY PART_BIT(PART_PRIORITY)
#define WITH_KEY PART_BIT(PART_KEY)
#define WITH_VALUE PART_BIT(PART_VALUE)

/* Commands and queries are [op, argument, ...]; op is an index into the tables of the kind. */
enum map_op { MAP_PUT, MAP_PUT_MANY, MAP_REMOVE, MAP_REMOVE_MANY, MAP_CLEAR, MAP_CAS };
enum set_op { SET_ADD, SET_ADD_MANY, SET_REMOVE, SET_REMOVE_MANY, SET_CLEAR };
enum keyed_query { KEYED_GET, KEYED_LEN, KEYED_RANK, KEYED_LIST, KEYED_HAS_ALL };   /* of map and set */
enum vec_op {
	VEC_PUSH, VEC_PUSH_FRONT, VEC_POP, VEC_POP_FRONT, VEC_INSERT, VEC_REMOVE, VEC_SWAP, VEC_TRUNCATE, VEC_EXTEND,
	VEC_CLEAR
};
enum vec_query { VEC_GET, VEC_LAST, VEC_LEN, VEC_INDEX_OF, VEC_LIST };
enum cell_op { CELL_SET, CELL_CLEAR, CELL_CAS };
enum once_op { ONCE_SET };
enum single_query { SINGLE_GET };                                                   /* of cell and once */
enum pqueue_op {
	PQUEUE_PUSH, PQUEUE_PUSH_MANY, PQUEUE_SET_PRIORITY, PQUEUE_SET_VALUE, PQUEUE_CAS, PQUEUE_REMOVE, PQUEUE_REMOVE_MANY,
	PQUEUE_REMOVE_RANGE, PQUEUE_TAKE_MIN, PQUEUE_TAKE_MAX, PQUEUE_CLEAR
};
enum pqueue_query { PQUEUE_GET, PQUEUE_LEN, PQUEUE_MIN, PQUEUE_MAX, PQUEUE_LIST };

struct collection {
	const struct kind *kind;
	struct collection_shape shape;
	struct tree tree;            /* the content: key to value; of a pqueue see pqueue.c; of vec, cell, once without keys */
	struct tree order;           /* pqueue: by priority, then key; others: empty */
};

/* One command under way. */
struct call {
	struct collection *self;
	struct cbor in;              /* after the op */
	struct buffer *result;
	struct buffer *changes;      /* NULL: nobody watches */
};

/* Some of the parts of an entry. Borrowed. */
struct parts {
	unsigned mask;               /* PART_BIT of those that are there */
	struct bytes part[PARTS];
};

/*
 * A command reads its arguments and stops where cbor_end(&call->in) is not OK, before it changed anything: the caller
 * answers then. Otherwise it answers itself, once. A query does likewise with `in` and `answer`.
 */
typedef void command_function(struct call *call);
typedef void query_function(const struct collection *self, struct cbor *in, struct buffer *answer);

struct kind {
	const char *name;
	unsigned mask;               /* its parts */
	bool single;                 /* holds one entry at the most */
	command_function *const *commands;
	size_t command_count;
	query_function *const *queries;
	size_t query_count;
};

extern const struct kind map_kind, set_kind, vec_kind, cell_kind, once_kind, pqueue_kind;

/* --- writing them: *_wire.c --- */

void command_head(struct buffer *out, unsigned op, size_t arguments);
void command_optional(struct buffer *out, bool present, struct bytes value);

/* --- of commands --- */

/* Whether the parts are of their types and not too large; answers if they are not. */
bool call_accepts(struct call *call, const struct parts *parts);
void call_answer(struct call *call, const struct result *result);
void call_outcome(struct call *call, enum outcome outcome, uint64_t count);
/* DONE with one value. */
void call_found(struct call *call, uint64_t count, struct bytes value);
void call_changed(struct call *call, enum change_op op, const struct parts *parts);   /* tells whoever watches */
void call_clear(struct call *call);          /* the whole of a command `clear`: DONE, count: entries removed */

/* The entries of a bulk command, in groups of the parts in `mask`. */
struct walk {
	struct bytes rest;
	unsigned mask;
	bool broken;                 /* stopped because what follows is malformed */
};
bool walk_next(struct walk *walk, struct parts *out);
/* Reads the sequence of a bulk command, the last argument, and looks at all of it. false: malformed, or answered. */
bool call_reads_many(struct call *call, unsigned mask, struct walk *out);
/* The whole of a command that removes many keys; `take` removes one, or returns NULL. */
void call_remove_many(struct call *call, struct tree_entry *(*take)(struct call *call, struct bytes key));
struct bytes call_optional(struct cbor *in, bool *present);      /* a byte string or null */

/* --- of queries --- */

void answer_put(struct buffer *answer, const struct result *result);
void answer_outcome(struct buffer *answer, enum outcome outcome, uint64_t count);

/* Collects entries of a list, as many as an answer can hold and the asker wants. */
struct page {
	struct buffer entries;
	uint64_t left;
};
struct page page_new(uint64_t limit);                            /* 0: as many as fit */
bool page_add(struct page *page, const struct parts *parts);     /* false: it is full; parts do not go in */
void page_answer(struct page *page, bool more, struct buffer *answer);   /* ends it */

/* --- of content --- */

struct parts collection_parts(const struct collection *self, const struct tree_entry *entry);
struct parts parts_of_key(struct bytes key);
struct parts parts_of_value(struct bytes value);
struct parts parts_of_pair(struct bytes key, struct bytes value);

/* pqueue.c: the stored value of an entry, the parts of it, and its place in the other tree. */
void pqueue_pack(const struct parts *parts, struct buffer *out);
struct parts pqueue_parts(const struct tree_entry *entry);
void pqueue_enter(struct collection *self, const struct parts *parts);   /* into self->order */
void pqueue_check(const struct collection *self);

#endif
