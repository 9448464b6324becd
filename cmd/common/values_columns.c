/*
 * values_columns.c - see values_columns.h.
 */
#include "cmd/common/values_columns.h"

#include <string.h>

#include "cmd/common/values.h"

/* false: a backslash before something else. */
static bool unescape(struct bytes column, struct buffer *out)
{
	static const char letter[] = "\\tnr0", meant[] = "\\\t\n\r";

	for (size_t i = 0; i < column.size; i++) {
		const char *found;

		if (column.data[i] != '\\') {
			buffer_append(out, bytes_of(column.data + i, 1));
			continue;
		}
		if (++i == column.size || column.data[i] == '\0' || !(found = strchr(letter, column.data[i])))
			return false;
		buffer_append(out, bytes_of(meant + (found - letter), 1));   /* the last one is the NUL at the end */
	}
	return true;
}

/* Takes the column and the TAB behind it off *rest. false: there is no TAB. */
static bool next_column(struct bytes *rest, struct bytes *column)
{
	const uint8_t *tab = rest->size > 0 ? memchr(rest->data, '\t', rest->size) : NULL;
	size_t size = tab ? (size_t)(tab - rest->data) : 0;

	if (!tab)
		return false;
	*column = bytes_of(rest->data, size);
	*rest = bytes_of(tab + 1, rest->size - size - 1);
	return true;
}

static enum error read_column(enum type type, struct bytes column, struct buffer *out)
{
	struct buffer text = {0};
	enum error error = ERROR_MALFORMED;

	buffer_clear(out);
	if (unescape(column, &text))
		error = values_parse(type, buffer_bytes(&text), out);
	buffer_fini(&text);
	return error;
}

enum error values_read_columns(const struct collection_shape *shape, struct bytes line, struct buffer part[PARTS])
{
	struct bytes rest = line, column;
	enum error error = OK;
	unsigned left = 0;

	for (unsigned i = 0; i < PARTS; i++)
		left += collection_has(shape->kind, (enum part)i);
	if (left == 1) {
		enum part only = collection_has(shape->kind, PART_KEY) ? PART_KEY : PART_VALUE;

		buffer_clear(&part[only]);
		return values_parse(shape->type[only], line, &part[only]);
	}
	for (unsigned i = 0; i < PARTS && error == OK; i++) {
		if (!collection_has(shape->kind, (enum part)i))
			continue;
		column = rest;
		if (next_column(&rest, &column) == (--left == 0))   /* a TAB behind each but the last */
			return ERROR_MALFORMED;
		error = read_column(shape->type[i], column, &part[i]);
	}
	return error;
}
