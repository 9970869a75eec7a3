# SPDX-License-Identifier: Apache-2.0
"""What every directory must do alike: sessions as identity providers run them, each effect read back by ldapsearch."""

import threading

import pytest

from support.hinge import unique
from support.scim import ENTERPRISE, GROUP, USER


def listed(c, **query):
    return c.get("/Users", query).expect(200).json


def replace(**attrs):
    return [{"op": "Replace", "path": k, "value": v} for k, v in attrs.items()]


# --- sessions ----------------------------------------------------------------------------------------------------------

def test_entra_session(side):
    """Create, match, update, disable, re-enable, rename, groups, delete as Entra does it."""
    c = side.client("entra")
    name = f"{unique('adele')}@{side.domain}"
    u = c.post("/Users", {
        "schemas": [USER, ENTERPRISE], "externalId": "adelev", "userName": name, "active": True,
        "displayName": "Adele Vance", "title": "Manager", "emails": [{"primary": True, "type": "work", "value": name}],
        "name": {"givenName": "Adele", "familyName": "Vance"}, "meta": {"resourceType": "User"},
        "phoneNumbers": [{"type": "work", "value": "+1 425 555 0109"}],
        ENTERPRISE: {"employeeNumber": "18", "department": "Retail"}}).expect(201).json
    assert u["active"] is True and u["externalId"] == "adelev"
    for attr, want in (("userName", name), ("displayName", "Adele Vance"), ("familyName", "Vance"), ("mail", name),
                       ("title", "Manager"), ("phone", "+1 425 555 0109")):
        assert side.value(u["id"], attr) == want
    assert not side.disabled(u["id"])

    found = listed(c, filter=f'userName eq "{name.upper()}"')
    assert [r["id"] for r in found["Resources"]] == [u["id"]]
    found = listed(c, filter='externalId eq "adelev"')
    assert [r["id"] for r in found["Resources"]] == [u["id"]]

    c.patch(f"/Users/{u['id']}", [
        {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "av@" + side.domain},
        {"op": "Add", "path": "name.familyName", "value": "Vance-Hill"},
        {"op": "Remove", "path": "title"}]).expect(200, 204)
    assert side.value(u["id"], "mail") == "av@" + side.domain
    assert side.value(u["id"], "familyName") == "Vance-Hill"
    assert side.value(u["id"], "title") is None

    for _ in range(2):  # the second one must not undo the first
        c.patch(f"/Users/{u['id']}", [{"op": "Replace", "path": "active", "value": "False"}]).expect(200, 204)
        assert side.disabled(u["id"])
    assert c.get(f"/Users/{u['id']}").json["active"] is False
    c.patch(f"/Users/{u['id']}", [{"op": "Replace", "path": "active", "value": "True"}]).expect(200, 204)
    assert not side.disabled(u["id"])

    new = f"{unique('adele.hill')}@{side.domain}"
    c.patch(f"/Users/{u['id']}", replace(userName=new, displayName="Adele Hill")).expect(200, 204)
    assert side.value(u["id"], "userName") == new and side.value(u["id"], "displayName") == "Adele Hill"

    g = c.post("/Groups", {"schemas": [GROUP], "externalId": "g-1", "displayName": unique("Sales")}).expect(201).json
    c.patch(f"/Groups/{g['id']}", [{"op": "Add", "path": "members", "value": [{"value": u["id"]}]}]).expect(200, 204)
    side.assert_members(g["id"], u["id"])
    assert [x["value"] for x in c.get(f"/Users/{u['id']}").json["groups"]] == [g["id"]]
    c.patch(f"/Groups/{g['id']}", replace(displayName=g["displayName"] + " EMEA")).expect(200, 204)
    assert side.entry(g["id"]).one("cn") == g["displayName"] + " EMEA"
    c.patch(f"/Groups/{g['id']}", [{"op": "Remove", "path": "members", "value": [{"value": u["id"]}]}]).expect(200, 204)
    side.assert_members(g["id"])
    c.delete(f"/Groups/{g['id']}").expect(204)
    assert side.entry(g["id"]) is None
    c.delete(f"/Users/{u['id']}").expect(204)
    assert side.entry(u["id"]) is None
    c.get(f"/Users/{u['id']}").error(404)


