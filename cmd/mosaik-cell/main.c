/*
 * mosaik-cell - one value or none, replicated.
 */
#include "cmd/common/collection_command.h"

static const struct subcommand verbs[] = {
	{"serve", "STORE... [-T V] [-]", NULL},
	{"recover", "STORE [-T V]", "a replica: --data DIR --expect N --reader --lan"},
	{"get", "STORE", "1: there is none"},
	{"set", "STORE VALUE|-", "- is stdin; --print-version"},
	{"cas", "STORE", "(--absent|--from V) (--to V|--delete)"},
	{"clear", "STORE", "take it away"},
	{"update", "STORE -- CMD", "CMD makes the new value of the old one"},
	{"dump", "STORE", NULL},
	{"load", "STORE", "all of it as JSON lines, and back"},
	{"watch", "STORE [-- CMD]", "changes: --initial --from VERSION -c N"},
	{"wait", "STORE", "till it is so; --value V, --absent, --min-version N"},
	{.name = NULL}
};

static const char *const examples[] = {
	"mosaik-cell -n demo serve config -T json --data ./config &",
	"mosaik-cell -n demo set config - -w 10s <config.json",
	"mosaik-cell -n demo get config",
	NULL
};

static const struct collection_program program = {
	.kind = COLLECTION_CELL,
	.name = "mosaik-cell",
	.examples = examples,
	.subcommands = verbs,
	.options = "types key data from-survivors expect reader lan local min-version print-version from to absent delete initial count value",
};

int main(int argc, char **argv)
{
	return collection_main(&program, argc, argv);
}
