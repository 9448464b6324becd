/*
 * settings.c - the options of mosaik-bootstrap.
 *
 * A seed on the command line is visible to everybody on the host (ps), so it is taken only for parity with older
 * deployments, and the program warns; -i is the quiet way.
 */
#include "cmd/mosaik-bootstrap/settings.h"

#define PURGE_AFTER_MAX (24 * 3600 * 1000)

#define FIELD(member, type) OPTION_FIELD(struct settings, member, type)

static const struct option_row rows[] = {
	{'s', "seed", OPTION_TEXT, FIELD(seed, const char *), "SEED", "MOSAIK_BOOTSTRAP_SECRET",
		"key from 64 hex digits or a text; prefer -i"},
	{0, "advertise", OPTION_TEXT, FIELD(advertise, const char *), "ADDR", "MOSAIK_ADVERTISE",
		"address that others should dial"},
	{0, "write-addr", OPTION_TEXT, FIELD(write_addr, const char *), "FILE", "MOSAIK_WRITE_ADDR",
		"also write the address token to FILE"},
	{0, "purge-after", OPTION_DURATION, FIELD(purge_after, msec), "DUR", "MOSAIK_PURGE_AFTER",
		"forget who was silent for so long (5m)"},
	{.name = NULL}
};

static void check(const void *of)
{
	const struct settings *settings = of;

	if (settings->seed && settings->common.identity_path)
		usage_error("--seed and --identity contradict each other");
	if (settings->purge_after < 1000 || settings->purge_after > PURGE_AFTER_MAX)
		usage_error("--purge-after has to be between 1s and 24h");
}

const struct settings settings_defaults = {.common = COMMON_DEFAULTS(MSEC_NEVER), .purge_after = 300000};

static const char *const examples[] = {
	"mosaik-bootstrap -n prod                    print PEERID@HOST:PORT and serve",
	"mosaik-bootstrap -n prod -i node.key        with a key of your own",
	"mosaik-bootstrap -n prod -b 0.0.0.0:6677 --advertise 192.0.2.7:6677",
	NULL
};

const struct command command = {
	.name = "mosaik-bootstrap",
	.usage = "-n NETWORK [options]",
	.examples = examples,
	.options = rows,
	.common = "network peer tag ticket identity bind no-local no-names timeout quiet verbose ready-fd stats",
	.environment_prefix = "MOSAIK_BOOTSTRAP_",
	.check = check,
};
