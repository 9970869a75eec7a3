# SPDX-License-Identifier: Apache-2.0
"""PATCH /Users as real clients send it (wire cases C, D, E): one row, one request, both sides checked."""

from dataclasses import dataclass, field

import pytest

from support.hinge import unique
from support.match import ABSENT, fill, shows
from support.scim import ENTERPRISE, USER
from support.slapdlog import done

DISABLED = {"pwdEndTime": lambda v: len(v) == 1}
ENABLED = {"pwdEndTime": None}
WORK = {"emails": [{"type": "work", "value": "<N>@old.c"}]}
BOTH = {"emails": [{"type": "work", "value": "<N>@old.c", "primary": True}, {"type": "home", "value": "<N>@home.c"}]}
SYNTAX = ("invalidSyntax", "invalidValue", "invalidPath")


@dataclass(frozen=True)
class Row:
    id: str
    ops: list
    shows: dict                     # part of the resource afterwards
    entry: dict                     # attributes as ldapsearch shows them afterwards
    given: dict = field(default_factory=dict)  # what the user has before
    clients: tuple = ("lenient", "strict")
    strict: tuple = None            # (status, scimType): refused by the strict profile and nothing changed
    schemas: bool = True


LAX = ("lenient", "entra", "okta")
ENTRA = ("entra", "lenient")
CREATE_TARGET = (400, "noTarget")

