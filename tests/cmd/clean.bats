#!/usr/bin/env bats
# Every program under valgrind: no error, no leak, whatever way it ends. (uv_loop_close() == 0 is asserted by all of them.)
# The collections are in clean_collections.bats.
load helper
load clean_helper

@test "a pipe, with its bootstrap node and a look at the catalog" {
	ready "${checked[@]}" mosaik-bootstrap -b 127.0.0.1:0 >token
	bootstrap=$pid
	background "${checked[@]}" mosaik-consume -e -p "$(cat token)" s >out
	consumer=$pid
	seq 20000 >in
	"${checked[@]}" mosaik-produce -p "$(cat token)" s <in
	run -0 "${checked[@]}" mosaik-catalog peers -W "$(scaled 10)"
	status_of "$consumer"
	[ "$exit_status" = 0 ]
	cmp in out
	kill "$bootstrap"
	status_of "$bootstrap"
	[ "$exit_status" = 0 ]
	clean
}

@test "interrupted, out of time, nobody there, bad input" {
	ready "${checked[@]}" mosaik-consume s >/dev/null
	kill -INT "$pid"
	status_of "$pid"
	[ "$exit_status" = 130 ]
	run -69 "${checked[@]}" mosaik-produce -w 100ms s </dev/null
	run -124 "${checked[@]}" mosaik-consume -W 100ms s
	run -69 "${checked[@]}" mosaik-catalog peers
	background "${checked[@]}" mosaik-consume -e s
	consumer=$pid
	run -65 "${checked[@]}" mosaik-produce -F u32 s <<<"xyzzy"
	status_of "$consumer"
	[ "$exit_status" = 74 ]
	clean
}

@test "keys" {
	run -0 "${checked[@]}" mosaik-key gen key
	run -0 "${checked[@]}" mosaik-key pub key
	run -0 "${checked[@]}" mosaik-catalog me
	run -0 "${checked[@]}" mosaik-catalog id stream s
	clean
}

# A member whose CMD adds up what is applied, and makes snapshots.
adding_member() { # NAME [OPTION...]
	local name=$1
	shift
	[ -f "$name.key" ] || mosaik-key gen "$name.key" >/dev/null
	cat >machine <<-'END'
		#!/bin/bash
		n=0
		while IFS=$'\t' read -r what a b c; do
			case $what in
			apply) n=$((n + c)) ;;
			query) printf 'ok\t%s\t%s\n' "$a" "$n" ;;
			snapshot) printf 'snap\t%s\t%s\n%s' "$a" ${#n} "$n" ;;
			restore) read -r -N "$a" n ;;
			esac
		done
	END
	chmod +x machine
	background "${checked[@]}" mosaik-group -q --lan -i "$name.key" join g "$@" -- ./machine <>silence
	declare -g "pid_$name=$pid"
}
group() { "${checked[@]}" mosaik-group -w "$(scaled 10)" -W "$(scaled 20)" "$@"; }

@test "members of a group, and what proposes and asks" {
	adding_member a
	run -0 group wait g --leader
	run -0 group propose g - < <(seq 10)
	[ "${lines[9]}" = 10 ]
	adding_member b
	run -0 group wait g --members 2
	run -0 group query g total
	[ "$output" = 55 ]
	run -64 "${checked[@]}" mosaik-group propose g
	leaves "$pid_b"
	leaves "$pid_a"
	clean
}

@test "a member with a disk and snapshots, and what looks at it" {
	adding_member a --data data --snapshot-every 2
	run -0 group propose g - < <(seq 10)
	background "${checked[@]}" mosaik-group -q -w "$(scaled 10)" log g -f >followed
	follower=$pid
	run -0 group -j status g
	run -0 group members g
	run -0 group log g
	run -69 "${checked[@]}" mosaik-group -W "$(scaled 20)" propose nobody x
	kill -INT "$follower"
	status_of "$follower" 60
	leaves "$pid_a"
	adding_member a --data data
	run -0 group query g total
	[ "$output" = 55 ]
	leaves "$pid_a"
	clean
}

@test "a lock, to the end of CMD and to a signal" {
	run -3 "${checked[@]}" mosaik-group -q lock l -- sh -c 'exit 3'
	background "${checked[@]}" mosaik-group -q lock l -- sh -c 'touch held; read -r line' <>silence
	holder=$pid
	held() { [ -e held ]; }
	eventually held
	kill -TERM "$holder"
	status_of "$holder" 60
	[ "$exit_status" = 143 ]
	clean
}
