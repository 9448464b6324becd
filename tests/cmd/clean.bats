#!/usr/bin/env bats
# Every program under valgrind: no error, no leak, whatever way it ends. (uv_loop_close() == 0 is asserted by all of them.)
load helper

setup() {
	command -v valgrind >/dev/null || skip "no valgrind"
	[ -z "$SANITIZED" ] || skip "sanitizers and valgrind do not mix"
	setup_network
	TEST_TIME_FACTOR=$((${TEST_TIME_FACTOR:-1} * 4))
}

checked=(valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect,possible "--log-file=valgrind.%p")

clean() {
	local log
	for log in valgrind.*; do
		[ ! -s "$log" ] || { cat "$log"; return 1; }
	done
}

@test "a pipe, with its bootstrap node and a look at the catalog" {
	ready "${checked[@]}" mosaik-bootstrap -b 127.0.0.1:0 >token
	bootstrap=$pid
	background "${checked[@]}" mosaik-consume -e -p "$(cat token)" s >out
	consumer=$pid
	seq 20000 >in
	"${checked[@]}" mosaik-produce -p "$(cat token)" s <in
	run -0 "${checked[@]}" mosaik-catalog peers
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
