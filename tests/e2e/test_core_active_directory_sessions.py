# SPDX-License-Identifier: Apache-2.0
"""Sessions of Entra and Okta in front of a domain controller, each step read back in the attributes an administrator
looks at; and what the domain controller refuses, as the client is told it."""

import pytest

from support import samba
from support.hinge import unique
from support.scim import ENTERPRISE, GROUP, USER

pytestmark = pytest.mark.flavour("active-directory")

SHOW_DELETED = "1.2.840.113556.1.4.417"


def replace(**attrs):
    return [{"op": "Replace", "path": k, "value": v} for k, v in attrs.items()]


def can_log_on(side, u, password):
    """By each of the three names that people type."""
    e = side.entry(u["id"])
    names = [e.dn, e.one("userPrincipalName"), f"ADTEST\\{e.one('sAMAccountName')}"]
    got = {n: side.ldap.binds(n, password) for n in names}
    assert len(set(got.values())) == 1, got
    return got[e.dn]


def tombstone(side, id_):
    found = side.ldap.search(f"<GUID={id_}>", attrs=("isDeleted", "lastKnownParent"), scope="base",
                             controls=(SHOW_DELETED,))
    return found[0] if found else None


def test_entra(side):
    c, pw = side.client("entra"), side.password()
    local, ext = unique("megan"), unique("ext")
    upn, cn = f"{local}@{side.domain}", unique("Megan Bowen")
    u = c.post("/Users", {
        "schemas": [USER, ENTERPRISE], "externalId": ext, "userName": upn, "active": True, "displayName": cn,
        "emails": [{"primary": True, "type": "work", "value": upn}], "meta": {"resourceType": "User"},
        "name": {"formatted": cn, "familyName": "Bowen", "givenName": "Megan"}, "title": "Recruiter",
        "addresses": [{"type": "work", "country": "US", "locality": "Pittsburgh"}],
        ENTERPRISE: {"department": "HR", "employeeNumber": "4711"}}).expect(201).json
    dn = f"CN={cn},{side.people}"
    born = side.assert_entry(u["id"], {
        "userPrincipalName": [upn], "sAMAccountName": [local], "cn": [cn], "displayName": [cn], "givenName": ["Megan"],
        "sn": ["Bowen"], "mail": [upn], "title": ["Recruiter"], "department": ["HR"], "employeeID": ["4711"],
        "c": ["US"], "co": ["United States"], "countryCode": ["840"], "l": ["Pittsburgh"],
        "msDS-cloudExtensionAttribute20": [f"entra:{ext}"], "userAccountControl": ["512"], "primaryGroupID": ["513"],
        "objectClass": lambda v: "user" in v and "computer" not in v, "proxyAddresses": None, "adminCount": None})
    assert born.dn == dn and not can_log_on(side, u, pw)

    for flt in (f'userName eq "{upn}"', f'externalId eq "{ext}"', f'userName eq "{upn.upper()}"'):
        assert [r["id"] for r in c.get("/Users", {"filter": flt}).expect(200).json["Resources"]] == [u["id"]], flt

    c.patch(f"/Users/{u['id']}", [
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": f"mb@{side.domain}"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "People"},
        {"op": "Remove", "path": "title"}]).expect(200, 204)
    side.assert_entry(u["id"], {"mail": [f"mb@{side.domain}"], "department": ["People"], "title": None, "cn": [cn]})

    c.patch(f"/Users/{u['id']}", replace(password=pw)).expect(200, 204)
    assert can_log_on(side, u, pw)
    for _ in range(2):
        c.patch(f"/Users/{u['id']}", replace(active="False")).expect(200, 204)
        side.assert_entry(u["id"], {"userAccountControl": ["514"]})
        assert not can_log_on(side, u, pw)
    assert c.get(f"/Users/{u['id']}").json["active"] is False
    c.patch(f"/Users/{u['id']}", replace(active="True")).expect(200, 204)
    side.assert_entry(u["id"], {"userAccountControl": ["512"]})
    assert can_log_on(side, u, pw)

    g = c.post("/Groups", {"schemas": [GROUP], "displayName": unique("Recruiters")}).expect(201).json
    c.patch(f"/Groups/{g['id']}", [{"op": "Add", "path": "members", "value": [{"value": u["id"]}]}]).expect(200, 204)
    group_dn = side.assert_entry(g["id"], {"member": [dn], "sAMAccountName": [g["displayName"]]}).dn
    side.assert_entry(u["id"], {"memberOf": [group_dn]})

    new_upn, new_cn = f"{unique('megan.hill')}@{side.domain}", unique("Megan Hill")
    c.patch(f"/Users/{u['id']}", replace(userName=new_upn, displayName=new_cn)).expect(200, 204)
    e = side.assert_entry(u["id"], {"userPrincipalName": [new_upn], "cn": [new_cn], "displayName": [new_cn],
                                    "sAMAccountName": [local], "memberOf": [group_dn], "objectSid": born["objectSid"]})
    assert e.dn == f"CN={new_cn},{side.people}" and can_log_on(side, u, pw)
    side.assert_entry(g["id"], {"member": [e.dn]})
    new_name = unique("Talent")
    c.patch(f"/Groups/{g['id']}", replace(displayName=new_name)).expect(200, 204)
    group_dn = side.assert_entry(g["id"], {"cn": [new_name], "sAMAccountName": [new_name], "member": [e.dn]}).dn
    side.assert_entry(u["id"], {"memberOf": [group_dn]})
    c.patch(f"/Groups/{g['id']}", [{"op": "Remove", "path": "members", "value": [{"value": u["id"]}]}]).expect(200, 204)
    side.assert_entry(g["id"], {"member": None})
    side.assert_entry(u["id"], {"memberOf": None})

    c.delete(f"/Users/{u['id']}").expect(204)
    c.delete(f"/Groups/{g['id']}").expect(204)
    for i, parent in ((u["id"], side.people), (g["id"], side.groups)):
        assert side.entry(i) is None
        gone = tombstone(side, i)
        assert gone.one("isDeleted") == "TRUE" and gone.one("lastKnownParent") == parent
    c.get(f"/Users/{u['id']}").error(404)
    c.get(f"/Groups/{g['id']}").error(404)


