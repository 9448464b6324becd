/*
 * bond_wire.c - see bond_wire.h.
 *
 * Messages of the group pass through untouched: only the first three bytes of one are looked at, which no message with a
 * kind below 128 begins with.
 */
#include "groups/bond_wire.h"

#include "base/check.h"
#include "groups/groups.h"
#include "wire/cbor.h"

#define HANDSHAKE_ITEMS 7
#define HELLO_ITEMS 9
#define EXPECT_MAX UINT8_MAX

struct id bond_wire_key(const struct id *group_key)
{
	return id_derive(group_key, bytes_of_text("bond"));
}

struct id bond_wire_proof(const struct id *key, const struct prover *prover, const struct handshake *handshake)
{
	struct buffer data = {0};
	uint8_t number[8];
	const uint8_t small[3] = {(uint8_t)prover->side, (uint8_t)handshake->role, handshake->lane};

	bytes_put_be64(number, handshake->number);
	buffer_append(&data, bytes_of(prover->binding.byte, ID_SIZE));
	buffer_append(&data, bytes_of(small, sizeof small));
	buffer_append(&data, bytes_of(number, sizeof number));
	buffer_append(&data, bytes_of(prover->peer.byte, ID_SIZE));
	buffer_append(&data, bytes_of(handshake->group.byte, ID_SIZE));
	struct id proof = id_keyed(key, buffer_bytes(&data));
	buffer_fini(&data);
	return proof;
}

static struct blob *finish(struct buffer *out)
{
	struct blob *blob = blob_copy(buffer_bytes(out));

	buffer_fini(out);
	return blob;
}

static void put_hello(struct buffer *out, const struct group_hello *hello)
{
	cbor_put_array(out, HELLO_ITEMS);
	cbor_put_uint(out, hello->incarnation);
	cbor_put_id(out, &hello->lineage);
	cbor_put_uint(out, hello->preference);
	cbor_put_bool(out, hello->durable);
	cbor_put_uint(out, hello->expect);
	cbor_put_bool(out, hello->join_only);
	cbor_put_uint(out, hello->commit);
	cbor_put_uint(out, hello->position);
	cbor_put_id(out, &hello->leader);
}

static struct group_hello get_hello(struct cbor *in)
{
	struct group_hello hello;

	cbor_array_of(in, HELLO_ITEMS);
	hello.incarnation = cbor_uint(in);
	hello.lineage = cbor_id(in);
	hello.preference = (enum preference)cbor_uint_up_to(in, PREFER_OBSERVER);
	hello.durable = cbor_bool(in);
	hello.expect = (uint8_t)cbor_uint_up_to(in, EXPECT_MAX);
	hello.join_only = cbor_bool(in);
	hello.commit = cbor_uint(in);
	hello.position = cbor_uint(in);
	hello.leader = cbor_id(in);
	if (hello.incarnation == 0)
		cbor_fail(in);   /* nobody's: see member.h */
	return hello;
}

struct blob *bond_wire_handshake(const struct handshake *handshake)
{
	struct buffer out = {0};

	ASSERT(handshake->lane < LANES && (handshake->role == BOND_MEMBER || handshake->lane == 0));
	cbor_put_array(&out, HANDSHAKE_ITEMS);
	cbor_put_uint(&out, BOND_VERSION);
	cbor_put_id(&out, &handshake->group);
	cbor_put_uint(&out, handshake->role);
	cbor_put_uint(&out, handshake->lane);
	cbor_put_uint(&out, handshake->number);
	cbor_put_id(&out, &handshake->proof);
	if (handshake->has_hello)
		put_hello(&out, &handshake->hello);
	else
		cbor_put_null(&out);
	return finish(&out);
}

enum error bond_wire_decode_handshake(struct bytes message, struct handshake *out)
{
	struct handshake read = {0};
	struct cbor in;

	cbor_init(&in, message);
	cbor_array_of(&in, HANDSHAKE_ITEMS);
	if (cbor_uint(&in) != BOND_VERSION)
		cbor_fail(&in);
	read.group = cbor_id(&in);
	read.role = (enum bond_role)cbor_uint_up_to(&in, BOND_CLIENT);
	read.lane = (uint8_t)cbor_uint_up_to(&in, read.role == BOND_MEMBER ? LANES - 1 : 0);
	read.number = cbor_uint(&in);
	read.proof = cbor_id(&in);
	read.has_hello = cbor_peek(&in) != CBOR_NULL;
	if (read.has_hello)
		read.hello = get_hello(&in);
	else
		cbor_null(&in);
	if (cbor_end(&in) != OK)
		return ERROR_MALFORMED;
	*out = read;
	return OK;
}

struct blob *bond_wire_hello(const struct group_hello *hello)
{
	struct buffer out = {0};

	cbor_put_array(&out, 2);
	cbor_put_uint(&out, BOND_HELLO);
	put_hello(&out, hello);
	return finish(&out);
}

struct blob *bond_wire_sign(enum bond_message sign)
{
	struct buffer out = {0};

	ASSERT(sign != BOND_HELLO);
	cbor_put_array(&out, 1);
	cbor_put_uint(&out, sign);
	return finish(&out);
}

unsigned bond_wire_kind(struct bytes message)
{
	/* The head of an array of one or two, and of an unsigned number of one byte. */
	if (message.size < 3 || (message.data[0] != 0x81 && message.data[0] != 0x82) || message.data[1] != 0x18)
		return 0;
	return message.data[2] >= BOND_HELLO && message.data[2] <= BOND_PONG ? message.data[2] : 0;
}

enum error bond_wire_decode(struct bytes message, struct group_hello *hello)
{
	bool is_hello = bond_wire_kind(message) == BOND_HELLO;
	struct group_hello read = {0};
	struct cbor in;

	cbor_init(&in, message);
	cbor_array_of(&in, is_hello ? 2 : 1);
	(void)cbor_uint(&in);
	if (is_hello)
		read = get_hello(&in);
	if (cbor_end(&in) != OK)
		return ERROR_MALFORMED;
	if (is_hello)
		*hello = read;
	return OK;
}
