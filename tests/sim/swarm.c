/*
 * swarm.c - many seeds, each twice.
 *
 *     swarm [--first SEED] [--seeds N]     every seed twice; a failure prints how to see it again, and is exit 1
 *     swarm --seed SEED [--verbose]        one seed, with its log
 *     swarm --splits ...                   likewise: ten minutes in two halves
 *     swarm --changes ...                  likewise: how soon a change is everywhere
 *     swarm --split NODES                  one split of so many nodes
 *
 * --stop ends the run at the first seed that fails; its last line on stderr is "FAILED seed N".
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_split.h"
#include "tests/sim/sim_spread.h"
#include "tests/sim/sim_swarm.h"

static int run_one(uint64_t seed, bool verbose)
{
	struct swarm_result result;

	swarm_prepare(seed);
	swarm_run(seed, verbose ? stdout : NULL, &result);
	printf("seed %" PRIu64 ": %s%s, hash %016" PRIx64 ", %" PRIu64 " events, %" PRId64 " s simulated, agreed after %" PRId64
		" ms, %u faults, %" PRIu64 " records, %" PRIu64 " gaps, %" PRIu64 " ends\n", seed,
		result.failure ? result.failure : "ok", result.why, result.hash, result.count.events, result.simulated / 1000,
		result.agreed_after, result.faults, result.count.records, result.count.gaps, result.count.ends);
	return result.failure ? 1 : 0;
}

static int run_split(size_t nodes)
{
	struct split_result result;

	split_run(1, nodes, &result);
	printf("%zu nodes, %zu of them apart: %s %" PRId64 " ms after the heal; in the last minute of the split %" PRIu64
		" bytes/s a node, %.2f dials/s a node without an answer\n", result.nodes, result.smaller,
		result.failure ? result.failure : "one network", result.one_after, result.bytes_s,
		(double)result.dials_failed / 60 / (double)result.nodes);
	return result.failure ? 1 : 0;
}

int main(int argc, char **argv)
{
	uint64_t first = 1, seeds = 200;
	bool verbose = false, one = false, splits = false, changes = false, stop = false;

	for (int i = 1; i < argc; i++) {
		bool has_value = i + 1 < argc;

		if (strcmp(argv[i], "--verbose") == 0) {
			verbose = true;
		} else if (strcmp(argv[i], "--splits") == 0) {
			splits = true;
		} else if (strcmp(argv[i], "--changes") == 0) {
			changes = true;
		} else if (strcmp(argv[i], "--stop") == 0) {
			stop = true;
		} else if (has_value && strcmp(argv[i], "--split") == 0) {
			return run_split(strtoull(argv[i + 1], NULL, 10));
		} else if (has_value && (strcmp(argv[i], "--seed") == 0 || strcmp(argv[i], "--first") == 0)) {
			one = one || strcmp(argv[i], "--seed") == 0;
			first = strtoull(argv[++i], NULL, 10);
		} else if (has_value && strcmp(argv[i], "--seeds") == 0) {
			seeds = strtoull(argv[++i], NULL, 10);
		} else {
			fprintf(stderr, "usage: swarm [--splits | --changes] [--stop] [--first SEED] [--seeds N] | --seed SEED [--verbose] | --split NODES\n");
			return 64;
		}
	}
	if (splits)
		return split_run_many(first, seeds, stop) > 0;
	if (changes)
		return spread_run_many(first, seeds, stop) > 0;
	return one ? run_one(first, verbose) : swarm_run_many(first, seeds, stop) > 0;
}
