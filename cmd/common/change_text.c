/*
 * change_text.c - see change_text.h.
 */
#include "cmd/common/change_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common/jsontext.h"
#include "cmd/common/values.h"

struct field {
	bool is_there;
	enum type type;
	struct bytes stored;
	const char *name;            /* in JSON */
};

enum { FIELD_KEY, FIELD_VALUE, FIELD_PRIORITY, FIELDS };

static void fields_of(const struct collection_shape *shape, const struct change *change, struct field field[FIELDS])
{
	bool is_vec = shape->kind == COLLECTION_VEC;

	field[FIELD_KEY] = (struct field){change->has_key, is_vec ? TYPE_U64 : shape->type[PART_KEY], change->key,
		!is_vec ? "key" : change->op == CHANGE_TRUNCATE ? "length" : "index"};
	field[FIELD_VALUE] = (struct field){change->has_value, change->op == CHANGE_SWAP ? TYPE_U64 : shape->type[PART_VALUE],
		change->value, change->op == CHANGE_SWAP ? "other" : "value"};
	field[FIELD_PRIORITY] = (struct field){change->has_priority, shape->type[PART_PRIORITY], change->priority, "priority"};
}

bool change_text_is_sound(const struct collection_shape *shape, const struct change *change)
{
	struct field field[FIELDS];

	fields_of(shape, change, field);
	for (size_t i = 0; i < FIELDS; i++)
		if (field[i].is_there && !type_holds(field[i].type, field[i].stored))
			return false;
	return true;
}

static const char *op_of(const struct change_told *told)
{
	return told->change ? change_name(told->change->op) : "reset";
}

static void put_json(const struct field field[FIELDS], const struct change_told *told, struct buffer *out)
{
	char head[64];

	snprintf(head, sizeof head, "{\"version\":%" PRIu64 ",\"op\":\"%s\"", told->version, op_of(told));
	buffer_append(out, bytes_of_text(head));
	for (size_t i = 0; i < FIELDS; i++) {
		if (!field[i].is_there)
			continue;
		buffer_append(out, bytes_of_text(","));
		values_member(field[i].name, field[i].type, field[i].stored, out);
	}
	buffer_append(out, bytes_of_text("}\n"));
}

static void put_columns(const struct field field[FIELDS], const struct change_told *told, enum verb_form form, size_t columns,
	struct buffer *out)
{
	char head[64];
	struct bytes between = bytes_of(form == VERB_NUL ? "\0" : "\t", 1);

	snprintf(head, sizeof head, "%" PRIu64, told->version);
	buffer_append(out, bytes_of_text(head));
	buffer_append(out, between);
	buffer_append(out, bytes_of_text(op_of(told)));
	for (size_t i = 0; i < columns; i++) {
		buffer_append(out, between);
		if (field[i].is_there && form == VERB_NUL)
			type_print(field[i].type, field[i].stored, out);
		else if (field[i].is_there)
			values_field(field[i].type, field[i].stored, out);
	}
	buffer_append(out, bytes_of(form == VERB_NUL ? "\0" : "\n", 1));
}

void change_text_put(const struct collection_shape *shape, enum verb_form form, const struct change_told *told,
	struct buffer *out)
{
	static const struct change nothing;
	struct field field[FIELDS];

	fields_of(shape, told->change ? told->change : &nothing, field);
	if (form == VERB_JSON)
		put_json(field, told, out);
	else
		put_columns(field, told, form, shape->kind == COLLECTION_PQUEUE ? FIELDS : FIELD_PRIORITY, out);
}

/* ---- for a command ---- */

static void set_field(const char *name, const char *name_base64, const struct field *field)
{
	struct buffer text = {0};

	unsetenv(name);
	unsetenv(name_base64);
	if (!field->is_there)
		return;
	type_print(field->type, field->stored, &text);
	if (text.size > 0 && memchr(text.data, '\0', text.size)) {
		struct buffer base64 = {0};

		jsontext_base64(buffer_extend(&base64, jsontext_base64_size(text.size)), buffer_bytes(&text));
		buffer_append(&base64, bytes_of("", 1));
		setenv(name_base64, (const char *)base64.data, 1);
		buffer_fini(&base64);
	} else {
		buffer_append(&text, bytes_of("", 1));
		setenv(name, (const char *)text.data, 1);
	}
	buffer_fini(&text);
}

void change_text_environment(const struct collection_shape *shape, const struct change_told *told, struct buffer *value)
{
	static const struct change nothing;
	struct field field[FIELDS];
	char version[24];

	fields_of(shape, told->change ? told->change : &nothing, field);
	snprintf(version, sizeof version, "%" PRIu64, told->version);
	setenv("MOSAIK_VERSION", version, 1);
	setenv("MOSAIK_OP", op_of(told), 1);
	set_field("MOSAIK_KEY", "MOSAIK_KEY_B64", &field[FIELD_KEY]);
	set_field("MOSAIK_PRIORITY", "MOSAIK_PRIORITY_B64", &field[FIELD_PRIORITY]);
	if (field[FIELD_VALUE].is_there)
		type_print(field[FIELD_VALUE].type, field[FIELD_VALUE].stored, value);
}
