/*
 * options_value.c - from text to the field of a settings struct.
 *
 * The offset of a row was type-checked by OPTION_FIELD when the table was compiled, so the casts here are safe as long
 * as the kind agrees with the type that the table named.
 */
#include "cmd/common/options_internal.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/memory.h"

#define SPACE " \t\r\n"
#define DURATION_MAX (100LL * 366 * 24 * 3600 * 1000)   /* a century: now + a duration never overflows */

/* Decimal digits; false: none, or more than a uint64_t holds. *text moves behind them. */
static bool read_digits(const char **text, uint64_t *out)
{
	uint64_t value = 0;
	const char *at = *text;

	for (; isdigit((unsigned char)*at); at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
			return false;
	if (at == *text)
		return false;
	*text = at;
	*out = value;
	return true;
}

static enum error read_number(const char *text, uint64_t *out)
{
	uint64_t value;

	if (!read_digits(&text, &value) || *text != '\0')
		return ERROR_BAD_TEXT;
	*out = value;
	return OK;
}

static bool duration_unit(const char *unit, uint64_t *factor)
{
	static const struct {
		const char *name;
		uint64_t factor;
	} units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}};

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(unit, units[i].name) == 0) {
			*factor = units[i].factor;
			return true;
		}
	}
	return false;
}

enum error options_duration(const char *text, msec *out)
{
	uint64_t whole, thousandths = 0, factor;

	if (strcmp(text, "inf") == 0) {
		*out = MSEC_NEVER;
		return OK;
	}
	if (!read_digits(&text, &whole))
		return ERROR_BAD_TEXT;
	if (*text == '.') {
		/* 1.5s as timeout(1) takes it; what is finer than a thousandth of the unit is cut off. */
		unsigned digits = 0;

		for (text++; isdigit((unsigned char)*text); text++)
			if (digits++ < 3)
				thousandths = thousandths * 10 + (uint64_t)(*text - '0');
		if (digits == 0)
			return ERROR_BAD_TEXT;
		for (; digits < 3; digits++)
			thousandths *= 10;
	}
	if (!duration_unit(text, &factor) || whole > DURATION_MAX / factor)
		return ERROR_BAD_TEXT;
	*out = (msec)(whole * factor + thousandths * factor / 1000);
	return OK;
}

enum error options_size(const char *text, uint64_t *out)
{
	uint64_t value;
	unsigned shift = 0;

	if (!read_digits(&text, &value))
		return ERROR_BAD_TEXT;
	if (*text != '\0') {
		static const char units[] = "KMG";
		const char *unit = strchr(units, toupper((unsigned char)*text));

		if (!unit || text[1] != '\0')
			return ERROR_BAD_TEXT;
		shift = (unsigned)(unit - units + 1) * 10;
	}
	if (value > UINT64_MAX >> shift)
		return ERROR_BAD_TEXT;
	*out = value << shift;
	return OK;
}

static void texts_add(struct texts *texts, const char *text, size_t size)
{
	char *copy = memory_new(size + 1);

	ASSERT(size > 0);
	memcpy(copy, text, size);
	texts->text = memory_resize(texts->text, (texts->count + 1) * sizeof texts->text[0]);
	texts->text[texts->count++] = copy;
}

/*
 * Length of the first item of a list. In a list of peers a comma goes on with the addresses of PEERID@HOST:PORT, unless
 * what follows it is a peer of its own.
 */
static size_t item_size(const char *list, bool of_peers)
{
	size_t size = strcspn(list, "," SPACE);

	while (of_peers && list[size] == ',' && memchr(list, '@', size)) {
		size_t more = strcspn(list + size + 1, "," SPACE);

		if (more == 0 || memchr(list + size + 1, '@', more))
			break;
		size += 1 + more;
	}
	return size;
}

static void texts_split(struct texts *texts, const char *list, bool of_peers)
{
	for (;;) {
		size_t size;

		list += strspn(list, "," SPACE);
		if (*list == '\0')
			return;
		size = item_size(list, of_peers);
		texts_add(texts, list, size);
		list += size;
	}
}

static enum error read_positive(const char *text, uint64_t *out)
{
	uint64_t number;
	enum error error = read_number(text, &number);

	if (error == OK && number == 0)
		return ERROR_BAD_TEXT;
	if (error == OK)
		*out = number;
	return error;
}

