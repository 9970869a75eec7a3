#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A private slapd (cn=config, dirhinge.ldif loaded) for the tests of src/map.
#   map_slapd.sh check              exit 0 if slapd is there, else 77
#   map_slapd.sh run DIR SCHEMA     makes DIR's databases and becomes slapd on DIR/ldapi (same process id)
#   map_slapd.sh schema DIR SCHEMA  loads SCHEMA/dirhinge.schema and .ldif in every way a server knows, compares
set -eu
PATH=$PATH:/usr/sbin:/usr/local/sbin:/usr/libexec:/usr/lib/openldap
umask 077

check()
{
	command -v slapd >/dev/null && command -v slapadd >/dev/null || {
		echo "slapd is not installed" >&2
		exit 77
	}
}

module_dir()
{
	for d in /usr/lib/ldap /usr/lib64/openldap /usr/libexec/openldap /usr/lib/openldap; do
		ls "$d"/dynlist* >/dev/null 2>&1 && echo "$d" && return
	done
	echo "no slapd modules found" >&2
	exit 77
}

schema_dir()
{
	for d in /etc/ldap/schema /etc/openldap/schema; do
		[ -f "$d/core.ldif" ] && echo "$d" && return
	done
	echo "no slapd schema files found" >&2
	exit 77
}

# config DIR: cn=config up to the schema
config()
{
	cat <<-LDIF
		dn: cn=config
		objectClass: olcGlobal
		cn: config
		olcThreads: 4
		olcLogLevel: none
		olcAuthzRegexp: {0}"gidNumber=.*cn=peercred,cn=external,cn=auth" "cn=gateway,dc=example,dc=com"

		dn: cn=module{0},cn=config
		objectClass: olcModuleList
		cn: module{0}
		olcModulePath: $m
	LDIF
	[ -f "$m/back_mdb.so" ] && echo "olcModuleLoad: back_mdb"
	cat <<-LDIF
		olcModuleLoad: ppolicy
		olcModuleLoad: dynlist

		dn: cn=schema,cn=config
		objectClass: olcSchemaConfig
		cn: schema

		include: file://$s/core.ldif
		include: file://$s/cosine.ldif
		include: file://$s/inetorgperson.ldif
		include: file://$s/nis.ldif
		include: file://$s/dyngroup.ldif
	LDIF
}

databases()
{
	cat <<-LDIF

		dn: olcDatabase={0}config,cn=config
		objectClass: olcDatabaseConfig
		olcDatabase: {0}config
		olcAccess: {0}to * by dn.exact=cn=gateway,dc=example,dc=com manage by * none

		dn: olcDatabase={1}mdb,cn=config
		objectClass: olcDatabaseConfig
		objectClass: olcMdbConfig
		olcDatabase: {1}mdb
		olcSuffix: dc=example,dc=com
		olcDbDirectory: $1/db
		olcDbMaxSize: 67108864
		olcDbEnvFlags: writemap
		olcDbEnvFlags: nosync
		olcRootDN: cn=admin,dc=example,dc=com
		olcDbIndex: objectClass,entryUUID,uid,member,dirhingeExternalId eq
		olcLimits: {0}dn.exact=cn=gateway,dc=example,dc=com size=unlimited time=unlimited
		olcAccess: {0}to attrs=userPassword by dn.exact=cn=gateway,dc=example,dc=com write by anonymous auth
		olcAccess: {1}to * by dn.exact=cn=gateway,dc=example,dc=com write by users read

		dn: olcOverlay={0}ppolicy,olcDatabase={1}mdb,cn=config
		objectClass: olcOverlayConfig
		objectClass: olcPPolicyConfig
		olcOverlay: {0}ppolicy
		olcPPolicyDefault: cn=policy,dc=example,dc=com

		dn: olcOverlay={1}dynlist,olcDatabase={1}mdb,cn=config
		objectClass: olcOverlayConfig
		objectClass: olcDynListConfig
		olcOverlay: {1}dynlist
		olcDynListAttrSet: {0}groupOfURLs memberURL member+memberOf@groupOfNames
	LDIF
}

