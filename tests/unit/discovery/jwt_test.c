/*
 * Tokens against rules. An attack is a row: what the header and the claims say, by which key it is signed really, and
 * which rule reads it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/base64url.h"
#include "base/hmac.h"
#include "discovery/jwt.h"
#include "wire/limits.h"

#define NOW 1800000000             /* seconds */
#define SECRET "a secret that is long enough: 32"

/* ---- issuers ---- */

enum key { NOBODY, EDWARDS, OTHER_EDWARDS, CURVE, HASH, POINT_AS_HASH, SHORT_CURVE };

static struct keypair edwards, other_edwards;
static gnutls_privkey_t curve;
static struct p256_point point;
static struct id subject;

/* Numbers of 32 bytes: leading zeros are added, the zero that keeps them positive is taken away. */
static void put_number(uint8_t out[32], const gnutls_datum_t *number)
{
	size_t skip = number->size > 32 ? number->size - 32 : 0, size = number->size - skip;

	memset(out, 0, 32);
	memcpy(out + 32 - size, number->data + skip, size);
}

static int set_up(void **state)
{
	gnutls_datum_t x, y;
	gnutls_ecc_curve_t which;

	(void)state;
	memset(edwards.seed, 1, sizeof edwards.seed);
	memset(other_edwards.seed, 2, sizeof other_edwards.seed);
	crypto_ed25519.derive(&edwards);
	crypto_ed25519.derive(&other_edwards);
	subject = id_hash(bytes_of_text("subject"));
	gnutls_privkey_init(&curve);
	assert_int_equal(gnutls_privkey_generate(curve, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0), 0);
	assert_int_equal(gnutls_privkey_export_ecc_raw(curve, &which, &x, &y, NULL), 0);
	put_number(point.byte, &x);
	put_number(point.byte + 32, &y);
	gnutls_free(x.data);
	gnutls_free(y.data);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	gnutls_privkey_deinit(curve);
	return 0;
}

static void sign_by_curve(struct bytes input, uint8_t out[64])
{
	gnutls_datum_t data = {(uint8_t *)(uintptr_t)input.data, (unsigned)input.size}, der, r, s;

	assert_int_equal(gnutls_privkey_sign_data2(curve, GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &der), 0);
	assert_int_equal(gnutls_decode_rs_value(&der, &r, &s), 0);
	put_number(out, &r);
	put_number(out + 32, &s);
	gnutls_free(der.data);
	gnutls_free(r.data);
	gnutls_free(s.data);
}

static struct bytes sign(enum key key, struct bytes input, struct signature *out)
{
	struct id code;

	switch (key) {
	case EDWARDS:
	case OTHER_EDWARDS:
		crypto_ed25519.sign(key == EDWARDS ? &edwards : &other_edwards, input, out);
		return bytes_of(out->byte, 64);
	case CURVE:
	case SHORT_CURVE:
		sign_by_curve(input, out->byte);
		return bytes_of(out->byte, key == CURVE ? 64 : 63);
	case HASH:
	case POINT_AS_HASH:
		code = hmac_sha256(key == HASH ? bytes_of_text(SECRET) : bytes_of(point.byte, sizeof point.byte), input);
		memcpy(out->byte, code.byte, sizeof code.byte);
		return bytes_of(out->byte, sizeof code.byte);
	case NOBODY:
		break;
	}
	return bytes_of(NULL, 0);
}

/* '@' in the claims stands for the subject. */
static void write_token(struct buffer *out, const char *header, const char *claims, enum key key)
{
	char text[4096], peer[ID_TEXT_SIZE];
	const char *at = strchr(claims, '@');
	struct signature signature;

	id_format(&subject, peer);
	if (at)
		snprintf(text, sizeof text, "%.*s%s%s", (int)(at - claims), claims, peer, at + 1);
	else
		snprintf(text, sizeof text, "%s", claims);
	base64url_encode(out, bytes_of_text(header));
	buffer_append(out, bytes_of_text("."));
	base64url_encode(out, bytes_of_text(text));
	struct bytes tail = sign(key, buffer_bytes(out), &signature);
	buffer_append(out, bytes_of_text("."));
	base64url_encode(out, tail);
}

/* ---- attacks ---- */

