# fish completion for mosaik-consume; tests/lint/options holds it against the program.

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

complete -c mosaik-consume -f
complete -c mosaik-consume -s h -l help -d 'print a short help'
complete -c mosaik-consume -s V -l version -d 'print the version'
complete -c mosaik-consume -s n -l network -x -d 'network name, or 64 hex digits'
complete -c mosaik-consume -s p -l peer -x -d 'peer to dial: [PEERID@]HOST:PORT'
complete -c mosaik-consume -s b -l bind -x -d 'UDP address to use'
complete -c mosaik-consume -l no-local -d 'no same-host rendezvous'
complete -c mosaik-consume -l no-names -d 'publish ids, not names'
complete -c mosaik-consume -s v -l verbose -d 'more on stderr'
complete -c mosaik-consume -s q -l quiet -d 'errors only on stderr'
complete -c mosaik-consume -s i -l identity -r -F -d 'secret key file'
complete -c mosaik-consume -s t -l tag -x -d 'tag to advertise'
complete -c mosaik-consume -l ready-fd -x -d 'write a newline there when ready'
complete -c mosaik-consume -l stats -d 'statistics on stderr'
complete -c mosaik-consume -s W -l timeout -x -d 'deadline of the whole operation'
complete -c mosaik-consume -s w -l wait -x -d 'wait this long for preconditions'
complete -c mosaik-consume -s F -l framing -x -a 'lines null u32 raw whole json cbor' -d 'how records are separated'
complete -c mosaik-consume -s 0 -l null -d 'same as -F null'
complete -c mosaik-consume -s j -l json -d 'same as -F json'
complete -c mosaik-consume -l max-record -x -d 'refuse larger records'
complete -c mosaik-consume -s c -l count -x -d 'exit after so many records'
complete -c mosaik-consume -s e -l end -d 'exit when every producer seen has ended'
complete -c mosaik-consume -l idle -x -d 'exit after so long without a record'
complete -c mosaik-consume -l for -x -d 'exit after so long'
complete -c mosaik-consume -l min-producers -x -d '-e: wait for the end of at least so many'
complete -c mosaik-consume -l producer -x -d 'only of this producer'
complete -c mosaik-consume -l producer-tag -x -a '(__mosaik_names tags)' -d 'only of producers that have it'
complete -c mosaik-consume -l max-rtt -x -d 'only of producers that are not farther away'
complete -c mosaik-consume -l prefix -x -d 'only records that begin with it'
complete -c mosaik-consume -l where -x -d 'only JSON records in which FIELD is VALUE'
complete -c mosaik-consume -s P -l parallel -x -d 'so many commands at a time'
complete -c mosaik-consume -l strict -d 'a record missed is fatal'
complete -c mosaik-consume -a '(__mosaik_names streams)' -d stream
complete -c mosaik-consume -l ticket -r -F -d 'present this ticket'
complete -c mosaik-consume -l require-ticket -r -F -d 'only of producers with a ticket of this issuer'
