# SPDX-License-Identifier: Apache-2.0
"""Reads slapd's stats log: which LDAP operations did the daemon make?"""

import re
from dataclasses import dataclass, field

from .wait import until

_LINE = re.compile(r"\bconn=(\d+) (?:op=(\d+) )?(.*)$")
# What lutil_debug writes at once. A longer line, such as a filter of 100 DNs, is cut there and loses its end of line:
# the next line, of whatever thread, follows without a break.
_CUT = 4095
_VERBS = ("BIND", "SRCH", "ADD", "MOD", "MODRDN", "DEL", "CMP", "EXT", "PASSMOD", "WHOAMI")


@dataclass
class Op:
    conn: int
    op: int
    verb: str
    dn: str = ""
    filter: str = ""
    attrs: list = field(default_factory=list)
    err: int = None
    nentries: int = None

    def __repr__(self):
        extra = f" filter={self.filter}" if self.filter else ""
        attrs = f" attrs={' '.join(self.attrs)}" if self.attrs else ""
        return f"{self.verb} {self.dn}{extra}{attrs} -> {self.err}"


class SlapdLog:
    """Incremental reader. Only operations of connections bound as bind_dn count: the tests' own tools bind as admin."""

    def __init__(self, path, bind_dn):
        self._path = path
        self._bind_dn = bind_dn.lower()
        self._pos = 0
        self._rest = b""
        self._conn_dn = {}
        self._open = {}
        self.ops = []

    def poll(self):
        with open(self._path, "rb") as f:
            f.seek(self._pos)
            data = f.read()
            self._pos = f.tell()
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            for at in range(0, len(line), _CUT):
                self._line(line[at:at + _CUT].decode("utf-8", "replace"))

    def _line(self, line):
        if line.endswith("slapd starting"):  # connection numbers begin anew; what was open never got a result
            for o in self._open.values():
                o.err = -1
            self._open, self._conn_dn = {}, {}
        m = _LINE.search(line)
        if not m or m.group(2) is None:
            return
        conn, number, text = int(m.group(1)), int(m.group(2)), m.group(3)
        word, _, rest = text.partition(" ")
        key = (conn, number)
        if word == "BIND" and rest.startswith("dn="):
            dn = _quoted(rest, "dn")
            if key in self._open:  # the second BIND line (mech=…) repeats the name
                return
            self._conn_dn[conn] = dn.lower()
            self._start(Op(conn, number, "BIND", dn=dn))
        elif word == "SRCH" and rest.startswith("base="):
            self._start(Op(conn, number, "SRCH", dn=_quoted(rest, "base"), filter=_quoted(rest, "filter")))
        elif word == "SRCH" and rest.startswith("attr="):
            self._with(key, lambda o: o.attrs.extend(rest[5:].split()))
        elif word == "MOD" and rest.startswith("attr="):
            self._with(key, lambda o: o.attrs.extend(rest[5:].split()))
        elif word in ("RESULT", "SEARCH"):
            err = re.search(r"\berr=(-?\d+)", rest)
            n = re.search(r"\bnentries=(\d+)", rest)
            o = self._open.pop(key, None)
            if o:
                o.err = int(err.group(1)) if err else None
                o.nentries = int(n.group(1)) if n else None
        elif word == "ABANDON":  # a connection has one operation at a time: it is the one without result
            for o in [o for (c, _), o in self._open.items() if c == conn]:
                o.err = -1
                del self._open[(o.conn, o.op)]
        elif word in _VERBS and key not in self._open:
            self._start(Op(conn, number, word, dn=_quoted(rest, "dn")))

    def _with(self, key, fn):
        if key in self._open:
            fn(self._open[key])

    def _start(self, o):
        self._open[(o.conn, o.op)] = o
        self.ops.append(o)

    def mark(self):
        """A place in the log; give it to since()."""
        self.poll()
        return len(self.ops)

    def since(self, mark):
        """The daemon's operations after mark, finished ones (slapd logs a result just after sending it)."""
        def mine():
            return [o for o in self.ops[mark:] if self._conn_dn.get(o.conn) == self._bind_dn]

        def done():
            self.poll()
            return all(o.err is not None for o in mine() if o.verb != "EXT")

        until(done, "slapd to log the results of all operations", 5)
        return mine()


def _quoted(text, name):
    m = re.search(name + r'="(.*?)"(?: scope=| deref=| method=| mech=| newrdn=|$| )', text)
    return m.group(1) if m else ""


def done(ops, *verbs):
    """Those that the directory carried out."""
    return [o for o in ops if o.verb in verbs and o.err == 0]
