/*
 * listing.c - see listing.h.
 *
 * A cell is encoded for its form as soon as it is given, so a row is one array of buffers. tsv and json rows are
 * printed when they end; a table has to wait for its widest cells, so its cells are kept.
 */
#include "cmd/common/listing.h"

#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "cmd/common/columns.h"
#include "cmd/common/jsontext.h"
#include "cmd/common/options.h"

#define NUMBER_SIZE 40
#define COLUMN_GAP "  "

struct listing {
	FILE *file;
	enum listing_form form;
	const struct column *columns;
	size_t column_count;
	struct columns shown;                 /* in the order to print */
	struct buffer cell[COLUMNS_MAX];      /* the row under way, by index into columns */
	struct buffer table;                  /* every cell in the order shown, each with a NUL behind it */
	size_t width[COLUMNS_MAX];            /* by position shown */
	size_t rows;
};

enum listing_form listing_form_for(FILE *file, bool json)
{
	if (json)
		return LISTING_JSON;
	return isatty(fileno(file)) ? LISTING_TABLE : LISTING_TSV;
}

/* ---- which columns ---- */

static bool choose(struct listing *listing, const char *wanted, const char **unknown)
{
	const char *name[COLUMNS_MAX];

	for (size_t i = 0; i < listing->column_count; i++)
		name[i] = listing->columns[i].name;
	return columns_read(wanted, name, listing->column_count, &listing->shown, unknown);
}

static bool is_many(enum column_kind kind)
{
	return kind == COLUMN_TEXTS || kind == COLUMN_NAMES;
}

/* Columns on a terminal: characters, taking every one as one wide. */
static size_t display_width(struct bytes text)
{
	size_t width = 0;

	for (size_t i = 0; i < text.size; i++)
		width += (text.data[i] & 0xC0) != 0x80;
	return width;
}

struct listing *listing_new(FILE *file, enum listing_form form, const struct column *columns, const char *wanted,
	const char **unknown)
{
	struct listing *listing = memory_new(sizeof *listing);

	listing->file = file;
	listing->form = form;
	listing->columns = columns;
	while (columns[listing->column_count].name)
		listing->column_count++;
	ASSERT(listing->column_count > 0 && listing->column_count <= COLUMNS_MAX);
	for (size_t i = 0; i < listing->column_count && !wanted; i++)
		listing->shown.one[listing->shown.count++] = i;
	if (!choose(listing, wanted, unknown)) {
		listing_free(listing);
		return NULL;
	}
	for (size_t i = 0; i < listing->shown.count; i++)
		listing->width[i] = display_width(bytes_of_text(columns[listing->shown.one[i]].name));
	return listing;
}

void listing_free(struct listing *listing)
{
	if (!listing)
		return;
	for (size_t i = 0; i < listing->column_count; i++)
		buffer_fini(&listing->cell[i]);
	buffer_fini(&listing->table);
	memory_free(listing);
}

struct listing *listing_open(const struct common *common, const struct column *columns)
{
	const char *unknown = NULL;
	struct listing *listing = listing_new(stdout, listing_form_for(stdout, common->json), columns, common->columns, &unknown);

	if (!listing)
		usage_error("there is no column '%.*s'", (int)strcspn(unknown, ","), unknown);
	return listing;
}

void listing_check(const struct common *common, const struct column *columns)
{
	listing_free(listing_open(common, columns));
}

/* ---- cells ---- */

static void put_text(struct buffer *out, const char *text)
{
	buffer_append(out, bytes_of_text(text));
}

static bool is_shown(const struct listing *listing, size_t column)
{
	for (size_t i = 0; i < listing->shown.count; i++)
		if (listing->shown.one[i] == column)
			return true;
	return false;
}

/* Starts a value: the comma between two of them. NULL: nobody wants it. */
static struct buffer *begin_value(struct listing *listing, size_t column)
{
	struct buffer *cell = &listing->cell[column];

	ASSERT(column < listing->column_count);
	if (!is_shown(listing, column))
		return NULL;
	if (cell->size > 0) {
		ASSERT(is_many(listing->columns[column].kind));
		put_text(cell, ",");
	}
	return cell;
}

/*
 * Characters that would end a cell or a row get their letter, other control characters \xNN, and the escape itself is
 * doubled. Terminals obey C1 controls (C2 80 .. C2 9F in UTF-8) as they obey ESC, and some of them single bytes from
 * 0x80 on, so text that is not UTF-8 keeps none of those.
 */