ROWS = [
    Row("C1", [{"op": "Replace", "path": "active", "value": "False"}], {"active": False}, DISABLED, clients=LAX,
        strict=(400, SYNTAX)),
    Row("C2", [{"op": "replace", "path": "active", "value": False}], {"active": False}, DISABLED),
    Row("C3", [{"op": "Add", "path": "active", "value": "True"}], {"active": True}, ENABLED, {"active": False},
        clients=LAX, strict=(400, SYNTAX)),
    Row("C4", [{"op": "Add", "path": 'emails[type eq "work"].value', "value": "<N>@c"}],
        {"emails": [{"type": "work", "value": "<N>@c"}]}, {"mail": ["<N>@c"]}, clients=LAX),
    Row("C5", [{"op": "Replace", "path": 'emails[type eq "work"].value', "value": "<N>@c"}],
        {"emails": [{"type": "work", "value": "<N>@c"}]}, {"mail": ["<N>@c"]}, clients=LAX, strict=CREATE_TARGET),
    Row("C6", [{"op": "Replace", "path": 'emails[type eq "work"].value', "value": "<N>@new.c"}],
        {"emails": [{"type": "work", "value": "<N>@new.c", "primary": True}, {"type": "home", "value": "<N>@home.c"}]},
        {"mail": lambda v: any(x.endswith("@new.c") for x in v) and not any(x.endswith("@old.c") for x in v)}, BOTH),
    Row("C7", [{"op": "Remove", "path": 'emails[type eq "work"].value', "value": "<N>@old.c"}],
        {"emails": ABSENT}, {"mail": None}, WORK, clients=LAX),
    Row("C9", [{"op": "replace", "path": "emails[primary eq true].value", "value": "<N>@prim.c"}],
        {"emails": [{"type": "work", "value": "<N>@prim.c", "primary": True}, {"type": "home", "value": "<N>@home.c"}]},
        {"mail": lambda v: any(x.endswith("@prim.c") for x in v)}, BOTH),
    Row("C10", [{"op": "replace", "path": 'roles[primary eq "True"].display', "value": "D2"},
                {"op": "replace", "path": 'roles[primary eq "True"].value', "value": "V2"}],
        {"roles": [{"primary": True, "display": "D2", "value": "V2", "type": "t"}]},
        {"dirhingeRole": lambda v: len(v) == 1 and '"V2"' in v[0]},
        {"roles": [{"primary": True, "display": "d", "value": "v", "type": "t"}]}, clients=LAX),
    Row("C11", [{"op": "Add", "path": "manager", "value": [{"$ref": "http://x/Users/<U2>", "value": "<U2>"}]}],
        {ENTERPRISE: {"manager": {"value": "<U2>"}}, "schemas": [USER, ENTERPRISE]}, {"manager": ["<dn:U2>"]},
        clients=ENTRA, strict=(400, SYNTAX)),
    Row("C12", [{"op": "Add", "path": ENTERPRISE + ":manager", "value": "<U2>"}],
        {ENTERPRISE: {"manager": {"value": "<U2>"}}}, {"manager": ["<dn:U2>"]}, clients=LAX, strict=(400, SYNTAX)),
    Row("C12-unknown", [{"op": "Add", "path": ENTERPRISE + ":manager", "value": "271"}],
        {ENTERPRISE: {"manager": {"value": "271"}}}, {"manager": None, "dirhingeManagerRef": ["271"]}, clients=LAX),
    Row("C13", [{"op": "add", "path": ENTERPRISE + ":manager", "value": {"value": "<U2>"}},
                {"op": "replace", "path": ENTERPRISE + ":manager", "value": {"value": "<U3>"}}],
        {ENTERPRISE: {"manager": {"value": "<U3>"}}}, {"manager": ["<dn:U3>"]}, clients=("entra", "strict")),
    Row("C14", [{"op": "replace", "path": ENTERPRISE + ":manager", "value": {"value": ""}}],
        {ENTERPRISE: ABSENT, "schemas": [USER]}, {"manager": None}, {ENTERPRISE: {"manager": {"value": "<U2>"}}},
        clients=ENTRA),
    Row("C14-string", [{"op": "replace", "path": ENTERPRISE + ":manager", "value": ""}],
        {ENTERPRISE: ABSENT}, {"manager": None}, {ENTERPRISE: {"manager": {"value": "<U2>"}}}, clients=ENTRA),
    Row("C16", [{"op": "replace", "value": {"displayName": "X", "name.givenName": "G2", "name.familyName": "F2",
                                            ENTERPRISE + ":employeeNumber": "1111"}}],
        {"displayName": "X", "name": {"givenName": "G2", "familyName": "F2"}, ENTERPRISE: {"employeeNumber": "1111"}},
        {"displayName": ["X"], "givenName": ["G2"], "sn": ["F2"], "employeeNumber": ["1111"]}, clients=LAX,
        strict=(400, SYNTAX)),
    Row("C17", [{"op": "replace", "value": {ENTERPRISE: {"manager": {"value": "<U2>", "$ref": "User",
                                                                     "displayName": "Chuck"}}}}],
        {ENTERPRISE: {"manager": {"value": "<U2>", "displayName": ABSENT}}},
        {"manager": ["<dn:U2>"]}, clients=ENTRA),
    Row("C18", [{"op": "replace", "value": {"userName": "<N>-new@c"}}], {"userName": "<N>-new@c"},
        {"uid": ["<N>-new@c"]}),
    Row("C19", [{"op": "add", "path": "displayName", "value": "A"}, {"op": "replace", "path": "title", "value": "B"}],
        {"displayName": "A", "title": "B"}, {"displayName": ["A"], "title": ["B"]}, {"displayName": "old"}),
    Row("C23", [{"op": "Add", "path": 'addresses[type eq "other"].Formatted', "value": "Bldg 5"}],
        {"addresses": [{"type": "other", "formatted": "Bldg 5"}]}, {"objectClass": lambda v: "inetOrgPerson" in v},
        clients=LAX),
    Row("C24", [{"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+49 (0)170-1"}],
        {"phoneNumbers": [{"type": "mobile", "value": "+49 (0)170-1"}]}, {"mobile": ["+49 (0)170-1"]}, clients=LAX),
    Row("C25", [{"op": "add", "path": "roles",
                 "value": [{"value": '{"id":"1","value":"Admin","displayName":"Admin"}'}]}],
        {"roles": [{"value": "Admin"}]}, {"dirhingeRole": lambda v: len(v) == 1 and "Admin" in v[0]},
        clients=("entra",)),
    Row("C26", [{"op": "replace", "path": "roles", "value": [{"value": "r1"}, {"value": "r2"}]}],
        {"roles": [{"value": "r1"}, {"value": "r2"}]}, {"dirhingeRole": lambda v: len(v) == 2},
        {"roles": [{"value": "r0"}]}, clients=("entra", "strict")),
    Row("C28", [{"op": "replace", "path": p, "value": "V"} for p in ("displayName", "nosuch", "title", "userType",
                                                                     "nickName", "locale")],
        {"displayName": "V", "title": "V", "userType": "V", "nickName": "V", "locale": "V", "nosuch": ABSENT},
        {"displayName": ["V"], "title": ["V"], "employeeType": ["V"]}, {"displayName": "old", "title": "old"},
        clients=LAX, strict=(400, "invalidPath")),
    Row("D4", [{"op": "replace", "value": {"active": False}}], {"active": False}, DISABLED,
        clients=("okta", "strict")),
    Row("D5", [{"op": "replace", "value": {"active": True}}], {"active": True}, ENABLED, {"active": False},
        clients=("okta", "strict")),
    Row("D12", [{"op": "replace", "path": "name.givenName", "value": "David"},
                {"op": "replace", "value": {"active": False}}],
        {"active": False, "name": {"givenName": "David", "familyName": "Lovelace"}},
        {"givenName": ["David"], **DISABLED}, clients=LAX, strict=(400, SYNTAX), schemas=False),
    Row("E1", [{"op": "replace", "path": "emails", "value": {"value": "<N>@c", "type": "work"}}],
        {"emails": [{"type": "work", "value": "<N>@c"}]}, {"mail": ["<N>@c"]}, WORK, clients=LAX,
        strict=(400, SYNTAX)),
    Row("E2", [{"op": "replace", "path": "active", "value": False}], {"active": False}, DISABLED,
        clients=("lenient",)),
    Row("E3", [{"op": "replace", "path": "name.givenName", "value": "J"},
               {"op": "replace", "path": "name.familyName", "value": "C"},
               {"op": "replace", "path": "title", "value": "T"}, {"op": "replace", "path": "active", "value": False}],
        {"name": {"givenName": "J", "familyName": "C"}, "title": "T", "active": False},
        {"givenName": ["J"], "sn": ["C"], "title": ["T"], **DISABLED}),
    Row("E4", [{"op": "replace", "path": "active", "value": "true"},
               {"op": "replace", "path": "userName", "value": "<N>-kc"},
               {"op": "replace", "path": "displayName", "value": "KC"}],
        {"active": True, "userName": "<N>-kc", "displayName": "KC"},
        {"uid": ["<N>-kc"], "displayName": ["KC"], **ENABLED}, {"active": False}, clients=LAX, strict=(400, SYNTAX)),
    Row("E10", [{"op": "remove", "path": 'emails[type eq "work"]'}], {"emails": [{"type": "home"}]},
        {"mail": lambda v: not any(x.endswith("@old.c") for x in v)}, BOTH),
    Row("E10-all", [{"op": "remove", "path": "emails"}], {"emails": ABSENT},
        {"mail": None, "dirhingeEmail": None}, BOTH),
    Row("P36", [{"op": "add", "path": "name", "value": {"middleName": "M"}}],
        {"name": {"middleName": "M", "givenName": "Ada", "familyName": "Lovelace"}},
        {"dirhingeMiddleName": ["M"], "givenName": ["Ada"]}),
    Row("P37", [{"op": "add", "value": {"title": "T", "nickName": "N"}}], {"title": "T", "nickName": "N"},
        {"title": ["T"], "dirhingeNickName": ["N"]}),
    Row("P39", [{"op": "remove", "path": "title"}, {"op": "remove", "path": "nickName"}],
        {"title": ABSENT, "nickName": ABSENT}, {"title": None}, {"title": "T"}),
    Row("P48", [{"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:displayName", "value": "U"}],
        {"displayName": "U"}, {"displayName": ["U"]}),
    Row("S14", [{"op": "remove", "path": ENTERPRISE + ":employeeNumber"}], {ENTERPRISE: ABSENT, "schemas": [USER]},
        {"employeeNumber": None}, {ENTERPRISE: {"employeeNumber": "1"}}),
    Row("P32", [{"op": "add", "path": "emails", "value": [{"type": "other", "value": "<N>@o.c", "primary": True}]}],
        {"emails": [{"type": "work", "value": "<N>@old.c", "primary": lambda v: v is False},
                    {"type": "home", "value": "<N>@home.c"}, {"type": "other", "value": "<N>@o.c", "primary": True}]},
        {"mail": lambda v: len(v) == 1}, {"emails": [
            {"type": "work", "value": "<N>@old.c", "primary": True}, {"type": "home", "value": "<N>@home.c"}]}),
    Row("P35", [{"op": "add", "path": "emails", "value": [{"type": "work", "value": "<N>@old.c", "primary": True}]}],
        {"emails": [{"type": "work", "value": "<N>@old.c", "primary": True}, {"type": "home", "value": "<N>@home.c"}]},
        {"mail": lambda v: len(v) == 1}, BOTH),
    Row("P42", [{"op": "replace", "path": "name", "value": {"familyName": "New"}}],
        {"name": {"familyName": "New", "givenName": "Ada", "middleName": "M"}},
        {"sn": ["New"], "givenName": ["Ada"]},
        {"name": {"familyName": "Old", "givenName": "Ada", "middleName": "M"}}),
    Row("replace-all", [{"op": "replace", "path": "emails", "value": [{"type": "home", "value": "<N>@only.c"}]}],
        {"emails": [{"type": "home", "value": "<N>@only.c"}]},
        {"mail": lambda v: not any(x.endswith("@old.c") for x in v)}, BOTH),
    Row("sub-remove", [{"op": "remove", "path": 'addresses[type eq "work"].locality'}],
        {"addresses": [{"type": "work", "streetAddress": "1 High St", "locality": ABSENT}]},
        {"l": None, "street": ["1 High St"]},
        {"addresses": [{"type": "work", "streetAddress": "1 High St", "locality": "Town"}]}),
    Row("element", [{"op": "replace", "path": 'emails[value ew "@home.c"]',
                     "value": {"value": "<N>@h2.c", "type": "home"}}],
        {"emails": [{"type": "work", "value": "<N>@old.c", "primary": True}, {"type": "home", "value": "<N>@h2.c"}]},
        {"mail": lambda v: any(x.endswith("@old.c") for x in v)}, BOTH),
    Row("phones", [{"op": "add", "path": "phoneNumbers", "value": [{"type": "work", "value": "+1 2"},
                                                                   {"type": "fax", "value": "+1 4"}]},
                   {"op": "remove", "path": 'phoneNumbers[type eq "pager"]'}],
        {"phoneNumbers": [{"type": "work", "value": "+1 1"}, {"type": "work", "value": "+1 2"},
                          {"type": "fax", "value": "+1 4"}]},
        {"telephoneNumber": ["+1 1", "+1 2"], "facsimileTelephoneNumber": ["+1 4"], "pager": None},
        {"phoneNumbers": [{"type": "work", "value": "+1 1"}, {"type": "pager", "value": "+1 3"}]}),
    Row("in-order", [{"op": "add", "path": "title", "value": "1"}, {"op": "remove", "path": "title"},
                     {"op": "add", "path": "title", "value": "2"}, {"op": "replace", "path": "title", "value": "3"}],
        {"title": "3"}, {"title": ["3"]}, {"title": "0"}),
    Row("null", [{"op": "replace", "path": "title", "value": None}], {"title": ABSENT}, {"title": None},
        {"title": "T"}, clients=LAX),
]
ACCEPTED = [(r, c) for r in ROWS for c in r.clients]
REFUSED = [r for r in ROWS if r.strict]


