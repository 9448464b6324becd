/*
 * fuzz_jwt.c - tickets from anybody. The first byte chooses the rule, and what is done with the rest:
 *
 *     0 to 2     it is the token as it stands
 *     3 to 5     it is the claims, and 6 to 8 the header of a token that is signed well, so that no input has to guess that
 *     9          it is JSON, read on its own
 *
 * What is accepted has to be accepted again, and to have said so in its claims.
 */
#include <string.h>

#include "base/base64url.h"
#include "base/check.h"
#include "base/hmac.h"
#include "base/memory.h"
#include "discovery/jwt.h"
#include "wire/json.h"

#define SECRET "a secret that is long enough: 32"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct jwt_rule rule_of(unsigned algorithm)
{
	struct jwt_rule rule = {.algorithm = (enum jwt_algorithm)algorithm, .issuer = "me", .audience = "logs"};

	rule.secret = bytes_of_text(SECRET);
	memset(rule.key.byte, 3, sizeof rule.key.byte);
	return rule;
}

static void judge(const struct jwt_rule *rule, struct bytes token)
{
	struct id subject = {{0}};
	struct jwt_span span, again;
	enum jwt_fault fault = jwt_check(rule, token, &subject, &span);

	ASSERT(fault != JWT_ABSENT && fault != JWT_EARLY && fault != JWT_EXPIRED);
	(void)jwt_fault_text(fault);
	if (fault != JWT_FINE)
		return;
	ASSERT(jwt_check(rule, token, &subject, &again) == JWT_FINE);
	ASSERT(span.from == again.from && span.until == again.until && span.from >= 0 && span.until >= 0);
	ASSERT(jwt_is_shaped(token) && jwt_names(token, &subject));
	ASSERT(jwt_span_at(&span, span.until) == JWT_EXPIRED);
}

static void sign_and_judge(struct bytes header, struct bytes claims)
{
	struct jwt_rule rule = rule_of(JWT_HS256);
	struct buffer token = {0};
	struct id code;

	base64url_encode(&token, header);
	buffer_append(&token, bytes_of_text("."));
	base64url_encode(&token, claims);
	code = hmac_sha256(rule.secret, buffer_bytes(&token));
	buffer_append(&token, bytes_of_text("."));
	base64url_encode(&token, bytes_of(code.byte, sizeof code.byte));
	judge(&rule, buffer_bytes(&token));
	buffer_fini(&token);
}

/* Whatever can be said about what was read is said. */
static void read_json(uint8_t *text, size_t size)
{
	static struct json_object object;
	uint64_t number;

	if (!json_read(text, size, &object))
		return;
	ASSERT(object.count <= JSON_MEMBERS_MAX);
	for (size_t i = 0; i < object.count; i++) {
		const struct json_value *value = &object.member[i].value;

		ASSERT(value->text.data >= text && value->text.data + value->text.size <= text + size);
		ASSERT(value->kind != JSON_STRING || bytes_are_utf8(value->text));
		(void)json_whole(value, 1000, &number);
		(void)json_array_has(value, bytes_of_text("logs"));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jwt_rule rule;
	uint8_t *copy;

	if (size < 1)
		return 0;
	/* Of its own size, so that a sanitizer sees a byte too far. */
	copy = memory_copy(data + 1, size - 1);
	if (data[0] < 3) {
		rule = rule_of(data[0]);
		judge(&rule, bytes_of(copy, size - 1));
	} else if (data[0] < 6) {
		sign_and_judge(bytes_of_text("{\"alg\":\"HS256\"}"), bytes_of(copy, size - 1));
	} else if (data[0] < 9) {
		sign_and_judge(bytes_of(copy, size - 1), bytes_of_text("{\"exp\":1}"));
	} else {
		read_json(copy, size - 1);
	}
	memory_free(copy);
	return 0;
}
