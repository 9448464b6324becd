/*
 * node_groups.c - groups of this node, and its clients of groups elsewhere.
 *
 * Both speak one protocol. A link that a client opened is the client's, every other one the groups machine's; the owner of a
 * client's link is remembered until its last word, which may come after the client is gone.
 */
#include "base/check.h"
#include "base/memory.h"
#include "node/node_internal.h"

/* ---- whose link ---- */

struct port node_groups_port(const struct node *node, link_id link)
{
	void *owner = number_table_get(&node->client_links, link);

	if (!owner)
		return (struct port){&groups_ops, node->groups};
	return owner == &node->nobody ? (struct port){NULL, NULL} : (struct port){&client_ops, owner};
}

/* ---- groups and the catalog ---- */

void node_tell_groups(struct node *node, msec now, const struct card *card, bool departed)
{
	const struct id *group;

	if (id_equal(&card->peer, &node->options.identity->public_key))
		return;
	for (size_t n = 0; (group = groups_at(node->groups, n)) != NULL; n++) {
		if (!departed && id_set_has(&card->groups, group))
			groups_peer_found(node->groups, now, group, &card->peer);
		else
			groups_peer_gone(node->groups, now, group, &card->peer);
	}
}

void node_introduce_groups(struct node *node, msec now)
{
	const struct id *group;
	struct id peer;
	const struct catalog_peer *known;
	size_t at = 0;

	/* As most nodes; and whoever begins in a network of thousands loses events all the time. */
	if (groups_at(node->groups, 0) == NULL)
		return;
	for (size_t n = 0; (group = groups_at(node->groups, n)) != NULL; n++)
		for (size_t i = 0; groups_listed(node->groups, group, i, &peer);) {
			known = catalog_find(&node->catalog, &peer);
			if (known && id_set_has(&known->entry->card.groups, group))
				i++;
			else
				groups_peer_gone(node->groups, now, group, &peer);
		}
	while ((known = catalog_next(&node->catalog, &at)) != NULL)
		node_tell_groups(node, now, &known->entry->card, false);
}

/* ---- groups ---- */

static void show(struct node *node, msec now, const struct id *group, const char *name)
{
	struct card *card = announce_card(node->announce);

	if (id_set_add(&card->groups, group)) {
		if (name && !node->options.no_names)
			card_set_name(card, group, name);
		announce_changed(node->announce, now);
	}
}

enum error node_group_join(struct node *node, msec now, const struct node_group *join, struct group **out)
{
	struct group_options own = *join->options;
	struct group *group;
	enum error error;

	ASSERT(!node->options.guest);
	own.peer = node->options.identity->public_key;
	own.log = node->options.log;
	own.seed ^= node->group_seed++;
	error = group_new(&own, join->image, now, &group);
	if (error != OK)
		return error;
	error = groups_add(node->groups, now, group, &own.terms.key);
	if (error != OK)
		return error;
	show(node, now, group_id(group), join->name);
	node_introduce_groups(node, now);
	*out = group;
	return OK;
}

void node_group_turn(struct node *node, msec now)
{
	node->outbox.protocol = PROTOCOL_GROUPS;
	groups_turn(node->groups, now, &node->outbox);
}

static void quit(struct node *node, msec now, struct id group)
{
	node->outbox.protocol = PROTOCOL_GROUPS;
	groups_remove(node->groups, now, &group, &node->outbox);
	node_card_remove(node, now, &announce_card(node->announce)->groups, &group);
}

void node_group_quit(struct node *node, msec now, struct group *group)
{
	quit(node, now, *group_id(group));
}

void node_quit_all_groups(struct node *node, msec now)
{
	const struct id *group;

	while ((group = groups_at(node->groups, 0)) != NULL)
		quit(node, now, *group);
}

void node_group_persisted(struct node *node, msec now, const struct id *group, uint64_t token, enum error status)
{
	node->outbox.protocol = PROTOCOL_GROUPS;
	groups_persisted(node->groups, now, &(struct groups_done){*group, token, status}, &node->outbox);
}

