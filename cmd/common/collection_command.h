/*
 * collection_command.h - the one shape of mosaik-map, -vec, -set, -cell, -once and -pqueue. Each of these programs is a
 * table: its name, its kind, and a line of help for each of its verbs. What the verbs do stands here, once.
 *
 *      serve                        a replica: collection_serve_run
 *      get put del ...              a verb of verbs.h, asked of a member: collection_verb_run
 *      watch wait update ...        what is neither: a row of the table of routes in collection_command.c
 */
#ifndef CMD_COLLECTION_COMMAND_H
#define CMD_COLLECTION_COMMAND_H

#include "cmd/common/asker.h"
#include "cmd/common/collection_settings.h"
#include "cmd/common/verbs.h"

struct collection_program {
	enum collection_kind kind;
	const char *name;                          /* "mosaik-map" */
	const char *const *examples;               /* NULL ends */
	const struct subcommand *subcommands;      /* each a verb of the kind or a route */
	const char *options;                       /* rows of collection_settings.h: "types data expect" */
};

int collection_main(const struct collection_program *program, int argc, char **argv);

struct collection_invocation {
	const struct collection_settings *settings;
	enum collection_kind kind;
	const char *verb;                          /* the word */
	const char *store;
	char **operand;                            /* after the store, before --; not ended */
	int count;
	char **command;                            /* of routes that take one: the words behind --, NULL ends; else NULL */
};

typedef int collection_run(const struct collection_invocation *invocation);

collection_run collection_serve_run;
collection_run collection_recover_run;
collection_run collection_verb_run;
collection_run collection_watch_run;
collection_run collection_wait_run;
collection_run collection_patient_run;         /* take, and get of a once, that wait */
collection_run collection_update_run;
collection_run collection_load_run;
collection_run collection_dump_run;
collection_run collection_tail_run;            /* of a vec */
collection_run collection_subset_run;          /* of sets: STORE is in the other one */

/* ---- for whatever asks a member ---- */

/* Kind, name, key, types, settings. The asker's functions and self are the owner's to fill in. */
void collection_asker(const struct collection_invocation *invocation, struct asker *asker);
/* The shape of the store whose member is up. false, and it has left with EXIT_PROTOCOL: nobody can read what it lists. */
bool collection_found(struct asker *asker, struct collection_shape *shape);
/* The shape that -T and --capacity say, with the default types: bytes, of a priority u64. Ends the process if -T is none. */
struct collection_shape collection_wanted(const struct collection_invocation *invocation);

/* What -j, -0, --from, --to, --prefix, --max and --desc come to. */
struct verb_options collection_verb_options(const struct collection_settings *settings);
/* A question of the kind that -L and --min-version ask for. */
struct group_query collection_query(const struct collection_settings *settings, uint64_t ticket, struct bytes query);

/* All of it to stdout; the buffer is empty then. EXIT_YES, EXIT_IO (it was told), or 128 + SIGPIPE (see the next one). */
int collection_print(struct buffer *output);
/* asker_leave, also with 128 + a signal. */
void collection_leave(struct asker *asker, int status);

#endif
