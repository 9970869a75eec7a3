#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No printf conversion goes into an LDAP filter or a DN: both are built from typed nodes in dir (T-01, T-02).
. "$(dirname "$0")/lib.sh"

# "(attr=%s", "(&(%s", "=%s,ou=", "%s,dc=", "uid=%s"; texts for people may say "attr %s"
hits=$(sources | xargs grep -nE '"[^"]*\([&|!]?\(?[A-Za-z;.0-9-]*(=|>=|<=|:=)[^"]*%[-.*0-9a-z]*s|"[^"]*%[-.*0-9]*s=[^" ]*%|"[^"]*%[-.*0-9]*s,(%[-.*0-9]*s|[a-z]+=)|"[^"]*(uid|cn|ou|dc|mail)=%[-.*0-9]*s' |
	grep -vE 'paste: ok|^src/dir/(dn|filter)\.c:' || true)
[ -z "$hits" ] || complain "$hits
  build it with dir/filter.h or dir/dn.h (a text for people carries the comment: paste: ok)"
finish
