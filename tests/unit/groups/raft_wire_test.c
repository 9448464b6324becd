/*
 * raft_wire_test.c - every message goes through bytes and back; what is not one is refused.
 */
#include "lone.h"

static struct raft_message sample(enum raft_message_kind kind)
{
	return (struct raft_message){.kind = kind, .lineage = id_hash(bytes_of_text("l")), .from = 3, .to = 4, .term = 70000,
		.last_index = 5, .last_term = 6, .transfer = true, .granted = true, .prev_index = 7, .prev_term = 8,
		.prev_chain = {{9, 9}}, .commit = 10, .match = 11, .index = 12, .index_term = 13, .round = UINT64_MAX,
		.id = UINT64_MAX - 1};
}

static void every_kind_comes_back(void **state)
{
	(void)state;
	for (int kind = RAFT_PREVOTE; kind < RAFT_KINDS; kind++) {
		struct raft_message message = sample((enum raft_message_kind)kind), back;
		struct blob *blob = raft_wire_encode(&message), *again;

		assert_int_equal(raft_wire_decode(blob_bytes(blob), &back), OK);
		assert_int_equal(back.kind, kind);
		assert_true(id_equal(&back.lineage, &message.lineage));
		assert_true(back.from == 3 && back.to == 4 && back.term == 70000);
		again = raft_wire_encode(&back);
		assert_true(bytes_equal(blob_bytes(blob), blob_bytes(again)));
		for (size_t cut = 0; cut < blob_size(blob); cut++)
			assert_int_equal(raft_wire_decode(bytes_of(blob_bytes(blob).data, cut), &back), ERROR_MALFORMED);
		blob_drop(blob);
		blob_drop(again);
	}
}

static enum error decode_entries(uint64_t prev, const struct log_entry *entry, uint32_t count)
{
	struct raft_message message = sample(RAFT_APPEND), back;
	struct blob *blob;
	enum error error;

	message.prev_index = prev;
	message.prev_term = prev == 0 ? 0 : 8;
	message.entry = entry;
	message.count = count;
	blob = raft_wire_encode(&message);
	error = raft_wire_decode(blob_bytes(blob), &back);
	if (error == OK)
		assert_int_equal(back.count, count);
	blob_drop(blob);
	return error;
}

static void entries_come_back(void **state)
{
	struct log_entry entry[] = {lone_entry(8, ""), lone_entry(9, "a"), lone_entry(70000, "bc")};
	struct raft_message message = sample(RAFT_APPEND), back;
	struct blob *blob;

	(void)state;
	message.entry = entry;
	message.count = 3;
	blob = raft_wire_encode(&message);
	assert_int_equal(raft_wire_decode(blob_bytes(blob), &back), OK);
	assert_int_equal(back.count, 3);
	for (size_t i = 0; i < 3; i++) {
		struct raft_wire_entry read = raft_wire_next(&back.walk);

		assert_int_equal(read.term, entry[i].head.term);
		assert_int_equal(read.kind, entry[i].head.kind);
		assert_int_equal(read.commands, entry[i].head.commands);
		assert_true(bytes_equal(read.payload, blob_bytes(entry[i].payload)));
		blob_drop(entry[i].payload);
	}
	blob_drop(blob);
}

static void entries_that_no_leader_makes_are_refused(void **state)
{
	struct log_entry good = lone_entry(8, "a"), entry[2];

	(void)state;
	entry[0] = entry[1] = good;
	assert_int_equal(decode_entries(7, entry, 2), OK);
	entry[0].head.term = 7;                      /* falls below what is before it */
	assert_int_equal(decode_entries(7, entry, 2), ERROR_MALFORMED);
	entry[0] = good;
	entry[1].head.term = 70001;                  /* of a term that has not begun */
	assert_int_equal(decode_entries(7, entry, 2), ERROR_MALFORMED);
	entry[1] = good;
	entry[1].head.kind = ENTRY_GENESIS;          /* not the first of all */
	assert_int_equal(decode_entries(7, entry, 2), ERROR_MALFORMED);
	entry[1].head.kind = ENTRY_CONFIGURATION;    /* not one */
	entry[1].head.commands = 0;
	assert_int_equal(decode_entries(7, entry, 2), ERROR_MALFORMED);
	entry[1].head.kind = ENTRY_KINDS;
	assert_int_equal(decode_entries(7, entry, 2), ERROR_MALFORMED);
	entry[1].head.kind = ENTRY_NOOP;
	assert_int_equal(decode_entries(7, entry, 2), OK);
	entry[1].head.commands = 1;                  /* users' commands in an entry that is not theirs */
	assert_int_equal(decode_entries(7, entry, 2), ERROR_MALFORMED);
	assert_int_equal(decode_entries(0, entry, 1), ERROR_MALFORMED);   /* a beginning without GENESIS */
	blob_drop(good.payload);
}

static void numbers_have_bounds(void **state)
{
	struct raft_message message = sample(RAFT_COMMIT), back;
	struct blob *blob;

	(void)state;
	message.commit = RAFT_INDEX_MAX + 1;
	blob = raft_wire_encode(&message);
	assert_int_equal(raft_wire_decode(blob_bytes(blob), &back), ERROR_MALFORMED);
	blob_drop(blob);
	message.commit = RAFT_INDEX_MAX;
	message.term = UINT64_MAX;
	blob = raft_wire_encode(&message);
	assert_int_equal(raft_wire_decode(blob_bytes(blob), &back), ERROR_MALFORMED);
	blob_drop(blob);
	assert_int_equal(raft_wire_decode(bytes_of_text(""), &back), ERROR_MALFORMED);
	assert_int_equal(raft_wire_decode(bytes_of("\x81\x18\x40", 3), &back), ERROR_MALFORMED);   /* the group's kind */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_comes_back),
		cmocka_unit_test(entries_come_back),
		cmocka_unit_test(entries_that_no_leader_makes_are_refused),
		cmocka_unit_test(numbers_have_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
