/* linear_history.c - histories from text and from files; see linear.h. */
#include "tests/sim/linear.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define FIELDS 8
#define WORD_MAX 1000000       /* a list may be long */
#define MAGIC "linear1\n"

static const char *const kind_name[LINEAR_KINDS] = {"read", "write", "swap", "cas", "delete", "add", "count", "append",
	"list"};

void linear_history_fini(struct linear_history *history)
{
	memory_free(history->op);
	*history = (struct linear_history){0};
}

void linear_history_add(struct linear_history *history, const struct linear_op *op)
{
	history->op = memory_grow(history->op, &history->capacity, history->count + 1, sizeof(*op));
	history->op[history->count++] = *op;
}

/* ---- text ---- */

struct word {
	const char *text;
	size_t size;
};

static bool is(struct word word, const char *text)
{
	return strlen(text) == word.size && memcmp(text, word.text, word.size) == 0;
}

static bool to_number(struct word word, int64_t *out)
{
	char digits[24], *end;

	if (word.size == 0 || word.size >= sizeof(digits))
		return false;
	memcpy(digits, word.text, word.size);
	digits[word.size] = '\0';
	*out = strtoll(digits, &end, 10);
	return *end == '\0';
}

/* Numbers are themselves, for counters; other texts are a hash with the highest bit set. */
static uint64_t to_value(struct word word)
{
	uint64_t hash = word.size;
	int64_t number;

	if (is(word, "-"))
		return LINEAR_NONE;
	if (to_number(word, &number))
		return (uint64_t)number;
	for (size_t i = 0; i < word.size; i++)
		hash = linear_chain(hash, (uint8_t)word.text[i]);
	return (hash | UINT64_C(1) << 63) & ~UINT64_C(1);
}

static struct word cut_at_comma(struct word *word)
{
	const char *comma = memchr(word->text, ',', word->size);
	struct word front = {word->text, comma ? (size_t)(comma - word->text) : word->size};

	*word = comma ? (struct word){comma + 1, word->size - front.size - 1} : (struct word){word->text, 0};
	return front;
}

static void list_result(struct linear_op *op, struct word word)
{
	op->result = 0;
	op->chain = linear_state_first.chain;
	if (is(word, "-"))
		return;
	while (word.size > 0) {
		op->chain = linear_chain(op->chain, to_value(cut_at_comma(&word)));
		op->result++;
	}
}

static bool parse_result(struct linear_op *op, struct word word)
{
	int64_t number;

	op->blind = is(word, "?") || (op->returned == LINEAR_PENDING && is(word, "-"));
	if (op->blind)
		return true;
	if (op->kind == LINEAR_LIST) {
		list_result(op, word);
		return true;
	}
	if (op->kind == LINEAR_CAS || op->kind == LINEAR_DELETE) {
		op->result = is(word, "ok");
		return is(word, "ok") || is(word, "fail");
	}
	op->result = to_value(word);
	if (op->kind == LINEAR_WRITE)
		return is(word, "ok");
	return op->kind == LINEAR_READ || op->kind == LINEAR_SWAP || to_number(word, &number);
}

static bool parse_value(struct linear_op *op, struct word word)
{
	struct word first = word;
	int64_t number;

	if (op->kind == LINEAR_CAS) {
		first = cut_at_comma(&word);
		op->expected = to_value(first);
		op->value = to_value(word);
		return word.size > 0;
	}
	op->value = to_value(word);
	return op->kind != LINEAR_ADD || to_number(word, &number);
}

static bool parse_line(struct linear_op *op, const struct word *field, size_t fields)
{
	int64_t position = 0;
	size_t kind = 0;

	while (kind < LINEAR_KINDS && !is(field[3], kind_name[kind]))
		kind++;
	if (kind == LINEAR_KINDS || !to_number(field[1], &op->invoked))
		return false;
	op->kind = (enum linear_kind)kind;
	op->client = to_value(field[0]);
	op->returned = LINEAR_PENDING;
	if (!is(field[2], "-") && (!to_number(field[2], &op->returned) || op->returned < op->invoked))
		return false;
	op->key = to_value(field[4]);
	if (fields == FIELDS) {
		if (field[7].text[0] != '@' || !to_number((struct word){field[7].text + 1, field[7].size - 1}, &position))
			return false;
		op->position = (uint64_t)position;
	}
	return parse_value(op, field[5]) && parse_result(op, field[6]);
}

static size_t split(const char *line, size_t size, struct word field[FIELDS])
{
	size_t fields = 0, at = 0;

	while (at < size) {
		size_t from;

		while (at < size && (line[at] == ' ' || line[at] == '\t'))
			at++;
		from = at;
		while (at < size && line[at] != ' ' && line[at] != '\t')
			at++;
		if (at == from)
			break;
		if (fields == FIELDS || at - from > WORD_MAX)
			return 0;
		field[fields++] = (struct word){line + from, at - from};
	}
	return fields;
}

size_t linear_history_parse(struct linear_history *history, const char *text)
{
	for (size_t line = 1; *text != '\0'; line++) {
		size_t size = strcspn(text, "\n");
		struct word field[FIELDS];
		struct linear_op op = {0};

		if (size > 0 && text[0] != '#') {
			size_t fields = split(text, size, field);

			if (fields < FIELDS - 1 || !parse_line(&op, field, fields))
				return line;
			linear_history_add(history, &op);
		}
		text += size + (text[size] == '\n');
	}
	return 0;
}

/* ---- files ---- */

#define NUMBERS 11

static void put(uint8_t *at, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(const uint8_t *at)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value |= (uint64_t)at[i] << 8 * i;
	return value;
}

bool linear_history_write_binary(const struct linear_history *history, FILE *file)
{
	bool fine = fwrite(MAGIC, 8, 1, file) == 1;

	for (size_t i = 0; i < history->count; i++) {
		const struct linear_op *op = &history->op[i];
		const uint64_t number[NUMBERS] = {op->client, op->key, (uint64_t)op->invoked, (uint64_t)op->returned, op->kind,
			op->blind, op->value, op->expected, op->result, op->chain, op->position};
		uint8_t record[NUMBERS * 8];

		for (size_t n = 0; n < NUMBERS; n++)
			put(record + 8 * n, number[n]);
		fine = fine && fwrite(record, sizeof(record), 1, file) == 1;
	}
	return fine;
}

bool linear_history_read_binary(struct linear_history *history, FILE *file)
{
	uint8_t magic[8], record[NUMBERS * 8];
	size_t size;

	if (fread(magic, 8, 1, file) != 1 || memcmp(magic, MAGIC, 8) != 0)
		return false;
	while ((size = fread(record, 1, sizeof(record), file)) == sizeof(record)) {
		uint64_t number[NUMBERS];

		for (size_t n = 0; n < NUMBERS; n++)
			number[n] = get(record + 8 * n);
		if (number[4] >= LINEAR_KINDS || number[5] > 1 || (int64_t)number[3] < (int64_t)number[2])
			return false;
		linear_history_add(history, &(struct linear_op){.client = number[0], .key = number[1],
			.invoked = (int64_t)number[2], .returned = (int64_t)number[3], .kind = (enum linear_kind)number[4],
			.blind = number[5] == 1, .value = number[6], .expected = number[7], .result = number[8],
			.chain = number[9], .position = number[10]});
	}
	return size == 0 && !ferror(file);
}
