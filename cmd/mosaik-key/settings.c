/*
 * settings.c - the options of mosaik-key: all are about tickets. It touches files only, no network.
 */
#include "cmd/mosaik-key/settings.h"

#define EXPIRES_DEFAULT (3600 * 1000)
#define FIELD(member, type) OPTION_FIELD(struct settings, member, type)

static const struct option_row rows[] = {
	{0, "expires", OPTION_DURATION, FIELD(expires, msec), "DUR", NULL, "how long a ticket is good (1h)"},
	{0, "iss", OPTION_TEXT, FIELD(issuer, const char *), "NAME", NULL, "who issues it, by name"},
	{0, "aud", OPTION_TEXTS, FIELD(audiences, struct texts), "NAME", NULL, "what it is for; repeatable"},
	{.name = NULL}
};

const struct settings settings_defaults = {.common = COMMON_DEFAULTS(MSEC_NEVER), .expires = EXPIRES_DEFAULT};

static const struct subcommand subcommands[] = {
	{"gen", "[FILE]", "a new key: FILE gets the secret, stdout the peer id"},
	{"pub", "FILE|-", "the peer id of a key file, or of a secret on stdin"},
	{"ticket", "FILE PEER", "a ticket (JWT) for PEER, signed by the key in FILE"},
	{.name = NULL}
};

static const struct scope scopes[] = {
	{"expires iss aud", "ticket"},
	{.options = NULL}
};

static const char *const examples[] = {
	"mosaik-key gen node.key       mode 0600, never over an existing file",
	"mosaik-key pub node.key       what others write before the @",
	"mosaik-key pub - < node.key   the same, from stdin",
	"mosaik-key ticket issuer.key $(mosaik-key pub node.key) > node.jwt",
	NULL
};

static void check(const void *of)
{
	const struct settings *settings = of;

	if (settings->expires < 1000 || settings->expires == MSEC_NEVER)
		usage_error("--expires: a ticket is good for a second at least, and not for ever");
}

const struct command command = {
	.name = "mosaik-key",
	.usage = "SUBCOMMAND [options] [FILE [PEER]]",
	.examples = examples,
	.options = rows,
	.subcommands = subcommands,
	.scopes = scopes,
	.check = check,
};
