#!/usr/bin/env bats
# mosaik-catalog wait, ping, explain, graph.
load helper

@test "wait: true at once, true later, and never" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	mosaik-catalog wait --peers 1
	background mosaik-catalog wait --peers 3 --tag worker=2 --stream s=1 -W 20s
	waiter=$pid
	ready mosaik-consume -t worker s >/dev/null
	kill -0 "$waiter"
	ready mosaik-produce -t worker s < <(exec tail -f /dev/null)
	status_of "$waiter"
	[ "$exit_status" = 0 ]
	run -124 mosaik-catalog wait --tag worker=3 -W 200ms
	[[ $output == *"tag 'worker': 2 of 3"* ]]
	run -124 mosaik-catalog wait --group g -W 100ms
	run -64 mosaik-catalog wait
}

@test "wait: for a network that does not exist yet" {
	run -124 mosaik-catalog wait --peers 1 -W 200ms
	background mosaik-catalog wait --peers 1 -W 20s
	waiter=$pid
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	status_of "$waiter"
	[ "$exit_status" = 0 ]
}

@test "wait: returns within 200 ms of the moment it becomes true" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	background mosaik-catalog wait --tag last -W 20s
	waiter=$pid
	ready mosaik-consume -t last s >/dev/null
	from=${EPOCHREALTIME/./}
	status_of "$waiter"
	[ "$exit_status" = 0 ]
	took=$(((${EPOCHREALTIME/./} - from) / 1000))
	echo "# wait: $took ms after the last one was ready" >&3
	[ "$took" -le "$(scaled 200)" ]
}

@test "ping: a peer by id, token or address, N round trips" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >token
	id=$(cut -d@ -f1 token)
	for peer in "${id:0:12}" "$(cat token)" "$(cut -d@ -f2 token)"; do
		run -0 mosaik-catalog ping "$peer" -c 20
		[[ $output =~ ^$id$'\t'20$'\t'([0-9.]+)$'\t'([0-9.]+)$'\t'([0-9.]+)$ ]]
		awk -v least="${BASH_REMATCH[1]}" -v mean="${BASH_REMATCH[2]}" -v most="${BASH_REMATCH[3]}" \
			'BEGIN { exit !(0 < least && least <= mean && mean <= most && most < 2000) }'
	done
	echo "# ping over loopback: min, avg, max ms: ${BASH_REMATCH[*]:1}" >&3
	[ "$(mosaik-catalog -j ping "${id:0:12}" | jq .count)" = 3 ]
}

@test "ping: nobody there is 69, another key or network 77" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >token
	run -69 mosaik-catalog ping 0000
	[[ $output == *"begins with '0000'"* ]]
	run -69 mosaik-catalog ping 127.0.0.1:9
	MOSAIK_NETWORK=other run -77 mosaik-catalog ping "$(cat token)"
	mosaik-key gen key >/dev/null
	run -77 mosaik-catalog ping "$(mosaik-key pub key)@$(cut -d@ -f2 token)"
	kill -STOP "$pid"
	run -69 mosaik-catalog ping "$(cat token)" -W 300ms
	run -64 mosaik-catalog ping
}

@test "explain: who has it, the id behind the name, near misses, what to type next" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	ready mosaik-produce -t blue weather < <(exec tail -f /dev/null)
	mosaik-catalog wait --stream weather
	run -0 mosaik-catalog explain stream weather
	[[ $output == *"$(mosaik-catalog id stream weather)"* ]]
	[[ $output == *"1 of 2 peers"* ]]
	[[ $output == *$'producer\t'"$(mosaik-catalog -o id peers --stream weather)"* ]]
	[[ $output == *"mosaik-consume -n $MOSAIK_NETWORK weather"* ]]
	run -1 mosaik-catalog explain stream wether
	[[ $output == *$'near\tweather'* ]]
	[[ $output == *"explain stream weather"* ]]
	run -1 mosaik-catalog explain tag weather
	[[ $output != *near* ]]
	run -0 mosaik-catalog -j explain tag blue
	[ "$(jq -r '.kind + .name + " " + (.peers | length | tostring)' <<<"$output")" = "tagblue 1" ]
	run -64 mosaik-catalog explain thing blue
	run -64 mosaik-catalog explain tag
}

@test "graph: nodes and the links that they measured" {
	export MOSAIK_NO_LOCAL=1
	ready mosaik-bootstrap -b 127.0.0.1:0 --write-addr hub >/dev/null
	MOSAIK_PEERS=$(cat hub)
	export MOSAIK_PEERS
	run -0 mosaik-catalog graph
	[ "$output" = "$(cut -d@ -f1 hub)"$'\t\t' ]
	ready mosaik-consume s >/dev/null
	ready mosaik-consume s >/dev/null
	mosaik-catalog wait --peers 3
	eventually linked
	run -0 mosaik-catalog graph --dot
	[ "${lines[0]}" = "graph mosaik {" ]
	[ "$(grep -c '^	"[0-9a-f]\{10\}";$' <<<"$output")" = 3 ]
	[ "$(grep -c -- ' -- ' <<<"$output")" -ge 2 ]
}

linked() { [ "$(mosaik-catalog graph | awk -F'\t' '$2 != "" && $3 > 0' | wc -l)" -ge 2 ]; }
