#!/usr/bin/env bats
# The lints themselves: each must see a made-up offender, and must let a clean tree pass.

bats_require_minimum_version 1.5.0

setup() {
	lint=$PWD/tests/lint
	cd "$BATS_TEST_TMPDIR" || return
	mkdir -p lib/base lib/wire lib/net lib/node lib/runtime cmd/common cmd/mosaik-x tests/cmd tests/unit/node man B
	mkdir -p completions/bash completions/zsh completions/fish tests/lint
	cp "$lint/../../lib/FLOORS" lib/
	cp "$lint/symbols" tests/lint/
	: >tests/lint/exceptions
	export B=B CC="${CC:-gcc}" ALL_CFLAGS="-std=c17 -Ilib -I."
}

# sees LINT WORD: the lint fails and names the offender.
sees() {
	run -1 "$lint/$1"
	[[ $output == *"$2"* ]] || { echo "expected: $2"; echo "got: $output"; return 1; }
}

passes() {
	run -0 "$lint/$1"
	[ -z "$output" ]
}

object() { # PATH: compiles a source where the build would
	mkdir -p "B/$(dirname "$1")"
	$CC -c -o "B/${1%.c}.o" "$1"
}

@test "floors: includes go down the drawing" {
	echo '#include "base/id.h"' >lib/wire/a.c
	passes floors
	echo '#include "wire/frame.h"' >lib/base/a.c
	sees floors 'lib/base/a.c:1: "wire/frame.h" is above or beside base'
}

@test "floors: a folder that the drawing does not know" {
	mkdir lib/attic
	echo >lib/attic/a.h
	sees floors 'does not know the folder attic'
}

@test "floors: programs see runtime, node and cmd/common only" {
	printf '#include "runtime/runtime.h"\n#include "cmd/common/exit.h"\n#include "cmd/mosaik-x/own.h"\n' >cmd/mosaik-x/main.c
	passes floors
	echo '#include "net/links.h"' >cmd/mosaik-x/main.c
	sees floors '"net/links.h" is above or beside cmd'
	echo '#include "cmd/mosaik-y/other.h"' >cmd/mosaik-x/main.c
	sees floors '"cmd/mosaik-y/other.h" may not be included'
	echo '#include "cmd/common/exit.h"' >lib/node/a.c
	rm cmd/mosaik-x/main.c
	sees floors '"cmd/common/exit.h" may not be included from node'
}

@test "floors: private headers stay in their folder and its unit tests" {
	echo '#include "node/node_internal.h"' >lib/node/a.c
	echo '#include "node/node_internal.h"' >tests/unit/node/a_test.c
	passes floors
	echo '#include "node/node_internal.h"' >lib/runtime/a.c
	sees floors 'private to its folder'
}

@test "floors: each outside library has its place" {
	echo '#include <uv.h>' | tee lib/net/a.c >lib/runtime/a.c
	echo '#include <jansson.h>' >cmd/common/a.c
	passes floors
	echo '#include <uv.h>' >lib/node/a.c
	sees floors '<uv.h> does not belong into node'
	echo '#include <ngtcp2/ngtcp2.h>' >lib/node/a.c
	sees floors '<ngtcp2/ngtcp2.h> does not belong into node'
	echo '#include <jansson.h>' >lib/node/a.c
	sees floors '<jansson.h> does not belong into node'
	echo '#include <jansson.h>' >cmd/mosaik-x/main.c
	sees floors 'does not belong into cmd/mosaik-x'
}

@test "purity: a pure object may not read the clock" {
	echo '#include <string.h>
	unsigned long a(const char *s) { return strlen(s); }' >lib/node/a.c
	object lib/node/a.c
	passes purity
	echo 'long b(void) { extern long time(long *); return time(0); }' >lib/node/b.c
	object lib/node/b.c
	sees purity 'lib/node/b.c: refers to time'
}

@test "purity: memory is wrapped once; net may do what it likes" {
	echo 'void *a(void) { extern void *malloc(unsigned long); return malloc(1); }' | tee lib/base/memory.c >lib/net/a.c
	object lib/base/memory.c
	object lib/net/a.c
	passes purity
	cp lib/base/memory.c lib/base/heap.c
	object lib/base/heap.c
	sees purity 'lib/base/heap.c: refers to malloc'
}

