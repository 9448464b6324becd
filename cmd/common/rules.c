/*
 * rules.c - see rules.h.
 */
#include "cmd/common/rules.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cmd/common/exit.h"
#include "runtime/key.h"

#define SECRET_PREFIX "hs256:"
#define POINT_DIGITS (2 + 2 * P256_POINT_SIZE)   /* SEC 1, uncompressed: 04 x y */

static struct peer_condition *add(struct rule *rule, enum peer_condition_kind kind)
{
	struct peer_condition *condition;

	if (rule->count == RULE_CONDITIONS_MAX)
		usage_error("more than %d conditions on peers", RULE_CONDITIONS_MAX);
	condition = &rule->condition[rule->count++];
	condition->kind = kind;
	return condition;
}

void rule_add_tags(struct rule *rule, const struct texts *tags)
{
	for (size_t i = 0; i < tags->count; i++)
		add(rule, PEER_HAS_TAG)->id = options_id("tag", tags->text[i]);
}

void rule_add_peers(struct rule *rule, const struct texts *peers)
{
	for (size_t i = 0; i < peers->count; i++)
		add(rule, PEER_IS)->id = options_peer(peers->text[i]);
}

void rule_add_rtt(struct rule *rule, msec most)
{
	if (most != MSEC_NEVER)
		add(rule, PEER_RTT_WITHIN)->rtt_us = (uint64_t)most * 1000;
}

/* ---- tickets ---- */

/* One text of --require-ticket, taken apart in place. */
struct ticket_text {
	char *key, *issuer, *audience, *leeway;
};

static void split_ticket(char *text, struct ticket_text *out)
{
	const struct {
		const char *name;
		char **value;
	} parts[] = {{",iss=", &out->issuer}, {",aud=", &out->audience}, {",leeway=", &out->leeway}};

	*out = (struct ticket_text){.key = text};
	/* A comma that begins none of these is part of a name. */
	for (char *comma = strchr(text, ','); comma; comma = strchr(comma + 1, ',')) {
		for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
			size_t size = strlen(parts[i].name);

			if (strncmp(comma, parts[i].name, size) != 0)
				continue;
			if (*parts[i].value || comma[size] == '\0' || comma[size] == ',')
				usage_error("--require-ticket: '%s' has to be there once, and not empty", parts[i].name + 1);
			*comma = '\0';
			*parts[i].value = comma + size;
			break;
		}
	}
}

static bool is_hex(const char *text)
{
	return text[strspn(text, "0123456789abcdefABCDEF")] == '\0';
}

static void read_point(const char *text, struct p256_point *out)
{
	char half[ID_TEXT_SIZE] = "";
	struct id number;

	for (size_t i = 0; i < 2; i++) {
		memcpy(half, text + 2 + i * (ID_TEXT_SIZE - 1), ID_TEXT_SIZE - 1);
		if (text[0] != '0' || text[1] != '4' || id_from_hex(half, &number) != OK)
			usage_error("--require-ticket: '%s' is not a point of P-256 (04, x and y)", text);
		memcpy(out->byte + i * sizeof number.byte, number.byte, sizeof number.byte);
	}
	if (!p256_is_point(out))
		usage_error("--require-ticket: '%s' is not a point of P-256", text);
}

static void read_digits(const char *text, struct jwt_rule *jwt)
{
	if (strlen(text) == POINT_DIGITS) {
		jwt->algorithm = JWT_ES256;
		read_point(text, &jwt->point);
	} else if (id_from_hex(text, &jwt->key) != OK) {
		usage_error("--require-ticket: '%s' has %zu hex digits: a key has 64 (Ed25519) or %d (P-256)", text, strlen(text), POINT_DIGITS);
	} else if (!crypto_key_is_usable(&jwt->key)) {
		usage_error("--require-ticket: '%s' is not a usable Ed25519 key", text);
	}
}

static void read_public(const char *path, struct jwt_rule *jwt)
{
	static const char *const hints[] = {"an issuer's key: 64 hex digits, a PEM file with a public key, or hs256:FILE", NULL};
	struct public_key key;
	enum error error = key_load_public(path, &key);

	if (error == ERROR_SYSTEM)
		fail(EXIT_CONFIG, "issuer", hints, "key file '%s': %s", path, strerror(errno));
	if (error != OK)
		fail(EXIT_CONFIG, "issuer", hints, "'%s' holds no public key in PEM that is of Ed25519 or P-256", path);
	jwt->algorithm = key.kind == PUBLIC_KEY_P256 ? JWT_ES256 : JWT_EDDSA;
	jwt->key = key.ed25519;
	jwt->point = key.p256;
}

