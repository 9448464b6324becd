#!/usr/bin/env bats
# Who reads from whom: predicates, places, tags that change, refusals in words.
load helper

# key NAME: makes the key file and prints the peer id.
key() { mosaik-key gen "$1" >/dev/null && mosaik-key pub "$1"; }

@test "a producer takes only consumers with its tag, and says so in words" {
	mkfifo feed
	exec 8<>feed    # both ends: opening one alone would block
	ready mosaik-produce --accept-tag gold --accept-tag paid s <feed 2>produce.err
	run --separate-stderr mosaik-consume -t gold -w 1 s
	[ "$status" = 77 ]
	[[ $stderr == *"does not accept us (10403)"* ]]
	[[ $stderr == *"error[refused]"* ]]
	ready mosaik-consume -t paid -t gold -c 1 s >out
	reader=$pid
	echo welcome >&8
	status_of "$reader"
	[ "$exit_status" = 0 ]
	[ "$(cat out)" = welcome ]
	grep -q "is refused: it is not one that is accepted (10403)" produce.err
	exec 8>&-
}

@test "three places, seven readers: four wait, and a place that is freed is taken" {
	mkfifo feed
	exec 8<>feed    # both ends: opening one alone would block
	ready mosaik-produce --max-consumers 3 --min-consumers 3 s <feed 2>err
	producer=$pid
	for i in 1 2 3 4 5 6 7; do
		ready mosaik-consume s >"out$i" 2>"err$i"
		reader[i]=$pid
	done
	eventually taken "$producer" 3 4
	[ "$(cat err? | grep -c "has no free place: waiting in line")" = 4 ]
	for i in 1 2 3 4 5 6 7; do
		grep -q "waiting in line" "err$i" || { kill -TERM "${reader[i]}"; break; }
	done
	eventually taken "$producer" 3 3
	exec 8>&-
}

# taken PID CONSUMERS WAITING, by its statistics.
taken() {
	kill -USR1 "$1"
	read -r -t 0.1 <> <(:) || true
	tail -n 20 err | grep "stats" | tail -n 1 | grep -q " consumers=$2 waiting=$3 "
}

@test "who waited gets a place and what is written from then on" {
	mkfifo feed
	exec 8<>feed    # both ends: opening one alone would block
	ready mosaik-produce --max-consumers 1 s <feed
	ready mosaik-consume -c 1 s >first
	one=$pid
	echo 1 >&8
	status_of "$one"
	ready mosaik-consume -c 1 s >second
	two=$pid
	ready mosaik-consume -c 1 s >third 2>third.err
	three=$pid
	eventually grep -q "waiting in line" third.err
	echo 2 >&8
	status_of "$two"
	echo 3 >&8
	status_of "$three"
	[ "$(cat first second third)" = $'1\n2\n3' ]
	exec 8>&-
}

@test "without a line the next one is refused with 10509" {
	mkfifo feed
	exec 8<>feed    # both ends: opening one alone would block
	ready mosaik-produce --max-consumers 1 --max-waiting 0 s <feed 2>produce.err
	ready mosaik-consume s >first
	echo x >&8
	eventually test -s first
	run --separate-stderr mosaik-consume -w 1 s
	[ "$status" = 69 ]
	[[ $stderr == *"has no place for another consumer (10509)"* ]]
	[[ $stderr == *"none of 1 producers"* ]]
	grep -q "is refused: all places are taken, and the line for them is full (10509)" produce.err
	exec 8>&-
}

@test "min-consumers counts those with the tag" {
	echo data >in
	ready mosaik-consume s >plain
	ready mosaik-consume -t worker s >one
	run --separate-stderr mosaik-produce --min-consumers 2 --consumer-tag worker -w 1 s <in
	[ "$status" = 69 ]
	[[ $stderr == *"1 of 2 consumers"* ]]
	ready mosaik-consume -t worker s >two
	mosaik-produce --min-consumers 2 --consumer-tag worker -w 15 s <in
	eventually test -s two   # whoever is not counted may come too late for so short a stream
}

