# SPDX-License-Identifier: Apache-2.0
"""PUT and DELETE of users as real clients send them (wire cases C31, C32, D, E)."""

import pytest

from support.hinge import unique
from support.match import ABSENT, shows
from support.scim import ENTERPRISE, USER
from support.slapd import PEOPLE
from support.slapdlog import done

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


def okta_body(u, **changes):
    """What Okta sends back after reading a user."""
    body = {"schemas": [USER], "id": u["id"], "userName": u["userName"],
            "name": {"givenName": "Another", "middleName": "", "familyName": "User"},
            "emails": [{"primary": True, "value": f"{u['userName']}@okta.c", "type": "work", "display": "x"}],
            "active": True, "groups": [], "meta": {"resourceType": "User"}}
    body.update(changes)
    return body


@pytest.mark.parametrize("client", ["okta", "lenient", "strict", "entra"])
def test_D1_put_writes_only_differences(hinge, client):
    u = hinge.make_user(client=client, name={"givenName": "Old", "middleName": "M", "familyName": "User"},
                        displayName="Kept")
    c = hinge.client(client)
    mark = hinge.slapd.audit_mark()
    doc = c.put(f"/Users/{u['id']}", okta_body(u)).expect(200).json
    want = {"id": u["id"], "userName": u["userName"], "active": True, "displayName": "Kept",
            "name": {"givenName": "Another", "familyName": "User", "middleName": ABSENT},
            "emails": [{"primary": True, "type": "work", "value": f"{u['userName']}@okta.c"}]}
    shows(doc, want)
    assert c.get(f"/Users/{u['id']}").json == doc
    hinge.assert_entry(u["id"], {"givenName": ["Another"], "sn": ["User"], "dirhingeMiddleName": None,
                                 "displayName": ["Kept"], "mail": [f"{u['userName']}@okta.c"]})
    written = [m.split(":")[0].lower() for r in hinge.slapd.audit(mark) for m in r["reqMod"]]
    assert "uid" not in written and "sn" not in written and "displayname" not in written, written


def test_D1_the_same_again_writes_nothing(hinge):
    u = hinge.make_user(client="okta")
    hinge.okta.put(f"/Users/{u['id']}", okta_body(u)).expect(200)
    before = hinge.entry(u["id"])
    with hinge.slapd.watch() as ops:
        hinge.okta.put(f"/Users/{u['id']}", okta_body(u)).expect(200)
    assert not [o for o in ops if o.verb in ("MOD", "MODRDN")], ops
    assert hinge.entry(u["id"]) == before, "a PUT without difference moved lastModified"


@pytest.mark.parametrize("client", ["okta", "strict"])
def test_D2_D3_put_deactivates_and_reactivates(hinge, client):
    u = hinge.make_user(client=client)
    c = hinge.client(client)
    assert c.put(f"/Users/{u['id']}", okta_body(u, active=False)).expect(200).json["active"] is False
    hinge.assert_entry(u["id"], {"pwdEndTime": lambda v: len(v) == 1, "givenName": ["Another"]})
    name = {"givenName": "Back", "familyName": "User"}
    with hinge.slapd.watch() as ops:
        doc = c.put(f"/Users/{u['id']}", okta_body(u, active=True, name=name)).expect(200).json
    shows(doc, {"active": True, "name": name})
    hinge.assert_entry(u["id"], {"pwdEndTime": None, "givenName": ["Back"]})
    assert [o.verb for o in done(ops, "MOD", "MODRDN")] == ["MOD"], f"not one modify: {ops}"


@pytest.mark.parametrize("how", ["D6-patch", "D7-put"])
def test_password_change(hinge, how):
    old, new = hinge.password(), hinge.password()
    u = hinge.make_user(client="okta", password=old)
    if how == "D6-patch":
        r = hinge.okta.patch(f"/Users/{u['id']}", [{"op": "replace", "value": {"password": new}}]).expect(200, 204)
    else:
        r = hinge.okta.put(f"/Users/{u['id']}", okta_body(u, password=new)).expect(200)
    assert new.encode() not in r.body
    dn = hinge.dn(u["id"])
    assert hinge.ldap.binds(dn, new) and not hinge.ldap.binds(dn, old)


def test_D8_absent_attributes_stay(hinge):
    u = hinge.make_user(client="okta", title="From HR", **{ENTERPRISE: {"department": "D"}})
    dn = hinge.dn(u["id"])
    hinge.ldap.modify(dn, ("add", "description", ["not mapped"]), ("add", "carLicense", ["X-1"]))
    doc = hinge.okta.put(f"/Users/{u['id']}", okta_body(u)).expect(200).json
    shows(doc, {"title": "From HR", ENTERPRISE: {"department": "D"}})
    hinge.assert_entry(u["id"], {"title": ["From HR"], "description": ["not mapped"], "carLicense": ["X-1"]})


