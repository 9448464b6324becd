/*
 * raft_election.c - who leads next.
 *
 *      follower --silence--> pre-candidate --a quorum would vote--> candidate --a quorum voted, durably--> leader
 *          ^                      | (changes nothing: term, vote and disk stay)    |
 *          +----------------------+-------- a higher term, a leader ---------------+
 *
 * The caller's configuration decides who is asked; who is asked looks at neither its own configuration nor its own role
 * (B12): a member that has not yet received the configuration that makes it a voter has to vote all the same.
 */
#include "groups/raft_internal.h"

#include "base/check.h"

#define RELUCTANT_FACTOR 2
#define JITTER_DOUBLINGS_MAX 3

static msec jitter(struct raft *raft)
{
	/* E10: timeouts are random every round; a node that lost a round doubles its jitter. */
	unsigned doublings = raft->lost < JITTER_DOUBLINGS_MAX ? raft->lost : JITTER_DOUBLINGS_MAX;
	uint64_t span = (uint64_t)raft->options.timing.election_jitter << doublings;

	return (msec)rng_below(&raft->rng, span + 1);
}

void raft_election_reset(struct raft *raft)
{
	msec timeout = raft->options.timing.election_timeout;

	/* E10: a reluctant one waits longer, so that others come first. */
	if (raft->options.preference == PREFER_RELUCTANT)
		timeout *= RELUCTANT_FACTOR;
	raft->election_at = raft->now + timeout + jitter(raft);
}

void raft_election_soon(struct raft *raft)
{
	msec wait = jitter(raft) / 2;

	if (raft->options.preference == PREFER_RELUCTANT)
		wait += raft->options.timing.election_timeout / 2;
	raft->election_at = msec_min(raft->election_at, raft->now + wait);
}

bool raft_election_may(const struct raft *raft)
{
	/* E1, B9: a voter in the effective *or* the latest committed configuration may campaign; an observer never. */
	return !raft->stopped && !id_is_zero(&raft->hard.lineage) && raft->options.preference != PREFER_OBSERVER &&
		raft_is_voter(raft);
}

static void ask(struct raft *raft, const struct peer *peer)
{
	bool pre = raft->role == RAFT_PRE_CANDIDATE;
	uint64_t last = raft_log_last(&raft->log);

	raft_send(raft, &peer->member, LANE_CONTROL, &(struct raft_message){
		.kind = pre ? RAFT_PREVOTE : RAFT_VOTE,
		/* B13: a PreVote is for a term that nobody has entered yet, and a message of another kind. */
		.term = raft->hard.term + (pre ? 1 : 0),
		.last_index = last,
		.last_term = raft_log_term(&raft->log, last),
		.transfer = raft->transferred,
	});
}

static void ask_all(struct raft *raft)
{
	const struct configuration *effective = raft_config_effective(raft);

	for (size_t i = 0; i < raft->peers.count; i++) {
		struct peer *peer = raft_peer_at(raft, i);

		peer->voted = false;
		if (configuration_has(effective, &peer->member))
			ask(raft, peer);
	}
}

void raft_election_meet(struct raft *raft, struct peer *peer)
{
	bool asking = raft->role == RAFT_PRE_CANDIDATE || raft->role == RAFT_CANDIDATE;

	if (asking && !peer->voted && configuration_has(raft_config_effective(raft), &peer->member))
		ask(raft, peer);
}

static uint64_t vote_of(const struct raft *raft, const struct member *member)
{
	const struct peer *peer;

	/* Our own vote counts like any other: a PreVote at once, a Vote when it is durable. */
	if (raft_is_self(raft, member))
		return raft->role == RAFT_PRE_CANDIDATE || raft_is_hard_durable(raft);
	peer = raft_find(raft, member);
	return peer && peer->voted;
}

/* E2: won with a majority of incoming **and** of outgoing; our own vote counts only if we are a member. */
static bool has_won(const struct raft *raft)
{
	return raft_config_quorum(raft, raft_config_effective(raft), vote_of) > 0;
}

static void campaign(struct raft *raft, bool transferred)
{
	uint64_t term = raft->hard.term + 1;

	raft_become_follower(raft, term, &(struct member){0});
	raft->role = RAFT_CANDIDATE;
	raft->transferred = transferred;
	raft->hard.vote = raft->options.self;
	raft_hard_changed(raft);
	raft_election_reset(raft);
	log_event(raft->options.log, LOG_DEBUG, raft->now, "raft", "campaign term=%llu last=%llu",
		(unsigned long long)term, (unsigned long long)raft_log_last(&raft->log));
	ask_all(raft);
}

/* E2: PreVote first, at term + 1, to all voters of the effective configuration. */
static void precampaign(struct raft *raft)
{
	raft_become_follower(raft, raft->hard.term, &(struct member){0});
	raft->role = RAFT_PRE_CANDIDATE;
	raft_election_reset(raft);
	raft->lost++;
	ask_all(raft);
	if (has_won(raft))
		campaign(raft, false);
}

