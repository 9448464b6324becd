/*
 * collection_watch.c - the changes of a store, as they are committed: each once, in order, whatever becomes of the members.
 *
 *     up -> where do we begin?  --from V ----------------------------------> follow from V
 *           now: an empty question, for the version          -> version V -> follow from V + 1
 *           --initial: pages until all have the same version -> version V -> follow from V + 1
 *     member gone -> the next one is followed from the last version that was told
 *     it does not know that any more -> the others are asked; when none does: reset, and with --initial everything anew
 */
#include "base/list.h"
#include "base/memory.h"
#include "cmd/common/collection_command.h"
#include "cmd/common/collection_events.h"
#include "cmd/common/collection_pages.h"
#include "cmd/common/collection_resume.h"
#include "cmd/common/values.h"

#define TRIES_MAX 1000           /* at a content that stands still for as long as its pages take */

enum { TICKET_PAGE = 1, TICKET_FOLLOW };

/* Of the content that is being read: not told before it is known to be of one version. */
struct item {
	struct list place;
	struct buffer change;
};

struct watching {
	struct asker asker;
	const struct collection_invocation *invocation;
	struct collection_shape shape;
	struct buffer filter;            /* stored; empty: everything */
	bool exact;                      /* it is the whole key */
	struct collection_events *events;
	struct collection_resume resume;
	bool begun;                      /* resume says where we are */
	struct collection_pages pages;
	struct list entries;
	unsigned tries;
	struct id reset_by;              /* the first one that did not know what came next; zero: nobody since the last change */
	bool is_paused;
	bool is_ready;                   /* that was said */
};

static void close_events(void *self)
{
	struct watching *watching = self;

	events_free(watching->events);
	watching->events = NULL;
}

static void drop_entries(struct watching *watching)
{
	LIST_EACH_SAFE(place, after, &watching->entries) {
		struct item *item = LIST_OF(place, struct item, place);

		list_remove(place);
		buffer_fini(&item->change);
		memory_free(item);
	}
}

static void malformed(struct watching *watching)
{
	report("malformed", NULL, "the member's answer cannot be understood");
	asker_leave(&watching->asker, EXIT_PROTOCOL);
}

static bool is_wanted(const struct watching *watching, struct bytes key)
{
	struct bytes filter = buffer_bytes(&watching->filter);

	if (watching->exact)
		return bytes_equal(key, filter);
	return key.size >= filter.size && bytes_equal(bytes_of(key.data, filter.size), filter);
}

static void add(struct watching *watching, uint64_t version, struct bytes change)
{
	if (events_add(watching->events, version, change) != OK)
		malformed(watching);
}

/* ---- where we begin ---- */

static void on_entry(void *self, uint64_t index, const struct bytes part[PARTS])
{
	struct watching *watching = self;
	enum collection_kind kind = watching->shape.kind;
	uint8_t stored[TYPE_NUMBER_SIZE];
	struct change change = {.op = kind == COLLECTION_VEC ? CHANGE_INSERT : CHANGE_PUT,
		.has_key = kind == COLLECTION_VEC || collection_has(kind, PART_KEY), .key = part[PART_KEY],
		.has_value = collection_has(kind, PART_VALUE), .value = part[PART_VALUE],
		.has_priority = collection_has(kind, PART_PRIORITY), .priority = part[PART_PRIORITY]};
	struct item *item;

	if (collection_has(kind, PART_KEY) && !is_wanted(watching, part[PART_KEY]))
		return;
	if (kind == COLLECTION_VEC) {
		type_put_u64(index, stored);
		change.key = bytes_of(stored, sizeof stored);
	}
	item = memory_new(sizeof *item);
	*item = (struct item){0};
	change_put(&item->change, &change);
	list_append(&watching->entries, &item->place);
}

static void put_query(struct watching *watching, struct bytes text)
{
	struct group_query query = collection_query(watching->invocation->settings, TICKET_PAGE, text);

	(void)asker_query(&watching->asker, &query);      /* one at a time is always taken */
}

static void ask_page(struct watching *watching)
{
	struct buffer query = {0};

	if (pages_ask(&watching->pages, &query))
		put_query(watching, buffer_bytes(&query));
	buffer_fini(&query);
}