@test "a consumer reads only from producers with the tag, and from a named one" {
	gold=$(key gold)
	ready mosaik-consume -e --producer-tag gold s >tagged
	by_tag=$pid
	ready mosaik-consume -e --producer "$gold" s >named
	by_name=$pid
	echo lead | mosaik-produce --min-consumers 0 s
	echo gold | mosaik-produce -t gold -i gold --min-consumers 2 s
	status_of "$by_tag"
	[ "$exit_status" = 0 ]
	status_of "$by_name"
	[ "$exit_status" = 0 ]
	[ "$(cat tagged)" = gold ]
	[ "$(cat named)" = gold ]
	run mosaik-consume --producer nonsense s
	[ "$status" = 64 ]
}

@test "a producer that starts anew with the tag is read, one that starts anew without it is left" {
	key p >/dev/null
	mkfifo feed
	exec 8<>feed    # both ends: opening one alone would block
	ready mosaik-consume --producer-tag on s >out 2>err
	consumer=$pid
	ready mosaik-produce -i p --min-consumers 0 s <feed
	echo never >&8
	exec 8>&-
	status_of "$pid"
	mosaik-produce -i p -t on -m now s
	eventually grep -q now out
	mosaik-produce -i p --min-consumers 0 -m later s
	mosaik-produce -i p -t on -m again s
	eventually grep -q again out
	[ "$(cat out)" = $'now\nagain' ]
	kill -TERM "$consumer"
}

@test "a round trip that is short enough is accepted, on both sides" {
	ready mosaik-consume -e --max-rtt 10s s >out
	echo near | mosaik-produce --max-rtt 10s s
	eventually test -s out
}

@test "two producers of one stream on one host feed it, each in order" {
	ready mosaik-consume -e --min-producers 2 s >out
	reader=$pid
	seq -f "a%g" 1 2000 | mosaik-produce s &
	seq -f "b%g" 1 2000 | mosaik-produce s
	wait $!
	status_of "$reader"
	[ "$exit_status" = 0 ]
	cmp <(grep a out) <(seq -f "a%g" 1 2000)
	cmp <(grep b out) <(seq -f "b%g" 1 2000)
}

@test "two names, two streams; an id is a name too" {
	id=$(mosaik-catalog id stream one)
	ready mosaik-consume -e one >one
	ready mosaik-consume -e "$id" >by_id
	ready mosaik-consume -e two >two
	echo 1 | mosaik-produce --min-consumers 2 one
	echo 2 | mosaik-produce two
	eventually grep -qx 1 one
	eventually grep -qx 1 by_id
	eventually grep -qx 2 two
	[ "$(cat one by_id two | wc -l)" = 3 ]
}

@test "statistics name every channel, in text and in JSON" {
	mkfifo feed
	exec 8<>feed    # both ends: opening one alone would block
	ready mosaik-consume -j s >out 2>consume.err
	consumer=$pid
	ready mosaik-produce s <feed 2>produce.err
	producer=$pid
	echo hello >&8
	eventually test -s out
	kill -USR1 "$producer" "$consumer"
	eventually grep -q "channel peer=[0-9a-f]* state=running records=1 bytes=6 lag=[0-9]* queued=0 dropped=0 seconds=" produce.err
	eventually grep -q '"channels":\[{"peer":"[0-9a-f]*","stream":"s","state":"running","records":1,"bytes":6,' consume.err
	exec 8>&-
}

@test "a line of progress on a terminal, and none beside statistics" {
	command -v script >/dev/null || skip "no script(1)"
	ready mosaik-consume s >/dev/null
	script -qec "bash -c '(echo 1; read -r -t 1.5 <> <(:); echo 2) | mosaik-produce s'" /dev/null >tty </dev/null
	grep -q "1 records, 0.0 MiB, .* MiB/s, 1 consumers" tty
}
