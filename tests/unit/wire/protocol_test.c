/*
 * protocol_test.c - names go there and back; every protocol has a bound.
 */
#include "wire/protocol.h"

#include "wire/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void names_round_trip(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PROTOCOL_COUNT; i++) {
		enum protocol protocol = PROTOCOL_COUNT;

		assert_true(protocol_from_alpn(bytes_of_text(protocol_alpn((enum protocol)i)), &protocol));
		assert_int_equal(protocol, i);
	}
	assert_string_equal(protocol_alpn(PROTOCOL_STREAMS), "/mosaik/streams/1.0");
}

static void other_names_are_refused(void **state)
{
	static const char *const bad[] = {"", "h3", "/mosaik/streams/1", "/mosaik/streams/1.00", "/mosaik/announcE"};
	enum protocol protocol = PROTOCOL_GROUPS;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(protocol_from_alpn(bytes_of_text(bad[i]), &protocol));
	assert_int_equal(protocol, PROTOCOL_GROUPS);
}

static void every_protocol_is_bounded(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PROTOCOL_COUNT; i++) {
		assert_true(protocol_frame_max((enum protocol)i) > 0);
		assert_true(protocol_frame_max((enum protocol)i) <= FRAME_MAX);
	}
	/* A batch with one record of the largest size fits. */
	assert_true(protocol_frame_max(PROTOCOL_STREAMS) > RECORD_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_round_trip),
		cmocka_unit_test(other_names_are_refused),
		cmocka_unit_test(every_protocol_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
