# SPDX-License-Identifier: Apache-2.0
"""A private slapd in a temporary directory: own configuration, own socket, own log; gone with the test session."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from urllib.parse import quote

from .ldap import Tools
from .server import Server
from .slapdlog import SlapdLog
from .tls import Authority
from .wait import until

SUFFIX = "dc=example,dc=com"
PEOPLE = f"ou=people,{SUFFIX}"
GROUPS = f"ou=groups,{SUFFIX}"
LEAVERS = f"ou=leavers,{SUFFIX}"
GATEWAY = f"cn=gateway,{SUFFIX}"
ADMIN = f"cn=admin,{SUFFIX}"
ACCESSLOG = "cn=accesslog"


@dataclass(frozen=True)
class Variant:
    """What differs between the directories operators have."""
    schema: bool = True      # dirhinge.ldif is loaded
    cleanup: str = "none"    # none | refint | memberof: who repairs memberships
    ppolicy: bool = True
    policy: bool = True      # there is a default policy, which lets locks work
    unique: bool = True
    tls: str = ""            # name in the certificate; "" is no TLS
    bench: bool = False      # durable writes, no log, no accesslog, cn=monitor: what benchmarks compare with

    @property
    def name(self):
        parts = ["schema" if self.schema else "plain", self.cleanup]
        parts += [] if self.ppolicy else ["no-ppolicy"]
        parts += [] if self.policy else ["no-policy"]
        parts += [] if self.unique else ["no-unique"]
        parts += [f"tls-{self.tls}"] if self.tls else []
        parts += ["bench"] if self.bench else []
        return "-".join(parts)


def find_tools():
    """(slapd, slapadd, module directory, schema directory) or None with a reason."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin:/usr/libexec"
    slapd, slapadd = shutil.which("slapd", path=path), shutil.which("slapadd", path=path)
    modules = _first_dir(["/usr/lib/ldap", "/usr/lib64/openldap", "/usr/lib/openldap", "/usr/libexec/openldap"],
                         "back_mdb.so", "back_mdb.la")
    schema = _first_dir(["/etc/ldap/schema", "/etc/openldap/schema"], "core.ldif")
    if not (slapd and slapadd and modules and schema):
        return None
    return slapd, slapadd, modules, schema


def _first_dir(candidates, *names):
    for d in candidates:
        if any(os.path.exists(os.path.join(d, n)) for n in names):
            return d
    return None


