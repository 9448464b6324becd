/*
 * group_name.c - see group_name.h.
 */
#include "cmd/common/group_name.h"

#include <string.h>

#include "cmd/common/options.h"

#define NAME_MAX_BYTES 128

struct group_name group_name_read(const char *listed)
{
	size_t kind = strcspn(listed, " "), name;

	if (listed[kind] == '\0')
		return (struct group_name){bytes_of_text("group"), bytes_of_text(listed), ""};
	name = strcspn(listed + kind + 1, " ");
	return (struct group_name){
		.kind = bytes_of(listed, kind),
		.name = bytes_of(listed + kind + 1, name),
		.types = listed[kind + 1 + name] == ' ' ? listed + kind + 1 + name + 1 : "",
	};
}

bool group_name_matches(const char *listed, const char *kind, const char *name, const char **types)
{
	struct group_name read = group_name_read(listed);

	*types = read.types;
	return bytes_equal(read.kind, bytes_of_text(kind)) && bytes_equal(read.name, bytes_of_text(name));
}

bool group_name_types_match(const char *types, const char *wanted)
{
	size_t size = strlen(wanted);

	return strncmp(types, wanted, size) == 0 && (types[size] == '\0' || types[size] == ' ');
}

bool group_name_says(const char *listed, const char *text)
{
	size_t size = strlen(text);

	if (size == 0)
		return false;
	return (strncmp(listed, text, size) == 0 && (listed[size] == '\0' || listed[size] == ' ')) ||
		bytes_equal(group_name_read(listed).name, bytes_of_text(text));
}

const char *group_name_in(const struct card *card, const char *text)
{
	struct id id;
	bool is_id = id_from_text(text, &id) == OK;

	for (size_t i = 0; i < card->groups.count; i++) {
		const char *listed = card_name(card, &card->groups.id[i]);

		if ((is_id && id_equal(&card->groups.id[i], &id)) || (listed && group_name_says(listed, text)))
			return listed ? listed : "";
	}
	return NULL;
}

void group_name_check(const char *kind, const char *name)
{
	size_t size = strlen(name);

	if (size == 0 || size > NAME_MAX_BYTES)
		usage_error("the name of a %s has 1 to %d bytes", kind, NAME_MAX_BYTES);
	for (const char *at = name; *at; at++)
		if ((unsigned char)*at <= ' ' || *at == 0x7f)
			usage_error("the name of a %s has no spaces and no control characters", kind);
	if (!bytes_are_utf8(bytes_of_text(name)))
		usage_error("the name of a %s is not UTF-8", kind);
}