static void follow(struct watching *watching)
{
	asker_follow(&watching->asker, &(struct client_follow){.ticket = TICKET_FOLLOW, .what = FOLLOW_CHANGES,
		.position = resume_again(&watching->resume), .filter = buffer_bytes(&watching->filter)});
	if (!watching->is_ready)
		session_ready(&watching->asker.ask.session);
	watching->is_ready = true;
}

static void begin_at(struct watching *watching, uint64_t version)
{
	resume_init(&watching->resume, version);
	watching->begun = true;
	follow(watching);
}

/* The whole content is here, and all of it of one version. */
static void tell_content(struct watching *watching)
{
	uint64_t version = watching->pages.last;

	LIST_EACH(place, &watching->entries)
		add(watching, version, buffer_bytes(&LIST_OF(place, struct item, place)->change));
	drop_entries(watching);
	watching->tries = 0;
	begin_at(watching, version + 1);
}

static void start(struct watching *watching)
{
	const struct collection_settings *settings = watching->invocation->settings;

	drop_entries(watching);
	pages_again(&watching->pages);
	if (watching->begun)
		follow(watching);
	else if (settings->initial)
		ask_page(watching);
	else
		put_query(watching, bytes_of(NULL, 0));
}

static void on_page(struct watching *watching, const struct client_fact *fact)
{
	if (!watching->invocation->settings->initial) {
		begin_at(watching, fact->position + 1);
		return;
	}
	if (pages_answer(&watching->pages, fact->position, fact->bytes) != OK) {
		malformed(watching);
		return;
	}
	if (watching->pages.first != watching->pages.last) {
		if (++watching->tries == TRIES_MAX) {
			report("busy", NULL, "%s '%s' changes faster than it can be read", watching->asker.kind, watching->asker.name);
			asker_leave(&watching->asker, EXIT_TEMPORARY);
			return;
		}
		start(watching);
	} else if (watching->pages.resumes) {
		ask_page(watching);
	} else {
		tell_content(watching);
	}
}

/* ---- what comes ---- */

static void on_change(struct watching *watching, const struct client_fact *fact)
{
	struct change change;

	if (change_decode(fact->bytes, &change) != OK) {
		malformed(watching);
		return;
	}
	watching->reset_by = (struct id){{0}};
	if (resume_takes(&watching->resume, fact->position) && (!change.has_key || is_wanted(watching, change.key) ||
		watching->shape.kind == COLLECTION_VEC))
		add(watching, fact->position, fact->bytes);
}

/*
 * Members forget at different times what they can tell of the past. Each is asked once; where one of the others cannot be
 * reached, the first is asked again, and then its word stands.
 */
static bool try_another(struct watching *watching)
{
	struct asker *asker = &watching->asker;

	if (id_equal(&watching->reset_by, &asker->member))
		return false;
	if (id_is_zero(&watching->reset_by))
		watching->reset_by = asker->member;
	return asker_try_another(asker, runtime_now(asker->ask.session.runtime));
}

static void on_reset(struct watching *watching, uint64_t version)
{
	if (try_another(watching))
		return;
	watching->reset_by = (struct id){{0}};
	resume_reset(&watching->resume, version);
	add(watching, version, bytes_of(NULL, 0));
	if (!watching->invocation->settings->initial)
		return;
	/* The content follows, and then what comes after it: from another link, on which this follow is not. */
	watching->begun = false;
	asker_pause(&watching->asker);
	asker_resume(&watching->asker, runtime_now(watching->asker.ask.session.runtime));
}

static void on_fact(struct asker *asker, msec now, const struct client_fact *fact)
{
	struct watching *watching = asker->self;

	if (fact->kind == CLIENT_EVENT && fact->event == EVENT_CHANGE)
		on_change(watching, fact);
	else if (fact->kind == CLIENT_EVENT && fact->event == EVENT_RESET)
		on_reset(watching, fact->position);
	else if (fact->kind != CLIENT_RESULT || asker_retry(asker, now, fact->reason))
		return;
	else if (fact->reason != OK)
		asker_leave(asker, asker_outcome(asker, fact->reason));
	else if (fact->ticket == TICKET_PAGE)
		on_page(watching, fact);
}

/* ---- the member ---- */

static bool again(struct asker *asker)
{
	(void)asker;
	return true;
}

