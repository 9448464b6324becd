/*
 * protocol.h - the four protocols and their ALPN names (RFC 7301).
 */
#ifndef WIRE_PROTOCOL_H
#define WIRE_PROTOCOL_H

#include "base/bytes.h"

enum protocol {
	PROTOCOL_ANNOUNCE,       /* /mosaik/announce */
	PROTOCOL_CATALOG_SYNC,   /* /mosaik/catalog-sync */
	PROTOCOL_STREAMS,        /* /mosaik/streams/1.0 */
	PROTOCOL_GROUPS,         /* /mosaik/groups/1 */
	PROTOCOL_COUNT
};

const char *protocol_alpn(enum protocol protocol);
bool protocol_from_alpn(struct bytes alpn, enum protocol *out);

/* The largest message of this protocol, frame prefix not counted: a longer one is refused before it is stored. */
size_t protocol_frame_max(enum protocol protocol);
/* The same for the first message each way on a link: a handshake is small, and who sends it has shown nothing yet. */
size_t protocol_first_max(enum protocol protocol);

#endif
