/*
 * settings.c - the options of mosaik-consume.
 */
#include "cmd/mosaik-consume/settings.h"

#include <string.h>

#define PARALLEL_MAX 256
#define FIELD(member, type) OPTION_FIELD(struct settings, member, type)

static const struct option_row rows[] = {
	{'c', "count", OPTION_POSITIVE, FIELD(count, uint64_t), "N", NULL, "exit 0 after N records"},
	{'e', "end", OPTION_FLAG, FIELD(end, bool), NULL, NULL, "exit when every producer seen has ended"},
	{0, "idle", OPTION_DURATION, FIELD(idle, msec), "DUR", "MOSAIK_IDLE", "exit after DUR without a record"},
	{0, "for", OPTION_DURATION, FIELD(run_for, msec), "DUR", "MOSAIK_FOR", "exit after DUR"},
	{0, "producer-tag", OPTION_TEXTS, FIELD(producer_tags, struct texts), "TAG", "MOSAIK_PRODUCER_TAGS",
		"only of producers that have TAG"},
	{0, "prefix", OPTION_TEXT, FIELD(prefix, const char *), "TEXT", "MOSAIK_PREFIX", "only records that begin with TEXT"},
	{0, "where", OPTION_TEXTS, FIELD(where, struct texts), "FIELD=VALUE", NULL, "only JSON records in which FIELD is VALUE"},
	{'P', "parallel", OPTION_POSITIVE, FIELD(parallel, uint64_t), "N", "MOSAIK_PARALLEL", "run N commands at a time (1)"},
	{0, "strict", OPTION_FLAG, FIELD(strict, bool), NULL, "MOSAIK_STRICT", "a record missed is fatal (65)"},
	{0, "producer", OPTION_TEXTS, FIELD(producers, struct texts), "PEER", "MOSAIK_PRODUCERS", NULL},
	{0, "min-producers", OPTION_POSITIVE, FIELD(min_producers, uint64_t), "N", "MOSAIK_MIN_PRODUCERS", NULL},
	{0, "require-ticket", OPTION_TEXTS, FIELD(tickets, struct texts), "KEY", NULL, NULL},
	{0, "max-rtt", OPTION_DURATION, FIELD(max_rtt, msec), "DUR", "MOSAIK_MAX_RTT", NULL},
	{0, "max-record", OPTION_SIZE, FIELD(max_record, uint64_t), "SIZE", "MOSAIK_MAX_RECORD", NULL},
	{.name = NULL}
};

static void check(const void *of)
{
	const struct settings *settings = of;

	if (settings->max_record == 0 || settings->max_record > RECORD_SIZE_LIMIT)
		usage_error("--max-record has to be between 1 and 1G");
	if (settings->parallel == 0 || settings->parallel > PARALLEL_MAX)
		usage_error("-P has to be between 1 and %d", PARALLEL_MAX);
	if (settings->parallel > 1 && settings->common.behind == 0)
		usage_error("-P is about commands: behind '--' stands none");
}

static struct criterion where_of(const char *text)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text)
		usage_error("--where: '%s' is not FIELD=VALUE", text);
	return (struct criterion){CRITERION_FIELD, bytes_of(text, (size_t)(equals - text)), bytes_of_text(equals + 1)};
}

void settings_criteria(const struct settings *settings, struct buffer *out)
{
	struct criterion criterion[CRITERIA_MAX];
	size_t count = 0;

	if (settings->where.count + (settings->prefix != NULL) > CRITERIA_MAX)
		usage_error("more than %d conditions on records", CRITERIA_MAX);
	if (settings->prefix)
		criterion[count++] = (struct criterion){.kind = CRITERION_PREFIX, .value = bytes_of_text(settings->prefix)};
	for (size_t i = 0; i < settings->where.count; i++)
		criterion[count++] = where_of(settings->where.text[i]);
	if (count > 0 && criteria_encode(criterion, count, out) != OK)
		usage_error("the conditions on records are longer than %d bytes", CRITERIA_SIZE_MAX);
}

const struct settings settings_defaults = {
	.common = COMMON_DEFAULTS(MSEC_NEVER),
	.idle = MSEC_NEVER,
	.run_for = MSEC_NEVER,
	.min_producers = 1,
	.max_rtt = MSEC_NEVER,
	.parallel = 1,
	.max_record = RECORD_SIZE_MAX,
};

static const char *const examples[] = {
	"mosaik-consume -n demo logs                    every record of every producer",
	"mosaik-consume -n demo -c 1 -W 5s hello        one record, or 124 after 5 s",
	"mosaik-consume -n demo -e -F raw backup > copy until the end, verified",
	"mosaik-consume -n demo -j logs audit | jq .    two streams, told apart",
	"mosaik-consume -n demo -P 4 jobs -- ./work     a command for each record",
	NULL
};

const struct command command = {
	.name = "mosaik-consume",
	.usage = "-n NETWORK [options] STREAM... [-- COMMAND...]",
	.examples = examples,
	.options = rows,
	.common = "network peer tag ticket identity bind no-local no-names timeout wait framing null json quiet verbose ready-fd stats",
	.check = check,
};