#define ED "{\"alg\":\"EdDSA\"}"
#define GOOD "{\"sub\":\"@\",\"exp\":1800003600}"

static const struct {
	const char *name, *header, *claims;
	enum key key;
	enum jwt_algorithm rule;
	enum jwt_fault fault;
} rows[] = {
	/* what is fine */
	{"EdDSA", ED, GOOD, EDWARDS, JWT_EDDSA, JWT_FINE},
	{"ES256", "{\"alg\":\"ES256\",\"typ\":\"JWT\"}", GOOD, CURVE, JWT_ES256, JWT_FINE},
	{"HS256", "{\"typ\":\"JWT\",\"alg\":\"HS256\"}", GOOD, HASH, JWT_HS256, JWT_FINE},
	{"other claims", ED, "{\"sub\":\"@\",\"exp\":1800003600,\"iat\":1,\"jti\":\"x\",\"scope\":[{\"a\":[]}]}", EDWARDS, JWT_EDDSA, JWT_FINE},

	/* the algorithm is the rule's and nobody else's choice */
	{"none", "{\"alg\":\"none\"}", GOOD, NOBODY, JWT_EDDSA, JWT_OTHER_ALGORITHM},
	{"none in capitals", "{\"alg\":\"NONE\"}", GOOD, NOBODY, JWT_EDDSA, JWT_OTHER_ALGORITHM},
	{"no signature", ED, GOOD, NOBODY, JWT_EDDSA, JWT_BAD_SIGNATURE},
	{"no signature, HS256", "{\"alg\":\"HS256\"}", GOOD, NOBODY, JWT_HS256, JWT_BAD_SIGNATURE},
	{"HS256 by the public point", "{\"alg\":\"HS256\"}", GOOD, POINT_AS_HASH, JWT_ES256, JWT_OTHER_ALGORITHM},
	{"HS256 by the public point, said to be ES256", "{\"alg\":\"ES256\"}", GOOD, POINT_AS_HASH, JWT_ES256, JWT_BAD_SIGNATURE},
	{"ES256 where HS256 is", "{\"alg\":\"ES256\"}", GOOD, CURVE, JWT_HS256, JWT_OTHER_ALGORITHM},
	{"ES256 where EdDSA is", "{\"alg\":\"ES256\"}", GOOD, CURVE, JWT_EDDSA, JWT_OTHER_ALGORITHM},
	{"HS512", "{\"alg\":\"HS512\"}", GOOD, HASH, JWT_HS256, JWT_OTHER_ALGORITHM},
	{"another case", "{\"alg\":\"eddsa\"}", GOOD, EDWARDS, JWT_EDDSA, JWT_OTHER_ALGORITHM},
	{"an algorithm and a NUL", "{\"alg\":\"EdDSA\\u0000\"}", GOOD, EDWARDS, JWT_EDDSA, JWT_OTHER_ALGORITHM},
	{"no algorithm", "{}", GOOD, EDWARDS, JWT_EDDSA, JWT_OTHER_ALGORITHM},
	{"an algorithm that is none", "{\"alg\":null}", GOOD, EDWARDS, JWT_EDDSA, JWT_OTHER_ALGORITHM},
	{"two of them in a list", "{\"alg\":[\"EdDSA\"]}", GOOD, EDWARDS, JWT_EDDSA, JWT_OTHER_ALGORITHM},
	{"two algorithms", "{\"alg\":\"none\",\"alg\":\"EdDSA\"}", GOOD, EDWARDS, JWT_EDDSA, JWT_MALFORMED},
	{"two algorithms, one disguised", "{\"alg\":\"EdDSA\",\"\\u0061lg\":\"none\"}", GOOD, EDWARDS, JWT_EDDSA, JWT_MALFORMED},
	{"critical", "{\"alg\":\"EdDSA\",\"crit\":[\"b64\"],\"b64\":false}", GOOD, EDWARDS, JWT_EDDSA, JWT_OTHER_ALGORITHM},
	{"critical and empty", "{\"alg\":\"EdDSA\",\"crit\":[]}", GOOD, EDWARDS, JWT_EDDSA, JWT_OTHER_ALGORITHM},

	/* the key too */
	{"another key", ED, GOOD, OTHER_EDWARDS, JWT_EDDSA, JWT_BAD_SIGNATURE},
	{"a kid that is a path", "{\"alg\":\"HS256\",\"kid\":\"../../../../dev/null\"}", GOOD, NOBODY, JWT_HS256, JWT_BAD_SIGNATURE},
	{"a kid that is a path, well signed", "{\"alg\":\"EdDSA\",\"kid\":\"/etc/passwd\"}", GOOD, EDWARDS, JWT_EDDSA, JWT_FINE},
	{"a kid that is no text", "{\"alg\":\"EdDSA\",\"kid\":{\"a\":[1]}}", GOOD, OTHER_EDWARDS, JWT_EDDSA, JWT_BAD_SIGNATURE},
	{"a key inside", "{\"alg\":\"EdDSA\",\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"gTl3Dqh9F19Wo1Rmw0x-zMuNipG07jeiXfYPW4_Js5Q\"}}", GOOD,
		OTHER_EDWARDS, JWT_EDDSA, JWT_BAD_SIGNATURE},
	{"keys somewhere", "{\"alg\":\"EdDSA\",\"jku\":\"http://127.0.0.1/\",\"x5u\":\"file:///etc/passwd\"}", GOOD, OTHER_EDWARDS, JWT_EDDSA,
		JWT_BAD_SIGNATURE},
	{"a signature too short", "{\"alg\":\"ES256\"}", GOOD, SHORT_CURVE, JWT_ES256, JWT_BAD_SIGNATURE},

	/* whose it is */
	{"no subject", ED, "{\"exp\":1800003600}", EDWARDS, JWT_EDDSA, JWT_OTHER_SUBJECT},
	{"another subject", ED, "{\"sub\":\"00\",\"exp\":1800003600}", EDWARDS, JWT_EDDSA, JWT_OTHER_SUBJECT},
	{"a subject and more", ED, "{\"sub\":\"@ \",\"exp\":1800003600}", EDWARDS, JWT_EDDSA, JWT_OTHER_SUBJECT},
	{"a subject and a NUL", ED, "{\"sub\":\"@\\u0000\",\"exp\":1800003600}", EDWARDS, JWT_EDDSA, JWT_OTHER_SUBJECT},
	{"a list of subjects", ED, "{\"sub\":[\"@\"],\"exp\":1800003600}", EDWARDS, JWT_EDDSA, JWT_OTHER_SUBJECT},
	{"two subjects", ED, "{\"sub\":\"x\",\"sub\":\"@\",\"exp\":1800003600}", EDWARDS, JWT_EDDSA, JWT_MALFORMED},

	/* how long */
	{"no expiry", ED, "{\"sub\":\"@\"}", EDWARDS, JWT_EDDSA, JWT_BAD_TIMES},
	{"an expiry in words", ED, "{\"sub\":\"@\",\"exp\":\"1800003600\"}", EDWARDS, JWT_EDDSA, JWT_BAD_TIMES},
	{"a part of a second", ED, "{\"sub\":\"@\",\"exp\":1800003600.5}", EDWARDS, JWT_EDDSA, JWT_BAD_TIMES},
	{"an exponent", ED, "{\"sub\":\"@\",\"exp\":1e300}", EDWARDS, JWT_EDDSA, JWT_BAD_TIMES},
	{"below zero", ED, "{\"sub\":\"@\",\"exp\":-1}", EDWARDS, JWT_EDDSA, JWT_BAD_TIMES},
	{"no time", ED, "{\"sub\":\"@\",\"exp\":null}", EDWARDS, JWT_EDDSA, JWT_BAD_TIMES},
	{"2^64 and now", ED, "{\"sub\":\"@\",\"exp\":18446744075509551616}", EDWARDS, JWT_EDDSA, JWT_BAD_TIMES},
	{"2^63 - 1", ED, "{\"sub\":\"@\",\"exp\":9223372036854775807}", EDWARDS, JWT_EDDSA, JWT_BAD_TIMES},
	{"2^53 + 1", ED, "{\"sub\":\"@\",\"exp\":9007199254740993}", EDWARDS, JWT_EDDSA, JWT_BAD_TIMES},
	{"2^53", ED, "{\"sub\":\"@\",\"exp\":9007199254740992}", EDWARDS, JWT_EDDSA, JWT_FINE},
	{"a beginning that is no time", ED, "{\"sub\":\"@\",\"exp\":1800003600,\"nbf\":\"0\"}", EDWARDS, JWT_EDDSA, JWT_BAD_TIMES},
	{"expired now", ED, "{\"sub\":\"@\",\"exp\":1800000000}", EDWARDS, JWT_EDDSA, JWT_EXPIRED},
	{"expired long ago", ED, "{\"sub\":\"@\",\"exp\":0}", EDWARDS, JWT_EDDSA, JWT_EXPIRED},
	{"one second left", ED, "{\"sub\":\"@\",\"exp\":1800000001}", EDWARDS, JWT_EDDSA, JWT_FINE},
	{"from now on", ED, "{\"sub\":\"@\",\"exp\":1800003600,\"nbf\":1800000000}", EDWARDS, JWT_EDDSA, JWT_FINE},
	{"from the next second on", ED, "{\"sub\":\"@\",\"exp\":1800003600,\"nbf\":1800000001}", EDWARDS, JWT_EDDSA, JWT_EARLY},
	{"over before it begins", ED, "{\"sub\":\"@\",\"exp\":1,\"nbf\":1800003600}", EDWARDS, JWT_EDDSA, JWT_EXPIRED},
	{"two expiries", ED, "{\"sub\":\"@\",\"exp\":1,\"exp\":1800003600}", EDWARDS, JWT_EDDSA, JWT_MALFORMED},

	/* form */
	{"a header that is no object", "[]", GOOD, EDWARDS, JWT_EDDSA, JWT_MALFORMED},
	{"a header and more", "{\"alg\":\"EdDSA\"}x", GOOD, EDWARDS, JWT_EDDSA, JWT_MALFORMED},
	{"claims that are no object", ED, "null", EDWARDS, JWT_EDDSA, JWT_MALFORMED},
	{"no claims", ED, "", EDWARDS, JWT_EDDSA, JWT_MALFORMED},
	{"claims nested too deep", ED, "{\"sub\":\"@\",\"exp\":1800003600,\"x\":[[[[[[[[[[]]]]]]]]]]}", EDWARDS, JWT_EDDSA, JWT_MALFORMED},
};

