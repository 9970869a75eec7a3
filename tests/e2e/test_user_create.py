# SPDX-License-Identifier: Apache-2.0
"""POST /Users as real clients send it (wire cases B)."""

from dataclasses import dataclass, field

import pytest

from support.hinge import unique
from support.match import ABSENT, fill, shows
from support.scim import ENTERPRISE, USER
from support.slapd import PEOPLE

ENTRA_GROUP_URN = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"


@dataclass(frozen=True)
class Row:
    id: str
    body: dict          # sent; <N> is a name no other test uses
    shows: dict         # part of the answer and of a later GET
    entry: dict         # what ldapsearch shows
    clients: tuple = ("lenient", "entra", "okta", "strict")
    strict: tuple = None  # (status, scimType) of the refusal by the strict profile
    headers: dict = field(default_factory=dict)


def person(**attrs):
    return {"schemas": [USER], "userName": "<N>", "name": {"givenName": "G", "familyName": "F"}, **attrs}


TOLERANT = ("lenient", "entra", "okta")
NULLS = {k: None for k in ("addresses", "phoneNumbers", "title", "nickName", "preferredLanguage", "roles")}

ROWS = [
    Row("B1", {"schemas": [USER, ENTERPRISE], "externalId": "<N>-x", "userName": "<N>@c.com", "active": True,
               "emails": [{"primary": True, "type": "work", "value": "<N>@c.com"}], "meta": {"resourceType": "User"},
               "name": {"formatted": "G F", "familyName": "F", "givenName": "G"}, "roles": []},
        {"userName": "<N>@c.com", "externalId": "<N>-x", "active": True, "roles": ABSENT,
         "emails": [{"type": "work", "value": "<N>@c.com", "primary": True}],
         "name": {"formatted": "G F", "familyName": "F", "givenName": "G"}, "meta": {"resourceType": "User"}},
        {"uid": ["<N>@c.com"], "cn": ["G F"], "sn": ["F"], "givenName": ["G"], "mail": ["<N>@c.com"],
         "dirhingeExternalId": ["<client>:<N>-x"], "dirhingeRole": None}),
    Row("B2", person(**NULLS, **{ENTERPRISE: {"manager": None, "department": None}}),
        {"addresses": ABSENT, "phoneNumbers": ABSENT, "title": ABSENT, ENTERPRISE: ABSENT, "schemas": [USER]},
        {"title": None, "telephoneNumber": None, "manager": None, "departmentNumber": None}, clients=TOLERANT),
    Row("B3", person(schemas=[USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"]),
        {"schemas": [USER]}, {"uid": ["<N>"]}, clients=TOLERANT, strict=(400, ("invalidSyntax", "invalidValue"))),
    Row("B4", person(**{ENTERPRISE: {"employeeNumber": "7"}}),
        {ENTERPRISE: {"employeeNumber": "7"}, "schemas": [USER, ENTERPRISE]}, {"employeeNumber": ["7"]},
        clients=TOLERANT),
    Row("B5", person(schemas=[USER, ENTERPRISE], **{ENTERPRISE: {"manager": {"value": "GPOMMVNKQULW"}}}),
        {ENTERPRISE: {"manager": {"value": "GPOMMVNKQULW"}}},
        {"manager": None, "dirhingeManagerRef": ["GPOMMVNKQULW"]}, clients=TOLERANT),
    Row("B6", person(roles=[{"primary": "True", "display": "d", "value": "v", "type": "t"}]),
        {"roles": [{"primary": True, "display": "d", "value": "v", "type": "t"}]},
        {"dirhingeRole": lambda v: len(v) == 1 and '"v"' in v[0] and "true" in v[0]},
        clients=TOLERANT, strict=(400, ("invalidValue", "invalidSyntax"))),
    Row("B7", person(addresses=[{"type": "work", "country": "Lao People's Democratic Republic",
                                 "postalCode": "is16 5ye", "streetAddress": "1 High St", "locality": "L"}],
                     timezone="Africa/Lagos", locale="ZLOZIOPOBNKG", profileUrl="CHHKTXLGSCGH"),
        {"addresses": [{"type": "work", "country": "Lao People's Democratic Republic", "postalCode": "is16 5ye",
                        "streetAddress": "1 High St", "locality": "L"}],
         "timezone": "Africa/Lagos", "locale": "ZLOZIOPOBNKG", "profileUrl": "CHHKTXLGSCGH"},
        {"co": ["Lao People's Democratic Republic"], "postalCode": ["is16 5ye"], "street": ["1 High St"], "l": ["L"],
         "dirhingeTimezone": ["Africa/Lagos"], "dirhingeLocale": ["ZLOZIOPOBNKG"],
         "labeledURI": lambda v: len(v) == 1 and v[0].startswith("CHHKTXLGSCGH")}),
    Row("B11", person(), {"userName": "<N>"}, {"uid": ["<N>"]}, headers={"Content-Type": "application/json"}),
    Row("B14", person(emails=[{"value": "<N>@b.c"}]),
        {"emails": [{"value": "<N>@b.c"}]}, {"mail": ["<N>@b.c"]}),
    Row("B15", person(emails=[{"type": "work", "value": "<N>@j.c"}], active=True),
        {"active": True, "emails": [{"type": "work", "value": "<N>@j.c"}]}, {"mail": ["<N>@j.c"]}),
    Row("B16", {"schemas": [USER], "userName": "<N>"}, {"userName": "<N>", "name": ABSENT},
        {"sn": lambda v: len(v) == 1, "cn": lambda v: len(v) == 1}),
    Row("B17", person(), {"active": True}, {"pwdEndTime": None}),
    Row("B18", person(id="evil", meta={"location": "x", "resourceType": "Group"}),
        {"id": lambda v: v != "evil", "meta": {"resourceType": "User"}}, {"entryUUID": lambda v: v != ["evil"]}),
    Row("B20", person(active="False"), {"active": False}, {"pwdEndTime": lambda v: len(v) == 1},
        clients=TOLERANT, strict=(400, ("invalidValue", "invalidSyntax"))),
    Row("B21", person(emails=[{"type": "work", "value": "<N>@d.c", "primary": True},
                              {"type": "work", "value": "<N>@d.c"},
                              {"type": "home", "value": "<N>@h.c", "primary": True}]),
        {"emails": [{"type": "work", "value": "<N>@d.c"}, {"type": "home", "value": "<N>@h.c", "primary": True}]},
        {"mail": lambda v: sum(x.endswith("@d.c") for x in v) == 1}, clients=TOLERANT, strict=(400, "invalidValue")),
    Row("B22", person(foo=1, **{"urn:x:y": {"a": 1}}), {"foo": ABSENT, "userName": "<N>"}, {"uid": ["<N>"]},
        clients=TOLERANT, strict=(400, "invalidSyntax")),
]
ACCEPTED = [(r, c) for r in ROWS for c in r.clients]
REFUSED = [r for r in ROWS if r.strict]


@pytest.mark.parametrize("row,client", ACCEPTED, ids=[f"{r.id}-{c}" for r, c in ACCEPTED])
def test_create(hinge, row, client):
    names = {"N": unique(row.id.lower() + "-"), "client": client}
    c = hinge.client(client)
    made = c.post("/Users", fill(row.body, names), headers=row.headers).expect(201)
    want = fill(row.shows, names)
    shows(made.json, want)
    got = c.get(f"/Users/{made.json['id']}").expect(200)
    shows(got.json, want)
    assert got.json == made.json, "the answer to POST differs from a later GET"
    e = hinge.assert_entry(made.json["id"], fill(row.entry, names))
    assert e.dn.lower().endswith(PEOPLE) and "inetOrgPerson" in e["objectClass"]


@pytest.mark.parametrize("row", REFUSED, ids=[r.id for r in REFUSED])
def test_strict_profile_refuses(hinge, row):
    name = unique(row.id.lower() + "-")
    hinge.strict.post("/Users", fill(row.body, {"N": name, "client": "strict"})).error(*row.strict)
    assert hinge.ldap.search(PEOPLE, f"(uid={name}*)") == []


@pytest.mark.parametrize("client", ["entra", "okta", "strict", "lenient"])
@pytest.mark.parametrize("change", [{"title": "other"}, {"emails": [{"type": "work", "value": "b12@x.y"}]}, "case"],
                         ids=["B9", "B12", "case"])
def test_duplicate_user_name(hinge, client, change):
    u = hinge.make_user()
    before = hinge.entry(u["id"])
    body = hinge.user_body(userName=u["userName"].upper()) if change == "case" else \
        hinge.user_body(userName=u["userName"], **change)
    hinge.client(client).post("/Users", body).error(409, "uniqueness")
    assert hinge.entry(u["id"]) == before
    assert len(hinge.ldap.search(PEOPLE, f"(uid={u['userName']})")) == 1


def test_B10_password_is_set_and_never_shown(hinge):
    pw = hinge.password()
    body = hinge.user_body(password=pw, groups=[], externalId=unique("00u"), locale="en-US")
    doc = hinge.okta.post("/Users", body).expect(201).json
    shows(doc, {"locale": "en-US", "password": ABSENT, "active": True})
    dn = hinge.dn(doc["id"])
    assert hinge.ldap.binds(dn, pw) and not hinge.ldap.binds(dn, pw + "x")
    stored = hinge.entry(doc["id"]).one("userPassword")
    assert pw not in str(stored) and str(stored).startswith("{"), "the password is stored in clear"
    assert pw not in hinge.okta.get(f"/Users/{doc['id']}?attributes=password").expect(200).body.decode()


def test_B13_okta_reactivates_instead_of_creating(hinge):
    u = hinge.make_user(client="okta", active=False)
    found = hinge.okta.find("Users", f'userName eq "{u["userName"]}"', startIndex="1", count="100")
    assert [x["active"] for x in found["Resources"]] == [False]
    body = dict(hinge.user_body(userName=u["userName"]), id=u["id"], active=True)
    assert hinge.okta.put(f"/Users/{u['id']}", body).expect(200).json["active"] is True
    hinge.assert_entry(u["id"], {"pwdEndTime": None})


def test_C33_name_is_free_after_delete_and_the_id_is_new(hinge):
    u = hinge.make_user()
    hinge.entra.delete(f"/Users/{u['id']}").expect(204)
    assert hinge.entry(u["id"]) is None
    again = hinge.make_user(client="entra", userName=u["userName"])
    assert again["id"] != u["id"]
    assert hinge.entry(again["id"])["uid"] == [u["userName"]]


def test_external_id_is_per_client(hinge):
    u = hinge.make_user(client="entra", externalId="E-1")
    assert "externalId" not in hinge.okta.get(f"/Users/{u['id']}").expect(200).json
    hinge.okta.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "externalId", "value": "O-1"}]).expect(200, 204)
    assert hinge.entra.get(f"/Users/{u['id']}").json["externalId"] == "E-1"
    assert hinge.okta.get(f"/Users/{u['id']}").json["externalId"] == "O-1"
    hinge.assert_entry(u["id"], {"dirhingeExternalId": ["entra:E-1", "okta:O-1"]})
    assert hinge.entra.find("Users", 'externalId eq "O-1"')["totalResults"] == 0
    assert hinge.okta.find("Users", 'externalId eq "o-1"')["totalResults"] == 0, "externalId is case-exact"


