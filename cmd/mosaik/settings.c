/*
 * settings.c - what mosaik knows of the suite. Other mosaik-* programs are found as well; these have a line of help.
 */
#include "cmd/mosaik/settings.h"

const struct settings settings_defaults = {.common = COMMON_DEFAULTS(MSEC_NEVER)};

static const struct subcommand subcommands[] = {
	{"bootstrap", "", "a stable node that others dial first"},
	{"produce", "STREAM", "stdin becomes a stream"},
	{"consume", "STREAM...", "streams come out on stdout"},
	{"group", "SUBCOMMAND", "consensus: a replicated log, a leader, a lock"},
	{"map", "VERB STORE", NULL},
	{"vec", "VERB STORE", NULL},
	{"set", "VERB STORE", NULL},
	{"cell", "VERB STORE", NULL},
	{"once", "VERB STORE", NULL},
	{"pqueue", "VERB STORE", "replicated collections"},
	{"catalog", "SUBCOMMAND", "who is there, and what they offer"},
	{"key", "gen|pub", "secret keys and peer ids"},
	{"help", "[COMMAND]", "what a command does, in a few lines"},
	{.name = NULL}
};

static const char *const examples[] = {
	"mosaik consume -n demo hello &",
	"echo 'hi there' | mosaik produce -n demo hello",
	"mosaik catalog -n demo peers",
	NULL
};

const struct command command = {
	.name = "mosaik",
	.usage = "COMMAND [options] [operands]",
	.examples = examples,
	.subcommands = subcommands,
	.stop_at_operand = true,
};