static struct jwt_rule rule_of(enum jwt_algorithm algorithm)
{
	struct jwt_rule rule = {.algorithm = algorithm};

	/* Only the key that counts is there: a rule that looked at another one would look at zeros. */
	if (algorithm == JWT_EDDSA)
		rule.key = edwards.public_key;
	else if (algorithm == JWT_ES256)
		rule.point = point;
	else
		rule.secret = bytes_of_text(SECRET);
	return rule;
}

static enum jwt_fault judge(const struct jwt_rule *rule, struct bytes token, msec wall)
{
	struct jwt_span span;
	enum jwt_fault fault = jwt_check(rule, token, &subject, &span);

	return fault == JWT_FINE ? jwt_span_at(&span, wall) : fault;
}

static void attacks_fail(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct jwt_rule rule = rule_of(rows[i].rule);
		struct buffer token = {0};
		enum jwt_fault fault;

		write_token(&token, rows[i].header, rows[i].claims, rows[i].key);
		fault = judge(&rule, buffer_bytes(&token), (msec)NOW * 1000);
		if (fault != rows[i].fault)
			fail_msg("%s: %s, not: %s", rows[i].name, jwt_fault_text(fault), jwt_fault_text(rows[i].fault));
		buffer_fini(&token);
	}
}

/* ---- names ---- */

