/*
 * checksum.h - a digest that costs a tenth of a cryptographic one, against accidents.
 *
 * For bytes that came over an authenticated channel: nobody in between can have changed them, and whoever sent them could as
 * well have sent others. What is left is our own mistakes: bytes lost, repeated, exchanged, taken from the wrong place. Two
 * inputs that differ by such have the same digest with a chance of about 2^-64. Whoever wants to find two can: where
 * anything is trusted for its digest, id_hash is the one to use.
 */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include "base/bytes.h"
#include "base/id.h"

struct id checksum(struct bytes data);   /* the same on every machine */

#endif
