/*
 * handle.h - the proposing side of a session: everything that a member's users propose goes through one handle.
 *
 *      propose --> [ batch being filled ] --> [ batches in flight, each one entry with a sequence ] --> outcomes
 *
 * What arrives while entries are in flight becomes the next entry. An entry that was sent once is sent again, with the
 * same sequence, until this member's own replica has applied it: to the next leader, after a refusal, after a gap, or
 * when nothing was heard of it for long. Because the handle sees every entry applied, it knows of each command whether
 * it was carried out, except where a snapshot skipped the entries and the session is gone from it.
 */
#ifndef GROUPS_HANDLE_H
#define GROUPS_HANDLE_H

#include "base/list.h"
#include "base/time.h"
#include "groups/replica.h"

#define HANDLE_COMMANDS_MAX 65536          /* outstanding, */
#define HANDLE_SIZE_MAX (8u << 20)         /* and their size: above either there is no room */
#define HANDLE_BATCH_SIZE (1u << 20)       /* of one entry; a command that is larger goes alone */
#define HANDLE_BATCH_COMMANDS 1024
#define HANDLE_FLIGHT_SMALL 2              /* so many entries go at once, however small; */
#define HANDLE_FLIGHT_MAX 32               /* so many if they are large: */
#define HANDLE_LARGE_SIZE (64u << 10)
#define HANDLE_LARGE_COMMANDS 512

struct outcome {
	uint64_t ticket;
	enum error reason;               /* OK, NOT_LEADER, FROZEN: certainly not; INDETERMINATE */
	uint64_t position;               /* OK */
	struct blob *result;             /* OK; NULL: empty. Taken by the reader */
};

struct handle {
	uint64_t nonce;                  /* makes our SESSION_OPEN known among others */
	msec retry;                      /* how long an entry in flight may be silent */
	uint64_t session;                /* 0: none */
	bool opening;                    /* SESSION_OPEN was sent */
	uint64_t sequence;               /* of the newest entry */
	struct list batches;             /* struct batch, oldest first: those in flight, then those that are filled */
	size_t flight;                   /* in flight */
	size_t commands;                 /* outstanding */
	size_t size;
	msec again_at;                   /* everything in flight is sent again; MSEC_NEVER */
	bool was_full;
	struct outcome *outcome;         /* outcome[outcome_first .. outcome_count) */
	size_t outcome_first, outcome_count, outcome_capacity;
};

void handle_init(struct handle *handle, uint64_t nonce, msec retry);
void handle_fini(struct handle *handle);

bool handle_has_room(const struct handle *handle);
/* There is room. ticket: other than 0. */
void handle_propose(struct handle *handle, msec now, uint64_t ticket, struct bytes command);
/* What is to be sent to the leader now, in order; payload is the caller's. false: nothing. */
struct sending {
	enum entry_kind kind;
	uint32_t commands;
	struct blob *payload;
};
bool handle_next(struct handle *handle, msec now, struct sending *out);
/* Everything in flight goes again: at once, or not before an instant. */
void handle_again(struct handle *handle);
void handle_again_at(struct handle *handle, msec at);
void handle_tick(struct handle *handle, msec now);
msec handle_deadline(const struct handle *handle);

/* An entry SESSION_OPEN was applied at index. */
void handle_opened(struct handle *handle, uint64_t index, struct bytes payload);
/* An entry COMMANDS was applied. position: users' commands before it. */
void handle_applied(struct handle *handle, msec now, const struct applied *applied, uint64_t position);
/* Sessions came or went by an entry: is ours still there? */
void handle_sessions_changed(struct handle *handle, const struct sessions *sessions);
/* The tickets of an entry that is about to be handed to handle_applied; NULL: not ours, or not NEW. */
const uint64_t *handle_tickets(const struct handle *handle, const struct applied *applied);
/* The replica stands elsewhere, by a snapshot. */
void handle_restored(struct handle *handle, const struct sessions *sessions);
/* This history is over. is_complete: we have applied all of it, so that what is in flight was certainly not done. */
void handle_reborn(struct handle *handle, bool is_complete);
/* What was never sent and came before an instant is answered. */
void handle_refuse(struct handle *handle, msec before, enum error reason);
/* When the oldest command came that was never sent; MSEC_NEVER: there is none. */
msec handle_waiting_since(const struct handle *handle);

bool handle_next_outcome(struct handle *handle, struct outcome *out);
/* Once after there was no room, as soon as there is. */
bool handle_told_room(struct handle *handle);
void handle_check(const struct handle *handle);

#endif
