/*
 * doctor_peers.c - what all answers together say: whose clock is wrong, and whose key is used twice.
 */
#include "cmd/mosaik-catalog/doctor.h"

#include <stdlib.h>

#define SKEW_MAX 10000       /* msec: what an announcement may differ from a clock (max_time_drift) */
#define SIGNED_EARLIER 30000 /* msec: a member's own entry counts as heard just now, and may be from its last announcement */

static msec skew_of(const struct doctor_claim *claim)
{
	if (claim->is_own && claim->skew < 0)
		return claim->skew < -SIGNED_EARLIER - SKEW_MAX ? claim->skew : 0;
	return claim->skew > SKEW_MAX || claim->skew < -SKEW_MAX ? claim->skew : 0;
}

static bool is_repeated(const struct doctor *doctor, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (id_equal(&doctor->claim[i].peer, &doctor->claim[at].peer) && skew_of(&doctor->claim[i]) != 0)
			return true;
	return false;
}

void doctor_peers_clocks(struct doctor *doctor)
{
	size_t ahead = 0, behind = 0;

	for (size_t i = 0; i < doctor->claim_count; i++) {
		ahead += skew_of(&doctor->claim[i]) > 0;
		behind += skew_of(&doctor->claim[i]) < 0;
	}
	/* When everybody else is wrong the same way, it is us. */
	if (doctor->claim_count > 1 && (ahead == doctor->claim_count || behind == doctor->claim_count)) {
		doctor_say(doctor, DOCTOR_FAIL, "clock", "the clock of this host is %lld s %s that of everybody else",
			llabs(doctor->claim[0].skew) / 1000, ahead > 0 ? "behind" : "ahead of");
		return;
	}
	for (size_t i = 0; i < doctor->claim_count; i++) {
		const struct doctor_claim *claim = &doctor->claim[i];
		char text[ID_TEXT_SIZE];

		if (skew_of(claim) == 0 || is_repeated(doctor, i))
			continue;
		id_format(&claim->peer, text);
		doctor_say(doctor, DOCTOR_FAIL, "clock", "the clock of %s is %lld s %s", text, llabs(claim->skew) / 1000,
			claim->skew > 0 ? "ahead" : "behind");
	}
	if (ahead + behind == 0)
		doctor_say(doctor, DOCTOR_OK, "clock", "everybody's agrees with ours to %d s", SKEW_MAX / 1000);
}

/* Two processes speak for one peer when each of two members knows it by another start. */
static bool is_double(const struct doctor *doctor, size_t at)
{
	bool twice = false;

	for (size_t i = 0; i < doctor->claim_count; i++) {
		if (!id_equal(&doctor->claim[i].peer, &doctor->claim[at].peer))
			continue;
		if (i < at)
			return false;   /* the first claim spoke for all */
		twice = twice || doctor->claim[i].start != doctor->claim[at].start;
	}
	return twice;
}

void doctor_peers_identities(struct doctor *doctor)
{
	bool all_well = true, in_use = false;
	char text[ID_TEXT_SIZE];

	for (size_t i = 0; i < doctor->claim_count; i++) {
		in_use = in_use || id_equal(&doctor->claim[i].peer, &doctor->key);
		if (!is_double(doctor, i))
			continue;
		all_well = false;
		id_format(&doctor->claim[i].peer, text);
		doctor_say(doctor, DOCTOR_FAIL, "identity", "%s runs twice: two processes that started at different times sign with one key",
			text);
	}
	if (in_use)
		doctor_say(doctor, DOCTOR_WARN, "identity", "the key of -i is in use by a live node: a second one with it is a duplicate");
	else if (all_well)
		doctor_say(doctor, DOCTOR_OK, "identity", "no key is used twice");
}
