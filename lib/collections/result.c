/*
 * result.c - see result.h.
 */
#include "collections/result.h"

#include "base/check.h"
#include "wire/cbor.h"

#define HEADS_MAX (4u + CBOR_HEAD_MAX)       /* both arrays, the outcome, the count; then a head a value */

const char *outcome_name(enum outcome outcome)
{
	static const char *const names[OUTCOMES] = {
		[OUTCOME_DONE] = "done",
		[OUTCOME_NOTHING] = "nothing",
		[OUTCOME_MISMATCH] = "mismatch",
		[OUTCOME_TYPE] = "type",
		[OUTCOME_RANGE] = "range",
		[OUTCOME_FULL] = "full",
		[OUTCOME_LARGE] = "large",
		[OUTCOME_MALFORMED] = "malformed",
	};

	ASSERT(outcome < OUTCOMES);
	return names[outcome];
}

bool outcome_is_refusal(enum outcome outcome)
{
	return outcome > OUTCOME_MISMATCH;
}

bool result_fits(const struct result *result, size_t most)
{
	size_t size = HEADS_MAX;

	ASSERT(result->values <= RESULT_VALUES_MAX);
	for (size_t i = 0; i < result->values; i++)
		size += CBOR_HEAD_MAX + result->value[i].size;
	return size <= most;
}

void result_put(struct buffer *out, const struct result *result, size_t most)
{
	bool left_out = result->left_out || !result_fits(result, most);

	ASSERT(result->outcome < OUTCOMES);
	cbor_put_array(out, 3);
	cbor_put_uint(out, result->outcome);
	cbor_put_uint(out, result->count);
	cbor_put_array(out, left_out ? 1 : result->values);
	if (left_out)
		cbor_put_null(out);
	for (size_t i = 0; i < result->values && !left_out; i++)
		cbor_put_bytes(out, result->value[i]);
}

enum error result_decode(struct bytes encoded, struct result *out)
{
	struct result result = {0};
	struct cbor in;
	uint64_t outcome;

	cbor_init(&in, encoded);
	cbor_array_of(&in, 3);
	outcome = cbor_uint(&in);
	result.count = cbor_uint(&in);
	result.values = cbor_array(&in, RESULT_VALUES_MAX);
	if (result.values == 1 && cbor_peek(&in) == CBOR_NULL) {
		cbor_null(&in);
		result.left_out = true;
		result.values = 0;
	}
	for (size_t i = 0; i < result.values; i++)
		result.value[i] = cbor_bytes(&in);
	if (cbor_end(&in) != OK || outcome >= OUTCOMES)
		return ERROR_MALFORMED;
	result.outcome = (enum outcome)outcome;
	*out = result;
	return OK;
}