base()
{
	cat <<-LDIF
		dn: dc=example,dc=com
		objectClass: dcObject
		objectClass: organization
		dc: example
		o: Example

		dn: ou=people,dc=example,dc=com
		objectClass: organizationalUnit
		ou: people

		dn: ou=groups,dc=example,dc=com
		objectClass: organizationalUnit
		ou: groups

		dn: cn=gateway,dc=example,dc=com
		objectClass: organizationalRole
		cn: gateway

		dn: cn=policy,dc=example,dc=com
		objectClass: organizationalRole
		objectClass: pwdPolicy
		cn: policy
		pwdAttribute: userPassword
		pwdLockout: TRUE
		pwdMaxFailure: 5
		pwdMinLength: 6
		pwdCheckQuality: 2
	LDIF
}

run()
{
	dir=$1
	mkdir -p "$dir/db" "$dir/slapd.d"
	{
		config
		echo "include: file://$(cd "$2" && pwd)/dirhinge.ldif"
		databases "$dir"
	} > "$dir/init.ldif"
	slapadd -n 0 -F "$dir/slapd.d" -l "$dir/init.ldif"
	base | slapadd -q -F "$dir/slapd.d" -b dc=example,dc=com
	exec slapd -F "$dir/slapd.d" -h "ldapi://$(printf %s "$dir/ldapi" | sed 's,/,%2F,g')" -d 0
}

# What slapd makes of the definitions, one a line.
definitions()
{
	cat "$1"/cn=config/cn=schema/cn=\{*\}dirhinge.ldif |
		sed -e ':a' -e 'N' -e '$!ba' -e 's/\n //g' |
		sed -n 's/^olc\(AttributeTypes\|ObjectClasses\): {[0-9]*}/\1 /p' |
		sed -e 's/  */ /g' -e 's/( \([A-Za-z0-9]*\) )/\1/g'
}

schema()
{
	dir=$1
	src=$(cd "$2" && pwd)
	mkdir -p "$dir/conf.d" "$dir/ldif.d" "$dir/add.d"
	for f in core cosine inetorgperson nis; do
		echo "include $s/$f.schema"
	done > "$dir/slapd.conf"
	echo "include $src/dirhinge.schema" >> "$dir/slapd.conf"
	slaptest -f "$dir/slapd.conf" -F "$dir/conf.d" >/dev/null
	{
		config
		echo "include: file://$src/dirhinge.ldif"
	} | slapadd -n 0 -F "$dir/ldif.d"
	{
		config
		printf '\ndn: olcDatabase={0}config,cn=config\nobjectClass: olcDatabaseConfig\nolcDatabase: {0}config\n'
		echo 'olcAccess: {0}to * by dn.exact=cn=gateway,dc=example,dc=com manage by * none'
	} | slapadd -n 0 -F "$dir/add.d"
	definitions "$dir/conf.d" > "$dir/conf"
	definitions "$dir/ldif.d" > "$dir/ldif"
	slapd -F "$dir/add.d" -h "ldapi://$(printf %s "$dir/ldapi" | sed 's,/,%2F,g')" -d 0 &
	pid=$!
	trap 'kill $pid 2>/dev/null || :' EXIT
	if command -v ldapadd >/dev/null; then
		# -o nettimeout would not help: the socket is not there yet; every failing attempt costs a process
		n=0
		until ldapadd -Q -Y EXTERNAL -H "ldapi://$(printf %s "$dir/ldapi" | sed 's,/,%2F,g')" \
			-f "$src/dirhinge.ldif" >/dev/null 2>"$dir/add.err"; do
			n=$((n + 1))
			[ "$n" -lt 2000 ] && grep -q "Can't contact" "$dir/add.err" || {
				cat "$dir/add.err" >&2
				exit 1
			}
		done
		definitions "$dir/add.d" > "$dir/add"
		cmp "$dir/ldif" "$dir/add"
	fi
	[ -s "$dir/conf" ] && cmp "$dir/conf" "$dir/ldif"
	grep -c . "$dir/conf"
}

check
s=$(schema_dir)
m=$(module_dir)
case ${1-} in
check) ;;
run) run "$2" "$3" ;;
schema) schema "$2" "$3" ;;
*)
	sed -n '3,7s/^# //p' "$0" >&2
	exit 2
	;;
esac
