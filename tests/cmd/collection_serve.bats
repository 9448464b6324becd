#!/usr/bin/env bats
# Replicas of collections and the one-shots of all six kinds: what each verb prints and exits with, types, keys, readers.
load helper

setup() {
	setup_network
	mkfifo silence
}

# serve N KIND STORE [OPTION...]: N replicas, which are up when it returns
serve() {
	local count=$1 kind=$2 store=$3 fifos=() fifo
	shift 3
	for ((i = 1; i <= count; i++)); do
		fifo=ready.$RANDOM.$RANDOM
		mkfifo "$fifo"
		exec {fd}<>"$fifo"
		fifos+=("$fd")
		background mosaik-"$kind" -q serve "$store" --lan --expect "$count" --ready-fd 9 "$@" 9>"$fifo" <>silence 2>>serve.err
	done
	for fd in "${fifos[@]}"; do
		read -r -t "$(scaled 20)" -u "$fd" || { cat serve.err >&2; return 1; }
		exec {fd}<&-
	done
}

# says STATUS OUTPUT COMMAND...
says() {
	run -"$1" "${@:3}"
	[ "$output" = "$2" ] || { echo "it said: $output" >&2; return 1; }
}

milliseconds() { # COMMAND...: how long it takes, in $took
	local before=${EPOCHREALTIME/./}
	"$@" || true
	took=$(((${EPOCHREALTIME/./} - before) / 1000))
}

@test "map: put, get, has, del, cas, len, keys, values, ls, clear over three replicas" {
	serve 3 map users -T str:u64
	says 0 "" mosaik-map put users alice 17
	says 0 2 mosaik-map put users bob 18 --print-version
	says 0 17 mosaik-map get users alice
	says 1 17 mosaik-map get users alice carol
	says 1 "" mosaik-map get users carol
	says 0 "" mosaik-map has users bob
	says 1 "" mosaik-map has users carol
	says 0 2 mosaik-map len users
	says 0 $'alice\t17\nbob\t18' mosaik-map ls users
	says 0 $'{"key":"alice","value":17}\n{"key":"bob","value":18}' mosaik-map ls users -j
	says 0 bob mosaik-map keys users --prefix b
	says 0 $'17\n18' mosaik-map values users
	says 0 "" mosaik-map cas users alice --from 17 --to 20
	says 1 20 mosaik-map cas users alice --from 17 --to 20
	says 1 20 mosaik-map cas users alice --absent --to 1
	says 0 "" mosaik-map cas users carol --absent --to 1
	says 0 "" mosaik-map cas users carol --from 1 --delete
	says 0 "" mosaik-map del users alice nobody
	says 0 "" mosaik-map put users -- -x 5
	says 0 $'-x\t5\nbob\t18' mosaik-map ls users -L --min-version 8
	says 124 "mosaik-map: error[deadline]: no answer within the timeout" mosaik-map ls users -L --min-version 100 -W 100ms
	says 0 "" mosaik-map clear users
	says 0 0 mosaik-map len users
}

@test "map: a value from stdin comes back byte for byte, also a large one" {
	serve 1 map blobs
	for size in 0 1 65535 65536 1048000; do
		head -c "$size" /dev/urandom >in
		run -0 mosaik-map put blobs "k $size" - <in
		mosaik-map get blobs "k $size" >out
		cmp in out
	done
	printf 'a\0b\tc\n' >in
	mosaik-map put blobs $'key\twith tab' - <in
	mosaik-map get blobs $'key\twith tab' | cmp - in
	run -0 mosaik-map keys blobs
	[[ $output == *$'key\twith tab'* ]]
	head -c 1100000 /dev/zero >in
	run -65 mosaik-map put blobs large - <in
}

