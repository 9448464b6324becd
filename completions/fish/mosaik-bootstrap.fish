# fish completion for mosaik-bootstrap; tests/lint/options holds it against the program.

complete -c mosaik-bootstrap -f
complete -c mosaik-bootstrap -s h -l help -d 'print a short help'
complete -c mosaik-bootstrap -s V -l version -d 'print the version'
complete -c mosaik-bootstrap -s n -l network -x -d 'network name, or 64 hex digits'
complete -c mosaik-bootstrap -s p -l peer -x -d 'peer to dial: [PEERID@]HOST:PORT'
complete -c mosaik-bootstrap -s b -l bind -x -d 'UDP address to use'
complete -c mosaik-bootstrap -l no-local -d 'no same-host rendezvous'
complete -c mosaik-bootstrap -s v -l verbose -d 'more on stderr'
complete -c mosaik-bootstrap -s q -l quiet -d 'errors only on stderr'
complete -c mosaik-bootstrap -s i -l identity -r -F -d 'secret key file'
complete -c mosaik-bootstrap -s t -l tag -x -d 'tag to advertise'
complete -c mosaik-bootstrap -l ready-fd -x -d 'write a newline there when ready'
complete -c mosaik-bootstrap -l stats -d 'statistics on stderr'
complete -c mosaik-bootstrap -s s -l seed -x -d 'key from 64 hex digits or a text'
complete -c mosaik-bootstrap -l advertise -x -d 'address that others should dial'
complete -c mosaik-bootstrap -l write-addr -r -F -d 'also write the address token there'
complete -c mosaik-bootstrap -l purge-after -x -d 'forget who was silent for so long'
