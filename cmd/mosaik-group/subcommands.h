/*
 * subcommands.h - what main's table calls. Each takes its operands, the group first, and returns the exit status.
 */
#ifndef GROUP_SUBCOMMANDS_H
#define GROUP_SUBCOMMANDS_H

#include "cmd/mosaik-group/settings.h"

struct invocation {
	const struct settings *settings;
	const char *group;
	char **operand;                /* after the group; NULL ends */
	int count;
};

typedef int subcommand_run(const struct invocation *invocation);

subcommand_run join_run;
subcommand_run propose_run;
subcommand_run query_run;
subcommand_run log_run;
subcommand_run status_run;         /* status, members, leader */
subcommand_run members_run;
subcommand_run leader_run;
subcommand_run wait_run;
subcommand_run lock_run;
subcommand_run declare_dead_run;
subcommand_run recover_run;

#endif
