# SPDX-License-Identifier: Apache-2.0
# For the scripts in contrib: steps with a progress line, their output in a log that is shown when they fail.
# The caller sets logs (a directory).

started=$SECONDS

say() {
	printf '\n==> %s (%ds)\n' "$1" $((SECONDS - started))
}

# step NAME TITLE COMMAND...
step() {
	local name=$1 title=$2 log=$logs/$1.log
	shift 2
	say "$title"
	mkdir -p "$logs"
	if ! "$@" >"$log" 2>&1; then
		tail -n 40 "$log" | sed 's/^/    /'
		printf '\n==> FAILED: %s; the whole log is %s\n' "$title" "$log"
		exit 1
	fi
}

# suite NAME TITLE PATTERN COMMAND...: the same with lines that match shown as they come; $details names a file to show
# instead of the log when it fails. What follows runs all the same, for one broken test should not hide others: end with passed.
suite() {
	local name=$1 title=$2 pattern=$3 log=$logs/$1.log
	shift 3
	say "$title"
	mkdir -p "$logs"
	if ! { "$@" 2>&1 | tee "$log" | { grep --line-buffered -E "$pattern" || true; }; }; then
		[ -f "${details:-}" ] || local details=$log
		tail -n 100 "$details" | sed 's/^/    /'
		failed+=("$title; the whole log is $log")
	fi
}
failed=()

# passed WHAT: says so and returns 0, or names the suites that failed and returns 1
passed() {
	if [ ${#failed[@]} -gt 0 ]; then
		printf '\n==> FAILED: %s' "${failed[@]}"
		printf '\n'
		return 1
	fi
	say "Passed: $1"
}
