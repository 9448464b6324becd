/*
 * Messages of the group layer: there and back, and nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "groups/group_wire.h"

static struct group_message full(enum group_message_kind kind)
{
	struct group_message message = {.kind = kind, .lineage = id_hash(bytes_of_text("lineage")), .what = 1, .index = 300,
		.number = 70000, .root = id_hash(bytes_of_text("root")), .bytes = bytes_of_text("bytes")};

	message.meta = (struct snapshot_meta){.index = 300, .term = 4, .position = 250, .chain = {{9}}, .chunks = 3,
		.configuration_index = 2, .root = id_hash(bytes_of_text("chunks"))};
	message.meta.configuration.incoming.count = 1;
	message.meta.configuration.incoming.member[0] = (struct member){id_hash(bytes_of_text("peer")), 77};
	return message;
}

static void every_kind_goes_there_and_back(void **unused)
{
	(void)unused;
	for (enum group_message_kind kind = MESSAGE_PROPOSE; kind < MESSAGE_END; kind++) {
		struct group_message message = full(kind), read;
		struct blob *encoded = group_wire_encode(&message), *again;

		assert_true(group_wire_is_ours(blob_bytes(encoded)));
		assert_int_equal(group_wire_decode(blob_bytes(encoded), &read), OK);
		assert_int_equal(read.kind, kind);
		assert_true(id_equal(&read.lineage, &message.lineage));
		again = group_wire_encode(&read);
		assert_true(bytes_equal(blob_bytes(encoded), blob_bytes(again)));
		for (size_t size = 0; size < blob_size(encoded); size++)
			assert_int_equal(group_wire_decode(bytes_of(encoded->data, size), &read), ERROR_MALFORMED);
		blob_drop(encoded);
		blob_drop(again);
	}
}

static void no_sense_is_refused(void **unused)
{
	struct group_message message = full(MESSAGE_OFFER), read;
	struct blob *encoded;

	(void)unused;
	message.meta.configuration_index = 301;   /* after the snapshot */
	encoded = group_wire_encode(&message);
	assert_int_equal(group_wire_decode(blob_bytes(encoded), &read), ERROR_MALFORMED);
	blob_drop(encoded);
	message = full(MESSAGE_REFUSED);
	message.lineage = (struct id){{0}};
	encoded = group_wire_encode(&message);
	assert_int_equal(group_wire_decode(blob_bytes(encoded), &read), ERROR_MALFORMED);
	blob_drop(encoded);
	assert_int_equal(group_wire_decode(bytes_of("\x81\x18\x63", 3), &read), ERROR_MALFORMED);
	assert_false(group_wire_is_ours(bytes_of("\x82\x01\x02", 3)));
	assert_false(group_wire_is_ours(bytes_of("\x82\x18\x3f", 3)));
	assert_false(group_wire_is_ours(bytes_of("\x82", 1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_goes_there_and_back),
		cmocka_unit_test(no_sense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
