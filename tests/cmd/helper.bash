# helper.bash - what every bats file of tests/cmd loads.
#
# Each test gets a network and a rendezvous folder of its own; everything listens on loopback. Children started with
# background or ready are killed and reaped by teardown. Nothing sleeps for luck: tests wait on --ready-fd or poll.

bats_require_minimum_version 1.5.0

# Seconds that a bounded wait may take, longer under sanitizers and valgrind.
scaled() { echo $(($1 * ${TEST_TIME_FACTOR:-1})); }

setup_network() {
	export MOSAIK_NETWORK="test-$BATS_SUITE_TEST_NUMBER-$$-$RANDOM"
	export MOSAIK_RUNTIME_DIR="$BATS_TEST_TMPDIR/run" XDG_STATE_HOME="$BATS_TEST_TMPDIR/state"
	export MOSAIK_BIND="${MOSAIK_BIND:-127.0.0.1:0}"
	children=()
	cd "$BATS_TEST_TMPDIR" || return 1
}

# What the children of a failed test had to say is the first thing one wants to read.
teardown_network() {
	local file
	if [ -z "${BATS_TEST_COMPLETED:-}" ]; then
		for file in *.err; do
			[ ! -s "$file" ] || { echo "--- the end of $file:" && tail -n 10 "$file"; }
		done
	fi
	for child in "${children[@]}"; do
		kill -CONT "$child" 2>/dev/null || true
		kill -KILL "$child" 2>/dev/null || true
		wait "$child" 2>/dev/null || true
	done
}

setup() { setup_network; }
teardown() { teardown_network; }

# background COMMAND...: runs it; its pid is in $pid. Descriptor 8 is the test's own end of a FIFO.
background() {
	"$@" <&0 3>&- 4>&- 8>&- &
	pid=$!
	children+=("$pid")
}

# ready COMMAND...: the same, and returns when it has written its newline to --ready-fd. Redirections of the call apply.
ready() {
	local fifo="$BATS_TEST_TMPDIR/ready.$RANDOM.$RANDOM" line
	mkfifo "$fifo"
	"$@" --ready-fd 9 9>"$fifo" <&0 3>&- 4>&- 8>&- &
	pid=$!
	children+=("$pid")
	read -r -t "$(scaled 10)" line <"$fifo" || { echo "not ready: $*" >&2; return 1; }
	rm -f "$fifo"
}

# status_of PID: waits for a child of this shell, bounded, and sets $exit_status.
status_of() {
	local deadline=$((SECONDS + $(scaled "${2:-20}")))
	while kill -0 "$1" 2>/dev/null && [ "$(ps -o stat= -p "$1" | cut -c1)" != Z ]; do
		if [ "$SECONDS" -ge "$deadline" ]; then
			echo "still running: $(ps -o args= -p "$1")" >&2
			return 1
		fi
		read -r -t 0.02 <> <(:) || true
	done
	exit_status=0
	wait "$1" || exit_status=$?
}

# eventually COMMAND...: until it succeeds, bounded.
eventually() {
	local deadline=$((SECONDS + $(scaled 15)))
	until "$@" >/dev/null 2>&1; do
		if [ "$SECONDS" -ge "$deadline" ]; then
			echo "never true: $*" >&2
			return 1
		fi
		read -r -t 0.02 <> <(:) || true
	done
}

resident_kib() { awk '/^VmHWM/ { print $2 }' "/proc/$1/status"; }
