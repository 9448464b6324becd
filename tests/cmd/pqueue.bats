#!/usr/bin/env bats
# mosaik-pqueue with real processes.
load helper
load collections

@test "both ends, priorities, values, ranges" {
	replicas pqueue q a b c
	mosaik-pqueue push q 20 b two
	mosaik-pqueue push q 10 a one
	mosaik-pqueue push q 30 c three
	mosaik-pqueue push q 20 bb 'two too'
	run -0 mosaik-pqueue ls q
	[ "$output" = $'10\ta\tone\n20\tb\ttwo\n20\tbb\ttwo too\n30\tc\tthree' ]
	run -0 mosaik-pqueue ls q --desc
	[ "${lines[0]}" = $'30\tc\tthree' ]
	run -0 mosaik-pqueue min q
	[ "$output" = $'10\ta\tone' ]
	run -0 mosaik-pqueue max q
	[ "$output" = $'30\tc\tthree' ]
	mosaik-pqueue reprio q a 40
	run -1 mosaik-pqueue reprio q nothing 1
	mosaik-pqueue set q a ONE
	run -0 mosaik-pqueue get q a
	[ "$output" = $'40\ta\tONE' ]
	mosaik-pqueue push q 5 a one
	mosaik-pqueue cas q a --from one --to uno
	run -1 mosaik-pqueue cas q a --from one --to eins
	run -0 mosaik-pqueue take q
	[ "$output" = $'5\ta\tuno' ]
	run -0 mosaik-pqueue take q --max
	[ "$output" = $'30\tc\tthree' ]
	mosaik-pqueue rm-range q 20..20
	run -0 mosaik-pqueue len q
	[ "$output" = 2 ]
	mosaik-pqueue rm-range q ..=20
	run -1 mosaik-pqueue take q
	[ -z "$output" ]
}

@test "a queue with a capacity keeps the highest" {
	replicas pqueue q a b -- --capacity 3
	for p in 10 20 30; do mosaik-pqueue push q $p k$p v; done
	mosaik-pqueue push q 40 k40 v
	run -1 mosaik-pqueue push q 5 k5 v
	mosaik-pqueue reprio q k30 1
	mosaik-pqueue push q 2 k30 w
	run -0 mosaik-pqueue ls q
	[ "$output" = $'2\tk30\tw\n20\tk20\tv\n40\tk40\tv' ]
	mosaik-pqueue clear q
	seq 1 9 | awk '{ printf "{\"priority\":%d,\"key\":\"k%d\",\"value\":\"v\"}\n", $1, $1 }' | mosaik-pqueue load q
	run -0 mosaik-pqueue ls q
	[ "$output" = $'7\tk7\tv\n8\tk8\tv\n9\tk9\tv' ]
}

# Takes until there was nothing for a while. Of a take whose member died nobody can say what it took.
worker() {
	local item status
	for _ in $(seq 2000); do
		status=0
		item=$(mosaik-pqueue take q -w "$(scaled 4)" 2>>"$1.err") || status=$?
		case $status in
		0) echo "$item" >>"$1" ;;
		1) return 0 ;;
		*) echo "$status" >>"$1.unknown" ;;
		esac
	done
	return 1
}

@test "two workers never take one item twice, although members and a worker are killed" {
	replicas pqueue q a b c -- -i %NAME.key --data %NAME.data
	items=$([ -n "$SANITIZED" ] && echo 250 || echo 1000)      # each a process; soak/takes has 10,000
	seq 1 "$items" | awk '{ printf "{\"priority\":%d,\"key\":\"k%d\",\"value\":\"v\"}\n", $1, $1 }' >entries
	for i in 1 2 3; do
		worker "taken.$i" 3>&- &
		workers+=($!)
		children+=($!)
	done
	mosaik-pqueue load q <entries
	for name in a b; do
		eventually test -s taken.3
		crash "$name"
		replica pqueue q "$name" -i %NAME.key --data %NAME.data
		mosaik-pqueue push q 2000 "after $name" v -w 10 -W "$(scaled 20)"
	done
	kill -KILL "${workers[2]}"
	for one in 0 1; do
		# However slow, as long as something is taken all the time.
		until status_of "${workers[$one]}" 30 2>/dev/null; do
			before=$now
			now=$(cat taken.? | wc -l)
			[ "$now" -gt "${before:-0}" ]
		done
		[ "$exit_status" = 0 ]
	done
	run -0 mosaik-pqueue len q
	[ "$output" = 0 ]
	cat taken.? | cut -f 2 | sort >taken
	[ -z "$(uniq -d taken)" ]
	# What is missing was taken by somebody who could not be told, or who was killed.
	unknown=$(cat taken.*.unknown 2>/dev/null | wc -l)
	[ "$(wc -l <taken)" -ge $((items + 2 - unknown - 1)) ]
}

@test "update, watch, wait, dump and load" {
	replicas pqueue q a b
	replicas pqueue other c
	mosaik-pqueue push q 1 job 'to do'
	mosaik-pqueue update q job -- sed 's/to do/done/'
	run -1 mosaik-pqueue update q nothing -- cat
	mosaik-pqueue wait q job --value done
	run -0 mosaik-pqueue watch q --from 1 -c 2
	[ "$output" = $'1\tput\tjob\tto do\t1\n2\tput\tjob\tdone\t1' ]
	mosaik-pqueue dump q | mosaik-pqueue load other
	run -0 mosaik-pqueue -j ls other
	[ "$output" = '{"priority":1,"key":"job","value":"done"}' ]
}
