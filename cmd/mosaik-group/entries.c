/*
 * entries.c - see entries.h.
 */
#include "cmd/mosaik-group/entries.h"

#include <stdio.h>

#include "cmd/common/jsontext.h"
#include "runtime/stdio.h"

static void put_json(struct output *output, const struct log_place *place, struct bytes data)
{
	struct buffer line = {0};
	char head[80];

	snprintf(head, sizeof head, "{\"index\":%llu,\"term\":%llu,", (unsigned long long)place->index, (unsigned long long)place->term);
	buffer_append(&line, bytes_of_text(head));
	if (bytes_are_utf8(data)) {
		buffer_append(&line, bytes_of_text("\"data\":"));
		jsontext_quote(&line, data);
	} else {
		buffer_append(&line, bytes_of_text("\"data_b64\":\""));
		jsontext_base64(buffer_extend(&line, jsontext_base64_size(data.size)), data);
		buffer_append(&line, bytes_of_text("\""));
	}
	buffer_append(&line, bytes_of_text("}\n"));
	output_put(output, buffer_bytes(&line));
	buffer_fini(&line);
}

enum error entries_put(struct output *output, enum framing framing, const struct log_place *place, struct bytes data)
{
	if (framing != FRAMING_JSON)
		return record_write_one(framing, output, data, &(struct record_origin){.stream = ""});
	put_json(output, place, data);
	return OK;
}
