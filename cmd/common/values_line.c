/*
 * values_line.c - see values_line.h.
 */
#include "cmd/common/values_line.h"

#include <string.h>

#define DIGITS_MAX 15        /* of a number that cannot overflow */

/* Takes the text off the front of *rest if it stands there. */
static bool take(struct bytes *rest, const char *text, size_t size)
{
	if (rest->size < size || memcmp(rest->data, text, size) != 0)
		return false;
	*rest = (struct bytes){rest->data + size, rest->size - size};
	return true;
}

static bool take_string(struct bytes *rest, struct buffer *out)
{
	struct bytes text;

	if (rest->size == 0 || rest->data[0] != '"')
		return false;
	text = (struct bytes){rest->data + 1, 0};
	while (text.size + 1 < rest->size && text.data[text.size] != '"') {
		if (text.data[text.size] < ' ' || text.data[text.size] == '\\')
			return false;
		text.size++;
	}
	if (text.size + 1 == rest->size || !bytes_are_utf8(text))
		return false;
	buffer_append(out, text);
	*rest = (struct bytes){text.data + text.size + 1, rest->size - text.size - 2};
	return true;
}

static bool take_number(struct bytes *rest, struct buffer *out)
{
	uint64_t value = 0;
	size_t digits = 0;

	while (digits < rest->size && rest->data[digits] >= '0' && rest->data[digits] <= '9' && digits <= DIGITS_MAX)
		value = value * 10 + (uint64_t)(rest->data[digits++] - '0');
	if (digits == 0 || digits > DIGITS_MAX || (digits > 1 && rest->data[0] == '0'))
		return false;
	type_put_u64(value, buffer_extend(out, TYPE_NUMBER_SIZE));
	*rest = (struct bytes){rest->data + digits, rest->size - digits};
	return true;
}

bool values_line_read(const struct collection_shape *shape, struct bytes line, struct buffer part[PARTS])
{
	static const char *const names[PARTS] = {"\"priority\":", "\"key\":", "\"value\":"};
	struct bytes rest = line;
	const char *before = "{";

	for (unsigned i = 0; i < PARTS; i++) {
		bool is_text = shape->type[i] == TYPE_BYTES || shape->type[i] == TYPE_STR;

		if (!collection_has(shape->kind, (enum part)i))
			continue;
		buffer_clear(&part[i]);
		if (!take(&rest, before, 1) || !take(&rest, names[i], strlen(names[i])))
			return false;
		if (is_text ? !take_string(&rest, &part[i]) : shape->type[i] != TYPE_U64 || !take_number(&rest, &part[i]))
			return false;
		before = ",";
	}
	return take(&rest, "}", 1) && rest.size == 0;
}
