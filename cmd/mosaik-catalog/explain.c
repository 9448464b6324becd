/*
 * explain.c - why a name is not found, or who is behind it: the id that was looked for, who has it, names that are nearly
 * the same, and what to type next.
 *
 * The id of a stream or tag follows from its name. That of a group does not: it has its key and its types in it, and so it
 * is found by the name that its members list.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/common/near.h"
#include "cmd/common/ask.h"
#include "cmd/common/group_name.h"
#include "cmd/common/printed.h"
#include "cmd/mosaik-catalog/print.h"
#include "cmd/mosaik-catalog/subcommands.h"

static const struct kind {
	const char *name;
	const char *owner;         /* what a peer that has it is to it */
	size_t offset;             /* of its set in a card */
	struct advice {            /* what to type: PROGRAM -n NETWORK WORDS NAME TAIL */
		const char *program;
		const char *words;
		const char *tail;
	} found, missing;
	bool is_group;
} kinds[] = {
	{"stream", "producer", offsetof(struct card, streams), {"mosaik-consume", "", ""}, {"mosaik-produce", "", ""}, false},
	{"tag", "carrier", offsetof(struct card, tags), {"mosaik-catalog", "peers -t ", ""},
		{"mosaik-catalog", "announce -t ", " -- CMD"}, false},
	{"group", "member", offsetof(struct card, groups), {"mosaik-group", "status ", ""}, {"mosaik-group", "join ", ""}, true},
	{"map", "replica", offsetof(struct card, groups), {"mosaik-map", "ls ", ""}, {"mosaik-map", "serve ", ""}, true},
	{"vec", "replica", offsetof(struct card, groups), {"mosaik-vec", "ls ", ""}, {"mosaik-vec", "serve ", ""}, true},
	{"set", "replica", offsetof(struct card, groups), {"mosaik-set", "ls ", ""}, {"mosaik-set", "serve ", ""}, true},
	{"cell", "replica", offsetof(struct card, groups), {"mosaik-cell", "get ", ""}, {"mosaik-cell", "serve ", ""}, true},
	{"once", "replica", offsetof(struct card, groups), {"mosaik-once", "get ", ""}, {"mosaik-once", "serve ", ""}, true},
	{"pqueue", "replica", offsetof(struct card, groups), {"mosaik-pqueue", "ls ", ""}, {"mosaik-pqueue", "serve ", ""}, true},
	{.name = NULL}
};

static const char kind_names[] = "stream, tag, group, map, vec, set, cell, once, pqueue";

enum { TEXT_WHAT, TEXT_DETAIL };

static const struct column text_columns[] = {{"what", COLUMN_TEXT}, {"detail", COLUMN_TEXT}, {.name = NULL}};

enum { JSON_KIND, JSON_NAME, JSON_ID, JSON_PEERS, JSON_NEAR, JSON_NEXT, JSON_LISTED };

static const struct column json_columns[] = {
	{"kind", COLUMN_TEXT}, {"name", COLUMN_TEXT}, {"id", COLUMN_ID}, {"peers", COLUMN_TEXTS}, {"near", COLUMN_TEXTS},
	{"next", COLUMN_TEXT}, {"listed", COLUMN_TEXTS}, {.name = NULL}
};

struct explanation {
	const struct settings *settings;
	const struct kind *kind;
	const char *name;
	bool only_ids;             /* that is the question */
	struct id id;              /* of a group: that of the first one found */
	bool has_id;
	size_t owners;
	struct id_table listed;    /* of groups: id -> the name that is listed, borrowed from an entry */
	struct id_table near;      /* id -> its name, borrowed from an entry */
};

static const struct id_set *set_of(const struct explanation *explanation, const struct card *card)
{
	return (const struct id_set *)(const void *)((const char *)card + explanation->kind->offset);
}

/* A kind of collection and the name, or a plain group: what the listed name is held against. */
static bool is_meant(const struct explanation *explanation, const char *listed)
{
	const char *kind = explanation->kind->name, *types;

	return strcmp(kind, "group") == 0 && !explanation->only_ids ? group_name_says(listed, explanation->name) :
		group_name_matches(listed, kind, explanation->name, &types);
}