def test_okta_session(side):
    """Create with a password, PUT, deactivate, reactivate, password, membership, delete as Okta does it."""
    c = side.client("okta")
    name, pw, second = f"{unique('isaac')}@{side.domain}", side.password(), side.password()
    assert listed(c, filter=f'userName eq "{name}"', startIndex=1, count=100)["totalResults"] == 0
    body = {"schemas": [USER], "userName": name, "name": {"givenName": "Isaac", "familyName": "Brock"},
            "emails": [{"primary": True, "value": name, "type": "work"}], "displayName": "Isaac Brock",
            "locale": "en-US", "externalId": "00ujl29u0le5T6Aj10h7", "groups": [], "password": pw, "active": True}
    u = c.post("/Users", body).expect(201).json
    assert "password" not in u
    assert side.binds(u["id"], pw) and not side.binds(u["id"], pw + "x")

    body = dict(c.get(f"/Users/{u['id']}").expect(200).json, title="Singer")
    put = c.put(f"/Users/{u['id']}", body).expect(200).json
    assert put["title"] == "Singer" == side.value(u["id"], "title")
    assert side.binds(u["id"], pw)

    c.patch(f"/Users/{u['id']}", [{"op": "replace", "value": {"active": False}}]).expect(200, 204)
    assert side.disabled(u["id"]) and not side.binds(u["id"], pw)
    c.patch(f"/Users/{u['id']}", [{"op": "replace", "value": {"password": second}}]).expect(200, 204)
    assert side.disabled(u["id"]) and not side.binds(u["id"], second), "a password must not enable anybody"
    c.put(f"/Users/{u['id']}", dict(body, active=True)).expect(200)
    assert not side.disabled(u["id"]) and side.binds(u["id"], second) and not side.binds(u["id"], pw)

    g = side.make_group(u["id"], client="okta")
    side.assert_members(g["id"], u["id"])
    c.delete(f"/Users/{u['id']}").expect(204)
    side.assert_members(g["id"])


# --- names -------------------------------------------------------------------------------------------------------------

NAMES = ["Doe, John", " #lead", 'quo"te', "plus+equals=", "semi;colon", "back\\slash", "<angle>", "star*(paren)",
         "Zoë Ünïcode", "slash/ed", "two  blanks", "名前"]


@pytest.mark.parametrize("name", NAMES)
def test_display_names_that_need_escaping(side, name):
    u = side.make_user(displayName=name)
    assert side.value(u["id"], "displayName") == name.strip() or side.value(u["id"], "displayName") == name
    assert side.client("lenient").get(f"/Users/{u['id']}").expect(200).json["displayName"] == u["displayName"]
    g = side.make_group(u["id"], displayName=f"{unique()} {name}")
    side.assert_members(g["id"], u["id"])
    side.client("lenient").delete(f"/Groups/{g['id']}").expect(204)
    side.client("lenient").delete(f"/Users/{u['id']}").expect(204)


def test_names_are_taken(side):
    u = side.make_user()
    c = side.client("lenient")
    c.post("/Users", side.user_body(userName=u["userName"].upper())).error(409, "uniqueness")
    other = side.make_user()
    c.patch(f"/Users/{other['id']}", replace(userName=u["userName"])).error(409, "uniqueness")
    assert side.value(other["id"], "userName") == other["userName"]
    g = side.make_group()
    c.post("/Groups", {"schemas": [GROUP], "displayName": g["displayName"]}).error(409, "uniqueness")


def test_two_people_of_one_name(side):
    a, b = side.make_user(displayName="Kim Park"), side.make_user(displayName="Kim Park")
    assert a["id"] != b["id"] and a["displayName"] == b["displayName"] == "Kim Park"
    for u in (a, b):
        side.client("lenient").patch(f"/Users/{u['id']}", replace(displayName="Kim Lee")).expect(200, 204)
        assert side.value(u["id"], "displayName") == "Kim Lee"


def test_a_name_taken_over_by_another_entry(side):
    """The entry is the one with the id, wherever an administrator moves it and whoever has its old name now."""
    u = side.make_user(displayName=unique("Moved"))
    dn = side.dn(u["id"])
    attr, _, value = dn.partition(",")[0].partition("=")
    side.ldap.rename(dn, f"{attr}={value}-away")
    squatter = side.make_user(userName=u["userName"] + "x", displayName=u["displayName"])
    if attr.lower() == "uid":
        side.ldap.rename(side.dn(squatter["id"]), f"{attr}={value}")
    assert side.dn(squatter["id"]).lower() == dn.lower()
    side.client("lenient").patch(f"/Users/{u['id']}", replace(title="Right one")).expect(200, 204)
    assert side.value(u["id"], "title") == "Right one" and side.value(squatter["id"], "title") is None
    side.client("lenient").delete(f"/Users/{u['id']}").expect(204)
    assert side.entry(u["id"]) is None and side.entry(squatter["id"])


