/*
 * entry_test.c - what is signed comes back; whatever is not exactly that is refused.
 */
#include "discovery/entry.h"

#include "discovery/entry_wire.h"
#include "fake.h"
#include "wire/cbor.h"
#include "wire/limits.h"

/* A card with everything in it; by peer 1. */
static struct card full_card(void)
{
	struct card card = fake_card(1, 1700000000000, 1700000000001);
	struct address address[2];
	struct blob *ticket = blob_copy(bytes_of_text("ticket"));

	assert_int_equal(address_parse("127.0.0.1:4000", &address[0]), OK);
	assert_int_equal(address_parse("[2001:db8::1]:65535", &address[1]), OK);
	card_set_addresses(&card, address, 2);
	for (unsigned i = 0; i < 3; i++) {
		struct keypair pair = fake_pair(100 + i);

		id_set_add(&card.tags, &pair.public_key);
		id_set_add(&card.streams, &pair.public_key);
		id_set_add(&card.groups, &pair.public_key);
		card_set_name(&card, &pair.public_key, "name");
		card_set_ticket(&card, &pair.public_key, ticket);
	}
	blob_drop(ticket);
	return card;
}

static void an_entry_round_trips(void **state)
{
	struct keypair pair = fake_pair(1);
	struct card card = full_card();
	struct entry *entry = entry_sign(&card, &pair, &fake_crypto);
	struct entry *back = NULL;
	struct entry_label head;

	(void)state;
	assert_int_equal(entry_decode(blob_bytes(entry->signed_bytes), &fake_crypto, &back), OK);
	assert_false(back->is_goodbye);
	assert_true(card_equal(&card, &back->card));
	assert_int_equal(version_compare(&card.version, &back->card.version), 0);
	assert_true(bytes_equal(blob_bytes(entry->signed_bytes), blob_bytes(back->signed_bytes)));
	assert_int_equal(entry_peek(blob_bytes(entry->signed_bytes), &head), OK);
	assert_true(id_equal(&head.peer, &card.peer) && id_equal(&head.network, &card.network) && !head.is_goodbye);
	assert_int_equal(version_compare(&head.version, &card.version), 0);
	entry_drop(back);
	entry_drop(entry);
	card_fini(&card);
}

static void a_goodbye_round_trips_and_says_no_more(void **state)
{
	struct keypair pair = fake_pair(1);
	struct card card = full_card();
	struct entry *goodbye = entry_sign_goodbye(&card, &pair, &fake_crypto);
	struct entry *back = NULL;

	(void)state;
	assert_int_equal(entry_decode(blob_bytes(goodbye->signed_bytes), &fake_crypto, &back), OK);
	assert_true(back->is_goodbye);
	assert_true(id_equal(&back->card.peer, &card.peer));
	assert_int_equal(version_compare(&back->card.version, &card.version), 0);
	assert_int_equal(back->card.address_count + back->card.tags.count + back->card.name_count, 0);
	entry_drop(back);
	entry_drop(goodbye);
	card_fini(&card);
}

static void real_keys_sign_and_verify(void **state)
{
	struct keypair pair = {.seed = {1, 2, 3}};
	struct card card = {.network = fake_network()};
	struct entry *entry;
	struct entry *back = NULL;
	uint8_t *bytes;

	(void)state;
	crypto_ed25519.derive(&pair);
	card.peer = pair.public_key;
	entry = entry_sign(&card, &pair, &crypto_ed25519);
	assert_int_equal(entry_decode(blob_bytes(entry->signed_bytes), &crypto_ed25519, &back), OK);
	entry_drop(back);
	bytes = entry->signed_bytes->data + entry->signed_bytes->start;
	bytes[blob_size(entry->signed_bytes) - 1] ^= 1;
	assert_int_equal(entry_decode(blob_bytes(entry->signed_bytes), &crypto_ed25519, &back), ERROR_BAD_SIGNATURE);
	entry_drop(entry);
}

/* Signs whatever body for peer 1 and says what becomes of it. */
static enum error decode_body(const struct buffer *body, bool is_goodbye)
{
	struct entry_wire wire = {.is_goodbye = is_goodbye, .body = buffer_bytes(body)};
	struct keypair pair = fake_pair(1);
	struct buffer message = {0};
	struct blob *blob;
	struct entry *entry = NULL;
	enum error error;

	entry_wire_message(&wire, &message);
	fake_crypto.sign(&pair, buffer_bytes(&message), &wire.signature);
	blob = entry_wire_close(&wire);
	error = entry_decode(blob_bytes(blob), &fake_crypto, &entry);
	assert_int_equal(error == OK, entry != NULL);
	entry_drop(entry);
	blob_drop(blob);
	buffer_fini(&message);
	return error;
}

static void keys_of_small_order_are_named(void **state)
{
	struct card card = {.network = fake_network()};
	struct buffer body = {0};

	(void)state;
	entry_wire_put_body(&card, false, &body);   /* peer zero: a point of order four */
	assert_int_equal(decode_body(&body, false), ERROR_BAD_KEY);
	buffer_fini(&body);
}

