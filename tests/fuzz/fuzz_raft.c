/*
 * fuzz_raft.c - the messages of raft, and a member among others that say anything at any time.
 *
 * The first byte chooses: even, the rest is one message for the decoder, which must come back from the encoder byte by
 * byte; odd, the rest is a list of steps. A step is a byte for its kind and what it needs; numbers in messages are chosen
 * near those that matter, since no input would guess them. After every step all invariants hold; what was committed,
 * and the term, never go back; what is refused as malformed moved neither.
 */
#include "base/check.h"
#include "groups/raft.h"
#include "groups/raft_wire.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PEERS 5
#define ENTRIES_MAX 6
#define STEPS_MAX 2000

enum step_kind {
	STEP_MESSAGE, STEP_BYTES, STEP_TICK, STEP_PERSISTED, STEP_PROPOSE, STEP_READ, STEP_UP, STEP_DOWN, STEP_COMPACT,
	STEP_INSTALL, STEP_TRANSFER, STEP_LEAVE, STEP_PREFERENCE, STEP_DEAD, STEP_GRANT, STEP_KINDS
};

struct world {
	struct bytes input;
	struct raft *raft;
	msec now;
	struct id lineage;
	bool pending;
	uint64_t token;
	uint64_t ticket;
	uint64_t open_reads;
	uint64_t commit;
	uint64_t term;
	uint64_t round;              /* the newest of its own that it told */
	uint64_t read_id;
	uint64_t snapshot;           /* index of the newest, */
	uint64_t snapshot_term;
	bool stopped;
};

static uint8_t take(struct world *world)
{
	if (world->input.size == 0)
		return 0;
	world->input.size--;
	return *world->input.data++;
}

static struct member member_of(uint8_t byte)
{
	struct member member = {.incarnation = 1 + (byte >> 4) % 3};

	member.peer.byte[0] = (uint8_t)(1 + byte % PEERS);
	return member;
}

/* Ourselves are peer 1 in life 1; the others are 2 and later. */
static struct member other_of(uint8_t byte)
{
	struct member member = member_of(byte);

	member.peer.byte[0] = (uint8_t)(2 + byte % (PEERS - 1));
	return member;
}

static void drain(struct world *world)
{
	struct raft_output output;

	while (raft_next(world->raft, &output)) {
		struct raft_message message;

		if (output.kind == RAFT_SEND) {
			enum error error = raft_wire_decode(blob_bytes(output.payload), &message);

			ASSERT(error == OK);   /* we say nothing that we would refuse */
			ASSERT(blob_size(output.payload) <= FRAME_GROUPS_MAX);
			if (message.kind == RAFT_HEARTBEAT && message.round > world->round)
				world->round = message.round;
			if (message.kind == RAFT_READ)
				world->read_id = message.id;
			blob_drop(output.payload);
		} else if (output.kind == RAFT_PERSIST) {
			ASSERT(!world->pending);
			world->pending = true;
			world->token = output.persist->token;
			persist_free(output.persist);
		} else if (output.kind == RAFT_READABLE || output.kind == RAFT_READ_FAILED) {
			ASSERT(world->open_reads > 0);
			world->open_reads--;
		} else if (output.kind == RAFT_COMMITTED) {
			ASSERT(output.index <= raft_last(world->raft));
		} else if (output.kind == RAFT_REGRESSED || output.kind == RAFT_DIVERGED || output.kind == RAFT_HALTED) {
			world->stopped = true;
		}
	}
}

static void check(struct world *world)
{
	raft_check(world->raft);
	ASSERT(raft_commit(world->raft) >= world->commit && raft_term(world->raft) >= world->term);
	world->commit = raft_commit(world->raft);
	world->term = raft_term(world->raft);
}

static uint64_t near(uint8_t byte, uint64_t number)
{
	uint64_t offset = byte % 16;

	if (byte >= 240)
		return (uint64_t)byte << 40;
	return number + offset >= 8 ? number + offset - 8 : 0;
}

