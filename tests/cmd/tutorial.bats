#!/usr/bin/env bats
# mosaik-tutorial(7): its commands are taken off the page and run, and print what the page says they print.
load helper

setup() { setup_network; }

# Literal displays of the page: commands to one file, outputs (those that say so) to another.
take_apart() {
	awk '
		/^\.Bd -literal/ { inside = 1; text = ""; output = 0; next }
		inside && /^\.\\" output/ { output = 1; next }
		/^\.Ed/ { if (inside && !drawing) printf "%s", text >(output ? "outputs" : "commands"); inside = drawing = 0; next }
		inside { if ($0 ~ /^trader alice/) drawing = 1; gsub(/\\e/, "\\"); text = text $0 "\n" }' "$BATS_TEST_DIRNAME/../../man/mosaik-tutorial.7"
}

@test "the commands of the tutorial print what it says" {
	take_apart
	grep -q 'mosaik-group query book top' commands
	{
		sed '/^kill .matching/,$d' commands
		echo 'until [ -s seen ]; do read -r -t 0.05 <> <(:); done'
		sed -n '/^kill .matching/,$p' commands
	} >session
	run -0 --separate-stderr timeout "$(scaled 50)" setsid bash ./session 3>&-
	diff <(printf '%s\n' "$output") outputs
	[ "$(head -n 1 seen)" = "bid=4 ask=1 price=300000 qty=10" ]
}