bool node_next_group_fact(struct node *node, struct node_fact *fact)
{
	struct groups_fact told;

	while (groups_next_fact(node->groups, &told)) {
		fact->group = told.group;
		switch (told.kind) {
		case GROUPS_FACT:
			fact->kind = NODE_GROUP;
			fact->group_fact = told.fact;
			return true;
		case GROUPS_PERSIST:
			fact->kind = NODE_GROUP_PERSIST;
			fact->persist = told.persist;
			return true;
		case GROUPS_BONDED:
		case GROUPS_UNBONDED:
			break;   /* the group's status tells */
		}
	}
	return false;
}

/* ---- clients ---- */

struct client *node_client(struct node *node, msec now, const struct client_options *options, const struct dial *dial)
{
	struct client_options own = *options;
	struct node_client *one = memory_new(sizeof *one);

	own.self = node->options.identity->public_key;
	own.log = node->options.log;
	one->client = client_new(&own);
	one->next = node->clients;
	node->clients = one;
	node_client_dial(node, now, one->client, dial);
	return one->client;
}

static struct outbox *outbox_of(struct node *node)
{
	node->outbox.protocol = PROTOCOL_GROUPS;
	return &node->outbox;
}

void node_client_dial(struct node *node, msec now, struct client *client, const struct dial *dial)
{
	client_dial(client, now, dial, outbox_of(node));
	number_table_put(&node->client_links, client_link(client), client);
}

enum error node_client_propose(struct node *node, struct client *client, uint64_t ticket, struct bytes command)
{
	return client_propose(client, ticket, command, outbox_of(node));
}

enum error node_client_feed(struct node *node, struct client *client, uint64_t ticket, struct bytes command)
{
	return client_feed(client, ticket, command, outbox_of(node));
}

enum error node_client_query(struct node *node, struct client *client, const struct group_query *query)
{
	return client_query(client, node->now, query, outbox_of(node));
}

void node_client_status(struct node *node, struct client *client, uint64_t ticket)
{
	client_status(client, ticket, outbox_of(node));
}

void node_client_leave(struct node *node, struct client *client, uint64_t ticket)
{
	client_leave(client, ticket, outbox_of(node));
}

void node_client_admin(struct node *node, struct client *client, const struct client_order *order)
{
	client_admin(client, order, outbox_of(node));
}

void node_client_follow(struct node *node, struct client *client, const struct client_follow *follow)
{
	client_follow(client, follow, outbox_of(node));
}

static void disown_links(struct node *node, const struct client *client)
{
	for (size_t i = 0; i < node->client_links.count; i++)
		if (node->client_links.slot[i].value == client)
			node->client_links.slot[i].value = &node->nobody;
}

void node_client_free(struct node *node, struct client *client)
{
	struct node_client **place = &node->clients;

	while (*place && (*place)->client != client)
		place = &(*place)->next;
	ASSERT(*place);
	struct node_client *gone = *place;
	*place = gone->next;
	client_hang_up(client, outbox_of(node));
	disown_links(node, client);
	client_free(client);
	memory_free(gone);
}

bool node_next_client_fact(struct node *node, struct node_fact *fact)
{
	for (struct node_client *one = node->clients; one; one = one->next) {
		if (!client_next_fact(one->client, &fact->client_fact))
			continue;
		client_credit(one->client, outbox_of(node));
		fact->kind = NODE_CLIENT;
		fact->client = one->client;
		return true;
	}
	return false;
}

void node_tick_clients(struct node *node, msec now)
{
	for (struct node_client *one = node->clients; one; one = one->next)
		if (client_ops.deadline(one->client) <= now)
			client_ops.tick(one->client, now, outbox_of(node));
}

msec node_clients_deadline(const struct node *node)
{
	msec due = MSEC_NEVER;

	for (const struct node_client *one = node->clients; one; one = one->next)
		due = msec_min(due, client_ops.deadline(one->client));
	return due;
}

void node_check_clients(const struct node *node)
{
	for (const struct node_client *one = node->clients; one; one = one->next)
		client_ops.check(one->client);
}

/* ---- the end ---- */

void node_free_groups(struct node *node)
{
	for (struct node_client *one = node->clients, *next; one; one = next) {
		next = one->next;
		client_free(one->client);
		memory_free(one);
	}
	number_table_fini(&node->client_links);
	groups_free(node->groups);
}
