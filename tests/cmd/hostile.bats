#!/usr/bin/env bats
# Strangers, liars and broken peers: the exact close code or alert, no crash, nobody else disturbed.
load helper

setup() {
	setup_network
	PATH=$(dirname "$MOSAIK_BIN")/tests/net:$PATH
	ready mosaik-bootstrap -b 127.0.0.1:0 --write-addr address >/dev/null
	victim=$pid
	address=$(cat address)
}

# The victim still serves, and two honest nodes still talk.
undisturbed() {
	kill -0 "$victim"
	mosaik-catalog peers >/dev/null
	background mosaik-consume -e after >after.out
	local consumer=$pid
	mosaik-produce -m honest after
	status_of "$consumer"
	[ "$(cat after.out)" = honest ]
}

# attack EXPECTED ATTACK [OPTION...]
attack() {
	local expected=$1
	shift
	run -0 hostile "$@" "$address" "$MOSAIK_NETWORK"
	echo "$output"
	[ "$output" = "$expected" ]
	kill -0 "$victim"
}

@test "another network: 101" {
	attack "closed: application 101" wrong-network
	undisturbed
}

@test "no proof, or half of one: 101 and 400" {
	attack "closed: application 101" zero-proof
	attack "closed: application 400" truncated-hello
	undisturbed
}

@test "an unknown protocol: TLS alert no_application_protocol" {
	attack "closed: transport 0x178" unknown-alpn
	undisturbed
}

@test "a client without a key: TLS alert certificate_required" {
	attack "closed: transport 0x174" no-client-key
	undisturbed
}

@test "an oversized frame: 413, on every protocol" {
	for protocol in announce catalog-sync streams; do
		attack "closed: application 413" oversized-frame --protocol "$protocol"
	done
	undisturbed
}

@test "malformed CBOR: 400, on every protocol" {
	for protocol in announce catalog-sync streams; do
		attack "closed: application 400" malformed-cbor --protocol "$protocol"
	done
	undisturbed
}

@test "a handshake that never continues, and one that never says hello, end by deadline" {
	run -0 hostile half-open "$address" "$MOSAIK_NETWORK"
	run -0 hostile no-hello "$address" "$MOSAIK_NETWORK"
	[[ $output == "closed: "* || $output == "timeout" ]]
	undisturbed
}

@test "a flood of half-open handshakes and of garbage disturbs nobody" {
	background hostile half-open --count 500 "$address" "$MOSAIK_NETWORK"
	background hostile garbage --count 20000 "$address" "$MOSAIK_NETWORK"
	undisturbed
	kill -0 "$victim"
}

@test "another key than the dialled one is refused, and said" {
	other=$(mosaik-key gen other.key)
	wrong="$other@${address#*@}"
	run -77 mosaik-catalog --no-local -p "$wrong" -W 3s peers
	[[ $output == *key* ]]
	undisturbed
}

@test "a producer that lies about what it sent: consume -e exits 65, and the producer is told" {
	background hostile_producer "$MOSAIK_NETWORK" lies >told
	liar=$pid
	run -65 mosaik-consume -e lies
	[[ $output == *"does not match"* ]]
	status_of "$liar"
	[ "$(cat told)" = "acknowledged 1 verified 0" ]
}
