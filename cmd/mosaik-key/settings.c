/*
 * settings.c - the options of mosaik-key: none but -h and -V. It touches files only, no network.
 */
#include "cmd/mosaik-key/settings.h"

const struct settings settings_defaults = {.common = COMMON_DEFAULTS(MSEC_NEVER)};

static const struct subcommand subcommands[] = {
	{"gen", "[FILE]", "a new key: FILE gets the secret, stdout the peer id"},
	{"pub", "FILE|-", "the peer id of a key file, or of a secret on stdin"},
	{.name = NULL}
};

static const char *const examples[] = {
	"mosaik-key gen node.key       mode 0600, never over an existing file",
	"mosaik-key pub node.key       what others write before the @",
	"mosaik-key pub - < node.key   the same, from stdin",
	NULL
};

const struct command command = {
	.name = "mosaik-key",
	.usage = "SUBCOMMAND [FILE]",
	.examples = examples,
	.subcommands = subcommands,
};
