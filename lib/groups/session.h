/*
 * session.h - exactly once, in order, per handle (Ongaro 2014, section 6.3).
 *
 * A handle opens a session with an entry SESSION_OPEN; its index is the session's id. Its commands go as entries
 * COMMANDS [session, sequence, floor, [command, ...]]: sequence counts entries from 1, floor is the sequence up to which
 * the handle has seen results. Applied:
 *
 *     sequence == last + 1      the commands are carried out; their results are kept
 *     sequence <= last          the kept results again; SESSION_STALE below the floor
 *     sequence >  last + 1      SESSION_GAP: nothing is carried out
 *     unknown session           SESSION_EXPIRED: nothing is carried out
 *
 * The table is part of the replicated state and of every snapshot. It grows to SESSIONS_MAX; then the session that was
 * used longest ago goes, in the order of the log, so that every replica forgets the same one.
 */
#ifndef GROUPS_SESSION_H
#define GROUPS_SESSION_H

#include "base/blob.h"
#include "base/table.h"
#include "base/error.h"

#define SESSIONS_MAX 4096
#define SESSION_RESULTS_MAX 1024               /* entries whose results are kept, */
#define SESSION_RESULTS_SIZE_MAX (256u << 10)  /* and their size; the newest is kept whatever its size */

enum session_verdict { SESSION_NEW, SESSION_REPEATED, SESSION_STALE, SESSION_GAP, SESSION_EXPIRED };

struct sessions {
	struct number_table by_id;       /* -> struct session * */
};

struct session_command {                 /* decoded head of an entry COMMANDS */
	uint64_t session;
	uint64_t sequence;
	uint64_t floor;
	struct bytes commands;           /* CBOR sequence of byte strings; borrowed */
	uint32_t count;
};

void sessions_fini(struct sessions *sessions);
void sessions_open(struct sessions *sessions, uint64_t index);
/* if_idle_since: only if it was not used by an entry after that index. */
void sessions_expire(struct sessions *sessions, uint64_t session, uint64_t if_idle_since);

/*
 * Judges an entry at `index`. SESSION_NEW: the caller carries the commands out and hands the results to
 * sessions_keep; SESSION_REPEATED: *results are those of the first time, borrowed.
 */
enum session_verdict sessions_judge(struct sessions *sessions, uint64_t index, const struct session_command *command,
	struct bytes *results);
/* position: users' commands before the entry. Keeps the results. */
void sessions_keep(struct sessions *sessions, const struct session_command *command, uint64_t position,
	struct blob *results);

/* What is known of an entry, without an entry: SESSION_NEW if it was not carried out yet; *out only if SESSION_REPEATED. */
struct session_results {
	struct bytes results;            /* borrowed */
	uint64_t position;               /* users' commands before the entry */
};
enum session_verdict sessions_look(const struct sessions *sessions, uint64_t session, uint64_t sequence,
	struct session_results *out);
/* Sequence of the newest entry that was carried out; 0: none, or no such session. */
uint64_t sessions_last(const struct sessions *sessions, uint64_t session);
/* Index of the newest entry that named the session; 0: there is no such session. */
uint64_t sessions_used(const struct sessions *sessions, uint64_t session);

/* Canonical: equal tables, equal bytes. ERROR_MALFORMED: the table is empty then. */
void sessions_encode(const struct sessions *sessions, struct buffer *out);
MUST_CHECK enum error sessions_decode(struct bytes encoded, struct sessions *out);

void session_command_encode(const struct session_command *command, struct buffer *out);
/* What stands in front of `size` bytes of commands; command->commands is not looked at. */
#define SESSION_COMMAND_HEAD_MAX 48
void session_command_encode_head(const struct session_command *command, size_t size, struct buffer *out);
/* OK: every one of `count` commands can be taken from `commands` by session_command_next. */
MUST_CHECK enum error session_command_decode(struct bytes payload, struct session_command *out);
/* Takes the first byte string off *rest. false: there is none. Results of an entry have the same form. */
bool session_command_next(struct bytes *rest, struct bytes *command);

#endif
