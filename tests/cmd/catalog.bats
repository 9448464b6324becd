#!/usr/bin/env bats
# Bootstrap nodes, the catalog, and how nodes find each other.
load helper

@test "bootstrap prints one line, its token, and leaves with 0" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >out
	run -0 wc -l <out
	[ "${output// /}" = 1 ]
	[[ $(cat out) =~ ^[0-9a-f]{64}@127\.0\.0\.1:[0-9]+$ ]]
	kill -TERM "$pid"
	status_of "$pid"
	[ "$exit_status" = 0 ]
}

@test "a restarted bootstrap keeps its id; a second one takes another and says so" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >first
	one=$pid
	ready mosaik-bootstrap -b 127.0.0.1:0 >second 2>err
	grep -q "in use by another" err
	[ "$(cut -d@ -f1 first)" != "$(cut -d@ -f1 second)" ]
	kill "$one"
	status_of "$one"
	ready mosaik-bootstrap -b 127.0.0.1:0 >third
	[ "$(cut -d@ -f1 first)" = "$(cut -d@ -f1 third)" ]
	[ "$(stat -c %a state/mosaik/*/bootstrap.key)" = 600 ]
}

@test "a seed gives the same id each time, with a warning" {
	ready mosaik-bootstrap -b 127.0.0.1:0 -s "a seed" >one 2>err
	grep -qi seed err
	kill "$pid"
	status_of "$pid"
	ready mosaik-bootstrap -b 127.0.0.1:0 -s "a seed" >two
	[ "$(cut -d@ -f1 one)" = "$(cut -d@ -f1 two)" ]
}

@test "nodes that know only the bootstrap node find each other, and leave in good order" {
	export MOSAIK_NO_LOCAL=1
	ready mosaik-bootstrap -b 127.0.0.1:0 --write-addr address >/dev/null
	MOSAIK_PEERS=$(cat address)
	export MOSAIK_PEERS
	for n in 1 2 3 4 5; do
		ready mosaik-consume -t "node-$n" stream
		last=$pid
	done
	eventually has_peers 6
	run -0 mosaik-catalog tags
	[[ $output == *node-5* ]]
	kill "$last"
	status_of "$last"
	eventually has_peers 5
	run -0 mosaik-catalog tags
	[[ $output != *node-5* ]]
}

has_peers() { [ "$(mosaik-catalog peers | grep -c '^[0-9a-f]\{64\}')" = "$1" ]; }

@test "the catalog names streams and producers; columns and JSON" {
	ready mosaik-produce -t blue logs < <(exec tail -f /dev/null)
	run -0 mosaik-catalog streams
	[[ $output == *logs* ]]
	run -0 mosaik-catalog -j peers
	[ "$(jq -r '.tags[0] + " " + .streams[0]' <<<"$output")" = "blue logs" ]
	run -0 mosaik-catalog -o id,tags peers --stream logs
	[[ $output =~ ^[0-9a-f]{64}$'\t'blue$ || ${lines[1]} =~ ^[0-9a-f]{64}$'\t'blue$ ]]
	run -1 mosaik-catalog peers --stream nothing
}

@test "nobody there: 69, saying where it looked" {
	run -69 mosaik-catalog peers
	[[ $output == "mosaik-catalog: error["* ]]
	[[ $output == *"$MOSAIK_NETWORK"* ]]
}

@test "a stale rendezvous file is ignored and removed" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	kill -KILL "$pid"
	wait "$pid" || true
	[ "$(find run -type f | wc -l)" = 1 ]
	run -69 mosaik-catalog peers
	[ "$(find run -type f | wc -l)" = 0 ]
}

@test "--no-local: the rendezvous is neither written nor read" {
	ready mosaik-bootstrap --no-local -b 127.0.0.1:0 >token
	[ ! -d run ] || [ "$(find run -type f | wc -l)" = 0 ]
	run -69 mosaik-catalog peers
	run -0 mosaik-catalog -p "$(cat token)" peers
	run -0 mosaik-catalog -p "$(cut -d@ -f2 token)" peers
}

@test "a rendezvous folder that others may write to is not used" {
	mkdir -p run
	chmod 777 run
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null 2>err
	grep -q "not safely ours" err
	run -69 mosaik-catalog peers
}

@test "two networks on one host do not see each other" {
	ready mosaik-bootstrap -b 127.0.0.1:0 --write-addr one >/dev/null
	MOSAIK_NETWORK=other-$MOSAIK_NETWORK run -69 mosaik-catalog peers
	MOSAIK_NETWORK=other-$MOSAIK_NETWORK run -77 mosaik-catalog -p "$(cat one)" peers
	[[ $output == *network* ]]
}

@test "id: the digest behind a name" {
	run -0 mosaik-catalog id tag "$(printf 'ab%.0s' {1..32})"
	[ "$output" = "$(printf 'ab%.0s' {1..32})" ]
	run -0 mosaik-catalog id stream hello
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	run -64 mosaik-catalog id stream "$(printf 'ab%.0s' {1..31})"
}

@test "a network that looks like a mistyped id: 64" {
	run -64 mosaik-produce -n 0123456789abcdef0123456789abcdef0 s
	run -64 mosaik-produce -n "" s
	MOSAIK_NETWORK= run -64 mosaik-produce s
}

@test "a key file that others can read: 77" {
	mosaik-key gen key >/dev/null
	chmod 644 key
	run -77 mosaik-bootstrap -b 127.0.0.1:0 -i key
	chmod 600 key
	id=$(mosaik-key pub key)
	ready mosaik-bootstrap -b 127.0.0.1:0 -i key >out
	[ "$(cut -d@ -f1 out)" = "$id" ]
}

@test "an address in use: 71 with a hint" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >out
	run -71 mosaik-bootstrap -b "$(cut -d@ -f2 out)"
	[[ $output == *"in use"* ]]
}

@test "IPv6 loopback works as well" {
	[ -e /proc/net/if_inet6 ] || skip "no IPv6 here"
	grep -q '^00000000000000000000000000000001' /proc/net/if_inet6 || skip "no ::1 here"
	export MOSAIK_BIND='[::1]:0'
	background mosaik-consume -e s >out
	consumer=$pid
	mosaik-produce -m six s
	status_of "$consumer"
	[ "$(cat out)" = six ]
}
