#!/usr/bin/env bats
# Tickets between real processes: who may subscribe, whom to read from, until when. Numbers are those of tests/README.md.
load helper

setup() {
	setup_network
	PATH=$(dirname "$MOSAIK_BIN")/tests/net:$PATH
	issuer=$(mosaik-key gen issuer.key)
	other=$(mosaik-key gen other.key)
	reader=$(mosaik-key gen reader.key)
	writer=$(mosaik-key gen writer.key)
}

# ticket ISSUER PEER [OPTION...]: to stdout
ticket() { mosaik-key ticket "$1.key" "$2" "${@:3}"; }

# claims PEER SECONDS: what an issuer of another make would say.
claims() { echo "{\"sub\":\"$1\",\"exp\":$(($(date +%s) + $2))}"; }

# feed: a producer's stdin that stays open, at descriptor 8.
feed() {
	mkfifo feed
	exec 8<>feed    # both ends: opening one alone would block
}

# refused OPTION...: this consumer gets nothing, and is told why.
refused() {
	run --separate-stderr mosaik-consume -i reader.key "$@" -w 1 s
	echo "$stderr"
	[ "$status" = 77 ]
	[[ $stderr == *"(10403)"* ]]
	[ -z "$output" ]
}

# accepted OPTION...: this one gets the next record.
accepted() {
	ready mosaik-consume -i reader.key "$@" -c 1 s >accepted.out 2>accepted.err
	echo record >&8
	status_of "$pid"
	[ "$exit_status" = 0 ]
	[ "$(cat accepted.out)" = record ]
}

@test "S15, T3: a producer takes only consumers with a ticket" {
	ticket issuer "$reader" >good.jwt
	ticket other "$reader" >wrong.jwt
	ticket issuer "$writer" >stolen.jwt
	feed
	ready mosaik-produce --require-ticket "$issuer" s <feed 2>produce.err
	refused
	[[ $stderr == *"does not accept us: a ticket is required, and it is missing (10403): it is asked again later"* ]]
	refused --ticket wrong.jwt
	[[ $stderr == *"is not signed by the issuer's key (10403)"* ]]
	refused --ticket stolen.jwt
	[[ $stderr == *"'stolen.jwt' is for another peer than us"* ]]
	accepted --ticket good.jwt
	accepted --ticket wrong.jwt --ticket good.jwt
	MOSAIK_TICKET=good.jwt accepted
	grep -q "is refused: a ticket is required, and it is missing (10403)" produce.err
}

@test "S20, T1: a consumer reads only from producers with a ticket" {
	ticket issuer "$writer" >good.jwt
	ticket issuer "$writer" --expires 1s >short.jwt
	ready mosaik-consume -c 1 --require-ticket "$issuer" s >out 2>err
	consumer=$pid
	mosaik-produce --min-consumers 0 -m plain s
	eventually expired short.jwt
	mosaik-produce --min-consumers 0 -i writer.key --ticket short.jwt -m late s
	mosaik-produce --min-consumers 0 -i other.key --ticket good.jwt -m stolen s
	mosaik-produce -i writer.key --ticket good.jwt -m good s
	status_of "$consumer"
	[ "$exit_status" = 0 ]
	[ "$(cat out)" = good ]
}

# The payload of a ticket, and whether its time is over.
expired() { [ "$(date +%s)" -ge "$(cut -d. -f2 "$1" | tr '_-' '/+' | base64 -d 2>/dev/null | grep -o '"exp":[0-9]*' | cut -d: -f2)" ]; }

@test "a consumer that waits in vain says what the producers lack" {
	feed
	ready mosaik-produce s <feed
	run --separate-stderr mosaik-consume --require-ticket "$issuer" -w 1 s
	[ "$status" = 69 ]
	[[ $stderr == *"1 producers of stream 's'"*"but none that is wanted"*"a ticket is required, and it is missing"* ]]
}

@test "S35: on both sides at once" {
	ticket issuer "$reader" >reader.jwt
	ticket issuer "$writer" >writer.jwt
	ready mosaik-consume -e -i reader.key --ticket reader.jwt --require-ticket "$issuer" s >out
	echo both | mosaik-produce -i writer.key --ticket writer.jwt --require-ticket "$issuer" s
	status_of "$pid"
	[ "$(cat out)" = both ]
}

@test "S36, T5: a producer wants tickets of two issuers" {
	ticket issuer "$reader" >one.jwt
	ticket other "$reader" >two.jwt
	feed
	ready mosaik-produce --require-ticket "$issuer" --require-ticket "$other" s <feed
	refused --ticket one.jwt
	refused --ticket two.jwt
	accepted --ticket one.jwt --ticket two.jwt
}

