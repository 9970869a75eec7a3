#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints C that holds files as constants: embed.sh FUNCTION HEADER FILE...
# FUNCTION(name, &view) looks a file up by its path as given behind the last "schema/" or "demo/" part.
set -eu
fn=$1
header=$2
shift 2
echo "/* Made by contrib/build-aux/embed.sh; do not edit. */"
echo "#include \"$header\""
i=0
for f; do
	printf 'static const unsigned char file%d[] = {' "$i"
	od -An -v -tu1 "$f" | sed 's/  *\([0-9][0-9]*\)/\1,/g'
	echo '0};'
	i=$((i + 1))
done
echo "static const struct { const char *name; const unsigned char *p; size_t n; } files[] = {"
i=0
for f; do
	name=$(printf '%s' "$f" | sed 's,.*/\(schema\|demo\)/,\1/,')
	printf '\t{"%s", file%d, sizeof(file%d) - 1},\n' "$name" "$i" "$i"
	i=$((i + 1))
done
cat <<END
};
bool
$fn(const char *name, struct strv *text_r)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strcmp(files[i].name, name) == 0) {
			*text_r = (struct strv){(const char *)files[i].p, files[i].n};
			return true;
		}
	return false;
}
END