def prepare(hinge, row, client):
    names = {"N": unique(row.id.lower() + "-")}
    if "<U" in repr((row.ops, row.given)):
        for n in ("U2", "U3"):
            names[n] = hinge.make_user()["id"]
            names["dn:" + n] = hinge.dn(names[n])
    u = hinge.make_user(client=client, **fill(row.given, names))
    return u, names


@pytest.mark.parametrize("row,client", ACCEPTED, ids=[f"{r.id}-{c}" for r, c in ACCEPTED])
def test_patch(hinge, row, client):
    u, names = prepare(hinge, row, client)
    c = hinge.client(client)
    with hinge.slapd.watch() as ops:
        r = c.patch(f"/Users/{u['id']}", fill(row.ops, names), schemas=row.schemas).expect(200, 204)
    want = fill(row.shows, names)
    if r.status == 200:
        shows(r.json, want)
    got = c.get(f"/Users/{u['id']}").expect(200).json
    shows(got, want)
    if r.status == 200:
        assert r.json == got, "the answer to PATCH differs from a later GET"
    hinge.assert_entry(u["id"], fill(row.entry, names))
    writes = [o.verb for o in done(ops, "ADD", "MOD", "MODRDN", "DEL")]
    assert writes.count("MOD") <= 1 and writes.count("MODRDN") <= 1 and not {"ADD", "DEL"} & set(writes), ops


