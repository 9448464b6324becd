/* sim_scenario.c - see sim_scenario.h. A command is a row in a table; it gets its words. */
#include "tests/sim/sim_scenario.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "tests/sim/sim.h"

#define WORDS_MAX 16
#define LINE_MAX_SIZE 256
#define STREAM "scenario"
#define AGREE_STEP 100

struct scenario {
	struct sim *sim;
	struct buffer *out;
	char line[LINE_MAX_SIZE];
	char *word[WORDS_MAX];     /* of the command, its name first */
	size_t words;
};

__attribute__((format(printf, 2, 3)))
static void print(struct scenario *scenario, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	buffer_append(scenario->out, bytes_of_text(text));
}

static char name_of(const struct sim_node *node)
{
	return (char)('a' + node->place);
}

static char name_of_peer(const struct sim *sim, const struct id *peer)
{
	size_t place = sim_place_of(sim, peer);

	return place < sim->options.places ? (char)('a' + place) : '?';
}

/* ---- what happens to streams ---- */

static void on_fact(struct sim *sim, struct sim_node *node, const struct node_fact *fact)
{
	struct scenario *scenario = sim->observer;
	const struct streams_fact *stream = &fact->stream;
	char peer = name_of_peer(sim, &stream->peer);

	if (fact->kind != NODE_STREAM)
		return;
	switch (stream->kind) {
	case CONSUMER_SUBSCRIBED:
		print(scenario, "%c reads from %c\n", name_of(node), peer);
		break;
	case CONSUMER_GAP:
		print(scenario, "%c missed records of %c\n", name_of(node), peer);
		break;
	case CONSUMER_ENDED:
		print(scenario, "%c has all of %c: %" PRIu64 " records%s\n", name_of(node), peer, stream->count,
			stream->verified ? "" : ", NOT verified");
		break;
	case CONSUMER_LOST:
		if (!stream->retry_failed)
			print(scenario, "%c lost %c: %s\n", name_of(node), peer, error_name(stream->reason));
		break;
	case PRODUCER_UNSUBSCRIBED:
		print(scenario, "%c is done with reader %c%s\n", name_of(node), peer,
			stream->acknowledged ? "" : ", unacknowledged");
		break;
	case CONSUMER_QUEUED:
		print(scenario, "%c waits for a place at %c\n", name_of(node), peer);
		break;
	case PRODUCER_REFUSED:
		print(scenario, "%c refuses %c: %s\n", name_of(node), peer, error_name(stream->reason));
		break;
	case PRODUCER_SUBSCRIBED:
	case PRODUCER_ROOM:
	case PRODUCER_QUEUED:
	case PRODUCER_UNDELIVERED:
	case CONSUMER_BATCH:
		break;
	}
}

/* ---- words ---- */

static bool place_of(const struct scenario *scenario, const char *word, size_t *place)
{
	*place = (size_t)(word[0] - 'a');
	return word[0] >= 'a' && word[1] == '\0' && *place < scenario->sim->options.places;
}

static bool node_of(const struct scenario *scenario, const char *word, size_t *place)
{
	return place_of(scenario, word, place) && scenario->sim->node[*place].node;
}

static bool span_of(const char *word, msec *span)
{
	char *unit;
	long long number = strtoll(word, &unit, 10);

	if (strcmp(unit, "ms") == 0)
		*span = number;
	else if (strcmp(unit, "s") == 0)
		*span = number * 1000;
	else if (strcmp(unit, "min") == 0)
		*span = number * 60000;
	else
		return false;
	return unit != word;
}

/* ---- commands: true when they made sense ---- */

static bool do_world(struct scenario *scenario)
{
	struct sim_options options = sim_defaults;

	if (scenario->sim)
		return false;
	for (size_t i = 1; i < scenario->words; i++) {
		const char *word = scenario->word[i];
		const char *value = strchr(word, '=');
		long number = value ? strtol(value + 1, NULL, 10) : -1;

		if (number < 0)
			return false;
		if (strncmp(word, "places=", 7) == 0)
			options.places = (size_t)number;
		else if (strncmp(word, "latency=", 8) == 0)
			options.latency_min = options.latency_max = number;
		else if (strncmp(word, "loss=", 5) == 0)
			options.loss_percent = (unsigned)number;
		else if (strncmp(word, "seed=", 5) == 0)
			options.seed = (uint64_t)number;
		else if (strncmp(word, "window=", 7) == 0)
			options.window = (size_t)number;
		else
			return false;
	}
	scenario->sim = sim_new(&options);
	scenario->sim->fact = on_fact;
	scenario->sim->observer = scenario;
	return true;
}

