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

incarnation_of() { mosaik-group -j members g | jq -r --arg id "$(mosaik-key pub "$1.key")" 'select(.id == $id) | .incarnation'; }

# has_replaced NAME INCARNATION: a member without --data that was restarted is another one, and must take the place of its
# old self among the voters before the next of them may crash.
has_replaced() {
	local now
	now=$(incarnation_of "$1")
	[ -n "$now" ] && [ "$now" != "$2" ] && all_vote 3 && [ "$(mosaik-group -j members g | jq -r .role | grep -c -e voter -e leader)" = 3 ]
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
