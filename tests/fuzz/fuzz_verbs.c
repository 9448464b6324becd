/*
 * fuzz_verbs.c - what a member may answer to the verbs of the collections, lines that a load may read, and names under
 * which peers may list a store.
 *
 * Three bytes choose kind, verb and types, one more the form of the output; the rest is each of the three in turn.
 */
#include "base/check.h"
#include "cmd/common/values.h"
#include "cmd/common/verbs.h"

#include <string.h>

#define PAGES_MAX 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct verb *choose_verb(enum collection_kind kind, uint8_t choice)
{
	size_t count = 0;

	while (verb_list(kind, count))
		count++;
	return verb_list(kind, choice % count);
}

/* A verb whose every request gets these bytes for an answer. */
static void answer(const struct collection_shape *shape, const struct verb *verb, enum verb_form form, struct bytes bytes)
{
	char number[] = "1", range[] = "..", *operand[] = {number, number, number};
	struct verb_options options = {.from = "1", .to = "1", .form = form};
	struct verb_call call = {.shape = shape, .verb = verb, .options = &options, .operand = operand};
	struct buffer request = {0}, output = {0};

	call.count = strlen(verb->spec);
	if (verb->spec[0] == 'r')
		operand[0] = range;
	for (int i = 0; i < PAGES_MAX && verb_next(&call, &request); i++) {
		int status = verb_answer(&call, bytes, &output);

		ASSERT(status >= 0 && status < 128);
		ASSERT(status <= 1 || call.problem[0]);
		ASSERT(form != VERB_TEXT || output.size == 0 || output.data[output.size - 1] == '\n');
	}
	verb_fini(&call);
	buffer_fini(&request);
	buffer_fini(&output);
}

/* What could be read is written and read again to the same. */
static void read_line(const struct collection_shape *shape, struct bytes line)
{
	struct buffer part[PARTS] = {{0}}, again[PARTS] = {{0}}, written = {0};
	struct bytes parts[PARTS];

	if (values_read_entry(shape, line, part) == OK) {
		for (size_t i = 0; i < PARTS; i++)
			parts[i] = buffer_bytes(&part[i]);
		values_entry(shape, parts, &written);
		ASSERT(values_read_entry(shape, buffer_bytes(&written), again) == OK);
		for (size_t i = 0; i < PARTS; i++)
			ASSERT(bytes_equal(buffer_bytes(&again[i]), parts[i]));
	}
	for (size_t i = 0; i < PARTS; i++) {
		buffer_fini(&part[i]);
		buffer_fini(&again[i]);
	}
	buffer_fini(&written);
}

static void read_listed(struct bytes text)
{
	struct collection_shape shape, again;
	struct bytes name, name_again;
	struct buffer written = {0};

	if (values_read_listed(text, &shape, &name) != OK)
		return;
	values_listed(&shape, name, &written);
	ASSERT(values_read_listed(buffer_bytes(&written), &again, &name_again) == OK);
	ASSERT(bytes_equal(name, name_again) && shape.kind == again.kind && shape.capacity == again.capacity);
	buffer_fini(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct collection_shape shape = {0};
	struct bytes rest;

	if (size < 4)
		return 0;
	rest = bytes_of(data + 4, size - 4);
	shape.kind = (enum collection_kind)(data[0] % COLLECTION_KINDS);
	for (unsigned part = 0; part < PARTS; part++)
		shape.type[part] = (enum type)((data[2] + part * (data[2] / TYPES)) % TYPES);
	answer(&shape, choose_verb(shape.kind, data[1]), (enum verb_form)(data[3] % 3), rest);
	read_line(&shape, rest);
	read_listed(rest);
	return 0;
}
