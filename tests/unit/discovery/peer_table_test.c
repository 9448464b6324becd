/*
 * peer_table_test.c - order, ties of the first bits, ids that are not spread evenly; and entries that are shared.
 */
#include "discovery/peer_table.h"

#include "base/memory.h"
#include "base/rng.h"
#include "discovery/catalog.h"
#include "fake.h"

#define MANY 3000

static struct entry *entry_of(const struct id *id)
{
	return entry_unsigned(&(struct card){.peer = *id});
}

static void assert_order(const struct peer_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		assert_ptr_equal(peer_table_get(table, peer_table_id(table, i)), peer_table_at(table, i));
		assert_int_equal(peer_table_lower(table, peer_table_id(table, i)), i);
		if (i > 0)
			assert_true(id_compare(peer_table_id(table, i - 1), peer_table_id(table, i)) < 0);
	}
}

/* Ids as `draw` makes them: all are found, in order, until the last one is gone. */
static void fill_and_empty(struct id (*draw)(struct rng *rng, unsigned number))
{
	struct peer_table table = {0};
	struct catalog_peer *peer, *first = NULL;
	struct id first_id;
	struct rng rng;

	rng_init(&rng, 1);
	for (unsigned i = 0; i < MANY; i++) {
		struct id id = draw(&rng, i);

		first_id = i == 0 ? id : first_id;
		assert_null(peer_table_get(&table, &id));
		assert_null(peer_table_remove(&table, &id));
		peer = peer_table_add(&table, entry_of(&id));
		assert_int_equal(peer->before, 0);
		peer->before = 1;
		first = i == 0 ? peer : first;
	}
	assert_true(id_equal(&first->entry->card.peer, &first_id));   /* they do not move */
	assert_int_equal(table.count, MANY);
	assert_order(&table);
	while (table.count > 0) {
		struct id id = *peer_table_id(&table, (size_t)rng_below(&rng, table.count));

		entry_drop(peer_table_remove(&table, &id));
		assert_null(peer_table_get(&table, &id));
		if (table.count % 500 == 0)
			assert_order(&table);
	}
	peer_table_fini(&table);
}

static struct id spread(struct rng *rng, unsigned number)
{
	struct id id = {{0}};

	bytes_put_be64(id.byte, rng_next(rng));
	bytes_put_be32(id.byte + 8, number);
	return id;
}

static struct id tied(struct rng *rng, unsigned number)
{
	struct id id = {{7, 7, 7, 7}};

	bytes_put_be32(id.byte + 8, (uint32_t)rng_next(rng));
	bytes_put_be32(id.byte + 12, number);
	return id;
}

/* All at one end: the place is nowhere near where an even spread has it. */
static struct id crowded(struct rng *rng, unsigned number)
{
	struct id id = {{0}};

	bytes_put_be32(id.byte, number * 3);
	bytes_put_be64(id.byte + 8, rng_next(rng));
	return id;
}

static void peers_are_found_in_order(void **state)
{
	(void)state;
	fill_and_empty(spread);
	fill_and_empty(tied);
	fill_and_empty(crowded);
}

/* Who comes takes the place of who left: a catalog does not grow with those it has known. */
static void places_are_taken_again(void **state)
{
	struct peer_table table = {0};
	struct rng rng;

	(void)state;
	rng_init(&rng, 1);
	for (unsigned i = 0; i < MANY; i++) {
		struct id id = spread(&rng, i);

		peer_table_add(&table, entry_of(&id))->before = i;
		if (table.count <= 10)
			continue;
		id = *peer_table_id(&table, (size_t)rng_below(&rng, table.count));
		entry_drop(peer_table_remove(&table, &id));
	}
	assert_order(&table);
	assert_int_equal(table.count, 10);
	assert_int_equal(table.used, 11);
	for (size_t i = 0; i < table.count; i++)
		entry_drop(peer_table_at(&table, i)->entry);
	peer_table_fini(&table);
}

static void the_same_bytes_are_one_entry(void **state)
{
	struct entry_pool *pool = entry_pool_new();
	struct entry *kept = fake_entry(0, 1, 1), *entry;

	(void)state;
	entry_pool_add(pool, kept);
	assert_ptr_equal(entry_pool_find(pool, blob_bytes(kept->signed_bytes)), kept);
	assert_int_equal(kept->references, 2);
	entry_pool_add(pool, kept);
	assert_int_equal(kept->references, 2);
	/* Whom nobody else keeps makes room for others. */
	for (unsigned i = 1; i < MANY; i++) {
		entry = fake_entry(i, 1, 1);
		assert_null(entry_pool_find(pool, blob_bytes(entry->signed_bytes)));
		entry_pool_add(pool, entry);
		assert_ptr_equal(entry_pool_find(pool, blob_bytes(entry->signed_bytes)), entry);
		entry_drop(entry);
	}
	entry = fake_entry(1, 1, 1);
	assert_null(entry_pool_find(pool, blob_bytes(entry->signed_bytes)));
	entry_drop(entry);
	assert_ptr_equal(entry_pool_find(pool, blob_bytes(kept->signed_bytes)), kept);
	assert_null(entry_pool_find(NULL, blob_bytes(kept->signed_bytes)));
	entry_pool_add(NULL, kept);
	entry_pool_free(pool);
	assert_int_equal(kept->references, 1);
	entry_drop(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_are_found_in_order),
		cmocka_unit_test(places_are_taken_again),
		cmocka_unit_test(the_same_bytes_are_one_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
