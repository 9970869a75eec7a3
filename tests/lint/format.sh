#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sources are formatted as .clang-format says: make format mends them. Skips (77) without clang-format 14, because other
# versions break lines differently.
. "$(dirname "$0")/lib.sh"

tool=${CLANG_FORMAT:-clang-format}
case $("$tool" --version 2>/dev/null) in
*"version 14."*) ;;
*)
	echo "SKIP: clang-format 14 is not installed"
	exit 77
	;;
esac
if ! out=$({ sources; find tests -name '*.[ch]'; } | xargs "$tool" --dry-run -Werror 2>&1); then
	complain "not formatted; make format:
$(printf '%s\n' "$out" | grep ': error: ' | cut -d: -f1 | LC_ALL=C sort -u)"
fi
finish
