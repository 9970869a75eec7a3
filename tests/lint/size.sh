#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A header has at most 150 lines, a source 600, a function 60; a file head that says "Size:" gives a reason.
. "$(dirname "$0")/lib.sh"

out=$(sources | xargs awk '
function close_file() {
	if (n > limit && !excused) print file ": " n " lines, the limit is " limit
	if (!excused) printf "%s", long
}
FNR == 1 { close_file(); file = FILENAME; excused = 0; long = ""; start = 0; limit = file ~ /[.]h$/ ? 150 : 600 }
{ n = FNR }
FNR <= 12 && /Size:/ { excused = 1 }
/^[{]/ { start = FNR }
/^[}]/ {
	if (start && limit == 600 && FNR - start - 1 > 60)
		long = long file ":" start ": function of " FNR - start - 1 " lines, the limit is 60\n"
	start = 0
}
END { close_file() }')
[ -z "$out" ] || complain "$out"
finish
