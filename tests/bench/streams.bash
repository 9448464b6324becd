# streams.bash - what streams are measured against; read by run, whose helpers it uses.
#
# A server is started once a measurement; its CPU time counts while somebody uses it.
#
#   fan        BENCH_FAN (200,000) lines of 100 bytes to 16 readers at once, beside nats-server over TLS
#   ping       BENCH_TRIPS (20,000) round trips of 100 bytes through two streams, beside nats-server over TLS with a client that
#              is both ends of it, and with the same pipes as ours
#   single     `mosaik-produce -m x s`, the whole process, beside mosquitto_pub over TLS

FAN_READERS=16
nats=$B/tests/bench/nats pingpong=$B/tests/bench/pingpong
PATH=$PATH:/usr/sbin     # Debian's nats-server and mosquitto

here_is() { command -v "$1" >/dev/null || { echo "$1 is not here (make bench-deps installs it where apt has it)"; return 1; }; }

# ---- nats-server ----

serve_nats() { # its limits are set so that it loses nothing and drops nobody
	[ -z "${server_nats:-}" ] || return 0
	here_is nats-server || return
	nats_port=$(free_port)
	printf '%s\n' "host: 127.0.0.1" "port: $nats_port" "max_pending: 2GB" 'write_deadline: "60s"' \
		"tls { cert_file: \"$work/crt.pem\", key_file: \"$work/key.pem\", timeout: 10 }" >"$work/nats.conf"
	nats-server -c "$work/nats.conf" >"$work/nats.log" 2>&1 &
	server_nats=$!
	listening "$nats_port"
}
stop_nats() {
	[ -n "${server_nats:-}" ] || return 0
	kill "$server_nats"
	wait "$server_nats" 2>/dev/null
	server_nats=''
}

receive_nats() { stop "$nats" sub "$nats_port" bench "$work/ready" "$total"; }
send_nats() { stop "$nats" pub "$nats_port" bench; }
ready_nats() { ready_mosaik; }

# CPU seconds of a server since it was started.
server_cpu() { # PID
	awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / tick }' "/proc/$1/stat"
}

# ---- one writer, sixteen readers ----

