#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each header compiles on its own, so that an include never depends on another one before it.
. "$(dirname "$0")/lib.sh"

for h in $(find include src -name '*.h' | LC_ALL=C sort); do
	# shellcheck disable=SC2086
	${CC:-cc} -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -Iinclude -Isrc ${LINT_CFLAGS:-} -include "$h" -x c /dev/null ||
		complain "$h does not compile on its own"
done
finish