@pytest.mark.parametrize("body", [
    {"schemas": [USER]}, {"schemas": [USER], "userName": ""}, {"schemas": [USER], "userName": None},
    {"schemas": [USER], "userName": 5}, {"schemas": [USER], "userName": ["a"]},
    {"schemas": [USER], "userName": {"value": "a"}}, {"userName": "x"}, {"schemas": [], "userName": "x"},
    {"schemas": "x", "userName": "x"}, {"schemas": [ENTRA_GROUP_URN], "userName": "x"}],
    ids=lambda b: str(b)[:60])
def test_incomplete_user_is_refused(hinge, no_writes, body):
    hinge.strict.post("/Users", body).error(400, ("invalidValue", "invalidSyntax"))


def test_B23_value_the_directory_cannot_hold(hinge):
    """slapd's telephoneNumber takes PrintableString only: refused clearly or held losslessly, never mangled."""
    number = "+1 (201) 555-0100;ext=12"
    body = hinge.user_body(phoneNumbers=[{"type": "work", "value": number}])
    r = hinge.lenient.post("/Users", body).expect(201, 400)
    if r.status == 400:
        r.error(400, "invalidValue")
        assert hinge.ldap.search(PEOPLE, f"(uid={body['userName']})") == []
    else:
        shows(hinge.lenient.get(f"/Users/{r.json['id']}").json, {"phoneNumbers": [{"value": number, "type": "work"}]})