static const struct {
	const char *claims, *issuer, *audience;
	enum jwt_fault fault;
} named[] = {
	{"\"iss\":\"me\"", "me", NULL, JWT_FINE},
	{"\"iss\":\"\\u006de\"", "me", NULL, JWT_FINE},
	{"\"iss\":\"you\"", "me", NULL, JWT_OTHER_ISSUER},
	{"\"iss\":\"me,you\"", "me", NULL, JWT_OTHER_ISSUER},
	{"\"iss\":[\"me\"]", "me", NULL, JWT_OTHER_ISSUER},
	{"\"jti\":\"me\"", "me", NULL, JWT_OTHER_ISSUER},
	{"\"iss\":\"\"", "me", NULL, JWT_OTHER_ISSUER},
	{"\"aud\":\"logs\"", NULL, "logs", JWT_FINE},
	{"\"aud\":[\"a\",\"logs\"]", NULL, "logs", JWT_FINE},
	{"\"aud\":[1,null,{\"logs\":\"logs\"},\"logs\"]", NULL, "logs", JWT_FINE},
	{"\"aud\":[]", NULL, "logs", JWT_OTHER_AUDIENCE},
	{"\"aud\":[\"a\",[\"logs\"]]", NULL, "logs", JWT_OTHER_AUDIENCE},
	{"\"aud\":\"log\"", NULL, "logs", JWT_OTHER_AUDIENCE},
	{"\"aud\":\"logs2\"", NULL, "logs", JWT_OTHER_AUDIENCE},
	{"\"aud\":{\"logs\":1}", NULL, "logs", JWT_OTHER_AUDIENCE},
	{"\"jti\":\"logs\"", NULL, "logs", JWT_OTHER_AUDIENCE},
	{"\"iss\":\"me\",\"aud\":\"logs\"", "me", "logs", JWT_FINE},
	{"\"iss\":\"me\",\"aud\":\"other\"", "me", "logs", JWT_OTHER_AUDIENCE},
	{"\"iss\":\"anybody\",\"aud\":\"anything\"", NULL, NULL, JWT_FINE},
};

