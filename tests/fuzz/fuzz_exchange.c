/*
 * fuzz_exchange.c - peers that say what they like, in any order, on several links of one exchange machine.
 *
 * The first byte says whether it is a guest, and knows a few or many. Then the input is a sequence of calls: a byte that chooses the call and the link, then its argument. A link that the
 * machine closes, or on which it returns an error, ends, as a driver would do it.
 */
#include "discovery/exchange.h"

#include "discovery_input.h"
#include "wire/limits.h"

#define LINKS 4
#define CALLS_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rig {
	struct catalog catalog;
	struct exchange *exchange;
	struct outbox out;
	msec now;
	link_id next_accepted;
	struct link link[LINKS];    /* id 0: none */
	bool is_linked[LINKS];
	size_t unacknowledged[LINKS];
	bool is_guest;
};

static void end_link(struct rig *rig, size_t at, enum error reason)
{
	link_id id = rig->link[at].id;

	rig->link[at].id = 0;
	rig->is_linked[at] = false;
	rig->unacknowledged[at] = 0;
	exchange_ops.unlinked(rig->exchange, rig->now, id, reason, &rig->out);
}

static void connected(struct rig *rig, link_id id, const struct dial *dial)
{
	for (size_t i = 0; i < LINKS; i++) {
		if (rig->link[i].id == 0) {
			rig->link[i] = (struct link){.id = id, .peer = dial->peer};
			return;
		}
	}
	exchange_ops.unlinked(rig->exchange, rig->now, id, ERROR_UNREACHABLE, &rig->out);
}

static void carry_out(struct rig *rig)
{
	struct effect effect;
	struct exchange_fact fact;

	while (outbox_next(&rig->out, &effect)) {
		if (effect.kind == EFFECT_CONNECT)
			connected(rig, effect.link, effect.dial);
		for (size_t i = 0; i < LINKS && effect.kind != EFFECT_CONNECT; i++) {
			if (rig->link[i].id != effect.link)
				continue;
			if (effect.kind == EFFECT_SEND) {
				ASSERT(blob_size(effect.payload) <= FRAME_CATALOG_MAX);
				rig->unacknowledged[i] += blob_size(effect.payload);
			} else if (effect.kind == EFFECT_CLOSE) {
				end_link(rig, i, effect.reason);
			}
		}
		effect_drop(&effect);
	}
	while (exchange_next_fact(rig->exchange, &fact)) {
		ASSERT((fact.news != NULL) == (fact.kind == EXCHANGE_NEWS));
		entry_drop(fact.news);
	}
	exchange_ops.check(rig->exchange);
	catalog_check(&rig->catalog);
}

static void receive(struct rig *rig, struct input *input, size_t at)
{
	struct blob *message = input_message(input);

	if (rig->is_linked[at] &&
		exchange_ops.receive(rig->exchange, rig->now, rig->link[at].id, message, &rig->out) != OK) {
		carry_out(rig);
		if (rig->link[at].id != 0)
			end_link(rig, at, ERROR_MALFORMED);
	}
	blob_drop(message);
}

static void open_link(struct rig *rig, size_t at, uint8_t peer)
{
	if (rig->link[at].id == 0) {
		rig->link[at] = (struct link){.id = rig->next_accepted, .peer = input_pair(peer % 4).public_key};
		rig->next_accepted += 2;
	} else if (rig->is_linked[at]) {
		return;
	}
	rig->is_linked[at] = true;
	exchange_ops.linked(rig->exchange, rig->now, &rig->link[at], &rig->out);
}

static void call(struct rig *rig, struct input *input)
{
	uint8_t choice = input_byte(input);
	size_t at = choice / 8 % LINKS;
	struct dial dial = {.peer = input_pair(1 + choice / 32 % 3).public_key};

	switch (choice % 8) {
	case 0:
	case 1:
		receive(rig, input, at);
		break;
	case 2:
		open_link(rig, at, choice / 32);
		break;
	case 3:
		exchange_with(rig->exchange, rig->now, &dial, &rig->out);
		break;
	case 4:
		if (rig->is_guest)
			(void)exchange_again(rig->exchange, rig->now, &rig->out);
		else if (choice / 128)
			exchange_neighbour_up(rig->exchange, rig->now, &dial.peer);
		else
			exchange_neighbour_down(rig->exchange, &dial.peer, &rig->out);
		break;
	case 5:
		rig->now += input_byte(input) * 50;
		exchange_ops.tick(rig->exchange, rig->now, &rig->out);
		catalog_purge(&rig->catalog, rig->now);
		break;
	case 6:
		if (rig->is_linked[at])
			exchange_ops.sent(rig->exchange, rig->link[at].id, rig->unacknowledged[at], &rig->out);
		rig->unacknowledged[at] = 0;
		break;
	default:
		if (rig->link[at].id != 0)
			end_link(rig, at, ERROR_IDLE);
		break;
	}
	carry_out(rig);
}

/* So many that sums are worth their bytes. */
static void put_many(struct catalog *catalog)
{
	for (unsigned i = 10; i < 50; i++) {
		struct entry *entry = input_entry(i, INPUT_WALL);

		ASSERT(catalog_put(catalog, 0, entry) == CATALOG_NEW);
		entry_drop(entry);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	uint8_t choice = input_byte(&input);
	struct rig rig = {.next_accepted = 1, .is_guest = choice % 4 == 3};
	struct entry *own = input_entry(0, INPUT_WALL);

	input_catalog(&rig.catalog, NULL);
	if (choice / 4 % 2 == 1)
		put_many(&rig.catalog);
	if (!rig.is_guest)
		catalog_put_self(&rig.catalog, 0, own);
	entry_drop(own);
	rig.exchange =
		exchange_new(&(struct exchange_options){.catalog = &rig.catalog, .seed = 1, .guest = rig.is_guest}, 0);
	if (rig.is_guest)
		exchange_keep(rig.exchange);
	for (unsigned i = 0; i < CALLS_MAX && input.size > 0; i++)
		call(&rig, &input);
	exchange_free(rig.exchange);
	catalog_fini(&rig.catalog);
	outbox_fini(&rig.out);
	return 0;
}
