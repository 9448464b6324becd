/*
 * sim_streams.c - the workload of streams, and the oracle that watches it.
 *
 * Every record says which producer wrote it and its number there: [class 4][life of the producer 4][number 8],
 * big-endian, and zeros up to its size. The class is the number modulo 3; some readers ask for one class only. So a reader
 * sees by itself whether records come in order, once, and without a gap that was not reported, and at an end that none is
 * missing at the tail. What differs from that is a failed assertion: the run ends there, and its seed repeats it.
 */
#include "tests/sim/sim.h"

#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "wire/cbor.h"

#define RECORDS_A_BATCH 8
#define RECORD_SIZE 16         /* at least */
#define CLASSES 3
#define CLASS_WANTED 1
#define RETRY_FULL 20          /* msec until a producer without room looks again */

/* What a reader knows of one producer. */
struct reading {
	uint64_t life;             /* of the producer */
	uint64_t expected;         /* number of its next record, gaps that were reported included */
	uint64_t read;
	bool begun;
	bool fresh;                /* subscribed, and no record since */
	size_t ends;
};

/* A batch that the reader is not done with. */
struct chewing {
	struct sim_event done;
	struct sim_flow *flow;
	struct list place;
	link_id link;
	size_t bytes;
};

struct sim_flow {
	struct sim_node *node;
	struct producer *producer;
	uint64_t life;             /* of this producer, in the whole world */
	uint64_t written;
	uint64_t records;          /* to write; 0: for ever */
	bool ended;
	struct sim_event write;
	struct consumer *consumer;
	struct buffer criteria;    /* empty: it reads everything */
	struct id_table reading;   /* peer -> struct reading */
	struct list chewing;
	msec pace;
};

static struct sim_flow *flow_of(struct sim_node *node)
{
	struct sim_flow *flow = node->flow;

	if (!flow) {
		flow = node->flow = memory_new(sizeof(*flow));
		flow->node = node;
		list_init(&flow->chewing);
	}
	return flow;
}

/* ---- writing ---- */

static size_t record_size(const struct sim *sim)
{
	return sim->streams.record_size > 0 ? sim->streams.record_size : RECORD_SIZE;
}

static struct blob *new_batch(const struct sim *sim, const struct sim_flow *flow, uint64_t count)
{
	struct buffer records = {0};
	size_t size = record_size(sim);
	uint8_t *record = memory_new(size);
	struct blob *blob;

	for (uint64_t i = 0; i < count; i++) {
		uint64_t number = flow->written + i;

		bytes_put_be32(record, (uint32_t)(number % CLASSES));
		bytes_put_be32(record + 4, (uint32_t)flow->life);
		bytes_put_be32(record + 12, (uint32_t)number);
		cbor_put_bytes(&records, bytes_of(record, size));
	}
	blob = blob_new(BATCH_HEADROOM, records.size);
	memcpy(blob->data + blob->end, records.data, records.size);
	blob->end += records.size;
	memory_free(record);
	buffer_fini(&records);
	return blob;
}

/* Memory of a producer is bounded by what every subscriber may owe, and by its queue. */
static void check_backlog(const struct sim *sim, const struct producer *producer)
{
	size_t batch_max = RECORDS_A_BATCH * (record_size(sim) + CBOR_HEAD_MAX) + BATCH_HEADROOM;
	struct subscription_stats stats;

	for (size_t n = 0; producer_subscription(producer, n, &stats); n++) {
		ASSERT(stats.outstanding <= LINK_OUTSTANDING_MAX + 2 * batch_max);
		ASSERT(stats.queued <= sim->streams.buffer || stats.queued <= RECORDS_A_BATCH);
		ASSERT(stats.queued == 0 || sim->streams.on_slow != SLOW_BLOCK);
		ASSERT(stats.dropped == 0 || sim->streams.on_slow == SLOW_DROP);
	}
	ASSERT(producer_waiting(producer) <= sim->streams.waiting_max);
}

static void end_writing(struct sim *sim, struct sim_flow *flow)
{
	flow->ended = true;
	sim_cancel(sim, &flow->write);
	node_end(flow->node->node, sim->now, flow->producer);
	sim_turn(sim, flow->node);
}