static void *field(const struct option_row *row, void *settings)
{
	return (char *)settings + row->offset;
}

/* What a value of this kind looks like, for the error line. */
static const char *wanted(enum option_kind kind)
{
	switch (kind) {
	case OPTION_NUMBER:
	case OPTION_COUNT:
		return "a number";
	case OPTION_POSITIVE:
		return "a number from 1 on";
	case OPTION_SIZE:
		return "a size (4096, 64K, 1M, 2G)";
	case OPTION_DURATION:
	case OPTION_OPTIONAL_DURATION:
		return "a duration (250ms, 5s, 2m, 1h, inf)";
	case OPTION_FRAMING:
		return "a framing (lines, null, u32, raw, whole, json, cbor)";
	case OPTION_FLAG:
		return "yes or no (1, 0)";
	case OPTION_TEXT:
	case OPTION_TEXTS:
	case OPTION_PEERS:
		break;
	}
	return "a value";
}

void options_assign(const struct option_row *row, void *settings, const char *source, const char *text)
{
	enum error error = OK;

	ASSERT(row->kind != OPTION_FLAG && row->kind != OPTION_COUNT);   /* those have no value */
	switch (row->kind) {
	case OPTION_TEXT:
		*(const char **)field(row, settings) = text;
		break;
	case OPTION_TEXTS:
	case OPTION_PEERS:
		error = *text == '\0' ? ERROR_BAD_TEXT : OK;
		if (error == OK)
			texts_add(field(row, settings), text, strlen(text));
		break;
	case OPTION_NUMBER:
		error = read_number(text, field(row, settings));
		break;
	case OPTION_POSITIVE:
		error = read_positive(text, field(row, settings));
		break;
	case OPTION_SIZE:
		error = options_size(text, field(row, settings));
		break;
	case OPTION_DURATION:
	case OPTION_OPTIONAL_DURATION:
		error = options_duration(text, field(row, settings));
		break;
	case OPTION_FRAMING:
		error = framing_from_name(text, field(row, settings));
		break;
	case OPTION_FLAG:
	case OPTION_COUNT:
		break;
	}
	if (error != OK)
		usage_error("%s: '%s' is not %s", source, text, wanted(row->kind));
}

void options_assign_bare(const struct option_row *row, void *settings)
{
	ASSERT(row->kind == OPTION_FLAG || row->kind == OPTION_COUNT || row->kind == OPTION_OPTIONAL_DURATION);
	if (row->kind == OPTION_FLAG)
		*(bool *)field(row, settings) = true;
	else if (row->kind == OPTION_COUNT)
		++*(unsigned *)field(row, settings);
	else
		*(msec *)field(row, settings) = OPTIONS_STATS_PERIOD;
}

static bool read_flag(const char *text, bool *out)
{
	static const char *const no[] = {"0", "false", "no", "off"}, *const yes[] = {"1", "true", "yes", "on"};

	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
		if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
			*out = strcasecmp(text, yes[i]) == 0;
			return true;
		}
	}
	return false;
}

void options_assign_variable(const struct option_row *row, void *settings, const char *source, const char *text)
{
	uint64_t number;
	bool flag;

	if (row->kind == OPTION_TEXTS || row->kind == OPTION_PEERS) {
		texts_split(field(row, settings), text, row->kind == OPTION_PEERS);
	} else if (row->kind == OPTION_FLAG) {
		if (!read_flag(text, &flag))
			usage_error("%s: '%s' is not %s", source, text, wanted(row->kind));
		*(bool *)field(row, settings) = flag;
	} else if (row->kind == OPTION_COUNT) {
		if (read_number(text, &number) != OK || number > UINT16_MAX)
			usage_error("%s: '%s' is not %s", source, text, wanted(row->kind));
		*(unsigned *)field(row, settings) = (unsigned)number;
	} else {
		options_assign(row, settings, source, text);
	}
}

void options_free(const struct command *command, void *settings)
{
	struct option_rows rows;

	options_rows(command, &rows);
	for (size_t i = 0; i < rows.count; i++) {
		struct texts *texts;

		if (rows.row[i]->kind != OPTION_TEXTS && rows.row[i]->kind != OPTION_PEERS)
			continue;
		texts = field(rows.row[i], settings);
		for (size_t n = 0; n < texts->count; n++)
			memory_free(texts->text[n]);
		memory_free(texts->text);
		*texts = (struct texts){0};
	}
}
