/*
 * fuzz_streams.c - a machine with one producer and one consumer, and peers that say anything on several links at any
 * time.
 *
 * The input is a list of steps: a byte with the kind of step (low half) and the link it is about (high half), then what
 * the step needs. A step that does not fit the state is skipped. The target plays the driver as machine.h describes
 * it; the machine checks its invariants after every step, and what it asks of the driver is checked here: it speaks
 * only on links that are open, and it gives no more credit than it was sent bytes.
 */
#include "base/check.h"
#include "streams/stream_wire.h"
#include "streams/streams.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINKS 16

enum step_kind {
	STEP_OPEN,         /* a peer opens a link */
	STEP_MESSAGE,      /* 2 bytes of length, the message */
	STEP_UNLINK,       /* 1 byte of reason */
	STEP_TIME,         /* 1 byte of tenths of seconds */
	STEP_WRITE,        /* 1 byte of count */
	STEP_SENT,         /* half of what is outstanding, rounded up */
	STEP_FACTS,        /* the owner takes all facts, credits and acknowledges */
	STEP_LINKED,       /* the answer to a connect */
	STEP_END,
	STEP_FOUND,        /* 1 byte of peer; odd links: again */
	STEP_GONE,         /* 1 byte of peer */
	STEP_NEW_PRODUCER,
	STEP_NEW_CONSUMER,
	STEP_SUBSCRIBE     /* a peer says a good SUBSCRIBE: no input would guess the id of the stream */
};

struct slot {
	link_id id;            /* 0: free */
	struct id peer;
	bool open;
	bool closed;           /* the machine has said its last word */
	size_t outstanding;
	size_t uncredited;
};

struct world {
	struct bytes input;
	struct streams *streams;
	struct outbox out;
	struct producer *producer;
	struct consumer *consumer;
	struct peer_condition ticket;   /* that nobody has */
	struct slot slot[LINKS];
	link_id next_odd;
	msec now;
	bool ended;
};

static struct id stream_id(void)
{
	return id_hash(bytes_of_text("logs"));
}

static struct id peer_id(uint8_t number)
{
	struct id id = {{1}};

	id.byte[ID_SIZE - 1] = number % 4;
	return id;
}

static uint8_t take_byte(struct world *world)
{
	uint8_t byte = 0;

	if (world->input.size > 0) {
		byte = *world->input.data++;
		world->input.size--;
	}
	return byte;
}

static struct bytes take_bytes(struct world *world, size_t size)
{
	struct bytes taken = {world->input.data, size < world->input.size ? size : world->input.size};

	world->input.data += taken.size;
	world->input.size -= taken.size;
	return taken;
}

/* kind: of 16, so that one input sees a producer of each policy, with and without a line for places; the last wants a ticket. */
static void new_producer(struct world *world, unsigned kind)
{
	producer_free(world->streams, world->producer, &world->out);
	world->producer = producer_new(world->streams, world->now, &(struct producer_options){
		.stream = stream_id(), .max_stall = 10000, .linger = 3000, .subscribers_max = 3,
		.waiting_max = kind / 4, .on_slow = (enum slow_policy)(kind % 3), .buffer = 1 + kind * 1000,
		.tell_undelivered = kind % 2 == 1, .accept = {&world->ticket, kind == 15 ? 1 : 0}});
	world->ended = false;
}

static void new_consumer(struct world *world)
{
	consumer_free(world->streams, world->consumer, &world->out);
	world->consumer = consumer_new(world->streams, world->now,
		&(struct consumer_options){.stream = stream_id(), .record_max = 100});
}

static struct slot *slot_of(struct world *world, link_id id)
{
	for (size_t i = 0; i < LINKS; i++) {
		if (world->slot[i].id == id)
			return &world->slot[i];
	}
	return NULL;
}

static void unlink_slot(struct world *world, struct slot *slot, enum error reason)
{
	link_id id = slot->id;

	*slot = (struct slot){0};
	streams_ops.unlinked(world->streams, world->now, id, reason, &world->out);
}

