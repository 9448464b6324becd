#!/usr/bin/env bats
# mosaik-catalog doctor: eight breakages, each named; and a network in which all is well.
load helper

# says LEVEL WHAT [WORDS]: the last run has such a line.
says() {
	grep -q "^$1"$'\t'"$2"$'\t'".*${3:-}" <<<"$output" || { echo "no '$1 $2 ${3:-}' in: $output" >&2; return 1; }
}

@test "doctor: all is well" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >token
	mosaik-key gen key >/dev/null
	run -0 mosaik-catalog doctor -i key -p "$(cat token)"
	says ok key
	says ok rendezvous
	says ok member
	says ok clock
	says ok identity
	run -0 mosaik-catalog -j doctor
	[ "$(jq -r .level <<<"$output" | sort -u)" = ok ]
}

@test "doctor 1: wrong network" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >token
	MOSAIK_NETWORK=other run -1 mosaik-catalog doctor -p "$(cat token)"
	says FAIL network "another network than 'other'"
	says FAIL members
}

@test "doctor 2: wrong key" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >token
	mosaik-key gen key >/dev/null
	run -1 mosaik-catalog doctor -p "$(mosaik-key pub key)@$(cut -d@ -f2 token)"
	says FAIL peer-key "another key"
	says ok member
}

@test "doctor 3: nobody there" {
	run -1 mosaik-catalog doctor
	says FAIL members "nobody of network '$MOSAIK_NETWORK'"
	run -1 mosaik-catalog doctor -p 127.0.0.1:9
	says FAIL reach "nobody listens"
}

@test "doctor 4: UDP swallowed, while others answer" {
	ready mosaik-bootstrap -b 127.0.0.1:0 --no-local >silent
	kill -STOP "$pid"
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	run -1 mosaik-catalog doctor -p "$(cat silent)" -W 500ms
	says FAIL udp "$(cut -d@ -f2 silent)"
	says ok member
}

# A process whose wall clock is 100 s ahead.
ahead() { LD_PRELOAD=$BATS_TEST_TMPDIR/ahead.so exec "$@"; }

make_ahead() {
	[ -z "$SANITIZED" ] || skip "sanitizers want to be the first library"
	cat >ahead.c <<-'EOF'
		#include <sys/syscall.h>
		#include <time.h>
		#include <unistd.h>
		int clock_gettime(clockid_t clock, struct timespec *now)
		{
			int status = (int)syscall(SYS_clock_gettime, clock, now);

			if (clock == CLOCK_REALTIME)
				now->tv_sec += 100;
			return status;
		}
	EOF
	${CC:-cc} -D_GNU_SOURCE -shared -fPIC -o ahead.so ahead.c
}

@test "doctor 5: a skewed clock, theirs and ours" {
	make_ahead
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	ready ahead mosaik-bootstrap -b 127.0.0.1:0 >skewed
	run -1 mosaik-catalog doctor
	says FAIL clock "$(cut -d@ -f1 skewed) is \(99\|100\) s ahead"
	kill "$pid"
	status_of "$pid"
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	mosaik-catalog wait --peers 2
	run -1 ahead mosaik-catalog doctor
	says FAIL clock "this host is [0-9]* s ahead of"
}

@test "doctor 6: one identity, two processes" {
	mosaik-key gen key >/dev/null
	ready mosaik-bootstrap -b 127.0.0.1:0 --no-local -i key >one
	run -1 mosaik-catalog doctor -i key -p "$(cat one)"
	says warn identity "in use by a live node"
	ready mosaik-bootstrap -b 127.0.0.1:0 --no-local -i key >two
	run -1 mosaik-catalog doctor -p "$(cat one)" -p "$(cat two)"
	says FAIL identity "$(cut -d@ -f1 one) runs twice"
}

@test "doctor 7: an unreadable key" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >/dev/null
	mosaik-key gen key >/dev/null
	chmod 644 key
	run -1 mosaik-catalog doctor -i key
	says FAIL key "can be read by others"
	says ok member
	run -1 mosaik-catalog doctor -i missing
	says FAIL key "No such file"
	echo nonsense >text
	chmod 600 text
	run -1 mosaik-catalog doctor -i text
	says FAIL key "not a key file"
}

@test "doctor 8: a stale rendezvous file, and a folder that is not safe" {
	ready mosaik-bootstrap -b 127.0.0.1:0 >dead
	kill -KILL "$pid"
	wait "$pid" || true
	ready mosaik-consume s >/dev/null
	# The newcomer looked around and cleaned up: the dead one's file comes back, as from before a crash.
	id=$(cut -d@ -f1 dead)
	cp dead "$(find run -mindepth 1 -type d)/$id"
	run -1 mosaik-catalog doctor
	says warn rendezvous "1 stale files in .*$id"
	run -0 mosaik-catalog doctor
	chmod 777 run
	run -1 mosaik-catalog doctor
	says FAIL rendezvous "not safely yours"
}
