#!/usr/bin/env bats
# mosaik-catalog announce: a member while a command runs.
load helper

@test "announce: there with its tags while CMD runs, gone after it, with its status" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	mkfifo go
	background mosaik-catalog announce -t red -t worker -- sh -c 'read -r line <go; exit 7'
	announcer=$pid
	mosaik-catalog wait --tag red --tag worker
	[ "$(mosaik-catalog -o tags peers -t red -t worker | tr , '\n' | sort | paste -sd,)" = red,worker ]
	echo >go
	status_of "$announcer"
	[ "$exit_status" = 7 ]
	run -1 mosaik-catalog peers -t red
}

@test "announce: MOSAIK_TAGS are its tags unless -t names some; no filter of peers" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	export MOSAIK_TAGS="red worker"
	run -0 mosaik-catalog announce -- mosaik-catalog wait --tag red --tag worker
	run -0 mosaik-catalog announce -t blue -- mosaik-catalog wait --tag blue --peers 2
	run -1 mosaik-catalog announce -t blue -- mosaik-catalog peers -t red
	run -0 mosaik-catalog -o tags peers
	[ "$output" = bootstrap ]
	MOSAIK_TAGS=abcdef0123456789abcdef0123456789abcdef run -64 mosaik-catalog announce -- true
}

@test "announce: CMD has our stdin and stdout" {
	run -0 mosaik-catalog announce -t x -- tr a-z A-Z <<<hello
	[ "$output" = HELLO ]
}

@test "announce: signals go to the group of CMD; how it dies is said" {
	background mosaik-catalog announce -t x -- sh -c 'echo $$ >child; exec tail -f /dev/null'
	eventually test -s child
	[ "$(ps -o pgid= -p "$(cat child)" | tr -d ' ')" = "$(cat child)" ]
	kill -KILL "$(cat child)"
	status_of "$pid"
	[ "$exit_status" = 137 ]
	rm child
	background mosaik-catalog announce -t x -- sh -c 'echo $$ >child; exec tail -f /dev/null'
	eventually test -s child
	kill -TERM "$pid"
	status_of "$pid"
	[ "$exit_status" = 143 ]
	run -1 kill -0 "$(cat child)"
}

@test "announce: killed, it takes CMD along" {
	background mosaik-catalog announce -t x -- sh -c 'echo $$ >child; exec tail -f /dev/null'
	eventually test -s child
	kill -KILL "$pid"
	gone() { ! kill -0 "$(cat child)"; }
	eventually gone
}

@test "announce: after -W CMD is told to end, 124" {
	run -124 mosaik-catalog announce -t x -W 200ms -- tail -f /dev/null
}

@test "announce: 127 no such command, 126 not runnable, 64 none" {
	run -127 mosaik-catalog announce -t x -- ./nothing
	touch plain
	run -126 mosaik-catalog announce -t x -- ./plain
	run -64 mosaik-catalog announce -t x
}
