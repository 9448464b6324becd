/*
 * hostile_tickets.c - other people's issuers, and forgers: tickets that mosaik-key does not make.
 *
 *     hostile_tickets new SECRET.pem PUBLIC.pem      a key of P-256; its point is printed as 130 hex digits
 *     hostile_tickets es256 SECRET.pem CLAIMS        signed with it
 *     hostile_tickets hs256 FILE CLAIMS              coded with what the file holds, to the last byte
 *     hostile_tickets none CLAIMS                    alg none, no signature
 *     hostile_tickets head FILE HEADER CLAIMS        any header, coded as by hs256
 */
#include "base/base64url.h"
#include "base/hmac.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 64
#define SIGNATURE_SIZE 64

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "hostile_tickets: %s\n", what);
	exit(1);
}

static gnutls_datum_t load(const char *path)
{
	gnutls_datum_t data;

	if (gnutls_load_file(path, &data) != 0)
		give_up(path);
	return data;
}

static void save(const char *path, const gnutls_datum_t *data)
{
	FILE *file = fopen(path, "w");

	if (!file || fwrite(data->data, 1, data->size, file) != data->size || fclose(file) != 0)
		give_up(path);
}

/* Of 32 bytes, whatever the sign wants in front. */
static void put_number(uint8_t out[32], const gnutls_datum_t *number)
{
	size_t skip = number->size > 32 ? number->size - 32 : 0, size = number->size - skip;

	memset(out, 0, 32);
	memcpy(out + 32 - size, number->data + skip, size);
}

static int make(const char *secret, const char *public)
{
	gnutls_privkey_t key;
	gnutls_x509_privkey_t plain;
	gnutls_pubkey_t shown;
	gnutls_datum_t pem, x, y;
	gnutls_ecc_curve_t curve;
	uint8_t point[SIGNATURE_SIZE];

	if (gnutls_privkey_init(&key) != 0 || gnutls_pubkey_init(&shown) != 0 ||
		gnutls_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) != 0 ||
		gnutls_privkey_export_x509(key, &plain) != 0 || gnutls_x509_privkey_export2(plain, GNUTLS_X509_FMT_PEM, &pem) != 0)
		give_up("no key");
	save(secret, &pem);
	gnutls_free(pem.data);
	if (gnutls_pubkey_import_privkey(shown, key, 0, 0) != 0 || gnutls_pubkey_export2(shown, GNUTLS_X509_FMT_PEM, &pem) != 0 ||
		gnutls_pubkey_export_ecc_raw(shown, &curve, &x, &y) != 0)
		give_up("no public key");
	save(public, &pem);
	put_number(point, &x);
	put_number(point + 32, &y);
	printf("04");
	for (size_t i = 0; i < sizeof point; i++)
		printf("%02x", point[i]);
	printf("\n");
	gnutls_free(pem.data);
	gnutls_free(x.data);
	gnutls_free(y.data);
	gnutls_x509_privkey_deinit(plain);
	gnutls_pubkey_deinit(shown);
	gnutls_privkey_deinit(key);
	return 0;
}

static void sign(const char *path, struct bytes input, uint8_t out[SIGNATURE_SIZE])
{
	gnutls_datum_t pem = load(path), data = {(uint8_t *)(uintptr_t)input.data, (unsigned)input.size}, der, r, s;
	gnutls_privkey_t key;

	if (gnutls_privkey_init(&key) != 0 || gnutls_privkey_import_x509_raw(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0) != 0 ||
		gnutls_privkey_sign_data2(key, GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &der) != 0 || gnutls_decode_rs_value(&der, &r, &s) != 0)
		give_up("cannot sign");
	put_number(out, &r);
	put_number(out + 32, &s);
	gnutls_free(pem.data);
	gnutls_free(der.data);
	gnutls_free(r.data);
	gnutls_free(s.data);
	gnutls_privkey_deinit(key);
}

/* key: a file; NULL: nothing is signed */
static int issue(const char *header, const char *claims, const char *key, bool elliptic)
{
	struct buffer token = {0};
	uint8_t signature[SIGNATURE_SIZE];
	size_t size = 0;

	base64url_encode(&token, bytes_of_text(header));
	buffer_append(&token, bytes_of_text("."));
	base64url_encode(&token, bytes_of_text(claims));
	if (key && elliptic) {
		sign(key, buffer_bytes(&token), signature);
		size = sizeof signature;
	} else if (key) {
		gnutls_datum_t secret = load(key);
		struct id code = hmac_sha256(bytes_of(secret.data, secret.size), buffer_bytes(&token));

		memcpy(signature, code.byte, sizeof code.byte);
		size = sizeof code.byte;
		gnutls_free(secret.data);
	}
	buffer_append(&token, bytes_of_text("."));
	base64url_encode(&token, bytes_of(signature, size));
	printf("%.*s\n", (int)token.size, (const char *)token.data);
	buffer_fini(&token);
	return 0;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (strcmp(word, "new") == 0 && argc == 4)
		return make(argv[2], argv[3]);
	if (strcmp(word, "es256") == 0 && argc == 4)
		return issue("{\"alg\":\"ES256\",\"typ\":\"JWT\"}", argv[3], argv[2], true);
	if (strcmp(word, "hs256") == 0 && argc == 4)
		return issue("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", argv[3], argv[2], false);
	if (strcmp(word, "none") == 0 && argc == 3)
		return issue("{\"alg\":\"none\"}", argv[2], NULL, false);
	if (strcmp(word, "head") == 0 && argc == 5)
		return issue(argv[3], argv[4], argv[2], false);
	fprintf(stderr, "usage: hostile_tickets new|es256|hs256|none|head ...\n");
	return EXIT_USAGE;
}
