# SPDX-License-Identifier: Apache-2.0
"""The instruments themselves, with slapd alone: if these fail, no other result counts."""

import glob
import os
import re

from support.hinge import unique
from support.ldap import Tools, parse_ldif
from support.slapd import GATEWAY, GROUPS, PEOPLE
from support.slapdlog import SlapdLog, done

# What real clients are known to send: section and number of each case (tests/README.md).
WIRE = {
    "A": "1 2 3 4 5 6 8 9 10 11 12 13 14 16 17 18 19 21 22 23 26 27 28",
    "B": "1 2 3 4 5 6 7 9 10 11 12 13 14 15 16 17 18 20 21 22 23",
    "C": "1 2 3 4 5 6 7 9 10 11 12 13 14 16 17 18 19 20 23 24 25 26 27 28 30 31 32 33",
    "D": "1 2 3 4 5 6 7 8 9 11 12",
    "E": "1 2 3 4 6 7 8 9 10 11 12",
    "F": "1 2 3 4 5 6 7 8 9 10 12 13 14 15 16 17 19 20 21 22 23 24 26 27 28 29 30 32 33 34 35 38",
    "G": "1 2 3 4 6 7 8 10 11 12 13",
}


def test_every_wire_case_has_a_test():
    """By name: test_A1_…, test_A1_A2_…, a row or a parameter "A1" or "A1-variant"."""
    text = ""
    for path in glob.glob(os.path.join(os.path.dirname(__file__), "test_*.py")):
        if path != __file__:
            with open(path, encoding="utf-8") as f:
                text += f.read()
    named = set(re.findall(r'"([A-G][0-9]+)(?=["-])', text))
    for several in re.findall(r"def test_((?:[A-G][0-9]+_)+)", text):
        named |= set(several.split("_"))
    missing = [s + n for s, numbers in WIRE.items() for n in numbers.split() if s + n not in named]
    assert not missing, f"wire cases without a test: {missing}"


def test_ldif_reader():
    text = b"dn:: dWlkPcO8\ncn: a\ncn:: w7w=\nmember: \nempty:\nphoto:: /9j/\n\ndn: o=x\no: x\n\n"
    one, two = parse_ldif(text)
    assert one.dn == "uid=ü" and one["CN"] == ["a", "ü"] and one["member"] == [""] and one["empty"] == [""]
    assert one["photo"] == [b"\xff\xd8\xff"] and two["o"] == ["x"] and two["nothing"] == []


def test_slapd_cuts_long_lines_of_its_log(tmp_path):
    """The line behind a long one hangs on to it; no operation may be lost to that."""
    head = "6b006694.060378e3 0x7fc257fff6c0 conn="
    long = f'{head}1 op=1 SRCH base="o=x" scope=2 deref=0 filter="(|' + "(member=uid=ü,o=x)" * 300
    lines = [f'{head}1 op=0 BIND dn="{GATEWAY}" method=128', f"{head}1 op=0 RESULT tag=97 err=0 text=",
             f'{head}2 op=0 BIND dn="{GATEWAY}" method=128', f"{head}2 op=0 RESULT tag=97 err=0 text=",
             f'{head}2 op=1 SRCH base="o=y" scope=2 deref=0 filter="(a=b)"', f"{head}2 op=1 SRCH attr=a"]
    behind = [f"{head}2 op=1 SEARCH RESULT tag=101 err=0 nentries=7 text=", f"{head}1 op=1 SRCH attr=member",
              f"{head}1 op=1 SEARCH RESULT tag=101 err=0 nentries=3 text="]
    path = tmp_path / "slapd.log"
    path.write_bytes("".join(f"{line}\n" for line in lines).encode() + long.encode()[:4095] +
                     "".join(f"{line}\n" for line in behind).encode())
    ops = SlapdLog(str(path), GATEWAY).since(0)
    assert [(o.verb, o.dn, o.attrs, o.nentries) for o in ops if o.verb == "SRCH"] == [
        ("SRCH", "o=y", ["a"], 7), ("SRCH", "o=x", ["member"], 3)]


def test_slapd_log_and_accesslog_tell_what_a_client_did(directories):
    slapd = directories()
    gateway = Tools(slapd.ldapi, GATEWAY, slapd.gateway_pw, slapd.dir)
    name = unique("harness-")
    dn, group = f"uid={name},{PEOPLE}", f"cn={name},{GROUPS}"
    mark = slapd.audit_mark()
    with slapd.watch() as ops:
        gateway.add(dn, {"objectClass": "inetOrgPerson", "uid": name, "cn": "A", "sn": "B"})
        gateway.modify(dn, ("replace", "sn", ["Ü"]), ("add", "title", ["x", "y"]))
        gateway.search(PEOPLE, f"(uid={name})", attrs=("uid", "sn"))
        gateway.add(group, {"objectClass": "groupOfNames", "cn": name, "member": ""})
        slapd.admin.modify(dn, ("delete", "title", []))  # another identity: not among the operations
        gateway.delete(dn)
    assert [(o.verb, o.err) for o in ops if o.verb != "BIND"] == [
        ("ADD", 0), ("MOD", 0), ("SRCH", 0), ("ADD", 0), ("DEL", 0)]
    mod, search = done(ops, "MOD")[0], done(ops, "SRCH")[0]
    assert mod.dn == dn and mod.attrs == ["sn", "title"]
    assert (search.dn, search.filter, search.attrs, search.nentries) == (PEOPLE, f"(uid={name})", ["uid", "sn"], 1)
    assert [r.one("reqType") for r in slapd.audit(mark)] == ["add", "modify", "add", "modify", "delete"]
    mods = [m for r in slapd.audit(mark) for m in r["reqMod"]]
    assert "sn:= Ü" in mods and "title:+ x" in mods and "member:+ " in mods
    assert slapd.admin.read(group)["member"] == [""] and slapd.admin.read(dn) is None
    assert slapd.admin.binds(GATEWAY, slapd.gateway_pw) and not slapd.admin.binds(GATEWAY, "wrong")