static uint64_t some_index(struct world *world)
{
	uint8_t byte = take(world);

	return near(byte, byte & 0x40 ? raft_last(world->raft) : raft_commit(world->raft));
}

static uint64_t some_term(struct world *world)
{
	return near(take(world), raft_term(world->raft));
}

/* Of what is held; of the entry before the first: of the snapshot that took its place, or 0. */
static uint64_t term_at(const struct world *world, uint64_t index)
{
	const struct log_entry *entry = raft_entry(world->raft, index);

	if (entry)
		return entry->head.term;
	return index == world->snapshot ? world->snapshot_term : 0;
}

static struct configuration some_configuration(struct world *world)
{
	struct configuration configuration = {0};
	uint8_t in = take(world), out = take(world);

	for (uint8_t i = 0; i < PEERS; i++) {
		struct member member = member_of(i);

		if (in >> i & 1)
			configuration.incoming.member[configuration.incoming.count++] = member;
		if ((out >> i & 1) && out >= 128)
			configuration.outgoing.member[configuration.outgoing.count++] = member;
	}
	if (configuration.incoming.count == 0)
		configuration.incoming.member[configuration.incoming.count++] = member_of(0);
	return configuration;
}

static void some_entry(struct world *world, uint64_t term, struct log_entry *entry)
{
	struct configuration configuration;
	struct buffer payload = {0};
	uint8_t byte = take(world);

	entry->head = (struct entry_head){.term = term + (byte >> 6 == 3), .kind = byte % ENTRY_KINDS};
	if (entry->head.kind == ENTRY_GENESIS || entry->head.kind == ENTRY_CONFIGURATION) {
		configuration = some_configuration(world);
		configuration_encode(&configuration, &payload);
	} else {
		entry->head.commands = entry->head.kind == ENTRY_COMMANDS ? byte >> 4 & 3 : 0;
		memset(buffer_extend(&payload, byte), byte, byte);
	}
	entry->payload = blob_copy(buffer_bytes(&payload));
	buffer_fini(&payload);
}

static void fill_append(struct world *world, struct raft_message *message, struct log_entry *entry)
{
	uint64_t term;

	/* Mostly at a place that exists, with its true term and chain: only there does anything happen. */
	if (take(world) < 224 && raft_chain(world->raft, message->prev_index, &message->prev_chain))
		message->prev_term = term_at(world, message->prev_index);
	message->count = take(world) % ENTRIES_MAX;
	message->entry = entry;
	term = take(world) & 1 ? message->term : message->prev_term;
	for (uint32_t i = 0; i < message->count; i++) {
		some_entry(world, term, &entry[i]);
		term = entry[i].head.term;
	}
}

static void receive(struct world *world, const struct member *from, struct bytes bytes)
{
	uint64_t commit = raft_commit(world->raft), term = raft_term(world->raft), last = raft_last(world->raft);

	if (raft_receive(world->raft, world->now, from, bytes) != OK) {
		ASSERT(raft_commit(world->raft) == commit && raft_last(world->raft) == last);
		ASSERT(raft_term(world->raft) >= term);
	}
}

static void step_message(struct world *world)
{
	struct log_entry entry[ENTRIES_MAX];
	struct member from = other_of(take(world));
	struct raft_message message = {
		.kind = (enum raft_message_kind)(1 + take(world) % (RAFT_KINDS - 1)),
		.lineage = world->lineage,
		.from = from.incarnation,
		.to = 1,
	};
	struct blob *blob;

	message.term = some_term(world);
	message.last_index = message.prev_index = some_index(world);
	message.last_term = message.prev_term = message.index_term = some_term(world);
	message.commit = message.match = some_index(world);
	message.index = some_index(world);
	message.round = message.id = near(take(world), world->round);
	message.granted = take(world) & 1;
	message.transfer = message.granted;
	if (message.kind == RAFT_READ_REPLY)
		message.id = world->read_id;
	if (message.kind == RAFT_APPEND)
		fill_append(world, &message, entry);
	blob = raft_wire_encode(&message);
	receive(world, &from, blob_bytes(blob));
	blob_drop(blob);
	for (uint32_t i = 0; i < message.count; i++)
		blob_drop(entry[i].payload);
}

