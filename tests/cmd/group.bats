#!/usr/bin/env bats
# mosaik-group with real processes: members, what they agree on, and what is asked of them from outside.
load helper
load group_helper

setup() { group_setup; }

# has FILE TEXT: it holds these lines, no more and no less
has() { [ "$(cat "$1")" = "$2" ]; }

same_log() { # NAME... have LINES lines each, and the same
	for name in "$@"; do cmp "$1.log" "$name.log" || return 1; done
}

@test "three members agree on one log, whoever is asked" {
	members a b c
	run -0 mosaik-group propose g hello -w 10
	[ "$output" = 1 ]
	run -0 mosaik-group propose g - < <(seq 2 100)
	[ "${lines[0]}" = 2 ]
	[ "${lines[98]}" = 100 ]
	run -0 mosaik-group log g
	[ "$output" = "$(echo hello; seq 2 100)" ]
	eventually same_log a b c
	eventually has a.log "$(echo hello; seq 2 100)"
	run -0 mosaik-group --json log g --from 100
	[ "$(jq -c 'del(.term)' <<<"$output")" = '{"index":100,"data":"100"}' ]
	run -0 mosaik-group log g --from 50 -c 2
	[ "$output" = $'50\n51' ]
	run -0 mosaik-group status g
	[[ $output == *"survives"$'\t'"1 crash"* ]]
	[[ $output == *"committed"$'\t'"100"* ]]
}

@test "records of a member's stdin are proposed, in order" {
	seq 1 500 >numbers
	background mosaik-group -q --lan join g --expect 2 <numbers >one.log
	background mosaik-group -q --lan join g --expect 2 <>silence >two.log
	eventually cmp numbers two.log
	cmp numbers one.log
}

@test "a late member gets everything from the first command on, and what comes" {
	members a b c
	seq 1 3000 | mosaik-group propose g - >/dev/null
	member d
	eventually has d.log "$(seq 1 3000)"
	mosaik-group propose g after -w 10 >/dev/null
	eventually has d.log "$(seq 1 3000; echo after)"
}

@test "an observer follows, and never votes" {
	members a b c
	member watcher --observer
	mosaik-group propose g one -w 10 >/dev/null
	eventually has watcher.log one
	run -0 mosaik-group -j members g
	[ "$(jq -r 'select(.preference == "observer") | .role' <<<"$output")" = observer ]
	run -0 mosaik-group -j -o voters status g
	[ "$(jq .voters <<<"$output")" = 3 ]
}

@test "the crash of the leader loses nothing that was acknowledged" {
	members a b c -- --data %NAME.data
	for round in 1 2 3; do
		mosaik-group propose g "before $round" -w 10 >/dev/null
		echo "before $round" >>acknowledged
		name=$(leader_name)
		victim="pid_$name"
		kill -KILL "${!victim}"
		mosaik-group propose g "after $round" -w 10 -W "$(scaled 20)" >/dev/null
		echo "after $round" >>acknowledged
		member "$name" --expect 3 --data %NAME.data
		mosaik-group wait g --leader --members 3 -W "$(scaled 20)"
	done
	run -0 mosaik-group log g
	[ "$output" = "$(cat acknowledged)" ]
}

@test "everything is there when all members were killed at once" {
	members a b c -- --data %NAME.data
	seq 1 200 | mosaik-group propose g - >/dev/null
	kill -KILL "$pid_a" "$pid_b" "$pid_c"
	for name in a b c; do member "$name" --expect 3 --data %NAME.data; done
	mosaik-group wait g --leader --committed 200 -W "$(scaled 20)"
	run -0 mosaik-group log g
	[ "$output" = "$(seq 1 200)" ]
	run -0 mosaik-group propose g more
	[ "$output" = 201 ]
}

@test "a leader that leaves hands over: the next command is committed at once" {
	members a b c
	mosaik-group propose g one -w 10 >/dev/null
	name=$(leader_name)
	leaving="pid_$name"
	kill -TERM "${!leaving}"
	run -0 mosaik-group propose g two -w 5
	[ "$output" = 2 ]
	status_of "${!leaving}"
	[ "$exit_status" = 0 ]
}

