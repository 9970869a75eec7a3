# SPDX-License-Identifier: Apache-2.0
"""Runs dirhinge: writes its configuration, starts it on port 0, reads the address from its log, stops it."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import tempfile

from .scim import Scim, connect
from .wait import until

# Every secret the tests use: none may ever appear in a log (checked at the end of the session).
SECRETS = set()
LOGS = set()
SANITIZER = ("AddressSanitizer", "LeakSanitizer", "runtime error:", "ThreadSanitizer")

PROFILES = ("lenient", "strict", "entra", "okta")
WRITE = ["users:write", "groups:write"]


def binary():
    path = os.environ.get("DIRHINGE_BIN", "")
    assert path and os.access(path, os.X_OK), "set DIRHINGE_BIN to the built dirhinge (make check-e2e does)"
    return path


def secret(prefix="s3cr3t-"):
    """A new secret that must not be logged."""
    value = prefix + secrets.token_hex(12)
    SECRETS.add(value)
    return value


def to_yaml(value, indent=0):
    """Plain block YAML; strings are quoted as in JSON, which YAML reads alike."""
    pad = "  " * indent
    out = ""
    for k, v in value.items():
        if isinstance(v, dict):
            out += f"{pad}{k}:\n{to_yaml(v, indent + 1)}"
        elif isinstance(v, list) and v and isinstance(v[0], dict):
            out += f"{pad}{k}:\n"
            for item in v:
                lines = to_yaml(item, indent + 2).split("\n")
                out += f"{pad}  - {lines[0].strip()}\n" + "".join(f"{line}\n" for line in lines[1:] if line)
        elif isinstance(v, (list, str)):
            out += f"{pad}{k}: {json.dumps(v, ensure_ascii=False)}\n"
        else:
            out += f"{pad}{k}: {json.dumps(v)}\n"
    return out


def write_file(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
        f.write(text)
    return path


def run(*args, timeout=60, env=None):
    """dirhinge with arguments, to its end."""
    return subprocess.run([binary(), *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
                          env=dict(os.environ, **(env or {})), check=False)


def environment():
    """Ours, with the leaks that are not the daemon's."""
    known = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lsan.supp")
    options = [o for o in [os.environ.get("LSAN_OPTIONS")] if o]
    return {**os.environ, "LSAN_OPTIONS": ":".join([*options, f"suppressions={known}", "print_suppressions=0"])}


class Daemon:
    """config: the configuration as a dict, without clients; they are added here with fresh tokens."""

    def __init__(self, config, clients=None, context=None):
        self.dir = tempfile.mkdtemp(prefix="dh-daemon-")
        self.tokens = {}
        self.context = context
        entries = []
        for c in clients or [{"name": p, "profile": p, "scopes": WRITE} for p in PROFILES] + [
                {"name": "users-reader", "scopes": ["users:read"]},
                {"name": "groups-reader", "scopes": ["groups:read"]}]:
            token = self.tokens[c["name"]] = secret("tok-")
            entries.append(dict(c, token_file=write_file(f"{self.dir}/{c['name']}.token", token + "\n")))
        self.config = dict(config, state_dir=f"{self.dir}/state", clients=entries)
        os.mkdir(f"{self.dir}/state", 0o700)
        self.base_path = self.config["server"]["base_path"]
        self.config_path = write_file(f"{self.dir}/dirhinge.yaml", to_yaml(self.config))
        self.log_path = f"{self.dir}/log"
        LOGS.add(self.log_path)
        self.address = self.admin_address = None
        self._proc = None

    @property
    def pid(self):
        return self._proc.pid

    def alive(self):
        return self._proc is not None and self._proc.poll() is None

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def records(self, msg=None):
        """Log lines as objects; what is no JSON is left out."""
        found = []
        for line in self.log().splitlines():
            with contextlib.suppress(ValueError):
                r = json.loads(line)
                if isinstance(r, dict) and msg in (None, r.get("msg")):
                    found.append(r)
        return found

    def start(self, ready=True):
        before = len(self.records("listening")) if os.path.exists(self.log_path) else 0
        with open(self.log_path, "ab") as log:
            self._proc = subprocess.Popen([binary(), "serve", "-c", self.config_path], stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log, env=environment())

        def listening():
            assert self.alive(), f"dirhinge ended with {self._proc.returncode}:\n{self.log()[-4000:]}"
            found = [r for r in self.records("listening")[before:] if "address" in r]
            self.admin_address = found[-1].get("admin") if found else None
            return found[-1]["address"] if found else None

        self.address = until(listening, "the log line \"listening\" with the address", 20)
        if ready:
            until(lambda: self.probe("/readyz")[0] == 200, "/readyz to answer 200", 20)
        return self

    def probe(self, path, admin=False, token=None):
        """(status, headers, body) of a plain GET, without token unless one is given."""
        c = connect(self.admin_address, 40) if admin else connect(self.address, 40, self.context)
        try:
            c.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
            r = c.getresponse()
            return r.status, r.headers, r.read()
        finally:
            c.close()

    def client(self, name):
        return Scim(self.address, self.base_path, self.tokens[name], name, context=self.context)

    def signal(self, number):
        self._proc.send_signal(number)

    def kill(self):
        """At once, as a crash."""
        self._proc.kill()
        self._proc.wait(20)
        self._proc = None

    def stop(self, code=0):
        """SIGTERM; the daemon must drain and end with the code in time."""
        if self._proc is None:
            return
        if self._proc.poll() is None:
            self._proc.send_signal(signal.SIGTERM)
        try:
            got = self._proc.wait(30)
        except subprocess.TimeoutExpired:
            self._proc.kill()
            self._proc.wait(10)
            self._proc = None
            raise AssertionError("dirhinge did not end within 30 s of SIGTERM") from None
        self._proc = None
        assert got == code, f"dirhinge ended with {got}:\n{self.log()[-6000:]}"
