# fish completion for mosaik; tests/lint/options holds it against the program.

complete -c mosaik -f
complete -c mosaik -n __fish_use_subcommand -s h -l help -d 'print a short help'
complete -c mosaik -n __fish_use_subcommand -s V -l version -d 'print the version'
complete -c mosaik -n __fish_use_subcommand -a bootstrap -d 'a stable node that others dial first'
complete -c mosaik -n __fish_use_subcommand -a produce -d 'stdin becomes a stream'
complete -c mosaik -n __fish_use_subcommand -a consume -d 'streams come out on stdout'
complete -c mosaik -n __fish_use_subcommand -a group -d 'a replicated log, a leader, a lock'
complete -c mosaik -n __fish_use_subcommand -a 'map vec set cell once pqueue' -d 'replicated collections'
complete -c mosaik -n __fish_use_subcommand -a catalog -d 'who is there, and what they offer'
complete -c mosaik -n __fish_use_subcommand -a key -d 'secret keys and peer ids'
complete -c mosaik -n __fish_use_subcommand -a help -d 'what a command does'
complete -c mosaik -n '__fish_seen_subcommand_from help' -a 'bootstrap produce consume group map vec set cell once pqueue catalog key'

# mosaik produce ... completes as mosaik-produce ... does.
function __mosaik_delegate
	set -l words (commandline -opc)
	complete -C "mosaik-"(string join ' ' -- (string escape -- $words[2..-1]) (commandline -ct))
end
complete -c mosaik -n 'not __fish_use_subcommand; and not __fish_seen_subcommand_from help' -a '(__mosaik_delegate)'
