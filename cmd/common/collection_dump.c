/*
 * collection_dump.c - everything that is in a store, one JSON object a line, as `load` reads it.
 *
 * It comes page by page. If the store changes meanwhile, each page is as it was when it was read, and stderr says so.
 */
#include <inttypes.h>

#include "cmd/common/collection_command.h"
#include "cmd/common/collection_pages.h"
#include "cmd/common/values.h"

#define PRINT_AT (64u * 1024)    /* bytes of output that are kept back at most */

struct dumping {
	struct asker asker;
	const struct collection_invocation *invocation;
	struct collection_shape shape;
	struct collection_pages pages;
	struct buffer output;
	uint64_t ticket;
	int status;                      /* of stdout */
};

static void on_entry(void *self, uint64_t index, const struct bytes part[PARTS])
{
	struct dumping *dumping = self;

	(void)index;
	values_entry(&dumping->shape, part, &dumping->output);
	buffer_append(&dumping->output, bytes_of_text("\n"));
	if (dumping->status == EXIT_YES && dumping->output.size >= PRINT_AT)
		dumping->status = collection_print(&dumping->output);
}

static void finish(struct dumping *dumping)
{
	if (dumping->pages.first != dumping->pages.last)
		warn("%s '%s' changed while it was read: the entries are from versions %" PRIu64 " to %" PRIu64, dumping->asker.kind,
			dumping->asker.name, dumping->pages.first, dumping->pages.last);
	if (dumping->status == EXIT_YES)
		dumping->status = collection_print(&dumping->output);
	collection_leave(&dumping->asker, dumping->status);
}

static void ask_page(struct dumping *dumping)
{
	struct buffer text = {0};
	struct group_query query;

	if (dumping->status != EXIT_YES || !pages_ask(&dumping->pages, &text)) {
		finish(dumping);
	} else {
		query = collection_query(dumping->invocation->settings, ++dumping->ticket, buffer_bytes(&text));
		(void)asker_query(&dumping->asker, &query);      /* one at a time is always taken */
	}
	buffer_fini(&text);
}

static void on_up(struct asker *asker, msec now)
{
	struct dumping *dumping = asker->self;
	const char *prefix = dumping->invocation->settings->prefix;

	(void)now;
	if (!collection_found(asker, &dumping->shape))
		return;
	dumping->ticket = 0;
	dumping->pages.prefix = prefix ? bytes_of_text(prefix) : bytes_of(NULL, 0);
	ask_page(dumping);
}

static void on_fact(struct asker *asker, msec now, const struct client_fact *fact)
{
	struct dumping *dumping = asker->self;

	if (fact->kind != CLIENT_RESULT || asker_retry(asker, now, fact->reason))
		return;
	if (fact->reason != OK) {
		asker_leave(asker, asker_outcome(asker, fact->reason));
	} else if (pages_answer(&dumping->pages, fact->position, fact->bytes) != OK) {
		report("malformed", NULL, "the member's answer cannot be understood");
		asker_leave(asker, EXIT_PROTOCOL);
	} else {
		ask_page(dumping);
	}
}

/* The next member goes on where the last one stopped. */
static bool again(struct asker *asker)
{
	(void)asker;
	return true;
}

int collection_dump_run(const struct collection_invocation *invocation)
{
	struct dumping dumping = {.invocation = invocation, .asker = {.up = on_up, .fact = on_fact, .again = again}};
	int status;

	if (invocation->count > 0)
		usage_error("'%s' is one operand too many", invocation->operand[0]);
	dumping.pages = (struct collection_pages){.shape = &dumping.shape, .entry = on_entry};
	dumping.pages.self = dumping.asker.self = &dumping;
	collection_asker(invocation, &dumping.asker);
	status = asker_run(&dumping.asker);
	pages_fini(&dumping.pages);
	buffer_fini(&dumping.output);
	return status;
}
