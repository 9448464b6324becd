# check.awk - reads what a consumer of the churn wrote: "SLOT LIFE NUMBER CHECK." a line.
#
# Wrong is a line of another form, one whose check does not fit, and a number that is not above the last one of its
# producer. A line that was cut is right if it is the last: its reader was killed. Numbers that are left out are holes, and
# told at the end for somebody to compare with what the consumer reported. `seen`: a file for each producer once.

function wrong(why) {
	print "WRONG " why ": " $0
	bad++
}

cut { print "WRONG line in the middle: " cut; bad++; cut = "" }

!/^[0-9]+ [0-9]+ [0-9]+ [0-9]+\.$/ { cut = $0 " "; next }

{
	producer = $1 " " $2
	if ($4 + 0 != ($1 * 131 + $2 * 31 + $3 * 40503) % 65536)
		wrong("check")
	if (producer in last) {
		if ($3 + 0 <= last[producer])
			wrong("order")
		holes += $3 - last[producer] - 1
	} else {
		print producer >>seen
		fflush(seen)
	}
	last[producer] = $3 + 0
	lines++
}

END { print "END lines=" lines + 0 " holes=" holes + 0 " bad=" bad + 0 }