def test_okta(side):
    c, pw, second, third = side.client("okta"), side.password(), side.password(), side.password()
    local, cn = unique("isaac"), unique("Isaac Brock")
    upn = f"{local}@{side.domain}"
    assert c.get("/Users", {"filter": f'userName eq "{upn}"', "startIndex": 1, "count": 100}).json["totalResults"] == 0
    u = c.post("/Users", {"schemas": [USER], "userName": upn, "displayName": cn, "locale": "en-US", "active": True,
                          "name": {"givenName": "Isaac", "familyName": "Brock"}, "externalId": unique("00u"),
                          "emails": [{"primary": True, "value": upn, "type": "work"}], "groups": [],
                          "password": pw}).expect(201).json
    side.assert_entry(u["id"], {"userPrincipalName": [upn], "sAMAccountName": [local], "cn": [cn],
                                "userAccountControl": ["512"], "mail": [upn], "pwdLastSet": lambda v: v[0] != "0"})
    assert can_log_on(side, u, pw)

    body = c.get(f"/Users/{u['id']}").expect(200).json
    c.put(f"/Users/{u['id']}", dict(body, title="Singer", phoneNumbers=[{"type": "mobile", "value": "+1 555 0100"}])
          ).expect(200)
    side.assert_entry(u["id"], {"title": ["Singer"], "mobile": ["+1 555 0100"], "userAccountControl": ["512"],
                                "sAMAccountName": [local]})
    assert can_log_on(side, u, pw)

    c.patch(f"/Users/{u['id']}", [{"op": "replace", "value": {"active": False}}]).expect(200, 204)
    side.assert_entry(u["id"], {"userAccountControl": ["514"]})
    assert not can_log_on(side, u, pw)
    c.patch(f"/Users/{u['id']}", [{"op": "replace", "value": {"password": second}}]).expect(200, 204)
    side.assert_entry(u["id"], {"userAccountControl": ["514"]})
    assert not can_log_on(side, u, second), "a password must not enable anybody"
    c.put(f"/Users/{u['id']}", dict(body, active=True)).expect(200)
    side.assert_entry(u["id"], {"userAccountControl": ["512"]})
    assert can_log_on(side, u, second) and not can_log_on(side, u, pw)
    c.patch(f"/Users/{u['id']}", [{"op": "replace", "value": {"active": False, "password": third}}]).expect(200, 204)
    assert not can_log_on(side, u, third)
    c.patch(f"/Users/{u['id']}", [{"op": "replace", "value": {"active": True}}]).expect(200, 204)
    assert can_log_on(side, u, third) and not can_log_on(side, u, second)

    g = side.make_group(u["id"], client="okta")
    c.put(f"/Groups/{g['id']}", {"schemas": [GROUP], "displayName": g["displayName"], "members": []}).expect(200)
    side.assert_entry(g["id"], {"member": None})
    c.delete(f"/Users/{u['id']}").expect(204)
    assert side.entry(u["id"]) is None and tombstone(side, u["id"]).one("isDeleted") == "TRUE"


