# fish completion for mosaik-catalog; tests/lint/options holds it against the program.

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

complete -c mosaik-catalog -f
complete -c mosaik-catalog -s h -l help -d 'print a short help'
complete -c mosaik-catalog -s V -l version -d 'print the version'
complete -c mosaik-catalog -s n -l network -x -d 'network name, or 64 hex digits'
complete -c mosaik-catalog -s p -l peer -x -d 'peer to dial: [PEERID@]HOST:PORT'
complete -c mosaik-catalog -s b -l bind -x -d 'UDP address to use'
complete -c mosaik-catalog -l no-local -d 'no same-host rendezvous'
complete -c mosaik-catalog -l no-names -d 'publish ids, not names'
complete -c mosaik-catalog -s v -l verbose -d 'more on stderr'
complete -c mosaik-catalog -s q -l quiet -d 'errors only on stderr'
complete -c mosaik-catalog -s i -l identity -r -F -d 'secret key file'
complete -c mosaik-catalog -s W -l timeout -x -d 'deadline of the whole operation'
complete -c mosaik-catalog -s w -l wait -x -d 'wait this long for preconditions'
complete -c mosaik-catalog -s j -l json -d 'one JSON object a line'
complete -c mosaik-catalog -s o -l columns -x -a 'id addr tags streams groups rtt_ms age_s name peers network addrs event peer count min_ms avg_ms max_ms from to level what detail' -d 'columns to print, separated by commas'
complete -c mosaik-catalog -s t -l tag -x -a '(__mosaik_names tags)' -d 'peers: only those with this tag; announce: have it'
complete -c mosaik-catalog -l stream -x -a '(__mosaik_names streams)' -d 'peers: only producers of this stream'
complete -c mosaik-catalog -l group -x -a '(__mosaik_names groups)' -d 'peers: only members of this group'
complete -c mosaik-catalog -l peers -x -d 'wait: so many peers'
complete -c mosaik-catalog -s c -l count -x -d 'ping: so many round trips'
complete -c mosaik-catalog -l initial -d 'watch: also those that are there already'
complete -c mosaik-catalog -l dot -d 'graph: for Graphviz'
complete -c mosaik-catalog -l stats -d 'statistics on stderr'
complete -c mosaik-catalog -l ready-fd -x -d 'write a newline there when ready'

set -l subcommands peers tags streams groups me id watch wait ping explain graph doctor announce
complete -c mosaik-catalog -n "not __fish_seen_subcommand_from $subcommands" -a peers -d 'every peer'
complete -c mosaik-catalog -n "not __fish_seen_subcommand_from $subcommands" -a tags -d 'every tag'
complete -c mosaik-catalog -n "not __fish_seen_subcommand_from $subcommands" -a streams -d 'every stream'
complete -c mosaik-catalog -n "not __fish_seen_subcommand_from $subcommands" -a groups -d 'every group'
complete -c mosaik-catalog -n "not __fish_seen_subcommand_from $subcommands" -a me -d 'what this command would be'
complete -c mosaik-catalog -n "not __fish_seen_subcommand_from $subcommands" -a id -d 'the id that a name stands for'
complete -c mosaik-catalog -n "not __fish_seen_subcommand_from $subcommands" -a watch -d 'who comes, changes, goes'
complete -c mosaik-catalog -n "not __fish_seen_subcommand_from $subcommands" -a wait -d 'until so many are there'
complete -c mosaik-catalog -n "not __fish_seen_subcommand_from $subcommands" -a ping -d 'round trips to a peer'
complete -c mosaik-catalog -n "not __fish_seen_subcommand_from $subcommands" -a explain -d 'who has a stream, tag or group'
complete -c mosaik-catalog -n "not __fish_seen_subcommand_from $subcommands" -a graph -d 'who is connected to whom'
complete -c mosaik-catalog -n "not __fish_seen_subcommand_from $subcommands" -a doctor -d 'what is wrong'
complete -c mosaik-catalog -n "not __fish_seen_subcommand_from $subcommands" -a announce -d 'join with a tag while a command runs'
complete -c mosaik-catalog -n '__fish_seen_subcommand_from id' -a 'network tag stream' -d kind
complete -c mosaik-catalog -n '__fish_seen_subcommand_from explain' -a 'stream tag group' -d kind
complete -c mosaik-catalog -l ticket -r -F -d 'present this ticket'
