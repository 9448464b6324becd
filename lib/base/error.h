/*
 * error.h - every operating error of the library: what went wrong with a peer, the network, a limit or a disk.
 *
 * Bugs are ASSERTs (check.h); a user's mistakes are exit codes (cmd/common/exit.h). An error that travels has a
 * close code: the application code of CONNECTION_CLOSE or RESET_STREAM (RFC 9000 section 20.2).
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))

enum error {
	OK = 0,

	/* told to the peer as a close code */
	ERROR_GRACEFUL,            /* 204 the peer leaves in good order */
	ERROR_INVALID_ALPN,        /* 100 */
	ERROR_DIFFERENT_NETWORK,   /* 101 the network proof does not match */
	ERROR_CANCELLED,           /* 102 the link is no longer wanted */
	ERROR_UNEXPECTED_CLOSE,    /* 103 */
	ERROR_MALFORMED,           /* 400 ProtocolViolation: bytes that no honest peer sends */
	ERROR_UNKNOWN_PEER,        /* 401 the peer presented no entry where one is needed */
	ERROR_FRAME_TOO_LARGE,     /* 413 */
	ERROR_RATE_LIMITED,        /* 429 */
	ERROR_NOT_ALLOWED,         /* 10403 */
	ERROR_STREAM_NOT_FOUND,    /* 10404 */
	ERROR_TOO_SLOW,            /* 10413 */
	ERROR_NO_CAPACITY,         /* 10509 */
	ERROR_BOND_HANDSHAKE,      /* 30400 */
	ERROR_BOND_NOT_ALLOWED,    /* 30403 */
	ERROR_GROUP_NOT_FOUND,     /* 30404 */
	ERROR_BOND_PROOF,          /* 30405 the group's key is another */
	ERROR_BOND_TIMEOUT,        /* 30408 */
	ERROR_ALREADY_BONDED,      /* 30429 */

	/* seen here, not told */
	ERROR_WRONG_PEER,          /* the key is not the one that was dialled */
	ERROR_HANDSHAKE,           /* TLS or QUIC handshake failed */
	ERROR_NO_ANSWER,           /* handshake deadline passed */
	ERROR_REFUSED,             /* nobody listens on that port */
	ERROR_UNREACHABLE,         /* no address to dial, or no route */
	ERROR_IDLE,                /* silence for longer than the idle timeout */
	ERROR_NEAR_HEX,            /* looks like a mistyped 64-digit id */
	ERROR_BAD_TEXT,            /* not of the expected form */
	ERROR_BAD_SIGNATURE,
	ERROR_BAD_KEY,             /* not a usable Ed25519 key */
	ERROR_STALE,               /* older than what is known */
	ERROR_FULL,                /* a bound of wire/limits.h is reached */
	ERROR_SYSTEM,              /* a system call failed; errno says why */

	/* of groups, as outcomes */
	ERROR_NOT_LEADER,          /* no leader that could do it; certainly not done */
	ERROR_BUSY,                /* too much is under way; certainly not done */
	ERROR_FROZEN,              /* two histories of the group met and this one waits; certainly not done */
	ERROR_TIMEOUT,             /* the deadline passed; a read, so nothing was changed */
	ERROR_INDETERMINATE,       /* a write that may or may not have been done */
	ERROR_COUNT
};

const char *error_name(enum error error);   /* "different-network": for `error[...]` and the log */
const char *error_text(enum error error);   /* "is in another network": words for a person */

/* 200 for OK; errors that are not told travel as 103 UnexpectedClose. */
uint64_t error_close_code(enum error error);
enum error error_from_close_code(uint64_t code);   /* unknown codes: ERROR_UNEXPECTED_CLOSE */

#endif
