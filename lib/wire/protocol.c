/*
 * protocol.c - the table of protocols.
 */
#include "wire/protocol.h"

#include "base/check.h"
#include "wire/limits.h"

struct row {
	const char *alpn;
	size_t frame_max;
	size_t first_max;        /* of the first message each way; 0: as of the others */
};

static const struct row rows[PROTOCOL_COUNT] = {
	[PROTOCOL_ANNOUNCE] = {"/mosaik/announce", FRAME_ANNOUNCE_MAX, 0},
	[PROTOCOL_CATALOG_SYNC] = {"/mosaik/catalog-sync", FRAME_CATALOG_MAX, 0},
	[PROTOCOL_STREAMS] = {"/mosaik/streams/1.0", FRAME_STREAMS_MAX, 0},
	[PROTOCOL_GROUPS] = {"/mosaik/groups/1", FRAME_GROUPS_MAX, FRAME_HANDSHAKE_MAX},
};

static const struct row *row_of(enum protocol protocol)
{
	ASSERT((unsigned)protocol < PROTOCOL_COUNT);
	return &rows[protocol];
}

const char *protocol_alpn(enum protocol protocol)
{
	return row_of(protocol)->alpn;
}

bool protocol_from_alpn(struct bytes alpn, enum protocol *out)
{
	for (unsigned i = 0; i < PROTOCOL_COUNT; i++) {
		if (bytes_equal(alpn, bytes_of_text(rows[i].alpn))) {
			*out = (enum protocol)i;
			return true;
		}
	}
	return false;
}

size_t protocol_frame_max(enum protocol protocol)
{
	return row_of(protocol)->frame_max;
}

size_t protocol_first_max(enum protocol protocol)
{
	const struct row *row = row_of(protocol);

	return row->first_max > 0 ? row->first_max : row->frame_max;
}
