/*
 * coprocess.h - a command that is the replicated state machine of a group: lines to its stdin, lines from its stdout.
 *
 *     to it      apply TAB INDEX TAB TERM TAB DATA      query TAB ID TAB DATA
 *     from it    ok TAB ID TAB RESULT                   err TAB ID TAB TEXT
 *
 * DATA, RESULT and TEXT are escaped: \\ \t \n \r \0. The ID of an apply is its INDEX; the ID of a query begins with a q.
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
size_t coprocess_pending(const struct coprocess *coprocess);    /* bytes that it has not read yet */

struct coprocess_reply {
	bool ok;
	bool is_query;
	uint64_t id;
	struct bytes text;               /* unescaped; borrowed until the next call */
};
/* Moves data both ways, then gives the next reply. false: none for now. ERRORs end it: see has_ended. */
bool coprocess_next(struct coprocess *coprocess, struct coprocess_reply *out);
bool coprocess_has_ended(const struct coprocess *coprocess, int *status);
void coprocess_signal(struct coprocess *coprocess, int signal_number);

/* \\ \t \n \r \0, both ways. unescape: false, a backslash that stands before something else; *out may have grown. */
void coprocess_escape(struct bytes data, struct buffer *out);
bool coprocess_unescape(struct bytes text, struct buffer *out);

#endif
