/*
 * key_file.h - a secret key from a file, or the end of the process with one line that says why not.
 */
#ifndef CMD_KEY_FILE_H
#define CMD_KEY_FILE_H

#include "base/crypto.h"

/* As mosaik-key makes it. *out is secret: memory_wipe when done. Exit 77: others can read it; 78: missing, or none. */
void key_file_load(const char *path, struct keypair *out);

/*
 * A key that is kept from run to run: loads it, or makes it, and locks it for as long as *lock stays open. Ends the process
 * as key_file_load does for what is no key, or can be read by others. false: it cannot be kept, for which errno says why;
 * EWOULDBLOCK: another process has it locked, and *out is its key.
 */
bool key_file_keep(const char *path, struct keypair *out, int *lock);

#endif
