#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A private slapd for the tests of src/dir (slapd.conf, TLS, referrals) and src/map (cn=config, dirhinge.ldif loaded).
#   slapd.sh check dir|map      exit 0 if what these tests need is there, else 77
#   slapd.sh certs DIR          ca.pem, other-ca.pem; server certificates good, wrong-san, stranger; trust/
#   slapd.sh dir DIR CERT TRAP URI...
#       makes DIR's databases if they are new, prints the URIs and becomes slapd (foreground, same process id);
#       referrals point to ldap://127.0.0.1:TRAP
#   slapd.sh feed DIR SETTINGS URI...
#       the same with syncprov and server ids; SETTINGS is a list with commas: sid=N, sessionlog=N, log (accesslog),
#       logops=WORD+WORD, config (cn=config readable), denied (the account may see the bases only, not below),
#       narrow (nothing but the bases), limit (size limit 5), loglimit=N (size limit of the accesslog),
#       peer=N@URI (two providers), empty (no tree)
#   slapd.sh map DIR SCHEMA     makes DIR's databases and becomes slapd on DIR/ldapi (same process id)
#   slapd.sh schema DIR SCHEMA  loads SCHEMA/dirhinge.schema and .ldif in every way a server knows, compares
set -eu
PATH=$PATH:/usr/sbin:/usr/local/sbin:/usr/libexec:/usr/lib/openldap
umask 077

# needs PROGRAM...
needs()
{
	for p in "$@"; do
		command -v "$p" >/dev/null || {
			echo "$p is not installed" >&2
			exit 77
		}
	done
}

# find_modules OVERLAY: sets m to where the modules of this system are
find_modules()
{
	for m in /usr/lib/ldap /usr/lib64/openldap /usr/libexec/openldap /usr/lib/openldap; do
		ls "$m/$1"* >/dev/null 2>&1 && return
	done
	echo "no slapd modules found" >&2
	exit 77
}

# find_schema FORM: sets s to where the schema files of this system are
find_schema()
{
	for s in /etc/ldap/schema /etc/openldap/schema; do
		[ -f "$s/core.$1" ] && return
	done
	echo "no slapd schema files found" >&2
	exit 77
}

# tree SETTING...: the entries that every test has; the settings are those of the password policy
tree()
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
		objectClass: simpleSecurityObject
		cn: gateway
		userPassword: gwsecret

		dn: cn=policy,dc=example,dc=com
		objectClass: organizationalRole
		objectClass: pwdPolicy
		cn: policy
		pwdAttribute: userPassword
		pwdCheckQuality: 2
	LDIF
	printf '%s\n' "$@"
}

# --- src/dir ---

# authority NAME
authority()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
		-keyout "$1-key.pem" -out "$1.pem" -addext basicConstraints=critical,CA:TRUE \
		-addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
}

# server NAME AUTHORITY SAN: the subject is CN=127.0.0.1 in every case, so that only the SAN can be wrong
server()
{
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=127.0.0.1" \
		-keyout "$1-key.pem" -out "$1.csr" 2>/dev/null
	printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$3" > "$1.ext"
	openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2-key.pem" -CAcreateserial -days 2 \
		-extfile "$1.ext" -out "$1.pem" 2>/dev/null
}

certs()
{
	mkdir -p "$1"
	cd "$1"
	authority ca
	authority other-ca
	server good ca IP:127.0.0.1,DNS:localhost
	server wrong-san ca IP:192.0.2.1,DNS:elsewhere.example
	server stranger other-ca IP:127.0.0.1,DNS:localhost
	mkdir trust
	cp ca.pem "trust/$(openssl x509 -hash -noout -in ca.pem).0"
}

# dir_config DIR CERT TRAP
dir_config()
{
	find_schema schema
	find_modules unique
	echo "include $s/core.schema"
	echo "include $s/cosine.schema"
	echo "include $s/inetorgperson.schema"
	echo "modulepath $m"
	[ -f "$m/back_mdb.so" ] && echo "moduleload back_mdb"
	echo "moduleload unique"
	echo "moduleload ppolicy"
	echo "moduleload retcode"
	echo "moduleload syncprov"
	cat <<-CONF
		threads 4
		loglevel none
		referral ldap://127.0.0.1:$3
		TLSCACertificateFile $1/../certs/ca.pem
		TLSCertificateFile $1/../certs/$2.pem
		TLSCertificateKeyFile $1/../certs/$2-key.pem
		authz-regexp "gidNumber=.*cn=peercred,cn=external,cn=auth" cn=gateway,dc=example,dc=com

		database mdb
		suffix dc=readonly
		directory $1/readonly
		maxsize 16777216
		readonly on

		database mdb
		suffix dc=example,dc=com
		rootdn cn=admin,dc=example,dc=com
		rootpw secret
		directory $1/db
		maxsize 67108864
		envflags writemap nosync
		index objectClass,entryUUID,uid eq
		limits dn.exact=cn=gateway,dc=example,dc=com size=unlimited time=unlimited
		limits dn.exact=cn=reader,dc=example,dc=com size=5
		access to attrs=userPassword by dn.exact=cn=gateway,dc=example,dc=com write by anonymous auth by * none
		access to * by dn.exact=cn=gateway,dc=example,dc=com manage by users read by * none
		overlay syncprov
		overlay unique
		unique_uri ldap:///?uid?sub?(objectClass=inetOrgPerson)
		overlay ppolicy
		ppolicy_default cn=policy,dc=example,dc=com
		ppolicy_hash_cleartext
		overlay retcode
		retcode-parent ou=codes,dc=example,dc=com
		retcode-item cn=busy 0x33
		retcode-item cn=unavailable 0x34
		retcode-item cn=slow 0x00 sleeptime=3
		retcode-item cn=gone 0x00 flags=pre-disconnect
	CONF
}