static void carry_connect(struct world *world, const struct effect *effect)
{
	struct slot *slot = slot_of(world, 0);

	if (slot == NULL)
		streams_ops.unlinked(world->streams, world->now, effect->link, ERROR_UNREACHABLE, &world->out);
	else
		*slot = (struct slot){.id = effect->link, .peer = effect->dial->peer};
}

static void carry(struct world *world, const struct effect *effect)
{
	struct slot *slot = slot_of(world, effect->link);

	if (effect->kind == EFFECT_CONNECT) {
		carry_connect(world, effect);
		return;
	}
	if (slot == NULL)
		return;   /* unlinked before it was carried out */
	ASSERT(!slot->closed);
	if (effect->kind == EFFECT_SEND) {
		ASSERT(slot->open);
		slot->outstanding += blob_size(effect->payload);
	} else if (effect->kind == EFFECT_CONSUMED) {
		ASSERT(effect->bytes <= slot->uncredited);
		slot->uncredited -= effect->bytes;
	} else {
		slot->closed = true;
	}
}

static void settle(struct world *world)
{
	struct effect effect;

	while (outbox_next(&world->out, &effect)) {
		carry(world, &effect);
		effect_drop(&effect);
	}
	streams_ops.check(world->streams);
}

static void give(struct world *world, struct slot *slot, struct blob *message)
{
	if (slot->open && blob_size(message) > 0) {
		slot->uncredited += blob_size(message);
		if (streams_ops.receive(world->streams, world->now, slot->id, message, &world->out) != OK)
			unlink_slot(world, slot, ERROR_MALFORMED);
	}
	blob_drop(message);
}

static void take_facts(struct world *world)
{
	struct streams_fact fact;

	while (streams_next_fact(world->streams, &fact)) {
		if (fact.kind == CONSUMER_BATCH) {
			ASSERT(records_check(fact.records, fact.count, 100));
			consumer_consumed(world->streams, fact.link, blob_size(fact.message), &world->out);
			blob_drop(fact.message);
		} else if (fact.kind == PRODUCER_UNDELIVERED) {
			ASSERT(records_check(fact.records, fact.count, 100));
			blob_drop(fact.message);
		} else if (fact.kind == CONSUMER_ENDED) {
			consumer_acknowledge(world->streams, fact.link, &world->out);
		} else if (fact.kind == CONSUMER_LOST && fact.message != NULL) {
			ASSERT(fact.reason == ERROR_NOT_ALLOWED && fact.lack.fault < JWT_FINE);
			ASSERT(fact.lack.issuer.size == 0 || card_is_name(fact.lack.issuer));
			blob_drop(fact.message);
		}
	}
}

static void write_batch(struct world *world)
{
	uint64_t count = 1 + (uint64_t)take_byte(world) * 4096;
	struct blob *batch;

	if (world->ended || !producer_has_room(world->producer))
		return;
	batch = blob_new(BATCH_HEADROOM, (size_t)count);   /* empty records: a byte each */
	memset(batch->data + batch->end, 0x40, (size_t)count);
	batch->end += (size_t)count;
	producer_write(world->streams, world->now, world->producer, (struct batch){batch, count}, &world->out);
}

static void open_guest(struct world *world, struct slot *slot)
{
	if (slot->id != 0)
		return;
	*slot = (struct slot){.id = world->next_odd, .peer = peer_id(1), .open = true};
	world->next_odd += 2;
	streams_ops.linked(world->streams, world->now, &(struct link){.id = slot->id, .peer = slot->peer}, &world->out);
}

static void answer_connect(struct world *world, struct slot *slot)
{
	if (slot->id == 0 || slot->open)
		return;
	slot->open = true;
	streams_ops.linked(world->streams, world->now, &(struct link){.id = slot->id, .peer = slot->peer}, &world->out);
}

