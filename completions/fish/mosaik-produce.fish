# fish completion for mosaik-produce; tests/lint/options holds it against the program.

# Streams, tags or groups of the network on the line, if somebody answers.
function __mosaik_names # streams|tags|groups
	set -l words (commandline -opc)
	set -l network $MOSAIK_NETWORK
	for i in (seq (count $words))
		if contains -- $words[$i] -n --network
			set network $words[(math $i + 1)]
		end
	end
	test -n "$network"; and mosaik-catalog -n $network -W 300ms -o name $argv[1] </dev/null 2>/dev/null
end

complete -c mosaik-produce -f
complete -c mosaik-produce -s h -l help -d 'print a short help'
complete -c mosaik-produce -s V -l version -d 'print the version'
complete -c mosaik-produce -s n -l network -x -d 'network name, or 64 hex digits'
complete -c mosaik-produce -s p -l peer -x -d 'peer to dial: [PEERID@]HOST:PORT'
complete -c mosaik-produce -s b -l bind -x -d 'UDP address to use'
complete -c mosaik-produce -l no-local -d 'no same-host rendezvous'
complete -c mosaik-produce -l no-names -d 'publish ids, not names'
complete -c mosaik-produce -s v -l verbose -d 'more on stderr'
complete -c mosaik-produce -s q -l quiet -d 'errors only on stderr'
complete -c mosaik-produce -s i -l identity -r -F -d 'secret key file'
complete -c mosaik-produce -s t -l tag -x -d 'tag to advertise'
complete -c mosaik-produce -l ready-fd -x -d 'write a newline there when ready'
complete -c mosaik-produce -l stats -d 'statistics on stderr'
complete -c mosaik-produce -s W -l timeout -x -d 'deadline of the whole operation'
complete -c mosaik-produce -s w -l wait -x -d 'wait this long for preconditions'
complete -c mosaik-produce -s F -l framing -x -a 'lines null u32 raw whole json cbor' -d 'how records are separated'
complete -c mosaik-produce -s 0 -l null -d 'same as -F null'
complete -c mosaik-produce -s j -l json -d 'same as -F json'
complete -c mosaik-produce -l max-record -x -d 'refuse larger records'
complete -c mosaik-produce -s m -l message -x -d 'one record, no stdin'
complete -c mosaik-produce -l min-consumers -x -d 'read stdin once so many are attached'
complete -c mosaik-produce -l max-consumers -x -d 'serve so many, others wait'
complete -c mosaik-produce -l max-waiting -x -d 'length of the line of those who wait'
complete -c mosaik-produce -l accept-tag -x -a '(__mosaik_names tags)' -d 'refuse consumers without it'
complete -c mosaik-produce -l consumer-tag -x -a '(__mosaik_names tags)' -d 'what those have that count for --min-consumers'
complete -c mosaik-produce -l max-rtt -x -d 'refuse consumers that are farther away'
complete -c mosaik-produce -l on-slow -x -a 'block disconnect drop' -d 'what a slow consumer means'
complete -c mosaik-produce -l buffer -x -d 'records kept for a slow consumer'
complete -c mosaik-produce -l rate -x -d 'so many records a second at most'
complete -c mosaik-produce -l tee -d 'copy stdin to stdout as well'
complete -c mosaik-produce -l undelivered -r -F -d 'append what no consumer was there for'
complete -c mosaik-produce -l max-stall -x -d 'drop a consumer that takes nothing so long'
complete -c mosaik-produce -l linger -x -d 'wait so long for the last acknowledgements'
complete -c mosaik-produce -a '(__mosaik_names streams)' -d stream
complete -c mosaik-produce -l ticket -r -F -d 'present this ticket'
complete -c mosaik-produce -l require-ticket -r -F -d 'refuse consumers without a ticket of this issuer'
