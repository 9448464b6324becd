/* pack_test.c - messages on their way: what is shared is left out, and comes back byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "tests/sim/sim.h"

#define NODES 300

struct world {
	struct entry_pool *pool;
	struct sim_ids ids;
	struct entry *entry[NODES];
};

static void world_init(struct world *world)
{
	*world = (struct world){.pool = entry_pool_new()};
	for (size_t i = 0; i < NODES; i++) {
		struct keypair pair = {.seed = {(uint8_t)i, (uint8_t)(i >> 8)}};

		sim_crypto.derive(&pair);
		world->entry[i] = entry_sign(&(struct card){.peer = pair.public_key}, &pair, &sim_crypto);
		entry_pool_add(world->pool, world->entry[i]);
		sim_ids_add(&world->ids, &pair.public_key);
	}
}

static void world_fini(struct world *world)
{
	for (size_t i = 0; i < NODES; i++)
		entry_drop(world->entry[i]);
	entry_pool_free(world->pool);
	sim_ids_fini(&world->ids);
}

static void put_string(struct buffer *message, struct bytes string)
{
	uint8_t head[] = {0x59, (uint8_t)(string.size >> 8), (uint8_t)string.size};

	if (string.size < 256)
		buffer_append(message, bytes_of((uint8_t[]){0x58, (uint8_t)string.size}, 2));
	else
		buffer_append(message, bytes_of(head, sizeof(head)));
	buffer_append(message, string);
}

/* Packed, in so many bytes of memory at most, and opened again. */
static void assert_packed(const struct world *world, struct buffer *message, size_t most)
{
	struct blob *blob = blob_copy(bytes_of(message->data, message->size)), *again;
	struct sim_pack *pack = sim_pack_new(world->pool, &world->ids, blob);

	assert_non_null(pack);
	assert_true(sim_pack_size(pack) <= most);
	again = sim_pack_open(&world->ids, pack);
	assert_int_equal(blob_size(again), blob_size(blob));
	assert_memory_equal(blob_bytes(again).data, blob_bytes(blob).data, blob_size(blob));
	blob_drop(blob);
	blob_drop(again);
	buffer_fini(message);
}

static void ids_and_entries_are_left_out(void **state)
{
	struct buffer ids = {0}, entries = {0};
	struct world world;

	(void)state;
	world_init(&world);
	for (size_t i = 0; i < NODES; i++) {
		put_string(&ids, bytes_of(world.entry[i]->card.peer.byte, sizeof(struct id)));
		buffer_append(&entries, bytes_of((uint8_t[]){0x82}, 1));
		put_string(&entries, blob_bytes(world.entry[i]->signed_bytes));
	}
	assert_packed(&world, &ids, NODES * 8 + 100);
	assert_packed(&world, &entries, NODES * 20 + 100);
	world_fini(&world);
}

/* Heads without their strings, ids of nobody, cut in the middle. */
static void what_only_looks_like_them_stays(void **state)
{
	struct buffer message = {0};
	struct world world;

	(void)state;
	world_init(&world);
	for (size_t i = 0; i < NODES; i++) {
		struct id nobody = world.entry[i]->card.peer;

		buffer_append(&message, bytes_of((uint8_t[]){0x58, 32, 0x59, 1, 0x58}, 5));
		nobody.byte[31] ^= 1;
		put_string(&message, bytes_of(nobody.byte, sizeof(nobody)));
		put_string(&message, bytes_of(world.entry[i]->card.peer.byte, sizeof(nobody)));
	}
	buffer_append(&message, bytes_of((uint8_t[]){0x58, 32}, 2));
	buffer_append(&message, bytes_of(world.entry[0]->card.peer.byte, 31));
	assert_packed(&world, &message, 2 * message.size);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_and_entries_are_left_out),
		cmocka_unit_test(what_only_looks_like_them_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
