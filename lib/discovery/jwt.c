/*
 * jwt.c - see jwt.h. The signature comes before the claims are read: until then they are anybody's.
 */
#include "discovery/jwt.h"

#include "base/base64url.h"
#include "base/check.h"
#include "base/hmac.h"
#include "wire/json.h"

#include <string.h>

#define SECONDS_MAX (UINT64_C(1) << 53)   /* what every JSON reader reads alike; as milliseconds it still fits msec */
#define SECOND 1000
#define PART_MAX BASE64URL_DECODED_MAX(ENTRY_TICKET_MAX)

_Static_assert(SECONDS_MAX <= INT64_MAX / SECOND, "the latest time is a time");

/* The parts as they are written. */
struct parts {
	struct bytes header, claims, signature;
	struct bytes input;        /* what is signed: the first two, with the dot between them */
};

static const char *const algorithm_names[] = {[JWT_EDDSA] = "EdDSA", [JWT_ES256] = "ES256", [JWT_HS256] = "HS256"};

const char *jwt_fault_text(enum jwt_fault fault)
{
	static const char *const texts[] = {
		[JWT_ABSENT] = "is missing",
		[JWT_MALFORMED] = "is not a JWT",
		[JWT_OTHER_ALGORITHM] = "is signed by another algorithm",
		[JWT_BAD_SIGNATURE] = "is not signed by the issuer's key",
		[JWT_OTHER_SUBJECT] = "is for another peer",
		[JWT_OTHER_ISSUER] = "is of another issuer",
		[JWT_OTHER_AUDIENCE] = "is for another audience",
		[JWT_BAD_TIMES] = "does not say when it expires",
		[JWT_EARLY] = "is not valid yet",
		[JWT_EXPIRED] = "has expired",
		[JWT_FINE] = "is fine",
	};

	ASSERT((size_t)fault < sizeof(texts) / sizeof(texts[0]));
	return texts[fault];
}

/* false: not three parts. */
static bool split(struct bytes token, struct parts *out)
{
	const uint8_t *first, *second, *end;

	if (token.size == 0 || token.size > ENTRY_TICKET_MAX)
		return false;
	end = token.data + token.size;
	first = memchr(token.data, '.', token.size);
	second = first != NULL ? memchr(first + 1, '.', (size_t)(end - first - 1)) : NULL;
	if (second == NULL || memchr(second + 1, '.', (size_t)(end - second - 1)) != NULL)
		return false;
	out->header = bytes_of(token.data, (size_t)(first - token.data));
	out->claims = bytes_of(first + 1, (size_t)(second - first - 1));
	out->signature = bytes_of(second + 1, (size_t)(end - second - 1));
	out->input = bytes_of(token.data, (size_t)(second - token.data));
	return true;
}

/* A part that is a JSON object. scratch: PART_MAX bytes, kept as long as *out is used. */
static bool read_part(struct bytes part, uint8_t *scratch, struct json_object *out)
{
	size_t size;

	return base64url_decode(part, scratch, &size) && json_read(scratch, size, out);
}

static enum jwt_fault check_header(const struct jwt_rule *rule, struct bytes part)
{
	uint8_t scratch[PART_MAX];
	struct json_object header;

	if (!read_part(part, scratch, &header))
		return JWT_MALFORMED;
	/* RFC 7515 section 4.1.11: whoever does not know the extension must refuse, and none is known here. */
	if (json_find(&header, "crit") != NULL)
		return JWT_OTHER_ALGORITHM;
	if (!json_is_text(json_find(&header, "alg"), bytes_of_text(algorithm_names[rule->algorithm])))
		return JWT_OTHER_ALGORITHM;
	return JWT_FINE;
}

static bool is_signed(const struct jwt_rule *rule, struct bytes input, const uint8_t *byte, size_t size)
{
	struct signature signature;
	struct id code, ours;

	if (rule->algorithm == JWT_HS256) {
		ASSERT(rule->secret.size >= JWT_SECRET_MIN);
		if (size != sizeof(code.byte))
			return false;
		memcpy(code.byte, byte, size);
		ours = hmac_sha256(rule->secret, input);
		return id_equal_secret(&ours, &code);
	}
	if (size != sizeof(signature.byte))
		return false;
	memcpy(signature.byte, byte, size);
	if (rule->algorithm == JWT_ES256)
		return p256_verify(&rule->point, input, &signature);
	return crypto_ed25519.verify(&rule->key, input, &signature);
}

