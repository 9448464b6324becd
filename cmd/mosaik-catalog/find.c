/*
 * find.c - see find.h.
 */
#include "cmd/mosaik-catalog/find.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct search {
	const char *prefix;
	struct found *found;
	size_t count;
	size_t capacity;
};

static void add(struct search *search, const struct card *card)
{
	struct dial dial = {.peer = card->peer};
	char text[ID_TEXT_SIZE];
	struct found *found;

	id_format(&card->peer, text);
	if (strncmp(text, search->prefix, strlen(search->prefix)) != 0 || card->address_count == 0)
		return;
	for (; dial.count < card->address_count && dial.count < DIAL_ADDRESSES_MAX; dial.count++)
		dial.address[dial.count] = card->address[dial.count];
	search->found = memory_grow(search->found, &search->capacity, search->count + 1, sizeof *found);
	found = &search->found[search->count++];
	found->peer = card->peer;
	local_format_token(&dial, found->token);
}

static void answered(struct ask *ask, msec now)
{
	const struct catalog_peer *peer;
	size_t at = 0;

	(void)now;
	while ((peer = catalog_next(ask_catalog(ask), &at)) != NULL)
		add(ask->self, &peer->entry->card);
	session_leave(&ask->session, EXIT_YES);
}

size_t find_peers(const struct common *common, const char *prefix, struct found **out)
{
	struct search search = {.prefix = prefix};
	struct ask ask = {.common = *common, .answered = answered, .self = &search};
	int status = ask_run_or_fail(&ask);

	if (status != EXIT_YES)
		exit(status);
	*out = search.found;
	return search.count;
}
