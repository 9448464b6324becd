# clean_helper.bash - programs under valgrind, for the bats files that look for leaks.
load group_helper

setup() {
	command -v valgrind >/dev/null || skip "no valgrind"
	[ -z "$SANITIZED" ] || skip "sanitizers and valgrind do not mix"
	group_setup
	TEST_TIME_FACTOR=$((${TEST_TIME_FACTOR:-1} * 4))
}

checked=(valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect,possible "--log-file=valgrind.%p")

clean() {
	local log
	for log in valgrind.*; do
		[ ! -s "$log" ] || { cat "$log"; return 1; }
	done
}

# leaves PID: it is told to, and does it well.
leaves() {
	kill -TERM "$1"
	status_of "$1" 60
	[ "$exit_status" = 0 ]
}