@pytest.mark.parametrize("empty", [None, ""], ids=["null", "empty"])
def test_D8_empty_clears(hinge, empty):
    u = hinge.make_user(client="okta", title="T", emails=[{"type": "work", "value": "d8@x.y"}])
    doc = hinge.okta.put(f"/Users/{u['id']}", okta_body(u, title=empty, emails=[])).expect(200).json
    shows(doc, {"title": ABSENT, "emails": ABSENT})
    hinge.assert_entry(u["id"], {"title": None, "mail": None})


@pytest.mark.parametrize("client", ["okta", "strict"])
def test_D9_put_renames(hinge, client):
    u = hinge.make_user(client=client)
    g = hinge.make_group(u["id"])
    new = unique("d9-")
    doc = hinge.client(client).put(f"/Users/{u['id']}", okta_body(u, userName=new)).expect(200).json
    assert (doc["id"], doc["userName"]) == (u["id"], new)
    e = hinge.assert_entry(u["id"], {"uid": [new], "givenName": ["Another"]})
    assert e.dn.startswith(f"uid={new},")
    hinge.assert_members(g["id"], u["id"])
    assert hinge.ldap.search(PEOPLE, f"(uid={u['userName']})") == []


def test_D9_put_to_a_taken_name(hinge):
    a, b = hinge.make_user(client="okta"), hinge.make_user(client="okta")
    before = {i: hinge.entry(i) for i in (a["id"], b["id"])}
    hinge.okta.put(f"/Users/{a['id']}", okta_body(a, userName=b["userName"])).error(409, "uniqueness")
    after = hinge.entry(a["id"])
    assert (after.dn, after["uid"], after["givenName"]) == \
        (before[a["id"]].dn, before[a["id"]]["uid"], before[a["id"]]["givenName"]), "a refused PUT was half done"
    assert hinge.entry(b["id"]) == before[b["id"]]


@pytest.mark.parametrize("how", ["PUT", "PATCH"])
def test_D11_unassigned_user_stays(hinge, how):
    u = hinge.make_user(client="okta")
    g = hinge.make_group(u["id"])
    if how == "PUT":
        hinge.okta.put(f"/Users/{u['id']}", okta_body(u, active=False)).expect(200)
    else:
        hinge.okta.patch(f"/Users/{u['id']}", [{"op": "replace", "value": {"active": False}}]).expect(200, 204)
    assert hinge.okta.get(f"/Users/{u['id']}").expect(200).json["active"] is False
    hinge.assert_entry(u["id"], {"pwdEndTime": lambda v: len(v) == 1, "uid": [u["userName"]]})
    hinge.assert_members(g["id"], u["id"])


def test_E6_authentik_full_object(hinge):
    u = hinge.make_user(externalId=unique("ak"))
    body = {"schemas": [USER], "externalId": u["externalId"], "userName": u["userName"], "active": True,
            "name": {"formatted": "Grace Hopper", "givenName": "Grace", "familyName": "Hopper"},
            "displayName": "Grace Hopper", "emails": [{"type": "other", "value": "grace@x.y", "primary": True}]}
    doc = hinge.lenient.put(f"/Users/{u['id']}", body).expect(200).json
    shows(doc, {k: body[k] for k in ("externalId", "userName", "displayName", "name", "emails")})
    hinge.assert_entry(u["id"], {"cn": ["Grace Hopper"], "sn": ["Hopper"], "displayName": ["Grace Hopper"],
                                 "mail": None, "dirhingeEmail": lambda v: len(v) == 1 and "grace@x.y" in v[0]})


@pytest.mark.parametrize("client", ["entra", "lenient", "okta", "strict"])
def test_C31_E7_E8_delete(hinge, client):
    u, other = hinge.make_user(), hinge.make_user()
    g = hinge.make_group(u["id"], other["id"])
    c = hinge.client(client)
    assert c.delete(f"/Users/{u['id']}").expect(204).body == b""
    c.get(f"/Users/{u['id']}").error(404)
    assert c.find("Users", f'userName eq "{u["userName"]}"')["totalResults"] == 0
    assert hinge.entry(u["id"]) is None
    hinge.assert_members(g["id"], other["id"])


