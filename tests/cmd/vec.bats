#!/usr/bin/env bats
# mosaik-vec with real processes.
load helper
load collections

@test "pushed and popped at both ends, inserted, swapped, cut off" {
	replicas vec v a b c -- -T u64
	mosaik-vec push v 3
	mosaik-vec push-front v 2
	mosaik-vec push v 4 5
	mosaik-vec push-front v 1
	run -0 mosaik-vec ls v
	[ "$output" = "$(seq 5)" ]
	run -0 mosaik-vec pop v
	[ "$output" = 5 ]
	run -0 mosaik-vec pop-front v
	[ "$output" = 1 ]
	mosaik-vec insert v 0 10
	mosaik-vec insert v 4 40
	mosaik-vec insert v 2 20
	run -65 mosaik-vec insert v 99 1
	run -0 mosaik-vec ls v
	[ "$output" = $'10\n2\n20\n3\n4\n40' ]
	mosaik-vec swap v 0 5
	run -1 mosaik-vec swap v 0 6
	run -0 mosaik-vec get v 0 5
	[ "$output" = $'40\n10' ]
	[ "$(mosaik-vec -o index,value get v 0 5)" = $'0\t40\n5\t10' ]
	[ "$(mosaik-vec -j -o index ls v | tail -n 1)" = '{"index":5}' ]
	run -0 mosaik-vec index-of v 20
	[ "$output" = 2 ]
	mosaik-vec rm v 2
	run -1 mosaik-vec rm v 5
	mosaik-vec truncate v 9
	mosaik-vec truncate v 2
	run -0 mosaik-vec ls v
	[ "$output" = $'40\n2' ]
	mosaik-vec clear v
	run -1 mosaik-vec pop v
	run -1 mosaik-vec pop-front v
	run -0 mosaik-vec len v
	[ "$output" = 0 ]
}

@test "tail: the last ones, and with -f those to come, also from another member" {
	replicas vec v a b c -- -i %NAME.key --data %NAME.data
	seq 1 20 | sed 's/.*/{"value":"&"}/' | mosaik-vec load v
	run -0 mosaik-vec tail v
	[ "$output" = "$(seq 11 20)" ]
	run -0 mosaik-vec tail v -c 2
	[ "$output" = $'19\n20' ]
	ready mosaik-vec tail v -f -c 1 >tailed
	mosaik-vec push-front v 0
	mosaik-vec pop v >/dev/null
	n=20
	for name in a b c; do
		mosaik-vec push v $((++n)) -w 10 -W "$(scaled 20)"
		crash "$name"
		mosaik-vec push v $((++n)) -w 10 -W "$(scaled 20)"
		replica vec v "$name" -i %NAME.key --data %NAME.data
		mosaik-vec push v $((++n)) -w 10 -W "$(scaled 20)"
	done
	eventually holds tailed "$(seq 20 29)"
}

@test "watch tells indices; dump and load keep the order; wait for an index" {
	replicas vec v a b
	replicas vec other c
	background mosaik-vec wait v 2 --value three -W "$(scaled 30)"
	waiting=$pid
	mosaik-vec push v one two
	mosaik-vec push v three
	status_of "$waiting"
	[ "$exit_status" = 0 ]
	mosaik-vec swap v 0 2
	mosaik-vec rm v 1
	mosaik-vec truncate v 1
	run -0 mosaik-vec watch v --from 1 -c 6
	[ "$output" = $'1\tinsert\t0\tone\n1\tinsert\t1\ttwo\n2\tinsert\t2\tthree\n3\tswap\t0\t2\n4\tremove\t1\t\n5\ttruncate\t1\t' ]
	run -0 mosaik-vec -j watch v --from 3 -c 3
	[ "$output" = $'{"version":3,"op":"swap","index":0,"other":2}\n{"version":4,"op":"remove","index":1}\n{"version":5,"op":"truncate","length":1}' ]
	mosaik-vec push v x y x
	mosaik-vec dump v | mosaik-vec load other
	run -0 mosaik-vec ls other
	[ "$output" = $'three\nx\ny\nx' ]
}
