#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Calls we do not use, and what to write instead. Comments and strings are not looked at.
. "$(dirname "$0")/lib.sh"

strip() { # FILE:LINE:code without comments and string contents
	awk 'FNR == 1 { inside = 0 }
	{
		line = $0; out = ""
		while (length(line)) {
			if (inside) {
				i = index(line, "*/")
				if (!i) { line = ""; break }
				line = substr(line, i + 2); inside = 0; continue
			}
			i = match(line, /["\047]|\/\*|\/\//)
			if (!i) { out = out line; break }
			out = out substr(line, 1, i - 1)
			c = substr(line, i, 2)
			if (c == "//") break
			if (c == "/*") { inside = 1; line = substr(line, i + 2); continue }
			q = substr(c, 1, 1); line = substr(line, i + 1)
			while (length(line)) {
				d = substr(line, 1, 1)
				if (d == "\\") { line = substr(line, 3); continue }
				line = substr(line, 2)
				if (d == q) break
			}
			out = out q q
		}
		if (out != "") print FILENAME ":" FNR ":" out
	}' "$@"
}

check() { # pattern, advice, allowed files
	grep -E "^[^:]*:[0-9]+:(|.*[^A-Za-z0-9_.>])($1)[[:space:]]*\(" "$tmp/code" | grep -vE "^($3):" | cut -d: -f1,2 |
		while read -r place; do echo "$place: $1: $2"; done || true
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
strip $(sources) >"$tmp/code"
[ -s "$tmp/code" ] || complain "no sources were read"
{
	check 'strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets' 'use struct buf or arena_printf' 'none'
	check 'strtok|strtok_r' 'use struct strv' 'none'
	check 'atoi|atol|atoll' 'use strtoll with a check' 'none'
	check 'alloca|system|popen' 'not in a daemon' 'none'
	check 'malloc|calloc|realloc|strdup|strndup|asprintf' 'use an arena' 'src/base/.*'
	check 'free' 'use an arena or x_free' 'src/base/.*'
	check 'time|gettimeofday|clock_gettime|localtime|gmtime|mktime' 'use base/clock.h and base/codec.h' 'src/base/(clock|timecodec)\.c'
	check 'sleep|usleep|nanosleep' 'wait on a condition with a deadline' 'none'
	check 'setlocale|uselocale' 'jansson formats numbers by locale' 'none'
	check 'json_loads|json_loadb|json_load_file|json_loadf' 'use json_parse, which has limits' 'src/base/json\.c'
	check 'ldap_sync_[a-z_]*' 'loses entries and cookies (directories.md 2.1)' 'none'
	check 'ldap_search_s|ldap_search_ext_s|ldap_modify_ext_s|ldap_add_ext_s|ldap_delete_ext_s|ldap_simple_bind_s' 'blocks without a deadline' 'none'
} >"$tmp/out"
[ ! -s "$tmp/out" ] || complain "$(cat "$tmp/out")"
! sources | xargs grep -n 'LDAP_RES_ANY' || complain "LDAP_RES_ANY steals another operation's answer"
finish
