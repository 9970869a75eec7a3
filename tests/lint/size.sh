#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A header has at most 150 lines, a source 600, a function 60; a file head that says "Size:" gives a reason.
. "$(dirname "$0")/lib.sh"

for f in $(sources); do
	head -n 12 "$f" | grep -q 'Size:' && continue
	limit=600
	case $f in *.h) limit=150 ;; esac
	n=$(wc -l <"$f")
	[ "$n" -le "$limit" ] || complain "$f: $n lines, the limit is $limit"
	case $f in *.c)
		out=$(awk -v f="$f" '/^[{]/ { start = NR } /^[}]/ { if (start && NR - start - 1 > 60)
			print f ":" start ": function of " NR - start - 1 " lines, the limit is 60"; start = 0 }' "$f")
		[ -z "$out" ] || complain "$out"
		;;
	esac
done
finish