@pytest.mark.parametrize("row", REFUSED, ids=[r.id for r in REFUSED])
def test_strict_profile_refuses(hinge, row):
    u, names = prepare(hinge, row, "strict")
    before = hinge.entry(u["id"])
    hinge.strict.patch(f"/Users/{u['id']}", fill(row.ops, names), schemas=row.schemas).error(*row.strict)
    assert hinge.entry(u["id"]) == before


BAD = [  # (id, operations, scimType)
    ("E11-userName", [{"op": "remove", "path": "userName"}], "mutability"),
    ("E11-id", [{"op": "remove", "path": "id"}], "mutability"),
    ("E11-replace-id", [{"op": "replace", "path": "id", "value": "x"}], "mutability"),
    ("E11-meta", [{"op": "replace", "path": "meta.created", "value": "x"}], "mutability"),
    ("E11-groups", [{"op": "add", "path": "groups", "value": [{"value": "x"}]}], "mutability"),
    ("E12", [{"op": "remove"}], "noTarget"),
    ("E12-null", [{"op": "remove", "path": None}], ("noTarget", "invalidPath", "invalidSyntax")),
    ("empty", [], ("invalidSyntax", "invalidValue")),
    ("op", [{"op": "move", "path": "title", "value": "x"}], ("invalidSyntax", "invalidValue")),
    ("no-op", [{"path": "title", "value": "x"}], ("invalidSyntax", "invalidValue")),
    ("no-value", [{"op": "add", "path": "title"}], ("invalidSyntax", "invalidValue")),
    ("path", [{"op": "replace", "path": "emails[type eq", "value": "x"}], ("invalidPath", "invalidFilter")),
    ("path-empty", [{"op": "replace", "path": "", "value": "x"}], ("invalidPath", "invalidSyntax")),
    ("path-dots", [{"op": "replace", "path": "name..givenName", "value": "x"}], "invalidPath"),
    ("type", [{"op": "replace", "path": "title", "value": {"a": 1}}], ("invalidSyntax", "invalidValue")),
    ("type-number", [{"op": "replace", "path": "active", "value": 3}], ("invalidSyntax", "invalidValue")),
    ("pathless-string", [{"op": "replace", "value": "x"}], ("invalidSyntax", "invalidValue")),
    ("empty-name", [{"op": "replace", "path": "userName", "value": ""}], ("mutability", "invalidValue")),
    ("second-fails", [{"op": "replace", "path": "title", "value": "x"}, {"op": "remove", "path": "userName"}],
     "mutability"),
    ("two-primaries", [{"op": "replace", "path": "emails", "value": [
        {"type": "work", "value": "a@b", "primary": True}, {"type": "home", "value": "c@d", "primary": True}]}],
     "invalidValue"),
]