static void acknowledge(struct world *world, struct slot *slot)
{
	size_t bytes = (slot->outstanding + 1) / 2;

	if (bytes == 0)
		return;
	slot->outstanding -= bytes;
	streams_ops.sent(world->streams, slot->id, bytes, &world->out);
}

static void let_time_pass(struct world *world)
{
	world->now += take_byte(world) * 100;
	streams_ops.tick(world->streams, world->now, &world->out);
	ASSERT(streams_ops.deadline(world->streams) > world->now);
}

static void step_on_link(struct world *world, enum step_kind kind, struct slot *slot)
{
	struct id stream = stream_id();

	if (kind == STEP_MESSAGE) {
		size_t size = (size_t)take_byte(world) << 8;

		size |= take_byte(world);
		give(world, slot, blob_copy(take_bytes(world, size)));
	} else if (kind == STEP_UNLINK) {
		enum error reason = (enum error)(take_byte(world) % ERROR_COUNT);

		if (slot->id != 0)
			unlink_slot(world, slot, reason);
	} else if (kind == STEP_SENT) {
		acknowledge(world, slot);
	} else if (kind == STEP_LINKED) {
		answer_connect(world, slot);
	} else if (kind == STEP_OPEN) {
		open_guest(world, slot);
	} else {
		/* An empty record begins with nothing: the odd ones get none of them. */
		give(world, slot, stream_wire_subscribe(&stream, slot->id % 4 == 1 ? bytes_of("\x81\x82\x01\x41x", 5) : bytes_of(NULL, 0)));
	}
}

static void step(struct world *world)
{
	uint8_t byte = take_byte(world);
	struct slot *slot = &world->slot[byte >> 4];
	struct id peer;

	switch ((enum step_kind)(byte & 15)) {
	case STEP_OPEN:
	case STEP_MESSAGE:
	case STEP_UNLINK:
	case STEP_SENT:
	case STEP_LINKED:
	case STEP_SUBSCRIBE:
		step_on_link(world, (enum step_kind)(byte & 15), slot);
		break;
	case STEP_TIME:
		let_time_pass(world);
		break;
	case STEP_WRITE:
		write_batch(world);
		break;
	case STEP_FACTS:
		take_facts(world);
		break;
	case STEP_END:
		producer_end(world->streams, world->now, world->producer, &world->out);
		world->ended = true;
		break;
	case STEP_FOUND:
		peer = peer_id(take_byte(world));
		if (byte >> 4 & 1)
			consumer_producer_renewed(world->streams, world->now, world->consumer, &peer, &world->out);
		else
			consumer_producer_found(world->streams, world->now, world->consumer, &peer, &world->out);
		break;
	case STEP_GONE:
		peer = peer_id(take_byte(world));
		if (byte >> 4 & 1)
			consumer_producer_doubted(world->streams, world->now, world->consumer, &peer, &world->out);
		else if (byte >> 5 & 1)
			consumer_producer_forgotten(world->streams, world->consumer, &peer);
		else
			consumer_producer_gone(world->streams, world->now, world->consumer, &peer, &world->out);
		break;
	case STEP_NEW_PRODUCER:
		new_producer(world, byte >> 4);
		break;
	case STEP_NEW_CONSUMER:
		new_consumer(world);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = {.input = bytes_of(data, size), .next_odd = 1, .now = 1000};
	struct id self = peer_id(0);

	world.streams = streams_new(&(struct streams_options){.self = self, .seed = 1}, world.now);
	world.ticket = (struct peer_condition){.kind = PEER_HAS_TICKET,
		.ticket = ticket_rule_new(&(struct jwt_rule){.algorithm = JWT_EDDSA, .issuer = "office"})};
	new_producer(&world, 0);
	new_consumer(&world);
	while (world.input.size > 0) {
		step(&world);
		settle(&world);
	}
	streams_free(world.streams);
	ticket_rule_free(world.ticket.ticket);
	outbox_fini(&world.out);
	return 0;
}
