/*
 * lone.h - one node without a world: the test says what it hears, and looks at every effect.
 */
#ifndef TESTS_NODE_LONE_H
#define TESTS_NODE_LONE_H

#include "tests/unit/node/world.h"

#include "node/node_internal.h"

#define LONE_NOW 1000
#define LONE_STREAM "temperature"

/* Node 0, member of fake_network(); its peers are numbers from 1 on. */
struct lone {
	struct keypair pair;
	struct node *node;
	msec now;
};

static inline struct lone *lone_new(void)
{
	struct lone *lone = memory_new(sizeof *lone);

	lone->pair = fake_pair(0);
	lone->now = LONE_NOW;
	lone->node = node_new(&(struct node_options){.network = fake_network(), .identity = &lone->pair,
		.crypto = &fake_crypto, .seed = 7}, lone->now, WORLD_WALL + lone->now);
	return lone;
}

static inline void lone_free(struct lone *lone)
{
	node_free(lone->node);
	memory_free(lone);
}

/* What a peer says about itself. */
struct saying {
	unsigned peer;
	uint64_t start;
	uint64_t update;
	bool produces;                    /* LONE_STREAM */
	const char *tag;                  /* NULL: none */
	struct bytes ticket;              /* a JWT; empty: none */
	bool goodbye;
	const struct address *address;
	size_t address_count;
	const struct address *from;       /* where it is met; NULL: some address that nobody looks at */
};

static inline void lone_hear(struct lone *lone, const struct saying *saying)
{
	struct keypair pair = fake_pair(saying->peer);
	struct card card = fake_card(saying->peer, WORLD_WALL + saying->start, WORLD_WALL + saying->update);
	struct address from = world_address(99, 9999);
	struct id stream = id_hash(bytes_of_text(LONE_STREAM));
	struct entry *entry;

	card_set_addresses(&card, saying->address, saying->address_count);
	if (saying->produces)
		id_set_add(&card.streams, &stream);
	if (saying->tag) {
		struct id tag = id_hash(bytes_of_text(saying->tag));

		id_set_add(&card.tags, &tag);
	}
	if (saying->ticket.size > 0)
		assert_true(ticket_add(&card, saying->ticket));
	entry = saying->goodbye ? entry_sign_goodbye(&card, &pair, &fake_crypto) : entry_sign(&card, &pair, &fake_crypto);
	node_met(lone->node, lone->now, &pair.public_key, saying->from ? saying->from : &from,
		blob_bytes(entry->signed_bytes));
	node_check(lone->node);
	entry_drop(entry);
	card_fini(&card);
}

/* The next effect of one kind and protocol, and no other before it; the caller drops it. */
static inline struct effect lone_expect(struct lone *lone, enum effect_kind kind, enum protocol protocol)
{
	struct effect effect = {0};

	assert_true(node_next_effect(lone->node, &effect));
	assert_int_equal(effect.kind, kind);
	assert_int_equal(effect.protocol, protocol);
	return effect;
}

/* A stream link is asked for toward this peer; returns its id. */
static inline link_id lone_expect_call(struct lone *lone, unsigned peer)
{
	struct effect effect = lone_expect(lone, EFFECT_CONNECT, PROTOCOL_STREAMS);
	struct keypair pair = fake_pair(peer);
	link_id link = effect.link;

	assert_true(id_equal(&effect.dial->peer, &pair.public_key));
	effect_drop(&effect);
	return link;
}

static inline void lone_expect_quiet(struct lone *lone)
{
	struct effect effect;

	assert_false(node_next_effect(lone->node, &effect));
}

static inline void lone_drop_effects(struct lone *lone)
{
	struct effect effect;

	while (node_next_effect(lone->node, &effect))
		effect_drop(&effect);
}

static inline struct consumer *lone_consume(struct lone *lone)
{
	return node_consume(lone->node, lone->now, LONE_STREAM, &(struct consumer_options){.record_max = 1000});
}

#endif
