#!/usr/bin/env bats
# mosaik-map with real processes; what holds for every collection is tried here.
load helper
load collections

@test "what is put is there for everybody, in the order of keys" {
	replicas map m a b c
	run -0 mosaik-map put m b 2
	[ -z "$output" ]
	mosaik-map put m a 1
	mosaik-map put m c 3
	mosaik-map put m b two
	run -0 mosaik-map ls m
	[ "$output" = $'a\t1\nb\ttwo\nc\t3' ]
	run -0 mosaik-map get m a c
	[ "$output" = $'1\n3' ]
	run -1 mosaik-map get m nothing
	[ -z "$output" ]
	run -0 mosaik-map len m
	[ "$output" = 3 ]
	run -0 mosaik-map keys m --prefix b
	[ "$output" = b ]
	mosaik-map del m a nothing
	run -1 mosaik-map has m a
	mosaik-map clear m
	mosaik-map put m z 26
	run -0 mosaik-map dump m
	[ "$output" = '{"key":"z","value":"26"}' ]
	for pair in "json -j" "null -0" "lines -q"; do         # two ways to say one thing
		cmp <(mosaik-map -F "${pair% *}" ls m) <(mosaik-map "${pair#* }" ls m)
	done
	run -0 mosaik-map -F json get m z
	[ "$output" = '{"key":"z","value":"26"}' ]
	run -64 mosaik-map -F u32 ls m
	mosaik-map put m tab $'a\tb'
	[ "$(mosaik-map -o value,key ls m)" = $'a\\tb\ttab\n26\tz' ]
	[ "$(mosaik-map -o value get m tab)" = $'a\tb' ]
	[ "$(mosaik-map -j -o value,key get m z tab)" = $'{"value":"26","key":"z"}\n{"value":"a\\tb","key":"tab"}' ]
	[ "$(mosaik-map -0 -o value,key,value ls m | tr '\0' ,)" = $'a\tb,tab,26,z,' ]
	run -64 mosaik-map -w inf -o key,index ls m
	[ "${lines[0]}" = "mosaik-map: error[usage]: there is no column 'index'" ]
	run -64 mosaik-map -o key put m k v
	[ "${lines[0]}" = "mosaik-map: error[usage]: -o: 'put' prints no columns" ]
	run -64 mosaik-map -F lines -j ls m
}

@test "a late reader has everything, follows, and writes nothing" {
	replicas map m a b -- -T str:u64
	seq 1 5000 | awk '{ printf "{\"key\":\"k%05d\",\"value\":%d}\n", $1, $1 }' >entries
	mosaik-map load m <entries
	ready mosaik-map serve m -q --lan --reader -T str:u64 <>silence >/dev/null
	kill -TERM "$pid_a"
	status_of "$pid_a"
	[ "$exit_status" = 0 ]
	crash b
	run -0 mosaik-map dump m -L -w 10 -W "$(scaled 20)"
	[ "$output" = "$(cat entries)" ]
	run mosaik-map put m x 1 -W 2
	[ "$status" != 0 ]
}

@test "keys and values of any bytes survive put, get, -j, dump, load and watch" {
	replicas map one a b
	replicas map two c
	printf 'tab\tnul\0lf\ncr\rbad\377\376end\n' >blob
	head -c 100000 /dev/urandom >big
	key=$(printf 'k\tey\n\377')
	background mosaik-map -j watch one --from 1 >watched
	mosaik-map put one "$key" - <blob
	mosaik-map put one big - <big
	mosaik-map put one empty ''
	mosaik-map get one "$key" | cmp - blob
	mosaik-map get one big | cmp - big
	mosaik-map -j get one "$key" | jq -r .value_b64 | base64 -d | cmp - blob
	mosaik-map dump one >dumped
	mosaik-map load two <dumped
	mosaik-map dump two | cmp - dumped
	mosaik-map get two "$key" | cmp - blob
	eventually test "$(wc -l <watched)" = 3 || eventually grep -q empty watched
	jq -r 'select(.version == 1) | .value_b64' watched | base64 -d | cmp - blob
	jq -j 'select(.version == 1) | .key_b64' watched | base64 -d >seen
	printf '%s' "$key" | cmp - seen
	run -0 mosaik-map ls two --prefix 'k'
	[ "$output" = "$(printf 'k\\tey\\n\377\ttab\\tnul\\0lf\\ncr\\rbad\377\376end\\n')" ]
}

@test "dump | load into a group of another size is the same, byte for byte" {
	replicas map one a b c -- -T str:json
	replicas map two d -- -T str:json
	seq 1 3000 | awk '{ printf "{\"key\":\"key %04d\",\"value\":{\"n\":%d,\"text\":\"%0200d\"}}\n", $1, $1, $1 }' >entries
	mosaik-map load one <entries
	mosaik-map dump one | mosaik-map load two
	mosaik-map dump two | cmp - entries
	run -65 mosaik-map load two < <(printf '{"key":"fine","value":1}\nnonsense\n')
	[[ $output == *"line 2 is no entry"* ]]
	[[ $output == *"lines 1 to 1 are in map 'two'"* ]]
	run -65 mosaik-map load two <<<nonsense
	[[ $output == *"no line is in map 'two'"* ]]
	mosaik-map has two fine
}

