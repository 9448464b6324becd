/*
 * settings.c - the options of mosaik-catalog.
 */
#include "cmd/mosaik-catalog/settings.h"

#define FIELD(member, type) OPTION_FIELD(struct settings, member, type)

static const struct option_row rows[] = {
	{'t', "tag", OPTION_TEXT, FIELD(tag, const char *), "TAG", NULL, "peers: only those with this tag"},
	{0, "stream", OPTION_TEXT, FIELD(stream, const char *), "STREAM", NULL, "peers: only producers of this stream"},
	{0, "group", OPTION_TEXT, FIELD(group, const char *), "GROUP", NULL, "peers: only members of this group"},
	{.name = NULL}
};

static void check(const void *of)
{
	const struct settings *settings = of;

	if (settings->tag)
		(void)options_id("tag", settings->tag);
	if (settings->stream)
		(void)options_id("stream", settings->stream);
	if (settings->group)
		(void)options_id("group", settings->group);
}

const struct settings settings_defaults = {.common = COMMON_DEFAULTS(TIMEOUT_DEFAULT)};

static const struct subcommand subcommands[] = {
	{"peers", "[PEER]", "every peer, or the one whose id begins with PEER"},
	{"tags", "", "every tag, and how many peers carry it"},
	{"streams", "", "every stream, and how many peers produce it"},
	{"groups", "", "every group, and how many peers are in it"},
	{"me", "", "the id and addresses that this command would use"},
	{"id", "KIND NAME", "the id that a name stands for"},
	{.name = NULL}
};

static const char *const examples[] = {
	"mosaik-catalog -n demo peers                 who is there",
	"mosaik-catalog -n demo peers --stream logs   who produces it",
	"mosaik-catalog -n demo -j peers | jq -r .id",
	NULL
};

const struct command command = {
	.name = "mosaik-catalog",
	.usage = "-n NETWORK [options] SUBCOMMAND [OPERAND...]",
	.examples = examples,
	.options = rows,
	.subcommands = subcommands,
	.common = "network peer identity bind no-local timeout wait json columns quiet verbose",
	.network_optional = true,   /* `id` asks nobody */
	.check = check,
};
