/*
 * coprocess.h - a command that is the replicated state machine of a group: lines to its stdin, lines from its stdout.
 *
 *     to it      apply TAB INDEX TAB TERM TAB DATA      query TAB ID TAB DATA
 *                snapshot TAB ID                        restore TAB LEN LF <LEN bytes>
 *     from it    ok TAB ID TAB RESULT                   err TAB ID TAB TEXT
 *                snap TAB ID TAB LEN LF <LEN bytes>
 *
 * DATA, RESULT and TEXT are escaped: \\ \t \n \r \0; <bytes> are not, and nothing follows them. The ID of an apply is its
 * INDEX; that of a query begins with a q, that of a snapshot with an s, before the index up to which everything was applied.
 */
#ifndef GROUP_COPROCESS_H
#define GROUP_COPROCESS_H

#include "base/bytes.h"
#include "base/error.h"

struct uv_loop_s;
struct coprocess;

/* ERROR_SYSTEM: nothing runs, errno says why. */
MUST_CHECK enum error coprocess_start(struct uv_loop_s *loop, char *const *argv, struct coprocess **out);
/* Its stdin is closed and it gets a SIGTERM; it is killed if it does not end soon. The loop must run once more. NULL is fine. */
void coprocess_free(struct coprocess *coprocess);

void coprocess_apply(struct coprocess *coprocess, uint64_t index, uint64_t term, struct bytes data);
void coprocess_query(struct coprocess *coprocess, uint64_t id, struct bytes data);
void coprocess_snapshot(struct coprocess *coprocess, uint64_t index);
/* Its state is replaced: parts that follow each other make `size` bytes. */
void coprocess_restore(struct coprocess *coprocess, size_t size);
void coprocess_restore_part(struct coprocess *coprocess, struct bytes part);
size_t coprocess_pending(const struct coprocess *coprocess);    /* bytes that it has not read yet */

struct coprocess_reply {
	enum { REPLY_APPLY, REPLY_QUERY, REPLY_SNAPSHOT } to;
	bool ok;
	uint64_t id;
	struct bytes text;               /* unescaped, or the snapshot; borrowed until the next call */
};
/* Moves data both ways, then gives the next reply. false: none for now. ERRORs end it: see has_ended. */
bool coprocess_next(struct coprocess *coprocess, struct coprocess_reply *out);
/* A line longer than 4 MiB, or a snapshot that is more than LOG_BASE_MAX bytes: it cannot be understood any more. */
bool coprocess_is_broken(const struct coprocess *coprocess);
bool coprocess_has_ended(const struct coprocess *coprocess, int *status);
void coprocess_signal(struct coprocess *coprocess, int signal_number);

/* \\ \t \n \r \0, both ways. unescape: false, a backslash that stands before something else; *out may have grown. */
void coprocess_escape(struct bytes data, struct buffer *out);
bool coprocess_unescape(struct bytes text, struct buffer *out);

#endif
