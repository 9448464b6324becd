/*
 * collection_line.c - see collection_line.h.
 *
 * Words are C strings, as those of a command line are: a NUL inside one would cut it off, so \0 is refused here; binary
 * values with a NUL go in by `put -` or `load`.
 */
#include "cmd/common/collection_line.h"

#include <string.h>

/* One word of the line, unescaped, with a NUL behind it. false: a backslash before something else, or a NUL. */
static bool add_word(struct buffer *text, struct bytes word)
{
	static const char letter[] = "\\tnr", meant[] = "\\\t\n\r";

	for (size_t i = 0; i < word.size; i++) {
		const char *found;

		if (word.data[i] == '\0')
			return false;
		if (word.data[i] != '\\') {
			buffer_append(text, bytes_of(word.data + i, 1));
			continue;
		}
		if (++i == word.size || word.data[i] == '\0' || !(found = strchr(letter, word.data[i])))
			return false;
		buffer_append(text, bytes_of(meant + (found - letter), 1));
	}
	buffer_append(text, bytes_of("\0", 1));
	return true;
}

/* Appends the words, each ended by NUL. Between blanks empty ones are no words; between TABs they are. */
static bool split(struct bytes record, struct buffer *text, size_t *count)
{
	bool by_tab = record.size > 0 && memchr(record.data, '\t', record.size);

	for (size_t at = 0; at <= record.size;) {
		const uint8_t *end = at < record.size ? memchr(record.data + at, by_tab ? '\t' : ' ', record.size - at) : NULL;
		size_t size = (end ? (size_t)(end - record.data) : record.size) - at;

		if (size > 0 || by_tab) {
			if (!add_word(text, bytes_of(record.data + at, size)))
				return false;
			++*count;
		}
		at += size + 1;
	}
	return true;
}

/* Takes an option off the words; *at is left where the next one begins. false: it lacks its value. */
static bool take_option(struct collection_line *line, char **word, size_t count, size_t *at)
{
	const struct {
		const char *name;
		const char **value;
		bool *flag;
	} known[] = {
		{"--from", &line->options.from, NULL}, {"--to", &line->options.to, NULL}, {"--prefix", &line->options.prefix, NULL},
		{"--max", NULL, &line->options.highest}, {"--desc", NULL, &line->options.descending},
		{"--absent", NULL, NULL}, {"--delete", NULL, NULL},
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (strcmp(word[*at], known[i].name) != 0)
			continue;
		++*at;
		if (known[i].flag)
			*known[i].flag = true;
		if (!known[i].value)
			return true;
		if (*at == count)
			return false;
		*known[i].value = word[(*at)++];
		return true;
	}
	line->operand[line->count++] = word[(*at)++];
	return true;
}

static bool sort_words(enum collection_kind kind, char **word, size_t count, struct collection_line *line,
	const char **problem)
{
	line->verb = verb_find(kind, word[0]);
	if (!line->verb) {
		*problem = "there is no such verb";
		return false;
	}
	for (size_t at = 1; at < count;) {
		if (!take_option(line, word, count, &at)) {
			*problem = "the option at the end lacks its value";
			return false;
		}
	}
	if (!verb_takes(line->verb, line->count))
		*problem = "that is not what the verb takes";
	else if (strcmp(line->verb->name, "cas") == 0 && !line->options.from && !line->options.to)
		*problem = "cas needs --from V or --to V";
	return *problem == NULL;
}

bool collection_line_read(enum collection_kind kind, struct bytes record, struct collection_line *line,
	const char **problem)
{
	char *word[LINE_OPERANDS_MAX];
	size_t count = 0, at = 0;

	*line = (struct collection_line){.count = 0};
	*problem = NULL;
	if (!split(record, &line->text, &count))
		*problem = "a backslash stands before \\ t n or r, and there is no NUL";
	else if (count == 0 || count > LINE_OPERANDS_MAX)
		*problem = "a line has 1 to 64 words";
	if (*problem)
		return false;
	for (size_t i = 0; i < count; i++) {
		word[i] = (char *)line->text.data + at;
		at += strlen(word[i]) + 1;
	}
	return sort_words(kind, word, count, line, problem);
}

void collection_line_fini(struct collection_line *line)
{
	buffer_fini(&line->text);
}