static bool has_it(struct explanation *explanation, const struct card *card)
{
	bool found = false;

	if (!explanation->kind->is_group)
		return id_set_has(set_of(explanation, card), &explanation->id);
	for (size_t i = 0; i < card->groups.count; i++) {
		const struct id *id = &card->groups.id[i];
		const char *listed = card_name(card, id);

		if (!(listed && is_meant(explanation, listed)) && !(explanation->has_id && id_equal(id, &explanation->id)))
			continue;
		found = true;
		if (explanation->listed.count == 0)
			explanation->id = *id;
		explanation->has_id = true;
		id_table_put(&explanation->listed, id, (void *)(uintptr_t)(listed ? listed : ""));
	}
	return found;
}

/* A word of the name that was typed, as far as the kind goes: "users" of "map users str:u64". */
static void look_near(struct explanation *explanation, struct card *card)
{
	for (size_t i = 0; i < card->name_count; i++) {
		struct near near = near_to(explanation->name);
		struct group_name read = group_name_read(card->name[i].text);
		char name[ENTRY_NAME_MAX + 1];

		snprintf(name, sizeof name, "%.*s", (int)read.name.size, (const char *)read.name.data);
		if (!explanation->kind->is_group || strcmp(explanation->kind->name, "group") == 0)
			near_offer(&near, card->name[i].text);
		else if (bytes_equal(read.kind, bytes_of_text(explanation->kind->name)))
			near_offer(&near, name);
		if (near.best && !id_equal(&card->name[i].id, &explanation->id) &&
				!id_table_get(&explanation->listed, &card->name[i].id) &&
				id_set_has(set_of(explanation, card), &card->name[i].id))
			id_table_put(&explanation->near, &card->name[i].id, card->name[i].text);
	}
}

static void look(struct explanation *explanation, const struct catalog *catalog)
{
	const struct catalog_peer *peer;
	size_t at = 0;

	while ((peer = catalog_next(catalog, &at)) != NULL)
		explanation->owners += has_it(explanation, &peer->entry->card);
	at = 0;
	while ((peer = catalog_next(catalog, &at)) != NULL)
		look_near(explanation, &peer->entry->card);
}

/* What exists and was probably meant: a name that is nearly the same, or a collection where a plain group was asked for. */
static const char *other_of(const struct explanation *explanation)
{
	struct group_name read;

	if (explanation->owners == 0)
		return explanation->near.count > 0 ? explanation->near.slot[0].value : NULL;
	if (explanation->listed.count == 0)
		return NULL;
	read = group_name_read(explanation->listed.slot[0].value);
	return bytes_equal(read.kind, bytes_of_text(explanation->kind->name)) ? NULL : explanation->listed.slot[0].value;
}

static void next_of(const struct explanation *explanation, char *out, size_t size)
{
	const char *network = explanation->settings->common.network_text, *other = other_of(explanation);
	const struct advice *advice = explanation->owners > 0 ? &explanation->kind->found : &explanation->kind->missing;

	if (other && explanation->kind->is_group) {
		struct group_name read = group_name_read(other);

		snprintf(out, size, "mosaik-catalog -n %s explain %.*s %.*s", network, (int)read.kind.size,
			(const char *)read.kind.data, (int)read.name.size, (const char *)read.name.data);
	} else if (other) {
		snprintf(out, size, "mosaik-catalog -n %s explain %s %s", network, explanation->kind->name, other);
	} else {
		snprintf(out, size, "%s -n %s %s%s%s", advice->program, network, advice->words, explanation->name, advice->tail);
	}
}

static void row(struct listing *listing, const char *what, const char *detail)
{
	listing_text(listing, TEXT_WHAT, bytes_of_text(what));
	listing_text(listing, TEXT_DETAIL, bytes_of_text(detail));
	listing_end_row(listing);
}

static void print_owners(struct explanation *explanation, struct listing *listing, const struct catalog *catalog)
{
	bool json = explanation->settings->common.json;
	const struct catalog_peer *peer;
	size_t at = 0;

	while ((peer = catalog_next(catalog, &at)) != NULL) {
		const struct card *card = &peer->entry->card;
		char text[ID_TEXT_SIZE];

		if (!has_it(explanation, card))
			continue;
		id_format(&card->peer, text);
		if (json)
			listing_text(listing, JSON_PEERS, bytes_of_text(text));
		else
			row(listing, explanation->kind->owner, text);
	}
}

