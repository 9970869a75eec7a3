# SPDX-License-Identifier: Apache-2.0
"""Entries that administrators and older applications made: read as they are, changed without loss."""

import json

import pytest

from support.hinge import unique
from support.match import ABSENT, shows
from support.scim import GROUP
from support.slapd import GROUPS, PEOPLE


def legacy(h, **attrs):
    """An inetOrgPerson made with ldapadd: (id, dn)."""
    n = unique("old-")
    base = {"objectClass": ["top", "person", "organizationalPerson", "inetOrgPerson"], "uid": n, "cn": [f"{n} one"],
            "sn": "Old"}
    dn = h.ldap.add(f"uid={n},{PEOPLE}", {**base, **attrs})
    return h.ldap.read(dn, attrs=("entryUUID",)).one("entryUUID"), dn


def patch(h, id_, *ops):
    return h.lenient.patch(f"/Users/{id_}", [{"op": o, "path": p, **({"value": v} if v is not None else {})}
                                             for o, p, v in ops]).expect(200, 204)


def test_read(hinge):
    id_, _ = legacy(hinge, cn=["Old One", "One Old"], mail=["a@old.c", "b@old.c"], title=["Boss", "Chief"],
                    telephoneNumber=["+1 1", "+1 2"], description="not mapped", carLicense="X")
    doc = hinge.lenient.get(f"/Users/{id_}").expect(200).json
    assert doc["name"]["formatted"] in ("Old One", "One Old") and doc["title"] in ("Boss", "Chief")
    assert {e["value"] for e in doc["emails"]} == {"a@old.c", "b@old.c"}, doc["emails"]
    assert {p["value"] for p in doc["phoneNumbers"]} == {"+1 1", "+1 2"}, doc["phoneNumbers"]
    shows(doc, {"name": {"familyName": "Old"}, "active": True, "description": ABSENT, "carLicense": ABSENT})
    for title in ("boss", "chief"):  # a filter decides on what SCIM shows
        found = hinge.lenient.find("Users", f'userName eq "{doc["userName"]}" and title eq "{title}"')
        assert [x["id"] for x in found["Resources"]] == ([id_] if title == doc["title"].lower() else [])


@pytest.mark.parametrize("path,attribute,values,new", [
    ("title", "title", ["Boss", "Chief"], "CEO"), ("name.formatted", "cn", ["Old One", "One Old"], "New Name"),
    ("name.familyName", "sn", ["Old", "Older"], "New"), ("name.givenName", "givenName", ["A", "B"], "C"),
    ("userType", "employeeType", ["X", "Y"], "Z")])
def test_other_values_of_an_attribute_stay(hinge, path, attribute, values, new):
    id_, dn = legacy(hinge, **{attribute: values})
    doc = hinge.lenient.get(f"/Users/{id_}").expect(200).json
    shown = doc["name"][path.split(".")[1]] if "." in path else doc[path]
    assert shown in values
    patch(hinge, id_, ("replace", path, new))
    after = hinge.ldap.read(dn)
    rest = [v for v in values if v != shown]
    assert sorted(after[attribute]) == sorted([new, *rest]), \
        f"{attribute} is {after[attribute]}, was {values}, shown {shown}"
    doc = hinge.lenient.get(f"/Users/{id_}").json
    shown = doc["name"][path.split(".")[1]] if "." in path else doc[path]
    assert shown == new, "SCIM shows another value than it wrote"


def test_removing_one_of_two(hinge):
    id_, dn = legacy(hinge, mail=["a@old.c", "b@old.c"])
    patch(hinge, id_, ("remove", 'emails[value eq "a@old.c"]', None))
    assert hinge.ldap.read(dn)["mail"] == ["b@old.c"]
    shows(hinge.lenient.get(f"/Users/{id_}").json, {"emails": [{"value": "b@old.c"}]})


def test_adding_a_value_keeps_the_others(hinge):
    id_, dn = legacy(hinge, mail=["a@old.c", "b@old.c"])
    patch(hinge, id_, ("add", "emails", [{"type": "home", "value": "c@old.c"}]))
    values = {e["value"] for e in hinge.lenient.get(f"/Users/{id_}").json["emails"]}
    assert values == {"a@old.c", "b@old.c", "c@old.c"}
    assert {"a@old.c", "b@old.c"} <= set(hinge.ldap.read(dn)["mail"])


