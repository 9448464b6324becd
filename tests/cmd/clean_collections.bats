#!/usr/bin/env bats
# The collections under valgrind, as clean.bats has the other programs: a file of its own, because they take as long.
load helper
load clean_helper

# store KIND: each line on stdin is asked of a store of that kind, and begins with the exit status that it has to have.
store() {
	local kind=$1 expected verb rest
	mosaik-key gen "$kind.key" >/dev/null
	ready "${checked[@]}" "mosaik-$kind" --lan -q serve s --data data -i "$kind.key"
	replica=$pid
	background "${checked[@]}" "mosaik-$kind" -q watch s -w inf -W inf >watched
	watcher=$pid
	while read -r expected verb rest; do
		# shellcheck disable=SC2086
		run "-$expected" "${checked[@]}" "mosaik-$kind" -w "$(scaled 10)" -W "$(scaled 20)" "$verb" s $rest
	done
	kill -INT "$watcher"
	status_of "$watcher" 60
	leaves "$replica"
	clean
}

@test "a map" {
	store map <<-'END'
		0 put k v
		1 get none
		1 cas k --from x --to y
		0 ls --prefix k
		0 update k -- cat
		0 wait k --value v
		0 clear
	END
}

@test "a vec" {
	store vec <<-'END'
		0 push a b c
		0 insert 1 x
		0 pop
		0 tail
	END
}

@test "a set" {
	store set <<-'END'
		0 add a b c
		1 has d
		0 ls
		0 rm a
	END
}

@test "a cell" {
	store cell <<-'END'
		1 get
		0 set v
		0 get
		0 clear
	END
}

@test "a once" {
	store once <<-'END'
		0 set v
		1 set w
		0 get
	END
}

@test "a pqueue" {
	store pqueue <<-'END'
		0 push 5 k v
		0 min
		0 take
		1 take
	END
}