# --- groups ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [0, 1, 1501, 3001])
def test_group_sizes(side, crowd, size):
    """A group made by an administrator is read to its end; each change is exactly what was asked for."""
    dns, ids = crowd[0][:size], crowd[1][:size]
    c = side.client("lenient")
    dn, attrs = side.new_group(unique("size"), dns)
    side.ldap.add(dn, attrs, timeout=240)
    g = side.id_of(dn)
    side.assert_members(g, *ids)

    new = side.make_user()["id"]
    c.patch(f"/Groups/{g}", [{"op": "add", "path": "members", "value": [{"value": new}]}]).expect(200, 204)
    side.assert_members(g, new, *ids)
    gone = ids[size // 2:size // 2 + 1]
    c.patch(f"/Groups/{g}", [{"op": "remove", "path": f'members[value eq "{i}"]'} for i in gone + [new]]).expect(200, 204)
    left = [i for i in ids if i not in gone]
    side.assert_members(g, *left)

    doc = c.get(f"/Groups/{g}").expect(200).json  # a client that writes back what it has read
    doc["members"] = [m for m in doc.get("members", []) if m["value"] != (left or [""])[-1]] + [{"value": new}]
    c.put(f"/Groups/{g}", doc).expect(200)
    side.assert_members(g, new, *left[:-1])
    c.delete(f"/Groups/{g}").expect(204)


@pytest.mark.parametrize("size", [0, 1, 200, 201])
def test_users_of_a_group(side, crowd, size):
    """groups.value finds exactly the members, whatever the directory keeps of memberships in users."""
    dn, attrs = side.new_group(unique("of"), crowd[0][:size])
    side.ldap.add(dn, attrs, timeout=240)
    of_group = f'groups.value eq "{side.id_of(dn)}"'
    c, names = side.client("lenient"), {}
    for i in (0, 250):  # a member, if there are any, and one who is not
        names[i] = c.get(f"/Users/{crowd[1][i]}", {"attributes": "userName"}).expect(200).json["userName"]
        found = listed(c, filter=f'{of_group} and userName eq "{names[i]}"', attributes="id")
        assert [r["id"] for r in found["Resources"]] == ([crowd[1][i]] if i < size else [])
    if size <= 200:
        found = listed(c, filter=of_group, attributes="id", count=500)
        assert {r["id"] for r in found["Resources"]} == set(crowd[1][:size]) and found["totalResults"] == size
    c.delete(f"/Groups/{side.id_of(dn)}").expect(204)


def test_a_large_group_at_once(side, crowd):
    g = side.make_group(*crowd[1][:1600])
    side.assert_members(g["id"], *crowd[1][:1600])
    side.client("lenient").patch(f"/Groups/{g['id']}", [{"op": "remove", "path": "members"}]).expect(200, 204)
    side.assert_members(g["id"])


def test_members_that_are_there_or_not(side):
    """RFC 7644 3.5.2.1, 3.5.2.2: adding twice and removing what is absent change nothing and are no error."""
    a, b, c = (side.make_user()["id"] for _ in range(3))
    g = side.make_group(a)["id"]
    r = side.client("lenient")
    for _ in range(2):
        r.patch(f"/Groups/{g}", [{"op": "add", "path": "members", "value": [{"value": a}, {"value": b}]}]).expect(200, 204)
        side.assert_members(g, a, b)
    for _ in range(2):
        r.patch(f"/Groups/{g}", [{"op": "remove", "path": f'members[value eq "{b}"]'}]).expect(200, 204)
        side.assert_members(g, a)
    r.patch(f"/Groups/{g}", [{"op": "remove", "path": f'members[value eq "{c}"]'},
                             {"op": "add", "path": "members", "value": [{"value": b}]}]).expect(200, 204)
    side.assert_members(g, a, b)
    side.client("strict").patch(f"/Groups/{g}", [
        {"op": "add", "path": "members", "value": [{"value": "01900000-0000-7000-8000-000000000000"}]}]
    ).error(400, "invalidValue")
    side.assert_members(g, a, b)


def test_nested_groups(side):
    inner = side.make_group(side.make_user()["id"])
    outer = side.make_group(inner["id"])
    side.assert_members(outer["id"], inner["id"])
    assert side.client("lenient").get(f"/Groups/{outer['id']}").json["members"][0]["type"] == "Group"


def test_a_member_who_is_renamed_or_deleted(side):
    a, b = side.make_user(displayName=unique("Old")), side.make_user()
    g = side.make_group(a["id"], b["id"])["id"]
    c = side.client("lenient")
    c.patch(f"/Users/{a['id']}", replace(userName=f"{unique('r')}@{side.domain}", displayName=unique("New"))).expect(200)
    side.assert_members(g, a["id"], b["id"])
    c.delete(f"/Users/{a['id']}").expect(204)
    side.assert_members(g, b["id"])


# --- passwords ---------------------------------------------------------------------------------------------------------

def test_an_inactive_user_with_a_password(side):
    pw = side.password()
    u = side.make_user(active=False, password=pw)
    assert u["active"] is False and side.disabled(u["id"]) and not side.binds(u["id"], pw)
    side.client("lenient").patch(f"/Users/{u['id']}", replace(active=True)).expect(200, 204)
    assert side.binds(u["id"], pw)


def test_a_user_without_a_password_cannot_bind(side):
    u = side.make_user()
    assert u["active"] is True and not side.disabled(u["id"])
    assert not side.binds(u["id"], "anything-Xy9")


# --- versions ----------------------------------------------------------------------------------------------------------

def test_if_match(side):
    u = side.make_user()
    c = side.client("lenient")
    old = c.get(f"/Users/{u['id']}").expect(200).headers["ETag"]
    c.patch(f"/Users/{u['id']}", replace(title="One"), headers={"If-Match": old}).expect(200, 204)
    c.patch(f"/Users/{u['id']}", replace(title="Two"), headers={"If-Match": old}).expect(412)
    assert side.value(u["id"], "title") == "One"
    new = c.get(f"/Users/{u['id']}").expect(200).headers["ETag"]
    assert new != old
    c.get(f"/Users/{u['id']}", headers={"If-None-Match": new}).expect(304)
    c.delete(f"/Users/{u['id']}", headers={"If-Match": old}).expect(412)
    c.delete(f"/Users/{u['id']}", headers={"If-Match": new}).expect(204)


def test_one_of_many_writers_with_the_same_version_wins(side):
    u = side.make_user()
    tag = side.client("lenient").get(f"/Users/{u['id']}").headers["ETag"]
    got = []

    def write(i):
        c = side.daemon.client("lenient")
        got.append((c.patch(f"/Users/{u['id']}", replace(title=f"t{i}"), headers={"If-Match": tag}).status, f"t{i}"))
        c.close()

    threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    won = [t for status, t in got if status in (200, 204)]
    assert len(won) == 1 and sorted(s for s, _ in got)[-1] == 412, got
    assert side.value(u["id"], "title") == won[0]


def test_many_writers_of_one_group(side):
    users = [side.make_user()["id"] for _ in range(12)]
    g = side.make_group()["id"]

    def add(i):
        c = side.daemon.client("lenient")
        c.patch(f"/Groups/{g}", [{"op": "add", "path": "members", "value": [{"value": i}]}]).expect(200, 204)
        c.close()

    threads = [threading.Thread(target=add, args=(i,)) for i in users]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    side.assert_members(g, *users)


# --- lists and references ----------------------------------------------------------------------------------------------

def test_all_pages_of_a_long_list(side, crowd):
    c = side.client("lenient")
    seen, start, total = set(), 1, 1
    while start <= total:
        page = listed(c, startIndex=start, count=700, attributes="userName")
        assert page["Resources"], f"an empty page at {start} of {total}"
        total = page["totalResults"]
        seen |= {r["id"] for r in page["Resources"]}
        start += len(page["Resources"])
    assert set(crowd[1]) <= seen and len(seen) == total


@pytest.mark.parametrize("flt, found", [
    ('userName eq "{0}"', True), ('userName sw "{1}"', True), ('userName co "{1}"', True), ('id eq "{2}"', True),
    ('meta.created gt "2020-01-01T00:00:00Z" and userName eq "{0}"', True),
    ('meta.lastModified lt "2020-01-01T00:00:00Z" and userName eq "{0}"', False),
    ('active eq true and userName eq "{0}"', True), ('active eq false and userName eq "{0}"', False),
    ('userName eq "{0}" and not (title pr)', False), ('emails[type eq "work" and value co "{1}"]', True),
    ('emails.value eq "{0}"', True), ('name.familyName eq "lovelace" and userName eq "{0}"', True),
    ('userName eq "{0}" and title ne "Countess"', False),
])
def test_filters(side, flt, found):
    name = unique("flt")
    u = side.make_user(userName=f"{name}@{side.domain}", title="Countess",
                       emails=[{"type": "work", "value": f"{name}@{side.domain}"}])
    got = listed(side.client("lenient"), filter=flt.format(u["userName"], name, u["id"]))
    assert [r["id"] for r in got["Resources"]] == ([u["id"]] if found else [])


def test_manager(side):
    boss, u = side.make_user(displayName="The Boss"), None
    u = side.make_user(**{ENTERPRISE: {"manager": {"value": boss["id"]}}})
    assert u[ENTERPRISE]["manager"]["value"] == boss["id"]
    assert side.value(u["id"], "manager").lower() == side.dn(boss["id"]).lower()
    side.client("lenient").delete(f"/Users/{boss['id']}").expect(204)
    assert side.value(u["id"], "manager") is None