def test_unmapped_attributes_and_classes_are_never_touched(hinge):
    id_, dn = legacy(hinge, objectClass=["inetOrgPerson", "posixAccount", "shadowAccount"], uidNumber="5001",
                     gidNumber="5001", homeDirectory="/home/x", loginShell="/bin/sh", description=["d1", "d2"],
                     jpegPhoto=b"\xff\xd8\xff\xe0binary", carLicense="X-1", shadowLastChange="17000")
    before = hinge.ldap.read(dn)
    doc = hinge.lenient.get(f"/Users/{id_}").expect(200).json
    body = {k: v for k, v in doc.items() if k not in ("meta", "id", "groups")}
    hinge.okta.put(f"/Users/{id_}", {**body, "title": "T", "active": True}).expect(200)
    patch(hinge, id_, ("replace", "displayName", "D"), ("add", "nickName", "N"))
    after = hinge.ldap.read(dn)
    for name in ("uidNumber", "gidNumber", "homeDirectory", "loginShell", "description", "jpegPhoto", "carLicense",
                 "shadowLastChange", "cn", "sn", "uid", "structuralObjectClass"):
        assert sorted(map(repr, after[name])) == sorted(map(repr, before[name])), f"{name} changed"
    assert {"posixAccount", "shadowAccount", "inetOrgPerson"} <= set(after["objectClass"])
    hinge.assert_entry(id_, {"title": ["T"], "displayName": ["D"], "dirhingeNickName": ["N"]})


def test_a_put_of_what_was_read_changes_nothing(hinge):
    id_, dn = legacy(hinge, cn=["Old One", "One Old"], mail=["a@old.c", "b@old.c"], title=["Boss", "Chief"], ou="Sales",
                     departmentNumber=["1", "2"], postalAddress="1 High St$Town", street="1 High St", l="Town",
                     facsimileTelephoneNumber="+1 9", labeledURI="https://x.y profile")
    before = hinge.ldap.read(dn)
    doc = hinge.lenient.get(f"/Users/{id_}").expect(200).json
    with hinge.slapd.watch() as ops:
        got = hinge.lenient.put(f"/Users/{id_}", doc).expect(200).json
    assert hinge.ldap.read(dn) == before, f"{ops}"
    assert got == doc


def test_directory_wins_over_the_record(hinge):
    """The JSON beside mail only adds to it: what an administrator changed in mail is what SCIM shows."""
    n = unique("rec-")
    u = hinge.make_user(emails=[{"type": "work", "value": f"{n}@scim.c", "primary": True, "display": "Work"},
                                {"type": "home", "value": f"{n}@home.c"}])
    dn = hinge.dn(u["id"])
    assert f"{n}@scim.c" in hinge.entry(u["id"])["mail"]
    hinge.ldap.modify(dn, ("delete", "mail", [f"{n}@scim.c"]), ("add", "mail", [f"{n}@admin.c"]))
    shown = {e["value"] for e in hinge.lenient.get(f"/Users/{u['id']}").expect(200).json["emails"]}
    assert f"{n}@admin.c" in shown and f"{n}@scim.c" not in shown, shown
    assert hinge.lenient.find("Users", f'emails.value eq "{n}@admin.c"')["totalResults"] == 1
    assert hinge.lenient.find("Users", f'emails.value eq "{n}@scim.c"')["totalResults"] == 0
    patch(hinge, u["id"], ("replace", "title", "T"))
    assert hinge.entry(u["id"])["mail"] == [f"{n}@admin.c"], "a change of something else brought the old value back"
    hinge.ldap.modify(dn, ("delete", "mail", []))
    shown = {e["value"] for e in hinge.lenient.get(f"/Users/{u['id']}").json.get("emails", [])}
    assert shown == {f"{n}@home.c"}, shown


