# SPDX-License-Identifier: Apache-2.0
"""LDAP through the command-line tools an operator uses, and a reader for the LDIF they print."""

import base64
import os
import re
import subprocess
import tempfile

TOOL_TIMEOUT = 30


class Entry:
    """One entry: dn and attributes; names without case, values as text (bytes where they are not UTF-8)."""

    def __init__(self, dn, attrs):
        self.dn = dn
        self.attrs = attrs

    def __getitem__(self, name):
        return self.attrs.get(name.lower(), [])

    def __contains__(self, name):
        return name.lower() in self.attrs

    def one(self, name):
        values = self[name]
        assert len(values) == 1, f"{self.dn}: {name} has {len(values)} values: {values!r}"
        return values[0]

    def __eq__(self, other):
        return isinstance(other, Entry) and self.dn == other.dn and \
            {k: sorted(map(repr, v)) for k, v in self.attrs.items()} == \
            {k: sorted(map(repr, v)) for k, v in other.attrs.items()}

    def __repr__(self):
        lines = [f"dn: {self.dn}"] + [f"{k}: {v}" for k, vs in sorted(self.attrs.items()) for v in vs]
        return "\n".join(lines)


def _decode(raw):
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw


def _value(rest):
    if rest.startswith(b":"):
        return _decode(base64.b64decode(rest[1:].strip()))
    return _decode(rest[1:] if rest.startswith(b" ") else rest)


def parse_ldif(data):
    """LDIF as printed by ldapsearch -LLL -o ldif-wrap=no."""
    entries = []
    for block in data.replace(b"\r\n", b"\n").split(b"\n\n"):
        dn, attrs = None, {}
        for line in block.split(b"\n"):
            if not line or line.startswith(b"#"):
                continue
            name, _, rest = line.partition(b":")
            key = name.decode("ascii").lower()
            if key == "dn" and dn is None:
                dn = _value(rest)
            elif key != "ref":
                attrs.setdefault(key, []).append(_value(rest))
        if dn is not None:
            entries.append(Entry(dn, attrs))
    return entries


def ldif_line(name, value):
    """One attribute line, base64 so that no value can change the LDIF."""
    raw = value.encode("utf-8") if isinstance(value, str) else value
    if not raw:
        return f"{name}:\n"
    return f"{name}:: {base64.b64encode(raw).decode('ascii')}\n"


class LdapError(AssertionError):
    def __init__(self, argv, code, stderr):
        super().__init__(f"{argv[0]} failed with {code}: {stderr.strip()}")
        self.code = code


class Tools:
    """ldapsearch and friends, bound as one identity. The password goes through a file, never the command line."""

    def __init__(self, uri, dn, password, tmp, ca=None):
        self.uri = uri
        self._ca = ca
        self.whoami = True
        self.dn = dn
        self._tmp = tmp
        self._pw = self._secret_file(password)

    def _secret_file(self, password):
        fd, path = tempfile.mkstemp(prefix="pw-", dir=self._tmp)
        with os.fdopen(fd, "wb") as f:
            f.write(password.encode("utf-8"))
        return path

    def _run(self, argv, stdin=b"", ok=(0,), timeout=TOOL_TIMEOUT):
        env = dict(os.environ, LDAPNOINIT="1", LC_ALL="C.UTF-8")
        if self._ca:  # LDAPNOINIT would hide it
            env.pop("LDAPNOINIT")
            env.update(LDAPCONF="/dev/null", LDAPRC="/dev/null", LDAPTLS_CACERT=self._ca, LDAPTLS_REQCERT="demand")
        done = subprocess.run(argv, input=stdin, capture_output=True, timeout=timeout, env=env, check=False)
        if done.returncode not in ok:
            raise LdapError(argv, done.returncode, done.stderr.decode("utf-8", "replace"))
        return done

    def _base(self, tool):
        return [tool, "-x", "-H", self.uri, "-D", self.dn, "-y", self._pw]

    def search(self, base, flt="(objectClass=*)", attrs=("*", "+"), scope="sub", controls=()):
        """Entries below base; an absent base is no entry. controls: as ldapsearch -E takes them."""
        argv = self._base("ldapsearch") + ["-LLL", "-o", "ldif-wrap=no", "-z", "none", "-s", scope, "-b", base]
        argv += [a for c in controls for a in ("-E", c)] + [flt]
        return parse_ldif(self._run(argv + list(attrs), ok=(0, 32)).stdout)

    def read(self, dn, attrs=("*", "+")):
        """The entry at dn or None."""
        found = self.search(dn, attrs=attrs, scope="base")
        return found[0] if found else None

    def dump(self, base):
        """Everything below base, operational attributes included: {dn: Entry}."""
        return {e.dn: e for e in self.search(base)}

    def add(self, dn, attrs, timeout=TOOL_TIMEOUT):
        """attrs: {name: value or list}."""
        text = ldif_line("dn", dn)
        for name, values in attrs.items():
            for v in values if isinstance(values, (list, tuple)) else [values]:
                text += ldif_line(name, v)
        self._run(self._base("ldapadd"), text.encode("ascii"), timeout=timeout)
        return dn

    def add_ldif(self, text, timeout=TOOL_TIMEOUT):
        self._run(self._base("ldapadd"), text.encode("utf-8"), timeout=timeout)

    def modify(self, dn, *changes, options=()):
        """changes: (op, attribute, [values])."""
        text = ldif_line("dn", dn) + "changetype: modify\n"
        for op, name, values in changes:
            text += f"{op}: {name}\n" + "".join(ldif_line(name, v) for v in values) + "-\n"
        self._run(self._base("ldapmodify") + list(options), text.encode("ascii"))

    def modify_ldif(self, text, timeout=TOOL_TIMEOUT, only_if=None):
        """Changes of all kinds, as LDIF; those that fail are passed over. How it ended. only_if: a filter that each
        entry must match (RFC 4528)."""
        held_to = ["-e", f"!assert={only_if}"] if only_if else []
        return self._run(self._base("ldapmodify") + ["-c"] + held_to, text.encode("utf-8"), ok=range(256),
                         timeout=timeout).returncode

    def rename(self, dn, new_rdn):
        self._run(self._base("ldapmodrdn") + ["-r", dn, new_rdn])

    def move(self, dn, new_parent):
        rdn = re.match(r"(?:\\.|[^,\\])+", dn).group(0)
        self._run(self._base("ldapmodrdn") + ["-r", "-s", new_parent, dn, rdn])

    def delete(self, dn, recursive=False):
        self._run(self._base("ldapdelete") + ["-M"] + (["-r"] if recursive else []) + [dn], ok=(0, 32))

    def binds(self, dn, password):
        """True if the directory accepts this password for dn (ldapwhoami, or any search where there is no such
        operation)."""
        pw = self._secret_file(password)
        probe = ["ldapwhoami"] if self.whoami else ["ldapsearch", "-b", "", "-s", "base", "-LLL"]
        try:
            done = self._run(probe[:1] + ["-x", "-H", self.uri, "-D", dn, "-y", pw] + probe[1:] +
                             ([] if self.whoami else ["1.1"]), ok=(0, 49, 53, 50))
        finally:
            os.unlink(pw)
        return done.returncode == 0
