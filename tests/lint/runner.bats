#!/usr/bin/env bats
# tests/run itself: it must count what really ran, and must not take a crash for a success.

bats_require_minimum_version 1.5.0

setup() {
	runner=$PWD/tests/run
	cd "$BATS_TEST_TMPDIR" || return
	mkdir -p tests/unit/base tests/cmd tests/lint tests/fuzz/corpus B/bin B/tests/unit/base B/tests/fuzz
	unset SAN TEST_WRAPPER TEST_TIME_FACTOR
}

unit() { # NAME SCRIPT: what would be a compiled program of tests
	: >"tests/unit/base/$1_test.c"
	printf '#!/bin/sh\n%s\n' "$2" >"B/tests/unit/base/$1_test"
	chmod +x "B/tests/unit/base/$1_test"
}

verdict() { [ "${lines[-1]}" = "$1" ] || { echo "$output"; return 1; }; }

@test "an empty tree is no success" {
	run -1 "$runner" B
	verdict "0 passed, 0 failed"
}

@test "unit programs: groups, skips and noise before a result are counted" {
	unit a 'echo 1..2; echo ok 1 - x; echo "noiseok 2 - y"; echo 1..2; echo ok 1 - x; echo "not ok 2 # SKIP y"'
	run -0 "$runner" B
	verdict "3 passed, 0 failed, 1 skipped"
}

@test "a failed test is shown in full" {
	unit a 'echo 1..2; echo ok 1 - x; echo not ok 2 - y; echo "# 1 != 2"; exit 1'
	unit b 'echo 1..1; echo ok 1 - z'
	run -1 "$runner" B
	[[ $output == *"FAIL  unit base/a (1 passed, 1 failed)"*"not ok 2 - y"*"# 1 != 2"* ]]
	verdict "2 passed, 1 failed"
}

@test "a program that dies is one failed test more" {
	unit a 'echo 1..3; echo ok 1 - x; kill -SEGV $$'
	run -1 "$runner" B
	[[ $output == *"1 of 3 tests reported"* && $output == *"died of signal 11"* ]]
	verdict "1 passed, 1 failed"
}

@test "a program that fails after its last test failed" {
	unit a 'echo 1..1; echo ok 1 - x; echo "ERROR: LeakSanitizer"; exit 99'
	run -1 "$runner" B
	verdict "1 passed, 1 failed"
}

@test "a program that was never built failed" {
	unit a 'true'
	rm B/tests/unit/base/a_test
	run -1 "$runner" B
	verdict "0 passed, 1 failed"
}

@test "lints and corpora are a test each" {
	printf '#!/bin/sh\nexit 0\n' >tests/lint/good
	printf '#!/bin/sh\necho offender\nexit 1\n' >tests/lint/bad
	echo data >tests/lint/exceptions
	chmod +x tests/lint/good tests/lint/bad
	: >tests/fuzz/fuzz_one.c
	: >tests/fuzz/fuzz_two.c
	mkdir tests/fuzz/corpus/one
	: >tests/fuzz/corpus/one/seed
	printf '#!/bin/sh\n[ -f "$1/seed" ]\n' >B/tests/fuzz/fuzz_one
	chmod +x B/tests/fuzz/fuzz_one
	run -1 "$runner" B
	[[ $output == *"FAIL  lint bad"*"offender"* && $output == *"FAIL  corpus two"*"nothing to replay"* ]]
	verdict "2 passed, 2 failed"
}

@test "command tests: a world of their own" {
	# bats would take a line that starts with its @ for a test of this file
	sed 's/^TEST/@test/' >tests/cmd/a.bats <<'END'
TEST "fresh" {
	[ -d "$MOSAIK_RUNTIME_DIR" ] && [ -z "$(ls -A "$MOSAIK_RUNTIME_DIR")" ]
	[ -d "$XDG_STATE_HOME" ] && [ "$MOSAIK_BIND" = 127.0.0.1:0 ] && [ -z "${MOSAIK_NETWORK:-}" ]
	[[ $PATH == "$MOSAIK_BIN":* ]] && [ "$TEST_TIME_FACTOR" -ge 1 ]
	touch "$MOSAIK_RUNTIME_DIR/used"
}
TEST "later" { skip "no reason"; }
END
	sed s/later/other/ tests/cmd/a.bats >tests/cmd/b.bats
	MOSAIK_NETWORK=mine run -0 "$runner" B
	verdict "2 passed, 0 failed, 2 skipped"
}

@test "command tests: failures and files that do not parse" {
	printf '@test "wrong" {\n\tfalse\n}\n@test "right" {\n\ttrue\n}\n' >tests/cmd/a.bats
	printf '@test "open" {\n\tif\n}\n' >tests/cmd/b.bats
	run -1 "$runner" B
	verdict "1 passed, 2 failed"
}

@test "a process that is left behind is seen and ended" {
	cp "$(command -v sleep)" B/bin/mosaik-x     # poll: stands for a daemon
	printf '@test "leaves one" {\n\tsetsid mosaik-x 60 >/dev/null 2>&1 3>&- 4>&- &\n}\n' >tests/cmd/a.bats
	run -1 "$runner" B
	[[ $output == *"left running: mosaik-x 60"* ]]
	verdict "1 passed, 1 failed"
}

@test "a test that waits for ever fails, and its file goes on" {
	cp "$(command -v sleep)" B/bin/mosaik-x     # poll: stands for a program that hangs
	printf '@test "hangs" {\n\trun mosaik-x 60\n\t[ "$status" = 0 ]\n}\n@test "next" {\n\ttrue\n}\n' >tests/cmd/a.bats
	sed 's/^test_limit=.*/test_limit=1/' "$runner" >run
	chmod +x run
	run -1 ./run B
	[[ $output == *"no result for 1 s"*"not ok 1 hangs"* ]]
	verdict "2 passed, 1 failed"     # the second one passes, and nothing is left behind
}

@test "a word chooses" {
	unit a 'echo 1..1; echo ok 1 - x'
	unit b 'echo 1..1; echo not ok 1 - x; exit 1'
	run -0 "$runner" B base/a
	verdict "1 passed, 0 failed"
}
