/*
 * values_columns.c - entries from lines of columns, see values.h.
 */
#include <string.h>

#include "cmd/common/values.h"

/* false: a backslash before something else. */
static bool unescape(struct bytes field, struct buffer *out)
{
	static const char letter[] = "\\tnr0", meant[] = "\\\t\n\r";   /* the NUL at the end is that of 0 */

	for (size_t i = 0; i < field.size; i++) {
		const char *found;

		if (field.data[i] != '\\') {
			buffer_append(out, bytes_of(field.data + i, 1));
			continue;
		}
		if (++i == field.size || field.data[i] == '\0' || !(found = strchr(letter, field.data[i])))
			return false;
		buffer_append(out, bytes_of(meant + (found - letter), 1));
	}
	return true;
}

static enum error read_field(enum type type, struct bytes field, struct buffer *out)
{
	struct buffer text = {0};
	enum error status = unescape(field, &text) ? values_parse(type, buffer_bytes(&text), out) : ERROR_MALFORMED;

	buffer_fini(&text);
	return status;
}

static bool is_single(const struct collection_shape *shape)
{
	unsigned parts = 0;

	for (unsigned i = 0; i < PARTS; i++)
		parts += collection_has(shape->kind, (enum part)i);
	return parts == 1;
}

enum error values_read_columns(const struct collection_shape *shape, struct bytes line, struct buffer part[PARTS])
{
	enum error status = OK;
	bool is_first = true;

	if (is_single(shape)) {          /* which is printed as it is */
		enum part only = collection_has(shape->kind, PART_KEY) ? PART_KEY : PART_VALUE;

		buffer_clear(&part[only]);
		return values_parse(shape->type[only], line, &part[only]);
	}
	for (unsigned i = 0; i < PARTS && status == OK; i++) {
		const uint8_t *end;
		size_t size;

		if (!collection_has(shape->kind, (enum part)i))
			continue;
		if (!is_first) {
			if (line.size == 0 || line.data[0] != '\t')
				return ERROR_MALFORMED;
			line = bytes_of(line.data + 1, line.size - 1);
		}
		end = line.size > 0 ? memchr(line.data, '\t', line.size) : NULL;
		size = end ? (size_t)(end - line.data) : line.size;
		buffer_clear(&part[i]);
		status = read_field(shape->type[i], bytes_of(line.data, size), &part[i]);
		line = bytes_of(line.data + size, line.size - size);
		is_first = false;
	}
	return status == OK && line.size > 0 ? ERROR_MALFORMED : status;
}
