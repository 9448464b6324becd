/*
 * routes.c - linear probing; a removal moves the rest of its run back, so that no tombstones gather.
 */
#include "net/routes.h"

#include "base/check.h"
#include "base/memory.h"

#include <string.h>

#define CAPACITY_FIRST 256

/* Multiply and fold, eight bytes a step, the secret mixed in before every multiplication. */
static size_t hash(const struct routes *routes, struct bytes key)
{
	uint64_t sum = routes->secret ^ key.size;

	for (size_t at = 0; at < key.size; at += 8) {
		uint64_t word = 0;
		memcpy(&word, key.data + at, key.size - at < 8 ? key.size - at : 8);
		sum = (sum ^ word) * UINT64_C(0x9E3779B97F4A7C15);
		sum ^= sum >> 32;
		sum = (sum + routes->secret) * UINT64_C(0xD6E8FEB86659FD93);
		sum ^= sum >> 29;
	}
	return (size_t)sum;
}

/* The key's place, or the free one where it would go. */
static struct route *find(const struct routes *routes, struct bytes key)
{
	for (size_t i = hash(routes, key);; i++) {
		struct route *route = &routes->route[i & (routes->capacity - 1)];
		if (!route->value || (route->key_size == key.size && memcmp(route->key, key.data, key.size) == 0))
			return route;
	}
}

static void grow(struct routes *routes)
{
	struct route *old = routes->route;
	size_t places = routes->capacity;

	routes->capacity = 2 * places;
	routes->route = memory_new(routes->capacity * sizeof *routes->route);
	for (size_t i = 0; i < places; i++)
		if (old[i].value)
			*find(routes, bytes_of(old[i].key, old[i].key_size)) = old[i];
	memory_free(old);
}

void routes_init(struct routes *routes, uint64_t secret)
{
	*routes = (struct routes){.capacity = CAPACITY_FIRST, .secret = secret};
	routes->route = memory_new(routes->capacity * sizeof *routes->route);
}

void routes_fini(struct routes *routes)
{
	memory_free(routes->route);
	*routes = (struct routes){0};
}

void *routes_get(const struct routes *routes, struct bytes key)
{
	return key.size <= ROUTE_KEY_MAX ? find(routes, key)->value : NULL;
}

void routes_put(struct routes *routes, struct bytes key, void *value)
{
	ASSERT(value && key.size <= ROUTE_KEY_MAX);
	if (2 * (routes->count + 1) > routes->capacity)
		grow(routes);
	struct route *route = find(routes, key);
	if (!route->value)
		routes->count++;
	route->value = value;
	route->key_size = (uint8_t)key.size;
	memcpy(route->key, key.data, key.size);
}

void routes_remove(struct routes *routes, struct bytes key, const void *value)
{
	struct route *route = find(routes, key);

	if (!route->value || route->value != value)
		return;
	route->value = NULL;
	routes->count--;
	for (size_t i = (size_t)(route - routes->route) + 1;; i++) {
		struct route *next = &routes->route[i & (routes->capacity - 1)];
		struct route moved = *next;
		if (!moved.value)
			return;
		next->value = NULL;
		*find(routes, bytes_of(moved.key, moved.key_size)) = moved;
	}
}
