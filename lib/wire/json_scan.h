/*
 * json_scan.h - going forward over a JSON text, once (RFC 8259): what the strict reader of small objects (json.h) and the quick
 * search for one field (streams/json_field.h) have in common.
 */
#ifndef WIRE_JSON_SCAN_H
#define WIRE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct json_scan {             /* borrowed: the bytes that are left */
	const uint8_t *at;
	const uint8_t *end;
};

static inline void json_skip_space(struct json_scan *scan)
{
	while (scan->at < scan->end && memchr(" \t\r\n", *scan->at, 4) != NULL)
		scan->at++;
}

/* Steps over `byte` and the space in front of it; false: something else is there. */
static inline bool json_take(struct json_scan *scan, uint8_t byte)
{
	json_skip_space(scan);
	if (scan->at == scan->end || *scan->at != byte)
		return false;
	scan->at++;
	return true;
}

/* Steps over what follows a backslash. Returns the bytes of UTF-8 in `out` that it stands for, 0 for what is no escape. */
size_t json_escape(struct json_scan *scan, uint8_t out[4]);

#endif