@pytest.mark.parametrize("ops,scim_type", [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_bad_patch_changes_nothing(hinge, ops, scim_type):
    u = hinge.make_user(title="old")
    before = hinge.entry(u["id"])
    hinge.strict.patch(f"/Users/{u['id']}", ops).error(400, scim_type)
    assert hinge.entry(u["id"]) == before


@pytest.mark.parametrize("client", ["lenient", "entra", "okta", "strict"])
def test_E11_E12_in_every_profile(hinge, client):
    u = hinge.make_user()
    c = hinge.client(client)
    c.patch(f"/Users/{u['id']}", [{"op": "remove", "path": "userName"}]).error(400, "mutability")
    c.patch(f"/Users/{u['id']}", [{"op": "remove"}]).error(400, "noTarget")
    hinge.assert_entry(u["id"], {"uid": [u["userName"]]})


def test_too_many_operations(hinge):
    u = hinge.make_user()
    before = hinge.entry(u["id"])
    ops = [{"op": "replace", "path": "title", "value": str(i)} for i in range(1001)]
    r = hinge.lenient.patch(f"/Users/{u['id']}", ops).expect(400, 413)
    assert "1000" in r.json["detail"], r
    assert hinge.entry(u["id"]) == before


def test_C18_references_follow_a_rename(hinge):
    u = hinge.make_user()
    report = hinge.make_user(**{ENTERPRISE: {"manager": {"value": u["id"]}}})
    g = hinge.make_group(u["id"])
    new = unique("renamed-")
    hinge.entra.patch(f"/Users/{u['id']}", [{"op": "replace", "value": {"userName": new}}]).expect(200, 204)
    assert hinge.dn(u["id"]).startswith(f"uid={new},")
    hinge.assert_members(g["id"], u["id"])
    got = hinge.lenient.get(f"/Users/{report['id']}").json
    assert got[ENTERPRISE]["manager"]["value"] == u["id"]


def test_C18_rename_to_a_taken_name(hinge):
    a, b = hinge.make_user(), hinge.make_user()
    before = hinge.entry(a["id"])
    ops = [{"op": "replace", "path": "userName", "value": b["userName"]},
           {"op": "replace", "path": "title", "value": "T"}]
    hinge.lenient.patch(f"/Users/{a['id']}", ops).error(409, "uniqueness")
    after = hinge.entry(a["id"])
    assert (after.dn, after["uid"], after["title"]) == (before.dn, before["uid"], before["title"]), \
        "a refused change was half done"


def test_C18_rename_that_only_changes_case(hinge):
    u = hinge.make_user(userName=unique("case-"))
    new = u["userName"].upper()
    hinge.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "userName", "value": new}]).expect(200, 204)
    hinge.assert_entry(u["id"], {"uid": [new]})
    assert hinge.lenient.get(f"/Users/{u['id']}").json["userName"] == new


