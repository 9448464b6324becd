/*
 * collections_bench.c - what a replica of a map costs: a million entries of 100 bytes, put, put again, hashed every 1024
 * commands as a group does, and read out for a snapshot.
 *
 *     collections_bench [ENTRIES]
 *
 * Processor time, so that a busy machine disturbs little. Memory is that of the tree beyond keys and values.
 */
#include "base/memory.h"
#include "base/rng.h"
#include "collections/collection.h"
#include "collections/map_wire.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VALUE_SIZE 100
#define KEY_SIZE 12
#define HASH_EVERY 1024
#define CHUNK_SIZE (256u << 10)

static double seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

struct bench {
	struct state map;
	struct buffer commands;
	size_t size;                 /* of each */
	size_t count;
};

static void make_commands(struct bench *bench, bool in_order)
{
	uint8_t value[VALUE_SIZE];
	char key[KEY_SIZE + 1];
	struct rng rng;

	memset(value, 'v', sizeof value);
	rng_init(&rng, 1);
	buffer_clear(&bench->commands);
	for (size_t i = 0; i < bench->count; i++) {
		unsigned long number = in_order ? i : (unsigned long)rng_below(&rng, 100000000);

		snprintf(key, sizeof key, "key-%08lu", number);
		map_put(&bench->commands, bytes_of(key, KEY_SIZE), bytes_of(value, sizeof value));
	}
	bench->size = bench->commands.size / bench->count;
}

/* Returns commands a second. */
static double apply_all(struct bench *bench, bool hashes)
{
	struct buffer result = {0};
	double start = seconds();

	for (size_t i = 0; i < bench->count; i++) {
		struct state_moment moment = {.position = i + 1, .term = 1};

		buffer_clear(&result);
		bench->map.ops->apply(bench->map.self, &moment,
			bytes_of(bench->commands.data + i * bench->size, bench->size), &result, NULL);
		if (hashes && i % HASH_EVERY == 0)
			bench->map.ops->hash(bench->map.self);
	}
	buffer_fini(&result);
	return (double)bench->count / (seconds() - start);
}

/* Returns bytes a second; *entries: how many there are. */
static double read_out(struct bench *bench, uint64_t *entries)
{
	void *frozen = bench->map.ops->freeze(bench->map.self);
	struct buffer chunk = {0};
	double start = seconds(), bytes = 0;

	*entries = 0;
	while (bench->map.ops->items(frozen, entries, CHUNK_SIZE, &chunk)) {
		bytes += (double)chunk.size;
		buffer_clear(&chunk);
	}
	bench->map.ops->thaw(frozen);
	buffer_fini(&chunk);
	return bytes / (seconds() - start);
}

static void run(size_t count, bool in_order)
{
	struct collection_shape shape = {.kind = COLLECTION_MAP, .type = {[PART_KEY] = TYPE_STR, [PART_VALUE] = TYPE_BYTES}};
	struct bench bench = {.map = collection_new(&shape), .count = count};
	double puts, again, bytes;
	uint64_t entries;
	size_t before, after;

	make_commands(&bench, in_order);
	before = mallinfo2().uordblks;
	puts = apply_all(&bench, true);
	after = mallinfo2().uordblks;
	again = apply_all(&bench, false);
	bytes = read_out(&bench, &entries);
	printf("%-10s %9.0f puts/s hashed  %9.0f overwrites/s  %5.0f MB/s read out  %5.1f bytes an entry beyond its own\n",
		in_order ? "in order" : "at random", puts, again, bytes / 1e6,
		(double)(after - before) / (double)entries - KEY_SIZE - VALUE_SIZE);
	bench.map.ops->free(bench.map.self);
	buffer_fini(&bench.commands);
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;

	if (count == 0)
		return 64;
	run(count, true);
	run(count, false);
	return 0;
}
