#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every external function of module M begins with the name of its module or of a type of that module's contract.
build=${builddir:-.}
build=$(cd "$build" && pwd)
. "$(dirname "$0")/lib.sh"

for m in crypto net scim dir store policy map event gw sync http; do
	lib=$build/libdirhinge-$m.a
	types=$(sed -n 's,^struct \([a-z_]*\)\( {\|;\)$,\1,p' include/dirhinge/"$m"/*.h 2>/dev/null | sort -u | tr '\n' '|')
	out=$(nm --defined-only "$lib" 2>/dev/null | awk -v names="^(${types}$m)_" '$2 == "T" && $3 !~ names && $3 !~ /^(__|_GLOBAL|asan|_sub_)/ { print $3 }')
	[ -z "$out" ] || complain "libdirhinge-$m.a: names without the prefix ${m}_: $out"
done
finish
