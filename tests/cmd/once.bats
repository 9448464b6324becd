#!/usr/bin/env bats
# mosaik-once with real processes.
load helper
load collections

@test "of fifty who set it one wins, and everybody is told the same" {
	replicas once o a b c
	for i in $(seq 50); do
		background sh -c "mosaik-once set o $i -W $(scaled 60) >said.$i; echo \$? >status.$i"
		setting+=("$pid")
	done
	for one in "${setting[@]}"; do status_of "$one" 60; done
	[ "$(grep -lx 0 status.* | wc -l)" = 1 ]
	[ "$(grep -lx 1 status.* | wc -l)" = 49 ]
	[ "$(sort -u said.* | wc -l)" = 1 ]
	winner=$(grep -lx 0 status.*)
	run -0 mosaik-once get o
	[ "$output" = "${winner#status.}" ]
}

@test "get -w waits for it; a late member has it; it stays" {
	replicas once o a b c
	run -1 mosaik-once get o
	run -1 mosaik-once get o -w 300ms
	[ -z "$output" ]
	background mosaik-once get o -w "$(scaled 30)" >got
	getting=$pid
	background mosaik-once wait o -W "$(scaled 30)"
	waiting=$pid
	run -0 mosaik-once set o first
	[ "$output" = first ]
	status_of "$getting"
	[ "$exit_status" = 0 ]
	[ "$(cat got)" = first ]
	status_of "$waiting"
	[ "$exit_status" = 0 ]
	run -1 mosaik-once set o second
	[ "$output" = first ]
	replica once o late
	crash a
	run -0 mosaik-once get o -w 5 -W "$(scaled 20)"
	[ "$output" = first ]
	run -0 mosaik-once watch o --initial -c 1
	[ "$output" = $'2\tput\t\tfirst' ]
}