def test_C32_delete_unknown_and_twice(hinge):
    u = hinge.make_user()
    hinge.entra.delete(f"/Users/{UNKNOWN_ID}").error(404)
    hinge.entra.delete(f"/Users/{u['id']}").expect(204)
    hinge.entra.delete(f"/Users/{u['id']}").error(404)
    assert hinge.entry(u["id"]) is None


@pytest.mark.parametrize("kind", ["Users", "Groups"])
def test_E9_vanished_id(hinge, kind):
    if kind == "Users":
        x = hinge.make_user()
        body = okta_body(x)
    else:
        x = hinge.make_group()
        body = {"schemas": x["schemas"], "displayName": x["displayName"]}
    hinge.ldap.delete(hinge.dn(x["id"]))
    hinge.lenient.put(f"/{kind}/{x['id']}", body).error(404)
    hinge.lenient.patch(f"/{kind}/{x['id']}", [{"op": "replace", "path": "displayName", "value": "x"}]).error(404)
    hinge.lenient.get(f"/{kind}/{x['id']}").error(404)
    assert hinge.entry(x["id"]) is None, "an update created the entry anew"


def test_put_never_creates(hinge, no_writes):
    hinge.lenient.put(f"/Users/{UNKNOWN_ID}", hinge.user_body()).error(404)


@pytest.mark.parametrize("body", [{"schemas": [USER]}, {"schemas": [USER], "userName": ""}, [], {}], ids=str)
def test_bad_put_changes_nothing(hinge, body):
    u = hinge.make_user(title="T")
    before = hinge.entry(u["id"])
    hinge.strict.put(f"/Users/{u['id']}", body).error(400, ("invalidValue", "invalidSyntax"))
    assert hinge.entry(u["id"]) == before


def test_groups_of_a_user_are_shown_and_read_only(hinge):
    u = hinge.make_user()
    g = hinge.make_group(u["id"])
    doc = hinge.lenient.get(f"/Users/{u['id']}").expect(200).json
    shows(doc, {"groups": [{"value": g["id"], "display": g["displayName"]}]})
    hinge.lenient.put(f"/Users/{u['id']}", okta_body(u, groups=[])).expect(200)
    hinge.assert_members(g["id"], u["id"])


@pytest.mark.parametrize("value,status", [("match", 200), ("old", 412), ("*", 200)])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_if_match(hinge, method, value, status):
    u = hinge.make_user(title="0")
    r = hinge.lenient.get(f"/Users/{u['id']}").expect(200)
    assert r.headers["ETag"] == r.json["meta"]["version"], "ETag and meta.version differ"
    tag = r.headers["ETag"]
    if value == "old":
        hinge.ldap.modify(hinge.dn(u["id"]), ("replace", "title", ["1"]))
    before = hinge.entry(u["id"])
    headers = {"If-Match": "*" if value == "*" else tag}
    if method == "PUT":
        got = hinge.lenient.put(f"/Users/{u['id']}", okta_body(u, title="2"), headers=headers)
    elif method == "PATCH":
        got = hinge.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "title", "value": "2"}],
                                  headers=headers)
    else:
        got = hinge.lenient.delete(f"/Users/{u['id']}", headers=headers)
    if status == 412:
        got.error(412)
        assert hinge.entry(u["id"]) == before
        return
    got.expect(200, 204)
    if method == "DELETE":
        assert hinge.entry(u["id"]) is None
    else:
        hinge.assert_entry(u["id"], {"title": ["2"]})


def test_if_match_with_rename(hinge):
    """Assertions reach overlay-internal operations on slapd 2.5: a true one must not make unique or a rename fail."""
    u = hinge.make_user()
    tag = hinge.lenient.get(f"/Users/{u['id']}").headers["ETag"]
    new = unique("ifm-")
    hinge.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "userName", "value": new},
                                              {"op": "replace", "path": "title", "value": "T"}],
                        headers={"If-Match": tag}).expect(200, 204)
    hinge.assert_entry(u["id"], {"uid": [new], "title": ["T"]})


@pytest.mark.parametrize("value", ["tag", "*"])
def test_if_none_match(hinge, value):
    u = hinge.make_user()
    tag = hinge.lenient.get(f"/Users/{u['id']}").headers["ETag"]
    r = hinge.lenient.get(f"/Users/{u['id']}", headers={"If-None-Match": tag if value == "tag" else "*"}).expect(304)
    assert r.body == b""
    hinge.ldap.modify(hinge.dn(u["id"]), ("replace", "title", ["new"]))
    if value == "tag":
        assert hinge.lenient.get(f"/Users/{u['id']}", headers={"If-None-Match": tag}).expect(200).json["title"] == "new"
