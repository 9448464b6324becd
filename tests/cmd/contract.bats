#!/usr/bin/env bats
# What all programs have in common: how they end when stdout fails, signals, mistakes on the command line.
load helper

# without_reader COMMAND...: with a stdout that nobody reads any more
without_reader() {
	local writer
	rm -f pipe
	mkfifo pipe
	: <pipe &
	exec {writer}>pipe
	wait $!
	exit_status=0
	"$@" >&"$writer" 2>err || exit_status=$?
	exec {writer}>&-
}

@test "stdout that fails is told, exit 74; one that nobody reads is death of SIGPIPE, in silence" {
	mkfifo silence
	ready mosaik-bootstrap -b 127.0.0.1:0 >token
	background mosaik-map serve m -q --lan <>silence
	mosaik-map put m a 1 -w "$(scaled 10)"
	for words in "catalog peers" "catalog me" "catalog graph --dot" "catalog doctor" "catalog id tag x" "catalog -V" "catalog -h" \
		"map get m a" "map ls m -j" "map put m a 1 --print-version" "map dump m" "map watch m --initial -c 1" "key gen" "bootstrap -h"; do
		program=mosaik-${words%% *}
		read -r -a arguments <<<"${words#* }"
		exit_status=0
		"$program" "${arguments[@]}" >/dev/full 2>err || exit_status=$?
		[ "$exit_status $(cat err)" = "74 $program: error[stdout]: cannot write to stdout: No space left on device" ]
		without_reader "$program" "${arguments[@]}"
		[ "$exit_status $(cat err)" = "141 " ]
	done
}

@test "SIGUSR1 and --stats: every program says what it did so far" {
	mkfifo silence
	for words in "bootstrap -b 127.0.0.1:0" "map serve m -q" "group join g -q" "catalog watch" "map wait nothing k -W inf"; do
		program=mosaik-${words%% *}
		read -r -a arguments <<<"${words#* }"
		background "$program" "${arguments[@]}" <>silence >out 2>err
		catches() { (($((16#$(awk '/^SigCgt/ { print $2 }' "/proc/$pid/status"))) & 0x200)); }
		eventually catches
		asked() { kill -USR1 "$pid" && grep -q "^$program: stats .*peers=[0-9]* .*seconds=" err; }
		eventually asked
		kill -KILL "$pid"
		wait "$pid" || true
	done
	background mosaik-set serve s -q --stats=50ms -j <>silence >out 2>err
	counted() { jq -e 'select(.program == "mosaik-set" and .online == 1 and .voters == 1)' err; }
	eventually counted
}