@test "compare and swap: one of the ways it was, and nothing otherwise" {
	replicas map m a b c
	mosaik-map cas m k --absent --to one
	run -1 mosaik-map cas m k --absent --to two
	[ "$output" = one ]
	run -1 mosaik-map cas m k --from two --to three
	[ "$output" = one ]
	mosaik-map cas m k --from one --to two
	mosaik-map cas m k --from two --to three
	run -0 mosaik-map get m k
	[ "$output" = three ]
	run -1 mosaik-map cas m other --from x --delete
	mosaik-map cas m k --from three --delete
	run -1 mosaik-map has m k
	mosaik-map cas m k --absent --delete
	run -1 mosaik-map has m k
	replica map m late
	run -0 mosaik-map len m
	[ "$output" = 0 ]
}

@test "ten processes that update a hundred times each count to a thousand" {
	replicas map m a b c -- -T str:u64
	mosaik-map put m n 0
	count() { for _ in $(seq 100); do mosaik-map update m n -W "$(scaled 60)" -- awk '{ print $1 + 1 }' || return 1; done; }
	counting=()
	for _ in $(seq 10); do
		count 3>&- &
		counting+=($!)
	done
	for one in "${counting[@]}"; do wait "$one"; done
	run -0 mosaik-map get m n
	[ "$output" = 1000 ]
	run -0 mosaik-map -j get m n --min-version 1001
	[ "$(jq .value <<<"$output")" = 1000 ]
}

@test "update: the status of CMD, what it may not write, and a value of many lines" {
	replicas map m a b
	mosaik-map put m n 1
	run -7 mosaik-map update m n -- sh -c 'exit 7'
	run -127 mosaik-map update m n -- ./no-such-command
	run -0 mosaik-map update m n -- true
	run -0 mosaik-map get m n
	[ -z "$output" ]
	printf 'b\na\n' | mosaik-map put m text -
	mosaik-map update m text -- sort
	mosaik-map get m text | cmp - <(printf 'a\nb\n')
	mosaik-map update m new -- sh -c 'cat; echo "$MOSAIK_KEY was not there"'
	run -0 mosaik-map get m new
	[ "$output" = "new was not there" ]
	run -64 mosaik-map update m n
}

@test "watch: every change once, in order, although the member that tells it is killed" {
	replicas map m a b c -- -T str:u64 -i %NAME.key --data %NAME.data
	ready mosaik-map watch m >watched 2>watch.err
	watching=$pid
	n=0
	for name in a b c; do
		for _ in $(seq 20); do mosaik-map put m k $((++n)) -w 10 -W "$(scaled 20)"; done
		crash "$name"
		for _ in $(seq 20); do mosaik-map put m k $((++n)) -w 10 -W "$(scaled 20)"; done
		replica map m "$name" -T str:u64 -i %NAME.key --data %NAME.data
		for _ in $(seq 20); do mosaik-map put m k $((++n)) -w 10 -W "$(scaled 20)"; done
	done
	eventually grep -q "^180	put	k	180$" watched
	kill -TERM "$watching"
	status_of "$watching"
	[ "$exit_status" = 143 ]
	[ ! -s watch.err ]
	# None is lost, none comes twice; where the next member knows less, one line says up to where.
	awk -F '\t' '$2 == "reset" { last = $1; resets++; next } $1 != last + 1 || $4 != $1 { print; bad = 1 } { last = $1 } END { exit bad || resets > 3 }' watched
}

@test "watch: what was there before, one key, a prefix, from a version, a number of them" {
	replicas map m a b c
	for k in aa ab b; do mosaik-map put m $k 1; done
	run -0 mosaik-map watch m --initial -c 3
	[ "$output" = $'3\tput\taa\t1\n3\tput\tab\t1\n3\tput\tb\t1' ]
	run -0 mosaik-map watch m --from 2 -c 2
	[ "$output" = $'2\tput\tab\t1\n3\tput\tb\t1' ]
	ready mosaik-map watch m a --initial >key
	ready mosaik-map watch m --prefix a >prefix
	ready mosaik-map watch m >all
	mosaik-map put m a 4
	mosaik-map put m ab 5
	mosaik-map del m ab b nothing
	mosaik-map clear m
	eventually holds all $'4\tput\ta\t4\n5\tput\tab\t5\n6\tremove\tab\t\n6\tremove\tb\t\n7\tclear\t\t'
	eventually holds key $'4\tput\ta\t4\n7\tclear\t\t'
	eventually holds prefix $'4\tput\ta\t4\n5\tput\tab\t5\n6\tremove\tab\t\n7\tclear\t\t'
	run -0 mosaik-map -j watch m --from 6 -c 1
	[ "$output" = '{"version":6,"op":"remove","key":"ab"}' ]
	run -0 mosaik-map -o value,key watch m --from 4 -c 2
	[ "$output" = $'4\ta\n5\tab' ]
	run -0 mosaik-map -j -o key,version watch m --from 6 -c 1
	[ "$output" = '{"key":"ab","version":6}' ]
}