def test_broken_record_does_not_break_the_user(hinge):
    u = hinge.make_user(emails=[{"type": "work", "value": "x@y.z"}], roles=[{"value": "r"}])
    hinge.ldap.modify(hinge.dn(u["id"]), ("add", "dirhingeEmail", ["{not json", '"text"', "[]", '{"value":5}']),
                      ("add", "dirhingeRole", ["{" * 50, json.dumps({"value": "ok"})]))
    doc = hinge.lenient.get(f"/Users/{u['id']}").expect(200).json
    assert "x@y.z" in {e.get("value") for e in doc["emails"]}
    assert {"r", "ok"} <= {e.get("value") for e in doc["roles"]}
    hinge.lenient.find("Users", f'userName eq "{u["userName"]}"')
    patch(hinge, u["id"], ("replace", "title", "T"))
    hinge.assert_entry(u["id"], {"title": ["T"]})


def test_made_up_sn_gives_way(hinge):
    """B16: without a name, sn and cn are made up and not shown; a name sent later, or by an administrator, is."""
    u = hinge.make_user(name=None)
    assert "name" not in u or "familyName" not in u["name"]
    assert len(hinge.entry(u["id"])["sn"]) == 1
    patch(hinge, u["id"], ("add", "name.familyName", "Real"))
    shows(hinge.lenient.get(f"/Users/{u['id']}").json, {"name": {"familyName": "Real"}})
    hinge.assert_entry(u["id"], {"sn": ["Real"]})
    v = hinge.make_user(name=None)
    hinge.ldap.modify(hinge.dn(v["id"]), ("replace", "sn", ["Admin"]))
    shows(hinge.lenient.get(f"/Users/{v['id']}").json, {"name": {"familyName": "Admin"}})


def test_removing_a_required_name_makes_one_up_again(hinge):
    u = hinge.make_user()
    patch(hinge, u["id"], ("remove", "name", None))
    doc = hinge.lenient.get(f"/Users/{u['id']}").expect(200).json
    assert "familyName" not in doc.get("name", {}), doc
    hinge.assert_entry(u["id"], {"sn": lambda v: len(v) == 1 and v != ["Lovelace"], "givenName": None})


def test_entries_that_are_no_users_are_not_users(hinge):
    n = unique("dev-")
    dn = hinge.ldap.add(f"cn={n},{PEOPLE}", {"objectClass": "device", "cn": n})
    id_ = hinge.ldap.read(dn, attrs=("entryUUID",)).one("entryUUID")
    hinge.lenient.get(f"/Users/{id_}").error(404)
    hinge.lenient.delete(f"/Users/{id_}").error(404)
    assert hinge.ldap.read(dn) is not None
    outside = hinge.ldap.read("cn=gateway,dc=example,dc=com", attrs=("entryUUID",)).one("entryUUID")
    hinge.lenient.get(f"/Users/{outside}").error(404)
    hinge.lenient.delete(f"/Users/{outside}").error(404)
    assert hinge.ldap.read("cn=gateway,dc=example,dc=com") is not None


def test_an_entry_without_user_name_is_no_user(hinge):
    """RFC 7643 4.1.1: userName is required; a person that has none cannot be shown and is not counted or referred to."""
    n = unique("anon-")
    dn = hinge.ldap.add(f"cn={n},{PEOPLE}", {"objectClass": "inetOrgPerson", "cn": n, "sn": n})
    id_ = hinge.ldap.read(dn, attrs=("entryUUID",)).one("entryUUID")
    for flt in (f'id eq "{id_}"', f'name.familyName eq "{n}"', f'id eq "{id_}" and not (title pr)'):
        assert hinge.lenient.find("Users", flt)["totalResults"] == 0, flt
    hinge.lenient.get(f"/Users/{id_}").error(404)
    hinge.lenient.delete(f"/Users/{id_}").error(404)
    u = hinge.make_user()
    g = hinge.make_group(u["id"])
    hinge.ldap.modify(hinge.dn(g["id"]), ("add", "member", [dn]))
    assert hinge.shown_members(g["id"]) == {u["id"]}
    hinge.lenient.post("/Groups", {"schemas": [GROUP], "displayName": unique("g"), "members": [{"value": id_}]}) \
        .error(400, "invalidValue")
    hinge.ldap.modify(dn, ("add", "uid", [n]))
    assert hinge.lenient.get(f"/Users/{id_}").expect(200).json["userName"] == n
    assert hinge.shown_members(g["id"]) == {u["id"], id_}


