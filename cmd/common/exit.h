/*
 * exit.h - the exit statuses of every program (see the EXIT STATUS section of each man page). They are API.
 */
#ifndef CMD_EXIT_H
#define CMD_EXIT_H

enum exit_status {
	EXIT_YES = 0,             /* done */
	EXIT_NO = 1,              /* a clean no: absent, mismatch, nothing received; stderr silent */
	EXIT_USAGE = 64,
	EXIT_DATA = 65,           /* bad frame, decode failure, a gap or a hash mismatch in a stream */
	EXIT_UNAVAILABLE = 69,    /* no peer, no replica, no leader, too few members */
	EXIT_BUG = 70,
	EXIT_SYSTEM = 71,
	EXIT_IO = 74,             /* local files, or a producer that vanished */
	EXIT_TEMPORARY = 75,      /* definitely not applied */
	EXIT_PROTOCOL = 76,
	EXIT_REFUSED = 77,        /* wrong key, ticket, identity, network */
	EXIT_CONFIG = 78,
	EXIT_LOST = 123,          /* wrappers: lost the lock */
	EXIT_DEADLINE = 124,      /* for writes: the outcome is unknown */
	EXIT_WRAPPER = 125,
	EXIT_NOT_RUNNABLE = 126,
	EXIT_NOT_FOUND = 127
};

#endif