static void every_changed_byte_is_refused(void **state)
{
	struct keypair pair = fake_pair(1);
	struct card card = full_card();
	struct entry *entry = entry_sign(&card, &pair, &fake_crypto);
	struct blob *bytes = blob_copy(blob_bytes(entry->signed_bytes));
	struct entry *back = NULL;

	(void)state;
	for (size_t i = 0; i < blob_size(bytes); i++) {
		bytes->data[bytes->start + i] ^= 0x01;
		assert_int_not_equal(entry_decode(blob_bytes(bytes), &fake_crypto, &back), OK);
		bytes->data[bytes->start + i] ^= 0x01;
	}
	for (size_t size = 0; size < blob_size(bytes); size++)
		assert_int_equal(
			entry_decode(bytes_of(bytes->data + bytes->start, size), &fake_crypto, &back), ERROR_MALFORMED);
	assert_null(back);
	blob_drop(bytes);
	entry_drop(entry);
	card_fini(&card);
}

/* The fields of a body up to and with the version. */
static void put_start(struct buffer *body, size_t pairs)
{
	struct card card = fake_card(1, 1, 2);

	cbor_put_map(body, pairs);
	cbor_put_uint(body, 0);
	cbor_put_uint(body, ENTRY_WIRE_VERSION);
	cbor_put_uint(body, 1);
	cbor_put_id(body, &card.network);
	cbor_put_uint(body, 2);
	cbor_put_id(body, &card.peer);
	cbor_put_uint(body, 3);
	cbor_put_array(body, 2);
	cbor_put_uint(body, 1);
	cbor_put_uint(body, 2);
}

static void put_empty(struct buffer *body, unsigned from, unsigned to)
{
	for (unsigned key = from; key <= to; key++) {
		cbor_put_uint(body, key);
		if (key < 8)
			cbor_put_array(body, 0);
		else
			cbor_put_map(body, 0);
	}
}

static void unknown_keys_are_skipped(void **state)
{
	struct buffer body = {0};

	(void)state;
	put_start(&body, 12);
	put_empty(&body, 4, 9);
	cbor_put_uint(&body, 10);
	cbor_put_array(&body, 2);
	cbor_put_bool(&body, true);
	cbor_put_null(&body);
	cbor_put_uint(&body, 4711);
	cbor_put_text(&body, bytes_of_text("from the future"));
	assert_int_equal(decode_body(&body, false), OK);
	buffer_fini(&body);
}

static void missing_and_text_keys_are_refused(void **state)
{
	struct buffer body = {0};

	(void)state;
	put_start(&body, 9);
	put_empty(&body, 5, 9);
	assert_int_equal(decode_body(&body, false), ERROR_MALFORMED);
	buffer_clear(&body);
	put_start(&body, 11);
	put_empty(&body, 4, 9);
	cbor_put_text(&body, bytes_of_text("key"));
	cbor_put_null(&body);
	assert_int_equal(decode_body(&body, false), ERROR_MALFORMED);
	buffer_clear(&body);
	put_start(&body, 10);
	put_empty(&body, 4, 9);
	assert_int_equal(decode_body(&body, false), OK);
	assert_int_equal(decode_body(&body, true), ERROR_MALFORMED);   /* an entry's body in a goodbye */
	buffer_fini(&body);
}

static void put_tags(struct buffer *body, const struct id *id, size_t count)
{
	put_start(body, 10);
	put_empty(body, 4, 4);
	cbor_put_uint(body, 5);
	cbor_put_array(body, count);
	for (size_t i = 0; i < count; i++)
		cbor_put_id(body, &id[i]);
	put_empty(body, 6, 9);
}

static void sets_must_be_sorted_unique_and_small(void **state)
{
	struct id id[ENTRY_SET_MAX + 1];
	struct buffer body = {0};

	(void)state;
	memset(id, 0, sizeof(id));
	for (unsigned i = 0; i <= ENTRY_SET_MAX; i++)
		bytes_put_be32(id[i].byte, i);
	put_tags(&body, id, ENTRY_SET_MAX);
	assert_int_equal(decode_body(&body, false), OK);
	buffer_clear(&body);
	put_tags(&body, id, ENTRY_SET_MAX + 1);
	assert_int_equal(decode_body(&body, false), ERROR_MALFORMED);
	buffer_clear(&body);
	id[1] = id[0];
	put_tags(&body, id, 2);
	assert_int_equal(decode_body(&body, false), ERROR_MALFORMED);
	buffer_clear(&body);
	id[0] = id[2];
	put_tags(&body, id, 2);
	assert_int_equal(decode_body(&body, false), ERROR_MALFORMED);
	buffer_fini(&body);
}

static enum error decode_address(size_t ip_size, uint64_t port, size_t count)
{
	static const uint8_t ip[17] = {0xfd};
	struct buffer body = {0};
	enum error error;