dir_tree()
{
	tree "pwdMinLength: 8"
	cat <<-LDIF

		dn: ou=leavers,dc=example,dc=com
		objectClass: organizationalUnit
		ou: leavers

		dn: cn=reader,dc=example,dc=com
		objectClass: organizationalRole
		objectClass: simpleSecurityObject
		cn: reader
		userPassword: rdsecret
	LDIF
}

dir_run()
{
	dir=$1 cert=$2 trap=$3
	shift 3
	mkdir -p "$dir"
	dir_config "$dir" "$cert" "$trap" > "$dir/slapd.conf"
	if [ ! -d "$dir/db" ]; then
		mkdir "$dir/db" "$dir/readonly"
		dir_tree | slapadd -q -f "$dir/slapd.conf" -b dc=example,dc=com
		printf 'dn: dc=readonly\nobjectClass: domain\ndc: readonly\n' |
			slapadd -q -f "$dir/slapd.conf" -b dc=readonly
	fi
	echo "$*"
	exec slapd -f "$dir/slapd.conf" -h "$*" -d 0
}

# --- src/dir's feed ---

# setting NAME: the value of NAME in $settings, "yes" if it has none; fails if it is not there
setting()
{
	case ,$settings, in
	*,"$1"=*) printf '%s\n' ",$settings," | sed "s/.*,$1=\([^,]*\),.*/\1/" ;;
	*,"$1",*) echo yes ;;
	*) return 1 ;;
	esac
}

feed_access()
{
	gw='by dn.exact=cn=gateway,dc=example,dc=com'
	echo "access to attrs=userPassword $gw write by anonymous auth by * none"
	if setting denied >/dev/null; then
		echo "access to dn.base=ou=people,dc=example,dc=com $gw read by * none"
		echo "access to dn.base=ou=groups,dc=example,dc=com $gw read by * none"
		echo "access to dn.base=dc=example,dc=com $gw read by * none"
	elif setting narrow >/dev/null; then
		echo "access to dn.subtree=ou=people,dc=example,dc=com $gw manage by * none"
		echo "access to dn.subtree=ou=groups,dc=example,dc=com $gw manage by * none"
	else
		echo "access to * $gw manage by users read by * none"
	fi
}

feed_log_database()
{
	cat <<-CONF
		database mdb
		suffix cn=accesslog
		rootdn cn=admin,dc=example,dc=com
		directory $1/log
		maxsize 67108864
		envflags writemap nosync
		index default eq
		index entryCSN,objectClass,reqEnd,reqResult,reqStart,reqDN
		limits dn.exact=cn=gateway,dc=example,dc=com size=$(setting loglimit || echo unlimited) time=unlimited
		access to * by dn.exact=cn=gateway,dc=example,dc=com $(setting logread || echo read) by * none
		overlay syncprov
		syncprov-nopresent TRUE
		syncprov-reloadhint TRUE

	CONF
}

feed_overlays()
{
	echo "overlay syncprov"
	echo "syncprov-checkpoint 1 1"
	if setting log >/dev/null; then
		[ "$(setting sessionlog || :)" = log ] && echo "syncprov-sessionlog-source cn=accesslog"
		cat <<-CONF
			overlay accesslog
			logdb cn=accesslog
			logops $(ops=$(setting logops) || ops=writes; echo "$ops" | tr + ' ')
			logsuccess TRUE
			logold (objectClass=*)
			$(setting logpurge >/dev/null && echo 'logpurge 00+00:00:01 00+00:00:01')
		CONF
	elif setting sessionlog >/dev/null; then
		echo "syncprov-sessionlog $(setting sessionlog)"
	fi
}

feed_peer()
{
	peer=$(setting peer) || return 0
	printf '%s ' "syncrepl rid=00${peer%%@*} provider=${peer#*@} bindmethod=simple" \
		"binddn=cn=admin,dc=example,dc=com credentials=secret searchbase=dc=example,dc=com" \
		"type=refreshAndPersist retry=\"1 +\" timeout=3"
	printf '\nmultiprovider on\n'
}

