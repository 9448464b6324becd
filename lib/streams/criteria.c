/*
 * criteria.c - see criteria.h. Conditions point into one copy of the encoded bytes.
 */
#include "streams/criteria.h"

#include "base/check.h"
#include "base/memory.h"
#include "streams/json_field.h"
#include "wire/cbor.h"

#include <string.h>

struct criteria {
	size_t count;
	struct criterion criterion[CRITERIA_MAX];
	uint8_t encoded[];
};

enum error criteria_encode(const struct criterion *criterion, size_t count, struct buffer *out)
{
	size_t before = out->size;

	ASSERT(count > 0 && count <= CRITERIA_MAX);
	cbor_put_array(out, count);
	for (size_t i = 0; i < count; i++) {
		bool has_path = criterion[i].kind == CRITERION_FIELD;

		cbor_put_array(out, has_path ? 3 : 2);
		cbor_put_uint(out, criterion[i].kind);
		if (has_path)
			cbor_put_bytes(out, criterion[i].path);
		cbor_put_bytes(out, criterion[i].value);
	}
	return out->size - before <= CRITERIA_SIZE_MAX ? OK : ERROR_FULL;
}

static void decode_one(struct cbor *in, struct criterion *criterion)
{
	size_t fields = cbor_array(in, 3);
	uint64_t kind = cbor_uint(in);

	if (kind == CRITERION_PREFIX && fields == 2) {
		criterion->kind = CRITERION_PREFIX;
	} else if (kind == CRITERION_FIELD && fields == 3) {
		criterion->kind = CRITERION_FIELD;
		criterion->path = cbor_bytes(in);
		if (criterion->path.size == 0)
			cbor_fail(in);
	} else {
		cbor_fail(in);
	}
	criterion->value = cbor_bytes(in);
}

enum error criteria_new(struct bytes encoded, struct criteria **out)
{
	struct criteria *criteria;
	struct cbor in;

	if (encoded.size == 0 || encoded.size > CRITERIA_SIZE_MAX)
		return ERROR_MALFORMED;
	criteria = memory_new(sizeof(*criteria) + encoded.size);
	memcpy(criteria->encoded, encoded.data, encoded.size);
	cbor_init(&in, bytes_of(criteria->encoded, encoded.size));
	criteria->count = cbor_array(&in, CRITERIA_MAX);
	for (size_t i = 0; i < criteria->count; i++)
		decode_one(&in, &criteria->criterion[i]);
	if (cbor_end(&in) != OK || criteria->count == 0) {
		memory_free(criteria);
		return ERROR_MALFORMED;
	}
	*out = criteria;
	return OK;
}

void criteria_free(struct criteria *criteria)
{
	memory_free(criteria);
}

static bool matches(const struct criterion *criterion, struct bytes record)
{
	if (criterion->kind == CRITERION_FIELD)
		return json_field_equals(record, criterion->path, criterion->value);
	return record.size >= criterion->value.size &&
		(criterion->value.size == 0 || memcmp(record.data, criterion->value.data, criterion->value.size) == 0);
}

bool criteria_match(const struct criteria *criteria, struct bytes record)
{
	ASSERT(criteria->count > 0 && criteria->count <= CRITERIA_MAX);
	for (size_t i = 0; i < criteria->count; i++)
		if (!matches(&criteria->criterion[i], record))
			return false;
	return true;
}
