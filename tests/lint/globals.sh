#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The libraries hold no writable state but the log's (base/log.h).
build=${builddir:-.}
build=$(cd "$build" && pwd)
. "$(dirname "$0")/lib.sh"

for lib in "$build"/libdirhinge-*.a; do
	out=$(objdump -t "$lib" 2>/dev/null | awk '
		/file format/ { member = $1 }
		($0 ~ / (\.bss|\.data|\.tbss|\.tdata)[^.a-z]/ || / \*COM\*/) && $NF !~ /^(\.|__|_ZTS|asan)/ {
			if ($0 ~ / O /) print member " " $NF
		}' | grep -vE '^log\.o|-log\.o|__gcov|^[^ ]* (__profc|__profd|__prof|__sancov|__start_|__stop_|counters)' || true)
	[ -z "$out" ] || complain "$(basename "$lib"): writable state: $out"
done
finish
