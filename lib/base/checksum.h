/*
 * checksum.h - XXH3 of 128 bits: a digest that costs a tenth of a cryptographic one, against accidents.
 *
 * For bytes that came over an authenticated channel: nobody in between can have changed them, and whoever sent them could as
 * well have sent others. What is left is our own mistakes: bytes lost, repeated, exchanged, taken from the wrong place. Whoever
 * wants to find two inputs with one checksum can: where anything is trusted for its digest, id_hash is the one to use.
 */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include "base/bytes.h"

#define CHECKSUM_SIZE 16

struct checksum {
	uint8_t byte[CHECKSUM_SIZE];   /* big-endian: the same on every machine */
};

struct checksum checksum_of(struct bytes data);

#endif
