/*
 * sim_scenario.h - a world told as text: lines that begin with "> " are commands, the lines after one what it printed.
 *
 *     > world places=3 latency=20 loss=0 seed=1     first; every option may be left out
 *     > start a b c                                 nodes are letters, by place; new identities
 *     > restart a | renew a                         with the same identity, or a new one, after a crash or departure
 *     > bootstrap b c to a                          b and c are told of a's address
 *     > depart a | crash a | off a                  with a goodbye; the process dies; the host dies
 *     > pause a 2s | skew a -10min
 *     > split a b | oneway a b | heal               a and b from all others; or only what they send
 *     > produce a 100 every 20ms | end a            numbered records; 0: for ever
 *     > consume b every 10ms
 *     > run 5s
 *     > agree 5s                                    runs until everybody lists exactly those that run, at most so long
 *     > list | read                                 who lists whom; who read how much
 *
 * What happens to streams is printed as it happens. Lines that begin with # are comments.
 */
#ifndef TESTS_SIM_SIM_SCENARIO_H
#define TESTS_SIM_SIM_SCENARIO_H

#include <stdio.h>

#include "base/bytes.h"

/*
 * Runs the commands in `text` and writes the same text with what they print now to `out`. 0, or the number of the line
 * that is no command.
 */
size_t scenario_run(const char *text, struct buffer *out);

#endif