def test_a_move_below_the_base_keeps_the_id(hinge):
    """The id is entryUUID: a new DN is the same user, in the same groups."""
    u = hinge.make_user()
    g = hinge.make_group(u["id"])
    sub = hinge.ldap.add(f"ou={unique('sub')},{PEOPLE}", {"objectClass": "organizationalUnit"})
    old = hinge.dn(u["id"])
    new = f"uid={u['userName']},{sub}"
    hinge.ldap.add_ldif(f"dn: {old}\nchangetype: modrdn\nnewrdn: uid={u['userName']}\ndeleteoldrdn: 1\n"
                        f"newsuperior: {sub}\n")
    hinge.ldap.modify(hinge.dn(g["id"]), ("delete", "member", [old]), ("add", "member", [new]))
    assert hinge.lenient.get(f"/Users/{u['id']}").expect(200).json["userName"] == u["userName"]
    hinge.assert_members(g["id"], u["id"])
    patch(hinge, u["id"], ("replace", "userName", u["userName"] + "x"))
    assert hinge.dn(u["id"]) == f"uid={u['userName']}x,{sub}", "a rename moved the entry back"
    hinge.assert_members(g["id"], u["id"])


def test_legacy_group(hinge):
    id_, dn = legacy(hinge)
    n = unique("lg-")
    gdn = hinge.ldap.add(f"cn={n},{GROUPS}", {
        "objectClass": "groupOfNames", "cn": [n, n + " alias"], "description": "kept", "owner": dn,
        "member": [dn.upper().replace("DC=EXAMPLE", "dc = example"), "cn=admin,dc=example,dc=com",
                   f"uid=gone,{PEOPLE}"]})
    gid = hinge.ldap.read(gdn, attrs=("entryUUID",)).one("entryUUID")
    assert hinge.shown_members(gid) == {id_}, "members that are neither users nor groups here are not shown"
    doc = hinge.lenient.get(f"/Groups/{gid}").json
    assert doc["displayName"] in (n, n + " alias")
    hinge.lenient.patch(f"/Groups/{gid}", [{"op": "remove", "path": f'members[value eq "{id_}"]'}]).expect(200, 204)
    after = hinge.ldap.read(gdn)
    assert len(after["member"]) == 2 and after["description"] == ["kept"] and len(after["cn"]) == 2, after
    assert hinge.shown_members(gid) == set()


def test_attribute_options_are_other_attributes(hinge):
    id_, dn = legacy(hinge, **{"title;lang-de": "Chefin", "cn;lang-de": "Deutsch", "mail": "l@old.c"})
    doc = hinge.lenient.get(f"/Users/{id_}").expect(200).json
    assert "title" not in doc and doc["name"]["formatted"] != "Deutsch", doc
    patch(hinge, id_, ("replace", "title", "Boss"), ("replace", "name.formatted", "Plain"))
    after = hinge.ldap.read(dn)
    assert (after["title"], after["title;lang-de"], after["cn;lang-de"]) == (["Boss"], ["Chefin"], ["Deutsch"])
    patch(hinge, id_, ("remove", "title", None))
    assert hinge.ldap.read(dn)["title;lang-de"] == ["Chefin"]


def test_second_user_name(hinge):
    """uid with two values: the one in the DN is shown, both are taken, a rename keeps the other."""
    n = unique("two-")
    dn = hinge.ldap.add(f"uid={n}a,{PEOPLE}", {"objectClass": "inetOrgPerson", "uid": [n + "b", n + "a"], "cn": "c",
                                              "sn": "s"})
    id_ = hinge.ldap.read(dn, attrs=("entryUUID",)).one("entryUUID")
    assert hinge.lenient.get(f"/Users/{id_}").json["userName"] == n + "a"
    hinge.lenient.post("/Users", hinge.user_body(userName=n + "b")).error(409, "uniqueness")
    patch(hinge, id_, ("replace", "userName", n + "c"))
    hinge.assert_entry(id_, {"uid": [n + "b", n + "c"]})
    assert hinge.dn(id_) == f"uid={n}c,{PEOPLE}"


