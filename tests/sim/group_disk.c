/*
 * group_disk.c - storage in simulated time; see persist.h for what is asked of it.
 *
 * Requests are carried out one after another, each after a time of its own; a crash carries out as many of those under
 * way as it likes, from the oldest on, and loses the rest.
 */
#include "tests/sim/group_sim.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "groups/genesis.h"

static void drop_chunks(struct blob ***chunk, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		blob_drop((*chunk)[i]);
	memory_free(*chunk);
	*chunk = NULL;
}

static void drop_staged(struct disk_staged *staged)
{
	drop_chunks(&staged->chunk, staged->chunks);
	*staged = (struct disk_staged){0};
}

/* Up to and including that index. */
static void drop_all_staged(struct disk *disk, uint64_t index)
{
	for (int i = 0; i < DISK_STAGED_MAX; i++)
		if (disk->staged[i].index > 0 && disk->staged[i].index <= index)
			drop_staged(&disk->staged[i]);
}

static void truncate_from(struct disk *disk, uint64_t index)
{
	while (disk->count > 0 && disk->entry[disk->count - 1].head.index >= index)
		blob_drop(disk->entry[--disk->count].payload);
}

static void forget_below(struct disk *disk, uint64_t first)
{
	size_t gone = 0;

	while (gone < disk->count && disk->entry[gone].head.index < first)
		blob_drop(disk->entry[gone++].payload);
	disk->count -= gone;
	if (disk->count > 0)
		memmove(disk->entry, disk->entry + gone, disk->count * sizeof(*disk->entry));
}

/* The chunks of a few snapshots; the oldest give way. */
static struct disk_staged *staged_at(struct disk *disk, uint64_t index)
{
	struct disk_staged *oldest = &disk->staged[0];

	for (int i = 0; i < DISK_STAGED_MAX; i++) {
		if (disk->staged[i].index == index)
			return &disk->staged[i];
		if (disk->staged[i].index < oldest->index)
			oldest = &disk->staged[i];
	}
	drop_staged(oldest);
	oldest->index = index;
	return oldest;
}

static void stage(struct disk *disk, const struct persist *persist)
{
	struct disk_staged *staged = staged_at(disk, persist->chunk_of);

	if (persist->chunk_number >= staged->chunks) {
		uint32_t chunks = persist->chunk_number + 1;

		staged->chunk = memory_resize(staged->chunk, chunks * sizeof(*staged->chunk));
		for (uint32_t i = staged->chunks; i < chunks; i++)
			staged->chunk[i] = NULL;
		staged->chunks = chunks;
	}
	blob_drop(staged->chunk[persist->chunk_number]);
	staged->chunk[persist->chunk_number] = blob_keep(persist->chunk);
}

static bool has_chunks(const struct disk_staged *staged, uint32_t chunks)
{
	if (staged->chunks < chunks)
		return false;
	for (uint32_t i = 0; i < chunks; i++)
		if (!staged->chunk[i])
			return false;
	return true;
}

static void take_meta(struct world *world, size_t place, const struct persist *persist)
{
	struct disk *disk = &world->place[place].disk;
	struct disk_staged *staged;

	if (persist->meta.index > 0 && persist->meta.index < disk->meta.index)
		world_fail(world, "I21: member %zu writes a snapshot at %" PRIu64 " over the one at %" PRIu64, place,
			persist->meta.index, disk->meta.index);
	drop_chunks(&disk->chunk, disk->meta.chunks);
	disk->meta = persist->meta;
	if (persist->meta.index == 0)
		return;
	staged = staged_at(disk, persist->meta.index);
	if (!has_chunks(staged, persist->meta.chunks)) {
		world_fail(world, "I21: member %zu completes a snapshot at %" PRIu64 " without its chunks", place,
			persist->meta.index);
		disk->meta.chunks = 0;
		return;
	}
	disk->chunk = memory_new((persist->meta.chunks + 1) * sizeof(*disk->chunk));
	for (uint32_t i = 0; i < persist->meta.chunks; i++)
		disk->chunk[i] = blob_keep(staged->chunk[i]);
	drop_all_staged(disk, persist->meta.index);
	world->saw[SAW_SNAPSHOT_TAKEN]++;
}

static void append(struct world *world, size_t place, const struct log_entry *entry)
{
	struct disk *disk = &world->place[place].disk;

	uint64_t last = disk->count > 0 ? disk->entry[disk->count - 1].head.index : disk->meta.index;

	if (disk->count > 0 ? entry->head.index != last + 1 : entry->head.index > last + 1) {
		world_fail(world, "member %zu writes entry %" PRIu64 " behind entry %" PRIu64, place, entry->head.index, last);
		return;
	}
	disk->entry = memory_grow(disk->entry, &disk->capacity, disk->count + 1, sizeof(*entry));
	disk->entry[disk->count++] = (struct log_entry){entry->head, blob_keep(entry->payload)};
}

static void carry_out(struct world *world, size_t place, const struct persist *persist)
{
	struct disk *disk = &world->place[place].disk;

	if (persist->has_hard) {
		disk->hard = persist->hard;
		disk->has_hard = true;
	}
	if (persist->truncate_from > 0)
		truncate_from(disk, persist->truncate_from);
	if (persist->chunk_of > 0)
		stage(disk, persist);
	if (persist->has_meta)
		take_meta(world, place, persist);
	if (persist->log_first > 0)
		forget_below(disk, persist->log_first);
	for (size_t i = 0; i < persist->count; i++)
		append(world, place, &persist->entry[i]);
	oracle_wrote(world->oracle, place, persist);
}

