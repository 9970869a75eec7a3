#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Refuses an include against the order in layers.txt, a private header of another module, and an include cycle
# between headers.
. "$(dirname "$0")/lib.sh"

sources >"${TMPDIR:-/tmp}/layers.$$"
trap 'rm -f "${TMPDIR:-/tmp}/layers.$$"' EXIT
out=$(awk -v list="${TMPDIR:-/tmp}/layers.$$" '
	BEGIN {
		while ((getline line < "tests/lint/layers.txt") > 0) {
			if (line ~ /^#/ || line !~ /:/) continue
			split(line, part, ":")
			known[part[1]] = 1
			n = split(part[2], names, " ")
			for (i = 1; i <= n; i++) may[part[1], names[i]] = 1
			may[part[1], part[1]] = 1
		}
		while ((getline file < list) > 0) check(file)
		for (h in header) walk(h, h, 0)
	}
	function module_of(path,   p) {
		split(path, p, "/")
		return p[1] == "include" ? p[3] : p[2]
	}
	function check(file,   mod, line, nr, inc, p, to) {
		mod = module_of(file)
		if (!(mod in known)) { print file ": module " mod " is not in tests/lint/layers.txt"; return }
		if (file ~ /\.h$/) header[file] = 1
		nr = 0
		while ((getline line < file) > 0) {
			nr++
			if (line !~ /^[ \t]*#[ \t]*include[ \t]*"/) continue
			inc = line; sub(/^[^"]*"/, "", inc); sub(/".*/, "", inc)
			if (inc ~ /^dirhinge\//) {
				split(inc, p, "/"); to = p[2]
				if (!((mod, to) in may)) print file ":" nr ": " mod " must not depend on " to
				edge[file] = edge[file] " include/" inc
			} else if (inc ~ /\//) {
				split(inc, p, "/"); to = p[1]
				if (to != mod) print file ":" nr ": " inc " is private to " to
				edge[file] = edge[file] " src/" inc
			}
		}
		close(file)
	}
	function walk(start, at, depth,   n, next_, i) {
		if (depth > 30) return
		n = split(edge[at], next_, " ")
		for (i = 1; i <= n; i++) {
			if (next_[i] == start) { print start ": include cycle through " at; return }
			if (next_[i] in header && !((start, next_[i]) in been)) {
				been[start, next_[i]] = 1
				walk(start, next_[i], depth + 1)
			}
		}
	}')
[ -z "$out" ] || complain "$out"
finish