@test "vec: both ends, the middle, and what is beyond the end" {
	serve 1 vec v
	says 0 1 mosaik-vec push v a b c --print-version
	says 0 "" mosaik-vec push-front v zero
	says 0 $'zero\na\nb\nc' mosaik-vec ls v
	says 0 "" mosaik-vec insert v 4 end
	says 65 "mosaik-vec: error[refused]: the index is beyond the end: there are 5" mosaik-vec insert v 6 x
	says 1 a mosaik-vec get v 1 9
	says 0 "" mosaik-vec swap v 0 4
	says 1 "" mosaik-vec swap v 0 5
	says 0 4 mosaik-vec index-of v zero
	says 1 "" mosaik-vec index-of v nothing
	says 0 "" mosaik-vec rm v 1
	says 1 "" mosaik-vec rm v 9
	says 0 zero mosaik-vec pop v
	says 0 end mosaik-vec pop-front v
	says 0 '{"index":1,"value":"c"}' mosaik-vec get v 1 -j
	says 0 "" mosaik-vec truncate v 1
	says 0 1 mosaik-vec len v
	says 0 "" mosaik-vec clear v
	says 1 "" mosaik-vec pop v
}

@test "set, cell, once" {
	serve 1 set s -T str
	says 0 "" mosaik-set add s c a b a
	says 0 $'a\nb\nc' mosaik-set ls s
	says 0 "" mosaik-set rm s a nothing
	says 1 "" mosaik-set has s a
	says 0 2 mosaik-set len s
	serve 1 cell c -T json
	says 1 "" mosaik-cell get c
	run -0 mosaik-cell set c - <<<'{"b": 1, "a": [1, 2]}'
	says 0 '{"a":[1,2],"b":1}' mosaik-cell get c
	says 0 "" mosaik-cell cas c --from '{"b":1,"a":[1,2]}' --to 5
	says 1 5 mosaik-cell cas c --from 4 --delete
	says 0 "" mosaik-cell clear c
	says 64 "mosaik-cell: error[operand]: '{' is not of type json" mosaik-cell set c '{'
	serve 1 once o
	says 1 "" mosaik-once get o
	says 0 first mosaik-once set o first
	says 1 first mosaik-once set o second
	says 1 first mosaik-once set o first
	says 0 first mosaik-once get o
}

@test "pqueue: by priority from both ends, by key, and with a capacity" {
	serve 1 pqueue q -T i64:str:json
	says 0 "" mosaik-pqueue push q -- -5 low '{"x": 1}'
	says 0 "" mosaik-pqueue push q 7 high true
	says 0 "" mosaik-pqueue push q 3 middle '"t\tb"'
	says 0 $'-5\tlow\t{"x":1}\n3\tmiddle\t"t\\\\tb"\n7\thigh\ttrue' mosaik-pqueue ls q
	says 0 '{"priority":7,"key":"high","value":true}' mosaik-pqueue max q -j
	says 0 $'-5\tlow\t{"x":1}' mosaik-pqueue take q
	says 0 $'7\thigh\ttrue' mosaik-pqueue take q --max
	says 0 "" mosaik-pqueue reprio q middle 9
	says 1 "" mosaik-pqueue reprio q nothing 9
	says 0 "" mosaik-pqueue set q middle 1
	says 1 "" mosaik-pqueue set q nothing 1
	says 0 "" mosaik-pqueue cas q middle --from 1 --to 2
	says 1 2 mosaik-pqueue cas q middle --from 1 --delete
	says 0 $'9\tmiddle\t2' mosaik-pqueue get q middle
	says 0 "" mosaik-pqueue rm-range q 0..9
	says 0 1 mosaik-pqueue len q
	says 0 "" mosaik-pqueue rm-range q 0..=9
	says 1 "" mosaik-pqueue min q
	serve 1 pqueue small --capacity 2
	for i in 1 2 3; do mosaik-pqueue push small "$i" "k$i" v; done
	says 1 "" mosaik-pqueue push small 1 k4 v
	says 0 $'2\tk2\tv\n3\tk3\tv' mosaik-pqueue ls small
}

@test "serve -: lines of stdin are verbs, in order, and a bad one does not end it" {
	serve 1 map m
	mosaik-map put m there before
	mkfifo lines
	exec {in}<>lines
	background mosaik-map -q serve m --lan - <lines >out 2>err
	printf '%s\n' 'get there' 'put a 1' $'put\ttwo words\tx\\ny' 'ls' 'nonsense' 'cas a --from 1 --to 2' 'get a' 'get b' 'len' >&"$in"
	answered() { [ "$(tail -n 1 out)" = 3 ]; }
	eventually answered
	[ "$(cat out)" = $'before\na\t1\nthere\tbefore\ntwo words\tx\\ny\n2\n3' ]
	[ "$(cat err)" = "mosaik-map: error[line]: line 5 of stdin: there is no such verb" ]
	exec {in}>&-
	says 0 2 mosaik-map get m a
}