static void on_write(struct sim *sim, void *subject)
{
	struct sim_flow *flow = subject;
	uint64_t count = 1 + rng_below(&sim->workload, RECORDS_A_BATCH);

	if (flow->node->paused_until > sim->now) {
		sim_at(sim, &flow->write, flow->node->paused_until);
		return;
	}
	if (!producer_has_room(flow->producer)) {
		sim_at(sim, &flow->write, sim->now + RETRY_FULL);
		return;
	}
	if (flow->records > 0 && count > flow->records - flow->written)
		count = flow->records - flow->written;
	if (count > 0) {
		node_write(flow->node->node, sim->now, flow->producer, new_batch(sim, flow, count), count);
		flow->written += count;
	}
	check_backlog(sim, flow->producer);
	if (flow->records > 0 && flow->written == flow->records) {
		end_writing(sim, flow);
		return;
	}
	sim_turn(sim, flow->node);
	sim_at(sim, &flow->write, sim->now + 1 + (msec)rng_below(&sim->workload, (uint64_t)flow->pace * 2));
}

void sim_produce(struct sim *sim, size_t place, const char *stream, uint64_t records, msec pace)
{
	struct sim_flow *flow = flow_of(&sim->node[place]);

	ASSERT(!flow->producer && pace > 0);
	flow->producer = node_produce(flow->node->node, sim->now, stream,
		&(struct producer_options){.max_stall = MSEC_NEVER, .linger = 10000, .on_slow = sim->streams.on_slow,
			.buffer = sim->streams.buffer, .subscribers_max = sim->streams.subscribers_max,
			.waiting_max = sim->streams.waiting_max});
	ASSERT(flow->producer);
	flow->life = place << 16 | flow->node->life;
	flow->records = records;
	flow->pace = pace;
	flow->write = (struct sim_event){.happen = on_write, .subject = flow};
	sim_turn(sim, flow->node);
	sim_at(sim, &flow->write, sim->now + pace);
}

void sim_produce_end(struct sim *sim, size_t place)
{
	struct sim_flow *flow = sim->node[place].flow;

	if (flow && flow->producer && !flow->ended)
		end_writing(sim, flow);
}

/* ---- reading ---- */

static void ask_for_a_class(struct sim_flow *flow)
{
	static const uint8_t class[] = {0, 0, 0, CLASS_WANTED};
	struct criterion criterion = {.kind = CRITERION_PREFIX, .value = bytes_of(class, sizeof(class))};
	enum error error = criteria_encode(&criterion, 1, &flow->criteria);

	ASSERT(error == OK);
}

void sim_consume(struct sim *sim, size_t place, const char *stream, msec pace)
{
	struct sim_flow *flow = flow_of(&sim->node[place]);

	ASSERT(!flow->consumer);
	flow->pace = pace;
	if (sim->streams.filter_percent > 0 && rng_below(&sim->workload, 100) < sim->streams.filter_percent)
		ask_for_a_class(flow);
	flow->consumer = node_consume(flow->node->node, sim->now, stream,
		&(struct consumer_options){.record_max = RECORD_MAX, .criteria = buffer_bytes(&flow->criteria)});
	sim_turn(sim, flow->node);
}

static struct reading *reading_of(struct sim_flow *flow, const struct id *peer)
{
	struct reading *reading = id_table_get(&flow->reading, peer);

	if (!reading) {
		reading = memory_new(sizeof(*reading));
		id_table_put(&flow->reading, peer, reading);
	}
	return reading;
}

static void on_chewed(struct sim *sim, void *subject)
{
	struct chewing *chewing = subject;
	struct sim_node *node = chewing->flow->node;

	node_consumed(node->node, chewing->link, chewing->bytes);
	list_remove(&chewing->place);
	memory_free(chewing);
	sim_turn(sim, node);
}

static void chew(struct sim *sim, struct sim_flow *flow, const struct streams_fact *fact)
{
	struct chewing *chewing = memory_new(sizeof(*chewing));

	*chewing = (struct chewing){.flow = flow, .link = fact->link, .bytes = blob_size(fact->message),
		.done = {.happen = on_chewed, .subject = chewing}};
	list_append(&flow->chewing, &chewing->place);
	sim_at(sim, &chewing->done, sim->now + (msec)rng_below(&sim->workload, (uint64_t)flow->pace + 1));
}

static bool is_wanted(const struct sim_flow *flow, uint64_t number)
{
	return flow->criteria.size == 0 || number % CLASSES == CLASS_WANTED;
}

/* Of what this reader asked for; true: `to` may be what comes next when `from` is expected. */
static bool none_between(const struct sim_flow *flow, uint64_t from, uint64_t to)
{
	if (from > to)
		return false;
	while (from < to && !is_wanted(flow, from))
		from++;
	return from == to;
}

