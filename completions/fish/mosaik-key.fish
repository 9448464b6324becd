# fish completion for mosaik-key; tests/lint/options holds it against the program.

complete -c mosaik-key -f
complete -c mosaik-key -s h -l help -d 'print a short help'
complete -c mosaik-key -s V -l version -d 'print the version'
complete -c mosaik-key -n 'not __fish_seen_subcommand_from gen pub ticket' -a gen -d 'a new key'
complete -c mosaik-key -n 'not __fish_seen_subcommand_from gen pub ticket' -a pub -d 'the peer id of a key'
complete -c mosaik-key -n '__fish_seen_subcommand_from gen pub ticket' -F
complete -c mosaik-key -n 'not __fish_seen_subcommand_from gen pub ticket' -a ticket -d 'a ticket for a peer'
complete -c mosaik-key -l expires -x -d 'how long a ticket is good'
complete -c mosaik-key -l iss -x -d 'who issues it'
complete -c mosaik-key -l aud -x -d 'what it is for'
