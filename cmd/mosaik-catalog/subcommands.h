/*
 * subcommands.h - what main's table calls. Each takes the operands, its own name the first of them, and returns the exit
 * status.
 */
#ifndef CATALOG_SUBCOMMANDS_H
#define CATALOG_SUBCOMMANDS_H

#include "cmd/mosaik-catalog/settings.h"

typedef int subcommand_run(const struct settings *settings, int count, char **operand);

subcommand_run list_run;        /* peers, tags, streams, groups */
subcommand_run self_run;        /* me */
subcommand_run self_id;         /* id */
subcommand_run watch_run;
subcommand_run wait_run;
subcommand_run ping_run;
subcommand_run explain_run;
subcommand_run explain_id;      /* id of a group or a store */
subcommand_run graph_run;
subcommand_run doctor_run;
subcommand_run announce_run;

#endif