@test "globals: tables pass, hidden state does not" {
	echo 'static const char *const t[] = { "a", "b" }; const char *a(int i) { return t[i]; }' >lib/net/a.c
	CC="$CC -fPIE" object lib/net/a.c
	echo 'int counter; int a(void) { return counter++; }' >lib/runtime/a.c
	object lib/runtime/a.c
	passes globals
	echo 'int a(void) { static int counter; return counter++; }' >lib/net/a.c
	object lib/net/a.c
	sees globals 'is mutable (.bss)'
	echo 'int state = 3;' >lib/net/a.c
	object lib/net/a.c
	sees globals 'lib/net/a.c: state is mutable (.data)'
}

@test "headers: a header brings what it needs" {
	printf '#ifndef A\n#define A\n#include <stddef.h>\nsize_t a(void);\n#endif\n' >lib/base/a.h
	passes headers
	echo 'size_t b(void);' >lib/base/b.h
	sees headers 'lib/base/b.h: does not compile alone'
}

long_function() { # NAME LINES, at least 3
	printf 'int %s(int a,\n\tint b)\n{\n' "$1"
	for _ in $(seq $(($2 - 4))); do printf '\ta++;\n'; done
	echo '}'
}

@test "functions: seventy lines" {
	long_function fits 70 >lib/base/a.c
	passes functions
	long_function large 71 >>lib/base/a.c
	sees functions 'lib/base/a.c:71: large: 71 lines, more than 70'
}

@test "functions: exceptions only shrink" {
	long_function large 75 >lib/base/a.c
	echo 'lib/base/a.c:large lines 75' >tests/lint/exceptions
	passes functions
	echo 'lib/base/a.c:large lines 80' >tests/lint/exceptions
	sees functions 'may shrink to 75'
	echo 'lib/base/a.c:large lines 74' >tests/lint/exceptions
	sees functions 'more than its exception of 74'
	long_function large 60 >lib/base/a.c
	sees functions 'no exception any more'
	rm lib/base/a.c
	echo >lib/base/b.c
	sees functions 'there is no such thing'
}

@test "functions: five parameters; tables and callbacks of ngtcp2 do not count" {
	printf 'int a(int b, int (*c)(int, int), int d,\n\tint e, int f)\n{\n}\n' >lib/base/a.c
	printf 'static int cb(ngtcp2_conn *c, int a, int b, int d, int e, void *user)\n{\n}\n' >>lib/base/a.c
	printf 'void p(int a, int b, int c, int d, const char *format, ...)\n{\n}\n' >>lib/base/a.c
	printf 'static const int table[] = {\n\t1, 2,\n};\nvoid q(void)\n{\n}\n' >>lib/base/a.c
	passes functions
	printf 'int six(int a, int b, int c, int d, int e, int f)\n{\n}\n' >>lib/base/a.c
	sees functions 'six: 6 parameters, more than 5'
}

@test "functions: seven hundred lines a file" {
	seq 700 | sed 's/.*/int a;/' >lib/base/a.c
	passes functions
	echo 'int a;' >>lib/base/a.c
	sees functions '701 lines, more than 700'
}

@test "ifdef: guards pass, conditions do not" {
	printf '#ifndef NODE_A_H\n#define NODE_A_H\n#endif\n' >lib/node/a.h
	printf '#ifdef __linux__\n#endif\n' >lib/net/a.c
	passes ifdef
	printf '#ifdef __linux__\n#endif\n' >lib/node/a.c
	sees ifdef 'lib/node/a.c:1: #ifdef __linux__'
}

@test "banned: words, also where they hide" {
	echo '/* cbor_load() is not used here: */ int strcpy_like(void);' >lib/base/a.c
	printf ' * strcpy(3) is not either\n' >>lib/base/a.c
	passes banned
	echo 'x = cbor_load(a);' >lib/wire/a.c
	sees banned 'lib/wire/a.c:1'
	echo '	strcpy(a, b);' >lib/wire/a.c
	sees banned 'does not know the size'
	echo '/* TODO */' >lib/wire/a.c
	sees banned 'finish it'
}