@test "a minority commits nothing and answers nothing strong" {
	members a b c
	mosaik-group propose g one -w 10 >/dev/null
	name=$(leader_name)
	for other in a b c; do
		stopped="pid_$other"
		[ "$other" = "$name" ] || kill -STOP "${!stopped}"
	done
	run mosaik-group propose g two -W 2
	[ "$status" = 124 ] || [ "$status" = 75 ] || [ "$status" = 69 ]
	for other in a b c; do
		stopped="pid_$other"
		kill -CONT "${!stopped}"
	done
	mosaik-group wait g --leader --members 3 -W "$(scaled 20)"
	run -0 mosaik-group propose g three -w 5
	# "two" may have been committed after all: its proposer was not told that it was not.
	run -0 mosaik-group log g
	[[ $output == $'one\nthree' || $output == $'one\ntwo\nthree' ]]
}

@test "another key does not get in; a missing group is told at once" {
	mosaik-key gen right.group >/dev/null
	mosaik-key gen wrong.group >/dev/null
	export MOSAIK_GROUP_KEY=right.group
	members a b
	run -77 mosaik-group -k wrong.group propose g x
	[[ $output == *wrong-key* ]]
	run -69 mosaik-group -v propose gg x
	[[ $output == *"no live member of group 'gg'"* ]]
	[[ $output == *"there is 'g'"* ]]
	run -0 mosaik-group log g
	[ -z "$output" ]
}

counter() { # a machine that adds up what is applied
	local n=0 what a b c
	while IFS=$'\t' read -r what a b c; do
		case $what in
		apply)
			n=$((n + c)); printf 'ok\t%s\t%s\n' "$a" "$n"
			[ -z "${NAME:-}" ] || echo "$n" >"said.$NAME"
			;;
		query) if [ "$b" = total ]; then printf 'ok\t%s\t%s\n' "$a" "$n"; else printf 'err\t%s\twhat?\n' "$a"; fi ;;
		esac
	done
}

@test "a command is the state machine: results, questions, and its end" {
	export -f counter
	for name in a b c; do member "$name" --expect 3 -- bash -c counter; done
	mosaik-group wait g --leader --members 3 -W "$(scaled 20)"
	run -0 mosaik-group propose g 5 -w 10
	[ "$output" = $'1\t5' ]
	run -0 mosaik-group propose g - < <(printf '1\n2\n3\n')
	[ "${lines[2]}" = $'4\t11' ]
	run -0 mosaik-group query g total
	[ "$output" = 11 ]
	run -65 mosaik-group query g nonsense
	[[ $output == *"what?"* ]]
	member d -- bash -c counter
	mosaik-group wait g --members 4 -W "$(scaled 20)"
	kill -TERM "$pid_a" "$pid_b"
	run -0 mosaik-group query g total -w 5
	[ "$output" = 11 ]
	member e -- sh -c 'read -r line; exit 7'
	mosaik-group propose g 0 >/dev/null || true   # perhaps through e itself, which cannot tell
	status_of "$pid_e"
	[ "$exit_status" = 7 ]
}

@test "the counter of the manual, as it stands there" {
	mandoc -Tascii "$BATS_TEST_DIRNAME/../../man/mosaik-group.1" | sed -e 's/.\x08//g' -e '1,/\$ cat counter/d' -e '/^ *done$/q' | sed 's/^ *//' >counter
	[ "$(tail -n 1 counter)" = done ]
	chmod +x counter
	for name in a b c; do member "$name" --expect 3 --data "$name.data" --snapshot-every 2 -- ./counter; done
	run -0 mosaik-group propose g 5 -w "$(scaled 20)" -W "$(scaled 20)"
	[ "$output" = $'1\t5' ]
	seq 1 20 | mosaik-group propose g - | tail -n 1 | cmp - <(printf '21\t215\n')
	kill -KILL "$pid_a" "$pid_b" "$pid_c"
	for name in a b c; do member "$name" --expect 3 --data "$name.data" --snapshot-every 2 -- ./counter; done
	run -0 mosaik-group query g total -w "$(scaled 20)" -W "$(scaled 20)"
	[ "$output" = 215 ]
	run -65 mosaik-group query g ""
	[ "$output" = "mosaik-group: error[empty]: an empty question asks nothing" ]
	run -65 mosaik-group query g - </dev/null
}

late() { # a machine that says nothing before the eighth command
	local what a b c n=0
	while IFS=$'\t' read -r what a b c; do
		[ "$what" != apply ] || [ $((++n)) -lt 8 ] || printf 'ok\t%s\tsaid\n' "$a"
	done
}

@test "a command need not answer; one that begins to is heard" {
	export -f late
	member a -- bash -c late
	run -0 mosaik-group propose g 0 -w "$(scaled 20)"
	[ "$output" = 1 ]
	heard() { [[ $(mosaik-group propose g x) == *$'\tsaid' ]]; }
	eventually heard
	heard
}

