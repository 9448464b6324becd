#!/usr/bin/env bats
# mosaik-set with real processes.
load helper
load collections

@test "added once, removed, counted, listed by prefix" {
	replicas set s a b c
	mosaik-set add s b a c
	mosaik-set add s a
	run -0 mosaik-set len s
	[ "$output" = 3 ]
	run -0 mosaik-set ls s
	[ "$output" = $'a\nb\nc' ]
	mosaik-set rm s a nothing
	run -1 mosaik-set has s a
	mosaik-set has s b
	run -0 mosaik-set ls s --prefix c
	[ "$output" = c ]
	mosaik-set clear s
	run -0 mosaik-set len s
	[ "$output" = 0 ]
}

@test "subset: of two sets in two groups" {
	replicas set small a b
	replicas set large c
	seq 1 30000 | sed 's/.*/{"key":"member number &"}/' >all
	head -n 20000 all | mosaik-set load small
	mosaik-set load large <all
	mosaik-set subset small large
	run -1 mosaik-set subset large small
	[ -z "$output" ]
	mosaik-set subset large large
	mosaik-set add small stranger
	run -1 mosaik-set subset small large
	mosaik-set clear small
	mosaik-set subset small large
	run -69 mosaik-set subset small nowhere
}

@test "watch, wait, and a late reader" {
	replicas set s a b
	background mosaik-set wait s x -W "$(scaled 30)"
	waiting=$pid
	mosaik-set add s x y
	status_of "$waiting"
	[ "$exit_status" = 0 ]
	mosaik-set rm s x
	run -0 mosaik-set watch s --from 1 -c 3
	[ "$output" = $'1\tput\tx\t\n1\tput\ty\t\n2\tremove\tx\t' ]
	ready mosaik-set serve s -q --lan --reader <>silence >/dev/null
	crash a
	run -0 mosaik-set ls s -L -w 5 -W "$(scaled 20)"
	[ "$output" = y ]
}
