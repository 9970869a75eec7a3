# SPDX-License-Identifier: Apache-2.0
# Shared by the lints: where the sources are, and how a finding is reported.
set -eu
top=${srcdir:-.}
cd "$top"
found=0
complain() {
	echo "$*"
	found=1
}
sources() {
	find src include -name '*.[ch]' | LC_ALL=C sort
}
finish() {
	[ "$found" = 0 ] || exit 1
	echo "$(basename "$0"): no findings"
}
