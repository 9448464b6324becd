/*
 * doctor_probe.c - asks one member, and names what a failure to answer means.
 */
#include "base/memory.h"
#include "cmd/mosaik-catalog/doctor.h"

#define PATIENCE 3000   /* msec for one member; a handshake takes three round trips */

struct probe {
	struct doctor *doctor;
	size_t peers;
	struct id member;
};

static void answered(struct ask *ask, msec now)
{
	struct probe *probe = ask->self;
	struct doctor *doctor = probe->doctor;
	msec wall = runtime_wall(ask->session.runtime);
	const struct catalog_peer *peer;
	size_t at = 0;

	while ((peer = catalog_next(ask_catalog(ask), &at)) != NULL) {
		const struct card *card = &peer->entry->card;

		doctor->claim = memory_grow(doctor->claim, &doctor->claim_capacity, doctor->claim_count + 1, sizeof *doctor->claim);
		/* What was signed `age` ago by our clock bears the time that it was then by theirs. */
		doctor->claim[doctor->claim_count++] = (struct doctor_claim){.peer = card->peer, .start = card->version.start,
			.skew = (msec)card->version.update - (wall - (now - peer->heard_at)),
			.is_own = id_equal(&card->peer, &ask->member)};
		probe->peers++;
	}
	probe->member = ask->member;
	session_leave(&ask->session, EXIT_YES);
}

static void tell_failure(struct doctor *doctor, const char *token, int status, enum error failure)
{
	if (status == EXIT_DEADLINE)
		failure = ERROR_NO_ANSWER;
	switch ((int)failure) {
	case ERROR_DIFFERENT_NETWORK:
		doctor_say(doctor, DOCTOR_FAIL, "network", "%s is a node of another network than '%s': check -n", token,
			doctor->common.network_text);
		break;
	case ERROR_WRONG_PEER:
		doctor_say(doctor, DOCTOR_FAIL, "peer-key", "%s: who answers there has another key; a new node took the address, or the id "
			"is mistyped", token);
		break;
	case ERROR_REFUSED:
		doctor_say(doctor, DOCTOR_FAIL, "reach", "%s: nobody listens on that UDP port", token);
		break;
	case ERROR_NO_ANSWER:
	case ERROR_IDLE:
		doctor_say(doctor, DOCTOR_FAIL, "udp", "%s: nothing comes back; UDP is blocked on the way, or the host is down", token);
		break;
	case ERROR_UNREACHABLE:
		doctor_say(doctor, DOCTOR_FAIL, "reach", "%s: there is no way to that address", token);
		break;
	default:
		doctor_say(doctor, DOCTOR_FAIL, "reach", "%s: %s", token, error_text(failure));
	}
}

void doctor_probe(struct doctor *doctor, char *token)
{
	struct probe probe = {.doctor = doctor};
	struct ask ask = {.common = doctor->common, .answered = answered, .self = &probe};
	char text[ID_SHORT_SIZE];
	int status;

	ask_only(&ask, &token);
	ask.common.has_wait = false;
	if (!ask.common.has_timeout || ask.common.timeout > PATIENCE)
		ask.common.timeout = PATIENCE;
	status = ask_run(&ask);
	if (status != EXIT_YES) {
		tell_failure(doctor, token, status, ask.failure);
		return;
	}
	doctor->answers++;
	id_format_short(&probe.member, text);
	doctor_say(doctor, DOCTOR_OK, "member", "%s answers and knows %zu peers", text, probe.peers);
}