static void read_batch(struct sim *sim, struct sim_flow *flow, const struct streams_fact *fact)
{
	struct reading *reading = reading_of(flow, &fact->peer);
	struct bytes rest = fact->records, record;
	uint64_t count = 0, at = 0;

	while (records_next(&rest, &record)) {
		ASSERT(record.size == record_size(sim));
		uint64_t life = bytes_get_be32(record.data + 4);
		uint64_t number = bytes_get_be32(record.data + 12);

		while (fact->picked.size > 0 && !picking_bit(fact->picked, at))
			at++;
		ASSERT(number == fact->sequence + at && is_wanted(flow, number));
		at++;
		if (!reading->begun || reading->life != life) {
			ASSERT(!reading->begun || life > reading->life);   /* never back to an older life */
			*reading = (struct reading){.life = life, .begun = true, .expected = number, .read = reading->read,
				.ends = reading->ends};
		}
		ASSERT(none_between(flow, reading->expected, number));   /* a duplicate, or a gap that nobody reported */
		reading->expected = number + 1;
		reading->read++;
		count++;
	}
	ASSERT(count == fact->count);
	reading->fresh = false;
	sim->count.records += count;
	sim->count.filtered += fact->picked.size > 0 ? count : 0;
	chew(sim, flow, fact);
}

static void read_gap(struct sim *sim, struct sim_flow *flow, const struct streams_fact *fact)
{
	struct reading *reading = reading_of(flow, &fact->peer);

	/* On a link, only what a slow reader is refused can be missing. */
	ASSERT(reading->fresh || sim->streams.on_slow == SLOW_DROP);
	sim->count.gaps++;
	sim->count.missed += fact->count;
	/* Of a producer that started anew we learn with its first record. */
	if (none_between(flow, reading->expected, fact->sequence))
		reading->expected = fact->sequence + fact->count;
}

/* What the producer wrote last has been read, or reported as missed. */
static void read_end(struct sim *sim, struct sim_flow *flow, const struct streams_fact *fact)
{
	struct reading *reading = reading_of(flow, &fact->peer);
	size_t place = sim_place_of(sim, &fact->peer);
	const struct sim_flow *writer = place < sim->options.places ? sim->node[place].flow : NULL;

	ASSERT(fact->verified);   /* the transport is honest: what arrived is what was sent */
	if (reading->begun && writer && writer->producer && writer->life == reading->life && fact->count > 0)
		ASSERT(none_between(flow, reading->expected, writer->written));
	reading->ends++;
	sim->count.ends++;
	node_acknowledge(flow->node->node, fact->link);
}

void sim_streams_fact(struct sim *sim, struct sim_node *node, const struct streams_fact *fact)
{
	struct sim_flow *flow = node->flow;

	sim_mix(sim, fact->count << 8 ^ (uint64_t)fact->kind);
	switch (fact->kind) {
	case CONSUMER_BATCH:
		read_batch(sim, flow, fact);
		blob_drop(fact->message);
		break;
	case CONSUMER_GAP:
		read_gap(sim, flow, fact);
		break;
	case CONSUMER_ENDED:
		read_end(sim, flow, fact);
		break;
	case CONSUMER_QUEUED:
		sim->count.queued++;
		break;
	case PRODUCER_UNSUBSCRIBED:
		sim->count.dropped += fact->missed;
		sim->count.too_slow += fact->reason == ERROR_TOO_SLOW;
		break;
	case PRODUCER_SUBSCRIBED:
	case CONSUMER_SUBSCRIBED:
		reading_of(flow, &fact->peer)->fresh = true;
		break;
	case PRODUCER_ROOM:
	case PRODUCER_QUEUED:
	case PRODUCER_REFUSED:
	case PRODUCER_UNDELIVERED:
	case CONSUMER_LOST:
		break;
	}
}

/* ---- for its owner ---- */

uint64_t sim_records_read(const struct sim_node *node)
{
	uint64_t read = 0;

	for (size_t i = 0; node->flow && i < node->flow->reading.count; i++)
		read += ((const struct reading *)node->flow->reading.slot[i].value)->read;
	return read;
}

uint64_t sim_records_written(const struct sim_node *node)
{
	return node->flow ? node->flow->written : 0;
}

size_t sim_ends_verified(const struct sim_node *node)
{
	size_t ends = 0;

	for (size_t i = 0; node->flow && i < node->flow->reading.count; i++)
		ends += ((const struct reading *)node->flow->reading.slot[i].value)->ends;
	return ends;
}

void sim_flow_free(struct sim *sim, struct sim_node *node)
{
	struct sim_flow *flow = node->flow;

	if (!flow)
		return;
	node->flow = NULL;
	sim_cancel(sim, &flow->write);
	LIST_EACH_SAFE(place, after, &flow->chewing) {
		struct chewing *chewing = LIST_OF(place, struct chewing, place);

		sim_cancel(sim, &chewing->done);
		memory_free(chewing);
	}
	for (size_t i = 0; i < flow->reading.count; i++)
		memory_free(flow->reading.slot[i].value);
	id_table_fini(&flow->reading);
	buffer_fini(&flow->criteria);
	memory_free(flow);
}