fan_once() ( # NAME TOTAL: a subshell, as once
	name=$1 total=$2 server=server_$1 port=fan
	[ -z "${!server:-}" ] || before_server=$(server_cpu "${!server}")
	rm -f "$work"/end.* "$work/start"
	for ((i = 0; i < FAN_READERS; i++)); do
		rm -f "$work/ready"
		mkfifo "$work/ready"
		"receive_$name" "$port" 2>>"$work/receive.err" | "$drain" ${numbered:-} "$work/end.$i" "$total" &
		"ready_$name" "$port" || exit 1
	done
	"$feed" ${numbered:-} "$work/start" "$total" | "send_$name" "$port" 2>"$work/send.err"
	wait
	[ "$(cat "$work"/end.* 2>/dev/null | wc -l)" = $FAN_READERS ] || { echo "$name: failed" >&2; cat "$work"/*.err >&2; exit 1; }
	[ -z "${numbered:-}" ] || exit 0
	awk -v a="$(cat "$work/start")" -v b="$(sort -n "$work"/end.* | tail -n 1)" 'BEGIN { printf "%.6f\n", (b - a) / 1e9 }' >>"$work/$name.seconds"
	cpu "$name" >>"$work/$name.cpu"
)

fan() {
	local lines=${BENCH_FAN:-200000}
	contestants=(mosaik)
	! serve_nats || contestants+=(nats)
	framing='' writing="--min-consumers $FAN_READERS"
	rounds fan_once $((lines * 100)) -n
	table "$lines lines of 100 bytes to $FAN_READERS readers" records/s $((lines * FAN_READERS * 100)) 100 nats "CPU s/M" 100000000
	writing=''
	stop_nats
}

# ---- round trips ----

trips_mosaik() {
	stop mosaik-consume -e ping | stop mosaik-produce pong &
	stop mosaik-consume -e pong | stop "$pingpong" "$work/result" "$1" | stop mosaik-produce ping
	wait $!
}
trips_nats() {
	rm -f "$work/ready"
	mkfifo "$work/ready"
	timeout "$LIMIT" "$nats" pong "$nats_port" "$work/ready" &   # not by stop: what is killed below must be its parent
	ready_mosaik && stop "$nats" ping "$nats_port" "$work/result" "$1"
	kill $!
	wait $! 2>/dev/null
}
trips_nats_pipes() {
	local bytes=$(($1 * 100))
	rm -f "$work/ready" "$work/ready2"
	mkfifo "$work/ready" "$work/ready2"
	stop "$nats" sub "$nats_port" ping "$work/ready" $bytes | stop "$nats" pub "$nats_port" pong &
	ready_mosaik
	# The reader is up before the first line leaves.
	stop "$nats" sub "$nats_port" pong "$work/ready2" $bytes |
		{ read -r _ <"$work/ready2"; stop "$pingpong" "$work/result" "$1"; } | stop "$nats" pub "$nats_port" ping
	wait $!
}

ping() {
	local trips=${BENCH_TRIPS:-20000} round name names=(mosaik)
	! serve_nats || names+=(nats nats_pipes)
	rm -f "$work"/*.p50 "$work"/*.p99
	for round in $(seq "$RUNS"); do
		for name in "${names[@]}"; do
			rm -f "$work/result"
			"trips_$name" "$trips"
			read -r _ p50 p99 <"$work/result" || { echo "  (round $round of $name does not count)"; continue; }
			echo "$p50" >>"$work/$name.p50"
			echo "$p99" >>"$work/$name.p99"
		done
	done
	printf '\n%d round trips of 100 bytes through two streams, median of %d\n  %-34s %9s %9s %10s\n' "$trips" "$RUNS" "" "p50 us" "p99 us" "of nats"
	stop_nats
	for name in "${names[@]}"; do
		[ -s "$work/$name.p50" ] || { printf '  %-34s %9s\n' "${title_of[$name]}" failed; continue; }
		awk -v name="${title_of[$name]}" -v p50="$(median <"$work/$name.p50")" -v p99="$(median <"$work/$name.p99")" \
			-v r="$(median 2>/dev/null <"$work/nats.p50")" \
			'BEGIN { printf "  %-34s %9.1f %9.1f %9s\n", name, p50, p99, r ? sprintf("%.2fx", p50 / r) : "-" }'
	done
}

# ---- one record by a process of its own ----

serve_mosquitto() {
	here_is mosquitto && here_is mosquitto_pub || return
	mosquitto_port=$(free_port)
	printf '%s\n' "listener $mosquitto_port 127.0.0.1" "certfile $work/crt.pem" "keyfile $work/key.pem" "tls_version tlsv1.3" \
		"allow_anonymous true" "persistence false" "user $(id -un)" >"$work/mosquitto.conf"
	mosquitto -c "$work/mosquitto.conf" >"$work/mosquitto.log" 2>&1 &
	listening "$mosquitto_port"
}

once_mosaik() { mosaik-produce -m x bench; }
once_mosquitto() { mosquitto_pub -h 127.0.0.1 -p "$mosquitto_port" --cafile "$work/crt.pem" --insecure -t bench -m x; }
once_true() { /bin/true; }

single() {
	local names=(mosaik) name start
	rm -f "$work/ready" "$work"/*.us
	mkfifo "$work/ready"
	mosaik-consume --ready-fd 9 bench 9>"$work/ready" >/dev/null &
	ready_mosaik
	! serve_mosquitto || names+=(mosquitto)
	for _ in $(seq 51); do
		for name in "${names[@]}" true; do
			start=${EPOCHREALTIME/./}
			"once_$name" || { echo "  $name: exit status $?" >&2; continue; }
			echo $((${EPOCHREALTIME/./} - start)) >>"$work/$name.us"
		done
	done
	printf '\none record, whole process, median of 51\n'
	for name in "${names[@]}" true; do
		[ -s "$work/$name.us" ] && printf '  %-28s %8.2f ms\n' "${once_of[$name]}" "$(median <"$work/$name.us" | awk '{ print $1 / 1000 }')"
	done
	# shellcheck disable=SC2046  # one word a process
	kill $(jobs -p)
	wait 2>/dev/null
}
