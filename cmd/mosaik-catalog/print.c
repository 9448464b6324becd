/*
 * print.c - see print.h.
 */
#include "cmd/mosaik-catalog/print.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "base/table.h"
#include "cmd/common/group_name.h"
#include "cmd/common/listing.h"
#include "cmd/common/printed.h"

enum { PEER_ID, PEER_ADDR, PEER_TAGS, PEER_STREAMS, PEER_GROUPS, PEER_RTT, PEER_AGE };

static const struct column peer_columns[] = {
	[PEER_ID] = {"id", COLUMN_ID},
	[PEER_ADDR] = {"addr", COLUMN_TEXT},
	[PEER_TAGS] = {"tags", COLUMN_NAMES},
	[PEER_STREAMS] = {"streams", COLUMN_NAMES},
	[PEER_GROUPS] = {"groups", COLUMN_NAMES},
	[PEER_RTT] = {"rtt_ms", COLUMN_NUMBER},
	[PEER_AGE] = {"age_s", COLUMN_NUMBER},
	{.name = NULL}
};

enum { THING_NAME, THING_ID, THING_PEERS };

static const struct column thing_columns[] = {
	[THING_NAME] = {"name", COLUMN_NAME},
	[THING_ID] = {"id", COLUMN_ID},
	[THING_PEERS] = {"peers", COLUMN_NUMBER},
	{.name = NULL}
};

enum { SELF_ID, SELF_NETWORK, SELF_ADDRS };

static const struct column self_columns[] = {
	[SELF_ID] = {"id", COLUMN_ID},
	[SELF_NETWORK] = {"network", COLUMN_NAME},
	[SELF_ADDRS] = {"addrs", COLUMN_TEXTS},
	{.name = NULL}
};

void print_check(const struct settings *settings, const char *what)
{
	listing_check(&settings->common, strcmp(what, "me") == 0 ? self_columns : strcmp(what, "peers") == 0 ? peer_columns : thing_columns);
}

int print_close(struct listing *listing)
{
	size_t rows = 0;
	enum error error = listing_finish(listing, &rows);
	int reason = errno;

	listing_free(listing);
	if (error != OK)
		return printed_not(reason);
	return rows > 0 ? EXIT_YES : EXIT_NO;
}

struct bytes print_name_of(const struct card *card, const struct id *id)
{
	const char *name = card_name(card, id);

	return name ? bytes_of_text(name) : (struct bytes){NULL, 0};
}

static void print_names(struct listing *listing, size_t column, const struct card *card, const struct id_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		listing_name(listing, column, &set->id[i], print_name_of(card, &set->id[i]));
}

void print_card(struct listing *listing, size_t column, const struct card *card)
{
	char address[ADDRESS_TEXT_SIZE];

	if (card->address_count > 0) {
		address_format(&card->address[0], address);
		listing_text(listing, column, bytes_of_text(address));
	}
	print_names(listing, column + 1, card, &card->tags);
	print_names(listing, column + 2, card, &card->streams);
	print_names(listing, column + 3, card, &card->groups);
}

static void print_peer(struct listing *listing, const struct catalog_peer *peer, msec now)
{
	const struct card *card = &peer->entry->card;

	listing_id(listing, PEER_ID, &card->peer);
	print_card(listing, PEER_ADDR, card);
	if (peer->rtt_us > 0)
		listing_real(listing, PEER_RTT, (double)peer->rtt_us / 1000);
	listing_real(listing, PEER_AGE, (double)(now - peer->heard_at) / 1000);
	listing_end_row(listing);
}

static bool set_matches(const struct id_set *set, const char *wanted)
{
	struct id id;

	return !wanted || (id_from_text(wanted, &id) == OK && id_set_has(set, &id));
}

static bool peer_matches(const struct settings *settings, const char *peer, const struct card *card)
{
	char text[ID_TEXT_SIZE];

	for (size_t i = 0; i < settings->tags.count; i++)
		if (!set_matches(&card->tags, settings->tags.text[i]))
			return false;
	id_format(&card->peer, text);
	return (!peer || strncmp(text, peer, strlen(peer)) == 0) && set_matches(&card->streams, settings->stream) &&
		(!settings->group || group_name_in(card, settings->group));
}

static int print_peers(const struct settings *settings, const char *peer, const struct catalog *catalog, msec now)
{
	struct listing *listing = listing_open(&settings->common, peer_columns);
	const struct catalog_peer *one;
	size_t at = 0;

	while ((one = catalog_next(catalog, &at)) != NULL)
		if (peer_matches(settings, peer, &one->entry->card))
			print_peer(listing, one, now);
	return print_close(listing);
}

/* How many peers have a thing, and the first name that one of them gives it. */
struct thing {
	uint64_t peers;
	struct bytes name;
};

static void count_set(struct id_table *things, const struct card *card, const struct id_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct thing *thing = id_table_get(things, &set->id[i]);

		if (!thing) {
			thing = memory_new(sizeof *thing);
			id_table_put(things, &set->id[i], thing);
		}
		thing->peers++;
		if (thing->name.size == 0)
			thing->name = print_name_of(card, &set->id[i]);
	}
}

static const struct id_set *set_of(const struct card *card, const char *what)
{
	if (strcmp(what, "tags") == 0)
		return &card->tags;
	return strcmp(what, "streams") == 0 ? &card->streams : &card->groups;
}

static int print_things(const struct settings *settings, const char *what, const struct catalog *catalog)
{
	struct listing *listing = listing_open(&settings->common, thing_columns);
	struct id_table things = {0};
	const struct catalog_peer *peer;
	size_t at = 0;

	while ((peer = catalog_next(catalog, &at)) != NULL)
		count_set(&things, &peer->entry->card, set_of(&peer->entry->card, what));
	for (size_t i = 0; i < things.count; i++) {
		struct thing *thing = things.slot[i].value;

		listing_name(listing, THING_NAME, &things.slot[i].key, thing->name);
		listing_id(listing, THING_ID, &things.slot[i].key);
		listing_number(listing, THING_PEERS, thing->peers);
		listing_end_row(listing);
		memory_free(thing);
	}
	id_table_fini(&things);
	return print_close(listing);
}

int print_catalog(const struct settings *settings, const char *what, const char *peer, const struct catalog *catalog, msec now)
{
	if (strcmp(what, "peers") == 0)
		return print_peers(settings, peer, catalog, now);
	return print_things(settings, what, catalog);
}

int print_self(const struct settings *settings, struct dial token)
{
	struct listing *listing = listing_open(&settings->common, self_columns);

	listing_id(listing, SELF_ID, &token.peer);
	listing_name(listing, SELF_NETWORK, &settings->common.network, bytes_of_text(settings->common.network_text));
	for (size_t i = 0; i < token.count; i++) {
		char address[ADDRESS_TEXT_SIZE];

		address_format(&token.address[i], address);
		listing_text(listing, SELF_ADDRS, bytes_of_text(address));
	}
	listing_end_row(listing);
	return print_close(listing);
}
