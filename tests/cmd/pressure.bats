#!/usr/bin/env bats
# Slow, stopped and killed peers.
load helper

@test "a stopped consumer stops the producer; memory stays small; on SIGCONT everything arrives" {
	ready mosaik-consume -F raw -e big > >(sha256sum >sum)
	consumer=$pid
	head -c 600000000 /dev/zero | tee >(sha256sum >wanted) | mosaik-produce -F raw big 3>&- 4>&- &
	pipeline=$!
	children+=("$pipeline")
	eventually grown "$consumer"
	kill -STOP "$consumer"
	producer=$(pgrep -P $$ -f "mosaik-produce -F raw big" | head -n 1)
	eventually quiet "$producer"
	[ "$(resident_kib "$producer")" -lt 32768 ] || [ -n "$SANITIZED" ]
	[ "$(resident_kib "$consumer")" -lt 32768 ] || [ -n "$SANITIZED" ]
	kill -CONT "$consumer"
	status_of "$pipeline" 120
	[ "$exit_status" = 0 ]
	status_of "$consumer" 120
	[ "$exit_status" = 0 ]
	eventually test -s sum
	eventually test -s wanted
	cmp sum wanted
}

# Some data has passed.
grown() { [ "$(awk '/^wchar/ { print $2 }' "/proc/$1/io")" -gt 50000000 ]; }

# Reads nothing from its input for a moment.
quiet() {
	local before after
	before=$(awk '/^rchar/ { print $2 }' "/proc/$1/io")
	read -r -t 0.3 <> <(:) || true
	after=$(awk '/^rchar/ { print $2 }' "/proc/$1/io")
	[ "$before" = "$after" ]
}

@test "a killed producer: consume -e exits 74" {
	mkfifo feed
	exec 8<>feed    # both ends: opening one alone would block
	background mosaik-consume -e s >out
	consumer=$pid
	background mosaik-produce s <feed
	producer=$pid
	echo "before" >&8
	eventually grep -q before out
	kill -KILL "$producer"
	status_of "$consumer" 15
	exec 8>&-
	[ "$exit_status" = 74 ]
	[ "$(cat out)" = before ]
}

@test "a killed consumer: the producer goes on for the others" {
	mkfifo feed
	exec 8<>feed    # both ends: opening one alone would block
	background mosaik-consume -e s >out.1
	survivor=$pid
	background mosaik-consume -e s >out.2
	victim=$pid
	background mosaik-produce --min-consumers 2 s <feed
	producer=$pid
	echo one >&8
	eventually grep -q one out.1
	eventually grep -q one out.2
	kill -KILL "$victim"
	seq 200000 >&8
	exec 8>&-
	status_of "$producer" 40
	[ "$exit_status" = 0 ]
	status_of "$survivor"
	[ "$exit_status" = 0 ]
	cmp out.1 <(echo one; seq 200000)
}

@test "a stopped producer is thought dead, and comes back: its reader misses nothing" {
	mkfifo feed
	exec 8<>feed    # both ends: opening one alone would block
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	background mosaik-consume -e s >out
	consumer=$pid
	background mosaik-produce s <feed
	producer=$pid
	echo before >&8
	eventually grep -q before out
	kill -STOP "$producer"
	eventually unlisted
	kill -CONT "$producer"
	eventually mosaik-catalog streams
	seq 1000 >&8
	exec 8>&-
	status_of "$producer"
	[ "$exit_status" = 0 ]
	status_of "$consumer"
	[ "$exit_status" = 0 ]
	cmp out <(echo before; seq 1000)
}

# Somebody answers, and lists no stream.
unlisted() {
	local status=0
	mosaik-catalog streams || status=$?
	[ "$status" = 1 ]
}

@test "a consumer that takes nothing for --max-stall is disconnected: the producer says so and exits 65" {
	mkfifo feed
	exec 8<>feed    # both ends: opening one alone would block
	background mosaik-consume s >out
	consumer=$pid
	background mosaik-produce --max-stall 1s s <feed 2>err
	producer=$pid
	echo one >&8
	eventually grep -q one out
	kill -STOP "$consumer"
	{ head -c 50000000 /dev/zero | tr '\0' '\n' >&8 || true; } 2>/dev/null &
	exec 8>&-
	eventually grep -q "too slow" err
	kill -CONT "$consumer"     # it comes back for the rest, and knows what it missed
	status_of "$producer"
	[ "$exit_status" = 65 ]
}

@test "an interrupted producer ends its stream: the consumer has everything that was accepted" {
	mkfifo feed
	exec 8<>feed    # both ends: opening one alone would block
	background mosaik-consume -e s >out
	consumer=$pid
	background mosaik-produce s <feed
	producer=$pid
	echo accepted >&8
	eventually grep -q accepted out
	kill -INT "$producer"
	status_of "$producer"
	[ "$exit_status" = 130 ]
	exec 8>&-
	status_of "$consumer"
	[ "$exit_status" = 0 ]
}

@test "a closed stdout or stdin is an error, not another file" {
	background mosaik-produce s <<<"record"
	run -74 sh -c "mosaik-consume -e s >&-"
	background mosaik-consume t
	run -74 sh -c "mosaik-produce t <&-"
	run -74 sh -c "mosaik-catalog id stream s >&-"
}

@test "a full disk: exit 74 and a word about it" {
	[ -e /dev/full ] || skip "no /dev/full"
	background mosaik-produce s <<<"record"
	run -74 sh -c "mosaik-consume -e s >/dev/full"
}
