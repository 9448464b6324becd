#!/usr/bin/env bats
# The lines of mosaik-collections(7), run as they stand there.
load helper
load collections

bats_require_minimum_version 1.5.0

page=$BATS_TEST_DIRNAME/../../man/mosaik-collections.7

# lesson TITLE: the example below that heading
lesson() {
	awk -v title=".Ss $1" '$0 == title { here = 1 } here && /^\.Ed/ { exit } shown { print } here && /^\.Bd/ { shown = 1 }' "$page" |
		grep . || { echo "no example: $1" >&2; return 1; }
}

# line N: of the example on stdin
line() { sed -n "$1p"; }

# try TEXT: runs it. An endless one goes to the background, as `forever`, and its output to ./said.
try() { bash -c "$1"; }
forever() { background bash -c "exec $1" <>silence >said; }

@test "a store, and configuration kept in step" {
	mosaik-key gen host.key
	text=$(lesson "A store on three hosts")
	[[ $text == *"--expect 3 --data /var/lib/conf &" ]]
	text=${text/--expect 3 --data \/var\/lib\/conf &/--lan -q --data conf}
	mkfifo silence
	forever "$text"
	echo one >motd.new
	try "$(lesson "Configuration kept in step" | line 1 | sed 's/ put / -w 10s put /')"
	forever "$(lesson "Configuration kept in step" | line 2)"
	eventually cmp motd motd.new
	echo two >motd.new
	try "$(lesson "Configuration kept in step" | line 1)"
	eventually cmp motd motd.new
	# Backup and restore, and waiting, with the same store.
	try "$(lesson "Backup and restore" | line 1)"
	mosaik-map clear conf
	try "$(lesson "Backup and restore" | line 2)"
	mosaik-map get conf motd | cmp - motd.new
	run -0 try "$(lesson "After something happened" | sed 's/^mosaik-map wait/cp motd.new motd; &/')"
	[ "$output" = $'two\nhello' ]
}

@test "when most hosts are lost" {
	replicas map conf host a b -- --data %NAME -i %NAME.key
	mosaik-map put conf motd hello
	eventually sh -c "kill -USR1 $pid_host && grep -q 'committed=1 ' host.err"
	for one in a b; do crash "$one"; done
	run -0 mosaik-map dump conf -L
	[[ "$output" == *'"hello"'* ]]
	crash host
	text=$(lesson "When most hosts are lost" | sed -e 's:/var/lib/conf:host:' -e 's/ -i/ --lan&/')
	run -0 try "$(line 1 <<<"$text")"
	forever "$(line 2 <<<"$text" | sed 's/ &$//')"
	[ "$(mosaik-map get conf motd -w 10s)" = hello ]
}

@test "one winner" {
	replicas once migration-7 a
	run -0 try "$(lesson "One winner")"
	[ "${lines[1]}" = migrating ]
	run -1 try "$(lesson "One winner")"
	[ "${#lines[@]}" -eq 1 ]
}

@test "a work queue" {
	replicas pqueue jobs a
	mkdir src
	printf 'all:\n\t@echo built >>../done\n' >src/Makefile
	try "$(lesson "A work queue" | line 1)"
	mosaik-pqueue push jobs 7 first "echo first >>done"
	try "$(lesson "A work queue" | sed -e 1d -e 's/ -w 1m//')" >/dev/null
	[ "$(cat done)" = $'first\nbuilt' ]
	[ "$(mosaik-pqueue len jobs)" = 0 ]
}

@test "who is here, and read, change, write" {
	export USER=alice
	replicas set online a
	forever "$(lesson "Who is here" | line 2) --initial"
	try "$(lesson "Who is here" | line 1)"
	came() { grep -q $'\tput\talice' said; }
	eventually came
	try "$(lesson "Who is here" | line 3)"
	went() { grep -q $'\tremove\talice' said; }
	eventually went
	replicas map hits a
	mosaik-map put hits page 0
	for i in {1..10}; do background bash -c "$(lesson "Read, change, write")"; done
	ten() { [ "$(mosaik-map get hits page)" = 10 ]; }
	eventually ten
}