static bool start_all(struct scenario *scenario, bool same_identity)
{
	for (size_t i = 1; i < scenario->words; i++) {
		size_t place;

		if (!place_of(scenario, scenario->word[i], &place) || scenario->sim->node[place].node)
			return false;
		sim_start(scenario->sim, place, same_identity);
	}
	return true;
}

static bool do_start(struct scenario *scenario)
{
	return start_all(scenario, false);
}

static bool do_restart(struct scenario *scenario)
{
	return start_all(scenario, true);
}

static bool do_bootstrap(struct scenario *scenario)
{
	size_t other;
	size_t place;

	if (scenario->words < 4 || strcmp(scenario->word[scenario->words - 2], "to") != 0 ||
		!place_of(scenario, scenario->word[scenario->words - 1], &other))
		return false;
	for (size_t i = 1; i < scenario->words - 2; i++) {
		if (!node_of(scenario, scenario->word[i], &place))
			return false;
		sim_bootstrap(scenario->sim, place, other);
	}
	return true;
}

static bool do_end_of_node(struct scenario *scenario)
{
	size_t place;

	if (!node_of(scenario, scenario->word[1], &place))
		return false;
	if (strcmp(scenario->word[0], "depart") == 0)
		sim_depart(scenario->sim, place);
	else
		sim_crash(scenario->sim, place, strcmp(scenario->word[0], "off") == 0);
	return true;
}

static bool do_time_of_node(struct scenario *scenario)
{
	size_t place;
	msec span;

	if (!place_of(scenario, scenario->word[1], &place) || !span_of(scenario->word[2], &span))
		return false;
	if (strcmp(scenario->word[0], "pause") == 0)
		sim_pause(scenario->sim, place, span);
	else
		scenario->sim->node[place].skew += span;
	return true;
}

static bool do_cut(struct scenario *scenario)
{
	struct sim *sim = scenario->sim;
	uint64_t members = 0;

	for (size_t i = 1; i < scenario->words; i++) {
		size_t place;

		if (!place_of(scenario, scenario->word[i], &place))
			return false;
		members |= UINT64_C(1) << place;
	}
	for (size_t a = 0; a < sim->options.places; a++)
		for (size_t b = 0; b < sim->options.places; b++)
			if ((members >> a & 1) == 1 && (members >> b & 1) == 0) {
				sim_cut(sim, a, b, true);
				if (strcmp(scenario->word[0], "split") == 0)
					sim_cut(sim, b, a, true);
			}
	return true;
}

static bool do_heal(struct scenario *scenario)
{
	sim_heal(scenario->sim);
	return true;
}

static bool do_produce(struct scenario *scenario)
{
	size_t place;
	msec pace;

	if (!node_of(scenario, scenario->word[1], &place) || !span_of(scenario->word[4], &pace) || pace < 1)
		return false;
	sim_produce(scenario->sim, place, STREAM, strtoull(scenario->word[2], NULL, 10), pace);
	return true;
}

static bool do_end(struct scenario *scenario)
{
	size_t place;

	if (!node_of(scenario, scenario->word[1], &place))
		return false;
	sim_produce_end(scenario->sim, place);
	return true;
}

static bool do_consume(struct scenario *scenario)
{
	size_t place;
	msec pace;

	if (!node_of(scenario, scenario->word[1], &place) || !span_of(scenario->word[3], &pace))
		return false;
	sim_consume(scenario->sim, place, STREAM, pace);
	return true;
}

static bool do_run(struct scenario *scenario)
{
	msec span;

	if (!span_of(scenario->word[1], &span))
		return false;
	sim_run_until(scenario->sim, scenario->sim->now + span);
	return true;
}