@test "watch: who does not know the past any more is not believed while another does" {
	replicas map m a b c
	head -c 1000000 /dev/zero >large
	for _ in $(seq 18); do mosaik-map put m large - <large; done     # so that the log is compacted
	for k in 1 2 3; do mosaik-map put m k $k; done
	# The one that comes last has the content, and not how it came about.
	mosaik-key gen late.key >late.id
	ready mosaik-map serve m -q --lan --reader -i late.key <>silence
	token=$(cat late.id)@$(mosaik-catalog -o addr peers "$(cat late.id)")
	run -0 timeout "$(scaled 20)" mosaik-map --no-local -p "$token" watch m --from 19 -c 3
	[ "$output" = $'19\tput\tk\t1\n20\tput\tk\t2\n21\tput\tk\t3' ]
	# Nobody else is left: then its word stands.
	crash a && crash b && crash c
	run -0 timeout "$(scaled 20)" mosaik-map -p "$token" watch m --from 19 -c 1
	[ "$output" = $'21\treset\t\t' ]
}

@test "watch -- CMD: unquoted in the environment, the value on stdin, one at a time" {
	replicas map m a b
	background mosaik-map watch m --from 1 -c 3 -- sh -c 'printf "%s|%s|%s|%s\n" "$MOSAIK_VERSION" "$MOSAIK_OP" "$MOSAIK_KEY" "$(cat)"' >told
	mosaik-map put m "a key
of two lines" "it's
so"
	mosaik-map put m x y
	mosaik-map del m x
	status_of "$pid"
	[ "$exit_status" = 0 ]
	holds told $'1|put|a key\nof two lines|it\'s\nso\n2|put|x|y\n3|remove|x|'
}

@test "wait: for a store, a key, a value, its end, a version; or until the deadline" {
	background mosaik-map wait m k -W "$(scaled 30)"
	key=$pid
	replicas map m a b c
	background mosaik-map wait m k --value 2 -W "$(scaled 30)"
	value=$pid
	background mosaik-map wait m --min-version 3 -W "$(scaled 30)"
	version=$pid
	mosaik-map put m k 1
	status_of "$key"
	[ "$exit_status" = 0 ]
	mosaik-map put m k 2
	status_of "$value"
	[ "$exit_status" = 0 ]
	background mosaik-map wait m k --absent -W "$(scaled 30)"
	absent=$pid
	mosaik-map del m k
	for one in "$version" "$absent"; do
		status_of "$one"
		[ "$exit_status" = 0 ]
	done
	run -124 mosaik-map wait m k -W 300ms
	run -0 mosaik-map wait m k --absent
}

@test "load is pipelined: a hundred thousand entries, and a reader that comes later has the same" {
	replicas map m a b c
	seq 1 100000 | awk '{ printf "{\"key\":\"k%06d\",\"value\":\"%080d\"}\n", $1, $1 }' >entries
	mosaik-map load m <entries
	replica map m r --reader
	mosaik-map dump m | cmp - entries
	run -0 mosaik-map len m
	[ "$output" = 100000 ]
}

# asked NAME VERB...: of that replica, and no other
asked() {
	local name=$1
	shift
	mosaik-map --no-local -p "$(cat "$MOSAIK_RUNTIME_DIR"/*/"$(mosaik-key pub "$name.key")")" "$@"
}

@test "readers that come while it is written, all at once, end with all of it" {
	replicas map m a b -- -T str:str
	lines() { seq "$1" "$2" | awk '{ printf "{\"key\":\"k%06d\",\"value\":\"%010000d\"}\n", $1, $1 }'; }
	lines 1 500 | mosaik-map load m
	mosaik-map clear m
	lines 1 2000 >entries
	background mosaik-map load m <entries
	loading=$pid
	for name in r1 r2 r3 r4 r5; do replica map m $name --reader -T str:str -i %NAME.key; done
	status_of "$loading" 60
	[ "$exit_status" = 0 ]
	mosaik-map put m last one
	echo '{"key":"last","value":"one"}' >>entries
	# What is known to a majority of the writers is done; a reader may be behind, and once they are gone it stays so.
	for name in r1 r2 r3 r4 r5; do asked "$name" wait m last -L -W "$(scaled 30)"; done
	crash a
	crash b
	sort entries >wanted
	for name in r1 r2 r3 r4 r5; do
		asked "$name" dump m -L | sort | cmp - wanted
		crash $name
	done
}