@test "serve -: thousands of lines are under way together, and come out as one after the other" {
	serve 2 map m
	mkfifo lines
	exec {in}<>lines
	background mosaik-map -q serve m --lan - <lines >out 2>err
	seq 3000 | awk '{ print "put k" $1 " " $1; if ($1 % 500 == 0) { print "get k" $1; print "len" } }' >&"$in"
	answered() { [ "$(wc -l <out)" = "$count" ]; }
	count=12 eventually answered
	[ "$(cat out)" = "$(seq 500 500 3000 | awk '{ print $1; print $1 }')" ]
	# Writes that depend on each other; then reads of several requests each.
	{ echo 'put n 0'; seq 0 999 | awk '{ print "cas n --from " $1 " --to " ($1 + 1) }'; echo 'get n k1 k2'; echo 'get k3 k4'; } >&"$in"
	count=17 eventually answered
	[ "$(tail -n 5 out)" = $'1000\n1\n2\n3\n4' ]
	[ ! -s err ]
	exec {in}>&-
}

@test "put STORE -, push STORE -: many entries from stdin, as ls prints them or as dump does" {
	serve 1 map m -T bytes:u64
	printf 'a\t1\nb\\tb\t2\n' | mosaik-map put m -
	mosaik-map put m - <<<'{"key":"c","value":3}'
	says 0 $'a\t1\nb\\tb\t2\nc\t3' mosaik-map ls m
	mosaik-map ls m >all
	mosaik-map clear m
	mosaik-map load m <all
	[ "$(mosaik-map ls m)" = "$(cat all)" ]
	for bad in 'd' $'d\tx' $'d\t1\t2' $'d\\x\t1'; do
		run -65 mosaik-map put m - <<<"$bad"
		[ "${lines[0]}" = "mosaik-map: error[entry]: line 1 is no entry of a map of types bytes:u64" ]
	done
	says 0 3 mosaik-map len m
	serve 1 pqueue q
	seq 100 | awk '{ print $1 % 10 "\tkey" $1 "\tvalue" }' | mosaik-pqueue push q -
	says 0 100 mosaik-pqueue len q
	says 0 $'0\tkey10\tvalue' mosaik-pqueue min q
	serve 1 set s
	printf 'one\ntwo words\\t\n' | mosaik-set load s
	says 0 $'one\ntwo words\\t' mosaik-set ls s
}

@test "several stores in one process: ready with the last, each a store of its own, on one disk" {
	mosaik-key gen me.key
	for round in 1 2; do
		ready mosaik-map -q serve a b c -T str:u64 --lan -i me.key --data disk <>silence 2>>err
		server=$pid
		if [ $round = 1 ]; then
			for store in a b c; do says 0 "" mosaik-map put $store $store 1; done
			says 0 "" mosaik-map put b both 2
		fi
		says 0 $'a\t1' mosaik-map ls a
		says 0 $'b\t1\nboth\t2' mosaik-map ls b
		says 0 1 mosaik-map len c
		kill -USR1 "$server"
		told() { [ "$(grep -c "stats store=[abc] online=1 " err)" -eq $((3 * round)) ]; }
		eventually told
		kill "$server"
		wait "$server"
	done
	[ "$(grep -c "store=b .*committed=2 .*snapshots=0" err)" = 2 ]
	run -64 mosaik-map serve a b a
	[ "${lines[0]}" = "mosaik-map: error[usage]: serve: 'a' is there twice" ]
	run -64 mosaik-map serve a b -
	[ "${lines[0]}" = "mosaik-map: error[usage]: serve: '-' goes with one store, as a line does not say which" ]
}

@test "a reader reads, refuses writes, and one-shots that write go past it" {
	serve 1 map m
	mosaik-map put m a 1
	mkfifo lines
	exec {in}<>lines
	for i in 1 2 3 4; do
		background mosaik-map -q serve m --reader --lan - <lines >>out 2>>err
	done
	eventually mosaik-catalog wait --group "map m=5" -W 100ms
	# Wherever it arrives first; four of five only read.
	for i in {1..10}; do says 0 "" mosaik-map put m "k$i" "$i"; done
	echo "put b 2" >&"$in"
	refused() { [ "$(cat err)" = "mosaik-map: error[line]: line 1 of stdin: is not allowed to do that" ]; }
	eventually refused
	echo "get a" >&"$in"
	read_it() { [ "$(cat out)" = 1 ]; }
	eventually read_it
	says 1 "" mosaik-map has m b
	kill -KILL "${children[0]}"
	run mosaik-map put m c 3 -W 2s
	[ "$status" -ne 0 ]
	exec {in}>&-
}

