/*
 * check.h - assertions that stay in every build.
 *
 * ASSERT states what this program promises itself; a false one is a bug in this program, never the fault of a
 * peer, a file or a user, and ends the process with a line on stderr and SIGABRT.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

/* Prints "file:line: assertion failed: text" to stderr and aborts. */
_Noreturn void check_failed(const char *file, int line, const char *text);

#define ASSERT(x) ((x) ? (void)0 : check_failed(__FILE__, __LINE__, #x))

#endif