static void step_bytes(struct world *world)
{
	struct member from = other_of(take(world));
	size_t size = take(world);
	struct bytes bytes = {world->input.data, size < world->input.size ? size : world->input.size};

	world->input.data += bytes.size;
	world->input.size -= bytes.size;
	receive(world, &from, bytes);
}

/* Everybody votes as asked. */
static void step_grant(struct world *world)
{
	for (uint8_t i = 0; i < PEERS - 1; i++) {
		struct member from = other_of(i);
		bool pre = raft_role(world->raft) == RAFT_PRE_CANDIDATE;
		struct raft_message message = {.kind = pre ? RAFT_PREVOTE_REPLY : RAFT_VOTE_REPLY, .lineage = world->lineage,
			.from = from.incarnation, .to = 1, .term = raft_term(world->raft) + pre, .granted = true};
		struct blob *blob = raft_wire_encode(&message);

		receive(world, &from, blob_bytes(blob));
		blob_drop(blob);
	}
}

static void step_compact(struct world *world)
{
	struct raft *raft = world->raft;
	uint64_t index = raft_commit(raft);
	const struct log_entry *entry = raft_entry(raft, index);
	struct snapshot_meta meta = {.index = index};
	uint64_t behind = take(world) % 8;

	if (!entry || index <= world->snapshot || world->stopped)
		return;
	raft_applied(raft, index);
	meta.term = entry->head.term;
	meta.chain = entry->head.chain;
	meta.position = entry->head.position + entry->head.commands;
	meta.configuration = *raft_configuration(raft, index, &meta.configuration_index);
	if (meta.configuration.incoming.count == 0)
		return;
	raft_compact(raft, &meta, index + 1 > behind ? index + 1 - behind : 1);
	world->snapshot = index;
	world->snapshot_term = meta.term;
}

static void step_install(struct world *world)
{
	struct snapshot_meta meta = {.index = some_index(world), .term = some_term(world)};

	meta.configuration = some_configuration(world);
	meta.chain.byte[0] = take(world);
	meta.position = meta.index;
	meta.configuration_index = meta.index > 3 ? meta.index - 3 : 1;
	/* The owner has verified it: its numbers are sound. */
	if (meta.index < 2 || meta.index >= RAFT_INDEX_MAX / 2 || meta.term == 0 || meta.term >= RAFT_INDEX_MAX / 2 ||
		meta.term < term_at(world, raft_commit(world->raft)))
		return;
	if (raft_install(world->raft, world->now, &meta)) {
		world->snapshot = meta.index;
		world->snapshot_term = meta.term;
	}
}

static void step_propose(struct world *world)
{
	uint8_t size = take(world);
	struct blob *blob = blob_new(0, size);
	uint64_t index;

	memset(blob->data, 0, size);
	blob->end = size;
	(void)!raft_propose(world->raft, world->now, &(struct proposal){
		.kind = ENTRY_COMMANDS, .commands = 1, .payload = blob}, &index);
}

static void step_peer(struct world *world, bool up)
{
	uint8_t byte = take(world);
	struct member member = other_of(byte);

	if (up)
		raft_peer_up(world->raft, world->now, &(struct raft_peer){
			member, (enum preference)(byte / 64 % 3), byte & 1});
	else
		raft_peer_down(world->raft, world->now, &member.peer, byte & 0x80);
}

