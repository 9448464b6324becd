/*
 * options.h - a command is a struct, its options rows of a table; common options are one shared table.
 *
 * A row says where its value goes and how it is read, so that one table feeds the parser, -h, the environment, and the
 * hidden --list-options that tests hold against man pages and completions.
 *
 * A value comes from the command line, else from the program's own environment variable (MOSAIK_BOOTSTRAP_WAIT), else
 * from the shared one (MOSAIK_WAIT). An empty variable counts as not set. Repeatable options on the command line
 * replace what the environment says. Long options cannot be abbreviated: a script that says --net would change its
 * meaning with the next --net-something.
 */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"
#include "base/time.h"
#include "cmd/common/framing.h"

enum option_kind {
	OPTION_FLAG,         /* bool */
	OPTION_TEXT,         /* const char * */
	OPTION_TEXTS,        /* struct texts: repeatable; in the environment separated by white space or commas */
	OPTION_PEERS,        /* the same, except that a comma inside PEERID@HOST:PORT,HOST:PORT does not separate */
	OPTION_NUMBER,       /* uint64_t */
	OPTION_POSITIVE,     /* uint64_t, from 1 on; where 0 is the default, that is "not given" */
	OPTION_SIZE,         /* uint64_t: 64K 1M 2G */
	OPTION_DURATION,     /* msec: 250ms 5s 2m 1h inf; bare = seconds; inf = MSEC_NEVER */
	OPTION_FRAMING,      /* enum framing */
	OPTION_COUNT,        /* unsigned: repeatable flag (-v) */
	OPTION_OPTIONAL_DURATION   /* msec, value optional: --stats[=DUR] */
};

struct texts {
	char **text;                 /* released by options_free */
	size_t count;
};

struct option_row {
	char letter;                 /* 0: none */
	const char *name;            /* without dashes; NULL ends a table */
	enum option_kind kind;
	size_t offset;               /* into the command's settings struct */
	const char *value;           /* placeholder in help: "NAME"; NULL for flags */
	const char *environment;     /* variables, separated by a space, the first one that is set counts; NULL: none */
	const char *help;            /* one line; NULL: -h shows it with its subcommand, or where there are none names it */
};

/* Evaluates to the offset and refuses at compile time a field of another type. */
#define OPTION_FIELD(settings, field, type) \
	(offsetof(settings, field) + \
		0 * sizeof(char[__builtin_types_compatible_p(type, __typeof__(((settings *)0)->field)) ? 1 : -1]))

/* Settings shared by every program; first member of its own settings struct. */
struct common {
	const char *network_text;    /* -n */
	struct id network;           /* from it */
	struct texts peers;          /* -p */
	struct texts tags;           /* -t */
	const char *identity_path;   /* -i */
	const char *bind_text;       /* -b; NULL: the default of the program */
	struct texts tickets;        /* --ticket */
	bool no_local;
	bool no_names;
	msec timeout;                /* -W */
	msec wait;                   /* -w */
	enum framing framing;        /* -F, -0, -j */
	bool json;                   /* -j */
	bool null;                   /* -0 */
	const char *columns;         /* -o */
	bool quiet;                  /* -q */
	unsigned verbose;            /* -v; for both see options_log_level */
	uint64_t ready_fd;           /* UINT64_MAX: none */
	msec stats;                  /* period; MSEC_NEVER: off */
	bool has_network, has_timeout, has_wait, has_framing;   /* given, by option or environment */
	int behind;                  /* of the operands, the last so many stood behind "--" */
	uint64_t said;               /* a bit for each option that the command line named: for options_subcommand */
};

/* What these are before anybody speaks: no wait, lines, no descriptor, no statistics. For initialisers. */
#define COMMON_DEFAULTS(deadline) \
	{.timeout = (deadline), .framing = FRAMING_LINES, .ready_fd = UINT64_MAX, .stats = MSEC_NEVER}

struct subcommand {
	const char *name;                      /* NULL ends a table */
	const char *operands;                  /* "[PEER]"; "" for none */
	const char *help;                      /* one line; NULL: the same as the next one's, on one line with it */
};

/* Options that not every subcommand takes. Those in no row belong to all. */
struct scope {
	const char *options;                   /* long names, separated by blanks; NULL ends a table */
	const char *subcommands;
};

struct command {
	const char *name;                      /* "mosaik-produce" */
	const char *usage;                     /* one line after the name: "[options] STREAM" */
	const char *const *examples;           /* lines, NULL ends; shown first in -h */
	const struct option_row *options;      /* its own rows; may be NULL */
	const struct subcommand *subcommands;  /* NULL: none */
	const struct scope *scopes;            /* NULL: every subcommand takes every option */
	const char *common;                    /* long names of the common options it takes: "network peer no-local" */
	const char *environment_prefix;        /* e.g. "MOSAIK_BOOTSTRAP_"; NULL: none */
	void (*check)(const void *settings);   /* last: what contradicts what is a usage_error; NULL: nothing */
	bool network_optional;                 /* it takes -n but can go without: see options_require_network */
	bool stop_at_operand;                  /* the rest of the line belongs to another program */
};

/*
 * Parses argv and the environment into settings (defaulted by the caller; common must be the first member).
 * Options and operands mix; scanning stops at "--", or at the first operand if `stop_at_operand`. argv is reordered,
 * operands last. Returns the index of the first operand. Answers -h, --help, -V, --version and --list-options itself
 * and exits; a mistake prints two lines and exits 64.
 */
int options_parse(const struct command *command, int argc, char **argv, void *settings);
void options_free(const struct command *command, void *settings);   /* releases lists */

/* For commands with network_optional, once it is clear that a network is needed. */
void options_require_network(const struct common *common);
/* For a variable that only some subcommands read: it counts as `option`, a repeatable one, unless that was given. */
void options_read_variable(const struct command *command, void *settings, const char *option, const char *name);
/* What -q, -v and MOSAIK_LOG come to. */
enum log_level options_log_level(const struct common *common);
/* The id that a name stands for. A name that looks like a mistyped id: exit 64, calling it a `kind`. */
struct id options_id(const char *kind, const char *name);
/* A peer's id, alone or at the front of a token PEERID@HOST:PORT. Anything else: exit 64. */
struct id options_peer(const char *text);
/*
 * Row of command->subcommands that is called `word`; NULL word or no such row: exit 64, with the nearest name. So it is when
 * the command line named an option that this subcommand does not take: without a word it would mean less than it says.
 */
const struct subcommand *options_subcommand(const struct command *command, const struct common *common, const char *word);

/* "500ms" and so on; ERROR_BAD_TEXT. */
enum error options_duration(const char *text, msec *out);
enum error options_size(const char *text, uint64_t *out);

/* ---- telling the person ---- */

/* `mosaik-produce: error[no-peer]: words` and up to four hint lines (on a terminal or with -v). Then exit(status). */
_Noreturn __attribute__((format(printf, 4, 5)))
void fail(int status, const char *slug, const char *const *hints, const char *format, ...);
/* The same without the exit, for programs that have things to close first. */
__attribute__((format(printf, 3, 4)))
void report(const char *slug, const char *const *hints, const char *format, ...);
__attribute__((format(printf, 1, 2)))
void warn(const char *format, ...);      /* one line unless -q */
/* The line that was last written has no end: whatever is told next is written over it. */
void options_tell_over(bool is_open);
void options_tell_clear(void);           /* wipes such a line */
/* Two lines: what is wrong, and "try: mosaik-X -h". Exit 64. */
_Noreturn __attribute__((format(printf, 1, 2)))
void usage_error(const char *format, ...);

#endif
