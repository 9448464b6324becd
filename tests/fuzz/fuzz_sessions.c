/*
 * fuzz_sessions.c - the table of sessions as it stands in a snapshot, and entries COMMANDS.
 *
 * The first byte chooses. What is accepted is encoded again to the same bytes, and can be worked with.
 */
#include "base/check.h"
#include "groups/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct sessions *sessions)
{
	for (size_t i = 0; i < sessions->by_id.count; i++) {
		uint64_t id = sessions->by_id.slot[i].key, used = sessions_used(sessions, id);
		struct session_command command = {.session = id, .sequence = 1};
		struct bytes results;

		if (used < UINT64_MAX)
			(void)sessions_judge(sessions, used + 1, &command, &results);
		sessions_expire(sessions, id + 1, UINT64_MAX);
	}
}

static void try_table(struct bytes bytes)
{
	struct sessions sessions;
	struct buffer again = {0};

	if (sessions_decode(bytes, &sessions) != OK)
		return;
	sessions_encode(&sessions, &again);
	ASSERT(bytes_equal(buffer_bytes(&again), bytes));
	use(&sessions);
	sessions_fini(&sessions);
	buffer_fini(&again);
}

static void try_command(struct bytes bytes)
{
	struct session_command command;
	struct buffer again = {0};
	struct bytes rest, one;

	if (session_command_decode(bytes, &command) != OK)
		return;
	session_command_encode(&command, &again);
	ASSERT(bytes_equal(buffer_bytes(&again), bytes));
	rest = command.commands;
	for (uint32_t i = 0; i < command.count; i++)
		ASSERT(session_command_next(&rest, &one));
	ASSERT(rest.size == 0);
	buffer_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] % 2 == 0)
		try_table(bytes_of(data + 1, size - 1));
	else
		try_command(bytes_of(data + 1, size - 1));
	return 0;
}
