/*
 * mosaik-once - one value that the first one sets, for ever, replicated.
 */
#include "cmd/common/collection_command.h"

static const struct subcommand verbs[] = {
	{"serve", "STORE... [-T V] [-]", NULL},
	{"recover", "STORE [-T V]", "a replica: --data DIR --expect N --reader --lan"},
	{"set", "STORE VALUE|-", "prints what stands; 0: ours, 1: another's"},
	{"get", "STORE", "1: nobody has set it"},
	{"dump", "STORE", NULL},
	{"load", "STORE", "all of it as JSON lines, and back"},
	{"watch", "STORE [-- CMD]", "changes: --initial --from VERSION -c N"},
	{"wait", "STORE", "till it is so; --value V, --absent, --min-version N"},
	{.name = NULL}
};

static const char *const examples[] = {
	"mosaik-once -n demo serve chief -T str &",
	"mosaik-once -n demo set chief \"$HOSTNAME\" -w 10s && echo we are the one",
	"mosaik-once -n demo get chief",
	NULL
};

static const struct collection_program program = {
	.kind = COLLECTION_ONCE,
	.name = "mosaik-once",
	.examples = examples,
	.subcommands = verbs,
	.options = "types key data from-survivors expect reader lan local min-version print-version initial from count value absent",
};

int main(int argc, char **argv)
{
	return collection_main(&program, argc, argv);
}
