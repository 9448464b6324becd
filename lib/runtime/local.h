/*
 * local.h - the same-host rendezvous: how nodes of one user on one machine meet with no flag at all.
 *
 * Every node keeps one file, <base>/<network id>/<peer id>, that holds its address token and that it has locked
 * (flock) for as long as it lives. A file that can be locked by somebody else is stale: its owner died, and the
 * finder removes it. <base> is $MOSAIK_RUNTIME_DIR, else $XDG_RUNTIME_DIR/mosaik, else /tmp/mosaik-<uid>; it must be a
 * directory of ours that nobody else may write to.
 */
#ifndef RUNTIME_LOCAL_H
#define RUNTIME_LOCAL_H

#include "base/address.h"
#include "base/crypto.h"

#define LOCAL_TOKEN_SIZE (ID_TEXT_SIZE + DIAL_ADDRESSES_MAX * ADDRESS_TEXT_SIZE)

/* "PEERID@HOST:PORT[,HOST:PORT...]" */
void local_format_token(const struct dial *dial, char out[LOCAL_TOKEN_SIZE]);
/* Numeric addresses only; a token without PEERID@ gives a zero peer. ERROR_BAD_TEXT. */
MUST_CHECK enum error local_parse_token(const char *token, struct dial *out);

/* Where the files of a network are, for messages; borrowed from `out`. Nothing is created. */
#define LOCAL_PATH_SIZE 512
void local_path(const struct id *network, char out[LOCAL_PATH_SIZE]);

struct local;

/* Our file, made and locked. ERROR_SYSTEM (errno), ERROR_NOT_ALLOWED: the base is not safely ours. */
MUST_CHECK enum error local_publish(const struct id *network, const struct dial *self, struct local **out);
void local_withdraw(struct local *local);   /* removes our file; NULL is fine */

/*
 * Live nodes of this network on this host, in no particular order, at most `most`, `self` left out (may be NULL).
 * Removes stale files on the way. Returns how many; a missing or unsafe base gives none.
 */
size_t local_find(const struct id *network, const struct id *self, struct dial *out, size_t most);

/* What is there, untouched: for somebody who asks why nodes do not meet. */
struct local_state {
	bool exists;
	bool is_safe;                       /* ours, and nobody else may write there */
	size_t live;
	size_t stale;                       /* whose owner died; the next local_find removes them */
	char stale_name[ID_TEXT_SIZE];      /* the last of them */
};
void local_inspect(const struct id *network, struct local_state *out);

#endif
