/*
 * pair.h - a few links endpoints on one loop, with notes of all they were told.
 */
#ifndef TESTS_PAIR_H
#define TESTS_PAIR_H

#include "base/memory.h"
#include "net/links_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SIDES_MAX 4
#define NOTES_MAX 256
#define PATIENCE_MS 20000  /* of a test that waits for what must come; reached only when it fails */

enum answer { ANSWER_NOTHING, ANSWER_ECHO };

struct note {                        /* one link, as one side sees it */
	link_id id;
	enum protocol protocol;
	struct id peer, binding;
	bool linked, unlinked;
	enum error reason;
	size_t received, received_bytes, sent_bytes;
	size_t unconsumed;
	uint8_t first_byte, last_byte;   /* of the last message */
	struct blob *last;               /* that message, if it is kept */
};

struct side {
	struct links *links;
	struct keypair keys;
	struct note note[NOTES_MAX];
	size_t note_count;
	unsigned met;
	size_t hello_size;
	struct id met_peer;
	enum answer answer;
	enum error verdict;          /* what received() returns */
	bool hoard;                  /* do not consume */
	bool keeps;                  /* the last message of each link */
	bool at_once;                /* credit_at_once, and never a call of links_consumed */
	bool shut_on_message;        /* leaves from inside received() */
	const struct dial *redial;   /* on a failure, from inside unlinked() */
	link_id next_even;
};

struct pair {
	uv_loop_t loop;
	uv_prepare_t prepare;
	uv_timer_t limit;
	bool late;
	struct side side[SIDES_MAX];
	size_t count;
};

static inline struct note *note_of(struct side *side, link_id id)
{
	for (size_t i = 0; i < side->note_count; i++)
		if (side->note[i].id == id)
			return &side->note[i];
	assert_true(side->note_count < NOTES_MAX);
	side->note[side->note_count] = (struct note){.id = id};
	return &side->note[side->note_count++];
}

static inline link_id connect_to(struct side *from, enum protocol protocol, const struct dial *dial)
{
	link_id id = from->next_even;

	from->next_even += 2;
	links_connect(from->links, protocol, id, dial);
	return id;
}

static inline void note_met(void *self, const struct id *peer, const struct address *from, struct bytes hello)
{
	struct side *side = self;

	(void)from;
	side->met++;
	side->met_peer = *peer;
	side->hello_size = hello.size;
}

static inline void note_linked(void *self, enum protocol protocol, const struct link *link)
{
	struct side *side = self;
	struct note *note = note_of(side, link->id);

	assert_false(note->linked || note->unlinked);
	assert_true(side->met > 0);
	note->linked = true;
	note->protocol = protocol;
	note->peer = link->peer;
	note->binding = link->binding;
}

static inline void note_unlinked(void *self, enum protocol protocol, link_id link, enum error reason)
{
	struct side *side = self;
	struct note *note = note_of(side, link);

	assert_false(note->unlinked);
	note->unlinked = true;
	note->reason = reason;
	if (side->redial && reason != OK)
		connect_to(side, protocol, side->redial);
}

static inline enum error note_received(void *self, enum protocol protocol, link_id link, struct blob *message)
{
	struct side *side = self;
	struct note *note = note_of(side, link);
	struct bytes body = blob_bytes(message);

	(void)protocol;
	assert_true(note->linked && !note->unlinked);
	note->received++;
	note->received_bytes += body.size;
	note->first_byte = body.data[0];
	note->last_byte = body.data[body.size - 1];
	if (side->keeps) {
		blob_drop(note->last);
		note->last = blob_keep(message);
	}
	if (side->answer == ANSWER_ECHO)
		links_send(side->links, link, blob_keep(message));
	if (side->hoard)
		note->unconsumed += body.size;
	else if (!side->at_once)
		links_consumed(side->links, link, body.size);
	if (side->shut_on_message)
		links_shut(side->links);
	return side->verdict;
}

static inline void note_sent(void *self, enum protocol protocol, link_id link, size_t bytes)
{
	(void)protocol;
	note_of(self, link)->sent_bytes += bytes;
}

static inline bool note_credit_at_once(void *self, enum protocol protocol)
{
	const struct side *side = self;

	(void)protocol;
	return side->at_once;
}

static const struct links_ops note_ops = {
	.met = note_met,
	.linked = note_linked,
	.unlinked = note_unlinked,
	.received = note_received,
	.sent = note_sent,
};