def _config(v, d, modules, schema, source, admin_pw):
    load = ["back_mdb", "syncprov", "accesslog", "sssvlv"]
    load += ["memberof"] if v.cleanup == "memberof" else [] if v.bench else ["dynlist"]
    load += ["refint"] if v.cleanup == "refint" else []
    load += ["unique"] if v.unique else []
    load += ["ppolicy"] if v.ppolicy else []
    schemas = [f"{schema}/{n}.ldif" for n in ("core", "cosine", "inetorgperson", "nis", "dyngroup")]
    if v.schema:
        schemas.append(f"{source}/schema/ldap/dirhinge.ldif")
    includes = "\n".join(f"include: file://{p}" for p in schemas)
    parts = [f"""dn: cn=config
objectClass: olcGlobal
cn: config
olcPidFile: {d}/slapd.pid
olcServerID: 1
olcThreads: 4
olcLogLevel: {"none" if v.bench else "stats"}
""" + (f"""olcTLSCACertificateFile: {d}/ca.pem
olcTLSCertificateFile: {d}/slapd.pem
olcTLSCertificateKeyFile: {d}/slapd.key
""" if v.tls else "") + f"""
dn: cn=module{{0}},cn=config
objectClass: olcModuleList
cn: module{{0}}
olcModulePath: {modules}
""" + "".join(f"olcModuleLoad: {m}\n" for m in load) + f"""
dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

{includes}

dn: olcDatabase={{-1}}frontend,cn=config
objectClass: olcDatabaseConfig
objectClass: olcFrontendConfig
olcDatabase: {{-1}}frontend
olcSizeLimit: 500
olcSortVals: member

dn: olcDatabase={{0}}config,cn=config
objectClass: olcDatabaseConfig
olcDatabase: {{0}}config
olcRootDN: cn=admin,cn=config
olcRootPW: {admin_pw}

dn: olcDatabase={{1}}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {{1}}mdb
olcSuffix: {ACCESSLOG}
olcDbDirectory: {d}/accesslog
olcRootDN: {ADMIN}
olcDbMaxSize: 1073741824
olcDbEnvFlags: writemap
olcDbEnvFlags: nosync
olcDbIndex: default eq
olcDbIndex: entryCSN,objectClass,reqEnd,reqResult,reqStart,reqDN
olcLimits: dn.exact="{GATEWAY}" size=unlimited time=unlimited
olcAccess: to * by dn.exact="{GATEWAY}" read by * none

dn: olcOverlay=syncprov,olcDatabase={{1}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcSyncProvConfig
olcOverlay: syncprov
olcSpNoPresent: TRUE
olcSpReloadHint: TRUE

dn: olcDatabase={{2}}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {{2}}mdb
olcSuffix: {SUFFIX}
olcDbDirectory: {d}/db
olcRootDN: {ADMIN}
olcRootPW: {admin_pw}
olcDbMaxSize: 8589934592
""" + ("" if v.bench else """olcDbEnvFlags: writemap
olcDbEnvFlags: nosync
""") + f"""olcDbMultival: member 1000,100
olcDbIndex: objectClass eq
olcDbIndex: entryUUID,entryCSN eq
olcDbIndex: uid,mail,employeeNumber,member eq
olcDbIndex: cn,sn,givenName,displayName eq
olcLimits: dn.exact="{GATEWAY}" size=unlimited time=unlimited
olcAccess: to attrs=userPassword by dn.exact="{GATEWAY}" write by anonymous auth by * none
olcAccess: to * by dn.exact="{GATEWAY}" manage by users read by * none

dn: olcOverlay=syncprov,olcDatabase={{2}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcSyncProvConfig
olcOverlay: syncprov
olcSpCheckpoint: 1000 1
""" + ("" if v.bench else f"""olcSpSessionlogSource: {ACCESSLOG}

dn: olcOverlay=accesslog,olcDatabase={{2}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcAccessLogConfig
olcOverlay: accesslog
olcAccessLogDB: {ACCESSLOG}
olcAccessLogOps: writes
olcAccessLogSuccess: TRUE
""")]
    db = "olcDatabase={2}mdb,cn=config"
    if v.cleanup == "memberof":
        parts.append(f"""dn: olcOverlay=memberof,{db}
objectClass: olcOverlayConfig
objectClass: olcMemberOfConfig
olcOverlay: memberof
olcMemberOfRefInt: TRUE
olcMemberOfDangling: ignore
""")
    elif not v.bench:
        parts.append(f"""dn: olcOverlay=dynlist,{db}
objectClass: olcOverlayConfig
objectClass: olcDynListConfig
olcOverlay: dynlist
olcDynListAttrSet: groupOfURLs memberURL member+memberOf@groupOfNames
""")
    if v.cleanup == "refint":
        parts.append(f"""dn: olcOverlay=refint,{db}
objectClass: olcOverlayConfig
objectClass: olcRefintConfig
olcOverlay: refint
olcRefintAttribute: member
olcRefintNothing: cn=nobody,{SUFFIX}
""")
    if v.unique:
        parts.append(f"""dn: olcOverlay=unique,{db}
objectClass: olcOverlayConfig
objectClass: olcUniqueConfig
olcOverlay: unique
olcUniqueURI: ldap:///?uid?sub?(objectClass=inetOrgPerson)
""")
    if v.ppolicy:
        parts.append(f"""dn: olcOverlay=ppolicy,{db}
objectClass: olcOverlayConfig
objectClass: olcPPolicyConfig
olcOverlay: ppolicy
olcPPolicyHashCleartext: TRUE
""" + (f"olcPPolicyDefault: cn=default,ou=policies,{SUFFIX}\n" if v.policy else ""))
    parts.append(f"""dn: olcOverlay=sssvlv,{db}
objectClass: olcOverlayConfig
objectClass: olcSssVlvConfig
olcOverlay: sssvlv
""")
    if v.bench:
        parts.append(f"""dn: olcDatabase={{3}}monitor,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMonitorConfig
olcDatabase: {{3}}monitor
olcAccess: to * by dn.exact="{ADMIN}" read by * none
""")
    return "\n".join(parts)


