/*
 * jwt.h - JSON Web Tokens (RFC 7519) in the compact form of signed ones (RFC 7515 section 7.1), read by a rule that says
 * beforehand by which key and algorithm they are signed: nothing that a token says chooses how it is verified.
 *
 *     base64url(header) . base64url(claims) . base64url(signature)        at most ENTRY_TICKET_MAX bytes
 *
 * The header's "alg" has to be the rule's, and "crit" must not be there; "kid", "jwk", "jku", "x5c" and the like are never looked at.
 * Of the claims "exp" has to be there, "sub" has to be the peer's id (64 lower-case hex digits): a ticket is public, and
 * that alone makes it nobody else's. "iss", "aud" and "nbf" count as the RFC says; others are the issuer's own business.
 */
#ifndef DISCOVERY_JWT_H
#define DISCOVERY_JWT_H

#include "base/p256.h"
#include "base/time.h"
#include "wire/limits.h"

#define JWT_SECRET_MIN 32          /* RFC 7518 section 3.2: not shorter than the code */
#define JWT_SECRET_MAX 1024

enum jwt_algorithm { JWT_EDDSA, JWT_ES256, JWT_HS256 };   /* EdDSA: RFC 8037, with Ed25519 only */

struct jwt_rule {
	enum jwt_algorithm algorithm;
	struct id key;                 /* EDDSA: the issuer's public key */
	struct p256_point point;       /* ES256: the same */
	struct bytes secret;           /* HS256, borrowed: JWT_SECRET_MIN to _MAX bytes */
	const char *issuer;            /* borrowed; NULL: any */
	const char *audience;          /* borrowed; NULL: any */
	msec leeway;                   /* for clocks that differ: valid so much earlier and later */
};

/* What is wrong, the later the closer it was to being accepted. Zero-initialised is no ticket at all. */
enum jwt_fault {
	JWT_ABSENT,
	JWT_MALFORMED,
	JWT_OTHER_ALGORITHM,           /* than the rule's, or one that needs an extension */
	JWT_BAD_SIGNATURE,             /* by another key, or changed */
	JWT_OTHER_SUBJECT,
	JWT_OTHER_ISSUER,
	JWT_OTHER_AUDIENCE,
	JWT_BAD_TIMES,                 /* no "exp", or times that are no whole numbers of seconds up to 2^53 */
	JWT_EARLY,
	JWT_EXPIRED,
	JWT_FINE
};

const char *jwt_fault_text(enum jwt_fault fault);   /* completes "its ticket ..." */

/* Wall clock: valid while from <= wall < until. */
struct jwt_span {
	msec from, until;
};

/*
 * Everything but the clock; the same for ever for one token, rule and subject. JWT_FINE, with *span, or what is wrong,
 * with nothing in it.
 */
enum jwt_fault jwt_check(const struct jwt_rule *rule, struct bytes token, const struct id *subject, struct jwt_span *span);

/* JWT_FINE, JWT_EARLY or JWT_EXPIRED. */
enum jwt_fault jwt_span_at(const struct jwt_span *span, msec wall);

/* Three parts of base64url and no more: what is worth presenting. Nothing is verified. */
bool jwt_is_shaped(struct bytes token);

/* It says that it is this peer's; nothing is verified. */
bool jwt_names(struct bytes token, const struct id *subject);

/* Appends the token. claims: the JSON text of an object. */
void jwt_sign(const struct keypair *issuer, struct bytes claims, struct buffer *out);

#endif
