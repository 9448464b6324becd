/*
 * mosaik-map - keys to values, replicated.
 */
#include "cmd/common/collection_command.h"

static const struct subcommand verbs[] = {
	{"serve", "STORE... [-T K:V] [-]", NULL},
	{"recover", "STORE [-T K:V]", "a replica: --data DIR --expect N --reader --lan"},
	{"get", "STORE KEY...", NULL},
	{"has", "STORE KEY", "0: it is there, 1: not"},
	{"put", "STORE KEY VALUE|-", "- is stdin; --print-version"},
	{"del", "STORE KEY...", NULL},
	{"clear", "STORE", "take keys away, or all"},
	{"cas", "STORE KEY", "(--absent|--from V) (--to V|--delete)"},
	{"len", "STORE", NULL},
	{"keys", "STORE", NULL},
	{"values", "STORE", NULL},
	{"ls", "STORE [--prefix P]", "how many, and what"},
	{"update", "STORE KEY -- CMD", "CMD makes the new value of the old one"},
	{"dump", "STORE", NULL},
	{"load", "STORE", "all of it as JSON lines, and back"},
	{"watch", "STORE [KEY|--prefix P] [-- CMD]", "changes: --initial --from VERSION -c N"},
	{"wait", "STORE KEY", "till it is so; --value V, --absent, --min-version N"},
	{.name = NULL}
};

static const char *const examples[] = {
	"mosaik-map -n demo serve users -T str:u64 --data ./users &",
	"mosaik-map -n demo put users alice 17 -w 10s",
	"mosaik-map -n demo get users alice",
	NULL
};

static const struct collection_program program = {
	.kind = COLLECTION_MAP,
	.name = "mosaik-map",
	.examples = examples,
	.subcommands = verbs,
	.options = "types key data from-survivors expect reader lan local min-version print-version "
		"prefix from to absent delete initial count value",
};

int main(int argc, char **argv)
{
	return collection_main(&program, argc, argv);
}
