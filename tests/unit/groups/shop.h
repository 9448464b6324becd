/*
 * shop.h - a member that serves, and two clients of it; what a client must hear.
 */
#ifndef TESTS_GROUPS_SHOP_H
#define TESTS_GROUPS_SHOP_H

#include "mesh.h"

#include "groups/client_wire.h"
#include "wire/cbor.h"

#include <stdio.h>

#define MEMBER 0
#define CALLER 1
#define SECOND 2

struct shop {
	struct mesh *mesh;
	struct group *group;
	struct client *client;
	struct outbox *out;
};

static inline void add_client(struct mesh *mesh, size_t n, const struct id *key, const char *group)
{
	mesh->node[n].client = client_new(&(struct client_options){.self = mesh->node[n].id,
		.group = id_hash(bytes_of_text(group)), .key = *key});
}

static inline void dial(struct mesh *mesh, size_t n)
{
	client_dial(mesh->node[n].client, mesh->now, &(struct dial){.peer = mesh->node[MEMBER].id}, &mesh->node[n].out);
	mesh_carry_out(mesh, n);
}

static inline struct shop shop_closed(void)
{
	struct shop shop = {.mesh = mesh_new(3, 1)};
	struct id key = mesh_key();

	shop.group = mesh_join(shop.mesh, MEMBER, "group");
	add_client(shop.mesh, CALLER, &key, "group");
	add_client(shop.mesh, SECOND, &key, "group");
	shop.client = shop.mesh->node[CALLER].client;
	shop.out = &shop.mesh->node[CALLER].out;
	return shop;
}

static inline void run(struct shop *shop, msec span)
{
	mesh_carry_out(shop->mesh, CALLER);
	mesh_carry_out(shop->mesh, SECOND);
	mesh_turn(shop->mesh, MEMBER);
	mesh_run(shop->mesh, span);
}

static inline struct client_fact next_of(struct client *client)
{
	struct client_fact fact;
	bool any = client_next_fact(client, &fact);

	assert_true(any);
	return fact;
}

static inline struct client_fact next(struct shop *shop)
{
	return next_of(shop->client);
}

static inline bool is_quiet(struct shop *shop)
{
	return shop->client != NULL && shop->mesh->node[CALLER].client == shop->client && !shop->mesh->violated;
}

static inline struct shop shop_open(void)
{
	struct shop shop = shop_closed();
	struct client_fact fact;

	dial(shop.mesh, CALLER);
	run(&shop, 200);
	fact = next(&shop);
	assert_int_equal(fact.kind, CLIENT_UP);
	assert_true(id_equal(&fact.peer, &shop.mesh->node[MEMBER].id));
	return shop;
}

static inline void propose(struct shop *shop, uint64_t ticket, const char *command)
{
	enum error error = client_propose(shop->client, ticket, bytes_of_text(command), shop->out);

	assert_int_equal(error, OK);
}

static inline void answer(struct shop *shop, size_t nth, enum error reason, const char *result)
{
	fake_say(shop->group, &(struct group_fact){.kind = GROUP_RESULT, .ticket = shop->group->ticket[nth], .reason = reason,
		.position = nth + 1, .bytes = blob_copy(bytes_of_text(result))});
}

static inline void expect_result(struct shop *shop, uint64_t ticket, enum error reason, const char *result)
{
	struct client_fact fact = next(shop);

	assert_int_equal(fact.kind, CLIENT_RESULT);
	assert_int_equal(fact.ticket, ticket);
	assert_string_equal(error_name(fact.reason), error_name(reason));
	assert_true(bytes_equal(fact.bytes, bytes_of_text(result)));
	blob_drop(fact.message);
}

static inline void expect_event(struct shop *shop, enum client_event event, uint64_t position, const char *text)
{
	struct client_fact fact = next(shop);

	assert_int_equal(fact.kind, CLIENT_EVENT);
	assert_int_equal(fact.event, event);
	assert_int_equal(fact.position, position);
	assert_true(bytes_equal(fact.bytes, bytes_of_text(text)));
	blob_drop(fact.message);
}

static inline void expect_nothing(struct shop *shop)
{
	struct client_fact fact;

	assert_false(client_next_fact(shop->client, &fact));
	assert_true(is_quiet(shop));
}

static inline void apply(struct shop *shop, uint64_t position, const char *command)
{
	fake_say(shop->group, &(struct group_fact){.kind = GROUP_APPLIED, .position = position, .term = 2,
		.bytes = blob_copy(bytes_of_text(command))});
	shop->group->position = position;
}

/* [0, key, 1]: a change as a map tells it. */
/* key: NULL, of a change that has none. */
static inline void change(struct shop *shop, uint64_t position, const char *key)
{
	struct buffer out = {0};

	cbor_put_array(&out, 3);
	cbor_put_uint(&out, 0);
	if (key)
		cbor_put_bytes(&out, bytes_of_text(key));
	else
		cbor_put_null(&out);
	cbor_put_uint(&out, 1);
	fake_say(shop->group, &(struct group_fact){.kind = GROUP_CHANGED, .position = position, .bytes = blob_copy(buffer_bytes(&out))});
	buffer_fini(&out);
}

static inline void follow(struct shop *shop, enum follow_what what, uint64_t position, const char *filter)
{
	client_follow(shop->client, &(struct client_follow){.ticket = 50, .what = what, .position = position,
		.filter = bytes_of_text(filter)}, shop->out);
	run(shop, 100);
}

static inline void shop_free(struct shop *shop)
{
	mesh_free(shop->mesh);
}

#endif
