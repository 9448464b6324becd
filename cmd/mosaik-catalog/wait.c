/*
 * wait.c - until enough peers, tags, streams and groups are there. True is said the moment it is true; "not yet" has a
 * deadline, also when there is no network yet.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cmd/common/ask.h"
#include "cmd/common/group_name.h"
#include "cmd/mosaik-catalog/subcommands.h"

#define INTERVAL 50   /* msec between questions; while nothing changes each is one small message */

struct condition {
	const char *kind;        /* "peer": every peer counts */
	char *name;
	struct id id;
	uint64_t wanted;
	uint64_t found;
};

struct waiting {
	struct ask ask;
	struct condition *condition;
	size_t count;
	size_t capacity;
};

static void add(struct waiting *waiting, const char *kind, const char *name, uint64_t wanted)
{
	struct condition *condition;

	waiting->condition = memory_grow(waiting->condition, &waiting->capacity, waiting->count + 1, sizeof *condition);
	condition = &waiting->condition[waiting->count++];
	*condition = (struct condition){.kind = kind, .name = memory_copy_text(name), .wanted = wanted};
}

/* "NAME" or "NAME=N". */
static void add_text(struct waiting *waiting, const char *kind, const char *text)
{
	const char *equals = strrchr(text, '=');
	char *end = NULL;
	unsigned long long wanted = equals && equals[1] >= '0' && equals[1] <= '9' ? strtoull(equals + 1, &end, 10) : 0;
	bool has_number = end && *end == '\0';
	struct condition *condition;

	if (has_number && wanted == 0)      /* which would always be so */
		usage_error("--%s: '0' is not a number from 1 on", kind);
	add(waiting, kind, text, has_number ? wanted : 1);
	condition = &waiting->condition[waiting->count - 1];
	if (has_number)
		condition->name[equals - text] = '\0';
	condition->id = options_id(kind, condition->name);
}

static void add_all(struct waiting *waiting, const struct settings *settings)
{
	if (settings->peers > 0)
		add(waiting, "peer", "", settings->peers);
	for (size_t i = 0; i < settings->tags.count; i++)
		add_text(waiting, "tag", settings->tags.text[i]);
	if (settings->stream)
		add_text(waiting, "stream", settings->stream);
	if (settings->group)
		add_text(waiting, "group", settings->group);
	if (waiting->count == 0)
		usage_error("wait for what? --peers N, --tag T[=N], --stream S[=N], --group G[=N]");
}

static bool counts(const struct condition *condition, const struct card *card)
{
	switch (condition->kind[0]) {
	case 't':
		return id_set_has(&card->tags, &condition->id);
	case 's':
		return id_set_has(&card->streams, &condition->id);
	case 'g':
		return group_name_in(card, condition->name) != NULL;
	}
	return true;
}

static bool is_met(struct condition *condition, const struct catalog *catalog)
{
	const struct catalog_peer *peer;
	size_t at = 0;

	condition->found = 0;
	while ((peer = catalog_next(catalog, &at)) != NULL)
		condition->found += counts(condition, &peer->entry->card);
	return condition->found >= condition->wanted;
}

static void answered(struct ask *ask, msec now)
{
	struct waiting *waiting = ask->self;
	bool all = true;

	for (size_t i = 0; i < waiting->count; i++)
		all = is_met(&waiting->condition[i], ask_catalog(ask)) && all;
	if (all)
		session_leave(&ask->session, EXIT_YES);
	else
		ask_again(ask, now + INTERVAL);
}

static void tell_missing(const struct waiting *waiting)
{
	for (size_t i = 0; i < waiting->count; i++) {
		const struct condition *condition = &waiting->condition[i];

		if (condition->found < condition->wanted)
			report("deadline", NULL, "%s%s%s%s: %llu of %llu in network '%s'", condition->kind, *condition->name ? " '" : "s",
				condition->name, *condition->name ? "'" : "", (unsigned long long)condition->found,
				(unsigned long long)condition->wanted, waiting->ask.common.network_text);
	}
}

int wait_run(const struct settings *settings, int count, char **operand)
{
	struct waiting waiting = {.count = 0};
	int status;

	(void)count;
	(void)operand;
	add_all(&waiting, settings);
	waiting.ask = (struct ask){.common = settings->common, .patient = true, .stays = true, .answered = answered,
		.self = &waiting};
	status = ask_run(&waiting.ask);
	if (status == EXIT_DEADLINE && waiting.ask.answers == 0)
		report("deadline", NULL, "nobody of network '%s' answered in time", settings->common.network_text);
	else if (status == EXIT_DEADLINE)
		tell_missing(&waiting);
	for (size_t i = 0; i < waiting.count; i++)
		memory_free(waiting.condition[i].name);
	memory_free(waiting.condition);
	return status;
}
