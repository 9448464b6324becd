/*
 * session.c - see session.h.
 */
#include "cmd/common/session.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cmd/common/key_file.h"
#include "runtime/bearer.h"
#include "runtime/key.h"

static const char *const bind_hints[] = {"another program holds that port: choose one with -b HOST:PORT, or -b HOST:0 for any", NULL};

static void load_identity(struct session *session, const char *path)
{
	if (path)
		key_file_load(path, &session->identity);
	else
		key_random(&session->identity);
}

/* A ticket is presented by whom it names, which without -i is nobody. */
static void warn_of_others_tickets(const struct bearer *bearer, const struct common *common, const struct id *self)
{
	for (size_t i = 0; i < common->tickets.count; i++)
		if (!jwt_names(bearer_ticket(bearer, i), self))
			warn("the ticket in '%s' is for another peer than us%s", common->tickets.text[i],
				common->identity_path ? "" : ": without -i our id is new each time");
}

static struct bearer *open_bearer(const struct session *session)
{
	const struct common *common = session->common;
	struct bearer *bearer = NULL;
	const char *path;
	enum error error;

	if (common->tickets.count == 0)
		return NULL;
	error = bearer_open(common->tickets.text, common->tickets.count, &bearer, &path);
	if (error == ERROR_FULL)
		usage_error("--ticket: a peer can present %d tickets, '%s' is one too many", CARD_TICKETS_MAX, path);
	if (error == ERROR_SYSTEM)
		fail(EXIT_CONFIG, "ticket", NULL, "ticket file '%s': %s", path, strerror(errno));
	if (error != OK)
		fail(EXIT_CONFIG, "ticket", NULL, "'%s' holds no ticket (a JWT)", path);
	warn_of_others_tickets(bearer, common, &session->identity.public_key);
	return bearer;
}

static void open_runtime(struct session *session, const struct session_options *options)
{
	const struct common *common = options->common;
	struct runtime_options wanted = {.network = common->network, .identity = &session->identity,
		.bind = common->bind_text ? common->bind_text : options->bind, .peer = common->peers.text,
		.peer_count = common->peers.count, .tag = common->tags.text, .tag_count = common->tags.count, .bearer = open_bearer(session),
		.advertise = options->advertise, .guest = options->guest, .local = !common->no_local, .no_names = common->no_names,
		.record_max = options->record_max, .purge_after = options->purge_after, .log_level = options_log_level(common), .program_name = program_invocation_short_name,
		.program = options->program, .self = options->self};
	const char *what = "";
	enum error error;

	error = runtime_open(&wanted, &session->runtime, &what);
	if (error == OK)
		return;
	if (error == ERROR_SYSTEM)
		fail(EXIT_SYSTEM, "bind", errno == EADDRINUSE ? bind_hints : NULL, "cannot open a UDP socket on %s: %s", what, strerror(errno));
	if (error == ERROR_BAD_TEXT)
		usage_error("'%s' is not an address (HOST:PORT, or PEERID@HOST:PORT for a peer)", what);
	fail(EXIT_SYSTEM, error_name(error), NULL, "cannot start: %s", error_text(error));
}

void session_open(struct session *session, const struct session_options *options)
{
	const struct common *common = options->common;

	memset(session, 0, sizeof *session);
	session->common = common;
	session->closing = options->closing;
	session->self = options->self;
	if (options->identity)
		session->identity = *options->identity;
	else
		load_identity(session, common->identity_path);
	open_runtime(session, options);
	session->started_at = runtime_now(session->runtime);
	session->deadline = MSEC_NEVER;
	if (common->timeout != MSEC_NEVER && common->timeout > 0)
		session->deadline = session->started_at + common->timeout;
	session->stats_due = MSEC_NEVER;
	if (common->stats != MSEC_NEVER)
		session->stats_due = session->started_at + common->stats;
}

int session_run(struct session *session)
{
	runtime_run(session->runtime);
	if (session->closing)
		session->closing(session->self);
	runtime_close(session->runtime);
	memory_wipe(&session->identity, sizeof session->identity);
	if (session->died_of != 0)
		runtime_die_of(session->died_of);
	return session->status;
}

void session_ready(struct session *session)
{
	if (session->common->ready_fd == UINT64_MAX)
		return;
	if (write((int)session->common->ready_fd, "\n", 1) != 1)
		warn("cannot write to descriptor %llu of --ready-fd: %s", (unsigned long long)session->common->ready_fd, strerror(errno));
	else if (session->common->ready_fd > STDERR_FILENO)
		close((int)session->common->ready_fd);
}

void session_leave(struct session *session, int status)
{
	if (session->leaving)
		return;
	session->leaving = true;
	session->status = status;
	if (status == 128 + SIGPIPE)
		session->died_of = SIGPIPE;
	runtime_leave(session->runtime, LEAVE_WITHIN);
}

void session_leave_signal(struct session *session, int signal_number)
{
	if (!session->leaving)
		session->died_of = signal_number;
	session_leave(session, 128 + signal_number);
}

bool session_hear(struct session *session, const struct node_fact *fact)
{
	struct dial own = runtime_token(session->runtime);
	char theirs[ADDRESS_TEXT_SIZE], ours[ADDRESS_TEXT_SIZE] = "an unknown address", id[ID_SHORT_SIZE];

	if (fact->kind != NODE_DUPLICATE || session->leaving)
		return false;
	id_format_short(&fact->peer, id);
	address_format(&fact->address, theirs);
	if (own.count > 0)
		address_format(&own.address[0], ours);
	if (!fact->is_newer) {
		warn("identity %s is in use twice: a newer process at %s was refused, we are at %s", id, theirs, ours);
		return false;
	}
	report("duplicate-identity", NULL, "identity %s is in use by an older process at %s; we are at %s", id, theirs, ours);
	node_give_way(runtime_node(session->runtime));
	return true;
}

bool session_is_late(const struct session *session, msec now)
{
	return now >= session->deadline;
}

bool session_stats_due(struct session *session, msec now)
{
	if (now < session->stats_due)
		return false;
	session->stats_due = now + session->common->stats;
	return true;
}

msec session_deadline(const struct session *session)
{
	return msec_min(session->deadline, session->stats_due);
}
