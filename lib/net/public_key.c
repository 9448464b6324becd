/*
 * public_key.c - over GnuTLS, which knows the ASN.1.
 */
#include "net/public_key.h"

#include <gnutls/abstract.h>
#include <string.h>

#define HALF (P256_POINT_SIZE / 2)

/* Of `size` bytes, big-endian: what is short gets zeros in front, the zero that keeps a number positive goes. */
static bool put_number(uint8_t *out, size_t size, const gnutls_datum_t *number)
{
	const uint8_t *at = number->data;
	size_t left = number->size;

	for (; left > size && *at == 0; left--)
		at++;
	if (left > size)
		return false;
	memset(out, 0, size - left);
	if (left > 0)
		memcpy(out + size - left, at, left);
	return true;
}

static enum error take(gnutls_pubkey_t key, struct public_key *out)
{
	gnutls_datum_t x = {NULL, 0}, y = {NULL, 0};
	enum error error = ERROR_BAD_KEY;
	gnutls_ecc_curve_t curve;

	if (gnutls_pubkey_export_ecc_raw(key, &curve, &x, &y) != 0)
		return ERROR_BAD_KEY;
	if (curve == GNUTLS_ECC_CURVE_ED25519 && x.size == sizeof out->ed25519.byte) {
		out->kind = PUBLIC_KEY_ED25519;
		memcpy(out->ed25519.byte, x.data, x.size);
		error = crypto_key_is_usable(&out->ed25519) ? OK : ERROR_BAD_KEY;
	} else if (curve == GNUTLS_ECC_CURVE_SECP256R1) {
		out->kind = PUBLIC_KEY_P256;
		if (put_number(out->p256.byte, HALF, &x) && put_number(out->p256.byte + HALF, HALF, &y))
			error = p256_is_point(&out->p256) ? OK : ERROR_BAD_KEY;
	}
	gnutls_free(x.data);
	gnutls_free(y.data);
	return error;
}

enum error public_key_parse(struct bytes pem, struct public_key *out)
{
	gnutls_datum_t data = {(unsigned char *)(uintptr_t)pem.data, (unsigned)pem.size};
	enum error error = ERROR_BAD_TEXT;
	gnutls_pubkey_t key;

	if (pem.size > UINT32_MAX || gnutls_pubkey_init(&key) != 0)
		return ERROR_BAD_TEXT;
	if (gnutls_pubkey_import(key, &data, GNUTLS_X509_FMT_PEM) == 0)
		error = take(key, out);
	gnutls_pubkey_deinit(key);
	return error;
}
