/*
 * doctor.c - what is wrong, one line a check: the key, the rendezvous of this host, every member that is named or found,
 * and then what the members together say about clocks and identities.
 *
 * A check that fails never ends the others: the third fault is worth as much as the first.
 */
#include "cmd/mosaik-catalog/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cmd/mosaik-catalog/print.h"
#include "cmd/mosaik-catalog/subcommands.h"
#include "runtime/key.h"
#include "runtime/local.h"

#define LOCAL_PROBES 8   /* nodes of this host that are asked */

enum { CHECK_LEVEL, CHECK_WHAT, CHECK_DETAIL };

static const struct column columns[] = {
	{"level", COLUMN_TEXT}, {"what", COLUMN_TEXT}, {"detail", COLUMN_TEXT}, {.name = NULL}
};

void doctor_say(struct doctor *doctor, enum doctor_level level, const char *what, const char *format, ...)
{
	static const char *const levels[] = {"ok", "warn", "FAIL"};
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	listing_text(doctor->listing, CHECK_LEVEL, bytes_of_text(levels[level]));
	listing_text(doctor->listing, CHECK_WHAT, bytes_of_text(what));
	listing_text(doctor->listing, CHECK_DETAIL, bytes_of_text(text));
	listing_end_row(doctor->listing);
	if (level > doctor->worst)
		doctor->worst = level;
}

static void check_key(struct doctor *doctor)
{
	const char *path = doctor->settings->common.identity_path;
	struct keypair pair;
	char text[ID_TEXT_SIZE];

	if (!path) {
		doctor_say(doctor, DOCTOR_OK, "key", "none given: a new identity each run");
		return;
	}
	switch ((int)key_load(path, &pair)) {
	case OK:
		doctor->key = pair.public_key;
		memory_wipe(&pair, sizeof pair);
		id_format(&doctor->key, text);
		doctor_say(doctor, DOCTOR_OK, "key", "'%s' is the key of %s", path, text);
		break;
	case ERROR_NOT_ALLOWED:
		doctor_say(doctor, DOCTOR_FAIL, "key", "'%s' can be read by others, or is not yours: chmod 600 it", path);
		break;
	case ERROR_SYSTEM:
		doctor_say(doctor, DOCTOR_FAIL, "key", "'%s': %s (mosaik-key gen makes one)", path, strerror(errno));
		break;
	default:
		doctor_say(doctor, DOCTOR_FAIL, "key", "'%s' is not a key file (mosaik-key gen makes one)", path);
	}
}

static void check_rendezvous(struct doctor *doctor)
{
	char path[LOCAL_PATH_SIZE];
	struct local_state state;

	if (doctor->common.no_local) {
		doctor_say(doctor, DOCTOR_OK, "rendezvous", "not used: --no-local");
		return;
	}
	local_path(&doctor->common.network, path);
	local_inspect(&doctor->common.network, &state);
	if (state.exists && !state.is_safe)
		doctor_say(doctor, DOCTOR_FAIL, "rendezvous", "%s is not safely yours: nodes do not use it (chmod 700, chown)", path);
	else if (state.stale > 0)
		doctor_say(doctor, DOCTOR_WARN, "rendezvous", "%zu stale files in %s, such as %s: their nodes died without a goodbye",
			state.stale, path, state.stale_name);
	else
		doctor_say(doctor, DOCTOR_OK, "rendezvous", "%zu live nodes in %s", state.live, path);
}

static void check_members(struct doctor *doctor)
{
	struct dial found[LOCAL_PROBES];
	char token[LOCAL_TOKEN_SIZE];
	size_t count = 0;

	for (size_t i = 0; i < doctor->settings->common.peers.count; i++)
		doctor_probe(doctor, doctor->settings->common.peers.text[i]);
	if (!doctor->common.no_local)
		count = local_find(&doctor->common.network, NULL, found, LOCAL_PROBES);
	for (size_t i = 0; i < count; i++) {
		local_format_token(&found[i], token);
		doctor_probe(doctor, token);
	}
	if (count + doctor->settings->common.peers.count == 0)
		doctor_say(doctor, DOCTOR_FAIL, "members", "nobody of network '%s' is known here: no node of this host, and no -p",
			doctor->common.network_text);
	else if (doctor->answers == 0)
		doctor_say(doctor, DOCTOR_FAIL, "members", "of those named here nobody of network '%s' answers",
			doctor->common.network_text);
}

int doctor_run(const struct settings *settings, int count, char **operand)
{
	struct doctor doctor = {.settings = settings, .common = settings->common};
	int status;

	(void)count;
	(void)operand;
	doctor.common.identity_path = NULL;
	doctor.listing = listing_open(&settings->common, columns);
	check_key(&doctor);
	check_rendezvous(&doctor);
	check_members(&doctor);
	if (doctor.answers > 0) {
		doctor_peers_clocks(&doctor);
		doctor_peers_identities(&doctor);
	}
	memory_free(doctor.claim);
	status = print_close(doctor.listing);
	return status == EXIT_YES && doctor.worst != DOCTOR_OK ? EXIT_NO : status;
}
