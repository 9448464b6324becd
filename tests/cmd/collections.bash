# collections.bash - replicas of stores, for the bats files of mosaik-map, -vec, -set, -cell, -once and -pqueue.

# replica KIND STORE NAME [OPTION...]: serves it in the background; its pid is pid_NAME. %NAME in an option is the name;
# NAME.key is a key that one may use.
replica() {
	local kind=$1 store=$2 name=$3
	shift 3
	[ -f "$name.key" ] || mosaik-key gen "$name.key" >/dev/null
	background "mosaik-$kind" serve "$store" -q --lan "${@//%NAME/$name}" <>silence >"$name.out" 2>>"$name.err"
	declare -g "pid_$name=$pid"
}

# replicas KIND STORE NAME... [-- OPTION...]: and returns when all of them are there, and one leads.
replicas() {
	local kind=$1 store=$2 names=()
	shift 2
	while [ $# -gt 0 ] && [ "$1" != -- ]; do names+=("$1") && shift; done
	[ $# -eq 0 ] || shift
	[ -p silence ] || mkfifo silence
	for name in "${names[@]}"; do replica "$kind" "$store" "$name" --expect ${#names[@]} "$@"; done
	"mosaik-$kind" dump "$store" -w "$(scaled 20)" -W "$(scaled 20)" >/dev/null
}

# holds FILE TEXT: these lines, no more and no less
holds() { [ "$(cat "$1")" = "$2" ]; }

# crash NAME: kill -9, and its end is awaited
crash() {
	local victim="pid_$1"
	kill -KILL "${!victim}"
	wait "${!victim}" 2>/dev/null || true
}
