/*
 * options_help.c - -h for people, --list-options for the tests that compare it with man pages and completions.
 *
 * -h fits one small terminal: examples first, because they answer most questions; then the options that are this
 * program's own, a line each; then the common ones. Those that find no line any more are only named: they are the same
 * everywhere and stand in the man page.
 */
#include "cmd/common/options_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

#define LEFT_COLUMN 26
#define LINE_MAX_SIZE 80
#define FOOT_LINES 1

/* Help is put together first and counted, so that it can never outgrow its terminal unnoticed. */
struct page {
	char text[OPTIONS_HELP_LINES_MAX * 2 * LINE_MAX_SIZE];
	size_t size;
};

__attribute__((format(printf, 2, 3)))
static void page_add(struct page *page, const char *format, ...)
{
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(page->text + page->size, sizeof page->text - page->size, format, arguments);
	va_end(arguments);
	ASSERT(size >= 0 && (size_t)size < sizeof page->text - page->size);
	page->size += (size_t)size;
}

static size_t page_lines(const struct page *page)
{
	size_t lines = 0;

	for (size_t i = 0; i < page->size; i++)
		lines += page->text[i] == '\n';
	return lines;
}

/* "-n, --network NAME", "--stats[=DUR]"; without the long name if there is a letter and `brief`. */
static void row_format(const struct option_row *row, bool brief, char *out, size_t size)
{
	char letter[] = {'-', row->letter, '\0'};
	bool named = row->letter == 0 || !brief;
	const char *value = row->value ? row->value : "";

	snprintf(out, size, "%s%s%s%s%s%s%s%s", row->letter ? letter : "", row->letter && named ? ", " : "",
		named ? "--" : "", named ? row->name : "", row->kind == OPTION_OPTIONAL_DURATION ? "[=" : "",
		row->value && row->kind != OPTION_OPTIONAL_DURATION ? " " : "", value,
		row->kind == OPTION_OPTIONAL_DURATION ? "]" : "");
}

static void add_row(struct page *page, const struct option_row *row)
{
	char left[LINE_MAX_SIZE];

	row_format(row, false, left, sizeof left);
	page_add(page, "  %-*s %s\n", LEFT_COLUMN, left, row->help);
}

/* Those without help of their own share the line of the next that has it: "tags|streams|groups". Returns that one. */
static const struct subcommand *add_subcommand(struct page *page, const struct subcommand *row)
{
	char left[LINE_MAX_SIZE];
	size_t size = 0;

	for (; !row->help; row++) {
		ASSERT(row->name);
		size += (size_t)snprintf(left + size, sizeof left - size, "%s|", row->name);
	}
	snprintf(left + size, sizeof left - size, "%s %s", row->name, row->operands);
	page_add(page, "  %-*s %s\n", LEFT_COLUMN, left, row->help);
	return row;
}

/*
 * Side by side: own rows without help, unless a subcommand says them, and common rows from `first` on. Returns how many
 * lines that takes; page: NULL, only counts.
 */
static size_t add_names(struct page *page, const struct option_rows *rows, size_t first, bool with_own)
{
	size_t column = 0, lines = 0;

	for (size_t i = 0; i < rows->count; i++) {
		char text[LINE_MAX_SIZE];

		if (i < rows->own ? !with_own || rows->row[i]->help : i < first)
			continue;
		row_format(rows->row[i], true, text, sizeof text);
		if (column + strlen(text) + 2 > LINE_MAX_SIZE)
			column = 0;
		if (page)
			page_add(page, "%s%s", column > 0 ? "  " : lines > 0 ? "\n  " : "  ", text);
		lines += column == 0;
		column += strlen(text) + 2;
	}
	if (page && lines > 0)
		page_add(page, "\n");
	return lines;
}

/* In the order of the table, which begins with what is needed most. */
static void add_common(struct page *page, const struct option_rows *rows, bool with_own)
{
	size_t left = OPTIONS_HELP_LINES_MAX - FOOT_LINES - page_lines(page);
	size_t full = rows->count - rows->own;

	while (full > 0 && full + add_names(NULL, rows, rows->own + full, with_own) > left)
		full--;
	for (size_t i = 0; i < full; i++)
		add_row(page, rows->row[rows->own + i]);
	add_names(page, rows, rows->own + full, with_own);
}

void options_print_help(const struct command *command, const struct option_rows *rows)
{
	struct page page = {.size = 0};

	page_add(&page, "usage: %s %s\n", command->name, command->usage);
	for (size_t i = 0; command->examples && command->examples[i]; i++)
		page_add(&page, "  %s\n", command->examples[i]);
	page_add(&page, "\n");
	for (const struct subcommand *row = command->subcommands; row && row->name; row++)
		row = add_subcommand(&page, row);
	for (size_t i = 0; i < rows->own; i++)
		if (rows->row[i]->help)
			add_row(&page, rows->row[i]);
	ASSERT(page_lines(&page) + FOOT_LINES <= OPTIONS_HELP_LINES_MAX);
	add_common(&page, rows, command->subcommands == NULL);
	page_add(&page, "'man %s' says the rest.\n", command->name);
	ASSERT(page_lines(&page) <= OPTIONS_HELP_LINES_MAX);
	fwrite(page.text, 1, page.size, stdout);
}

void options_print_list(const struct command *command, const struct option_rows *rows)
{
	printf("-h --help\n-V --version\n");
	for (size_t i = 0; i < rows->count; i++) {
		const struct option_row *row = rows->row[i];

		if (row->letter)
			printf("-%c ", row->letter);
		printf("--%s", row->name);
		if (row->value)
			printf(row->kind == OPTION_OPTIONAL_DURATION ? "[=%s]" : " %s", row->value);
		printf("\n");
	}
	for (const struct subcommand *row = command->subcommands; row && row->name; row++)
		printf("subcommand %s\n", row->name);
}