void raft_election_tick(struct raft *raft)
{
	if (raft->now < raft->election_at)
		return;
	if (raft_election_may(raft))
		precampaign(raft);
	else
		raft_election_reset(raft);
}

static void conclude(struct raft *raft)
{
	if (!has_won(raft) || (raft->role == RAFT_CANDIDATE && !raft_is_hard_durable(raft)))
		return;
	if (raft->role == RAFT_PRE_CANDIDATE)
		campaign(raft, false);
	else
		raft_leader_begin(raft);
}

void raft_election_voted_durably(struct raft *raft)
{
	conclude(raft);
}

/* ---- asked ---- */

/* E3: no live leader heard within the election timeout. A leader whose connection is over is no leader here any more. */
static bool is_content(const struct raft *raft)
{
	if (raft->role == RAFT_IS_LEADER)
		return true;
	return !member_is_none(&raft->leader) && raft->now - raft->heard_at < raft->options.timing.election_timeout;
}

/* 3.6.1 of the dissertation: the later last term, then the longer log. */
static bool is_up_to_date(const struct raft *raft, const struct raft_message *message)
{
	uint64_t last = raft_log_last(&raft->log);
	uint64_t term = raft_log_term(&raft->log, last);

	return message->last_term > term || (message->last_term == term && message->last_index >= last);
}

static void on_prevote(struct raft *raft, const struct peer *from, const struct raft_message *message)
{
	bool granted = message->term > raft->hard.term && !is_content(raft) && is_up_to_date(raft, message);

	/* B10: a rejection carries our term, which the asker adopts; a grant mirrors the term that was asked for. */
	raft_send(raft, &from->member, LANE_CONTROL, &(struct raft_message){
		.kind = RAFT_PREVOTE_REPLY,
		.term = granted ? message->term : raft->hard.term,
		.granted = granted,
	});
}

static void on_vote(struct raft *raft, const struct peer *from, const struct raft_message *message)
{
	bool again, granted;

	/* E4, B21: inside the stickiness window a Vote is not answered, and its term not adopted. */
	if (message->term > raft->hard.term && is_content(raft) && !message->transfer)
		return;
	if (message->term > raft->hard.term)
		raft_become_follower(raft, message->term, &(struct member){0});
	again = member_equal(&raft->hard.vote, &from->member);
	granted = message->term == raft->hard.term && is_up_to_date(raft, message) &&
		(again || (member_is_none(&raft->hard.vote) && member_is_none(&raft->term_leader)));
	if (granted && !again) {
		raft->hard.vote = from->member;
		raft_hard_changed(raft);
	}
	if (granted)
		raft_election_reset(raft);
	/* Rule (b): held by raft_send until the vote is durable. */
	raft_send(raft, &from->member, LANE_CONTROL, &(struct raft_message){
		.kind = RAFT_VOTE_REPLY, .granted = granted});
}

/* ---- answered ---- */

static void on_prevote_reply(struct raft *raft, struct peer *from, const struct raft_message *message)
{
	if (raft->role != RAFT_PRE_CANDIDATE)
		return;
	if (message->granted && message->term == raft->hard.term + 1) {
		from->voted = true;
		conclude(raft);
	} else if (!message->granted && message->term > raft->hard.term) {
		/* E5, B10: the rejected one adopts the higher term, and asks again soon. */
		raft_become_follower(raft, message->term, &(struct member){0});
		raft_election_soon(raft);
	} else if (!message->granted && raft->orphaned) {
		/* The others are loyal to a leader whose end we saw first. */
		raft_election_soon(raft);
	}
}

static void on_vote_reply(struct raft *raft, struct peer *from, const struct raft_message *message)
{
	if (message->term > raft->hard.term) {
		raft_become_follower(raft, message->term, &(struct member){0});
	} else if (raft->role == RAFT_CANDIDATE && message->term == raft->hard.term && message->granted) {
		from->voted = true;
		conclude(raft);
	}
}

void raft_election_message(struct raft *raft, struct peer *from, const struct raft_message *message)
{
	if (message->kind == RAFT_PREVOTE)
		on_prevote(raft, from, message);
	else if (message->kind == RAFT_VOTE)
		on_vote(raft, from, message);
	else if (message->kind == RAFT_PREVOTE_REPLY)
		on_prevote_reply(raft, from, message);
	else
		on_vote_reply(raft, from, message);
}

/* 3.10 of the dissertation: as if its election timeout had passed; the leader itself asked, so nobody is loyal to it. */
void raft_election_transferred(struct raft *raft, uint64_t index)
{
	if (raft_election_may(raft) && raft_log_last(&raft->log) <= index)
		campaign(raft, true);
}
