/*
 * member.c - see member.h. Configurations travel as [[peer, incarnation, ...], [peer, incarnation, ...]].
 */
#include "groups/member.h"

#include "base/check.h"
#include "wire/cbor.h"

int member_compare(const struct member *a, const struct member *b)
{
	int order = id_compare(&a->peer, &b->peer);

	if (order != 0)
		return order;
	return (a->incarnation > b->incarnation) - (a->incarnation < b->incarnation);
}

bool member_equal(const struct member *a, const struct member *b)
{
	return member_compare(a, b) == 0;
}

bool member_is_none(const struct member *member)
{
	return member->incarnation == 0 && id_is_zero(&member->peer);
}

bool voters_have(const struct voters *voters, const struct member *member)
{
	for (size_t i = 0; i < voters->count; i++)
		if (member_equal(&voters->member[i], member))
			return true;
	return false;
}

bool voters_equal(const struct voters *a, const struct voters *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!member_equal(&a->member[i], &b->member[i]))
			return false;
	return true;
}

size_t voters_majority(const struct voters *voters)
{
	return voters->count / 2u + 1u;
}

bool configuration_has(const struct configuration *configuration, const struct member *member)
{
	return voters_have(&configuration->incoming, member) || voters_have(&configuration->outgoing, member);
}

bool configuration_is_joint(const struct configuration *configuration)
{
	return configuration->outgoing.count > 0;
}

static void encode_voters(const struct voters *voters, struct buffer *out)
{
	ASSERT(voters->count <= VOTERS_MAX);
	cbor_put_array(out, 2u * voters->count);
	for (size_t i = 0; i < voters->count; i++) {
		cbor_put_id(out, &voters->member[i].peer);
		cbor_put_uint(out, voters->member[i].incarnation);
	}
}

void configuration_encode(const struct configuration *configuration, struct buffer *out)
{
	cbor_put_array(out, 2);
	encode_voters(&configuration->outgoing, out);
	encode_voters(&configuration->incoming, out);
}

static void decode_voters(struct cbor *in, struct voters *out)
{
	size_t count = cbor_array(in, 2u * VOTERS_MAX);

	if (count % 2 != 0)
		cbor_fail(in);
	out->count = (uint8_t)(count / 2);
	for (size_t i = 0; i < out->count; i++) {
		out->member[i].peer = cbor_id(in);
		out->member[i].incarnation = cbor_uint(in);
		if (out->member[i].incarnation == 0 || (i > 0 && member_compare(&out->member[i - 1], &out->member[i]) >= 0))
			cbor_fail(in);
	}
}

enum error configuration_decode(struct bytes encoded, struct configuration *out)
{
	struct configuration read = {0};
	struct cbor in;

	cbor_init(&in, encoded);
	cbor_array_of(&in, 2);
	decode_voters(&in, &read.outgoing);
	decode_voters(&in, &read.incoming);
	if (read.incoming.count == 0)
		cbor_fail(&in);
	if (cbor_end(&in) != OK)
		return ERROR_MALFORMED;
	*out = read;
	return OK;
}
