/*
 * settings.c - the options of mosaik-produce.
 */
#include "cmd/mosaik-produce/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(member, type) OPTION_FIELD(struct settings, member, type)

#define MIN_CONSUMERS_DEFAULT 1
#define MAX_WAITING_DEFAULT 256
#define BUFFER_DEFAULT 1024
#define MAX_STALL_DEFAULT (30 * 1000)
#define LINGER_DEFAULT (5 * 1000)
#define RATE_MAX 1000000000        /* records in a span: far above what goes through, and no product of it overflows */

static const struct option_row rows[] = {
	{'m', "message", OPTION_TEXT, FIELD(message, const char *), "TEXT", NULL,
		"send TEXT as one record; stdin is not read"},
	{0, "min-consumers", OPTION_NUMBER, FIELD(min_consumers, uint64_t), "N", "MOSAIK_MIN_CONSUMERS",
		"read stdin once N consumers are attached (1)"},
	{0, "max-consumers", OPTION_POSITIVE, FIELD(max_consumers, uint64_t), "N", "MOSAIK_MAX_CONSUMERS",
		"serve N consumers; others wait for a place"},
	{0, "accept-tag", OPTION_TEXTS, FIELD(accept_tags, struct texts), "TAG", "MOSAIK_ACCEPT_TAGS",
		"refuse consumers without TAG"},
	{0, "on-slow", OPTION_TEXT, FIELD(on_slow_text, const char *), "POLICY", "MOSAIK_ON_SLOW",
		"block, disconnect or drop (block)"},
	{0, "rate", OPTION_TEXT, FIELD(rate_text, const char *), "N/s", "MOSAIK_RATE", "send N records a second at most"},
	{0, "tee", OPTION_FLAG, FIELD(tee, bool), NULL, NULL, "copy stdin to stdout as well"},
	{0, "undelivered", OPTION_TEXT, FIELD(undelivered, const char *), "FILE", "MOSAIK_UNDELIVERED",
		"append what no consumer was there for"},
	{0, "consumer-tag", OPTION_TEXTS, FIELD(consumer_tags, struct texts), "TAG", "MOSAIK_CONSUMER_TAGS", NULL},
	{0, "max-waiting", OPTION_NUMBER, FIELD(max_waiting, uint64_t), "N", "MOSAIK_MAX_WAITING", NULL},
	{0, "require-ticket", OPTION_TEXTS, FIELD(tickets, struct texts), "KEY", NULL, NULL},
	{0, "max-rtt", OPTION_DURATION, FIELD(max_rtt, msec), "DUR", "MOSAIK_MAX_RTT", NULL},
	{0, "buffer", OPTION_POSITIVE, FIELD(buffer, uint64_t), "N", "MOSAIK_BUFFER", NULL},
	{0, "max-stall", OPTION_DURATION, FIELD(max_stall, msec), "DUR", "MOSAIK_MAX_STALL", NULL},
	{0, "max-record", OPTION_SIZE, FIELD(max_record, uint64_t), "SIZE", "MOSAIK_MAX_RECORD", NULL},
	{0, "linger", OPTION_DURATION, FIELD(linger, msec), "DUR", "MOSAIK_LINGER", NULL},
	{.name = NULL}
};

static void read_policy(struct settings *settings)
{
	static const char *const names[] = {[SLOW_BLOCK] = "block", [SLOW_DISCONNECT] = "disconnect", [SLOW_DROP] = "drop"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(settings->on_slow_text, names[i]) == 0) {
			settings->on_slow = (enum slow_policy)i;
			return;
		}
	}
	usage_error("--on-slow: '%s' is none of block, disconnect and drop", settings->on_slow_text);
}

/* "100", "100/s", "10/m", "1/h". */
static void read_rate(struct settings *settings)
{
	static const struct {
		const char *name;
		msec span;
	} units[] = {{"", 1000}, {"/s", 1000}, {"/m", 60 * 1000}, {"/h", 3600 * 1000}};
	const char *text = settings->rate_text;
	char *unit = NULL;
	unsigned long long records;

	if (!text)
		return;
	errno = 0;
	records = isdigit((unsigned char)*text) ? strtoull(text, &unit, 10) : 0;
	for (size_t i = 0; records > 0 && records <= RATE_MAX && errno == 0 && i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(unit, units[i].name) == 0) {
			settings->rate = (struct rate){records, units[i].span};
			return;
		}
	}
	usage_error("--rate: '%s' is not a rate (100/s, 10/m, 1/h)", text);
}

void settings_read(struct settings *settings)
{
	read_policy(settings);
	read_rate(settings);
}

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
	.max_waiting = MAX_WAITING_DEFAULT,
	.max_rtt = MSEC_NEVER,
	.on_slow_text = "block",
	.buffer = BUFFER_DEFAULT,
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
	.common = "network peer tag ticket identity bind no-local no-names timeout wait framing null json quiet verbose ready-fd stats",
	.check = check,
};
