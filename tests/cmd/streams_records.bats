#!/usr/bin/env bats
# Which records go where, how fast, and what becomes of those that do not: criteria, policies, sidings, commands.
load helper

# As ready, for what has a command behind its options.
ready_before() {
	local fifo="$BATS_TEST_TMPDIR/ready.$RANDOM.$RANDOM" line
	mkfifo "$fifo"
	MOSAIK_READY_FD=9 "$@" 9>"$fifo" <&0 3>&- 4>&- 8>&- &
	pid=$!
	children+=("$pid")
	read -r -t "$(scaled 10)" line <"$fifo" || { echo "not ready: $*" >&2; return 1; }
}

@test "prefix and where are applied by the producer, and leave no gap" {
	ready mosaik-consume -e -j --strict --prefix 'x' s >prefix
	a=$pid
	ready mosaik-consume -e --strict --where a.b=7 --where c=yes s >where
	b=$pid
	ready mosaik-consume -e --strict s >all
	c=$pid
	printf '%s\n' x1 y2 '{"a":{"b":7},"c":"yes"}' '{"a":{"b":8},"c":"yes"}' x3 '{"c":"y\u0065s","a":{"b":7}}' |
		mosaik-produce --min-consumers 3 s
	for reader in "$a" "$b" "$c"; do
		status_of "$reader"
		[ "$exit_status" = 0 ]
	done
	[ "$(jq -r '"\(.seq) \(.data)"' prefix)" = $'0 x1\n4 x3' ]
	[ "$(cat where)" = $'{"a":{"b":7},"c":"yes"}\n{"c":"y\\u0065s","a":{"b":7}}' ]
	[ "$(wc -l <all)" = 6 ]
	run mosaik-consume --where novalue s
	[ "$status" = 64 ]
}

@test "what no consumer was there for is in the file, and what none of them wanted" {
	printf '%s\n' a b | mosaik-produce --min-consumers 0 --undelivered left s
	[ "$(cat left)" = $'a\nb' ]
	ready mosaik-consume -e --prefix k s >kept
	printf '%s\n' k1 d2 k3 d4 | mosaik-produce --undelivered left s
	[ "$(cat left)" = $'a\nb\nd2\nd4' ]
	eventually test -s kept
	run mosaik-produce --undelivered /nonexistent/left -m x s
	[ "$status" = 74 ]
}

@test "tee copies the input unchanged, and a closed stdout ends it with SIGPIPE" {
	ready mosaik-consume -e -F raw s >out
	head -c 300000 /dev/urandom >in
	mosaik-produce -F raw --tee s <in >copy
	cmp in copy
	eventually cmp in out
	ready mosaik-consume s >/dev/null
	run bash -c 'mosaik-produce --tee s < <(yes) | head -n 1 >/dev/null; exit ${PIPESTATUS[0]}'
	[ "$status" = 141 ]
}

@test "a rate is kept: 20 a second make 11 records take half a second and more" {
	ready mosaik-consume -e s >out
	before=$(date +%s%N)
	seq 11 | mosaik-produce --rate 20/s s
	after=$(date +%s%N)
	[ $(((after - before) / 1000000)) -ge 400 ]
	eventually cmp out <(seq 11)
	run mosaik-produce --rate fast s
	[ "$status" = 64 ]
}

@test "drop: a stopped consumer holds nobody up, and knows what it missed" {
	ready mosaik-consume -e s >fast
	fast=$pid
	ready mosaik-consume -e s >slow 2>slow.err
	slow=$pid
	mkfifo feed
	exec 8<>feed    # both ends: opening one alone would block
	ready mosaik-produce --min-consumers 2 --on-slow drop --buffer 10 s <feed 2>produce.err
	producer=$pid
	echo begin >&8
	eventually test -s slow
	kill -STOP "$slow"
	timeout "$(scaled 60)" bash -c 'yes "$(printf %1000s)" | head -n 60000 >&8' 8>&8
	kill -CONT "$slow"
	exec 8>&-
	status_of "$slow" 40
	[ "$exit_status" = 65 ]
	grep -q "records of producer .* were missed" slow.err
	status_of "$producer" 40
	[ "$exit_status" = 65 ]
	grep -q "was too slow: [0-9]* records were left out" produce.err
	missed=$(sed -n 's/.*warning: \([0-9]*\) records of producer.*/\1/p' slow.err | awk '{ n += $1 } END { print n }')
	[ $((missed + $(wc -l <slow))) = 60001 ]
}

@test "disconnect: a stopped consumer is put out with 10413 and told so" {
	ready mosaik-consume s >slow 2>slow.err
	slow=$pid
	mkfifo feed
	exec 8<>feed    # both ends: opening one alone would block
	ready mosaik-produce --on-slow disconnect --buffer 10 s <feed 2>produce.err
	echo begin >&8
	eventually test -s slow
	ready mosaik-consume s >fast
	eventually grep -q . slow
	kill -STOP "$slow"
	timeout "$(scaled 60)" bash -c 'yes "$(printf %1000s)" | head -n 60000 >&8' 8>&8
	eventually grep -q "was too slow and is disconnected: it missed data (10413)" produce.err
	kill -CONT "$slow"
	eventually grep -q "found us too slow" slow.err
	grep -q "(10413)" slow.err
	exec 8>&-
}

@test "a command for every record, with what it needs to know" {
	ready_before mosaik-consume -e s -- sh -c 'read -r line; echo "$MOSAIK_STREAM $MOSAIK_SEQUENCE $line"' >out
	reader=$pid
	seq 5 7 | mosaik-produce s
	status_of "$reader"
	[ "$exit_status" = 0 ]
	[ "$(cat out)" = $'s 0 5\ns 1 6\ns 2 7' ]
}

@test "-P runs so many at a time, and the count is complete when all have ended" {
	# Each waits until three of them are there: with fewer at a time nobody would ever pass.
	ready_before mosaik-consume -c 3 -P 3 s -- sh -c 'echo >>here; until [ "$(wc -l <here)" = 3 ]; do :; done; echo passed' >out
	reader=$pid
	seq 3 | mosaik-produce s || true
	status_of "$reader"
	[ "$exit_status" = 0 ]
	[ "$(grep -c passed out)" = 3 ]
}

@test "a command that fails is told of, with --strict it is the end; one that is not there is 127" {
	ready_before mosaik-consume -e s -- false 2>err
	reader=$pid
	seq 2 | mosaik-produce s
	status_of "$reader"
	[ "$exit_status" = 0 ]
	[ "$(grep -c "'false' ended with status 1" err)" = 2 ]
	ready_before mosaik-consume -e --strict s -- false
	reader=$pid
	seq 2 | mosaik-produce s || true
	status_of "$reader"
	[ "$exit_status" = 65 ]
	ready_before mosaik-consume -e s -- /nonexistent/command
	reader=$pid
	mosaik-produce -m x s || true
	status_of "$reader"
	[ "$exit_status" = 127 ]
}

@test "a signal reaches the command, and nothing of it is left" {
	ready_before mosaik-consume s -- sh -c 'echo $$ >running; exec tail -f /dev/null'
	reader=$pid
	mosaik-produce --linger 100ms -m x s || true
	eventually test -s running
	kill -TERM "$reader"
	status_of "$reader"
	[ "$exit_status" = 143 ]
	! kill -0 "$(cat running)" 2>/dev/null
}
