#!/usr/bin/env bats
# The soak tests, short: see tests/README.md for how they run at full length.
load helper

@test "nothing is lost at the head or the tail of a stream" {
	run "$BATS_TEST_DIRNAME/../soak/head-and-tail" 20
	echo "$output"
	[ "$status" = 0 ]
}

@test "consumers and producers that come and go: no wrong byte, no stuck stream, no leak" {
	run "$BATS_TEST_DIRNAME/../soak/churn" 5 6 3
	echo "$output"
	[ "$status" = 0 ]
}

@test "no item of a queue is taken twice or lost, although members and workers are killed" {
	run "$BATS_TEST_DIRNAME/../soak/takes" "$MOSAIK_BIN/.." 400 4
	echo "$output"
	[ "$status" = 0 ]
}

@test "a reader that was stopped under writes catches up by the log" {
	run "$BATS_TEST_DIRNAME/../soak/stopped-reader" "$MOSAIK_BIN/.." 3
	echo "$output"
	[ "$status" = 0 ]
}

@test "full disks and rotten ones: members wait for room or begin anew, and nothing is lost" {
	run "$BATS_TEST_DIRNAME/../soak/disks" "$MOSAIK_BIN/.." 1
	[ "$status" -ne 77 ] || skip "needs root and unshare"
	echo "$output"
	[ "$status" = 0 ]
}