static int print_text(struct explanation *explanation, const struct catalog *catalog)
{
	struct listing *listing = listing_open(&explanation->settings->common, text_columns);
	char text[1024];

	row(listing, explanation->kind->name, explanation->name);
	id_format(&explanation->id, text);
	if (explanation->has_id)
		row(listing, "id", text);
	for (size_t i = 0; i < explanation->listed.count; i++)
		row(listing, "listed", explanation->listed.slot[i].value);
	snprintf(text, sizeof text, "%zu of %zu peers", explanation->owners, catalog->live);
	row(listing, "found", text);
	print_owners(explanation, listing, catalog);
	for (size_t i = 0; i < explanation->near.count; i++)
		row(listing, "near", explanation->near.slot[i].value);
	next_of(explanation, text, sizeof text);
	row(listing, "next", text);
	return print_close(listing);
}

static int print_json(struct explanation *explanation, const struct catalog *catalog)
{
	struct listing *listing = listing_open(&explanation->settings->common, json_columns);
	char next[1024];

	listing_text(listing, JSON_KIND, bytes_of_text(explanation->kind->name));
	listing_text(listing, JSON_NAME, bytes_of_text(explanation->name));
	if (explanation->has_id)
		listing_id(listing, JSON_ID, &explanation->id);
	for (size_t i = 0; i < explanation->listed.count; i++)
		listing_text(listing, JSON_LISTED, bytes_of_text(explanation->listed.slot[i].value));
	print_owners(explanation, listing, catalog);
	for (size_t i = 0; i < explanation->near.count; i++)
		listing_text(listing, JSON_NEAR, bytes_of_text(explanation->near.slot[i].value));
	next_of(explanation, next, sizeof next);
	listing_text(listing, JSON_NEXT, bytes_of_text(next));
	listing_end_row(listing);
	return print_close(listing);
}

/* Two stores of one name, of other types or another key, are two. */
static int print_ids(const struct explanation *explanation)
{
	char text[ID_TEXT_SIZE];

	for (size_t i = 0; i < explanation->listed.count; i++) {
		id_format(&explanation->listed.slot[i].key, text);
		printf("%s\n", text);
	}
	return printed(EXIT_YES);
}

static void answered(struct ask *ask, msec now)
{
	struct explanation *explanation = ask->self;
	int status;

	(void)now;
	look(explanation, ask_catalog(ask));
	if (explanation->only_ids)
		status = print_ids(explanation);
	else if (explanation->settings->common.json)
		status = print_json(explanation, ask_catalog(ask));
	else
		status = print_text(explanation, ask_catalog(ask));
	id_table_fini(&explanation->near);
	id_table_fini(&explanation->listed);
	session_leave(&ask->session, status == EXIT_YES && explanation->owners == 0 ? EXIT_NO : status);
}

static const struct kind *kind_called(const char *name)
{
	const struct kind *kind = kinds;

	while (kind->name && strcmp(kind->name, name) != 0)
		kind++;
	return kind->name ? kind : NULL;
}

int explain_id(const struct settings *settings, int count, char **operand)
{
	struct explanation explanation = {.settings = settings, .name = operand[2], .only_ids = true};
	struct ask ask = {.common = settings->common, .answered = answered, .self = &explanation};

	(void)count;
	explanation.kind = kind_called(operand[1]);
	if (!explanation.kind || !explanation.kind->is_group)
		usage_error("'%s' is nothing that has an id (network, %s)", operand[1], kind_names);
	group_name_check(operand[1], operand[2]);
	options_require_network(&settings->common);
	return ask_run_or_fail(&ask);
}

int explain_run(const struct settings *settings, int count, char **operand)
{
	struct explanation explanation = {.settings = settings};
	struct ask ask = {.common = settings->common, .answered = answered, .self = &explanation};

	if (count != 3)
		usage_error("explain takes a kind (%s) and a name", kind_names);
	explanation.kind = kind_called(operand[1]);
	if (!explanation.kind)
		usage_error("'%s' is nothing that can be explained (%s)", operand[1], kind_names);
	explanation.name = operand[2];
	explanation.id = options_id(operand[1], operand[2]);
	explanation.has_id = !explanation.kind->is_group || id_from_hex(operand[2], &explanation.id) == OK;
	listing_check(&settings->common, settings->common.json ? json_columns : text_columns);
	return ask_run_or_fail(&ask);
}
