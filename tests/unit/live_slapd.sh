#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A private slapd for the tests of src/dir.
#   live_slapd.sh check             exit 0 if slapd and openssl are there, else 77
#   live_slapd.sh certs DIR         authorities ca.pem and other-ca.pem; server certificates good, wrong-san, stranger; trust/
#   live_slapd.sh run DIR CERT TRAP URI...
#       makes DIR's database if it is new, prints the URIs and becomes slapd (foreground, same process id);
#       referrals point to ldap://127.0.0.1:TRAP
set -eu
PATH=$PATH:/usr/sbin:/usr/local/sbin:/usr/libexec:/usr/lib/openldap
umask 077

check()
{
	command -v slapd >/dev/null && command -v slapadd >/dev/null && command -v openssl >/dev/null || {
		echo "slapd or openssl is not installed" >&2
		exit 77
	}
}

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

# Where the modules and schema files of this system are.
module_dir()
{
	for d in /usr/lib/ldap /usr/lib64/openldap /usr/libexec/openldap /usr/lib/openldap; do
		ls "$d"/unique* >/dev/null 2>&1 && echo "$d" && return
	done
	echo "no slapd modules found" >&2
	exit 77
}

schema_dir()
{
	for d in /etc/ldap/schema /etc/openldap/schema; do
		[ -f "$d/core.schema" ] && echo "$d" && return
	done
	echo "no slapd schema files found" >&2
	exit 77
}

# config DIR CERT TRAP
config()
{
	s=$(schema_dir)
	m=$(module_dir)
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

		dn: ou=leavers,dc=example,dc=com
		objectClass: organizationalUnit
		ou: leavers

		dn: ou=groups,dc=example,dc=com
		objectClass: organizationalUnit
		ou: groups

		dn: cn=gateway,dc=example,dc=com
		objectClass: organizationalRole
		objectClass: simpleSecurityObject
		cn: gateway
		userPassword: gwsecret

		dn: cn=reader,dc=example,dc=com
		objectClass: organizationalRole
		objectClass: simpleSecurityObject
		cn: reader
		userPassword: rdsecret

		dn: cn=policy,dc=example,dc=com
		objectClass: organizationalRole
		objectClass: pwdPolicy
		cn: policy
		pwdAttribute: userPassword
		pwdMinLength: 8
		pwdCheckQuality: 2
	LDIF
}

run()
{
	dir=$1 cert=$2 trap=$3
	shift 3
	mkdir -p "$dir"
	config "$dir" "$cert" "$trap" > "$dir/slapd.conf"
	if [ ! -d "$dir/db" ]; then
		mkdir "$dir/db" "$dir/readonly"
		base | slapadd -q -f "$dir/slapd.conf" -b dc=example,dc=com
		printf 'dn: dc=readonly\nobjectClass: domain\ndc: readonly\n' |
			slapadd -q -f "$dir/slapd.conf" -b dc=readonly
	fi
	echo "$*"
	exec slapd -f "$dir/slapd.conf" -h "$*" -d 0
}

check
case ${1-} in
check) ;;
certs) certs "$2" ;;
run)
	shift
	run "$@"
	;;
*)
	sed -n '3,8s/^# //p' "$0" >&2
	exit 2
	;;
esac
