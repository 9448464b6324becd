/*
 * mosaik-bootstrap - a stable node that others dial first.
 *
 * It prints its address token, one line, and stays. Its key is made once for each network and kept, so that a restart
 * keeps the id that others wrote into their configuration; the file is locked while in use.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cmd/common/key_file.h"
#include "cmd/common/session_stats.h"
#include "cmd/mosaik-bootstrap/settings.h"
#include "runtime/key.h"
#include "runtime/local.h"

#define PATH_SIZE 4096
#define BIND_DEFAULT "*:6677"

struct bootstrap {
	struct settings settings;
	struct session session;
	int key_lock;                /* descriptor of the key file, locked; -1 */
};

static void turn(void *self, msec now)
{
	struct bootstrap *bootstrap = self;
	struct node_fact fact;

	while (node_next_fact(runtime_node(bootstrap->session.runtime), &fact)) {
		if (session_hear(&bootstrap->session, &fact))
			session_leave(&bootstrap->session, EXIT_REFUSED);
		if (fact.kind == NODE_BOOTSTRAP_FAILED && bootstrap->settings.common.verbose > 0)
			warn("a bootstrap peer cannot be reached: %s", error_text(fact.reason));
	}
	if (session_stats_due(&bootstrap->session, now))
		session_stats(&bootstrap->session);
	if (session_is_late(&bootstrap->session, now))
		session_leave(&bootstrap->session, EXIT_DEADLINE);
}

static msec deadline(void *self)
{
	const struct bootstrap *bootstrap = self;

	return session_deadline(&bootstrap->session);
}

static void on_signal(void *self, int number)
{
	struct bootstrap *bootstrap = self;

	if (number == SIGUSR1)
		session_stats(&bootstrap->session);
	else
		session_leave(&bootstrap->session, EXIT_YES);   /* a daemon that was told to stop has done its job */
}

static const struct program program = {turn, deadline, on_signal};

/* ---- the key ---- */

static bool key_path(const struct id *network, char out[PATH_SIZE])
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	char hex[ID_TEXT_SIZE];

	id_format(network, hex);
	if (state && *state)
		return snprintf(out, PATH_SIZE, "%s/mosaik/%s/bootstrap.key", state, hex) < PATH_SIZE;
	return home && *home && snprintf(out, PATH_SIZE, "%s/.local/state/mosaik/%s/bootstrap.key", home, hex) < PATH_SIZE;
}

static const struct keypair *choose_key(struct bootstrap *bootstrap)
{
	const struct settings *settings = &bootstrap->settings;
	struct keypair *pair = &bootstrap->session.identity;
	char path[PATH_SIZE];

	if (settings->seed) {
		warn("a seed on the command line or in the environment can be read by others on this host; -i FILE cannot");
		key_from_seed_text(settings->seed, pair);
		return pair;
	}
	if (settings->common.identity_path)
		return NULL;   /* the session loads it */
	if (!key_path(&settings->common.network, path)) {
		warn("no home for a key (XDG_STATE_HOME, HOME): the id will be another one after a restart");
		key_random(pair);
	} else if (!key_file_keep(path, pair, &bootstrap->key_lock)) {
		if (errno == EWOULDBLOCK)
			warn("'%s' is in use by another bootstrap node: taking an id for this run only", path);
		else
			warn("cannot keep a key in '%s': %s; the id will be another one after a restart", path, strerror(errno));
		key_random(pair);
	}
	return pair;
}

/* ---- the token ---- */

/* The one address that a person would hand on: IPv4 that is not loopback if there is one, else the first. */
static struct dial one_address(struct dial token)
{
	size_t best = 0;

	for (size_t i = token.count; i-- > 0;)
		if (address_is_ipv4(&token.address[i]) && !address_is_loopback(&token.address[i]))
			best = i;
	token.address[0] = token.address[best];
	token.count = 1;
	return token;
}

/* Written whole or not at all: whoever waits for the file finds a complete line. */
static void write_address(const char *path, const char *token)
{
	char temporary[PATH_SIZE];
	FILE *file = NULL;

	if (snprintf(temporary, sizeof temporary, "%s.new", path) < (int)sizeof temporary)
		file = fopen(temporary, "w");
	if (!file || fprintf(file, "%s\n", token) < 0 || fclose(file) != 0 || rename(temporary, path) != 0)
		fail(EXIT_IO, "write-addr", NULL, "cannot write '%s': %s", path, strerror(errno));
}

static void print_token(struct bootstrap *bootstrap)
{
	struct dial token = runtime_token(bootstrap->session.runtime);
	char text[LOCAL_TOKEN_SIZE];

	if (!bootstrap->settings.advertise)
		token = one_address(token);
	token.count = 1;
	local_format_token(&token, text);
	if (bootstrap->settings.write_addr)
		write_address(bootstrap->settings.write_addr, text);
	if (printf("%s\n", text) < 0 || fflush(stdout) != 0)
		fail(EXIT_IO, "stdout", NULL, "cannot write to stdout: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	struct bootstrap bootstrap = {.settings = settings_defaults, .key_lock = -1};
	int first = options_parse(&command, argc, argv, &bootstrap.settings);
	struct keypair chosen = {0};
	const struct keypair *pair;
	int status;

	if (first != argc)
		usage_error("no operand is expected: '%s'", argv[first]);
	pair = choose_key(&bootstrap);
	if (pair)
		chosen = *pair;
	session_open(&bootstrap.session, &(struct session_options){.common = &bootstrap.settings.common, .program = &program,
		.self = &bootstrap, .bind = BIND_DEFAULT, .purge_after = bootstrap.settings.purge_after, .advertise = bootstrap.settings.advertise, .identity = pair ? &chosen : NULL});
	memory_wipe(&chosen, sizeof chosen);
	if (bootstrap.settings.common.tags.count == 0)
		node_add_tag(runtime_node(bootstrap.session.runtime), bootstrap.session.started_at, "bootstrap");
	print_token(&bootstrap);
	session_ready(&bootstrap.session);
	status = session_run(&bootstrap.session);
	if (bootstrap.key_lock >= 0)
		close(bootstrap.key_lock);
	options_free(&command, &bootstrap.settings);
	return status;
}
