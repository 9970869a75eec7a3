# SPDX-License-Identifier: Apache-2.0
"""A directory without dirhinge.schema, and others with less: less is advertised, nothing is lost in silence."""

import pytest

from support.hinge import unique
from support.match import ABSENT, shows
from support.scim import ENTERPRISE, GROUP
from support.slapd import PEOPLE, Variant

PLAIN = Variant(schema=False)


@pytest.fixture
def small(hinges):
    h = hinges(PLAIN)
    yield h
    assert h.daemon.alive(), h.daemon.log()[-4000:]


@pytest.mark.parametrize("client", ["lenient", "entra", "okta"])
def test_a_user_lives(small, client):
    c = small.client(client)
    n = unique("small-")
    u = small.make_user(client=client, userName=n, displayName="D", title="T",
                        emails=[{"type": "work", "value": f"{n}@x.y"}],
                        phoneNumbers=[{"type": "mobile", "value": "+49 1"}],
                        **{ENTERPRISE: {"department": "Dep", "employeeNumber": "7"}})
    shows(u, {"displayName": "D", "title": "T", "emails": [{"type": "work", "value": f"{n}@x.y"}],
              "phoneNumbers": [{"type": "mobile", "value": "+49 1"}],
              ENTERPRISE: {"department": "Dep", "employeeNumber": "7"}})
    e = small.assert_entry(u["id"], {"uid": [n], "mail": [f"{n}@x.y"], "mobile": ["+49 1"],
                                     "departmentNumber": ["Dep"]})
    assert not any(k.startswith("dirhinge") for k in e.attrs) and "dirhingeUser" not in e["objectClass"], e
    c.patch(f"/Users/{u['id']}", [{"op": "replace", "path": 'emails[type eq "work"].value', "value": f"{n}@new.y"},
                                  {"op": "replace", "path": "active", "value": False}]).expect(200, 204)
    shows(c.get(f"/Users/{u['id']}").json, {"active": False, "emails": [{"type": "work", "value": f"{n}@new.y"}]})
    small.assert_entry(u["id"], {"mail": [f"{n}@new.y"], "pwdEndTime": lambda v: len(v) == 1})
    c.delete(f"/Users/{u['id']}").expect(204)
    assert small.entry(u["id"]) is None


def test_a_group_lives(small):
    u, v = small.make_user(), small.make_user()
    g = small.make_group(u["id"])
    ops = [{"op": "add", "path": "members", "value": [{"value": v["id"]}]},
           {"op": "remove", "path": f'members[value eq "{u["id"]}"]'}]
    small.lenient.patch(f"/Groups/{g['id']}", ops).expect(200, 204)
    small.assert_members(g["id"], v["id"])
    small.lenient.delete(f"/Groups/{g['id']}").expect(204)
    assert small.entry(g["id"]) is None


@pytest.mark.parametrize("client", ["lenient", "entra", "okta"])
def test_what_has_no_home_is_left_out_and_reported(small, client):
    u = small.make_user(client=client, nickName="Nick", locale="en-US", externalId="x", roles=[{"value": "r"}])
    shows(u, {"nickName": ABSENT, "locale": ABSENT, "externalId": ABSENT, "roles": ABSENT})
    assert small.client(client).get(f"/Users/{u['id']}").json == u
    assert "nickName" in small.daemon.log(), "what was left out is not in the log"
    small.client(client).patch(f"/Users/{u['id']}", [{"op": "replace", "path": "nickName", "value": "N"},
                                                     {"op": "replace", "path": "title", "value": "T"}]).expect(200, 204)
    small.assert_entry(u["id"], {"title": ["T"]})


def test_strict_profile_refuses_what_has_no_home(small):
    body = small.user_body(nickName="Nick")
    small.strict.post("/Users", body).error(400, ("invalidSyntax", "invalidValue"))
    assert small.ldap.search(PEOPLE, f"(uid={body['userName']})") == []
    u = small.make_user(client="strict")
    before = small.entry(u["id"])
    ops = [{"op": "replace", "path": "title", "value": "T"}, {"op": "replace", "path": "nickName", "value": "N"}]
    small.strict.patch(f"/Users/{u['id']}", ops).error(400, "invalidPath")
    assert small.entry(u["id"]) == before


def test_filter_on_what_has_no_home_is_an_error_never_everything(small):
    small.make_user()
    for flt in ('nickName eq "x"', 'externalId eq "x"', 'roles.value eq "x"'):
        small.strict.get("/Users", {"filter": flt}).error(400, "invalidFilter")
        r = small.entra.get("/Users", {"filter": flt})
        assert r.status == 400 or r.json["totalResults"] == 0, f"{flt} matched {r.json['totalResults']}"


def test_without_slapo_unique(hinges):
    """Nothing but the gateway and the DN keep names apart."""
    h = hinges(Variant(unique=False))
    u = h.make_user()
    before = h.entry(u["id"])
    for client in ("lenient", "okta"):
        h.client(client).post("/Users", h.user_body(userName=u["userName"].upper())).error(409, "uniqueness")
    other = h.make_user()
    h.lenient.patch(f"/Users/{other['id']}", [{"op": "replace", "path": "userName", "value": u["userName"]}]) \
        .error(409, "uniqueness")
    assert h.entry(u["id"]) == before and h.entry(other["id"])["uid"] == [other["userName"]]


def test_rdn_that_is_not_the_user_name(hinges):
    """users.rdn: cn. The name is then a plain attribute and a rename of it a modify."""
    h = hinges(Variant(unique=False), users={"rdn": "cn"})
    u = h.make_user(name={"givenName": "A", "familyName": "B", "formatted": unique("A B ")})
    e = h.assert_entry(u["id"], {"uid": [u["userName"]], "cn": [u["name"]["formatted"]]})
    assert e.dn.startswith("cn="), e.dn
    g = h.make_group(u["id"])
    new = unique("new-")
    h.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "userName", "value": new}]).expect(200, 204)
    assert h.assert_entry(u["id"], {"uid": [new]}).dn == e.dn
    h.lenient.post("/Users", h.user_body(userName=new)).error(409, "uniqueness")
    formatted = unique("C D ")
    ops = [{"op": "replace", "path": "name.formatted", "value": formatted}]
    h.lenient.patch(f"/Users/{u['id']}", ops).expect(200, 204)
    e = h.assert_entry(u["id"], {"cn": [formatted]})
    assert e.dn.startswith(f"cn={formatted},"), e.dn
    h.assert_members(g["id"], u["id"])


def test_unique_member_groups(hinges):
    """groupOfUniqueNames with uniqueMember works like groupOfNames."""
    h = hinges(Variant(), groups={"object_classes": ["groupOfUniqueNames"], "member_attribute": "uniqueMember"})
    u = h.make_user()
    r = h.lenient.post("/Groups", {"schemas": [GROUP], "displayName": unique("gun-")}).expect(201)
    gid = r.json["id"]
    ops = [{"op": "add", "path": "members", "value": [{"value": u["id"]}]}]
    h.lenient.patch(f"/Groups/{gid}", ops).expect(200, 204)
    assert h.shown_members(gid) == {u["id"]}
    h.assert_entry(gid, {"uniqueMember": [h.dn(u["id"])]})
    h.lenient.patch(f"/Groups/{gid}", [{"op": "remove", "path": f'members[value eq "{u["id"]}"]'}]).expect(200, 204)
    assert h.shown_members(gid) == set()
    assert len(h.entry(gid)["uniqueMember"]) == 1, "groupOfUniqueNames must hold a placeholder"
