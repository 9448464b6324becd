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

/* Those of the columns that are typed: from CHANGE_KEY on. */
static void fields_of(const struct collection_shape *shape, const struct change *change, struct field field[CHANGE_COLUMNS])
{
	bool is_vec = shape->kind == COLLECTION_VEC;

	field[CHANGE_KEY] = (struct field){change->has_key, is_vec ? TYPE_U64 : shape->type[PART_KEY], change->key,
		!is_vec ? "key" : change->op == CHANGE_TRUNCATE ? "length" : "index"};
	field[CHANGE_VALUE] = (struct field){change->has_value, change->op == CHANGE_SWAP ? TYPE_U64 : shape->type[PART_VALUE],
		change->value, change->op == CHANGE_SWAP ? "other" : "value"};
	field[CHANGE_PRIORITY] = (struct field){change->has_priority, shape->type[PART_PRIORITY], change->priority, "priority"};
}

bool change_text_is_sound(const struct collection_shape *shape, const struct change *change)
{
	struct field field[CHANGE_COLUMNS];

	fields_of(shape, change, field);
	for (size_t i = CHANGE_KEY; i < CHANGE_COLUMNS; i++)
		if (field[i].is_there && !type_holds(field[i].type, field[i].stored))
			return false;
	return true;
}

static const char *op_of(const struct change_told *told)
{
	return told->change ? change_name(told->change->op) : "reset";
}

/* ---- columns ---- */

/* A line of a cell has an empty one for the key that it has not. */
static void names_of(enum collection_kind kind, const char *name[CHANGE_COLUMNS])
{
	name[CHANGE_VERSION] = "version";
	name[CHANGE_OP] = "op";
	name[CHANGE_KEY] = kind == COLLECTION_VEC ? "index" : "key";
	name[CHANGE_VALUE] = "value";
	name[CHANGE_PRIORITY] = kind == COLLECTION_PQUEUE ? "priority" : NULL;
}

bool change_columns_read(enum collection_kind kind, const char *text, struct columns *out, const char **unknown)
{
	const char *name[CHANGE_COLUMNS];

	names_of(kind, name);
	return columns_read(text, name, CHANGE_COLUMNS, out, unknown);
}

static struct columns all_columns(enum collection_kind kind)
{
	struct columns all = {.count = 0};
	const char *name[CHANGE_COLUMNS];

	names_of(kind, name);
	for (size_t i = 0; i < CHANGE_COLUMNS; i++)
		if (name[i])
			all.one[all.count++] = i;
	return all;
}

/* ---- lines ---- */

static void put_number(const char *before, uint64_t number, struct buffer *out)
{
	char text[48];

	snprintf(text, sizeof text, "%s%" PRIu64, before, number);
	buffer_append(out, bytes_of_text(text));
}

static void put_json(const struct columns *columns, const struct field field[CHANGE_COLUMNS], const struct change_told *told,
	struct buffer *out)
{
	const char *before = "{";

	for (size_t i = 0; i < columns->count; i++) {
		size_t column = columns->one[i];

		if (column >= CHANGE_KEY && !field[column].is_there)
			continue;
		buffer_append(out, bytes_of_text(before));
		before = ",";
		if (column == CHANGE_VERSION) {
			put_number("\"version\":", told->version, out);
		} else if (column == CHANGE_OP) {
			buffer_append(out, bytes_of_text("\"op\":\""));
			buffer_append(out, bytes_of_text(op_of(told)));
			buffer_append(out, bytes_of_text("\""));
		} else {
			values_member(field[column].name, field[column].type, field[column].stored, out);
		}
	}
	buffer_append(out, bytes_of_text(*before == '{' ? "{}\n" : "}\n"));
}

static void put_line(const struct change_form *form, const struct field field[CHANGE_COLUMNS], const struct change_told *told,
	struct buffer *out)
{
	struct bytes between = bytes_of(form->form == VERB_NUL ? "\0" : "\t", 1);
	bool raw = form->form == VERB_NUL || form->columns.count == 1;

	for (size_t i = 0; i < form->columns.count; i++) {
		size_t column = form->columns.one[i];

		if (i > 0)
			buffer_append(out, between);
		if (column == CHANGE_VERSION)
			put_number("", told->version, out);
		else if (column == CHANGE_OP)
			buffer_append(out, bytes_of_text(op_of(told)));
		else if (field[column].is_there)
			(raw ? type_print : values_field)(field[column].type, field[column].stored, out);
	}
	buffer_append(out, bytes_of(form->form == VERB_NUL ? "\0" : "\n", 1));
}

void change_text_put(const struct collection_shape *shape, const struct change_form *form, const struct change_told *told,
	struct buffer *out)
{
	static const struct change nothing;
	struct change_form full = *form;
	struct field field[CHANGE_COLUMNS];

	fields_of(shape, told->change ? told->change : &nothing, field);
	if (full.columns.count == 0)
		full.columns = all_columns(shape->kind);
	if (full.form == VERB_JSON)
		put_json(&full.columns, field, told, out);
	else
		put_line(&full, field, told, out);
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
	struct field field[CHANGE_COLUMNS];
	char version[24];

	fields_of(shape, told->change ? told->change : &nothing, field);
	snprintf(version, sizeof version, "%" PRIu64, told->version);
	setenv("MOSAIK_VERSION", version, 1);
	setenv("MOSAIK_OP", op_of(told), 1);
	set_field("MOSAIK_KEY", "MOSAIK_KEY_B64", &field[CHANGE_KEY]);
	set_field("MOSAIK_PRIORITY", "MOSAIK_PRIORITY_B64", &field[CHANGE_PRIORITY]);
	if (field[CHANGE_VALUE].is_there)
		type_print(field[CHANGE_VALUE].type, field[CHANGE_VALUE].stored, value);
}
