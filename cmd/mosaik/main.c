/*
 * mosaik - `mosaik produce ...` becomes `mosaik-produce ...`.
 *
 * The program is looked for beside this one first, so that a build tree or an unpacked archive uses its own parts, and
 * then in PATH, where anybody may add a mosaik-something. This process is replaced: signals, descriptors and the
 * exit status are the command's own.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common/exit.h"
#include "cmd/common/near.h"
#include "cmd/mosaik/settings.h"

#define NAME_MAX_SIZE 64   /* of a command */

/* "/usr/bin/mosaik-produce", beside this program. False: it is not known where this program is. */
static bool path_beside(const char *program, char out[PATH_MAX])
{
	ssize_t size = readlink("/proc/self/exe", out, PATH_MAX - 1);
	char *slash;

	if (size <= 0)
		return false;
	out[size] = '\0';
	slash = strrchr(out, '/');
	if (!slash || (size_t)(slash + 1 - out) + strlen(program) + 1 > PATH_MAX)
		return false;
	memcpy(slash + 1, program, strlen(program) + 1);
	return true;
}

/* Returns only if it could not be run. */
static void run(const char *program, char **argv)
{
	char path[PATH_MAX];

	if (path_beside(program, path) && access(path, X_OK) == 0)
		execv(path, argv);
	execvp(program, argv);
}

_Noreturn static void unknown(const char *word)
{
	struct near near = near_to(word);

	for (const struct subcommand *row = command.subcommands; row->name; row++)
		near_offer(&near, row->name);
	if (near.best)
		usage_error("unknown command '%s'; did you mean '%s'?", word, near.best);
	usage_error("unknown command '%s': there is no mosaik-%s beside this program or in PATH", word, word);
}

/* A command is one plain word: "../x" would leave the folder, "-x" would be an option. */
static bool is_plain(const char *word)
{
	size_t size = strlen(word);

	return size > 0 && size < NAME_MAX_SIZE && strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-") == size &&
	       *word != '-';
}

_Noreturn static void dispatch(const char *word, char **argv)
{
	char program[sizeof "mosaik-" + NAME_MAX_SIZE];

	if (!is_plain(word))
		unknown(word);
	snprintf(program, sizeof program, "mosaik-%s", word);
	argv[0] = program;
	run(program, argv);
	if (errno == ENOENT || errno == ENOTDIR)
		unknown(word);
	fail(EXIT_NOT_RUNNABLE, "exec", NULL, "cannot run %s: %s", program, strerror(errno));
}

/* The short help: it is always there, where manual pages may not be installed. It names the page. */
_Noreturn static void help(const char *word)
{
	char name[] = "mosaik", option[] = "-h";
	char *argv[] = {name, option, NULL};

	if (word && strcmp(word, "help") != 0)
		dispatch(word, argv);
	(void)options_parse(&command, 2, argv, &(struct settings){.common = COMMON_DEFAULTS(MSEC_NEVER)});
	fail(EXIT_BUG, "help", NULL, "the help did not end the program");
}

int main(int argc, char **argv)
{
	struct settings settings = settings_defaults;
	int first = options_parse(&command, argc, argv, &settings);

	if (first == argc)
		usage_error("which command? bootstrap, produce, consume, group, map, vec, set, cell, once, pqueue, catalog, key, help");
	if (strcmp(argv[first], "help") == 0)
		help(first + 1 < argc ? argv[first + 1] : NULL);
	dispatch(argv[first], argv + first);
}