def _base_entries(v, gateway_pw):
    text = f"""dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

"""
    for ou in ("people", "groups", "leavers", "policies"):
        text += f"dn: ou={ou},{SUFFIX}\nobjectClass: organizationalUnit\nou: {ou}\n\n"
    text += f"""dn: {GATEWAY}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: gateway
userPassword: {gateway_pw}

"""
    if v.ppolicy and v.policy:
        text += f"""dn: cn=default,ou=policies,{SUFFIX}
objectClass: organizationalRole
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 20

"""
    return text


def _free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Slapd(Server):
    """start() and stop() may be called again and again; the data stays."""
    what = "slapd"
    patience = 20

    def __init__(self, variant, source):
        found = find_tools()
        assert found, "slapd with its modules and schema files is needed (Debian: slapd, ldap-utils)"
        self._slapd, self._slapadd, modules, schema = found
        self.variant = variant
        self.dir = tempfile.mkdtemp(prefix="dh-slapd-")
        self.gateway_pw = "gw-" + secrets.token_hex(12)
        admin_pw = "admin-" + secrets.token_hex(12)
        self.port = _free_port()
        self.ldapi = "ldapi://" + quote(f"{self.dir}/ldapi", safe="")
        self.ldap = f"ldap://127.0.0.1:{self.port}"
        self.ldaps = f"ldaps://127.0.0.1:{_free_port()}" if variant.tls else ""
        self.log_path = f"{self.dir}/slapd.log"
        self.logs = (self.log_path,)
        self.pw_file = f"{self.dir}/gateway.pw"
        for sub in ("db", "accesslog", "slapd.d"):
            os.mkdir(f"{self.dir}/{sub}")
        with open(os.open(self.pw_file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write(self.gateway_pw + "\n")
        self.admin = Tools(self.ldapi, ADMIN, admin_pw, self.dir)
        self.config = Tools(self.ldapi, "cn=admin,cn=config", admin_pw, self.dir)
        try:
            if variant.tls:
                self.ca = Authority(self.dir)
                self.ca.issue("slapd", variant.tls)
            self._load("0", _config(variant, self.dir, modules, schema, source, admin_pw))
            self._load("2", _base_entries(variant, self.gateway_pw), "-S", "1", "-w")
            self.start()
        except Exception:
            self.remove()
            raise
        self.log = SlapdLog(self.log_path, GATEWAY)

    def _load(self, database, text, *options):
        path = f"{self.dir}/load-{database}.ldif"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        done = subprocess.run([self._slapadd, "-n", database, "-F", f"{self.dir}/slapd.d", *options, "-l", path],
                              capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, f"slapadd -n {database}: {done.stderr.decode('utf-8', 'replace')}"

    def slapadd(self, *options):
        """The command that loads entries while slapd is stopped."""
        return [self._slapadd, "-F", f"{self.dir}/slapd.d", *options]

    def start(self):
        self.launch([self._slapd, "-h", f"{self.ldapi} {self.ldap} {self.ldaps}", "-F", f"{self.dir}/slapd.d", "-d",
                     "0" if self.variant.bench else "stats"], self.admin)

    def signal(self, number):
        self._proc.send_signal(number)
        if number == signal.SIGSTOP:
            until(self._stopped, "slapd to stop", 10)

    def _stopped(self):
        """All threads are stopped (where /proc tells)."""
        tasks = f"/proc/{self._proc.pid}/task"
        if not os.path.isdir(tasks):
            return True
        states = []
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/stat", encoding="utf-8") as f:
                states.append(f.read().rpartition(")")[2].split()[0])
        return set(states) <= {"T", "t"}

    def kill(self):
        """At once, without notice, as a crash."""
        self._proc.kill()
        self._proc.wait(20)
        self._proc = None

    # --- what the daemon did -------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def watch(self):
        """with slapd.watch() as ops: …  — afterwards ops holds the daemon's LDAP operations made meanwhile."""
        ops = []
        mark = self.log.mark()
        yield ops
        ops.extend(self.log.since(mark))

    def audit_mark(self):
        """A place in the accesslog; give it to audit()."""
        return max(self.admin.read(SUFFIX, attrs=("contextCSN",))["contextCSN"])

    def audit(self, mark):
        """Write records after mark in the order they were done: reqType, reqDN, reqMod as the directory logged them."""
        found = self.admin.search(ACCESSLOG, f"(&(objectClass=auditWriteObject)(entryCSN>={mark}))")
        return sorted((r for r in found if r.one("entryCSN") != mark), key=lambda r: r.one("entryCSN"))