# It is waited for where it says nothing, but not for two seconds each time.
@test "a command may answer some applies and not others" {
	member a -- sed -un 's/^apply\t\([0-9]*\)\t[0-9]*\tsay/ok\t\1\tsaid/p'
	run -0 mosaik-group propose g "say one" -w "$(scaled 20)"
	[ "$output" = $'1\tsaid one' ]
	local before=$SECONDS
	for i in {2..11}; do
		[ "$(mosaik-group propose g quiet)" = "$i" ]
	done
	[ $((SECONDS - before)) -lt "$(scaled 12)" ]
	[ "$(mosaik-group propose g "say more")" = $'12\tsaid more' ]
}

# A machine that counts what is applied, and keeps what it was given in what it says: "count of commands seen here/restored".
# Its states are written in another order each time: members need not agree on the bytes.
snapshots() {
	local total=0 seen=0 restored=no what a b c state
	while IFS=$'\t' read -r what a b c; do
		case $what in
		apply)
			total=$((total + 1)); seen=$((seen + 1)); printf 'ok\t%s\t%s\n' "$a" "$total"
			echo "$total $restored" >"said.$NAME"
			;;
		query) printf 'ok\t%s\t%s seen %s restored %s\n' "$a" "$total" "$seen" "$restored" ;;
		snapshot) state="$RANDOM"$'\n'"$total"; printf 'snap\t%s\t%s\n%s' "$a" ${#state} "$state" ;;
		restore) read -r -N "$a" state; total=${state#*$'\n'}; seen=0 restored=yes ;;
		esac
	done
}

