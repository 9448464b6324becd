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
	"$@" 1>&"$writer" 2>err || exit_status=$?
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

@test "who follows notices at once that nobody reads any more, with nothing to write" {
	mkfifo silence
	background mosaik-group -q --lan join g <>silence >/dev/null
	background mosaik-vec -q --lan serve v <>silence
	mosaik-group -W "$(scaled 10)" wait g --leader
	mosaik-vec len v -w "$(scaled 10)"
	for words in "consume s" "group log g -f" "group status g -f" "group leader g -f" "group members g -f" "vec watch v" "vec tail v -f" \
		"catalog watch" "group join g"; do
		read -r -a arguments <<<"${words#* }"
		without_reader timeout "$(scaled 10)" "mosaik-${words%% *}" -q "${arguments[@]}" <>silence
		[ "$exit_status $words" = "141 $words" ]
	done
	# Who has something else to do than to write goes on.
	without_reader timeout 1 mosaik-consume s -- cat
	[ "$exit_status" = 124 ]
}

@test "SIGHUP: everybody leaves in good order, unless nohup has it ignored" {
	mkfifo silence
	ready mosaik-bootstrap -q >/dev/null
	local words status
	for words in "0 bootstrap" "0 map serve m" "0 group join g" "129 consume s" "129 produce s" "129 catalog announce -- tail -f /dev/null"; do
		read -r -a arguments <<<"$words"
		status=${arguments[0]}
		background mosaik-catalog watch --initial -o event,tags >events
		local watcher=$pid
		background "mosaik-${arguments[1]}" -q -t leaver "${arguments[@]:2}" <>silence >/dev/null
		eventually grep -q $'^peer-join\tleaver' events
		kill -HUP "$pid"
		status_of "$pid"
		[ "$exit_status $words" = "$status $words" ]
		# A crash is known of after a second and more; a departure is told.
		eventually grep -q $'^peer-leave\tleaver' events
		kill -TERM "$watcher"
		wait "$watcher" || true
	done
	background nohup mosaik-consume -q s
	ignores() { (($((16#$(awk '/^SigIgn/ { print $2 }' "/proc/$pid/status"))) & 1)) && grep -q mosaik "/proc/$pid/cmdline"; }
	eventually ignores
	kill -HUP "$pid"
	kill -TERM "$pid"
	status_of "$pid"
	[ "$exit_status" = 143 ]
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

@test "what ends with an error says so, also with -q; a count of nothing is a mistake" {
	for words in "consume s -c 0" "map watch s -c 0" "catalog ping x -c 0" "group log g -c 0" "catalog wait --tag x=0" "catalog wait --stream x=0" "map serve s --expect 0" "pqueue serve s --capacity 0"; do
		read -r -a arguments <<<"$words"
		run -64 "mosaik-${arguments[0]}" "${arguments[@]:1}"
		[[ ${lines[0]} == *"'0' is not a number from 1 on" ]]
	done
	run -69 mosaik-consume -w 100ms first second
	[ "$output" = "mosaik-consume: error[no-producer]: no producer of stream 'first' and others on network '$MOSAIK_NETWORK' within the wait" ]
	run -69 mosaik-produce -w 100ms -m x s
	[ "$output" = "mosaik-produce: error[no-consumer]: 0 of 1 consumers of stream 's' on network '$MOSAIK_NETWORK' came within the wait" ]
	# A producer that dies.
	ready mosaik-consume -q -e s >out 2>err
	local consumer=$pid
	mkfifo input
	exec {in}<>input
	background mosaik-produce -q s <input
	echo one >&"$in"
	eventually test -s out
	kill -KILL "$pid"
	wait "$pid" || true
	status_of "$consumer"
	[ "$exit_status $(cat err)" = "74 mosaik-consume: error[vanished]: 1 producers went without an end, and did not come back" ]
	# A command that fails.
	strict() { exec mosaik-consume -q --strict "$@" s -- false; }
	ready strict 2>err
	consumer=$pid
	mosaik-produce -q -m x s || true
	status_of "$consumer"
	[ "$exit_status $(cat err)" = "65 mosaik-consume: error[command]: a command failed (--strict)" ]
}

@test "a column or a key that there is not is told before anybody is asked" {
	# Nobody of the network is there: whoever asked first would say that.
	for words in "catalog peers" "catalog tags" "catalog streams" "catalog groups" "catalog me" "catalog watch" "catalog ping 127.0.0.1:1" \
		"catalog explain stream s" "catalog graph" "catalog doctor" "group status g" "group members g"; do
		read -r -a arguments <<<"$words"
		run -64 "mosaik-${arguments[0]}" "${arguments[@]:1}" -o "id,bogus" -w inf
		[[ ${lines[0]} == *"error[usage]: there is no column '"* ]]
	done
	for words in "group status g" "group members g" "group leader g" "group propose g x" "group query g x" "group log g" "group join g" \
		"group wait g --leader" "group lock g -- true" "map get m k" "map put m k v" "map watch m" "map wait m k" "map update m k -- cat" \
		"map dump m" "map load m" "map serve m" "set subset a b" "vec tail v" "pqueue take q" "once get o"; do
		read -r -a arguments <<<"$words"
		run -78 "mosaik-${arguments[0]}" -k ./missing -w inf "${arguments[@]:1}" </dev/null
		[[ ${lines[0]} == *"error[key]: key file './missing': No such file or directory" ]]
	done
}

@test "an option that a subcommand does not take is refused, before anything is done" {
	mosaik-key gen k >/dev/null
	for words in "key gen new --expires 1h" "key pub k --iss me" "key pub k --aud you" "map clear m --prefix a" "map put m k v --absent" \
		"map get m k --print-version" "map del m k --prefix k" "pqueue get q k --desc" "map get m k --expect 3" "map dump m --initial" \
		"set add s a -L" "pqueue ls q --prefix a" "pqueue min q --max" "vec ls v -c 3" "group log g --try" "group propose g x --strong" \
		"group join g --follow" "group leader g -o id" "group wait g --leader --expect 2" "catalog watch -t x" "catalog peers --dot" \
		"catalog tags --stream s" "catalog doctor --initial" "catalog wait --peers 1 -o id"; do
		read -r -a arguments <<<"$words"
		[ "${arguments[0]}" = key ] || arguments+=(-w inf)
		run -64 "mosaik-${arguments[0]}" "${arguments[@]:1}" </dev/null
		[[ ${lines[0]} == *"error[usage]: '${arguments[1]}'"*" takes no --"* ]]
	done
	[ ! -e new ]
	for words in "map keys m -o value" "map keys m -o key,value" "map len m -o key" "map put m k v -o key" "map watch m -o bogus" \
		"map watch m -o key -- cat" "vec tail v -o value" "once set o v -o value"; do
		read -r -a arguments <<<"$words"
		run -64 "mosaik-${arguments[0]}" -w inf "${arguments[@]:1}"
	done
}

@test "a host that nobody knows is no reason to wait for the deadline" {
	run -69 mosaik-catalog -q -p nobody.invalid:5 peers
	[ "$output" = "mosaik-catalog: error[no-answer]: no member of network '$MOSAIK_NETWORK' answered: cannot be reached at any known address" ]
	run -69 mosaik-map -q -p nobody.invalid:5 get s k -w 200ms
	ready mosaik-bootstrap -b 127.0.0.1:0 >token
	known=127.0.0.1
	getent hosts localhost >/dev/null && known=localhost       # a bare root folder has no /etc/hosts
	for peers in "-p nobody.invalid:5" "--no-local -p nobody.invalid:5 -p $(cut -d@ -f2 token)" "--no-local -p nobody.invalid:5 -p $known:$(cut -d: -f2 token)"; do
		read -r -a arguments <<<"$peers"
		run -0 mosaik-catalog -q "${arguments[@]}" -o tags peers
		[ "$output" = bootstrap ]
	done
}

@test "--no-names: a name is found by who knows it, and not told to who does not" {
	background mosaik-produce -q --no-names -t secret-tag secret-stream <>"$(mkfifo silence; echo silence)"
	mosaik-catalog wait --stream secret-stream -W "$(scaled 10)"
	run -0 mosaik-catalog -j peers
	[[ $output != *secret* ]]
	[ "$(mosaik-catalog -o name tags)" = "$(mosaik-catalog id tag secret-tag)" ]
	run -0 script -qec "mosaik-catalog tags" /dev/null
	[[ ${lines[1]} == "#$(mosaik-catalog id tag secret-tag | cut -c1-10) "* ]]
	run -0 mosaik-catalog peers -t secret-tag --stream secret-stream
	[ "${#lines[@]}" -eq 1 ]
	run -0 mosaik-catalog announce --no-names -t hidden -- mosaik-catalog -o name tags
	[[ $output != *hidden* ]]
	run -124 mosaik-bootstrap -b 127.0.0.1:0 -W 100ms
}
