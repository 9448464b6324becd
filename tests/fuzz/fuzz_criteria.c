/*
 * fuzz_criteria.c - criteria that anybody sends, applied to records that anybody writes.
 *
 * The first byte is the length of the criteria, then they stand, and the rest is the record. Apart from the raw bytes the
 * rest is looked at as JSON with two paths and values taken from it, so that no input has to guess the encoding.
 */
#include "base/check.h"
#include "base/memory.h"
#include "streams/criteria.h"
#include "streams/json_field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was encoded is read back, and asks the same. */
static void round_trip(struct bytes path, struct bytes value, struct bytes record)
{
	struct criterion criterion = {CRITERION_FIELD, path, value};
	struct criteria *criteria = NULL;
	struct buffer encoded = {0};

	if (path.size > 0 && criteria_encode(&criterion, 1, &encoded) == OK) {
		enum error error = criteria_new(buffer_bytes(&encoded), &criteria);

		ASSERT(error == OK);
		ASSERT(criteria_match(criteria, record) == json_field_equals(record, path, value));
		criteria_free(criteria);
	}
	buffer_fini(&encoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct criteria *criteria = NULL;
	struct bytes record;
	uint8_t *copy;
	size_t first;

	if (size < 1)
		return 0;
	first = data[0] < size - 1 ? data[0] : size - 1;
	/* Of its own size, so that a sanitizer sees a byte too far. */
	copy = memory_copy(data + 1 + first, size - 1 - first);
	record = bytes_of(copy, size - 1 - first);
	if (criteria_new(bytes_of(data + 1, first), &criteria) == OK)
		criteria_match(criteria, record);
	criteria_free(criteria);
	round_trip(bytes_of(data + 1, first / 2), bytes_of(data + 1 + first / 2, first - first / 2), record);
	memory_free(copy);
	return 0;
}