# More than stays in the log for members that lag. One command at a time, so that one which nobody took for want of a leader
# can be said again.
@test "propose -: no leader for a while is waited for, as long as -w says, and the order stays" {
	members a b c
	mkfifo records
	exec 8<>records
	# Asked is one that does not lead; the others are stopped.
	local leader one stopped=() asked
	leader=$(leader_name)
	for name in a b c; do
		one=pid_$name
		if [ "$name" = "$leader" ] || [ ${#asked[@]} -gt 0 ]; then
			stopped+=("${!one}")
		else
			asked=(--no-local -p "$(mosaik-key pub $name.key)@$(mosaik-catalog -o addr peers "$(mosaik-key pub $name.key)")")
		fi
	done
	background mosaik-group -q "${asked[@]}" propose g - -w "$(scaled 30)" <records >indices
	proposer=$pid
	echo one >&8
	eventually test -s indices
	kill -STOP "${stopped[@]}"
	no_leader() { [ "$(mosaik-group -q "${asked[@]}" -o online,leader -L status g | cut -f 1)" = no ]; }
	eventually no_leader
	printf '%s\n' two three >&8
	# Without -w, and asked after them, it ends and says where; so they were told the same.
	run -75 mosaik-group "${asked[@]}" propose g - -W "$(scaled 15)" <<<$'later\nlast'
	[[ $output == *"error[stopped]: command 1 was not confirmed, and none after it" ]]
	kill -CONT "${stopped[@]}"
	echo four >&8
	exec 8>&-
	status_of "$proposer"
	[ "$exit_status" = 0 ]
	[ "$(cat indices)" = $'1\n2\n3\n4' ]
	[ "$(mosaik-group log g)" = $'one\ntwo\nthree\nfour' ]
}

half_a_megabyte() { { head -c 500000 /dev/zero | tr '\0' x; echo; } | mosaik-group -q propose g - -W "$(scaled 30)" >result; }
seven_megabytes() {
	for i in $(seq 14); do
		eventually half_a_megabyte && [ "$(cut -f 2 result)" = "$i" ] || return 1
	done
}

@test "a newcomer's command gets the snapshot instead of the log, and so does one that comes back from its disk" {
	export -f snapshots
	for name in a b c; do member "$name" --expect 3 --data "$name.data" --snapshot-every 5 -- env NAME="$name" bash -c snapshots; done
	mosaik-group wait g --leader --members 3 -W "$(scaled 20)"
	seven_megabytes
	cut_off() { [ "$(mosaik-group -j -o log_first status g | jq .log_first)" -gt 1 ]; }
	eventually cut_off
	member d -- env NAME=d bash -c snapshots
	mosaik-group wait g --members 4 -W "$(scaled 20)"
	mosaik-group propose g last -w 10 >/dev/null
	eventually has said.d "15 yes"
	kill -KILL "$pid_a" "$pid_b" "$pid_c" "$pid_d"
	for one in "$pid_a" "$pid_b" "$pid_c"; do status_of "$one" || true; done   # and their locks are gone
	for name in a b c; do member "$name" --expect 3 --data "$name.data" --snapshot-every 5 -- env NAME="$name" bash -c snapshots; done
	mosaik-group wait g --leader --members 3 -W "$(scaled 20)"
	run -0 mosaik-group query g what -w 10
	[[ $output =~ ^15\ seen\ [0-9]\ restored\ yes$ ]]
	run -0 --separate-stderr mosaik-group log g
	[ "${#lines[@]}" -lt 15 ]
	[[ $stderr == *"the log begins behind them"* ]]
	run -65 mosaik-group log g --from 1
	[[ $output == *gap* ]]
}

@test "a command that knows no snapshot goes on with the log, and a newcomer's gets all of it" {
	export -f counter
	for name in a b c; do member "$name" --expect 3 --data "$name.data" --snapshot-every 5 -- env NAME="$name" bash -c counter; done
	mosaik-group wait g --leader --members 3 -W "$(scaled 20)"
	seq 1 100 | mosaik-group propose g - | tail -n 1 | cmp - <(printf '100\t5050\n')
	[ "$(mosaik-group log g | wc -l)" = 100 ]
	member d -- env NAME=d bash -c counter
	eventually has said.d 5050
}

# What was compacted away stands in the state: it is printed like the rest.
@test "a member that comes back prints all of the log, also what its disk holds as a snapshot" {
	member a --data a.data
	mosaik-group wait g --leader -W "$(scaled 20)"
	for i in $(seq 40); do head -c 500000 /dev/zero | tr '\0' x; echo "$i"; done >twenty
	mosaik-group propose g - -W "$(scaled 30)" <twenty >/dev/null
	cut_off() { [ "$(mosaik-group -j -o log_first status g | jq .log_first)" -gt 1 ]; }
	eventually cut_off
	kill -KILL "$pid_a"
	member a --data a.data
	eventually cmp twenty a.log
	mosaik-group log g | cmp - twenty
}

# A lock goes with the last of a killed process, which may be after its successor's start.
@test "data that is locked for a moment longer is waited for" {
	member a --data a.data
	mosaik-group wait g --leader -W "$(scaled 20)"
	mosaik-group propose g kept -w 10 >/dev/null
	kill "$pid_a"
	status_of "$pid_a"
	for lock in a.data/*/lock; do [ -f "$lock" ]; done
	mkfifo held
	background flock "$lock" bash -c 'echo >held; read -r -t 0.3 <> <(:)'
	read -r -t "$(scaled 10)" _ <held
	member a --data a.data
	mosaik-group wait g --leader -W "$(scaled 20)"
	[ "$(mosaik-group log g)" = kept ]
}

@test "log --follow goes on, from where it was, when its member dies" {
	members a b c -- --data %NAME.data
	mosaik-group propose g - < <(seq 1 10) >/dev/null
	background mosaik-group log g --follow >followed
	eventually has followed "$(seq 1 10)"
	for name in a b c; do
		one="pid_$name"
		kill -KILL "${!one}"
		member "$name" --expect 3 --data "$name.data"
		mosaik-group propose g "$name" -w 10 -W "$(scaled 20)" >/dev/null
		mosaik-group wait g --leader --members 3 -W "$(scaled 20)"
	done
	eventually has followed "$(seq 1 10; printf '%s\n' a b c)"
}

@test "a member that -p names is the one that answers" {
	members a b c
	for token in "$MOSAIK_RUNTIME_DIR"/*/*; do
		run -0 mosaik-group --no-local -p "$(cat "$token")" -j status g
		[ "$(jq -r .member <<<"$output")" = "${token##*/}" ]
	done
	[ "$(ls "$MOSAIK_RUNTIME_DIR"/* | wc -l)" = 3 ]
}

@test "status tells how many crashes are survived now, not in better times" {
	members a b c
	eventually all_vote 3
	[ "$(mosaik-group -j status g | jq .crashes_tolerated)" = 1 ]
	name=$(leader_name)
	for other in a b c; do
		victim="pid_$other"
		[ "$other" = "$name" ] || break
	done
	kill -KILL "${!victim}"
	eventually eval '[ "$(mosaik-group -j status g | jq -c "[.voters_up, .crashes_tolerated]")" = "[2,0]" ]'
	eventually eval '[[ $(mosaik-group status g) == *$'"'survives\\t0 crashes'"'* ]]'   # whichever member is asked
}

# It has everything on disk, but does not know yet how much of it is committed.
@test "log and status of a member that has just come back wait for what is committed, unless --local" {
	members a b c -- --data %NAME.data
	mosaik-group propose g - < <(seq 1 10) >/dev/null
	kill -KILL "$pid_c"
	kill -STOP "$pid_a" "$pid_b"
	member c --expect 3 --data c.data
	eventually mosaik-group log g --local
	run -0 mosaik-group log g --local
	[ -z "$output" ]
	run -124 mosaik-group log g -W 1
	[[ $output == *deadline* && $output != *[0-9]* ]]
	run -1 mosaik-group status g
	[[ $output == *$'committed\t0'* && $output == *$'confirmed\tno'* ]]
	background mosaik-group log g -W "$(scaled 20)" >all
	kill -CONT "$pid_a" "$pid_b"
	status_of "$pid"
	[ "$exit_status" = 0 ]
	has all "$(seq 1 10)"
	run -0 mosaik-group -j status g
	[ "$(jq -c '[.committed, .confirmed]' <<<"$output")" = '[10,"yes"]' ]
}

@test "a voter that is declared dead is not waited for: the group becomes smaller, and does not stop with the next" {
	members a b c -- --data %NAME.data
	eventually all_vote 3
	mosaik-group propose g one -w 10 >/dev/null
	run -75 mosaik-group declare-dead g "$(mosaik-key pub c.key)"
	[[ $output == *"is up"* ]]
	run -64 mosaik-group declare-dead g c
	kill -KILL "$pid_c"
	dead() { mosaik-group declare-dead g "$(mosaik-key pub c.key)" -w 5; }   # as soon as its leader has noticed
	eventually dead
	eventually all_vote 1
	run -1 mosaik-group declare-dead g "$(mosaik-key pub c.key)"
	[ -z "$output" ]
	name=$(leader_name)
	for other in a b; do
		one="pid_$other"
		[ "$other" = "$name" ] || kill -KILL "${!one}"
	done
	run -0 mosaik-group propose g two -w 5
	[ "$output" = 2 ]
}

# More than a member remembers for those who follow: what comes before is read from the state.
@test "a log is read from its beginning, however long it is" {
	members a b
	seq 1 70000 >numbers
	mosaik-group -W 50 propose g - <numbers >/dev/null
	mosaik-group -W 50 log g | cmp - numbers
	[ "$(mosaik-group log g --from 4000 -c 3 | paste -sd' ')" = "4000 4001 4002" ]
}

# What it holds open is closed, whichever way it ends.
@test "who proposes from a pipe, or reads on, ends in good order when the last member leaves" {
	members a
	mkfifo records
	exec 8<>records
	background mosaik-group -q propose g - <records >indices 2>errors
	proposer=$pid
	background mosaik-group -q log g -f -W 4 >followed 2>/dev/null
	follower=$pid
	echo one >&8
	eventually has indices 1
	eventually has followed one
	kill -TERM "$pid_a"
	status_of "$proposer"
	[ "$exit_status" = 69 ]
	grep -q no-answer errors
	status_of "$follower"
	[ "$exit_status" = 124 ]
}

@test "a pipe of proposals lasts as long as its writer, and waits for its reader" {
	member a -- sed -un 's/^apply\t\([0-9]*\)\t[0-9]*\t/ok\t\1\t/p'
	mosaik-group wait g --leader -W "$(scaled 20)"
	mkfifo records results
	exec 8<>records
	background mosaik-group -q propose g - <records 1<>results 2>errors
	proposer=$pid
	lived() { [ "$(ps -o etimes= -p "$proposer")" -ge 6 ]; }       # longer than the deadline of other one-shots
	eventually lived
	# More than the FIFO of results and what is under way hold: stdin is left alone then, but not the network, nor we.
	seq -f %01000g 12000 >numbers
	cat numbers >&8 &
	children+=("$!")
	committed() { mosaik-group -j -o committed status g | jq .committed; }
	grown() { [ "$(committed)" -gt 1000 ]; }
	eventually grown
	still() { local before=$at; at=$(committed); [ "$before" = "$at" ]; }
	at=0
	eventually still
	[ "$at" -lt 12000 ]
	asked() { kill -USR1 "$proposer" && grep -q "stats " errors; }
	eventually asked
	head -n 12000 <results | cut -f 2 | cmp - numbers
}

@test "binary records survive, in every framing" {
	members a b
	head -c 3000 /dev/urandom >blob
	mosaik-group -F whole propose g - <blob >/dev/null
	run -0 mosaik-group -F raw log g
	mosaik-group -F raw log g | cmp - blob
	mosaik-group -j log g | jq -r .data_b64 | base64 -d | cmp - blob
}
