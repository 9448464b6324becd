#!/usr/bin/env bats
# mosaik-catalog watch: who comes, changes and goes; CMD once an event. Nobody lists the watcher.
load helper

watching() { # ARGUMENTS...: a watch in the background, its lines in the file `events`
	ready mosaik-catalog watch "$@" >events 2>watch.err
	watcher=$pid
}

said() { grep -q "$1" events; }

@test "watch: a peer that comes and goes is two lines of six columns" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	watching
	ready mosaik-produce -t blue logs < <(exec tail -f /dev/null)
	eventually said ^peer-join
	kill "$pid"
	eventually said ^peer-leave
	run -0 awk -F'\t' '{ print $1, NF, length($2), $4, $5 }' events
	[ "${lines[0]}" = "peer-join 6 64 blue logs" ]
	[[ "${lines[-1]}" == "peer-leave 6 64 blue"* ]]
	kill -TERM "$watcher"
	status_of "$watcher"
	[ "$exit_status" = 143 ]
}

@test "watch: a stream that ends on a living peer is an update, and starting anew is one" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	mosaik-key gen key >/dev/null
	ready mosaik-consume -i key -t one s >/dev/null
	member=$pid
	mosaik-catalog wait --tag one
	watching
	kill -KILL "$member"
	ready mosaik-consume -i key -t two s >/dev/null
	eventually said "^peer-update.*two"
	run -1 grep peer-join events
}

@test "watch --initial begins with those who are there; -j is one object a line; -o chooses" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	watching --initial -j
	eventually said peer-join
	[ "$(jq -r '.event + " " + .tags[0]' events)" = "peer-join bootstrap" ]
	kill "$watcher"
	watching --initial -o event,tags
	eventually said peer-join
	[ "$(cat events)" = $'peer-join\tbootstrap' ]
}

@test "watch: a watcher is in nobody's catalog, and asks on one connection" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	watching
	run -0 mosaik-catalog peers
	[ "${#lines[@]}" = 1 ]
}

@test "watch: there before the network is, and after its last member left" {
	mosaik-catalog watch >events 2>watch.err 3>&- &
	watcher=$!
	children+=("$watcher")
	eventually grep -q "answers yet" watch.err
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	eventually said ^peer-join
	kill "$pid"
	eventually said ^peer-leave
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	came_back() { [ "$(grep -c ^peer-join events)" = 2 ]; }
	eventually came_back
	kill -0 "$watcher"
}

@test "watch: everybody is gone when nobody answers any more" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	member=$pid
	watching --initial
	eventually said peer-join
	kill -KILL "$member"
	eventually said peer-leave
	[ "$(wc -l <events)" = 2 ]
}

@test "watch: the next member is asked when the first one goes" {
	export MOSAIK_NO_LOCAL=1
	ready mosaik-bootstrap -b 127.0.0.1:0 --write-addr one >/dev/null
	first=$pid
	ready mosaik-bootstrap -b 127.0.0.1:0 -p "$(cat one)" --write-addr two >/dev/null
	mosaik-catalog -p "$(cat one)" wait --peers 2
	watching -p "$(cat one)"
	kill "$first"
	eventually said "^peer-leave.$(cut -d@ -f1 one)"
	ready mosaik-consume -p "$(cat two)" -t late s
	eventually said "^peer-join.*late"
}

@test "watch -- CMD: once an event, the line on stdin, the event in the environment, one at a time" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	for tag in red green blue; do ready mosaik-consume -t "$tag" s >/dev/null; done
	mosaik-catalog wait --peers 4
	# shellcheck disable=SC2016
	background mosaik-catalog watch --initial -j -- sh -c 'mkdir busy || echo overlap; read -r line; rmdir busy
		echo "$MOSAIK_EVENT $MOSAIK_PEER_TAGS $(echo "$line" | jq -r .id) $MOSAIK_PEER"' >events
	eventually grep -q blue events
	eventually grep -q red events
	eventually grep -q green events
	run -1 grep overlap events
	[ "$(awk '$3 != $4' events)" = "" ]
}

@test "watch -- CMD: the signal goes to the group of CMD, which leaves nothing behind" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	background mosaik-catalog watch --initial -- sh -c 'echo $$ >child; exec tail -f /dev/null'
	watcher=$pid
	eventually test -s child
	[ "$(ps -o pgid= -p "$(cat child)" | tr -d ' ')" = "$(cat child)" ]
	kill -TERM "$watcher"
	status_of "$watcher"
	[ "$exit_status" = 143 ]
	run -1 kill -0 "$(cat child)"
}

@test "watch -- CMD: what cannot be run is 126 or 127" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	run -127 mosaik-catalog watch --initial -- ./nothing
	touch plain
	run -126 mosaik-catalog watch --initial -- ./plain
}

@test "watch -- CMD: one that was busy for long is told that it may have missed something" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	mkfifo go
	# shellcheck disable=SC2016
	background mosaik-catalog watch --initial -- sh -c 'read -r line; echo "$MOSAIK_EVENT $MOSAIK_PEER_TAGS"
		[ "$MOSAIK_PEER_TAGS" != bootstrap ] || read -r line <go' >events
	eventually said "peer-join bootstrap"
	ready mosaik-consume -t late s >/dev/null
	run -124 mosaik-catalog wait --tag nobody -W 1500ms
	echo >go
	eventually said "peer-join late"
	[ "$(cat events)" = $'peer-join bootstrap\nlag \npeer-join late' ]
}

@test "watch: a reader that goes away ends it with SIGPIPE" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	mkfifo pipe
	mosaik-catalog watch --initial >pipe 3>&- &
	watcher=$!
	children+=("$watcher")
	read -r line <pipe
	[[ $line == peer-join* ]]
	ready mosaik-consume s >/dev/null
	status_of "$watcher"
	[ "$exit_status" = 141 ]
}
