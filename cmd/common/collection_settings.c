/*
 * collection_settings.c - the options of the collection commands.
 */
#include "cmd/common/collection_settings.h"

#include <string.h>

#include "base/check.h"

#define FIELD(member, type) OPTION_FIELD(struct collection_settings, member, type)

/* Those without a word of help are shown with the verb they belong to. */
static const struct option_row rows[] = {
	{'T', "types", OPTION_TEXT, FIELD(types, const char *), "TYPES", "MOSAIK_TYPES",
		"of bytes str u64 i64 f64 bool json, joined by :"},
	{'k', "key", OPTION_TEXT, FIELD(key_path, const char *), "FILE", "MOSAIK_GROUP_KEY", NULL},
	{0, "data", OPTION_TEXT, FIELD(data, const char *), "DIR", NULL, NULL},
	{0, "expect", OPTION_POSITIVE, FIELD(expect, uint64_t), "N", NULL, NULL},
	{0, "reader", OPTION_FLAG, FIELD(reader, bool), NULL, NULL, NULL},
	{0, "capacity", OPTION_POSITIVE, FIELD(capacity, uint64_t), "N", NULL, NULL},
	{0, "lan", OPTION_FLAG, FIELD(lan, bool), NULL, NULL, NULL},
	{0, "from-survivors", OPTION_FLAG, FIELD(from_survivors, bool), NULL, NULL, NULL},
	{'L', "local", OPTION_FLAG, FIELD(local, bool), NULL, NULL, "read what the member that is asked has"},
	{0, "min-version", OPTION_NUMBER, FIELD(min_version, uint64_t), "N", NULL, NULL},
	{0, "print-version", OPTION_FLAG, FIELD(print_version, bool), NULL, NULL, NULL},
	{0, "prefix", OPTION_TEXT, FIELD(prefix, const char *), "P", NULL, NULL},
	{0, "from", OPTION_TEXT, FIELD(from, const char *), "V", NULL, NULL},
	{0, "to", OPTION_TEXT, FIELD(to, const char *), "V", NULL, NULL},
	{0, "absent", OPTION_FLAG, FIELD(absent, bool), NULL, NULL, NULL},
	{0, "delete", OPTION_FLAG, FIELD(delete, bool), NULL, NULL, NULL},
	{0, "value", OPTION_TEXT, FIELD(value, const char *), "V", NULL, NULL},
	{0, "initial", OPTION_FLAG, FIELD(initial, bool), NULL, NULL, NULL},
	{'f', "follow", OPTION_FLAG, FIELD(follow, bool), NULL, NULL, NULL},
	{'c', "count", OPTION_POSITIVE, FIELD(count, uint64_t), "N", NULL, NULL},
	{0, "max", OPTION_FLAG, FIELD(highest, bool), NULL, NULL, NULL},
	{0, "desc", OPTION_FLAG, FIELD(descending, bool), NULL, NULL, NULL},
};

#define ROWS (sizeof rows / sizeof rows[0])
_Static_assert(ROWS < COLLECTION_ROWS_MAX, "the table and its end");

/* Verbs of all kinds. What reads first and then writes takes the options of both. */
#define READS "get has len keys values ls index-of min max subset tail dump watch wait update"
#define WRITES "put del clear cas update set add rm push push-front pop pop-front insert swap truncate take reprio rm-range"

const struct scope collection_settings_scopes[] = {
	{"data lan", "serve recover"},
	{"expect reader capacity", "serve"},
	{"from-survivors", "recover"},
	{"local min-version", READS},
	{"print-version", WRITES},
	{"prefix", "len keys values ls dump watch"},
	{"from", "cas watch"},
	{"to delete", "cas"},
	{"absent", "cas wait"},
	{"value", "wait"},
	{"initial", "watch"},
	{"follow", "tail"},
	{"count", "watch tail"},
	{"max", "take"},
	{"desc", "ls"},
	{.options = NULL}
};

const struct collection_settings collection_settings_defaults = {.common = COMMON_DEFAULTS(COLLECTION_TIMEOUT)};

static bool has_word(const char *words, const char *word)
{
	size_t size = strlen(word);

	for (const char *at = strstr(words, word); at; at = strstr(at + 1, word))
		if ((at == words || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0'))
			return true;
	return false;
}

void collection_settings_rows(const char *words, struct option_row *out)
{
	size_t count = 0;

	for (size_t i = 0; i < ROWS; i++)
		if (has_word(words, rows[i].name))
			out[count++] = rows[i];
	out[count] = (struct option_row){.name = NULL};
}

void collection_settings_check(const void *of)
{
	const struct collection_settings *settings = of;

	if (settings->absent && settings->from)
		usage_error("--absent and --from contradict each other");
	if (settings->delete && settings->to)
		usage_error("--delete and --to contradict each other");
	if (settings->common.framing != FRAMING_LINES && settings->common.framing != FRAMING_NULL && settings->common.framing != FRAMING_JSON)
		usage_error("-F or MOSAIK_FRAMING: here it is lines, null or json, not %s", framing_name(settings->common.framing));
	if (settings->expect > 9)
		usage_error("--expect: a group begins with at most 9 members");
}
