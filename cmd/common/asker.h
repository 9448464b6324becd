/*
 * asker.h - one-shot questions to a group: find a member in the catalog, prove the key, ask, leave. Nobody lists us.
 *
 * A member that cannot be reached, or is gone before it was asked anything, is replaced by the next; so is one that hears
 * no leader, where another does and the owner may_move. With -w it waits for a member to appear; -W bounds everything.
 */
#ifndef CMD_ASKER_H
#define CMD_ASKER_H

#include "cmd/common/ask.h"

#define ASKER_TYPES_MAX 64

struct asker {
	/* From the owner. */
	struct ask ask;                  /* common is filled in, the rest is ours */
	const char *kind;                /* "group", "map", ...: see group_name.h */
	const char *name;
	const char *key_path;            /* NULL */
	const char *types;               /* only a group listed with these; NULL: any, if all are the same */
	bool writes;                     /* something may have been changed when the deadline passes */
	msec waits_from;                 /* -w counts from then; 0: from the start */
	bool may_move;                   /* what waits, or is followed, may be had from another member instead: `up` is called again */
	/* A member is there, proven both ways: questions may be put by the functions below. Again after a reconnect. */
	void (*up)(struct asker *asker, msec now);
	/* An answer or event. The message is dropped by us. */
	void (*fact)(struct asker *asker, msec now, const struct client_fact *fact);
	/*
	 * The member went away; open questions got their facts before. true: another one is asked, and waited for if there is
	 * none, as long as -W allows. false or NULL: that is the end.
	 */
	bool (*again)(struct asker *asker);
	void (*turn)(struct asker *asker, msec now);    /* once a turn while up; may be NULL */
	bool turns_always;               /* also while no member is up */
	void (*closing)(struct asker *asker);           /* it is over, for whatever reason: streams are closed; may be NULL */
	void *self;

	/* From us. */
	struct client *client;
	struct id key;                   /* of the group; -k was read before anybody was asked */
	bool is_up;
	bool told;                       /* why there is no member */
	bool was_up;                     /* ever */
	struct id group;
	struct id member;
	char found_types[ASKER_TYPES_MAX];  /* those of the group that was found */
	struct id_table tried;           /* members that failed us since the last look */
	size_t members;                  /* listed at the last look */
	enum error failure;              /* of the last member */
	bool refused;                    /* by a member that has another key */
	char near[ENTRY_NAME_MAX];       /* listed: a name like the one we wanted, or a store of another kind */
	char other_types[ASKER_TYPES_MAX];  /* of a store of this name that is not the one that was found, or wanted */
	size_t open;                     /* questions without an answer yet */
	uint64_t followed;               /* ticket; 0: nothing is followed */
	size_t results;                  /* of this member */
	msec doubt_at;                   /* it is asked next whether it hears a leader, see asker.c; */
	bool is_doubted;                 /* it was, and has said nothing since */
	struct client *scout;            /* another member that is asked the same; NULL */
	struct id scouted;
};

/* Runs until asker_leave, and says on stderr why if it was for want of a member. The exit status. */
int asker_run(struct asker *asker);
void asker_leave(struct asker *asker, int status);

/*
 * For the outcome of the only question that is open: true if it certainly did nothing and is tried again; then `up` is
 * called again. Another member is asked at once where the one that was asked only reads, else as long as -w allows.
 */
bool asker_retry(struct asker *asker, msec now, enum error reason);
/* Another member is asked, that has not failed us: `up` is called again. false: there is none; the one that is there stays. */
bool asker_try_another(struct asker *asker, msec now);
/* Whether this is the end of what was followed because the member went away: CLIENT_DOWN says so next. */
bool asker_is_cut(enum error reason);
/* Whether the member is there, and said that it does not answer a strong read now. */
bool asker_is_refused(enum error reason);
/* The exit status that an outcome of client.h comes to, told on stderr if it is not OK. */
int asker_outcome(const struct asker *asker, enum error reason);

/*
 * For who cannot take more now: the member is left, and with asker_resume one is looked for again. Nothing may be open but
 * what is followed.
 */
void asker_pause(struct asker *asker);
void asker_resume(struct asker *asker, msec now);

/* See client.h. A failed propose or query means that too much is under way: ask again after an answer. */
bool asker_propose(struct asker *asker, uint64_t ticket, struct bytes command);
bool asker_feed(struct asker *asker, uint64_t ticket, struct bytes command);
bool asker_query(struct asker *asker, const struct group_query *query);
void asker_status(struct asker *asker, uint64_t ticket);
/*
 * What a fact tells of the group's status: true, and *out is the caller's to client_status_fini. false: nothing; where
 * that is a failure it was told, and the asker leaves.
 */
bool asker_reads_status(struct asker *asker, const struct client_fact *fact, struct client_status *out);
void asker_order(struct asker *asker, const struct client_order *order);
void asker_follow(struct asker *asker, const struct client_follow *follow);

struct node *asker_node(struct asker *asker);

#endif