@test "types are inferred; others, another key and another name are told in one line, at once" {
	serve 1 map users -T str:u64
	mosaik-map put users a 1
	milliseconds run mosaik-map get users a -T str:str
	[ "$status" -eq 69 ]
	[ "$output" = "mosaik-map: error[types]: map 'users' on network '$MOSAIK_NETWORK' is of str:u64, not of str:str" ]
	[ -n "$SANITIZED" ] || [ "$took" -lt 1000 ]
	mosaik-key gen other.key
	says 77 "mosaik-map: error[wrong-key]: the members of map 'users' have another key" mosaik-map get users a -k other.key
	run -69 mosaik-map -v get user a
	[ "${lines[0]}" = "mosaik-map: error[no-replica]: no live replica of map 'user' on network '$MOSAIK_NETWORK'" ]
	[[ $output == *"there is 'map users str:u64'"* ]]
	run -69 mosaik-vec -v ls users
	[[ $output == *"there is 'map users str:u64'"* ]]
	# Two stores of one name are two stores.
	serve 1 map users -T str:str
	run -69 mosaik-map get users a
	[[ $output == *"say which with -T" ]]
	says 0 1 mosaik-map get users a -T str:u64
	says 1 "" mosaik-map get users a -T str:str
}

@test "a secret store is for those who have its key" {
	mosaik-key gen shared.key
	serve 1 map m -k shared.key
	says 0 "" mosaik-map put m a 1 -k shared.key
	says 77 "mosaik-map: error[wrong-key]: the members of map 'm' have another key" mosaik-map put m a 2
	says 0 1 mosaik-map get m a -k shared.key
}

@test "usage: too few words, contradictions, no network" {
	for words in "get" "get m" "put m k" "cas m k" "cas m k --from 1" "cas m k --from 1 --absent --to 2" "get m k --print-version" \
		"nonsense m" "serve m -T str" "serve m -T x:y" "serve a/b\ c"; do
		eval "run -64 mosaik-map $words"
	done
	run -64 env -u MOSAIK_NETWORK mosaik-map get m k
}

@test "catalog: groups by the name that their members list" {
	serve 2 map users -T str:u64
	run -0 mosaik-catalog -o name,peers groups
	[ "$output" = $'map users str:u64\t2' ]
	for text in "map users str:u64" "map users" users; do
		run -0 mosaik-catalog wait --group "$text=2"
		run -0 mosaik-catalog peers -o id --group "$text"
		[ "${#lines[@]}" -eq 2 ]
	done
	run -124 mosaik-catalog wait --group "map user" -W 100ms
	id=$(mosaik-catalog groups -o id)
	run -0 mosaik-catalog wait --group "$id=2"
	run -0 mosaik-catalog -j explain map users
	[ "$(jq -r '[.id, .listed[0], (.peers|length), .next] | @tsv' <<<"$output")" = "$id"$'\tmap users str:u64\t2\tmosaik-map -n '"$MOSAIK_NETWORK ls users" ]
	run -1 mosaik-catalog explain map usres
	[[ $output == *$'near\tmap users str:u64'*"explain map users" ]]
	run -0 mosaik-catalog explain group users
	[[ $output == *"explain map users" ]]
	run -1 mosaik-catalog explain vec users
	[[ $output == *"mosaik-vec -n $MOSAIK_NETWORK serve users" ]]
	run -0 mosaik-catalog id map users
	[ "$output" = "$id" ]
	run -1 mosaik-catalog id group users
	[ -z "$output" ]
	run -64 mosaik-catalog id frob users
	MOSAIK_NETWORK='' run -64 mosaik-catalog id map users
}

