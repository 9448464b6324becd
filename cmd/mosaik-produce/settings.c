/*
 * settings.c - the options of mosaik-produce.
 */
#include "cmd/mosaik-produce/settings.h"

#define FIELD(member, type) OPTION_FIELD(struct settings, member, type)

#define MIN_CONSUMERS_DEFAULT 1
#define MAX_STALL_DEFAULT (30 * 1000)
#define LINGER_DEFAULT (5 * 1000)

static const struct option_row rows[] = {
	{'m', "message", OPTION_TEXT, FIELD(message, const char *), "TEXT", NULL,
		"send TEXT as one record; stdin is not read"},
	{0, "min-consumers", OPTION_NUMBER, FIELD(min_consumers, uint64_t), "N", "MOSAIK_MIN_CONSUMERS",
		"read stdin once N consumers are attached (1)"},
	{0, "max-consumers", OPTION_NUMBER, FIELD(max_consumers, uint64_t), "N", "MOSAIK_MAX_CONSUMERS",
		"refuse more than N consumers"},
	{0, "max-stall", OPTION_DURATION, FIELD(max_stall, msec), "DUR", "MOSAIK_MAX_STALL",
		"drop a consumer that takes nothing so long (30s)"},
	{0, "max-record", OPTION_SIZE, FIELD(max_record, uint64_t), "SIZE", "MOSAIK_MAX_RECORD",
		"refuse larger records (16M)"},
	{0, "linger", OPTION_DURATION, FIELD(linger, msec), "DUR", "MOSAIK_LINGER",
		"wait so long for the last acknowledgements (5s)"},
	{.name = NULL}
};

static void check(const void *of)
{
	const struct settings *settings = of;

	if (settings->max_record == 0 || settings->max_record > RECORD_SIZE_LIMIT)
		usage_error("--max-record has to be between 1 and 1G");
	if (settings->max_consumers > 0 && settings->max_consumers < settings->min_consumers)
		usage_error("--max-consumers is less than --min-consumers");
	if (settings->message && (settings->common.null || settings->common.json))
		usage_error("-m is one record as it stands: no framing applies");
}

const struct settings settings_defaults = {
	.common = COMMON_DEFAULTS(MSEC_NEVER),
	.min_consumers = MIN_CONSUMERS_DEFAULT,
	.max_stall = MAX_STALL_DEFAULT,
	.linger = LINGER_DEFAULT,
	.max_record = RECORD_SIZE_MAX,
};

static const char *const examples[] = {
	"tail -f app.log | mosaik-produce -n demo logs     every line is a record",
	"mosaik-produce -n demo -m 'hi there' hello        one record, no stdin",
	"mosaik-produce -n demo -F raw backup < disk.img   a byte stream",
	"mosaik-produce -n demo --min-consumers 0 logs     do not wait for a reader",
	NULL
};

const struct command command = {
	.name = "mosaik-produce",
	.usage = "-n NETWORK [options] STREAM",
	.examples = examples,
	.options = rows,
	.common = "network peer tag identity bind no-local timeout wait framing null json quiet verbose ready-fd stats",
	.check = check,
};
