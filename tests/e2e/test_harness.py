# SPDX-License-Identifier: Apache-2.0
"""The instruments themselves, with slapd alone: if these fail, no other result counts."""

from support.hinge import unique
from support.ldap import Tools, parse_ldif
from support.slapd import GATEWAY, GROUPS, PEOPLE
from support.slapdlog import done


def test_ldif_reader():
    text = b"dn:: dWlkPcO8\ncn: a\ncn:: w7w=\nmember: \nempty:\nphoto:: /9j/\n\ndn: o=x\no: x\n\n"
    one, two = parse_ldif(text)
    assert one.dn == "uid=ü" and one["CN"] == ["a", "ü"] and one["member"] == [""] and one["empty"] == [""]
    assert one["photo"] == [b"\xff\xd8\xff"] and two["o"] == ["x"] and two["nothing"] == []


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
