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
#include <time.h>

#include "base/crypto.h"
#include "base/memory.h"
#include "cmd/common/exit.h"
#include "cmd/common/jsontext.h"
#include "cmd/mosaik-key/settings.h"
#include "discovery/jwt.h"
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

/* ---- tickets ---- */

static void put(struct buffer *out, const char *text)
{
	buffer_append(out, bytes_of_text(text));
}

static void put_name(struct buffer *out, const char *name)
{
	if (*name == '\0' || !bytes_are_utf8(bytes_of_text(name)))
		usage_error("a name in a ticket is not empty, and UTF-8");
	jsontext_quote(out, bytes_of_text(name));
}

static void put_audiences(struct buffer *out, const struct texts *audiences)
{
	if (audiences->count == 0)
		return;
	put(out, audiences->count == 1 ? ",\"aud\":" : ",\"aud\":[");
	for (size_t i = 0; i < audiences->count; i++) {
		if (i > 0)
			put(out, ",");
		put_name(out, audiences->text[i]);
	}
	if (audiences->count > 1)
		put(out, "]");
}

static void print_ticket(const struct settings *settings, const struct keypair *issuer, const struct id *subject)
{
	struct buffer claims = {0}, token = {0};
	char text[ID_TEXT_SIZE], times[96];
	time_t now = time(NULL);

	put(&claims, "{");
	if (settings->issuer) {
		put(&claims, "\"iss\":");
		put_name(&claims, settings->issuer);
		put(&claims, ",");
	}
	id_format(subject, text);
	put(&claims, "\"sub\":");
	put_name(&claims, text);
	put_audiences(&claims, &settings->audiences);
	snprintf(times, sizeof times, ",\"iat\":%lld,\"exp\":%lld}", (long long)now, (long long)now + (long long)settings->expires / 1000);
	put(&claims, times);
	jwt_sign(issuer, buffer_bytes(&claims), &token);
	if (token.size > ENTRY_TICKET_MAX)
		usage_error("the ticket is larger than the %u bytes that a peer can present", ENTRY_TICKET_MAX);
	buffer_append(&token, bytes_of("", 1));
	print_line((const char *)token.data);
	buffer_fini(&claims);
	buffer_fini(&token);
}

int main(int argc, char **argv)
{
	struct settings settings = settings_defaults;
	int first = options_parse(&command, argc, argv, &settings);
	const char *word = options_subcommand(&command, &settings.common, first < argc ? argv[first] : NULL)->name;
	const char *path = first + 1 < argc ? argv[first + 1] : NULL;
	bool is_ticket = strcmp(word, "ticket") == 0;
	struct keypair pair;
	struct id subject;

	if (first + 2 + is_ticket < argc)
		usage_error("'%s': one file at a time", argv[first + 2 + is_ticket]);
	if (is_ticket) {
		if (first + 2 >= argc)
			usage_error("ticket needs the issuer's key file, and the peer that it is for");
		subject = options_peer(argv[first + 2]);
		load(path, &pair);
		print_ticket(&settings, &pair, &subject);
	} else if (strcmp(word, "gen") == 0) {
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
	options_free(&command, &settings);
	return EXIT_YES;
}