static usec duration(struct world *world)
{
	usec takes = 20 + world_exponential(&world->disks, world->calm ? 200 : world->options.disk_mean);

	if (!world->calm && rng_below(&world->disks, 1000) < world->options.disk_stall)
		takes += (usec)rng_below(&world->disks, 5000000);
	return takes;
}

void disk_accept(struct world *world, size_t place, struct persist *persist)
{
	struct place *member = &world->place[place];
	struct disk *disk = &member->disk;
	usec from = disk->requests > 0 ? disk->request[disk->requests - 1].done_at : 0;

	from = from > world->now ? from : world->now;   /* a paused member learns late that one is done */

	if (!world->options.durable[place])
		world_fail(world, "member %zu wants to write and has no storage", place);
	if (disk->requests > 0 && disk->request[disk->requests - 1].persist->token >= persist->token)
		world_fail(world, "member %zu: tokens that do not ascend", place);
	disk->request = memory_grow(disk->request, &disk->requests_capacity, disk->requests + 1, sizeof(*disk->request));
	disk->request[disk->requests++] = (struct disk_request){persist, from + duration(world)};
	world_push(world, (struct world_event){.at = disk->request[disk->requests - 1].done_at, .kind = EVENT_DISK,
		.place = (uint8_t)place, .life = member->life, .token = persist->token});
}

static void take_oldest(struct disk *disk)
{
	persist_free(disk->request[0].persist);
	memmove(disk->request, disk->request + 1, --disk->requests * sizeof(*disk->request));
}

void disk_done(struct world *world, size_t place, uint64_t token)
{
	struct place *member = &world->place[place];
	struct disk *disk = &member->disk;
	bool fails = disk->failing;

	ASSERT(disk->requests > 0 && disk->request[0].persist->token == token);
	if (!fails || rng_below(&world->disks, 2) == 0)
		carry_out(world, place, disk->request[0].persist);
	take_oldest(disk);
	if (fails) {
		world_say(world, "the disk of %zu fails", place);
		world->saw[SAW_DISK_FAILURE]++;
		member->expect_halt = true;
		disk->failing = false;
	}
	group_persisted(member->group, world_clock(world, place), token, fails ? ERROR_SYSTEM : OK);
	world_turn(world, place);
}

void disk_crash(struct world *world, size_t place)
{
	struct disk *disk = &world->place[place].disk;
	size_t kept = (size_t)rng_below(&world->disks, disk->requests + 1);

	world->saw[SAW_CRASH_INSIDE_PERSIST] += disk->requests > 0;
	world->saw[SAW_PERSIST_KEPT] += kept > 0;
	world->saw[SAW_PERSIST_LOST] += kept < disk->requests;
	for (size_t i = 0; i < kept; i++) {
		carry_out(world, place, disk->request[0].persist);
		take_oldest(disk);
	}
	while (disk->requests > 0)
		take_oldest(disk);
	drop_all_staged(disk, UINT64_MAX);
	disk->failing = false;
}

void disk_wipe(struct disk *disk)
{
	while (disk->requests > 0)
		take_oldest(disk);
	drop_all_staged(disk, UINT64_MAX);
	drop_chunks(&disk->chunk, disk->meta.chunks);
	truncate_from(disk, 0);
	disk->meta = (struct snapshot_meta){0};
	disk->hard = (struct hard_state){0};
	disk->has_hard = disk->failing = false;
}

void disk_fini(struct disk *disk)
{
	disk_wipe(disk);
	memory_free(disk->entry);
	memory_free(disk->request);
	*disk = (struct disk){0};
}

bool disk_image(const struct disk *disk, struct image *out)
{
	if (!disk->has_hard)
		return false;
	*out = (struct image){.hard = disk->hard, .meta = disk->meta, .count = disk->count};
	out->chunk = memory_new((disk->meta.chunks + 1) * sizeof(*out->chunk));
	for (uint32_t i = 0; i < disk->meta.chunks; i++)
		out->chunk[i] = blob_keep(disk->chunk[i]);
	out->entry = memory_new((disk->count + 1) * sizeof(*out->entry));
	for (size_t i = 0; i < disk->count; i++)
		out->entry[i] = (struct log_entry){disk->entry[i].head, blob_keep(disk->entry[i].payload)};
	return true;
}

struct id disk_promise(const struct disk *disk)
{
	if (!id_is_zero(&disk->hard.lineage) || disk->count != 1)
		return (struct id){{0}};
	return genesis_promise_lineage(blob_bytes(disk->entry[0].payload));
}

bool disk_is_bound(const struct disk *disk)
{
	struct id lineage = disk_promise(disk);

	return !id_is_zero(&lineage);
}

bool disk_entry(const struct disk *disk, uint64_t index, struct entry_head *out)
{
	uint64_t first = disk->count > 0 ? disk->entry[0].head.index : 0;

	if (first > 0 && index >= first && index < first + disk->count) {
		*out = disk->entry[index - first].head;
		return true;
	}
	if (index == 0 || index != disk->meta.index)
		return false;
	*out = (struct entry_head){.index = index, .term = disk->meta.term, .chain = disk->meta.chain};
	return true;
}
