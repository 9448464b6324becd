/*
 * settings.c - the options of mosaik-consume.
 */
#include "cmd/mosaik-consume/settings.h"

#define FIELD(member, type) OPTION_FIELD(struct settings, member, type)

static const struct option_row rows[] = {
	{'c', "count", OPTION_NUMBER, FIELD(count, uint64_t), "N", NULL, "exit 0 after N records"},
	{'e', "end", OPTION_FLAG, FIELD(end, bool), NULL, NULL, "exit when every producer seen has ended"},
	{0, "idle", OPTION_DURATION, FIELD(idle, msec), "DUR", "MOSAIK_IDLE", "exit after DUR without a record"},
	{0, "for", OPTION_DURATION, FIELD(run_for, msec), "DUR", "MOSAIK_FOR", "exit after DUR"},
	{0, "min-producers", OPTION_NUMBER, FIELD(min_producers, uint64_t), "N", "MOSAIK_MIN_PRODUCERS",
		"-e: wait for the end of at least N producers (1)"},
	{0, "max-record", OPTION_SIZE, FIELD(max_record, uint64_t), "SIZE", "MOSAIK_MAX_RECORD",
		"refuse larger records (16M)"},
	{0, "strict", OPTION_FLAG, FIELD(strict, bool), NULL, "MOSAIK_STRICT", "a record missed is fatal (65)"},
	{.name = NULL}
};

static void check(const void *of)
{
	const struct settings *settings = of;

	if (settings->max_record == 0 || settings->max_record > RECORD_SIZE_LIMIT)
		usage_error("--max-record has to be between 1 and 1G");
}

const struct settings settings_defaults = {
	.common = COMMON_DEFAULTS(MSEC_NEVER),
	.idle = MSEC_NEVER,
	.run_for = MSEC_NEVER,
	.min_producers = 1,
	.max_record = RECORD_SIZE_MAX,
};

static const char *const examples[] = {
	"mosaik-consume -n demo logs                      every record of every producer",
	"mosaik-consume -n demo -c 1 -W 5s hello          one record, or 124 after 5 s",
	"mosaik-consume -n demo -e -F raw backup > copy   until the end, verified",
	"mosaik-consume -n demo -j logs audit | jq .      two streams, told apart",
	NULL
};

const struct command command = {
	.name = "mosaik-consume",
	.usage = "-n NETWORK [options] STREAM...",
	.examples = examples,
	.options = rows,
	.common = "network peer tag identity bind no-local timeout wait framing null json quiet verbose ready-fd stats",
	.check = check,
};