static void step_verb(struct world *world, enum step_kind kind)
{
	struct member member = other_of(take(world));

	switch ((int)kind) {
	case STEP_READ:
		world->open_reads++;
		raft_read(world->raft, world->now, ++world->ticket);
		break;
	case STEP_TRANSFER:
		raft_transfer(world->raft, world->now, member.incarnation == 1 ? NULL : &member.peer);
		break;
	case STEP_LEAVE:
		raft_leave(world->raft, world->now);
		break;
	case STEP_PREFERENCE:
		raft_set_preference(world->raft, world->now, (enum preference)(member.incarnation - 1));
		break;
	default:
		ASSERT(kind == STEP_DEAD);
		if (member.incarnation == 1)
			raft_outlived(world->raft, world->now, &member);
		else
			raft_declare_dead(world->raft, world->now, &member);
	}
}

static void step_tick(struct world *world)
{
	world->now += take(world) * 10;
	raft_tick(world->raft, world->now);
	ASSERT(raft_deadline(world->raft) > world->now);
}

static void step(struct world *world)
{
	enum step_kind kind = (enum step_kind)(take(world) % STEP_KINDS);

	if (kind == STEP_MESSAGE) {
		step_message(world);
	} else if (kind == STEP_BYTES) {
		step_bytes(world);
	} else if (kind == STEP_TICK) {
		step_tick(world);
	} else if (kind == STEP_PERSISTED && world->pending) {
		world->pending = false;
		raft_persisted(world->raft, world->now, world->token, take(world) == 255 ? ERROR_SYSTEM : OK);
	} else if (kind == STEP_PROPOSE) {
		step_propose(world);
	} else if (kind == STEP_UP || kind == STEP_DOWN) {
		step_peer(world, kind == STEP_UP);
	} else if (kind == STEP_COMPACT) {
		step_compact(world);
	} else if (kind == STEP_INSTALL) {
		step_install(world);
	} else if (kind == STEP_GRANT) {
		step_grant(world);
	} else if (kind != STEP_PERSISTED) {
		step_verb(world, kind);
	}
}

static void live(struct bytes input)
{
	struct world world = {.input = input, .now = 1000, .lineage = {{7}}};
	struct configuration first = {.incoming = {.count = 3}};
	struct raft_options options = {.self = member_of(0), .timing = raft_timing_default, .seed = 3};

	world.raft = raft_new(&options, NULL, world.now);
	for (uint8_t i = 0; i < 3; i++)
		first.incoming.member[i] = member_of(i);
	for (uint8_t i = 0; i < PEERS - 1; i++)
		raft_peer_up(world.raft, world.now, &(struct raft_peer){other_of(i), PREFER_NORMAL, false});
	if (take(&world) & 1)
		raft_begin(world.raft, world.now, &world.lineage, &first);
	else
		raft_adopt(world.raft, world.now, &world.lineage);
	for (size_t i = 0; i < STEPS_MAX && world.input.size > 0; i++) {
		step(&world);
		check(&world);
		drain(&world);
		check(&world);
	}
	raft_free(world.raft);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = {data, size};

	if (size == 0)
		return 0;
	input.data++;
	input.size--;
	if (data[0] & 1) {
		live(input);
	} else {
		struct raft_message message;
		struct log_entry entry[16] = {0};
		struct blob *blob;

		if (raft_wire_decode(input, &message) != OK || message.count > 16)
			return 0;
		for (uint32_t i = 0; i < message.count; i++) {
			struct raft_wire_entry read = raft_wire_next(&message.walk);

			entry[i].head = (struct entry_head){.term = read.term, .kind = read.kind, .commands = read.commands};
			entry[i].payload = blob_copy(read.payload);
		}
		message.entry = entry;
		blob = raft_wire_encode(&message);
		ASSERT(bytes_equal(blob_bytes(blob), input));
		blob_drop(blob);
		for (uint32_t i = 0; i < message.count; i++)
			blob_drop(entry[i].payload);
	}
	return 0;
}
