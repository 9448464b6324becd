/*
 * mosaik-key - secret keys and the peer ids that belong to them.
 *
 * Exactly one thing goes to stdout: the peer id, or, when there is no file to keep the secret in, the secret. So the
 * output of each form can be piped on without looking at it.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/memory.h"
#include "cmd/common/exit.h"
#include "cmd/mosaik-key/settings.h"
#include "runtime/key.h"

#define SECRET_INPUT_SIZE 256   /* 64 digits and room to see that there is more */

static void print_line(const char *text)
{
	if (printf("%s\n", text) < 0 || fflush(stdout) != 0)
		fail(EXIT_IO, "stdout", NULL, "cannot write to stdout: %s", strerror(errno));
}

static void print_peer_id(const struct keypair *pair)
{
	char text[ID_TEXT_SIZE];

	id_format(&pair->public_key, text);
	print_line(text);
}

static void print_secret(const struct keypair *pair)
{
	struct id seed;   /* only for its hex digits */
	char text[ID_TEXT_SIZE];

	static_assert(sizeof seed.byte == sizeof pair->seed, "a seed has the size of an id");
	memcpy(seed.byte, pair->seed, sizeof seed.byte);
	id_format(&seed, text);
	print_line(text);
	memory_wipe(&seed, sizeof seed);
	memory_wipe(text, sizeof text);
}

static void generate(const char *path, struct keypair *pair)
{
	enum error error;

	key_random(pair);
	if (!path) {
		print_secret(pair);
		return;
	}
	error = key_save(path, pair);
	if (error == ERROR_SYSTEM && errno == EEXIST)
		fail(EXIT_IO, "exists",
			(const char *const[]){"a lost key is a lost peer id: move the file away first", NULL},
			"'%s' exists; it is left as it is", path);
	if (error != OK)
		fail(EXIT_IO, "key", NULL, "cannot write '%s': %s", path,
			error == ERROR_SYSTEM ? strerror(errno) : error_text(error));
	print_peer_id(pair);
}

/* Anything but 64 digits and white space is refused here: a seed text would be hashed, and a typo with it. */
static void read_secret(struct keypair *pair)
{
	char text[SECRET_INPUT_SIZE];
	size_t size = fread(text, 1, sizeof text - 1, stdin);
	struct id seed;

	if (ferror(stdin))
		fail(EXIT_IO, "stdin", NULL, "cannot read stdin: %s", strerror(errno));
	while (size > 0 && strchr(" \t\r\n", text[size - 1]))
		size--;
	text[size] = '\0';
	if (id_from_hex(text, &seed) != OK)
		fail(EXIT_DATA, "key", NULL, "stdin is not a secret key (64 hex digits)");
	key_from_seed_text(text, pair);
	memory_wipe(text, sizeof text);
	memory_wipe(&seed, sizeof seed);
}

static void load(const char *path, struct keypair *pair)
{
	enum error error = key_load(path, pair);

	if (error == ERROR_SYSTEM)
		fail(EXIT_IO, "key", NULL, "cannot read '%s': %s", path, strerror(errno));
	if (error == ERROR_NOT_ALLOWED)
		fail(EXIT_REFUSED, "key-mode",
			(const char *const[]){"a secret key is for its owner alone: chmod 600, chown", NULL},
			"key file '%s' can be read by others, or is not yours", path);
	if (error != OK)
		fail(EXIT_DATA, "key", NULL, "'%s' is not a key file (64 hex digits)", path);
}

int main(int argc, char **argv)
{
	struct settings settings = settings_defaults;
	int first = options_parse(&command, argc, argv, &settings);
	const char *word = options_subcommand(&command, first < argc ? argv[first] : NULL)->name;
	const char *path = first + 1 < argc ? argv[first + 1] : NULL;
	struct keypair pair;

	if (first + 2 < argc)
		usage_error("'%s': one file at a time", argv[first + 2]);
	if (strcmp(word, "gen") == 0) {
		generate(path, &pair);
	} else if (!path) {
		usage_error("pub needs a key file, or - for stdin");
	} else if (strcmp(path, "-") == 0) {
		read_secret(&pair);
		print_peer_id(&pair);
	} else {
		load(path, &pair);
		print_peer_id(&pair);
	}
	memory_wipe(&pair, sizeof pair);
	return EXIT_YES;
}
