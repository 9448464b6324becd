/*
 * settings.c - the options of mosaik-catalog.
 */
#include "cmd/mosaik-catalog/settings.h"

#define FIELD(member, type) OPTION_FIELD(struct settings, member, type)

/* Those without a word of help are shown with the subcommand they belong to. */
static const struct option_row rows[] = {
	{'t', "tag", OPTION_TEXTS, FIELD(tags, struct texts), "TAG", NULL, "peers: only those with this tag; announce: have it"},
	{0, "stream", OPTION_TEXT, FIELD(stream, const char *), "STREAM", NULL, "peers: only producers of this stream"},
	{0, "group", OPTION_TEXT, FIELD(group, const char *), "GROUP", NULL, "peers: only members of this group"},
	{0, "peers", OPTION_POSITIVE, FIELD(peers, uint64_t), "N", NULL, NULL},
	{'c', "count", OPTION_POSITIVE, FIELD(count, uint64_t), "N", NULL, NULL},
	{0, "initial", OPTION_FLAG, FIELD(initial, bool), NULL, NULL, NULL},
	{0, "dot", OPTION_FLAG, FIELD(dot, bool), NULL, NULL, NULL},
	{.name = NULL}
};

static void check(const void *of)
{
	const struct settings *settings = of;

	for (size_t i = 0; i < settings->tags.count; i++)
		(void)options_id("tag", settings->tags.text[i]);
	if (settings->stream)
		(void)options_id("stream", settings->stream);
	if (settings->group)
		(void)options_id("group", settings->group);
	if (settings->count == 0)
		usage_error("-c has to be at least 1");
}

const struct settings settings_defaults = {.common = COMMON_DEFAULTS(TIMEOUT_DEFAULT), .count = 3};

static const struct subcommand subcommands[] = {
	{"peers", "[PEER]", "every peer, or the one whose id begins with PEER"},
	{"tags", "", NULL},
	{"streams", "", NULL},
	{"groups", "", "every one, and how many peers have it"},
	{"me", "", "the id and addresses that this command would use"},
	{"id", "KIND NAME", "the id that a name stands for"},
	{"watch", "[--initial] [-- CMD]", "who comes, changes, goes; CMD is run for each"},
	{"wait", "[--peers N] [-t T=N]", "until so many are there; --stream S=N, --group G=N"},
	{"ping", "PEER [-c N]", "round trips to a peer: an id, or HOST:PORT"},
	{"explain", "KIND NAME", "who has a stream, tag, group, map ...; names alike"},
	{"graph", "[--dot]", "who is connected to whom"},
	{"doctor", "", "what is wrong, one line a check"},
	{"announce", "-t TAG -- CMD", "join with a tag for as long as CMD runs"},
	{.name = NULL}
};

static const struct scope scopes[] = {
	{"tag", "peers wait announce"},
	{"stream group", "peers wait"},
	{"peers", "wait"},
	{"count", "ping"},
	{"initial", "watch"},
	{"dot", "graph"},
	{"columns", "peers tags streams groups me watch ping explain graph doctor"},
	{.options = NULL}
};

static const char *const examples[] = {
	"mosaik-catalog -n demo peers --stream logs   who produces it",
	"mosaik-catalog -n demo -j peers | jq -r .id",
	"mosaik-catalog -n demo wait --peers 3 -W 1m",
	NULL
};

const struct command command = {
	.name = "mosaik-catalog",
	.usage = "-n NETWORK [options] SUBCOMMAND [OPERAND...]",
	.examples = examples,
	.options = rows,
	.subcommands = subcommands,
	.scopes = scopes,
	.common = "network peer ticket identity bind no-local no-names timeout wait json columns ready-fd quiet verbose stats",
	.network_optional = true,   /* `id` asks nobody */
	.check = check,
};
