/*
 * groups_check.c - every invariant of the machine, as an executable text. Simulators and fuzzers call it after each step.
 */
#include "groups/groups_internal.h"

#include "base/check.h"

static bool is_set(const struct groups_timer *timer)
{
	return timer->node.place != 0;
}

/* A link and who uses it point at each other, or neither does. */
static void check_link(const struct groups_link *link, link_id key)
{
	ASSERT(link->link.id == key);
	ASSERT((link->role == LINK_BOND) == (link->bond != NULL));
	ASSERT((link->role == LINK_SERVED) == (link->served != NULL));
	ASSERT((link->role == LINK_GUEST) == is_set(&link->timer));
	ASSERT(link->role != LINK_GUEST || link->linked);
	ASSERT(!link->bond || link->bond->lane[link->lane].link == link);
	ASSERT(!link->served || (link->served->link == link && link->linked));
}

static void check_lane(const struct bond *bond, const struct bond_lane *lane)
{
	ASSERT(!lane->link || lane->link->bond == bond);
	ASSERT(!lane->open || lane->link);
	ASSERT(bond->state == BOND_UP || !lane->open);
	ASSERT(bond->state != BOND_IDLE || (!lane->link && lane->early_count == 0));
	ASSERT(!lane->open || lane->early_count == 0);
	/* A dialled bond has all its links from the start. */
	ASSERT(bond->state == BOND_IDLE || !bond->ours || lane->link);
}

static void check_bond(const struct bond *bond, const struct hosted *hosted)
{
	bool wanted = bond->listed || bond->told;
	bool has_deadline = !bond_is_through(bond) || bond->pinged;

	ASSERT(bond->hosted == hosted && !id_equal(&bond->peer, &hosted->groups->options.self));
	ASSERT(bond->state != BOND_IDLE || wanted);   /* else it would be forgotten */
	ASSERT(is_set(&bond->timer) == has_deadline);
	ASSERT(!bond->pinged || bond->state == BOND_UP);
	ASSERT(bond->retry >= BOND_RETRY && bond->retry <= BOND_RETRY_MAX);
	for (int i = 0; i < LANES; i++)
		check_lane(bond, &bond->lane[i]);
}

static void check_served(const struct served *served, const struct hosted *hosted)
{
	size_t count = 0, bytes = 0;

	ASSERT(served->hosted == hosted && served->link->served == served);
	LIST_EACH(place, &served->requests) {
		const struct request *request = LIST_OF(place, struct request, place);

		ASSERT(request->served == served && request->hosted == hosted);
		count++;
	}
	LIST_EACH(place, &served->waiting) {
		const struct request *request = LIST_OF(place, struct request, waiting_place);

		ASSERT(request->node.ticket == 0 && request->message);
		bytes += request->command.size;
	}
	ASSERT(count == served->request_count && count <= SERVED_REQUESTS_MAX);
	ASSERT(bytes == served->waiting_bytes && bytes <= SERVED_WAITING_MAX);
	ASSERT(served->follow_count <= FOLLOWS_MAX);
}

static void check_hosted(const struct hosted *hosted)
{
	const struct history *history = &hosted->history;

	for (size_t i = 0; i < hosted->bonds.count; i++) {
		const struct bond *bond = hosted->bonds.slot[i].value;

		ASSERT(id_equal(&bond->peer, &hosted->bonds.slot[i].key));
		check_bond(bond, hosted);
	}
	LIST_EACH(place, &hosted->clients)
		check_served(LIST_OF(place, struct served, place), hosted);
	ASSERT(history->first <= history->next && history->next - history->first <= HISTORY_EVENTS_MAX);
	ASSERT(!hosted->touched);   /* every door settles what it touched */
	group_check(hosted->group);
}

void groups_check(const void *self)
{
	const struct groups *groups = self;

	for (size_t i = 0; i < groups->links.count; i++)
		check_link(groups->links.slot[i].value, groups->links.slot[i].key);
	for (size_t i = 0; i < groups->hosted.count; i++)
		check_hosted(groups->hosted.slot[i].value);
	ASSERT(groups->next_ticket - GROUPS_TICKET >= groups->requests.count);
}