feed_config()
{
	find_schema schema
	find_modules accesslog
	sid=$(setting sid || echo 1)
	cat <<-CONF
		include $s/core.schema
		include $s/cosine.schema
		include $s/inetorgperson.schema
		modulepath $m
		$([ ! -f "$m/back_mdb.so" ] || echo "moduleload back_mdb")
		moduleload syncprov
		moduleload accesslog
		moduleload ppolicy
		threads 4
		loglevel none
		serverID $sid
		authz-regexp "gidNumber=.*cn=peercred,cn=external,cn=auth" cn=gateway,dc=example,dc=com
		database config
		$(setting config >/dev/null && echo 'access to * by dn.exact=cn=gateway,dc=example,dc=com read by * none')

	CONF
	if setting log >/dev/null; then
		feed_log_database "$1"
	fi
	cat <<-CONF
		database mdb
		suffix dc=example,dc=com
		rootdn cn=admin,dc=example,dc=com
		rootpw secret
		directory $1/db
		maxsize 268435456
		envflags writemap nosync
		index objectClass,entryUUID,entryCSN,uid eq
	CONF
	if setting limit >/dev/null; then
		echo "limits dn.exact=cn=gateway,dc=example,dc=com size=5"
	else
		echo "limits dn.exact=cn=gateway,dc=example,dc=com size=unlimited time=unlimited"
	fi
	feed_access
	feed_peer
	feed_overlays
}

feed_run()
{
	dir=$1 settings=$2
	shift 2
	mkdir -p "$dir"
	feed_config "$dir" > "$dir/slapd.conf"
	if [ ! -d "$dir/db" ]; then
		mkdir -p "$dir/db" "$dir/log"
		setting empty >/dev/null ||
			dir_tree | slapadd -q -S "$sid" -w -f "$dir/slapd.conf" -b dc=example,dc=com
	fi
	echo "$*"
	exec slapd -f "$dir/slapd.conf" -h "$*" -d 0
}

# --- src/map ---

# map_config: cn=config up to the schema
map_config()
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

map_databases()
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

# ldapi_url DIR
ldapi_url()
{
	printf 'ldapi://%s' "$(printf %s "$1/ldapi" | sed 's,/,%2F,g')"
}

map_run()
{
	dir=$1
	mkdir -p "$dir/db" "$dir/slapd.d"
	{
		map_config
		echo "include: file://$(cd "$2" && pwd)/dirhinge.ldif"
		map_databases "$dir"
	} > "$dir/init.ldif"
	slapadd -n 0 -F "$dir/slapd.d" -l "$dir/init.ldif"
	tree "pwdLockout: TRUE" "pwdMaxFailure: 5" "pwdMinLength: 6" | slapadd -q -F "$dir/slapd.d" -b dc=example,dc=com
	exec slapd -F "$dir/slapd.d" -h "$(ldapi_url "$dir")" -d 0
}

# What slapd makes of the definitions, one a line.
definitions()
{
	cat "$1"/cn=config/cn=schema/cn=\{*\}dirhinge.ldif |
		sed -e ':a' -e 'N' -e '$!ba' -e 's/\n //g' |
		sed -n 's/^olc\(AttributeTypes\|ObjectClasses\): {[0-9]*}/\1 /p' |
		sed -e 's/  */ /g' -e 's/( \([A-Za-z0-9]*\) )/\1/g'
}

schema_run()
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
		map_config
		echo "include: file://$src/dirhinge.ldif"
	} | slapadd -n 0 -F "$dir/ldif.d"
	{
		map_config
		printf '\ndn: olcDatabase={0}config,cn=config\nobjectClass: olcDatabaseConfig\nolcDatabase: {0}config\n'
		echo 'olcAccess: {0}to * by dn.exact=cn=gateway,dc=example,dc=com manage by * none'
	} | slapadd -n 0 -F "$dir/add.d"
	definitions "$dir/conf.d" > "$dir/conf"
	definitions "$dir/ldif.d" > "$dir/ldif"
	slapd -F "$dir/add.d" -h "$(ldapi_url "$dir")" -d 0 &
	pid=$!
	trap 'kill $pid 2>/dev/null || :' EXIT
	if command -v ldapadd >/dev/null; then
		# -o nettimeout would not help: the socket is not there yet; every failing attempt costs a process
		n=0
		until ldapadd -Q -Y EXTERNAL -H "$(ldapi_url "$dir")" \
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

needs slapd slapadd
case ${1-}:${2-} in
check:dir) needs openssl ;;
check:map)
	find_schema ldif
	find_modules dynlist
	;;
certs:?*)
	needs openssl
	certs "$2"
	;;
dir:?*)
	shift
	dir_run "$@"
	;;
feed:?*)
	shift
	feed_run "$@"
	;;
map:?* | schema:?*)
	find_schema ldif
	find_modules dynlist
	"$1_run" "$2" "$3"
	;;
*)
	sed -n '4,15s/^# //p' "$0" >&2
	exit 2
	;;
esac
