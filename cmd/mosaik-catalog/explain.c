/*
 * explain.c - why a name is not found, or who is behind it: the id that was looked for, who has it, names that are nearly
 * the same, and what to type next.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/common/near.h"
#include "cmd/common/ask.h"
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
} kinds[] = {
	{"stream", "producer", offsetof(struct card, streams), {"mosaik-consume", "", ""}, {"mosaik-produce", "", ""}},
	{"tag", "carrier", offsetof(struct card, tags), {"mosaik-catalog", "peers -t ", ""},
		{"mosaik-catalog", "announce -t ", " -- CMD"}},
	{"group", "member", offsetof(struct card, groups), {"mosaik-catalog", "peers --group ", ""},
		{"mosaik-catalog", "wait --group ", ""}},
	{.name = NULL}
};

enum { TEXT_WHAT, TEXT_DETAIL };

static const struct column text_columns[] = {{"what", COLUMN_TEXT}, {"detail", COLUMN_TEXT}, {.name = NULL}};

enum { JSON_KIND, JSON_NAME, JSON_ID, JSON_PEERS, JSON_NEAR, JSON_NEXT };

static const struct column json_columns[] = {
	{"kind", COLUMN_TEXT}, {"name", COLUMN_TEXT}, {"id", COLUMN_ID}, {"peers", COLUMN_TEXTS}, {"near", COLUMN_TEXTS},
	{"next", COLUMN_TEXT}, {.name = NULL}
};

struct explanation {
	const struct settings *settings;
	const struct kind *kind;
	const char *name;
	struct id id;
	size_t owners;
	struct id_table near;      /* id -> its name, borrowed from an entry */
};

static const struct id_set *set_of(const struct explanation *explanation, const struct card *card)
{
	return (const struct id_set *)(const void *)((const char *)card + explanation->kind->offset);
}

static void look_near(struct explanation *explanation, struct card *card)
{
	for (size_t i = 0; i < card->name_count; i++) {
		struct near near = near_to(explanation->name);

		near_offer(&near, card->name[i].text);
		if (near.best && !id_equal(&card->name[i].id, &explanation->id) &&
				id_set_has(set_of(explanation, card), &card->name[i].id))
			id_table_put(&explanation->near, &card->name[i].id, card->name[i].text);
	}
}

static void look(struct explanation *explanation, const struct catalog *catalog)
{
	const struct catalog_peer *peer;
	size_t at = 0;

	while ((peer = catalog_next(catalog, &at)) != NULL) {
		explanation->owners += id_set_has(set_of(explanation, &peer->entry->card), &explanation->id);
		look_near(explanation, &peer->entry->card);
	}
}

static void next_of(const struct explanation *explanation, char *out, size_t size)
{
	const char *network = explanation->settings->common.network_text, *kind = explanation->kind->name;
	const struct advice *advice = explanation->owners > 0 ? &explanation->kind->found : &explanation->kind->missing;

	/* Somebody probably meant the name that exists. */
	if (explanation->owners == 0 && explanation->near.count > 0)
		snprintf(out, size, "mosaik-catalog -n %s explain %s %s", network, kind,
			(const char *)explanation->near.slot[0].value);
	else
		snprintf(out, size, "%s -n %s %s%s%s", advice->program, network, advice->words, explanation->name, advice->tail);
}

static void row(struct listing *listing, const char *what, const char *detail)
{
	listing_text(listing, TEXT_WHAT, bytes_of_text(what));
	listing_text(listing, TEXT_DETAIL, bytes_of_text(detail));
	listing_end_row(listing);
}

static void print_owners(const struct explanation *explanation, struct listing *listing, const struct catalog *catalog)
{
	bool json = explanation->settings->common.json;
	const struct catalog_peer *peer;
	size_t at = 0;

	while ((peer = catalog_next(catalog, &at)) != NULL) {
		const struct card *card = &peer->entry->card;
		char text[ID_TEXT_SIZE];

		if (!id_set_has(set_of(explanation, card), &explanation->id))
			continue;
		id_format(&card->peer, text);
		if (json)
			listing_text(listing, JSON_PEERS, bytes_of_text(text));
		else
			row(listing, explanation->kind->owner, text);
	}
}

static int print_text(const struct explanation *explanation, const struct catalog *catalog)
{
	struct listing *listing = print_open(explanation->settings, text_columns);
	char text[1024];

	id_format(&explanation->id, text);
	row(listing, explanation->kind->name, explanation->name);
	row(listing, "id", text);
	snprintf(text, sizeof text, "%zu of %zu peers", explanation->owners, catalog->live);
	row(listing, "found", text);
	print_owners(explanation, listing, catalog);
	for (size_t i = 0; i < explanation->near.count; i++)
		row(listing, "near", explanation->near.slot[i].value);
	next_of(explanation, text, sizeof text);
	row(listing, "next", text);
	return print_close(listing);
}

static int print_json(const struct explanation *explanation, const struct catalog *catalog)
{
	struct listing *listing = print_open(explanation->settings, json_columns);
	char next[1024];

	listing_text(listing, JSON_KIND, bytes_of_text(explanation->kind->name));
	listing_text(listing, JSON_NAME, bytes_of_text(explanation->name));
	listing_id(listing, JSON_ID, &explanation->id);
	print_owners(explanation, listing, catalog);
	for (size_t i = 0; i < explanation->near.count; i++)
		listing_text(listing, JSON_NEAR, bytes_of_text(explanation->near.slot[i].value));
	next_of(explanation, next, sizeof next);
	listing_text(listing, JSON_NEXT, bytes_of_text(next));
	listing_end_row(listing);
	return print_close(listing);
}

static void answered(struct ask *ask, msec now)
{
	struct explanation *explanation = ask->self;
	int status;

	(void)now;
	look(explanation, ask_catalog(ask));
	if (explanation->settings->common.json)
		status = print_json(explanation, ask_catalog(ask));
	else
		status = print_text(explanation, ask_catalog(ask));
	id_table_fini(&explanation->near);
	session_leave(&ask->session, status == EXIT_YES && explanation->owners == 0 ? EXIT_NO : status);
}

int explain_run(const struct settings *settings, int count, char **operand)
{
	struct explanation explanation = {.settings = settings, .kind = kinds};
	struct ask ask = {.common = settings->common, .answered = answered, .self = &explanation};

	if (count != 3)
		usage_error("explain takes a kind (stream, tag, group) and a name");
	while (explanation.kind->name && strcmp(explanation.kind->name, operand[1]) != 0)
		explanation.kind++;
	if (!explanation.kind->name)
		usage_error("'%s' is nothing that can be explained (stream, tag, group)", operand[1]);
	explanation.name = operand[2];
	explanation.id = options_id(operand[1], operand[2]);
	return ask_run_or_fail(&ask);
}