@test "T4: a consumer wants tickets of two issuers" {
	ticket issuer "$writer" >one.jwt
	ticket other "$writer" >two.jwt
	ready mosaik-consume -c 1 --require-ticket "$issuer" --require-ticket "$other" s >out
	mosaik-produce --min-consumers 0 -i writer.key --ticket one.jwt -m one s
	mosaik-produce --min-consumers 0 -i writer.key --ticket two.jwt -m two s
	mosaik-produce -i writer.key --ticket one.jwt --ticket two.jwt -m both s
	status_of "$pid"
	[ "$(cat out)" = both ]
}


# tick: a record every 50 ms to descriptor 8 until the file "over" is there, 60 s at most.
tick() {
	local end=$((SECONDS + 60))
	while [ ! -e over ] && [ "$SECONDS" -lt "$end" ]; do
		date +%s.%N >&8
		read -r -t 0.05 <> <(:) || true
	done
}

# The records that arrived are times; none of them is after the time of the ticket, by more than it takes to send it.
ended_in_time() { # OUTPUT TICKET
	local end last
	end=$(cut -d. -f2 "$2" | tr '_-' '/+' | base64 -d 2>/dev/null | grep -o '"exp":[0-9]*' | cut -d: -f2)
	last=$(tail -n 1 "$1")
	echo "the last record is of $last, the ticket until $end"
	[ "${last%.*}" -lt "$((end + ${TEST_TIME_FACTOR:-1}))" ]
	[ "${last%.*}" -ge "$((end - 3))" ]
}

@test "T6: a ticket that expires ends the subscription, at the producer's" {
	ticket issuer "$reader" --expires "$(scaled 5)s" >short.jwt
	feed
	ready mosaik-produce --require-ticket "$issuer" s <feed 2>produce.err
	ready mosaik-consume -i reader.key --ticket short.jwt s >out 2>err
	tick 3>&- &
	children+=($!)
	eventually grep -q "no longer accepted, and is disconnected: a ticket is required, and the one that is there has expired (10403)" produce.err
	touch over
	eventually grep -q "does not accept us (10403)" err
	eventually grep -q "does not accept us: a ticket is required, and the one that is there has expired (10403)" err
	ended_in_time out short.jwt
}

@test "T2: a ticket that expires ends the subscription, at the consumer's" {
	ticket issuer "$writer" --expires "$(scaled 5)s" >short.jwt
	feed
	ready mosaik-consume --require-ticket "$issuer" s >out 2>err
	ready mosaik-produce -i writer.key --ticket short.jwt s <feed 2>produce.err
	tick 3>&- &
	children+=($!)
	eventually grep -q "no consumer is left" produce.err
	touch over
	eventually grep -q "is no longer read: a ticket is required, and the one that is there has expired" err
	ended_in_time out short.jwt
}

@test "a ticket that is renewed keeps the connection, one that is taken away ends it" {
	ticket issuer "$reader" --expires "$(scaled 6)s" >short.jwt
	cp short.jwt now.jwt
	feed
	ready mosaik-produce --require-ticket "$issuer" s <feed 2>produce.err
	ready mosaik-consume -i reader.key --ticket now.jwt s >out 2>err
	echo before >&8
	eventually grep -q before out
	echo "half a tick" >new.jwt
	mv new.jwt now.jwt
	eventually grep -q 'unusable file="now.jwt"' err
	ticket issuer "$reader" --expires 1h >new.jwt
	mv new.jwt now.jwt
	eventually expired short.jwt
	echo after >&8
	eventually grep -q after out
	[ ! -s produce.err ]
	rm now.jwt
	eventually grep -q "the one that is there\|it is missing (10403)" produce.err
}

@test "T7, T8, T9: ES256, by a PEM file and by hex digits" {
	point=$(hostile_tickets new secret.pem public.pem)
	hostile_tickets es256 secret.pem "$(claims "$reader" 3600)" >good.jwt
	hostile_tickets es256 secret.pem "$(claims "$reader" -1)" >expired.jwt
	hostile_tickets new secret2.pem public2.pem
	hostile_tickets es256 secret2.pem "$(claims "$reader" 3600)" >wrong.jwt
	feed
	ready mosaik-produce --require-ticket public.pem --require-ticket "$point" s <feed
	refused --ticket expired.jwt
	refused --ticket wrong.jwt
	accepted --ticket good.jwt
}

