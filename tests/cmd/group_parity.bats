#!/usr/bin/env bats
# What groups of the original show in its tests G1 to G13, with real processes; values are compared, not only positions.
# A replica's value is what its machine wrote last into NAME.total.
load helper
load group_helper

setup() { group_setup; }

summing() { # adds up what is applied; a question gets the sum, and the position it is of
	local n=0 at=0 what a b c
	while IFS=$'\t' read -r what a b c; do
		case $what in
		apply) n=$((n + c)) at=$((at + 1)); echo "$n" >"$TOTAL.new"; mv "$TOTAL.new" "$TOTAL"; printf 'ok\t%s\t%s\n' "$a" "$n" ;;
		query) printf 'ok\t%s\t%s at %s\n' "$a" "$n" "$at" ;;
		esac
	done
}

adder() { # NAME [OPTION...]
	export -f summing
	TOTAL=$1.total member "$@" -- bash -c summing
}
adders() { # NAME...
	for name in "$@"; do adder "$name" --expect $#; done
	mosaik-group wait g --leader --members $# -W "$(scaled 20)"
}
total() { [ "$(cat "$1.total")" = "$2" ]; }   # NAME VALUE

@test "G1: members of three groups list each other, all and only those" {
	for group in one two three; do
		for name in a b c; do
			[ "$group$name" != onec ] || continue
			mosaik-key gen "$group.$name.key" >/dev/null
			background mosaik-group -q --lan -i "$group.$name.key" join "$group" <>silence >/dev/null
		done
	done
	for group in one two three; do
		mosaik-group wait "$group" --leader --members "$([ $group = one ] && echo 2 || echo 3)" -W "$(scaled 20)"
		[ "$(mosaik-group -o id members "$group" | sort)" = "$(for key in "$group".*.key; do mosaik-key pub "$key"; done | sort)" ]
		[ "$(mosaik-group -j members "$group" | jq -r .up | sort -u)" = yes ]
	done
}

@test "G2: storage does not make another group, another machine does" {
	member a --expect 2 --sm-id sums
	member b --expect 2 --sm-id sums --data b.data
	mosaik-group wait g --leader --members 2 -W "$(scaled 20)"
	mosaik-group propose g 5 >/dev/null
	eventually cmp a.log b.log
	member other --join-only --sm-id products
	eventually eval '[ "$(mosaik-catalog -j groups | jq -r .id | sort -u | wc -l)" = 2 ]'
	[ "$(mosaik-catalog -j groups | jq .peers | sort | paste -sd' ')" = "1 2" ]
	[ ! -s other.log ]
}

@test "G3: one that joins after four commands reaches the same value, and follows" {
	adders a
	for one in 0 1 2 3; do mosaik-group propose g "$one" >/dev/null; done
	adder b
	eventually total b 6
	run -0 mosaik-group propose g 2
	[ "$output" = $'5\t8' ]
	eventually total b 8
	total a 8
}

@test "G4: 200 commands are replayed, and 200 more; a second late one has the same" {
	adders a
	run -0 mosaik-group -W "$(scaled 20)" propose g - < <(seq 0 199)
	[ "${lines[199]}" = $'200\t19900' ]
	adder b
	eventually total b 19900
	run -0 mosaik-group -W "$(scaled 20)" propose g - < <(seq 0 199)
	[ "${lines[199]}" = $'400\t39800' ]
	adder c
	eventually total c 39800
	eventually total b 39800
	total a 39800
}

@test "G5, G6: local reads agree after a commit, strong ones reflect it at once" {
	adders a b c
	for n in 1 2 3 4 5 6 7 8 9 10; do
		mosaik-group propose g 3 >/dev/null
		run -0 mosaik-group query g sum --strong
		[ "$output" = "$((3 * n)) at $n" ]
	done
	for name in a b c; do eventually total "$name" 30; done
	run -0 mosaik-group query g sum -L
	[ "$output" = "30 at 10" ]
}