def test_C30_soft_deleted_users_stay_visible(hinge):
    u = hinge.make_user()
    hinge.entra.patch(f"/Users/{u['id']}", [{"op": "Replace", "path": "active", "value": "False"}]).expect(200, 204)
    assert hinge.entra.get(f"/Users/{u['id']}").expect(200).json["active"] is False
    found = hinge.entra.find("Users", f'userName eq "{u["userName"]}"')
    assert [x["active"] for x in found["Resources"]] == [False]
    assert hinge.entra.find("Users", f'userName eq "{u["userName"]}" and active eq false')["totalResults"] == 1
    hinge.assert_entry(u["id"], DISABLED)


@pytest.mark.parametrize("client", ["entra", "okta", "strict"])
def test_equal_value_is_no_write(hinge, client):
    u = hinge.make_user(title="T")
    before = hinge.entry(u["id"])
    with hinge.slapd.watch() as ops:
        hinge.client(client).patch(f"/Users/{u['id']}", [{"op": "replace", "path": "title", "value": "T"},
                                                         {"op": "add", "path": "displayName", "value": None}]
                                   if client != "strict" else [{"op": "replace", "path": "title", "value": "T"}]
                                   ).expect(200, 204)
    assert not [o for o in ops if o.verb in ("MOD", "MODRDN")], ops
    assert hinge.entry(u["id"]) == before


@pytest.mark.parametrize("query", ["attributes=title", "excludedAttributes=name"])
def test_patch_answer_is_projected(hinge, query):
    u = hinge.make_user()
    r = hinge.lenient.patch(f"/Users/{u['id']}?{query}", [{"op": "replace", "path": "title", "value": "T"}])
    doc = r.expect(200).json
    assert doc["title"] == "T" and "name" not in doc
    hinge.assert_entry(u["id"], {"title": ["T"]})