def test_entry_with_a_name_of_two_attributes(hinge):
    n = unique("rdn-")
    dn = hinge.ldap.add(f"uid={n}+cn={n} Multi,{PEOPLE}", {"objectClass": "inetOrgPerson", "sn": "s"})
    id_ = hinge.ldap.read(dn, attrs=("entryUUID",)).one("entryUUID")
    g = hinge.make_group(id_)
    patch(hinge, id_, ("replace", "title", "T"))
    before = hinge.assert_entry(id_, {"title": ["T"], "uid": [n], "cn": [f"{n} Multi"]})
    r = hinge.lenient.patch(f"/Users/{id_}", [{"op": "replace", "path": "userName", "value": n + "x"}])
    if r.status in (200, 204):
        after = hinge.assert_entry(id_, {"uid": [n + "x"], "cn": [f"{n} Multi"]})
        assert "+" in after.dn.split(",")[0], f"the name lost a part: {after.dn}"
    else:
        r.expect(400)
        assert hinge.entry(id_) == before, "a refused rename changed the entry"
    hinge.assert_members(g["id"], id_)


def test_referral_among_the_users(hinge):
    """A reference to another server is not followed and not a user."""
    n = unique("ref-")
    hinge.ldap.add_ldif(f"dn: cn={n},{PEOPLE}\ncontrol: 2.16.840.1.113730.3.4.2 true\nchangetype: add\n"
                        f"objectClass: referral\nobjectClass: extensibleObject\ncn: {n}\n"
                        "ref: ldap://127.0.0.1:1/dc=example,dc=com\n")
    u = hinge.make_user()
    assert hinge.lenient.find("Users", f'userName eq "{u["userName"]}"')["totalResults"] == 1
    held = hinge.ldap.search(PEOPLE, "(objectClass=inetOrgPerson)", attrs=("1.1",))
    assert hinge.lenient.get("/Users?count=0").expect(200).json["totalResults"] == len(held)
    hinge.ldap.delete(f"cn={n},{PEOPLE}")


@pytest.mark.parametrize("how", ["PUT", "replace", "remove", "PUT []", "replace []"])
@pytest.mark.parametrize("stays", [True, False], ids=["some stay", "none stays"])
def test_one_rule_for_a_list_that_is_replaced(hinge, how, stays):
    """decisions/0008: what the client was shown goes, and what names nothing below the bases. What lies elsewhere, or
    names an entry there that is no resource, was in no list the client ever saw."""
    inside, other = hinge.make_user(), hinge.make_user()
    n = unique("mixed-")
    robot = f"cn={n}-robot,{PEOPLE}"
    hinge.ldap.add(robot, {"objectClass": "applicationProcess", "cn": f"{n}-robot"})
    keep = {"cn=printer,ou=services,dc=example,dc=com", robot, "dc=example,dc=com"} if stays else set()
    go = {hinge.dn(inside["id"]), f"uid=gone,{PEOPLE}", f"cn=gone,{GROUPS}"}
    dn = hinge.ldap.add(f"cn={n},{GROUPS}", {"objectClass": "groupOfNames", "cn": n, "member": sorted(keep | go)})
    id_ = hinge.ldap.read(dn, attrs=("entryUUID",)).one("entryUUID")
    new = [] if how == "remove" or how.endswith("[]") else [{"value": other["id"]}]
    if how.startswith("PUT"):
        hinge.lenient.put(f"/Groups/{id_}", {"schemas": [GROUP], "displayName": n, "members": new}).expect(200)
    else:
        op = {"op": how.split()[0], "path": "members", **({} if how == "remove" else {"value": new})}
        hinge.lenient.patch(f"/Groups/{id_}", [op]).expect(200, 204)
    members = hinge.ldap.read(dn, attrs=("member",))["member"]
    assert set(members) == (keep | {hinge.dn(m["value"]) for m in new} or {""}), members
