/*
 * mosaik-vec - a sequence of values, replicated.
 */
#include "cmd/common/collection_command.h"

static const struct subcommand verbs[] = {
	{"serve", "STORE... [-T V] [-]", NULL},
	{"recover", "STORE [-T V]", "a replica: --data DIR --expect N --reader --lan"},
	{"push", "STORE VALUE...|-", NULL},
	{"push-front", "STORE VALUE|-", "- is stdin; --print-version"},
	{"pop", "STORE", NULL},
	{"pop-front", "STORE", "take one and print it; 1: there is none"},
	{"get", "STORE INDEX...", NULL},
	{"len", "STORE", NULL},
	{"ls", "STORE", "what is there, from 0 on"},
	{"index-of", "STORE VALUE", "the first place where it stands"},
	{"insert", "STORE INDEX VALUE|-", "before what stands there"},
	{"swap", "STORE INDEX INDEX", NULL},
	{"rm", "STORE INDEX", "1: nothing is there"},
	{"truncate", "STORE LENGTH", NULL},
	{"clear", "STORE", "take the end away, or all"},
	{"tail", "STORE [-c N] [-f]", "the last ones (10), and those to come"},
	{"dump", "STORE", NULL},
	{"load", "STORE", "all of it as JSON lines, and back"},
	{"watch", "STORE [-- CMD]", "changes: --initial --from VERSION -c N"},
	{"wait", "STORE INDEX", "till it is so; --value V, --absent, --min-version N"},
	{.name = NULL}
};

static const char *const examples[] = {
	"mosaik-vec -n demo serve log -T json --data ./log &",
	"mosaik-vec -n demo push log '{\"event\":\"start\"}' -w 10s",
	"mosaik-vec -n demo ls log",
	NULL
};

static const struct collection_program program = {
	.kind = COLLECTION_VEC,
	.name = "mosaik-vec",
	.examples = examples,
	.subcommands = verbs,
	.options = "types key data from-survivors expect reader lan local min-version print-version initial from count follow value absent",
};

int main(int argc, char **argv)
{
	return collection_main(&program, argc, argv);
}
