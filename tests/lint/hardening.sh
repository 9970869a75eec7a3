#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The linked daemon carries what configure's hardening flags promise (reliability.md T-75): position independent, relocations
# read-only before main, no executable stack, stack canaries, fortified libc calls. Skips (77) where it was switched off.
set -eu
bin=${builddir:-.}/dirhinge

skip() {
	echo "SKIP: $*"
	exit 77
}
[ "${HARDENING:-}" = yes ] || skip "configured with --disable-hardening"
[ "${SANITIZERS:-}" = no ] || skip "configured with --enable-sanitizers, which has no _FORTIFY_SOURCE"
command -v readelf >/dev/null || skip "readelf (binutils) is not installed"

header=$(readelf -hW "$bin")
dynamic=$(readelf -dW "$bin")
segments=$(readelf -lW "$bin")
imports=$(readelf --dyn-syms -W "$bin")
bad=0
wants() { # WHAT TEXT PATTERN
	if ! printf '%s\n' "$2" | grep -qE "$3"; then
		echo "$bin: $1 is missing"
		bad=1
	fi
}
wants 'position independence (-fPIE -pie)' "$header" 'Type:[[:space:]]+DYN'
wants 'full RELRO (-z relro)' "$segments" '^[[:space:]]*GNU_RELRO[[:space:]]'
wants 'immediate binding (-z now)' "$dynamic" 'BIND_NOW|FLAGS_1.*NOW'
wants 'a stack that cannot be executed (-z noexecstack)' "$segments" '^[[:space:]]*GNU_STACK[[:space:]].*[[:space:]]RW[[:space:]]'
wants 'the stack protector' "$imports" ' __stack_chk_fail(@|$)'
case $FORTIFY in
[23]) wants "_FORTIFY_SOURCE=$FORTIFY" "$imports" ' __(v?(f|s|sn)?printf|mem(cpy|move|set)|read|recv)_chk(@|$)' ;;
*) echo "no _FORTIFY_SOURCE: not with this compiler and CFLAGS" ;;
esac
for word in RPATH RUNPATH TEXTREL; do
	if printf '%s\n' "$dynamic" | grep -q "($word)"; then
		echo "$bin: has $word"
		bad=1
	fi
done
[ "$bad" = 0 ] || exit 1
echo "hardening.sh: no findings"