def test_extension_values_reach_their_attributes(hinge):
    boss = hinge.make_user(displayName="The Boss")
    ext = {"employeeNumber": "42", "costCenter": "CC1", "organization": "Org", "division": "Div", "department": "Dep",
           "manager": {"value": boss["id"]}}
    u = hinge.make_user(client="strict", **{ENTERPRISE: ext})
    shows(u, {ENTERPRISE: {**ext, "manager": {"value": boss["id"], "displayName": "The Boss"}}})
    hinge.assert_entry(u["id"], {"employeeNumber": ["42"], "dirhingeCostCenter": ["CC1"], "o": ["Org"], "ou": ["Div"],
                                 "departmentNumber": ["Dep"], "manager": [hinge.dn(boss["id"])]})


def test_every_slot_at_once(hinge):
    n = unique("slots")
    body = hinge.user_body(
        userName=n, displayName="D", nickName="N", title="T", userType="Employee", preferredLanguage="en",
        name={"formatted": "Dr G M F Jr", "familyName": "F", "givenName": "G", "middleName": "M",
              "honorificPrefix": "Dr", "honorificSuffix": "Jr"},
        emails=[{"type": "work", "value": f"{n}@w.c", "primary": True}, {"type": "home", "value": f"{n}@h.c"}],
        phoneNumbers=[{"type": t, "value": f"+49 {i}"} for i, t in enumerate(
            ("work", "home", "mobile", "fax", "pager"), 1)])
    doc = hinge.strict.post("/Users", body).expect(201).json
    shows(doc, {k: body[k] for k in ("displayName", "nickName", "title", "userType", "preferredLanguage", "name",
                                     "emails", "phoneNumbers")})
    hinge.assert_entry(doc["id"], {
        "displayName": ["D"], "title": ["T"], "employeeType": ["Employee"], "preferredLanguage": ["en"],
        "sn": ["F"], "givenName": ["G"], "telephoneNumber": ["+49 1"], "homePhone": ["+49 2"], "mobile": ["+49 3"],
        "facsimileTelephoneNumber": ["+49 4"], "pager": ["+49 5"], "mail": lambda v: f"{n}@w.c" in v})
