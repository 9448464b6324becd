/*
 * printed.h - the end of what a program prints with stdio, which is the last moment to see that it did not get through.
 */
#ifndef CMD_PRINTED_H
#define CMD_PRINTED_H

/*
 * Flushes stdout: `status` if all went out; EXIT_IO, told on stderr; or 128 + SIGPIPE, in silence, where its reader went
 * away. session_leave and printed_end make a death of the last one.
 */
int printed(int status);
/* The same where it is known that not all went out: the errno of it. */
int printed_not(int reason);
/* For the end of main: `status`, unless it is 128 + SIGPIPE. */
int printed_end(int status);

#endif