static enum jwt_fault check_signature(const struct jwt_rule *rule, const struct parts *parts)
{
	uint8_t byte[PART_MAX];
	size_t size;

	if (!base64url_decode(parts->signature, byte, &size))
		return JWT_MALFORMED;
	return is_signed(rule, parts->input, byte, size) ? JWT_FINE : JWT_BAD_SIGNATURE;
}

/* RFC 7519 section 4.1.3: one text, or an array of them. */
static bool is_for(const struct json_value *audience, const char *wanted)
{
	struct bytes text = bytes_of_text(wanted);

	return json_is_text(audience, text) || json_array_has(audience, text);
}

/* Times that clocks which differ may be off by stay within what msec can say. */
static bool read_times(const struct jwt_rule *rule, const struct json_object *claims, struct jwt_span *span)
{
	const struct json_value *not_before = json_find(claims, "nbf");
	uint64_t from = 0, until;

	ASSERT(rule->leeway >= 0);
	if (!json_whole(json_find(claims, "exp"), SECONDS_MAX, &until))
		return false;
	if (not_before != NULL && !json_whole(not_before, SECONDS_MAX, &from))
		return false;
	span->from = (msec)from * SECOND - rule->leeway;
	span->until = (msec)until * SECOND;
	span->until = rule->leeway < MSEC_NEVER - span->until ? span->until + rule->leeway : MSEC_NEVER;
	return true;
}

static bool names(const struct json_object *claims, const struct id *subject)
{
	char peer[ID_TEXT_SIZE];

	id_format(subject, peer);
	return json_is_text(json_find(claims, "sub"), bytes_of_text(peer));
}

static enum jwt_fault check_claims(const struct jwt_rule *rule, struct bytes part, const struct id *subject,
	struct jwt_span *span)
{
	uint8_t scratch[PART_MAX];
	struct json_object claims;

	if (!read_part(part, scratch, &claims))
		return JWT_MALFORMED;
	if (!names(&claims, subject))
		return JWT_OTHER_SUBJECT;
	if (rule->issuer != NULL && !json_is_text(json_find(&claims, "iss"), bytes_of_text(rule->issuer)))
		return JWT_OTHER_ISSUER;
	if (rule->audience != NULL && !is_for(json_find(&claims, "aud"), rule->audience))
		return JWT_OTHER_AUDIENCE;
	return read_times(rule, &claims, span) ? JWT_FINE : JWT_BAD_TIMES;
}

enum jwt_fault jwt_check(const struct jwt_rule *rule, struct bytes token, const struct id *subject, struct jwt_span *span)
{
	enum jwt_fault fault;
	struct parts parts;

	if (!split(token, &parts))
		return JWT_MALFORMED;
	fault = check_header(rule, parts.header);
	if (fault == JWT_FINE)
		fault = check_signature(rule, &parts);
	if (fault == JWT_FINE)
		fault = check_claims(rule, parts.claims, subject, span);
	return fault;
}

enum jwt_fault jwt_span_at(const struct jwt_span *span, msec wall)
{
	if (wall >= span->until)
		return JWT_EXPIRED;
	return wall < span->from ? JWT_EARLY : JWT_FINE;
}

bool jwt_is_shaped(struct bytes token)
{
	uint8_t scratch[PART_MAX];
	struct parts parts;
	size_t size;

	return split(token, &parts) && parts.header.size > 0 && parts.claims.size > 0 &&
		base64url_decode(parts.header, scratch, &size) && base64url_decode(parts.claims, scratch, &size) &&
		base64url_decode(parts.signature, scratch, &size);
}

bool jwt_names(struct bytes token, const struct id *subject)
{
	uint8_t scratch[PART_MAX];
	struct json_object claims;
	struct parts parts;

	return split(token, &parts) && read_part(parts.claims, scratch, &claims) && names(&claims, subject);
}

void jwt_sign(const struct keypair *issuer, struct bytes claims, struct buffer *out)
{
	size_t start = out->size;
	struct signature signature;

	base64url_encode(out, bytes_of_text("{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}"));
	buffer_append(out, bytes_of_text("."));
	base64url_encode(out, claims);
	crypto_ed25519.sign(issuer, bytes_of(out->data + start, out->size - start), &signature);
	buffer_append(out, bytes_of_text("."));
	base64url_encode(out, bytes_of(signature.byte, sizeof(signature.byte)));
}
