# SPDX-License-Identifier: Apache-2.0
"""A private 389 Directory Server in a temporary directory, without systemd and without the dirsrv user."""

import contextlib
import glob
import os
import re
import secrets
import shutil
import subprocess
import tempfile

from urllib.parse import quote

from .ldap import Tools
from .net import free_port
from .server import Server

SUFFIX = "dc=example,dc=com"
PEOPLE = f"ou=people,{SUFFIX}"
GROUPS = f"ou=groups,{SUFFIX}"
GATEWAY = f"cn=gateway,{SUFFIX}"
MANAGER = "cn=Directory Manager"


def find_tools():
    """(ns-slapd, dscreate, defaults.inf, directory with config and schema) or None."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    server, create = shutil.which("ns-slapd", path=path), shutil.which("dscreate", path=path)
    inf = "/usr/share/dirsrv/inf/defaults.inf"
    if not (server and create and os.path.exists(inf) and os.path.isdir("/etc/dirsrv/schema")):
        return None
    return server, create, inf, "/etc/dirsrv"


def why_not():
    """What keeps this machine from running it, or None."""
    if not find_tools():
        return "389 Directory Server is not installed (Debian: 389-ds-base)"
    return None if os.getuid() == 0 else "dscreate needs root"


class Ds389(Server):
    """start() and stop() may be called again and again; the data stays."""
    what = "389 DS"

    def __init__(self, schema_file):
        self._schema_file = schema_file
        found = find_tools()
        assert found
        self._server, create, inf, system = found
        self.dir = tempfile.mkdtemp(prefix="dh-389-")
        self.name = "t" + secrets.token_hex(4)
        self.gateway_pw = "gw-" + secrets.token_hex(12)
        self._root_pw = "root-" + secrets.token_hex(12)
        self.port, self.secure_port = free_port(), free_port()
        self.ldap = f"ldap://127.0.0.1:{self.port}"
        # Over the socket, which counts as secure: without that the server takes no change of a password.
        self.ldapi = "ldapi://" + quote(f"{self.dir}/run/slapd-{self.name}.socket", safe="")
        self.pw_file = f"{self.dir}/gateway.pw"
        self.logs = (f"{self.dir}/log/stdout", f"{self.dir}/log/errors")
        with open(os.open(self.pw_file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write(self.gateway_pw + "\n")
        try:
            self._create(create, inf, system)
            self.manager = Tools(self.ldapi, MANAGER, self._root_pw, self.dir)
            self.admin = self.manager
            self.start()
            self._configure()
            self.stop()
            self.start()
        except Exception:
            self.remove()
            raise

    def _dirs(self):
        d = self.dir
        return {
            "initconfig_dir": f"{d}/initconfig", "config_dir": f"{d}/etc/dirsrv/slapd-{{instance_name}}",
            "sysconf_dir": f"{d}/etc", "local_state_dir": f"{d}/var", "run_dir": f"{d}/run",
            "ldapi": f"{d}/run/slapd-{{instance_name}}.socket",
            "pid_file": f"{d}/run/slapd-{{instance_name}}.pid",
            "inst_dir": f"{d}/inst/slapd-{{instance_name}}", "tmp_dir": f"{d}/tmp",
            "schema_dir": f"{d}/etc/dirsrv/slapd-{{instance_name}}/schema",
            "cert_dir": f"{d}/etc/dirsrv/slapd-{{instance_name}}", "lock_dir": f"{d}/lock", "log_dir": f"{d}/log",
            "access_log": f"{d}/log/access", "audit_log": f"{d}/log/audit", "error_log": f"{d}/log/errors",
            "security_log": f"{d}/log/security", "db_dir": f"{d}/db", "db_home_dir": f"{d}/dbhome",
            "backup_dir": f"{d}/bak", "ldif_dir": f"{d}/ldif"}

    def _create(self, create, inf, system):
        """dscreate finds its paths in a private copy of defaults.inf below $PREFIX."""
        d = self.dir
        for sub in ("prefix/share/dirsrv/inf", "etc/dirsrv", "initconfig", "run", "inst", "tmp", "lock", "log", "db",
                    "dbhome", "bak", "ldif", "var"):
            os.makedirs(f"{d}/{sub}")
        for sub in ("schema", "config"):
            shutil.copytree(f"{system}/{sub}", f"{d}/etc/dirsrv/{sub}")
        paths = self._dirs()
        with open(inf, encoding="utf-8") as f:
            text = f.read()
        for key, value in dict(paths, with_systemd="0", user="root", group="root").items():
            text, n = re.subn(rf"(?m)^{key} = .*$", f"{key} = {value}", text)
            assert n == 1, f"{inf} has no {key}"
        with open(f"{d}/prefix/share/dirsrv/inf/defaults.inf", "w", encoding="utf-8") as f:
            f.write(text)
        own = "".join(f"{k} = {v.format(instance_name=self.name)}\n" for k, v in paths.items()
                      if k not in ("sysconf_dir", "local_state_dir", "pid_file", "ldapi", "access_log", "audit_log",
                                   "error_log", "security_log"))
        with open(os.open(f"{d}/ds.inf", os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as f:
            f.write(f"""[general]
