/*
 * jsontext.h - the parts of JSON text (RFC 8259) that have to be fast or exact: strings and base64.
 */
#ifndef CMD_JSONTEXT_H
#define CMD_JSONTEXT_H

#include "base/bytes.h"

#define JSONTEXT_ESCAPED_MAX 6   /* bytes that one byte can become */

/* Escapes UTF-8 text for the inside of a JSON string. Writes up to 6 * size bytes; returns what follows them. */
uint8_t *jsontext_escape(uint8_t *out, struct bytes utf8);
/* A whole JSON string, quotes included. Bytes that are not UTF-8 become U+FFFD: for names, not for data. */
void jsontext_quote(struct buffer *out, struct bytes text);

static inline size_t jsontext_base64_size(size_t size)
{
	return (size + 2) / 3 * 4;
}

/* RFC 4648 section 4, with padding. Writes jsontext_base64_size(data.size) bytes; returns what follows them. */
uint8_t *jsontext_base64(uint8_t *out, struct bytes data);
/* Appends what the text stands for. False: not base64; out may have grown. */
bool jsontext_from_base64(struct bytes text, struct buffer *out);

#endif
