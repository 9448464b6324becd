/* RFC 4231: test cases 2 and 6, a short key and one longer than a block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/hmac.h"

static void expect(struct bytes key, const char *message, const char *hex)
{
	struct id code = hmac_sha256(key, bytes_of_text(message)), wanted;

	assert_int_equal(id_from_hex(hex, &wanted), OK);
	assert_true(id_equal_secret(&code, &wanted));
}

static void vectors_agree(void **state)
{
	uint8_t key[131];

	(void)state;
	memset(key, 0xAA, sizeof key);
	expect(bytes_of_text("Jefe"), "what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	expect(bytes_of(key, sizeof key), "Test Using Larger Than Block-Size Key - Hash Key First",
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(vectors_agree)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
