# SPDX-License-Identifier: Apache-2.0
"""A private Samba domain controller in a temporary directory: one process that answers LDAP and LDAPS on a loopback
address of its own, because the ports of a domain controller are fixed."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid

from .ldap import Tools
from .server import Server
from .tls import Authority

REALM = "ad.test"
SUFFIX = "DC=ad,DC=test"
PEOPLE = f"OU=People,OU=Staff,{SUFFIX}"
GROUPS = f"OU=Groups,OU=Staff,{SUFFIX}"
LEAVERS = f"OU=Leavers,OU=Staff,{SUFFIX}"
GATEWAY = f"CN=dirhinge,CN=Users,{SUFFIX}"
# The same without the right to replicate the domain.
PLAIN = f"CN=plain,CN=Users,{SUFFIX}"

# schemaIDGUID of the classes user and group
USER_CLASS = "bf967aba-0de6-11d0-a285-00aa003049e2"
GROUP_CLASS = "bf967a9c-0de6-11d0-a285-00aa003049e2"
CONTACT_CLASS = "5cb41ed0-0e4c-11d0-a286-00aa003049e2"
REPLICATE = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2"  # DS-Replication-Get-Changes

# Puts an entry of an access list in front, or takes it out; samba-tool neither takes out nor sees the deleted objects.
ACCESS = """
import sys
import ldb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB
config, dn, what, aces = sys.argv[1:]
lp = LoadParm()
lp.load(config)
db = SamDB(lp=lp, session_info=system_session())
sid = security.dom_sid(db.get_domain_sid())
found = db.search(dn, ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"], controls=["show_deleted:1"])
text = ndr_unpack(security.descriptor, found[0]["nTSecurityDescriptor"][0]).as_sddl(sid)
at = text.index("(", text.index("D:"))
if what == "give":
    text = text[:at] + aces + text[at:]
else:
    assert aces in text, text
    text = text.replace(aces, "")
m = ldb.Message(found[0].dn)
m["x"] = ldb.MessageElement(ndr_pack(security.descriptor.from_sddl(text, sid)), ldb.FLAG_MOD_REPLACE,
                            "nTSecurityDescriptor")
db.modify(m, ["show_deleted:1"])
"""


def find_tools():
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    samba, tool = shutil.which("samba", path=path), shutil.which("samba-tool", path=path)
    return (samba, tool) if samba and tool and shutil.which("ldbadd", path=path) else None


def why_not():
    """What keeps this machine from running it, or None."""
    if not find_tools():
        return "Samba as a domain controller is not installed (Debian: samba-ad-dc samba-dsdb-modules samba-ad-provision ldb-tools)"
    return None if os.getuid() == 0 else "provisioning a domain and its ports below 1024 need root"


def _free_address():
    for _ in range(50):
        ip = f"127.88.{secrets.randbelow(250) + 2}.{secrets.randbelow(250) + 2}"
        with contextlib.suppress(OSError), socket.socket() as s, socket.socket() as t:
            s.bind((ip, 389))
            t.bind((ip, 636))
            return ip
    raise AssertionError("no loopback address with free LDAP ports")


def guid_text(raw):
    """objectGUID as SCIM shows it."""
    return str(uuid.UUID(bytes_le=raw if isinstance(raw, bytes) else raw.encode("utf-8")))


class Samba(Server):
    """start() and stop() may be called again and again; the data stays."""
    what = "Samba"

    def __init__(self):
        found = find_tools()
        assert found
        self._samba, self._tool = found
        self.dir = tempfile.mkdtemp(prefix="dh-samba-")
        self.ip = _free_address()
        self.ldaps = f"ldaps://{self.ip}"
        self.gateway_pw = "Gw-" + secrets.token_hex(12)
        self._admin_pw = "Admin-" + secrets.token_hex(12)
        self.pw_file = f"{self.dir}/gateway.pw"
        self.logs = (f"{self.dir}/log/stdout",)
        with open(os.open(self.pw_file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write(self.gateway_pw + "\n")
        try:
            self.ca = Authority(self.dir)
            self.ca.issue("server", f"DNS:dc1.{REALM},IP:{self.ip}")
            self._provision()
            self.admin = Tools(self.ldaps, f"CN=Administrator,CN=Users,{SUFFIX}", self._admin_pw, self.dir,
                               ca=self.ca.pem)
            self.admin.whoami = False
            self.start()
            self._populate()
        except Exception:
            self.remove()
            raise

    def _run(self, *argv, timeout=180):
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False,
                              env=dict(os.environ, LC_ALL="C.UTF-8"))
        assert done.returncode == 0, f"{argv[0]} {argv[1]}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    def _provision(self):
        d = self.dir
        for sub in ("etc", "log", "run", "cache", "lock"):
            os.mkdir(f"{d}/{sub}")
        seed = f"{d}/etc/seed.conf"  # else the distribution's smb.conf would be taken in
        with open(seed, "w", encoding="ascii") as f:
            f.write("[global]\n")
        self._run(self._tool, "domain", "provision", "-s", seed, f"--realm={REALM.upper()}", "--domain=ADTEST",
                  "--server-role=dc", "--dns-backend=NONE", f"--adminpass={self._admin_pw}", f"--targetdir={d}",
                  "--host-name=dc1", f"--host-ip={self.ip}", f"--option=interfaces={self.ip}",
                  "--option=bind interfaces only=yes")
        with open(f"{d}/etc/smb.conf", "w", encoding="ascii") as f:
            f.write(f"""[global]
  netbios name = DC1
  realm = {REALM.upper()}
  workgroup = ADTEST
  server role = active directory domain controller
  interfaces = {self.ip}/8
  bind interfaces only = yes
  server services = ldap
  private dir = {d}/private
  state directory = {d}/state
  cache directory = {d}/cache
  lock directory = {d}/lock
  pid directory = {d}/run
  ncalrpc dir = {d}/run/ncalrpc
  binddns dir = {d}/bind-dns
  log file = {d}/log/samba.log
  logging = file
  ldap server require strong auth = yes
  old password allowed period = 0
  tls enabled = yes
  tls keyfile = {d}/server.key
  tls certfile = {d}/server.pem
  tls cafile = {d}/ca.pem
[sysvol]
  path = {d}/state/sysvol
  read only = no
""")

    def _populate(self):
        """What contrib/active-directory.md tells an administrator to do: containers, and an account with no more
        rights than it needs."""
        for dn in (f"OU=Staff,{SUFFIX}", PEOPLE, GROUPS, LEAVERS):
            self.admin.add(dn, {"objectClass": "organizationalUnit"})
        sids = []
        for dn in (GATEWAY, PLAIN):
            name = dn.partition(",")[0].partition("=")[2]
            self.admin.add(dn, {
                "objectClass": "user", "sAMAccountName": name, "userPrincipalName": f"{name}@{REALM}",
                "userAccountControl": "66048", "unicodePwd": f'"{self.gateway_pw}"'.encode("utf-16-le")})
            sids.append(self.sid(dn))
        grants = {PEOPLE: [USER_CLASS, CONTACT_CLASS], LEAVERS: [USER_CLASS], GROUPS: [GROUP_CLASS, CONTACT_CLASS]}
        for dn, classes in grants.items():
            self._grant(dn, "".join(f"(OA;CI;CCDC;{c};;{sid})(OA;CIIO;GA;;{c};{sid})" for c in classes for sid in sids))
        self._grant(SUFFIX, f"(OA;;CR;{REPLICATE};;{sids[0]})")
        self.access("give", f"CN=Deleted Objects,{SUFFIX}", "".join(f"(A;CI;LCRP;;;{sid})" for sid in sids))

    def access(self, what, dn, aces):
        """give or take entries of an access list."""
        self._run(sys.executable, "-c", ACCESS, f"{self.dir}/etc/smb.conf", dn, what, aces)

    def _grant(self, dn, sddl):
        self._run(self._tool, "dsacl", "set", "-s", f"{self.dir}/etc/smb.conf", "-H", f"{self.dir}/private/sam.ldb",
                  f"--objectdn={dn}", f"--sddl={sddl}")

    @staticmethod
    def _sid(raw):
        raw = raw if isinstance(raw, bytes) else raw.encode("utf-8")
        subs = [int.from_bytes(raw[8 + 4 * i:12 + 4 * i], "little") for i in range(raw[1])]
        return "-".join(["S", str(raw[0]), str(int.from_bytes(raw[2:8], "big"))] + [str(s) for s in subs])

    def load(self, text):
        """In one transaction beside the server, which takes entries one by one."""
        path = f"{self.dir}/load.ldif"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        self._run("ldbadd", "-H", f"{self.dir}/private/sam.ldb", path, timeout=900)

    def admin_password_file(self, path):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as f:
            f.write(self._admin_pw + "\n")

    def sid(self, dn):
        return self._sid(self.admin.read(dn, attrs=("objectSid",)).one("objectSid"))

    def start(self):
        self.launch([self._samba, "-i", "-M", "single", "--debug-stdout", "-s", f"{self.dir}/etc/smb.conf"], self.admin)
