#!/usr/bin/env bats
# mosaik-group lock: who gets it, what it costs to die, and that nobody is left behind. tests/soak/locks does more of it.
load helper

setup() { setup_network; }

# A CMD that says when it runs, holds a lock of the kernel meanwhile, and ends when the file $1.go is there.
hold() {
	cat >hold <<-'END'
		#!/bin/bash
		exec 7>held
		flock -n 7 || { echo "OVERLAP $1" >>log; exit 99; }
		echo "begin $1 $MOSAIK_LOCK_TOKEN" >>log
		for _ in $(seq 3000); do
			[ ! -e "$1.go" ] || break
			read -r -t 0.02 <> <(:)
		done
		echo "end $1" >>log
		exit "$2"
	END
	chmod +x hold
	: >log
}

locker() { # NAME STATUS [OPTION...]
	local name=$1 status=$2
	shift 2
	# bash lets what it starts in the background ignore INT and QUIT
	background env --default-signal mosaik-group -q lock l --grace 1 "$@" -- ./hold "$name" "$status" </dev/null >/dev/null
	declare -g "pid_$name=$pid"
}

says() { grep -qx "$1" log; }
ends_with() { status_of "$1" 40 && [ "$exit_status" = "$2" ]; }
lockers_are() { [ "$(mosaik-catalog -j groups | jq .peers)" = "$1" ]; }

no_overlap() {
	run ! grep OVERLAP log
	flock -n held true
	[ "$(awk '$1 == "begin" { print $3 }' log | sort -n)" = "$(awk '$1 == "begin" { print $3 }' log)" ]
	[ "$(awk '$1 == "begin" { print $3 }' log | sort -n | uniq -d)" = "" ]
}

@test "CMD's exit status is ours; 126, 127 and usage" {
	hold
	touch one.go
	run -7 mosaik-group -q lock l -- ./hold one 7
	run -0 mosaik-group -q lock l -- sh -c 'test "$MOSAIK_LOCK_TOKEN" -gt 0'
	run -127 mosaik-group -q lock l -- ./no-such-program
	run -126 mosaik-group -q lock l -- ./log
	run -137 mosaik-group -q lock l -- sh -c 'kill -KILL $$'
	run -64 mosaik-group -q lock l
	no_overlap
}

@test "one after another, in the order of asking; --try and -W do not wait" {
	hold
	locker a 3
	eventually says 'begin a .*'
	locker b 4
	eventually lockers_are 2
	run -75 mosaik-group -q lock l --try -- true
	run -124 mosaik-group -q lock l -W 1 -- true
	touch a.go b.go
	ends_with "$pid_a" 3
	ends_with "$pid_b" 4
	run -0 mosaik-group -q lock l --try -W 15 -- true
	no_overlap
	[ "$(awk '{ print $1, $2 }' log)" = $'begin a\nend a\nbegin b\nend b' ]
}

# CMD dies with its locker, whatever ended that; the next one runs, and nothing is left behind. A locker is a member: of five
# voters two may crash before others take their places, so there is not more of that at once.
holders_die() { # SIGNAL:STATUS...
	hold
	for name in a b c d e; do locker "$name" 0; done
	eventually lockers_are 5
	for pair in "$@"; do
		eventually grep -q begin log
		name=$(tail -n 1 log | cut -d' ' -f2)
		victim="pid_$name"
		count=$(grep -c begin log)
		kill "-${pair%:*}" "${!victim}"
		ends_with "${!victim}" "${pair#*:}"
		eventually eval "[ \$(grep -c begin log) -gt $count ]"
	done
	touch {a,b,c,d,e}.go
	for name in a b c d e; do one="pid_$name"; status_of "${!one}" 40; done
	no_overlap
	[ "$(grep -c begin log)" = 5 ]
	run -1 pgrep -f "$PWD/./hold"
}

@test "TERM, INT, KILL end one that holds; the next one gets it" {
	holders_die TERM:143 INT:130 KILL:137
}

@test "HUP, QUIT end one that holds; the next one gets it" {
	holders_die HUP:129 QUIT:131
}

@test "signals end one that waits, at once, and nobody else notices" {
	hold
	locker holder 5
	eventually says 'begin holder .*'
	for name in a b c d e; do locker "$name" 0; done
	eventually lockers_are 6
	kill -TERM "$pid_a"; ends_with "$pid_a" 143
	kill -INT "$pid_b"; ends_with "$pid_b" 130
	kill -HUP "$pid_c"; ends_with "$pid_c" 129
	kill -TERM "$pid_d"; ends_with "$pid_d" 143
	touch holder.go e.go
	ends_with "$pid_holder" 5
	ends_with "$pid_e" 0
	no_overlap
	[ "$(grep -c begin log)" = 2 ]
}

@test "a holder that is stopped loses the lock: CMD is ended, the next one runs, and it ends with 123" {
	hold
	for name in a b c; do locker "$name" 0; done
	eventually lockers_are 3
	eventually grep -q begin log
	name=$(cut -d' ' -f2 log)
	victim="pid_$name"
	kill -STOP "${!victim}"
	eventually eval '[ "$(grep -c begin log)" = 2 ]'
	kill -CONT "${!victim}"
	ends_with "${!victim}" 123
	run ! says "end $name"
	touch {a,b,c}.go
	for name in a b c; do one="pid_$name"; status_of "${!one}" 40; done
	no_overlap
}

@test "two that start at the very same moment: one after the other, again and again" {
	hold
	touch {a,b}.go
	for round in 1 2 3; do
		export MOSAIK_NETWORK="$MOSAIK_NETWORK.$round"
		locker a 0
		locker b 0
		ends_with "$pid_a" 0
		ends_with "$pid_b" 0
	done
	no_overlap
	[ "$(grep -c begin log)" = 6 ]
}
