/*
 * self.c - me and id: what can be said without asking anybody, as far as it can.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/common/printed.h"
#include "cmd/common/session.h"
#include "cmd/mosaik-catalog/print.h"
#include "cmd/mosaik-catalog/subcommands.h"

struct self {
	const struct settings *settings;
	struct session session;
};

static void turn(void *of, msec now)
{
	struct self *self = of;

	(void)now;
	session_leave(&self->session, print_self(self->settings, runtime_token(self->session.runtime)));
}

int self_run(const struct settings *settings, int count, char **operand)
{
	static const struct program program = {.turn = turn};
	struct self self = {.settings = settings};

	(void)count;
	(void)operand;
	print_check(settings, "me");
	session_open(&self.session, &(struct session_options){.common = &settings->common, .program = &program, .self = &self,
		.guest = true});
	return session_run(&self.session);
}

/* The digest behind a name of any kind whose id is the name alone; of others the members are asked. */
int self_id(const struct settings *settings, int count, char **operand)
{
	static const char *const kinds[] = {"network", "tag", "stream", NULL};
	char text[ID_TEXT_SIZE];
	struct id id;

	if (count != 3)
		usage_error("id takes a kind and a name");
	for (const char *const *known = kinds; *known; known++) {
		if (strcmp(*known, operand[1]) != 0)
			continue;
		id = options_id(operand[1], operand[2]);
		id_format(&id, text);
		printf("%s\n", text);
		return printed(EXIT_YES);
	}
	return explain_id(settings, count, operand);
}
