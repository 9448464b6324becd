#!/usr/bin/env bats
# mosaik-cell with real processes.
load helper
load collections

@test "set, overwritten, cleared, set again" {
	replicas cell c a b d
	run -1 mosaik-cell get c
	mosaik-cell clear c
	mosaik-cell set c one
	mosaik-cell set c two
	run -0 mosaik-cell get c
	[ "$output" = two ]
	mosaik-cell clear c
	run -1 mosaik-cell get c
	printf 'a\0b\n' | mosaik-cell set c -
	mosaik-cell get c | cmp - <(printf 'a\0b\n')
	replica cell c late
	crash a
	mosaik-cell get c -w 5 -W "$(scaled 20)" | cmp - <(printf 'a\0b\n')
}

@test "compare and swap in every combination" {
	replicas cell c a b
	run -1 mosaik-cell cas c --from x --to y
	mosaik-cell cas c --absent --delete
	mosaik-cell cas c --absent --to one
	run -1 mosaik-cell cas c --absent --to two
	[ "$output" = one ]
	run -1 mosaik-cell cas c --from two --to three
	[ "$output" = one ]
	mosaik-cell cas c --from one --to two
	mosaik-cell cas c --from two --delete
	run -1 mosaik-cell get c
}

@test "update, watch, wait, dump and load" {
	replicas cell c a b -- -T i64
	replicas cell other d -- -T i64
	background mosaik-cell wait c --value -3 -W "$(scaled 30)"
	waiting=$pid
	mosaik-cell set c -- -1
	for _ in 1 2; do mosaik-cell update c -- awk '{ print $1 - 1 }'; done
	status_of "$waiting"
	[ "$exit_status" = 0 ]
	mosaik-cell clear c
	run -0 mosaik-cell watch c --from 1 -c 4
	[ "$output" = $'1\tput\t\t-1\n2\tput\t\t-2\n3\tput\t\t-3\n4\tclear\t\t' ]
	mosaik-cell set c 7
	mosaik-cell dump c | mosaik-cell load other
	run -0 mosaik-cell dump other
	[ "$output" = '{"value":7}' ]
}
