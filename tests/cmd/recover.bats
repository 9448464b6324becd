#!/usr/bin/env bats
# recover: a majority is lost for ever with all its disks, and what one survivor has goes on.
load helper
load group_helper
load collections

setup() { group_setup; }

# lost NAME...: killed, and nothing of them is left
lost() {
	for one in "$@"; do
		crash "$one"
		rm -rf "$one" "$one.key"
	done
}

recovered() { # NAME
	run -0 --separate-stderr mosaik-group --lan -i "$1.key" recover g --from-survivors --data "$1"
	[[ "$stderr" == *"acknowledged writes after that may be lost"* ]]
}

# The replica a has that version.
has_committed() { kill -USR1 "$pid_a" && grep -q "committed=$1 " a.err; }

log_is() { [ "$(mosaik-group log g)" = "$1" ]; }
told() { cat -- "$@" | grep -q 'ours lost, and its [0-9]* commands are archived'; }

@test "two of three are destroyed: the third goes on with all it has, newcomers join, and then any one may be lost" {
	members a b c -- --data %NAME
	for n in 1 2 3 4 5; do mosaik-group propose g "command $n"; done
	eventually holds a.log "$(mosaik-group log g)"
	before=$(mosaik-group log g)
	lost b c
	crash a
	recovered a
	[ "$output" = 5 ]
	member a --data a
	run -0 mosaik-group propose g after -w "$(scaled 10)"
	[ "$output" = 6 ]
	log_is "$before"$'\nafter'
	for one in d e; do member "$one" --data "$one"; done
	eventually all_vote 3
	crash a
	run -0 mosaik-group propose g last -w "$(scaled 10)" -W "$(scaled 10)"
	[ "$output" = 7 ]
	log_is "$before"$'\nafter\nlast'
}

@test "a map: the version is printed, the values are those of before, a watch from there goes on" {
	replicas map conf a b c -- --data %NAME
	seq 40 | sed 's/.*/key-&\t&/' | mosaik-map load conf
	mosaik-map put conf last one
	version=$(mosaik-map put conf last two --print-version)
	eventually has_committed "$version"
	crash a
	lost b c
	run -0 --separate-stderr mosaik-map --lan recover conf --from-survivors --data a
	[ "$output" = "$version" ]
	replica map conf a --data a
	mosaik-map put conf new three -w "$(scaled 10)"
	[ "$(mosaik-map get conf key-17)" = 17 ]
	[ "$(mosaik-map get conf last)" = two ]
	run -0 mosaik-map watch conf --from "$((version + 1))" -c 1
	[[ "$output" == *$'put\tnew\tthree' ]]
}

@test "the majority comes back after all, and has more: the recovered one gives way, keeps an archive and says so" {
	members a b c -- --data %NAME
	mosaik-group propose g one
	eventually holds a.log one
	for one in a b c; do crash "$one"; done
	recovered a
	for one in b c; do member "$one" --data "$one"; done
	mosaik-group propose g two -w "$(scaled 10)"
	mosaik-group propose g three
	background mosaik-group --lan -i a.key join g --data a <>silence >a.log 2>a.err
	eventually told a.err
	eventually all_vote 3
	log_is $'one\ntwo\nthree'
	ls a/archive-*.snapshot
}

@test "the majority comes back after all, and has less: it gives way to the recovered one" {
	members a b c -- --data %NAME
	mosaik-group propose g one
	eventually holds a.log one
	for one in a b c; do crash "$one"; done
	recovered a
	member a --data a
	mosaik-group propose g mine -w "$(scaled 10)"
	for one in b c; do background mosaik-group --lan -i "$one.key" join g --data "$one" <>silence >"$one.log" 2>"$one.err"; done
	eventually told b.err c.err
	eventually all_vote 3
	log_is $'one\nmine'
}

@test "what runs, is not there, is damaged, holds nothing, or is not asked for in earnest is left as it is" {
	members a -- --data a
	mosaik-group propose g one
	run -78 mosaik-group --lan -i a.key recover g --from-survivors --data a
	[[ "$output" == *"another process uses 'a'"* ]]
	crash a
	run -64 mosaik-group --lan -i a.key recover g --data a
	[[ "$output" == *"goes up to 1 here (term "*"--from-survivors"* ]]
	run -64 mosaik-group --lan -i a.key recover g --data a            # nothing was changed
	[[ "$output" == *", voters 1)"* ]]
	run -78 mosaik-group -i a.key recover g --from-survivors --data a  # without --lan it is another group
	[[ "$output" == *"there is no data of group 'g' in 'a'"* ]]
	mosaik-key gen other.key >/dev/null
	run -78 mosaik-group --lan -i other.key recover g --from-survivors --data a
	run -64 mosaik-group --lan recover g --from-survivors
	run -64 mosaik-group --lan recover g h --from-survivors --data a
	member b --data b --join-only
	eventually compgen -G 'b/*/data.mdb'
	crash b
	run -65 mosaik-group --lan -i b.key recover g --from-survivors --data b
	[[ "$output" == *"holds nothing"* ]]
	dd if=/dev/urandom of="$(ls a/*/data.mdb)" bs=4096 seek=2 count=4 conv=notrunc status=none
	sum=$(cat a/*/data.mdb | cksum)
	run -65 mosaik-group --lan -i a.key recover g --from-survivors --data a
	[[ "$output" == *damaged* ]]
	[ "$sum" = "$(cat a/*/data.mdb | cksum)" ]
}
