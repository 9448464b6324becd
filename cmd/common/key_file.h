/*
 * key_file.h - a secret key from a file, or the end of the process with one line that says why not.
 */
#ifndef CMD_KEY_FILE_H
#define CMD_KEY_FILE_H

#include "base/crypto.h"

/* As mosaik-key makes it. *out is secret: memory_wipe when done. Exit 77: others can read it; 78: missing, or none. */
void key_file_load(const char *path, struct keypair *out);

#endif
