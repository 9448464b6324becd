# group_helper.bash - members of groups, for the bats files that need some.

# member NAME [OPTION...]: %NAME in an option is the name; joins group g in the background, with a key of its own; its log goes to NAME.log, its pid is pid_NAME.
member() {
	local name=$1
	shift
	[ -f "$name.key" ] || mosaik-key gen "$name.key" >/dev/null
	background mosaik-group -q --lan -i "$name.key" join g "${@//%NAME/$name}" <>silence >"$name.log" 2>>"$name.err"
	declare -g "pid_$name=$pid"
}

members() { # NAME... [-- OPTION...]
	local names=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do names+=("$1") && shift; done
	[ $# -eq 0 ] || shift
	for name in "${names[@]}"; do member "$name" --expect ${#names[@]} "$@"; done
	mosaik-group wait g --leader --members ${#names[@]} -W "$(scaled 20)"
}

group_setup() {
	setup_network
	mkfifo silence
}

# Every voter is up, and no change of them is under way: COUNT of them.
all_vote() {
	local seen
	seen=$(mosaik-group -j -o voters,voters_up,online,changing status g) &&
		[ "$(jq -c '[.voters, .voters_up, .online, .changing]' <<<"$seen")" = "[$1,$1,\"yes\",\"no\"]" ]
}

# The member that leads, by name.
leader_name() {
	local leader
	leader=$(mosaik-group leader g) || return 1
	for key in *.key; do
		[ "$(mosaik-key pub "$key")" != "$leader" ] || { echo "${key%.key}"; return 0; }
	done
	return 1
}
