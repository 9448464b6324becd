#!/usr/bin/env bats
# Records from stdin to stdout: the main job.
load helper

@test "the first three commands: no flag, no file" {
	unset MOSAIK_BIND
	background mosaik-consume -n "$MOSAIK_NETWORK" hello >out
	consumer=$pid
	start=$(date +%s%N)
	echo "hi there" | MOSAIK_NETWORK= mosaik-produce -n "$MOSAIK_NETWORK" hello
	took=$((($(date +%s%N) - start) / 1000000))
	eventually grep -qx "hi there" out
	[ "$took" -lt $((1000 * ${TEST_TIME_FACTOR:-1})) ]
	kill -INT "$consumer"
	status_of "$consumer"
	[ "$exit_status" = 130 ]
}

@test "a producer that starts first waits for its consumer" {
	background mosaik-produce hello <<<"one record"
	producer=$pid
	run -0 mosaik-consume -e hello
	[ "$output" = "one record" ]
	status_of "$producer"
	[ "$exit_status" = 0 ]
}

@test "-m sends one record, newlines and all" {
	background mosaik-consume -F u32 -e s >out
	consumer=$pid
	mosaik-produce -m $'two\nlines' s
	status_of "$consumer"
	[ "$exit_status" = 0 ]
	[ "$(od -An -tx1 out | tr -d ' \n')" = "0000000974776f0a6c696e6573" ]
}

@test "tar through a raw stream: identical bytes" {
	mkdir tree
	head -c 3000000 /dev/urandom >tree/random
	seq 100000 >tree/numbers
	tar -c tree >sent.tar
	background mosaik-consume -F raw -e x >received.tar
	consumer=$pid
	mosaik-produce -F raw x <sent.tar
	status_of "$consumer"
	[ "$exit_status" = 0 ]
	cmp sent.tar received.tar
	tar -t <received.tar | grep -qx tree/numbers
}

# law KIND: what goes in comes out, through the network.
law() {
	background mosaik-consume -F "$1" --max-record 32M -e "law-$1" >"out.$1"
	consumer=$pid
	mosaik-produce -F "$1" --max-record 32M "law-$1" <"in.$1"
	status_of "$consumer"
	[ "$exit_status" = 0 ]
	cmp "in.$1" "out.$1"
}

@test "every framing gives back what it was given: random, empty and 1 MiB records" {
	head -c 1048576 /dev/urandom >mega
	head -c 70000 /dev/urandom | tr '\000' x >nonul
	{ printf 'first\n\n\n'; tr '\n' x <mega; printf '\n'; tr '\n' x <nonul | fold -b -w 700; printf '\nlast\n'; } >in.lines
	{ printf 'first\0\0\0'; tr '\000' x <mega; printf '\0last\0'; } >in.null
	{ printf '\0\0\0\0'; printf '\0\020\0\0'; cat mega; printf '\0\0\0\0\0\0\0\3abc'; } >in.u32
	{ printf '\x40\x5a\0\020\0\0'; cat mega; printf '\x40\x43abc'; } >in.cbor
	cp mega in.raw
	cp mega in.whole
	for kind in lines null u32 cbor raw whole; do
		law "$kind"
	done
}

@test "json out is json in" {
	background mosaik-consume -j -e first >one.json
	consumer=$pid
	printf 'plain\n\xff\xfe bytes\n\n"quoted"\t\n' | mosaik-produce first
	status_of "$consumer"
	[ "$(wc -l <one.json)" = 4 ]
	jq -e -s '.[0].data == "plain" and .[1].data_b64 != null and .[2].data == "" and .[0].stream == "first" and .[3].seq == 3' one.json
	background mosaik-consume -e second >out
	consumer=$pid
	mosaik-produce -j second <one.json
	status_of "$consumer"
	cmp out <(printf 'plain\n\xff\xfe bytes\n\n"quoted"\t\n')
}

@test "a last line without LF is a record, empty input is none" {
	background mosaik-consume -e a >out
	consumer=$pid
	printf 'x\ny' | mosaik-produce a
	status_of "$consumer"
	cmp out <(printf 'x\ny\n')
	background mosaik-consume -e b >out
	consumer=$pid
	mosaik-produce b </dev/null
	status_of "$consumer"
	[ "$exit_status" = 0 ]
	[ ! -s out ]
}

@test "one producer, three consumers: the same bytes for each" {
	for n in 1 2 3; do
		background mosaik-consume -e fan >"out.$n"
	done
	seq 200000 >in
	mosaik-produce --min-consumers 3 fan <in
	for child in "${children[@]}"; do
		status_of "$child"
		[ "$exit_status" = 0 ]
	done
	for n in 1 2 3; do cmp in "out.$n"; done
}

@test "two producers, one consumer: every record, in order for each" {
	ready mosaik-consume -e --min-producers 2 many >out
	consumer=$pid
	seq -f 'a%.0f' 50000 | mosaik-produce many &
	seq -f 'b%.0f' 50000 | mosaik-produce many
	wait $!
	status_of "$consumer"
	[ "$exit_status" = 0 ]
	cmp <(grep ^a out) <(seq -f 'a%.0f' 50000)
	cmp <(grep ^b out) <(seq -f 'b%.0f' 50000)
}

@test "a record reaches a pipe's reader at once" {
	mkfifo feed
	exec 8<>feed    # both ends: opening one alone would block
	mosaik-consume live > >(while read -r line; do echo "$line" >>seen; done) 3>&- 4>&- &
	children+=($!)
	background mosaik-produce live <feed
	for word in one two three; do
		echo "$word" >&8
		eventually grep -qx "$word" seen
	done
	exec 8>&-
}

@test "-c stops after so many records, and the rest is not printed" {
	background mosaik-consume -c 3 s >out
	consumer=$pid
	seq 10 | mosaik-produce s
	status_of "$consumer"
	[ "$exit_status" = 0 ]
	[ "$(cat out)" = $'1\n2\n3' ]
}

@test "nothing within --idle: 1, and silence" {
	run --separate-stderr -1 mosaik-consume --idle 200ms nobody
	[ -z "$output" ]
	[ -z "$stderr" ]
}

@test "nobody within -w: 69" {
	run -69 mosaik-consume -w 200ms nobody
	run -69 mosaik-produce -w 200ms nobody </dev/null
}

@test "the deadline of -W: 124" {
	run -124 mosaik-consume -W 300ms nobody
	run -124 mosaik-produce -W 300ms nobody </dev/null
}

@test "a reader that closes its end: died of SIGPIPE" {
	mosaik-consume s 2>err | head -n 1 >first &
	reader=$!
	background mosaik-produce s < <(yes)
	wait "$reader"
	[ "$(cat first)" = y ]
}

@test "bad input: 65, with the place, and no end is promised" {
	background mosaik-consume -e s
	consumer=$pid
	run -65 mosaik-produce -F u32 s <<<"xyzzy"
	[[ $output == *record* ]]
	status_of "$consumer"
	[ "$exit_status" = 74 ]
}

@test "a record over --max-record is refused: 65" {
	background mosaik-consume s
	run -65 mosaik-produce --max-record 1000 s < <(head -c 2000 /dev/zero | tr '\0' x)
	[[ $output == *"over the maximum"* ]]
}

@test "stats on SIGUSR1" {
	ready mosaik-consume s 2>err
	kill -USR1 "$pid"
	eventually grep -q 'stats records=0' err
}
