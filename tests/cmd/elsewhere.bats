#!/usr/bin/env bats
# A member that is followed and says nothing any more: stopped, so that no link ends. Others are there.
load helper
load collections

told() { grep -q "$2\$" "$1"; }

@test "whoever watches a member that is stopped hears of what comes from another, and of everything once" {
	replicas map m a b c
	background mosaik-map watch m -q <>silence >watched
	eventually sh -c 'mosaik-map put m begun "$(date +%N)" && test -s watched'
	: >expected
	for one in a b c; do
		victim=pid_$one
		kill -STOP "${!victim}"
		mosaik-map put m key "while $one" -w "$(scaled 20)" -W "$(scaled 20)"
		eventually told watched "while $one"
		kill -CONT "${!victim}"
		eventually mosaik-map put m key "after $one" -W 2
		eventually told watched "after $one"
		printf 'while %s\nafter %s\n' "$one" "$one" >>expected
	done
	awk -F '\t' '$3 == "key" { print $4 }' watched | uniq | diff - expected
	[ "$(cut -f 1 watched | uniq -d)" = "" ]
}
