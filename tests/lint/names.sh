#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every external function of module M begins with the name of its module or of a type of that module's contract.
build=${builddir:-.}
build=$(cd "$build" && pwd)
. "$(dirname "$0")/lib.sh"

for m in crypto scim dir policy map gw http; do
	lib=$build/libdirhinge-$m.a
	out=$(nm --defined-only "$lib" 2>/dev/null | awk -v m="$m" '$2 == "T" && $3 !~ ("^" m "_") && $3 !~ /^(__|_GLOBAL|asan|_sub_)/ { print $3 }')
	[ -z "$out" ] || complain "libdirhinge-$m.a: names without the prefix ${m}_: $out"
done
finish
