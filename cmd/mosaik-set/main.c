/*
 * mosaik-set - a set of keys, replicated.
 */
#include "cmd/common/collection_command.h"

static const struct subcommand verbs[] = {
	{"serve", "STORE... [-T K] [-]", NULL},
	{"recover", "STORE [-T K]", "a replica: --data DIR --expect N --reader --lan"},
	{"add", "STORE KEY...", NULL},
	{"rm", "STORE KEY...", "--print-version"},
	{"has", "STORE KEY", "0: it is there, 1: not"},
	{"len", "STORE", NULL},
	{"ls", "STORE [--prefix P]", "how many, and which"},
	{"clear", "STORE", "take all away"},
	{"subset", "STORE OTHER", "0: OTHER has all that STORE has"},
	{"dump", "STORE", NULL},
	{"load", "STORE", "all of it as JSON lines, and back"},
	{"watch", "STORE [KEY|--prefix P] [-- CMD]", "changes: --initial --from VERSION -c N"},
	{"wait", "STORE KEY", "until it is there; --absent, --min-version N"},
	{.name = NULL}
};

static const char *const examples[] = {
	"mosaik-set -n demo serve online -T str &",
	"mosaik-set -n demo add online alice bob -w 10s",
	"mosaik-set -n demo has online alice && echo yes",
	NULL
};

static const struct collection_program program = {
	.kind = COLLECTION_SET,
	.name = "mosaik-set",
	.examples = examples,
	.subcommands = verbs,
	.options = "types key data from-survivors expect reader lan local min-version print-version prefix initial from count absent value",
};

int main(int argc, char **argv)
{
	return collection_main(&program, argc, argv);
}
