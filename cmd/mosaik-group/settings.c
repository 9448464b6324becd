/*
 * settings.c - the options of mosaik-group.
 */
#include "cmd/mosaik-group/settings.h"

#define FIELD(member, type) OPTION_FIELD(struct settings, member, type)

/* Those without a word of help are shown with the subcommand they belong to. */
static const struct option_row rows[] = {
	{'k', "key", OPTION_TEXT, FIELD(key_path, const char *), "FILE", "MOSAIK_GROUP_KEY", "the group's secret (made by mosaik-key gen)"},
	{0, "data", OPTION_TEXT, FIELD(data, const char *), "DIR", NULL, "join: keep the log on disk; recover: what is there"},
	{0, "expect", OPTION_POSITIVE, FIELD(expect, uint64_t), "N", NULL, "join: a new group begins with N members, not one"},
	{0, "observer", OPTION_FLAG, FIELD(observer, bool), NULL, NULL, "join: follow, never vote"},
	{0, "reluctant", OPTION_FLAG, FIELD(reluctant, bool), NULL, NULL, NULL},
	{0, "join-only", OPTION_FLAG, FIELD(join_only, bool), NULL, NULL, NULL},
	{0, "lan", OPTION_FLAG, FIELD(lan, bool), NULL, NULL, NULL},
	{0, "sm-id", OPTION_TEXT, FIELD(machine, const char *), "NAME", NULL, NULL},
	{0, "snapshot-every", OPTION_NUMBER, FIELD(snapshot_every, uint64_t), "N", NULL, NULL},
	{0, "feed", OPTION_FLAG, FIELD(feed, bool), NULL, NULL, NULL},
	{0, "strong", OPTION_FLAG, FIELD(strong, bool), NULL, NULL, NULL},
	{'L', "local", OPTION_FLAG, FIELD(local, bool), NULL, NULL, NULL},
	{0, "from", OPTION_NUMBER, FIELD(from, uint64_t), "INDEX", NULL, NULL},
	{'c', "count", OPTION_POSITIVE, FIELD(count, uint64_t), "N", NULL, NULL},
	{'f', "follow", OPTION_FLAG, FIELD(follow, bool), NULL, NULL, NULL},
	{0, "leader", OPTION_FLAG, FIELD(leader, bool), NULL, NULL, NULL},
	{0, "members", OPTION_POSITIVE, FIELD(members, uint64_t), "N", NULL, NULL},
	{0, "committed", OPTION_POSITIVE, FIELD(committed, uint64_t), "INDEX", NULL, NULL},
	{0, "try", OPTION_FLAG, FIELD(try, bool), NULL, NULL, NULL},
	{0, "from-survivors", OPTION_FLAG, FIELD(from_survivors, bool), NULL, NULL, NULL},
	{0, "grace", OPTION_DURATION, FIELD(grace, msec), "DUR", NULL, NULL},
	{.name = NULL}
};

static void check(const void *of)
{
	const struct settings *settings = of;

	if (settings->observer && settings->reluctant)
		usage_error("--observer never votes, --reluctant votes: choose one");
	if (settings->strong && settings->local)
		usage_error("--strong and --local contradict each other");
	if (settings->expect > 9)
		usage_error("--expect: a group begins with at most 9 members");
}

const struct settings settings_defaults = {.common = COMMON_DEFAULTS(TIMEOUT_DEFAULT), .grace = 5000, .snapshot_every = 20000};

static const struct subcommand subcommands[] = {
	{"join", "GROUP [--data DIR] [-- CMD]", "a member: stdin is proposed, the log printed"},
	{"propose", "GROUP TEXT|- [--feed]", "append; prints the index when it is committed"},
	{"query", "GROUP TEXT [--strong|-L]", "ask the state machine that members run as CMD"},
	{"log", "GROUP [--from I] [-c N] [-f]", "what was committed, and with -f what will be"},
	{"status", "GROUP [-f]", "leader, term, index, how many crashes it survives"},
	{"members", "GROUP", NULL},
	{"leader", "GROUP", "who is in it; who leads"},
	{"wait", "GROUP --leader", "also --members N, --committed I: until it is so"},
	{"lock", "GROUP[/NAME] [--try] -- CMD", "run CMD while nobody else does; --grace DUR"},
	{"declare-dead", "GROUP PEER", NULL},
	{"recover", "GROUP [PEER]", "a voter is lost for ever; a majority is"},
	{.name = NULL}
};

static const struct scope scopes[] = {
	{"data", "join lock recover"},
	{"expect", "join lock"},
	{"from-survivors", "recover"},
	{"lan", "join lock recover"},
	{"observer reluctant join-only sm-id snapshot-every", "join"},
	{"feed", "propose"},
	{"strong", "query"},
	{"local", "query log status members leader"},
	{"follow", "log status members leader"},
	{"from count", "log"},
	{"leader members committed", "wait"},
	{"try grace", "lock"},
	{"columns", "status members"},
	{.options = NULL}
};

static const char *const examples[] = {
	"mosaik-group -n demo join jobs --data ./jobs",
	"echo 'build 17' | mosaik-group -n demo propose jobs -",
	"mosaik-group -n demo lock backup -- ./backup.sh",
	NULL
};

const struct command command = {
	.name = "mosaik-group",
	.usage = "-n NETWORK [options] SUBCOMMAND GROUP [OPERAND...]",
	.examples = examples,
	.options = rows,
	.subcommands = subcommands,
	.scopes = scopes,
	.common = "network peer tag identity bind no-local timeout wait framing json null columns ready-fd quiet verbose stats",
	.check = check,
};