@pytest.mark.parametrize("pw", ['quo"te\'Xy9', "Ümläut-Xy9-ß", "emoji-\U0001f600-Xy9", "P9x" + "a" * 117,
                                " blanks around Xy9 ", "Xy9\\back\\slash", "Xy9\u00a0nbsp"])
def test_passwords_as_they_were_typed(side, pw):
    """UTF-16 in quotes on the wire; what is in them is the user's."""
    u = side.make_user(password=pw)
    assert can_log_on(side, u, pw)
    assert not side.binds(u["id"], pw[:-1]) and not side.binds(u["id"], pw + "x")


# --- what the domain controller refuses ---------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def outsider(side_session):
    """An account outside of everything the gateway sees: (its userPrincipalName, sAMAccountName)."""
    side, name = side_session, unique("outside")
    upn = f"{name}.upn@{side.domain}"
    side.ldap.add(f"CN={name},CN=Users,{samba.SUFFIX}", {
        "objectClass": "user", "sAMAccountName": name, "userPrincipalName": upn, "userAccountControl": "514"})
    return upn, name


def nothing_below(side, flt):
    return side.ldap.search(f"OU=Staff,{samba.SUFFIX}", flt, attrs=("1.1",)) == []


def test_a_user_principal_name_of_an_account_out_of_sight(side, outsider):
    """The directory refuses it, not the gateway's own search."""
    c, upn = side.client("entra"), outsider[0]
    r = c.post("/Users", side.user_body(userName=upn)).error(409, "uniqueness").json
    assert "has this name" in r["detail"] and outsider[1] not in r["detail"] and "CN=" not in r["detail"]
    assert nothing_below(side, f"(userPrincipalName={upn})")
    u = side.make_user()
    before = side.entry(u["id"])
    c.patch(f"/Users/{u['id']}", replace(userName=upn, displayName=unique("Other"))).error(409, "uniqueness")
    after = side.entry(u["id"])
    assert (after.dn, after["userPrincipalName"], after["displayName"]) == \
        (before.dn, before["userPrincipalName"], before["displayName"]), "half of it was done"


def test_an_account_name_of_an_account_out_of_sight(side, outsider, side_server, tmp_path):
    """A name that is made is numbered; one that the client gives is refused."""
    g = side.make_group(displayName=outsider[1])
    assert side.entry(g["id"]).one("sAMAccountName").startswith(outsider[1] + "2")
    side.client("lenient").delete(f"/Groups/{g['id']}").expect(204)
    server, kind = side_server
    path = tmp_path / "users.yaml"
    path.write_text("rows:\n  - { scim: userName, ldap: sAMAccountName }\n")
    s = kind(server, users={"map": str(path)})
    try:
        s.client("lenient").post("/Users", s.user_body(userName=outsider[1], displayName=unique("Twin"))
                                 ).error(409, "uniqueness")
        assert nothing_below(side, f"(sAMAccountName={outsider[1]})")
    finally:
        s.stop()


