#!/usr/bin/env bats
# The short version of tests/net/partition: real members in network namespaces, cut off from each other.
load helper

@test "a leader that is cut off, or hears nobody: a minority answers nothing, the rest goes on, all is linearizable" {
	run "$BATS_TEST_DIRNAME/../net/partition" "$MOSAIK_BIN/.." short
	[ "$status" -ne 77 ] || skip "needs root and ip netns"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "replicas of a map, cut off in turn: one-shot commands tell the truth, and a watch tells everything once" {
	run "$BATS_TEST_DIRNAME/../net/partition" "$MOSAIK_BIN/.." short map
	[ "$status" -ne 77 ] || skip "needs root and ip netns"
	echo "$output"
	[ "$status" -eq 0 ]
}