@test "banned: tests do not just sleep" {
	echo '	sleep 0.05   # poll' >tests/cmd/helper.bash
	passes banned
	echo '	sleep 1' >tests/cmd/a.bats
	sees banned 'tests/cmd/a.bats:1'
}

@test "shell: scripts parse" {
	printf '#!/bin/sh\necho ok\n' >tests/good
	printf '#!/usr/bin/env bats\n@test "a (b) {c}" {\n\ttrue\n}\n' >tests/cmd/a.bats
	passes shell
	printf '#!/bin/sh\nif true; then\n' >tests/bad
	sees shell 'tests/bad'
}

@test "mandoc: pages are right" {
	printf '.Dd November 1, 2025\n.Dt X 1\n.Os\n.Sh NAME\n.Nm x\n.Nd does x\n' >man/x.1
	passes mandoc
	printf '.Bogus macro\n' >>man/x.1
	sees mandoc 'man/x.1'
}

# A program of one option table, its manual and its completions.
program() { # LISTING
	mkdir -p B/bin
	echo 'int main(void) { return 0; }' >cmd/mosaik-x/main.c
	printf '#!/bin/sh\n[ "$1" != -h ] || exec echo usage\ncat <<END\n%s\nEND\n' "$1" >B/bin/mosaik-x
	chmod +x B/bin/mosaik-x
	printf '.Bl -tag\n.It Fl n , Fl -network Ar NAME\n.It Fl -no-local\n.It Cm put Ar KEY\n.El\n' >man/mosaik-x.1
	echo 'complete -W "-n --network --no-local put" mosaik-x' >completions/bash/mosaik-x
	printf '#compdef mosaik-x\n_arguments {-n,--network}"[net]" --no-local\nput\n' >completions/zsh/_mosaik-x
	printf 'complete -c mosaik-x -s n -l network -r\ncomplete -c mosaik-x -l no-local\ncomplete -a put\n' >completions/fish/mosaik-x.fish
}

@test "options: program, manual and completions agree" {
	program $'-n --network NAME\n--no-local\nsubcommand put'
	passes options
}

@test "options: each kind of drift" {
	program $'-n --network NAME\n--no-local\n--fresh\nsubcommand put'
	sees options 'man/mosaik-x.1: no item for --fresh'
	[[ $output == *"completions/bash/mosaik-x: lacks --fresh"* ]]
	[[ $output == *"completions/zsh/_mosaik-x: lacks --fresh"* ]]
	[[ $output == *"completions/fish/mosaik-x.fish: lacks --fresh"* ]]
	program $'-n --network NAME\nsubcommand put'
	sees options 'describes --no-local, which mosaik-x --list-options does not print'
	program $'-n --network NAME\n--no-local\nsubcommand put\nsubcommand take'
	sees options 'does not mention the subcommand take'
	program $'network NAME\n--no-local'
	sees options 'not in the agreed form'
	program $'-n --network NAME\n--no-local\nsubcommand put'
	rm completions/fish/mosaik-x.fish
	sees options 'completions/fish/mosaik-x.fish: missing'
	rm man/mosaik-x.1
	sees options 'man/mosaik-x.1: missing'
}

@test "options: -h answers, and fits a terminal" {
	program $'-n --network NAME\n--no-local\nsubcommand put'
	sed -i 's/exec echo usage/kill -SEGV $$/' B/bin/mosaik-x
	sees options 'mosaik-x -h: failed'
	sed -i 's|kill -SEGV|exec seq 25 #|' B/bin/mosaik-x
	sees options 'mosaik-x -h: 25 lines'
	sed -i 's|seq 25 #|printf %081d|' B/bin/mosaik-x
	sees options 'mosaik-x -h: more than 80 columns: 000'
}

@test "options: a completion that asks the program cannot drift" {
	program $'-n --network NAME\n--no-local\nsubcommand put'
	echo 'complete -W "$(mosaik-x --list-options)" mosaik-x' >completions/bash/mosaik-x
	passes options
}