	put_start(&body, 10);
	cbor_put_uint(&body, 4);
	cbor_put_array(&body, count);
	for (size_t i = 0; i < count; i++) {
		cbor_put_array(&body, 2);
		cbor_put_bytes(&body, bytes_of(ip, ip_size));
		cbor_put_uint(&body, port);
	}
	put_empty(&body, 5, 9);
	error = decode_body(&body, false);
	buffer_fini(&body);
	return error;
}

static void addresses_are_checked(void **state)
{
	(void)state;
	assert_int_equal(decode_address(16, 1, 1), OK);
	assert_int_equal(decode_address(16, 65535, ENTRY_ADDRESSES_MAX), OK);
	assert_int_equal(decode_address(16, 1, ENTRY_ADDRESSES_MAX + 1), ERROR_MALFORMED);
	assert_int_equal(decode_address(15, 1, 1), ERROR_MALFORMED);
	assert_int_equal(decode_address(17, 1, 1), ERROR_MALFORMED);
	assert_int_equal(decode_address(16, 0, 1), ERROR_MALFORMED);
	assert_int_equal(decode_address(16, 65536, 1), ERROR_MALFORMED);
}

static enum error decode_name(struct bytes name)
{
	struct id id = fake_id("id");
	struct buffer body = {0};
	enum error error;

	put_start(&body, 10);
	put_empty(&body, 4, 8);
	cbor_put_uint(&body, 9);
	cbor_put_map(&body, 1);
	cbor_put_id(&body, &id);
	cbor_put_text(&body, name);
	error = decode_body(&body, false);
	buffer_fini(&body);
	return error;
}

static void names_are_checked(void **state)
{
	char text[ENTRY_NAME_MAX + 1];

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(decode_name(bytes_of(text, ENTRY_NAME_MAX)), OK);
	assert_int_equal(decode_name(bytes_of(text, ENTRY_NAME_MAX + 1)), ERROR_MALFORMED);
	assert_int_equal(decode_name(bytes_of_text("")), ERROR_MALFORMED);
	assert_int_equal(decode_name(bytes_of_text("\x1b[31m")), ERROR_MALFORMED);
	assert_int_equal(decode_name(bytes_of("a\0b", 3)), ERROR_MALFORMED);
}

/* Everything at its maximum: the entry still fits, and of the names as many as there is room for. */
static void the_largest_card_fits(void **state)
{
	struct keypair pair = fake_pair(1);
	struct card card = fake_card(1, UINT64_MAX, UINT64_MAX);
	struct address address[ENTRY_ADDRESSES_MAX];
	struct blob *ticket = blob_new(0, ENTRY_TICKET_MAX);
	struct entry *entry;
	struct entry *back = NULL;
	char name[ENTRY_NAME_MAX + 1];

	(void)state;
	memset(address, 0xFF, sizeof(address));
	memset(ticket->data, 0xFF, ENTRY_TICKET_MAX);
	ticket->end = ENTRY_TICKET_MAX;
	memset(name, 'x', sizeof(name));
	name[ENTRY_NAME_MAX] = '\0';
	card_set_addresses(&card, address, ENTRY_ADDRESSES_MAX);
	for (unsigned i = 0; i < 3 * ENTRY_SET_MAX; i++) {
		struct keypair other = fake_pair(1000 + i);

		id_set_add(i % 3 == 0 ? &card.tags : i % 3 == 1 ? &card.streams : &card.groups, &other.public_key);
		card_set_name(&card, &other.public_key, name);
		card_set_ticket(&card, &other.public_key, ticket);
	}
	assert_int_equal(card.ticket_count, CARD_TICKETS_MAX);
	entry = entry_sign(&card, &pair, &fake_crypto);
	assert_true(blob_size(entry->signed_bytes) <= ENTRY_SIZE_MAX);
	assert_true(blob_size(entry->signed_bytes) > ENTRY_SIZE_MAX - 512);
	assert_int_equal(entry_decode(blob_bytes(entry->signed_bytes), &fake_crypto, &back), OK);
	assert_int_equal(back->card.tags.count, ENTRY_SET_MAX);
	assert_int_equal(back->card.groups.count, ENTRY_SET_MAX);
	assert_true(back->card.name_count > 0 && back->card.name_count < card.name_count);
	entry_drop(back);
	entry_drop(entry);
	blob_drop(ticket);
	card_fini(&card);
}

static void references_are_counted(void **state)
{
	struct entry *entry = fake_entry(1, 1, 1);

	(void)state;
	assert_ptr_equal(entry_keep(entry), entry);
	entry_drop(entry);
	assert_int_equal(entry->references, 1);
	entry_drop(entry);
	entry_drop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_round_trips),
		cmocka_unit_test(a_goodbye_round_trips_and_says_no_more),
		cmocka_unit_test(real_keys_sign_and_verify),
		cmocka_unit_test(keys_of_small_order_are_named),
		cmocka_unit_test(every_changed_byte_is_refused),
		cmocka_unit_test(unknown_keys_are_skipped),
		cmocka_unit_test(missing_and_text_keys_are_refused),
		cmocka_unit_test(sets_must_be_sorted_unique_and_small),
		cmocka_unit_test(addresses_are_checked),
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(the_largest_card_fits),
		cmocka_unit_test(references_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
