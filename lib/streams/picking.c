/*
 * picking.c - see picking.h. Once a record for every subscriber that has criteria, so it allocates nothing once its buffers
 * have grown.
 */
#include "streams/picking.h"

#include "base/check.h"
#include "streams/records.h"

#include <string.h>

void picking_fini(struct picking *picking)
{
	buffer_fini(&picking->bits);
	buffer_fini(&picking->records);
	picking->count = 0;
}

static void start(struct picking *picking, uint64_t span)
{
	size_t size = (size_t)((span + 7) / 8);

	buffer_clear(&picking->bits);
	buffer_clear(&picking->records);
	picking->count = 0;
	memset(buffer_extend(&picking->bits, size), 0, size);
}

/* `from` is where record n begins, with its head; `rest` is what follows it. */
static void take(struct picking *picking, uint64_t n, const uint8_t *from, struct bytes rest)
{
	picking->bits.data[n / 8] |= (uint8_t)(1u << n % 8);
	picking->count++;
	buffer_append(&picking->records, bytes_of(from, (size_t)(rest.data - from)));
}

void picking_by_criteria(struct picking *picking, const struct criteria *criteria, struct bytes records, uint64_t span)
{
	const uint8_t *from = records.data;
	struct bytes record;

	start(picking, span);
	for (uint64_t n = 0; records_next(&records, &record); n++, from = records.data) {
		ASSERT(n < span);
		if (criteria_match(criteria, record))
			take(picking, n, from, records);
	}
}

void picking_the_rest(struct picking *picking, struct bytes taken, struct bytes records, uint64_t span)
{
	const uint8_t *from = records.data;
	struct bytes record;

	start(picking, span);
	for (uint64_t n = 0; records_next(&records, &record); n++, from = records.data) {
		ASSERT(n < span);
		if (!picking_bit(taken, n))
			take(picking, n, from, records);
	}
}
