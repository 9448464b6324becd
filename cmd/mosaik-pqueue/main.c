/*
 * mosaik-pqueue - keys with a priority and a value, taken from either end, replicated.
 */
#include "cmd/common/collection_command.h"

static const struct subcommand verbs[] = {
	{"serve", "STORE... [-T P:K:V] [-]", NULL},
	{"recover", "STORE [-T P:K:V]", "a replica; --capacity N: full, the lowest goes"},
	{"push", "STORE PRIO KEY VALUE|-", "- is stdin; --print-version"},
	{"take", "STORE [--max]", "take the lowest and print it; 1: none is there"},
	{"min", "STORE", NULL},
	{"max", "STORE", NULL},
	{"get", "STORE KEY...", "look without taking"},
	{"len", "STORE", NULL},
	{"ls", "STORE [--desc]", "how many, and what, by priority"},
	{"reprio", "STORE KEY PRIO", NULL},
	{"set", "STORE KEY VALUE|-", "change what is there; 1: it is not"},
	{"cas", "STORE KEY", "--from V (--to V|--delete)"},
	{"rm", "STORE KEY...", NULL},
	{"rm-range", "STORE LOW..HIGH", NULL},
	{"clear", "STORE", "take away; LOW..=HIGH with HIGH"},
	{"update", "STORE KEY -- CMD", "CMD makes the new value of the old one"},
	{"dump", "STORE", NULL},
	{"load", "STORE", "all of it as JSON lines, and back"},
	{"watch", "STORE [KEY|--prefix P] [-- CMD]", "changes: --initial --from VERSION -c N"},
	{"wait", "STORE KEY", "till it is so; --value V, --absent, --min-version N"},
	{.name = NULL}
};

static const char *const examples[] = {
	"mosaik-pqueue -n demo serve jobs -T u64:str:json --data ./jobs &",
	"mosaik-pqueue -n demo push jobs 5 backup '{\"host\":\"a\"}' -w 10s",
	"mosaik-pqueue -n demo take jobs --max",
	NULL
};

static const struct collection_program program = {
	.kind = COLLECTION_PQUEUE,
	.name = "mosaik-pqueue",
	.examples = examples,
	.subcommands = verbs,
	.options = "types key data from-survivors expect reader capacity lan local min-version print-version "
		"from to absent delete max desc initial count prefix value",
};

int main(int argc, char **argv)
{
	return collection_main(&program, argc, argv);
}