full_machine_name = localhost
start = False
strict_host_checking = False
selinux = False
systemd = False
[slapd]
instance_name = {self.name}
user = root
group = root
port = {self.port}
secure_port = {self.secure_port}
root_password = {self._root_pw}
self_sign_cert = False
db_lib = bdb
{own}[backend-userroot]
suffix = {SUFFIX}
create_suffix_entry = True
""")
        done = subprocess.run([create, "-v", "from-file", f"{d}/ds.inf"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=180, check=False,
                              env=dict(os.environ, PREFIX=f"{d}/prefix", LC_ALL="C.UTF-8"))
        assert done.returncode == 0, f"dscreate: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        # A test does not outlive its machine, and one sync a member takes its time.
        dse = f"{d}/etc/dirsrv/slapd-{self.name}/dse.ldif"
        with open(dse, encoding="utf-8") as f:
            text = f.read()
        text, n = re.subn(r"(?m)^(dn: cn=bdb,cn=config,cn=ldbm database,cn=plugins,cn=config)$",
                          r"\1\nnsslapd-db-durable-transaction: off",
                          re.sub(r"(?m)^nsslapd-db-durable-transaction: .*\n", "", text))
        assert n == 1, f"{dse} has no bdb configuration"
        with open(dse, "w", encoding="utf-8") as f:
            f.write(text)
        shutil.copy(self._schema_file, f"{d}/etc/dirsrv/slapd-{self.name}/schema/99dirhinge.ldif")

    def _configure(self):
        plugins = "cn=plugins,cn=config"
        for name in ("referential integrity postoperation", "Content Synchronization",
                     "Retro Changelog Plugin", "USN"):
            self.manager.modify(f"cn={name},{plugins}", ("replace", "nsslapd-pluginEnabled", ["on"]))
        self.manager.modify(f"cn=Retro Changelog Plugin,{plugins}",
                            ("replace", "nsslapd-attribute", ["nsuniqueid:targetUniqueId", "entryUUID:targetEntryUUID"]))
        self.manager.add(f"cn=uid unique,{plugins}", {
            "objectClass": ["top", "nsSlapdPlugin", "extensibleObject"], "cn": "uid unique",
            "nsslapd-pluginPath": "libattr-unique-plugin", "nsslapd-pluginInitfunc": "NSUniqueAttr_Init",
            "nsslapd-pluginType": "preoperation", "nsslapd-pluginEnabled": "on",
            "nsslapd-plugin-depends-on-type": "database", "nsslapd-pluginId": "none",
            "nsslapd-pluginVersion": "none", "nsslapd-pluginVendor": "none",
            "nsslapd-pluginDescription": "none", "uniqueness-attribute-name": "uid", "uniqueness-subtrees": SUFFIX})
        for ou in ("people", "groups", "leavers"):
            self.manager.add(f"ou={ou},{SUFFIX}", {"objectClass": "organizationalUnit", "ou": ou})
        self.manager.add(GATEWAY, {"objectClass": ["top", "organizationalRole", "simpleSecurityObject"],
                                   "cn": "gateway", "userPassword": self.gateway_pw, "nsSizeLimit": "-1",
                                   "nsPagedSizeLimit": "-1", "nsLookThroughLimit": "-1",
                                   "nsPagedLookThroughLimit": "-1", "nsIDListScanLimit": "-1",
                                   "nsPagedIDListScanLimit": "-1"})
        grant = f"(version 3.0; acl \"gateway\"; allow (all) userdn=\"ldap:///{GATEWAY}\";)"
        for base in (PEOPLE, GROUPS, f"ou=leavers,{SUFFIX}"):
            self.manager.modify(base, ("add", "aci", [f"(targetattr=\"*\"){grant}"]))

    def start(self):
        config = f"{self.dir}/etc/dirsrv/slapd-{self.name}"
        self.launch([self._server, "-D", config, "-i", f"{self.dir}/run/slapd-{self.name}.pid", "-d", "0"],
                    self.manager)

    def remove(self):
        super().remove()
        for path in glob.glob(f"/dev/shm/sem.slapd-*{self.name}*") + glob.glob(f"/dev/shm/*{self.name}*"):
            with contextlib.suppress(OSError):
                os.unlink(path)
