# fish completion of the programs with many subcommands: what they print for --list-options, so that it cannot drift.
# One file for all of them: the name it is found under says which one is meant.

function __mosaik_listed # PROGRAM
	set -l words (commandline -opc)
	set -l listing ($argv[1] --list-options </dev/null 2>/dev/null)
	if string match -q -- '-*' (commandline -ct)
		string match -ra -- '--?[A-Za-z0-9][a-z0-9-]*' $listing
		return
	end
	set -l subcommands (string match -r -g '^subcommand (.*)' -- $listing)
	for word in $words
		contains -- $word $subcommands; and return
	end
	string join \n -- $subcommands
end

set -l program (status basename | string replace .fish '')
complete -c $program -f -a "(__mosaik_listed $program)"