static void put_escaped(struct buffer *out, struct bytes text)
{
	static const char letters[] = {['\0'] = '0', ['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r'};
	bool is_utf8 = bytes_are_utf8(text), in_c1 = false;

	for (size_t i = 0; i < text.size; i++) {
		uint8_t byte = text.data[i];
		char escape[8];

		in_c1 = in_c1 || (byte == 0xC2 && i + 1 < text.size && text.data[i + 1] <= 0x9F);
		if (byte < sizeof letters && letters[byte]) {
			snprintf(escape, sizeof escape, "\\%c", letters[byte]);
		} else if (byte < 0x20 || byte == 0x7F || in_c1 || (byte >= 0x80 && !is_utf8)) {
			snprintf(escape, sizeof escape, "\\x%02x", byte);
			in_c1 = in_c1 && byte == 0xC2;
		} else {
			snprintf(escape, sizeof escape, byte == '\\' ? "\\\\" : "%c", byte);
		}
		put_text(out, escape);
	}
}

static void put_value(struct listing *listing, struct buffer *cell, struct bytes text)
{
	if (listing->form == LISTING_JSON)
		jsontext_quote(cell, text);
	else
		put_escaped(cell, text);
}

void listing_text(struct listing *listing, size_t column, struct bytes text)
{
	struct buffer *cell = begin_value(listing, column);

	if (cell)
		put_value(listing, cell, text);
}

void listing_number(struct listing *listing, size_t column, uint64_t value)
{
	struct buffer *cell = begin_value(listing, column);
	char text[NUMBER_SIZE];

	ASSERT(listing->columns[column].kind == COLUMN_NUMBER);
	snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	if (cell)
		put_text(cell, text);
}

void listing_real(struct listing *listing, size_t column, double value)
{
	struct buffer *cell = begin_value(listing, column);
	char text[NUMBER_SIZE];
	size_t size;

	ASSERT(listing->columns[column].kind == COLUMN_NUMBER);
	ASSERT(value > -1e15 && value < 1e15);
	size = (size_t)snprintf(text, sizeof text, "%.3f", value);
	while (text[size - 1] == '0')
		size--;
	if (text[size - 1] == '.')
		size--;
	if (cell)
		buffer_append(cell, bytes_of(text, size));
}

void listing_id(struct listing *listing, size_t column, const struct id *id)
{
	struct buffer *cell = begin_value(listing, column);
	char text[ID_TEXT_SIZE];

	id_format(id, text);
	if (listing->form == LISTING_TABLE)
		id_format_short(id, text);
	if (cell)
		put_value(listing, cell, bytes_of_text(text));
}

void listing_name(struct listing *listing, size_t column, const struct id *id, struct bytes name)
{
	struct buffer *cell;

	if (name.size == 0 && listing->form != LISTING_TABLE) {
		listing_id(listing, column, id);
		return;
	}
	cell = begin_value(listing, column);
	if (cell && name.size > 0) {
		put_value(listing, cell, name);
	} else if (cell) {
		char text[ID_SHORT_SIZE];

		id_format_short(id, text);
		put_text(cell, "#");
		put_text(cell, text);
	}
}

/* ---- rows ---- */

static void keep_table_row(struct listing *listing)
{
	for (size_t i = 0; i < listing->shown.count; i++) {
		struct buffer *cell = &listing->cell[listing->shown.one[i]];
		size_t width;

		if (cell->size == 0)
			put_text(cell, "-");
		width = display_width(buffer_bytes(cell));
		if (width > listing->width[i])
			listing->width[i] = width;
		buffer_append(&listing->table, buffer_bytes(cell));
		buffer_append(&listing->table, bytes_of("", 1));
	}
}

static void print_tsv_row(struct listing *listing)
{
	for (size_t i = 0; i < listing->shown.count; i++) {
		const struct buffer *cell = &listing->cell[listing->shown.one[i]];

		fwrite(cell->size > 0 ? cell->data : (const uint8_t *)"", 1, cell->size, listing->file);
		fputc(i + 1 < listing->shown.count ? '\t' : '\n', listing->file);
	}
}

static void print_json_row(struct listing *listing)
{
	for (size_t i = 0; i < listing->shown.count; i++) {
		const struct column *column = &listing->columns[listing->shown.one[i]];
		struct buffer *cell = &listing->cell[listing->shown.one[i]];
		bool many = is_many(column->kind);

		if (cell->size == 0 && !many)
			put_text(cell, "null");
		fprintf(listing->file, "%s\"%s\":%s", i == 0 ? "{" : ",", column->name, many ? "[" : "");
		fwrite(cell->size > 0 ? cell->data : (const uint8_t *)"", 1, cell->size, listing->file);
		fputs(many ? "]" : "", listing->file);
	}
	fputs("}\n", listing->file);
}

void listing_end_row(struct listing *listing)
{
	switch (listing->form) {
	case LISTING_TABLE:
		keep_table_row(listing);
		break;
	case LISTING_TSV:
		print_tsv_row(listing);
		break;
	case LISTING_JSON:
		print_json_row(listing);
	}
	for (size_t i = 0; i < listing->column_count; i++)
		buffer_clear(&listing->cell[i]);
	listing->rows++;
}

static void print_cell(const struct listing *listing, size_t position, const char *text)
{
	size_t padding = listing->width[position] - display_width(bytes_of_text(text));
	bool is_last = position + 1 == listing->shown.count;

	if (listing->columns[listing->shown.one[position]].kind == COLUMN_NUMBER)
		fprintf(listing->file, "%*s%s", (int)padding, "", text);
	else
		fprintf(listing->file, "%s%*s", text, is_last ? 0 : (int)padding, "");   /* no blanks at the end */
	fputs(is_last ? "\n" : COLUMN_GAP, listing->file);
}

static void print_table(const struct listing *listing)
{
	const char *cell = (const char *)listing->table.data;

	for (size_t i = 0; i < listing->shown.count; i++)
		print_cell(listing, i, listing->columns[listing->shown.one[i]].name);
	for (size_t n = 0; n < listing->rows * listing->shown.count; n++, cell += strlen(cell) + 1)
		print_cell(listing, n % listing->shown.count, cell);
}

enum error listing_finish(struct listing *listing, size_t *rows)
{
	if (listing->form == LISTING_TABLE && listing->rows > 0)
		print_table(listing);
	*rows = listing->rows;
	return fflush(listing->file) == 0 && !ferror(listing->file) ? OK : ERROR_SYSTEM;
}