static inline void pair_prepare(uv_prepare_t *prepare)
{
	struct pair *pair = prepare->data;

	for (size_t i = 0; i < pair->count; i++)
		links_flush(pair->side[i].links);
}

static inline void pair_late(uv_timer_t *timer)
{
	struct pair *pair = timer->data;
	pair->late = true;
}

static inline void pair_init(struct pair *pair)
{
	memset(pair, 0, sizeof *pair);
	assert_int_equal(uv_loop_init(&pair->loop), 0);
	uv_prepare_init(&pair->loop, &pair->prepare);
	uv_timer_init(&pair->loop, &pair->limit);
	pair->prepare.data = pair->limit.data = pair;
	uv_prepare_start(&pair->prepare, pair_prepare);
}

/* Another endpoint, of this seed and network, listening on an address. */
static inline struct side *pair_add(struct pair *pair, const char *seed, const char *network, const char *address,
	const struct links_tuning *tuning)
{
	struct side *side = &pair->side[pair->count++];
	struct id seed_id = id_hash(bytes_of_text(seed));
	struct links_options options = {.loop = &pair->loop, .ops = &note_ops, .self = side, .identity = &side->keys,
		.credit_at_once = note_credit_at_once};

	memcpy(side->keys.seed, seed_id.byte, SEED_SIZE);
	crypto_ed25519.derive(&side->keys);
	options.network = id_hash(bytes_of_text(network));
	assert_int_equal(address_parse(address, &options.bind), OK);
	side->next_even = 2;
	assert_int_equal(links_open_tuned(&options, tuning ? tuning : &links_tuning_default, &side->links), OK);
	return side;
}

/* Two of one network, as most tests want them. */
static inline void pair_init_two(struct pair *pair, const struct links_tuning *tuning, struct side **a, struct side **b)
{
	pair_init(pair);
	*a = pair_add(pair, "a", "net", "127.0.0.1:0", tuning);
	*b = pair_add(pair, "b", "net", "127.0.0.1:0", tuning);
}

static inline void pair_turn(struct pair *pair)
{
	uv_run(&pair->loop, UV_RUN_ONCE);
}

static inline void pair_begin_wait(struct pair *pair, uint64_t ms)
{
	pair->late = false;
	uv_update_time(&pair->loop);
	uv_timer_start(&pair->limit, pair_late, ms, 0);
}

/* Runs the loop until the condition holds; fails the test when that takes too long. */
#define UNTIL(pair, condition) \
	do { \
		pair_begin_wait(pair, PATIENCE_MS); \
		while (!(condition) && !(pair)->late) \
			pair_turn(pair); \
		uv_timer_stop(&(pair)->limit); \
		assert_true(condition); \
	} while (0)

/* Runs the loop for a while: to show that something does not happen. */
static inline void pair_run(struct pair *pair, uint64_t ms)
{
	pair_begin_wait(pair, ms);
	while (!pair->late)
		pair_turn(pair);
}

static inline bool pair_all_closed(const struct pair *pair)
{
	for (size_t i = 0; i < pair->count; i++)
		if (!links_closed(pair->side[i].links))
			return false;
	return true;
}

/* Everything must go: handles, memory, callbacks. */
static inline void pair_fini(struct pair *pair)
{
	for (size_t i = 0; i < pair->count; i++)
		if (!pair->side[i].links->shut)
			links_shut(pair->side[i].links);
	UNTIL(pair, pair_all_closed(pair));
	uv_close((uv_handle_t *)&pair->prepare, NULL);
	uv_close((uv_handle_t *)&pair->limit, NULL);
	uv_run(&pair->loop, UV_RUN_DEFAULT);
	for (size_t i = 0; i < pair->count; i++) {
		links_free(pair->side[i].links);
		for (size_t n = 0; n < pair->side[i].note_count; n++)
			blob_drop(pair->side[i].note[n].last);
	}
	assert_int_equal(uv_loop_close(&pair->loop), 0);
}

static inline struct dial dial_to(const struct side *side)
{
	struct dial dial = {.peer = side->keys.public_key, .count = 1};
	dial.address[0] = links_address(side->links);
	return dial;
}

/* A message of `size` bytes: 1, 2, 2, ... 3. */
static inline struct blob *message_of(size_t size)
{
	struct blob *blob = blob_new(0, size);

	memset(blob->data, 2, size);
	blob->data[0] = 1;
	blob->data[size - 1] = 3;
	blob->end = size;
	return blob;
}

#endif
