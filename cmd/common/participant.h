/*
 * participant.h - being a member of a group for as long as a program runs: key, storage, joining, leaving.
 */
#ifndef CMD_PARTICIPANT_H
#define CMD_PARTICIPANT_H

#include "cmd/common/session.h"

struct store;

struct participant_options {
	const char *kind;                /* "group", "map", ...: see group_name.h */
	const char *name;                /* as the user typed it */
	const char *listed;              /* what members list it as */
	const char *key_path;            /* NULL */
	const char *data;                /* directory; NULL: in memory */
	/* Makes the state anew: for the start, and after our history lost against another. */
	struct state (*state)(void *self);
	/* The group is over: it was left (with the status of participant_leave), or it failed. NULL: the session is left. */
	void (*over)(void *self, int status);
	void *self;                      /* of both */
	bool external;                   /* these as in group.h */
	bool join_only;
	bool tell_applied;
	bool tell_changes;
	bool lan;                        /* raft_timing_lan */
	bool observers_read;             /* as in group.h */
	bool quiet;                      /* nobody needs to be told that it is in memory only */
	enum preference preference;
	uint8_t expect;
	uint8_t copies_min;
};

struct participant {
	struct session *session;
	struct participant_options options;
	struct group *group;             /* NULL before open and after it has left */
	struct store *store;             /* NULL: in memory */
	char *listed;                    /* that of the options, kept */
	struct id id;
	int key_lock;                    /* of the key that is kept with the data; -1 */
	bool is_leaving;
	bool is_online;
	bool told_full;
	uint64_t snapshots;              /* so often the content was fetched whole, last at that version */
	uint64_t snapshot_version;
	bool told_others;
	size_t seen;                     /* peers, when it was last looked for others of this name */
	bool archive_failed;             /* a part of a history that lost could not be kept */
};

/*
 * Opens the session and joins, or ends the process with one line. Without -i the key is kept with the data: the promises there
 * are those of one identity. Says once on stderr when nothing is kept on disk, unless -q. how: NULL if the session is open,
 * with another participant in it.
 */
void participant_open(struct participant *participant, struct session *session, const struct session_options *how,
	const struct participant_options *options);

/*
 * For every fact of the node: true if it is about this group. Those that are of no interest to the owner are dealt with
 * here; *fact then has kind GROUP_ROOM. Leaves the session when the group is over.
 */
bool participant_fact(struct participant *participant, msec now, const struct node_fact *fact, struct group_fact *out);

/* What the group and the node came to, on stderr; participant_turn does it where --stats says so, unless `over` is given. */
void participant_stats(struct participant *participant);
/* After any verb of group.h. */
void participant_turn(struct participant *participant, msec now);
/* A departure in good order; the session is left with `status` when it is over. */
void participant_leave(struct participant *participant, msec now, int status);
/* From session_options.closing: whatever is still open. */
void participant_close(struct participant *participant);

#endif
