/*
 * linear.h - was this history of operations linearizable (Herlihy and Wing 1990)?
 *
 * Two judges. linear_check trusts nothing but what clients saw: key by key it searches an order of the operations that
 * respects real time and explains every result (Wing and Gong 1993, with the memory of Lowe 2017: a pair of done operations
 * and state is explored once). linear_witness is told the order (the position that each operation was applied at) and only
 * verifies it, in O(n log n).
 *
 * Every key is an object of its own: a register, a counter or a list, as its operations say.
 */
#ifndef TESTS_SIM_LINEAR_H
#define TESTS_SIM_LINEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define LINEAR_NONE UINT64_MAX       /* no value: what a register holds before it is written */
#define LINEAR_PENDING INT64_MAX     /* as `returned`: never answered, or nobody can tell; it may yet take effect */

enum linear_kind {
	LINEAR_READ,       /* result: the value */
	LINEAR_WRITE,      /* value */
	LINEAR_SWAP,       /* value; result: what was there before */
	LINEAR_CAS,        /* expected, value; result: 1 done, 0 refused */
	LINEAR_DELETE,     /* result: 1 something was there, 0 nothing */
	LINEAR_ADD,        /* value, modulo 2^64; result: the sum afterwards */
	LINEAR_COUNT,      /* result: the sum, 0 at first */
	LINEAR_APPEND,     /* value; result: the length afterwards */
	LINEAR_LIST,       /* result: the length; chain: linear_chain of the content */
	LINEAR_KINDS
};

struct linear_op {
	uint64_t client;
	uint64_t key;
	int64_t invoked, returned;   /* any unit; one clock */
	enum linear_kind kind;
	bool blind;                  /* the result is not known */
	uint64_t value, expected;
	uint64_t result, chain;
	uint64_t position;           /* where it was applied; of reads: what they saw. 0: not known */
};

/* What one key holds. {LINEAR_NONE, 0} at first. */
struct linear_state {
	uint64_t value;              /* register, sum or length */
	uint64_t chain;              /* of a list */
};

extern const struct linear_state linear_state_first;
/* One more element of a list. */
uint64_t linear_chain(uint64_t chain, uint64_t value);
/* Carries op out; false: its result is not what this state gives, and *state is undefined. */
bool linear_apply(struct linear_state *state, const struct linear_op *op);
bool linear_is_read(enum linear_kind kind);

enum linear_verdict { LINEAR_OK, LINEAR_VIOLATED, LINEAR_UNDECIDED };

struct linear_report {
	enum linear_verdict verdict;
	uint64_t key;                /* VIOLATED, UNDECIDED: of which */
	size_t op;                   /* VIOLATED: one that fits nowhere, an index into the history as handed in */
	uint64_t steps;              /* operations tried */
};

/* Not more than `memory` bytes a key are spent on remembering; then the verdict is UNDECIDED. */
void linear_check(const struct linear_op *ops, size_t count, size_t memory, struct linear_report *out);
/*
 * Operations without a position are not looked at, and neither are the results on keys where one may have been applied
 * (pending, or blind about its position).
 */
void linear_witness(const struct linear_op *ops, size_t count, struct linear_report *out);

/* ---- histories ---- */

struct linear_history {
	struct linear_op *op;
	size_t count;
	size_t capacity;
};

void linear_history_fini(struct linear_history *history);
void linear_history_add(struct linear_history *history, const struct linear_op *op);
/*
 * Text: one line an operation, `client invoked returned op key value result [@position]`, in blanks. returned is - where
 * none came; op is one of read write swap cas delete add count append list; value is - where there is none, and OLD,NEW
 * of cas; result is - for no value, ok or fail, a value, ? for not known, or the elements of a list with commas between.
 * Lines that begin with # are comments. 0: fine; else the number of the first line that is none of this.
 */
size_t linear_history_parse(struct linear_history *history, const char *text);
/* Binary: records of eleven numbers of 64 bits, little endian, after 8 bytes of magic. false: not such a file. */
bool linear_history_read_binary(struct linear_history *history, FILE *file);
bool linear_history_write_binary(const struct linear_history *history, FILE *file);

#endif