static void read_secret(const char *path, struct buffer *secret, struct jwt_rule *jwt)
{
	enum error error = key_load_secret(path, JWT_SECRET_MAX + 1, secret);

	if (error == ERROR_NOT_ALLOWED)
		fail(EXIT_REFUSED, "key-mode", NULL, "secret file '%s' can be read by others, or is not yours", path);
	if (error == ERROR_SYSTEM)
		fail(EXIT_CONFIG, "issuer", NULL, "secret file '%s': %s", path, strerror(errno));
	if (error != OK || secret->size < JWT_SECRET_MIN || secret->size > JWT_SECRET_MAX)
		fail(EXIT_CONFIG, "issuer", NULL, "'%s': a secret has %d to %d bytes", path, JWT_SECRET_MIN, JWT_SECRET_MAX);
	jwt->algorithm = JWT_HS256;
	jwt->secret = buffer_bytes(secret);
}

static struct ticket_rule *ticket_of(char *text)
{
	struct ticket_text parts;
	struct buffer secret = {0};
	struct ticket_rule *made;
	struct jwt_rule jwt = {.algorithm = JWT_EDDSA};

	split_ticket(text, &parts);
	jwt.issuer = parts.issuer;
	jwt.audience = parts.audience;
	if (parts.leeway && (options_duration(parts.leeway, &jwt.leeway) != OK || jwt.leeway == MSEC_NEVER))
		usage_error("--require-ticket: '%s' is not a leeway (5s)", parts.leeway);
	if (*parts.key == '\0')
		usage_error("--require-ticket: whose ticket?");
	if (strncmp(parts.key, SECRET_PREFIX, strlen(SECRET_PREFIX)) == 0)
		read_secret(parts.key + strlen(SECRET_PREFIX), &secret, &jwt);
	else if (is_hex(parts.key) && strlen(parts.key) >= ID_SIZE)
		read_digits(parts.key, &jwt);
	else
		read_public(parts.key, &jwt);
	made = ticket_rule_new(&jwt);
	if (secret.size > 0)
		memory_wipe(secret.data, secret.size);
	buffer_fini(&secret);
	return made;
}

void rule_add_tickets(struct rule *rule, const struct texts *tickets)
{
	for (size_t i = 0; i < tickets->count; i++) {
		char *text = memory_copy_text(tickets->text[i]);

		add(rule, PEER_HAS_TICKET)->ticket = ticket_of(text);
		memory_free(text);
	}
}

void rule_free(struct rule *rule)
{
	for (size_t i = 0; i < rule->count; i++)
		ticket_rule_free(rule->condition[i].ticket);
	rule->count = 0;
}

void rule_ticket_words(const struct ticket_lack *lack, char out[RULE_WORDS_SIZE])
{
	char issuer[ENTRY_NAME_MAX + 32] = "", audience[ENTRY_NAME_MAX + 32] = "";

	if (lack->issuer.size > 0)
		snprintf(issuer, sizeof issuer, " of issuer '%.*s'", (int)lack->issuer.size, (const char *)lack->issuer.data);
	if (lack->audience.size > 0)
		snprintf(audience, sizeof audience, " for audience '%.*s'", (int)lack->audience.size, (const char *)lack->audience.data);
	snprintf(out, RULE_WORDS_SIZE, "a ticket%s%s is required, and %s %s", issuer, audience,
		lack->fault == JWT_ABSENT ? "it" : "the one that is there", jwt_fault_text(lack->fault));
}

void rule_words(const struct peer_verdict *verdict, char out[RULE_WORDS_SIZE])
{
	struct ticket_lack lack;

	if (verdict->lacks && verdict->lacks->kind == PEER_HAS_TICKET) {
		lack = ticket_lack_of(verdict);
		rule_ticket_words(&lack, out);
	} else {
		snprintf(out, RULE_WORDS_SIZE, "it is not one that is accepted");
	}
}

struct peer_rule rule_of(const struct rule *rule)
{
	return (struct peer_rule){rule->condition, rule->count};
}
