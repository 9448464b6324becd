/*
 * fake_group.h - groups that do nothing by themselves: what the machine around them tells is noted, what they want is put
 * in by the test. Defines every function of group.h that the machine calls, so the real ones are not linked.
 */
#ifndef TESTS_FAKE_GROUP_H
#define TESTS_FAKE_GROUP_H

#include "base/check.h"
#include "base/memory.h"
#include "groups/group.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define FAKE_PEERS 8
#define FAKE_QUEUE 4096

struct fake_peer {
	struct id id;
	bool expected, up, closed;
	unsigned ups, downs, messages;
	enum raft_lane lane;             /* of the last message */
	struct group_hello hello;
};

struct group {
	struct id id, self;
	struct group_hello hello;
	uint64_t hello_version;
	struct fake_peer peer[FAKE_PEERS];
	size_t peers;
	struct group_effect effect[FAKE_QUEUE];
	size_t effects, effects_taken;
	struct group_fact fact[FAKE_QUEUE];
	size_t facts, facts_taken;
	uint64_t ticket[FAKE_QUEUE];     /* of every command, in order */
	struct blob *command[FAKE_QUEUE];
	size_t commands;
	struct state state;              /* of no kind, unless a test says so */
	struct group_query query;        /* the last */
	size_t room;                     /* commands until it has none */
	struct id voter[FAKE_PEERS];
	size_t voters;
	enum error verdict;              /* of messages */
	unsigned ticks, left, transferred;
	unsigned turns;                  /* that it was asked what follows */
	uint64_t position;
	struct id dead;
	msec due;
};

static inline struct group *fake_group(const struct id *self, const char *name, uint64_t incarnation)
{
	struct group *group = memory_new(sizeof *group);

	group->self = *self;
	group->id = id_hash(bytes_of_text(name));
	group->hello.incarnation = incarnation;
	group->room = FAKE_QUEUE;
	group->due = MSEC_NEVER;
	return group;
}

void group_free(struct group *group)
{
	if (!group)
		return;
	for (size_t i = group->effects_taken; i < group->effects; i++)
		blob_drop(group->effect[i].payload);
	for (size_t i = group->facts_taken; i < group->facts; i++)
		blob_drop(group->fact[i].bytes);
	for (size_t i = 0; i < group->commands; i++)
		blob_drop(group->command[i]);
	memory_free(group);
}

static inline struct fake_peer *fake_peer(struct group *group, const struct id *id)
{
	for (size_t i = 0; i < group->peers; i++)
		if (id_equal(&group->peer[i].id, id))
			return &group->peer[i];
	ASSERT(group->peers < FAKE_PEERS);
	group->peer[group->peers].id = *id;
	return &group->peer[group->peers++];
}

static inline void fake_send(struct group *group, const struct id *to, enum raft_lane lane, struct blob *message)
{
	group->effect[group->effects++] = (struct group_effect){.kind = GROUP_SEND, .peer = *to, .lane = lane,
		.payload = message};
}

static inline void fake_say(struct group *group, const struct group_fact *fact)
{
	group->fact[group->facts++] = *fact;
}

const struct id *group_id(const struct group *group)
{
	return &group->id;
}

void group_hello(const struct group *group, struct group_hello *out)
{
	*out = group->hello;
}

uint64_t group_hello_version(const struct group *group)
{
	return group->hello_version;
}

void group_peer_expected(struct group *group, msec now, const struct id *peer, bool expected)
{
	(void)now;
	fake_peer(group, peer)->expected = expected;
}

void group_peer_up(struct group *group, msec now, const struct id *peer, const struct group_hello *hello)
{
	(void)now;
	fake_peer(group, peer)->up = true;
	fake_peer(group, peer)->ups++;
	fake_peer(group, peer)->hello = *hello;
}

void group_peer_down(struct group *group, msec now, const struct id *peer, bool closed)
{
	(void)now;
	assert_true(fake_peer(group, peer)->up);
	fake_peer(group, peer)->up = false;
	fake_peer(group, peer)->closed = closed;
	fake_peer(group, peer)->downs++;
}

enum error group_receive(struct group *group, msec now, const struct id *peer, enum raft_lane lane, struct bytes message)
{
	(void)now;
	(void)message;
	assert_true(fake_peer(group, peer)->up);   /* nothing before the hello */
	fake_peer(group, peer)->messages++;
	fake_peer(group, peer)->lane = lane;
	return group->verdict;
}

void group_persisted(struct group *group, msec now, uint64_t token, enum error status)
{
	(void)now;
	fake_say(group, &(struct group_fact){.kind = GROUP_LEADER, .term = token, .reason = status});
}

void group_tick(struct group *group, msec now)
{
	if (now >= group->due)
		group->due = MSEC_NEVER;
	group->ticks++;
}

msec group_deadline(const struct group *group)
{
	return group->due;
}

void group_propose(struct group *group, msec now, uint64_t ticket, struct bytes command)
{
	(void)now;
	group->ticket[group->commands] = ticket;
	group->command[group->commands++] = blob_copy(command);
	group->room--;
}

bool group_has_room(const struct group *group)
{
	return group->room > 0;
}

void group_query(struct group *group, msec now, const struct group_query *query)
{
	(void)now;
	group->query = *query;
	group->query.query = (struct bytes){NULL, query->query.size};
}

const struct state *group_state(const struct group *group)
{
	return &group->state;
}

void group_leave(struct group *group, msec now)
{
	(void)now;
	group->left++;
}

void group_transfer(struct group *group, msec now)
{
	(void)now;
	group->transferred++;
}

void group_adopt(struct group *group, msec now)
{
	(void)now;
	group->transferred += 100;
}

void group_declare_dead(struct group *group, msec now, const struct id *peer)
{
	(void)now;
	group->dead = *peer;
}

bool group_next_effect(struct group *group, struct group_effect *out)
{
	group->turns++;
	if (group->effects_taken == group->effects)
		return false;
	*out = group->effect[group->effects_taken++];
	return true;
}

bool group_next_fact(struct group *group, struct group_fact *out)
{
	if (group->facts_taken == group->facts)
		return false;
	*out = group->fact[group->facts_taken++];
	return true;
}

void group_status(const struct group *group, struct group_status *out)
{
	*out = (struct group_status){.incarnation = group->hello.incarnation, .position = group->position};
}

bool group_member_at(const struct group *group, msec now, size_t n, struct group_member *out)
{
	(void)now;
	if (n >= group->voters)
		return false;
	*out = (struct group_member){.member.peer = group->voter[n], .member.incarnation = 1, .voter = true};
	return true;
}

void group_check(const struct group *group)
{
	assert_true(group->effects < FAKE_QUEUE && group->facts < FAKE_QUEUE);
}

#endif