@test "G7, G8, G9: many at once: commands, batches, questions" {
	adders a b
	for n in $(seq 25); do background mosaik-group propose g 3 >"one.$n"; done
	for child in "${children[@]:2}"; do status_of "$child"; [ "$exit_status" = 0 ]; done
	eventually total a 75
	eventually total b 75
	[ "$(cut -f 1 one.* | sort -n | paste -sd' ')" = "$(seq -s' ' 25)" ]
	children=("${children[@]:0:2}")
	for n in $(seq 10); do background mosaik-group propose g - >/dev/null < <(printf '1\n1\n1\n1\n1\n'); done
	for child in "${children[@]:2}"; do status_of "$child"; [ "$exit_status" = 0 ]; done
	children=("${children[@]:0:2}")
	for n in $(seq 15); do background mosaik-group query g sum >"answer.$n"; done
	for child in "${children[@]:2}"; do status_of "$child"; [ "$exit_status" = 0 ]; done
	children=("${children[@]:0:2}")
	[ "$(cat answer.* | sort -u)" = "125 at 75" ]
	eventually total a 125
	eventually total b 125
}

@test "G10: commands that are fed get the indices in order, and reach everybody" {
	adders a b
	mosaik-group propose g 1 --feed
	mosaik-group wait g --committed 1
	mosaik-group propose g 2 --feed
	mosaik-group wait g --committed 2
	mosaik-group propose g - --feed < <(seq 3 5)
	mosaik-group wait g --committed 5
	eventually total a 15
	eventually total b 15
	run -0 mosaik-group -j log g
	[ "$(jq -c '[.index, .data]' <<<"$output" | paste -sd' ')" = '[1,"1"] [2,"2"] [3,"3"] [4,"4"] [5,"5"]' ]
}

@test "G11: one alone leads; who joins agrees; when it dies the rest agree on another, also with who comes later" {
	member a
	mosaik-group wait g --leader -W "$(scaled 20)"
	[ "$(mosaik-group leader g)" = "$(mosaik-key pub a.key)" ]
	mosaik-group propose g before >/dev/null
	member b
	member c
	eventually all_vote 3
	[ "$(leader_name)" = a ]
	kill -KILL "$pid_a"
	mosaik-group propose g after -w 10 -W "$(scaled 20)" >/dev/null
	new=$(leader_name)
	[ "$new" != a ]
	member d
	eventually grep -qx after d.log
	[ "$(leader_name)" = "$new" ]
	[ "$(cat d.log)" = $'before\nafter' ]
	cmp b.log c.log
}

# rivals NAME...: each is alone, in a world of its own, and leads there
rivals() {
	for name in "$@"; do
		mkdir -m 700 "run.$name"
		MOSAIK_RUNTIME_DIR=$PWD/run.$name member "$name"
	done
	for name in "$@"; do MOSAIK_RUNTIME_DIR=$PWD/run.$name mosaik-group wait g --leader -W "$(scaled 20)"; done
}

# they_meet NAME...: somebody knows all of them
they_meet() {
	local tokens=()
	for name in "$@"; do
		tokens+=(-p "$(MOSAIK_RUNTIME_DIR=$PWD/run.$name mosaik-catalog -o id,addr peers | tr '\t' @)")
	done
	ready mosaik-bootstrap -q "${tokens[@]}" <>silence >/dev/null
	mosaik-group wait g --leader --members $# -W "$(scaled 30)"
}

one_history() { [ "$(mosaik-group -j -o voters,split status g | jq -c '[.voters, .split]')" = '[3,"no"]' ]; }

@test "G12: three that led alone, with nothing in their logs, become one group" {
	rivals a b c
	they_meet a b c
	eventually one_history
	run -0 mosaik-group propose g first -w 10
	[ "$output" = 1 ]
	for name in a b c; do eventually eval "[ \"\$(cat $name.log)\" = first ]"; done
}

@test "G13: of three histories the longest stays; all end with the same log, byte for byte" {
	rivals a b c
	for text in one two three; do MOSAIK_RUNTIME_DIR=$PWD/run.a mosaik-group propose g "a $text" >/dev/null; done
	MOSAIK_RUNTIME_DIR=$PWD/run.b mosaik-group propose g "b one" >/dev/null
	they_meet a b c
	eventually one_history
	mosaik-group propose g last -w 10 >/dev/null
	run -0 mosaik-group log g
	[ "$output" = $'a one\na two\na three\nlast' ]
	for name in a b c; do eventually eval "tail -n 4 $name.log | cmp - <(mosaik-group log g)"; done
	[ "$(cat a.log)" = $'a one\na two\na three\nlast' ]
	[ "$(head -n 1 b.log)" = "b one" ]
}