static void issuer_and_audience_count_when_asked_for(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
		struct jwt_rule rule = rule_of(JWT_EDDSA);
		struct buffer token = {0};
		char claims[256];
		enum jwt_fault fault;

		snprintf(claims, sizeof claims, "{\"sub\":\"@\",\"exp\":1800003600,%s}", named[i].claims);
		rule.issuer = named[i].issuer;
		rule.audience = named[i].audience;
		write_token(&token, ED, claims, EDWARDS);
		fault = judge(&rule, buffer_bytes(&token), (msec)NOW * 1000);
		if (fault != named[i].fault)
			fail_msg("%s: %s", named[i].claims, jwt_fault_text(fault));
		buffer_fini(&token);
	}
}

/* ---- time ---- */

static void a_leeway_moves_both_ends_and_never_overflows(void **state)
{
	struct jwt_rule rule = rule_of(JWT_EDDSA);
	struct buffer token = {0};
	struct jwt_span span;

	(void)state;
	write_token(&token, ED, "{\"sub\":\"@\",\"exp\":2000,\"nbf\":1000}", EDWARDS);
	assert_int_equal(jwt_check(&rule, buffer_bytes(&token), &subject, &span), JWT_FINE);
	assert_true(span.from == 1000000 && span.until == 2000000);
	rule.leeway = 5000;
	assert_int_equal(jwt_check(&rule, buffer_bytes(&token), &subject, &span), JWT_FINE);
	assert_true(span.from == 995000 && span.until == 2005000);
	assert_int_equal(jwt_span_at(&span, 994999), JWT_EARLY);
	assert_int_equal(jwt_span_at(&span, 995000), JWT_FINE);
	assert_int_equal(jwt_span_at(&span, 2004999), JWT_FINE);
	assert_int_equal(jwt_span_at(&span, 2005000), JWT_EXPIRED);
	buffer_clear(&token);
	write_token(&token, ED, "{\"sub\":\"@\",\"exp\":9007199254740992}", EDWARDS);
	rule.leeway = MSEC_NEVER;
	assert_int_equal(jwt_check(&rule, buffer_bytes(&token), &subject, &span), JWT_FINE);
	assert_true(span.until == MSEC_NEVER && span.from == -MSEC_NEVER);
	buffer_fini(&token);
}

/* ---- form ---- */

