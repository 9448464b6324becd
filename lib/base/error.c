/*
 * error.c - names, words and close codes of errors, in one table.
 *
 * The words complete "peer X ..." where a peer is to blame and stand alone elsewhere, so that a program can put
 * them behind whatever it was doing. Close codes below 1000 are of the whole connection, 1xxxx of streams,
 * 3xxxx of groups.
 */
#include "base/error.h"

#include "base/check.h"

#include <stddef.h>

enum {
	CLOSE_SUCCESS = 200,
	CLOSE_UNEXPECTED = 103,
};

struct row {
	const char *name;
	const char *text;
	uint16_t close_code;   /* 0: never told to a peer */
};

static const struct row rows[ERROR_COUNT] = {
	[OK] = {"ok", "is fine", CLOSE_SUCCESS},
	[ERROR_GRACEFUL] = {"graceful", "left in good order", 204},
	[ERROR_INVALID_ALPN] = {"invalid-alpn", "does not speak this protocol", 100},
	[ERROR_DIFFERENT_NETWORK] = {"different-network", "is in another network", 101},
	[ERROR_CANCELLED] = {"cancelled", "no longer wants the link", 102},
	[ERROR_UNEXPECTED_CLOSE] = {"unexpected-close", "closed without a reason", CLOSE_UNEXPECTED},
	[ERROR_MALFORMED] = {"malformed", "sent bytes that are not a message of the protocol", 400},
	[ERROR_UNKNOWN_PEER] = {"unknown-peer", "did not introduce itself", 401},
	[ERROR_FRAME_TOO_LARGE] = {"frame-too-large", "sent a message above the size limit", 413},
	[ERROR_RATE_LIMITED] = {"rate-limited", "sends too often", 429},
	[ERROR_NOT_ALLOWED] = {"not-allowed", "is not allowed to do that", 10403},
	[ERROR_STREAM_NOT_FOUND] = {"stream-not-found", "does not have that stream", 10404},
	[ERROR_TOO_SLOW] = {"too-slow", "read too slowly and was dropped", 10413},
	[ERROR_NO_CAPACITY] = {"no-capacity", "has no room for another subscriber", 10509},
	[ERROR_BOND_HANDSHAKE] = {"bond-handshake", "did not begin the bond as the protocol says", 30400},
	[ERROR_BOND_NOT_ALLOWED] = {"bond-not-allowed", "does not let us into the group", 30403},
	[ERROR_GROUP_NOT_FOUND] = {"group-not-found", "is not in that group", 30404},
	[ERROR_BOND_PROOF] = {"bond-proof", "has another key of the group", 30405},
	[ERROR_BOND_TIMEOUT] = {"bond-timeout", "did not prove the group's key in time", 30408},
	[ERROR_ALREADY_BONDED] = {"already-bonded", "is bonded with us already", 30429},
	[ERROR_WRONG_PEER] = {"wrong-peer", "answered with another key than the one dialled", 0},
	[ERROR_HANDSHAKE] = {"handshake", "failed the handshake", 0},
	[ERROR_NO_ANSWER] = {"no-answer", "does not answer", 0},
	[ERROR_REFUSED] = {"refused", "nobody listens on that port", 0},
	[ERROR_UNREACHABLE] = {"unreachable", "cannot be reached at any known address", 0},
	[ERROR_IDLE] = {"idle", "fell silent", 0},
	[ERROR_NEAR_HEX] = {"near-hex", "looks like a mistyped id: an id is 64 hex digits", 0},
	[ERROR_BAD_TEXT] = {"bad-text", "is not of the expected form", 0},
	[ERROR_BAD_SIGNATURE] = {"bad-signature", "has a signature that does not match", 0},
	[ERROR_BAD_KEY] = {"bad-key", "is not a usable Ed25519 key", 0},
	[ERROR_STALE] = {"stale", "is older than what is known", 0},
	[ERROR_FULL] = {"full", "would exceed a limit", 0},
	[ERROR_SYSTEM] = {"system", "a system call failed", 0},
	[ERROR_NOT_LEADER] = {"no-leader", "knows no leader that could do it", 0},
	[ERROR_BUSY] = {"busy", "has too much under way", 0},
	[ERROR_FROZEN] = {"frozen", "waits until two histories of the group are one", 0},
	[ERROR_TIMEOUT] = {"timeout", "did not answer before the deadline", 0},
	[ERROR_INDETERMINATE] = {"indeterminate", "may or may not have done it", 0},
};

static const struct row *row_of(enum error error)
{
	const struct row *row;

	ASSERT((unsigned)error < ERROR_COUNT);
	row = &rows[error];
	ASSERT(row->name != NULL && row->text != NULL);
	return row;
}

const char *error_name(enum error error)
{
	return row_of(error)->name;
}

const char *error_text(enum error error)
{
	return row_of(error)->text;
}

uint64_t error_close_code(enum error error)
{
	uint64_t code = row_of(error)->close_code;

	return code != 0 ? code : CLOSE_UNEXPECTED;
}

enum error error_from_close_code(uint64_t code)
{
	for (size_t i = 0; i < ERROR_COUNT; i++) {
		/* Without the first test, a peer's code 0 would find the errors that are never told. */
		if (code != 0 && rows[i].close_code == code)
			return (enum error)i;
	}
	return ERROR_UNEXPECTED_CLOSE;
}