/* Everything is asked for anew when there is less to tell. */
static void hold_or_go_on(struct watching *watching, msec now)
{
	size_t waiting = events_bytes(watching->events);

	if (!watching->is_paused && watching->begun && waiting > EVENTS_BYTES_MAX) {
		watching->is_paused = true;
		asker_pause(&watching->asker);
	} else if (watching->is_paused && waiting < EVENTS_BYTES_MAX / 2) {
		watching->is_paused = false;
		asker_resume(&watching->asker, now);
	}
}

static void on_turn(struct asker *asker, msec now)
{
	struct watching *watching = asker->self;
	int status;

	if (!watching->events)
		return;
	if (!events_tell(watching->events, &status))
		collection_leave(asker, status);
	else
		hold_or_go_on(watching, now);
}

/* KEY or --prefix, in stored form. */
static void read_filter(struct watching *watching)
{
	const struct collection_invocation *invocation = watching->invocation;
	const char *key = invocation->count > 0 ? invocation->operand[0] : NULL, *prefix = invocation->settings->prefix;

	buffer_clear(&watching->filter);
	watching->exact = key != NULL;
	if (prefix)
		buffer_append(&watching->filter, bytes_of_text(prefix));
	if (key && values_parse(watching->shape.type[PART_KEY], bytes_of_text(key), &watching->filter) != OK) {
		report("operand", NULL, "'%.100s' is not of type %s", key, type_name(watching->shape.type[PART_KEY]));
		asker_leave(&watching->asker, EXIT_USAGE);
	}
}

static void open_events(struct watching *watching)
{
	const struct collection_invocation *invocation = watching->invocation;
	struct session *session = &watching->asker.ask.session;

	watching->events = events_new(&(struct collection_events_options){.runtime = session->runtime, .shape = watching->shape,
		.form = {collection_verb_options(invocation->settings).form, invocation->settings->columns}, .command = invocation->command,
		.most = invocation->settings->count});
	session->closing = close_events;
	session->self = watching;
	/* It was there; from now on, it is waited for. */
	watching->asker.ask.patient = true;
	watching->asker.ask.common.has_wait = true;
	watching->asker.ask.common.wait = MSEC_NEVER;
}

static void on_up(struct asker *asker, msec now)
{
	struct watching *watching = asker->self;

	(void)now;
	if (!collection_found(asker, &watching->shape))
		return;
	if (!watching->events)
		open_events(watching);
	read_filter(watching);
	watching->pages.prefix = buffer_bytes(&watching->filter);
	if (!asker->ask.session.leaving)
		start(watching);
}

static uint64_t first_wanted(const char *from)
{
	struct buffer stored = {0};
	uint64_t version;

	if (type_from_text(TYPE_U64, bytes_of_text(from), &stored) != OK)
		usage_error("--from '%s': a version is a number", from);
	version = type_get_u64(stored.data);
	buffer_fini(&stored);
	return version;
}

static void check(const struct collection_invocation *invocation)
{
	const struct collection_settings *settings = invocation->settings;
	bool has_keys = collection_has(invocation->kind, PART_KEY);

	if (invocation->count > (has_keys ? 1 : 0))
		usage_error("'%s' is one operand too many", invocation->operand[has_keys ? 1 : 0]);
	if (invocation->count > 0 && settings->prefix)
		usage_error("KEY and --prefix: choose one");
	if (invocation->command && settings->common.columns)
		usage_error("-o chooses what is printed, and CMD gets all of it");
	if (settings->initial && settings->from)
		usage_error("--initial begins with what there is, --from with a version: choose one");
	if (settings->prefix && !has_keys)
		usage_error("--prefix: a %s has no keys", collection_kind_name(invocation->kind));
}

int collection_watch_run(const struct collection_invocation *invocation)
{
	struct watching watching = {.invocation = invocation, .asker = {.up = on_up, .fact = on_fact, .again = again, .turn = on_turn,
		.turns_always = true}};
	int status;

	check(invocation);
	list_init(&watching.entries);
	watching.pages = (struct collection_pages){.shape = &watching.shape, .entry = on_entry};
	watching.pages.self = watching.asker.self = &watching;
	if (invocation->settings->from) {
		resume_init(&watching.resume, first_wanted(invocation->settings->from));
		watching.begun = true;
	}
	collection_asker(invocation, &watching.asker);
	watching.asker.may_move = !invocation->settings->local;
	status = asker_run(&watching.asker);
	drop_entries(&watching);
	pages_fini(&watching.pages);
	buffer_fini(&watching.filter);
	return status;
}