/* Each byte of a good token stands for something: no other byte in its place is as good. */
static void no_byte_can_be_another(void **state)
{
	static const char others[] = {'A', 'B', '.', '=', '-', ' ', '\0', '\n'};
	struct jwt_rule rule = rule_of(JWT_EDDSA);
	struct buffer token = {0};

	(void)state;
	write_token(&token, ED, GOOD, EDWARDS);
	for (size_t i = 0; i < token.size; i++) {
		uint8_t was = token.data[i];

		for (size_t other = 0; other < sizeof others; other++) {
			token.data[i] = (uint8_t)others[other];
			if (token.data[i] != was)
				assert_int_not_equal(judge(&rule, buffer_bytes(&token), 0), JWT_FINE);
		}
		token.data[i] = was;
		assert_int_not_equal(judge(&rule, bytes_of(token.data, i), 0), JWT_FINE);
	}
	assert_int_equal(judge(&rule, buffer_bytes(&token), 0), JWT_FINE);
	assert_true(jwt_is_shaped(buffer_bytes(&token)));
	buffer_append(&token, bytes_of_text("."));
	assert_int_equal(judge(&rule, buffer_bytes(&token), 0), JWT_MALFORMED);
	assert_false(jwt_is_shaped(buffer_bytes(&token)));
	buffer_fini(&token);
}

static void what_is_no_token_is_malformed(void **state)
{
	static const char *const texts[] = {"", ".", "..", "...", "a.b", "....", "e30.e30", "e30..", ".e30.", "e30=.e30.", "e30.e30.e30.e30.e30", "\xFF.\xFF.\xFF"};
	static const char long_one[ENTRY_TICKET_MAX + 1] = "e30.e30.";
	struct jwt_rule rule = rule_of(JWT_EDDSA);
	struct jwt_span span;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		enum jwt_fault fault = jwt_check(&rule, bytes_of_text(texts[i]), &subject, &span);

		if (fault != JWT_MALFORMED && fault != JWT_OTHER_ALGORITHM)
			fail_msg("%s: %s", texts[i], jwt_fault_text(fault));
		assert_false(jwt_is_shaped(bytes_of_text(texts[i])));
	}
	assert_int_equal(jwt_check(&rule, bytes_of(NULL, 0), &subject, &span), JWT_MALFORMED);
	assert_int_equal(jwt_check(&rule, bytes_of(long_one, sizeof long_one), &subject, &span), JWT_MALFORMED);
}

/* ---- the examples of the standards ---- */

static void decode_into(const char *text, uint8_t *out, size_t wanted)
{
	size_t size;

	assert_true(base64url_decode(bytes_of_text(text), out, &size));
	assert_int_equal(size, wanted);
}

#define PAYLOAD "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

/* Their claims name no peer of ours; that far they only come with a good signature. */
static void the_signatures_of_the_standards_are_good(void **state)
{
	struct jwt_rule hash = {.algorithm = JWT_HS256}, elliptic = {.algorithm = JWT_ES256}, ed = {.algorithm = JWT_EDDSA};
	uint8_t secret[BASE64URL_DECODED_MAX(86)];
	struct jwt_span span;

	(void)state;
	/* RFC 7515 appendix A.1 */
	decode_into("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow", secret, 64);
	hash.secret = bytes_of(secret, 64);
	assert_int_equal(jwt_check(&hash, bytes_of_text("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." PAYLOAD
		".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), &subject, &span), JWT_OTHER_SUBJECT);
	/* RFC 7515 appendix A.3 */
	decode_into("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", elliptic.point.byte, 32);
	decode_into("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", elliptic.point.byte + 32, 32);
	assert_true(p256_is_point(&elliptic.point));
	assert_int_equal(jwt_check(&elliptic, bytes_of_text("eyJhbGciOiJFUzI1NiJ9." PAYLOAD
		".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"), &subject, &span), JWT_OTHER_SUBJECT);
	elliptic.point.byte[0] ^= 1;
	assert_false(p256_is_point(&elliptic.point));
	/* RFC 8037 appendix A.4, with the key of RFC 8032 section 7.1, test 1. Its payload is no JSON. */
	assert_int_equal(id_from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", &ed.key), OK);
	assert_int_equal(jwt_check(&ed, bytes_of_text("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
		".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"), &subject, &span), JWT_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attacks_fail),
		cmocka_unit_test(issuer_and_audience_count_when_asked_for),
		cmocka_unit_test(a_leeway_moves_both_ends_and_never_overflows),
		cmocka_unit_test(no_byte_can_be_another),
		cmocka_unit_test(what_is_no_token_is_malformed),
		cmocka_unit_test(the_signatures_of_the_standards_are_good),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