@test "an Ed25519 key in a PEM file, and what is no key of either kind" {
	ticket issuer "$reader" >good.jwt
	# RFC 8410: the head of a SubjectPublicKeyInfo for Ed25519, and the key
	{
		echo "-----BEGIN PUBLIC KEY-----"
		printf '%b' "$(sed 's/../\\x&/g' <<<"302a300506032b6570032100$issuer")" | base64
		echo "-----END PUBLIC KEY-----"
	} >issuer.pem
	feed
	ready mosaik-produce --require-ticket issuer.pem s <feed
	refused
	accepted --ticket good.jwt
	{ head -n 1 issuer.pem && head -c 40 issuer.pem | base64 && tail -n 1 issuer.pem; } >broken.pem
	run mosaik-produce --require-ticket broken.pem -m x s
	[ "$status" = 78 ]
}

@test "HS256: whoever has the secret can issue, and nobody else may read it" {
	printf 'a secret that is long enough: 32' >secret
	chmod 600 secret
	hostile_tickets hs256 secret "$(claims "$reader" 3600)" >good.jwt
	echo 'a secret that is long enough: 32' >line
	chmod 600 line
	feed
	ready mosaik-produce --require-ticket hs256:secret --require-ticket hs256:line s <feed
	refused
	accepted --ticket good.jwt
	chmod 644 secret
	run mosaik-produce --require-ticket hs256:secret -m x s
	[ "$status" = 77 ]
	chmod 600 secret
	printf short >secret
	run mosaik-produce --require-ticket hs256:secret -m x s
	[ "$status" = 78 ]
}

@test "forged: none, and a code by the public key" {
	point=$(hostile_tickets new secret.pem public.pem)
	hostile_tickets none "$(claims "$reader" 3600)" >none.jwt
	hostile_tickets hs256 public.pem "$(claims "$reader" 3600)" >confused.jwt
	hostile_tickets head public.pem '{"alg":"ES256"}' "$(claims "$reader" 3600)" >masked.jwt
	hostile_tickets head /dev/null '{"alg":"HS256","kid":"/dev/null"}' "$(claims "$reader" 3600)" >kid.jwt
	hostile_tickets es256 secret.pem "{\"sub\":\"$reader\",\"exp\":18446744073709551617}" >overflow.jwt
	feed
	ready mosaik-produce --require-ticket public.pem s <feed 2>produce.err
	for forged in none confused masked kid overflow; do
		refused --ticket "$forged.jwt"
	done
	[ -n "$point" ]
}

@test "issuer and audience by name" {
	ticket issuer "$reader" --iss office --aud logs --aud metrics >good.jwt
	ticket issuer "$reader" --iss office --aud mail >mail.jwt
	ticket issuer "$reader" --iss 'office,aud=logs' --aud logs >comma.jwt
	feed
	ready mosaik-produce --require-ticket "$issuer,iss=office,aud=logs" s <feed 2>produce.err
	refused --ticket mail.jwt
	refused --ticket comma.jwt
	accepted --ticket good.jwt
	grep -q "a ticket of issuer 'office' for audience 'logs' is required, and the one that is there is for another audience" produce.err
}

@test "what is wrong on the command line is said" {
	ticket issuer "$reader" >good.jwt
	run --separate-stderr mosaik-consume --ticket absent.jwt s
	[ "$status" = 78 ]
	[[ $stderr == *"ticket file 'absent.jwt'"* ]]
	run mosaik-consume --ticket issuer.key s
	[ "$status" = 78 ]
	run mosaik-consume --ticket good.jwt --ticket good.jwt --ticket good.jwt --ticket good.jwt --ticket good.jwt s
	[ "$status" = 64 ]
	for key in "" ",iss=x" "${issuer%?}" "$issuer,iss=" "$issuer,aud=a,aud=b" "$issuer,leeway=x" \
		0000000000000000000000000000000000000000000000000000000000000000; do
		run mosaik-consume --require-ticket "$key" s
		[ "$status" = 64 ]
	done
	run mosaik-consume --require-ticket absent.pem s
	[ "$status" = 78 ]
	run mosaik-consume --require-ticket good.jwt s
	[ "$status" = 78 ]
	run mosaik-key ticket issuer.key "${reader%?}"
	[ "$status" = 64 ]
	run mosaik-key ticket issuer.key
	[ "$status" = 64 ]
	run mosaik-key ticket --expires inf issuer.key "$reader"
	[ "$status" = 64 ]
	run mosaik-key ticket absent.key "$reader"
	[ "$status" = 74 ]
}