@test "what is on disk is there again" {
	mosaik-key gen a.key
	start() { ready mosaik-map -q -i a.key serve m --lan --data data -T str:str <>silence; }
	start
	mosaik-map put m a 1
	mosaik-map put m b 2
	kill -TERM "$pid"
	status_of "$pid"
	[ "$exit_status" -eq 0 ]
	start
	says 0 $'a\t1\nb\t2' mosaik-map ls m -w 5s
	kill -KILL "$pid"
	status_of "$pid"
	start
	says 0 $'a\t1\nb\t2' mosaik-map ls m -w 5s
}

@test "without -i the identity is kept with the data; data of another one is refused, not put aside" {
	start() { ready mosaik-map -q serve m --lan --data data "$@" <>silence; }
	start
	mosaik-map put m a 1
	id=$(mosaik-catalog -o id peers)
	run -78 mosaik-map serve m --lan --data data </dev/null
	[ "$output" = "mosaik-map: error[in-use]: another process uses 'data' for this map" ]
	says 0 1 mosaik-map get m a
	kill -KILL "$pid"
	status_of "$pid"
	start
	says 0 1 mosaik-map get m a -w 5s
	[ "$(mosaik-catalog -o id peers)" = "$id" ]
	kill -TERM "$pid"
	status_of "$pid"
	rm data/*.key
	run -78 mosaik-map serve m --lan --data data </dev/null
	[ "$output" = "mosaik-map: error[identity]: the data in 'data' belongs to an identity that -i named" ]
}

@test "load takes what ls prints as well as what dump prints; wait takes --version" {
	serve 1 map a
	serve 1 map b
	serve 1 pqueue q -T i64:str:json
	serve 1 pqueue r -T i64:str:json
	serve 1 vec v -T json
	printf 'a\0b\t\\c\n\r\377' >value
	mosaik-map put a $'key\twith tab' - <value
	mosaik-map put a '{"key":1}' ''
	mosaik-map ls a | mosaik-map load b
	says 0 "$(mosaik-map dump a)" mosaik-map dump b
	mosaik-pqueue push q -- -5 low '{"x": "t\tb"}'
	mosaik-pqueue push q 7 high true
	mosaik-pqueue ls q | mosaik-pqueue load r
	says 0 "$(mosaik-pqueue dump q)" mosaik-pqueue dump r
	printf '{"value":17}\n' | mosaik-vec load v
	printf '{"event":"x"}\n[1]\n' | mosaik-vec load v
	says 0 $'17\n{"event":"x"}\n[1]' mosaik-vec ls v
	for bad in $'one\ttwo\tthree' one $'a\tb\\x' '{"key":"k"}' '{'; do run -65 mosaik-map load b <<<"$bad"; done
	printf 'c\td\n{"key":"e","value":"f"}\n' >mixed
	run -65 mosaik-map load b <mixed
	[ "${lines[1]}" = "mosaik-map: error[stopped]: lines 1 to 1 are in map 'b'" ]
	says 0 "" mosaik-map wait a --version 2
	says 124 "mosaik-map: error[deadline]: no answer within the timeout" mosaik-map wait a --version 9 -W 100ms
	run -0 mosaik-map --version
	[[ $output == "mosaik-map "* ]]
}

@test "a replica with other types or other settings than those there is told so" {
	serve 1 map m -T str:u64
	told() { grep -q "$1" err; }
	background mosaik-map serve m --lan --reader <>silence 2>err
	eventually told "warning: another map 'm' is there, of other types: 'map m str:u64', not 'map m bytes:bytes': they are two"
	kill -TERM "$pid" && status_of "$pid"
	background mosaik-map serve m -T str:u64 --reader <>silence 2>err
	eventually told "warning: another map 'm' is there, with another --key or --lan, or another state: they are two"
	kill -TERM "$pid" && status_of "$pid"
	alone() { [ "$(mosaik-catalog -o id peers | wc -l)" = 1 ]; }
	eventually alone
	background mosaik-map serve m -T str:u64 --lan --reader --ready-fd 9 9>ready <>silence 2>err
	eventually test -s ready
	run -1 grep another err
}

@test "an explicit -W bounds an update with its command" {
	serve 1 cell c
	mosaik-cell set c x
	says 124 "mosaik-cell: error[deadline]: not yet so within the timeout" mosaik-cell update c -W 300ms -- tail -f /dev/null
	says 0 x mosaik-cell get c
}
