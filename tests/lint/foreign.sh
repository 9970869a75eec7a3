#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A foreign library is known to one module (or file) only: header, then where it may be included.
. "$(dirname "$0")/lib.sh"

while read -r header where; do
	sources | xargs grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*<$header>" /dev/null |
		grep -vE "^($where)" >"${TMPDIR:-/tmp}/foreign.$$" || true
	while read -r hit; do
		complain "$hit is known only to: $where"
	done <"${TMPDIR:-/tmp}/foreign.$$"
	rm -f "${TMPDIR:-/tmp}/foreign.$$"
done <<'END'
(ldap|lber|ldap_schema|ldap_features)\.h src/dir/
microhttpd\.h src/http/server
gnutls/[^>]* src/http/tls\.c
openssl/[^>]* src/crypto/
pthread\.h (src|include/dirhinge)/base/
yaml\.h src/base/yaml\.c
uni(norm|str|ctype|case|types)\.h src/base/unicode\.c
curl/[^>]* src/net/
sqlite3\.h src/store/
libpq-fe\.h src/store/
END
finish