static bool do_agree(struct scenario *scenario)
{
	msec span;

	if (!span_of(scenario->word[1], &span))
		return false;
	if (sim_run_until_agreed(scenario->sim, scenario->sim->now + span, AGREE_STEP))
		print(scenario, "agreed\n");
	else
		print(scenario, "NOT agreed\n");
	return true;
}

static bool do_list(struct scenario *scenario)
{
	struct sim *sim = scenario->sim;

	for (size_t i = 0; i < sim->options.places; i++) {
		size_t strangers;

		if (!sim->node[i].node)
			continue;
		strangers = node_catalog(sim->node[i].node)->live;
		print(scenario, "%c lists", name_of(&sim->node[i]));
		for (size_t j = 0; j < sim->options.places; j++)
			if (catalog_find(node_catalog(sim->node[i].node), &sim->node[j].identity.public_key)) {
				print(scenario, " %c", name_of(&sim->node[j]));
				strangers--;
			}
		if (strangers > 0)
			print(scenario, " and %zu whose identity nobody has any more", strangers);
		print(scenario, "\n");
	}
	return true;
}

static bool do_read(struct scenario *scenario)
{
	struct sim *sim = scenario->sim;

	for (size_t i = 0; i < sim->options.places; i++)
		if (sim->node[i].node && sim_records_read(&sim->node[i]) > 0)
			print(scenario, "%c read %" PRIu64 " records, %zu ends\n", name_of(&sim->node[i]),
				sim_records_read(&sim->node[i]), sim_ends_verified(&sim->node[i]));
	return true;
}

static const struct command {
	const char *name;
	size_t words_min;          /* its name included */
	bool (*run)(struct scenario *scenario);
} command[] = {
	{"world", 1, do_world},
	{"start", 2, do_start},
	{"restart", 2, do_restart},
	{"renew", 2, do_start},
	{"bootstrap", 4, do_bootstrap},
	{"depart", 2, do_end_of_node},
	{"crash", 2, do_end_of_node},
	{"off", 2, do_end_of_node},
	{"pause", 3, do_time_of_node},
	{"skew", 3, do_time_of_node},
	{"split", 2, do_cut},
	{"oneway", 2, do_cut},
	{"heal", 1, do_heal},
	{"produce", 5, do_produce},
	{"end", 2, do_end},
	{"consume", 4, do_consume},
	{"run", 2, do_run},
	{"agree", 2, do_agree},
	{"list", 1, do_list},
	{"read", 1, do_read},
};

static bool obey(struct scenario *scenario)
{
	char *rest = scenario->line;
	char *word;

	scenario->words = 0;
	while ((word = strsep(&rest, " ")) != NULL)
		if (word[0] != '\0' && scenario->words < WORDS_MAX)
			scenario->word[scenario->words++] = word;
	for (size_t i = 0; scenario->words > 0 && i < sizeof(command) / sizeof(command[0]); i++)
		if (strcmp(command[i].name, scenario->word[0]) == 0)
			return scenario->words >= command[i].words_min && (scenario->sim || command[i].run == do_world) &&
				command[i].run(scenario);
	return false;
}

size_t scenario_run(const char *text, struct buffer *out)
{
	struct scenario scenario = {.out = out};
	size_t number = 0;
	bool good = true;

	while (good && text[0] != '\0') {
		size_t size = strcspn(text, "\n");

		number++;
		/* What was printed the last time is left out; it is printed anew. */
		if (size == 0 || text[0] == '#' || text[0] == '>')
			print(&scenario, "%.*s\n", (int)size, text);
		if (text[0] == '>') {
			good = size > 2 && size < sizeof(scenario.line);
			snprintf(scenario.line, sizeof(scenario.line), "%.*s", good ? (int)size - 2 : 0, text + 2);
			good = good && obey(&scenario);
		}
		text += size + (text[size] == '\n');
	}
	/* Nobody is told any more of what the end of the world does. */
	if (scenario.sim)
		scenario.sim->fact = NULL;
	sim_free(scenario.sim);
	return good ? 0 : number;
}
