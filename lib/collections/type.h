/*
 * type.h - what keys and values can be, in the form in which they are stored: one form for each value, so that equal
 * values are equal bytes, and ordered as their bytes are.
 *
 *      bytes, str     themselves; str is UTF-8
 *      u64            8 bytes, big-endian
 *      i64            the same with the sign bit flipped
 *      f64            the bits of IEEE 754, big-endian: the sign bit flipped, in negative numbers all bits; no NaN, no -0
 *      bool           one byte, 0 or 1
 *      json           the text, UTF-8. Equal values are equal texts only if whoever writes them writes them one way.
 */
#ifndef COLLECTIONS_TYPE_H
#define COLLECTIONS_TYPE_H

#include "base/bytes.h"
#include "base/error.h"

enum type { TYPE_BYTES, TYPE_STR, TYPE_U64, TYPE_I64, TYPE_F64, TYPE_BOOL, TYPE_JSON, TYPES };

const char *type_name(enum type type);                                  /* "u64" */
MUST_CHECK enum error type_from_name(struct bytes name, enum type *out); /* ERROR_BAD_TEXT */
size_t type_size(enum type type);                                       /* of its stored form; 0: any */
bool type_holds(enum type type, struct bytes stored);                   /* whether it is a stored form of the type */

/*
 * Appends the stored form of a text: numbers as in C (decimal; i64 and f64 with a sign; f64 also "inf"), bool as true or
 * false, the others as they are. ERROR_BAD_TEXT: not of that type, or out of its range.
 */
MUST_CHECK enum error type_from_text(enum type type, struct bytes text, struct buffer *out);
/* The inverse; `stored` is of the type. Of f64 a text that reads back as the same number. */
void type_print(enum type type, struct bytes stored, struct buffer *out);

/* Numbers in their stored form, of types of 8 bytes. */
#define TYPE_NUMBER_SIZE 8
void type_put_u64(uint64_t value, uint8_t out[TYPE_NUMBER_SIZE]);
uint64_t type_get_u64(const uint8_t stored[TYPE_NUMBER_SIZE]);
void type_put_i64(int64_t value, uint8_t out[TYPE_NUMBER_SIZE]);
int64_t type_get_i64(const uint8_t stored[TYPE_NUMBER_SIZE]);
MUST_CHECK enum error type_put_f64(double value, uint8_t out[TYPE_NUMBER_SIZE]);   /* ERROR_BAD_TEXT: NaN. -0 becomes 0 */
double type_get_f64(const uint8_t stored[TYPE_NUMBER_SIZE]);

#endif