def test_a_name_that_something_else_has(side):
    """A contact is no group, and has the name in the container all the same."""
    name, c = unique("contact"), side.client("entra")
    side.ldap.add(f"CN={name},{side.groups}", {"objectClass": "contact"})
    c.post("/Groups", {"schemas": [GROUP], "displayName": name}).error(409, "uniqueness")
    g = side.make_group()
    c.patch(f"/Groups/{g['id']}", replace(displayName=name)).error(409, "uniqueness")
    assert side.entry(g["id"]).one("cn") == g["displayName"]


@pytest.mark.parametrize("path, length", [
    ("title", 129), ("displayName", 257), ("name.givenName", 65), ("userName", 1030), (f"{ENTERPRISE}:department", 65),
    ('phoneNumbers[type eq "work"].value', 65), (f"{ENTERPRISE}:employeeNumber", 17),
    ('addresses[type eq "work"].country', 7)])
def test_values_out_of_range(side, path, length):
    """rangeUpper of the schema; nothing of such a request is done."""
    u = side.make_user()
    before = side.entry(u["id"])
    r = side.client("entra").patch(f"/Users/{u['id']}", [
        {"op": "Replace", "path": path, "value": "x" * length},
        {"op": "Replace", "path": "userType", "value": "Contractor"}]).error(400, "invalidValue").json
    assert "CN=" not in r["detail"] and "0000" not in r["detail"], r
    after = side.entry(u["id"])
    assert after.dn == before.dn and "employeeType" not in after and after["displayName"] == before["displayName"]


@pytest.mark.parametrize("weak", ["Sh0rt!", "alllowercaseletters", "12345678901234"])
def test_passwords_against_the_policy(side, weak):
    """The old one goes on working, and nothing else of the request is done that the password was to come with."""
    pw = side.password()
    u = side.make_user(password=pw)
    c = side.client("okta")
    for ops in (replace(password=weak), replace(password=weak, title="Never")):
        r = c.patch(f"/Users/{u['id']}", ops).error(400, "invalidValue").json
        assert "password" in r["detail"]
    assert can_log_on(side, u, pw) and not side.binds(u["id"], weak)
    side.assert_entry(u["id"], {"userAccountControl": ["512"], "title": None})
    c.patch(f"/Users/{u['id']}", replace(active=False)).expect(200, 204)
    c.patch(f"/Users/{u['id']}", replace(active=True, password=weak)).error(400, "invalidValue")
    side.assert_entry(u["id"], {"userAccountControl": ["514"]})


def test_a_leaver_whose_entry_cannot_go(side):
    """Other programs keep entries below a user's: the account is out all the same, and the provider is told why."""
    pw = side.password()
    u = side.make_user(password=pw)
    child = side.ldap.add(f"CN=device,{side.dn(u['id'])}", {"objectClass": "classStore"})
    for _ in range(2):
        r = side.client("okta").delete(f"/Users/{u['id']}").error(409).json
        assert "entries below it" in r["detail"] and "disabled" in r["detail"], r
        side.assert_entry(u["id"], {"userAccountControl": ["514"]})
        assert not can_log_on(side, u, pw)
    side.ldap.delete(child)
    side.client("okta").delete(f"/Users/{u['id']}").expect(204)
    assert side.entry(u["id"]) is None


def test_a_member_who_goes_in_the_same_moment(side):
    u, stays = side.make_user(), side.make_user()
    g = side.make_group(stays["id"])
    side.ldap.delete(side.dn(u["id"]))
    c = side.client("strict")
    c.patch(f"/Groups/{g['id']}", [{"op": "add", "path": "members", "value": [{"value": u["id"]}]}]
            ).error(400, "invalidValue")
    side.assert_members(g["id"], stays["id"])
