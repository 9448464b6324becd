#!/usr/bin/env bats
# Discovery as a user sees it, with real processes: convergence, isolation, departure.
load helper

# node NAME [OPTIONS]: a node without rendezvous, its token in the file NAME.
node() {
	local name=$1
	shift
	ready mosaik-bootstrap --no-local -q -b 127.0.0.1:0 --write-addr "$name" "$@" >/dev/null
}

# at NAME ARGUMENTS...: asks this very node.
at() {
	local name=$1
	shift
	mosaik-catalog --no-local -p "$(cat "$name")" "$@"
}

ids_at() { at "$1" -o id peers | sort; }

# all_know N NAME...: waits until each of these nodes lists N peers.
all_know() {
	local count=$1 name waiters=()
	shift
	for name in "$@"; do
		at "$name" wait --peers "$count" -W "$(scaled 10)" 3>&- &
		waiters+=($!)
	done
	for name in "${waiters[@]}"; do wait "$name" || return 1; done
}

@test "D1: ten nodes that know one bootstrap node list each other within 1 s" {
	node hub
	from=${EPOCHREALTIME/./}
	for n in 1 2 3 4 5 6 7 8 9 10; do
		mosaik-bootstrap --no-local -q -b 127.0.0.1:0 -p "$(cat hub)" --write-addr "node$n" >/dev/null 3>&- &
		children+=($!)
	done
	for n in 1 2 3 4 5 6 7 8 9 10; do eventually test -s "node$n"; done
	started=${EPOCHREALTIME/./}
	all_know 11 node1 node2 node3 node4 node5 node6 node7 node8 node9 node10
	took=$(((${EPOCHREALTIME/./} - started) / 1000))
	echo "# D1: ten nodes started in $(((started - from) / 1000)) ms, all listed by all $took ms later" >&3
	[ "$took" -le "$(scaled 1000)" ]
	ids_at hub >all
	[ "$(wc -l <all)" = 11 ]
	for n in 1 5 10; do [ "$(ids_at "node$n")" = "$(cat all)" ]; done
}

@test "D2: two nodes that know nobody know each other once one who knows both has met them" {
	node one
	node two
	[ "$(ids_at one)" = "$(cut -d@ -f1 one)" ]
	[ "$(ids_at two)" = "$(cut -d@ -f1 two)" ]
	node both -p "$(cat one)" -p "$(cat two)"
	all_know 3 one two both
	[ "$(ids_at one)" = "$(ids_at two)" ]
}

@test "D3: nodes of two networks that dial each other keep to their own" {
	node a1
	node b1 -n "other-$MOSAIK_NETWORK"
	node a2 -p "$(cat a1)" -p "$(cat b1)"
	node b2 -n "other-$MOSAIK_NETWORK" -p "$(cat a1)" -p "$(cat b1)"
	node b3 -n "other-$MOSAIK_NETWORK" -p "$(cat a2)" -p "$(cat b2)"
	all_know 2 a1 a2
	[ "$(ids_at a1)" = "$(cut -d@ -f1 a1 a2 | sort)" ]
	export MOSAIK_NETWORK="other-$MOSAIK_NETWORK"
	all_know 3 b1 b2 b3
	[ "$(ids_at b1)" = "$(cut -d@ -f1 b1 b2 b3 | sort)" ]
}

@test "D4: a node that was silent for too long is dropped, and back with its next word" {
	run -64 mosaik-bootstrap --purge-after 10ms
	node one --purge-after 2s
	ready mosaik-catalog --no-local -p "$(cat one)" watch >events
	node two -p "$(cat one)"
	eventually grep -q "^peer-join.$(cut -d@ -f1 two)" events
	eventually grep -q "^peer-leave.$(cut -d@ -f1 two)" events
	came_back() { [ "$(grep -c "^peer-join.$(cut -d@ -f1 two)" events)" -ge 2 ]; }
	eventually came_back
	[ "$(ids_at two | wc -l)" = 2 ]
}

@test "D5: a node that leaves in good order is a peer-leave at the others" {
	node one
	node two -p "$(cat one)"
	node three -p "$(cat one)"
	leaver=$pid
	all_know 3 one two three
	for name in one two; do
		ready mosaik-catalog --no-local -p "$(cat "$name")" watch >"events.$name"
	done
	from=${EPOCHREALTIME/./}
	kill "$leaver"
	for name in one two; do eventually grep -q "^peer-leave.$(cut -d@ -f1 three)" "events.$name"; done
	echo "# D5: seen by both others $(((${EPOCHREALTIME/./} - from) / 1000)) ms after the signal" >&3
}

@test "one key, two processes: both name both addresses, the newer one leaves, the older one stays listed" {
	node hub
	mosaik-key gen key >/dev/null
	ready mosaik-bootstrap --no-local -b 127.0.0.1:0 -i key -t older -p "$(cat hub)" --write-addr older >/dev/null 2>older.err
	all_know 2 hub older
	mosaik-bootstrap --no-local -b 127.0.0.1:0 -i key -t newer -p "$(cat hub)" --write-addr newer >/dev/null 2>newer.err 3>&- &
	children+=($!)
	status_of $!
	[ "$exit_status" = 77 ]
	grep -q "error\[duplicate-identity\].*older process at $(cut -d@ -f2 older); we are at $(cut -d@ -f2 newer)" newer.err
	eventually grep -q "in use twice: a newer process at $(cut -d@ -f2 newer) was refused, we are at $(cut -d@ -f2 older)" older.err
	lists_older() { [ "$(at hub -o addr,tags peers "$(cut -d@ -f1 older)")" = "$(cut -d@ -f2 older)"$'\t'older ]; }
	eventually lists_older
}

@test "one key, two processes: a producer, a consumer and an announcer give way as well" {
	node hub
	mosaik-key gen key >/dev/null
	ready mosaik-bootstrap --no-local -q -b 127.0.0.1:0 -i key -p "$(cat hub)" >/dev/null
	all_know 2 hub
	run -77 mosaik-produce --no-local -i key -p "$(cat hub)" s < <(exec tail -f /dev/null)
	[[ $output == *"in use by an older process"* ]]
	run -77 mosaik-consume --no-local -i key -p "$(cat hub)" s
	run -77 mosaik-catalog --no-local -i key -p "$(cat hub)" announce -t x -- tail -f /dev/null
	[ "$(ids_at hub | wc -l)" = 2 ]
}

@test "a node started again with its key is no duplicate, though it said no goodbye" {
	node hub
	mosaik-key gen key >/dev/null
	node one -i key -t one -p "$(cat hub)"
	kill -KILL "$pid"
	ready mosaik-bootstrap --no-local -b 127.0.0.1:0 -i key -t two -p "$(cat hub)" >/dev/null 2>err
	eventually at hub wait --tag two
	run -1 grep duplicate err
	kill -0 "$pid"
}

@test "twenty nodes: a newcomer, three killed ones, one that stops for half a second" {
	[ -z "$SANITIZED" ] || skip "as many sanitized processes are another measurement"
	run -0 "$MOSAIK_BIN/../tests/bench/herd" mosaik 20 1 3 1 0
	sed 's/^/# /' <<<"$output" >&3
	[[ $output =~ "newcomer is known to all"\ +p50\ ([0-9]+) ]]
	[ "${BASH_REMATCH[1]}" -lt "$(scaled 3)" ]
	[[ $output =~ "killed node is known to be dead"\ +p50\ ([0-9]+) ]]
	[ "${BASH_REMATCH[1]}" -lt "$(scaled 5)" ]
	[[ $output =~ "taken for dead"\ +0\ after ]]
}
