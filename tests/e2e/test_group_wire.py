# SPDX-License-Identifier: Apache-2.0
"""Groups as real clients send them (wire cases F)."""

import uuid
from dataclasses import dataclass

import pytest

from support.hinge import unique
from support.match import ABSENT, fill, shows
from support.scim import GROUP
from support.slapd import GROUPS
from support.slapdlog import done

MS_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
SYNTAX = ("invalidSyntax", "invalidValue", "invalidPath")
ALL = ("lenient", "entra", "okta", "strict")
LAX = ("lenient", "entra", "okta")


@dataclass(frozen=True)
class Create:
    id: str
    body: dict
    entry: dict
    members: tuple = ()
    clients: tuple = ALL
    strict: tuple = None


CREATES = [
    Create("F1", {"schemas": [GROUP, MS_GROUP], "externalId": "<N>-8aa1", "displayName": "<N>",
                  "meta": {"resourceType": "Group"}},
           {"cn": ["<N>"], "dirhingeExternalId": ["<client>:<N>-8aa1"]}, clients=LAX,
           strict=(400, ("invalidSyntax", "invalidValue"))),
    Create("F2", {"schemas": [GROUP], "displayName": "<N>", "externalId": "<N>-e"},
           {"cn": ["<N>"], "dirhingeExternalId": ["<client>:<N>-e"]}),
    Create("F4", {"schemas": [GROUP], "displayName": "Test <N>", "members": []}, {"cn": ["Test <N>"]}),
    Create("F5", {"schemas": [GROUP], "displayName": "<N>", "members": [{"value": "<U1>", "display": "x"}]},
           {"cn": ["<N>"], "member": ["<dn:U1>"]}, members=("U1",)),
    Create("F14-create", {"schemas": [GROUP], "displayName": "<N>", "emails": [{"value": "g@c"}]}, {"cn": ["<N>"]},
           clients=LAX),
]
CREATED = [(r, c) for r in CREATES for c in r.clients]


@pytest.fixture(scope="module")
def people(hinges):
    """Four users every row may use: names for fill()."""
    h = hinges()
    names = {}
    for n in ("U1", "U2", "U3", "U4"):
        names[n] = h.make_user(displayName=f"Person {n}")["id"]
        names["dn:" + n] = h.dn(names[n])
    return names


@pytest.mark.parametrize("row,client", CREATED, ids=[f"{r.id}-{c}" for r, c in CREATED])
def test_create(hinge, people, row, client):
    names = {**people, "N": unique(row.id.lower() + "-"), "client": client}
    c = hinge.client(client)
    doc = c.post("/Groups", fill(row.body, names)).expect(201).json
    want = [{"value": names[m], "type": "User", "$ref": lambda v, m=m: v.endswith("/Users/" + names[m]),
             "display": f"Person {m}"} for m in row.members]
    if want:
        shows(doc, {"members": want})
    else:
        assert not doc.get("members"), f"a group without members shows {doc['members']}"
    shows(doc, {"schemas": [GROUP], "displayName": fill(row.body["displayName"], names), "emails": ABSENT,
                "externalId": fill(row.body.get("externalId", ABSENT), names)})
    assert c.get(f"/Groups/{doc['id']}").expect(200).json == doc
    hinge.assert_entry(doc["id"], fill(row.entry, names))
    hinge.assert_members(doc["id"], *[names[m] for m in row.members])


@pytest.mark.parametrize("row", [r for r in CREATES if r.strict], ids=lambda r: r.id)
def test_strict_create(hinge, people, row):
    name = unique(row.id.lower() + "-")
    hinge.strict.post("/Groups", fill(row.body, {**people, "N": name, "client": "strict"})).error(*row.strict)
    assert hinge.ldap.search(GROUPS, f"(cn={name})") == []


@pytest.mark.parametrize("client", ALL)
@pytest.mark.parametrize("same", ["same", "upper"])
def test_F3_duplicate_name(hinge, client, same):
    g = hinge.make_group()
    before = hinge.entry(g["id"])
    name = g["displayName"] if same == "same" else g["displayName"].upper()
    hinge.client(client).post("/Groups", {"schemas": [GROUP], "displayName": name, "externalId": unique("e")}) \
        .error(409, "uniqueness")
    assert hinge.entry(g["id"]) == before


@dataclass(frozen=True)
class Row:
    id: str
    before: tuple       # members before
    ops: list
    after: tuple        # members after
    clients: tuple = ALL
    strict: tuple = None
    strict_after: tuple = None
    entry: dict = None
    writes: int = None  # number of MOD operations, if it is told


def op(verb, path=None, value=None):
    o = {"op": verb}
    if path:
        o["path"] = path
    if value is not None:
        o["value"] = value
    return o


def vals(*names, **more):
    return [{"value": f"<{n}>", **more} for n in names]


REF = {"$ref": None}
ROWS = [
    Row("F6", (), [op("Add", "members", vals("U1", **REF))], ("U1",), clients=LAX),
    Row("F8", ("U1", "U2"), [op("Remove", "members", vals("U1", **REF))], ("U2",), clients=LAX),
    Row("F9", ("U1", "U2"), [op("remove", "members[value eq \"<U1>\"]")], ("U2",)),
    Row("F9-tight", ("U1", "U2"), [op("remove", "members[value eq\"<U1>\"]")], ("U2",), clients=LAX),
    Row("F10", ("U3", "U1"), [op("replace", "members", vals("U1", "U2"))], ("U1", "U2"), writes=1),
    Row("F12", ("U1",), [op("replace", None, {"displayName": "<N>-new"})], ("U1",), entry={"cn": ["<N>-new"]}),
    Row("F13", ("U1",), [op("replace", None, {"externalId": "<N>-x"})], ("U1",),
        entry={"dirhingeExternalId": ["<client>:<N>-x"]}),
    Row("F13-path", ("U1",), [op("replace", "externalId", "<N>-x")], ("U1",),
        entry={"dirhingeExternalId": ["<client>:<N>-x"]}),
    Row("F14", ("U1",), [op("Add", 'emails[type eq "other"].value', [{"value": "g@c"}])], ("U1",), clients=LAX,
        strict=(400, SYNTAX)),
    Row("F15", ("U1",), [op("replace", None, {"id": "<G>", "displayName": "<NAME>"})], ("U1",),
        clients=("okta", "entra"), writes=0),
    Row("F16", ("U1",), [op("remove", "members[value eq \"<U1>\"]"),
                         op("add", "members", [{"value": "<U2>", "display": "u2@c"}])], ("U2",), writes=1),
    Row("F17", ("U1", "U2"), [op("replace", "members", vals("U2", "U3", "U4"))], ("U2", "U3", "U4"), writes=1),
    Row("F17-empty", ("U1", "U2"), [op("replace", "members", [])], (), writes=1),
    Row("F26", ("U1",), [op("replace", "members", [{"value": "<U2>", "$ref": "Users/<U2>", "display": "d",
                                                    "type": "User"}]),
                         op("replace", "displayName", "<N>-kc"), op("replace", "externalId", "<N>-kx")], ("U2",),
        entry={"cn": ["<N>-kc"], "dirhingeExternalId": ["<client>:<N>-kx"]}),
    Row("F27", ("U1", "U2"), [op("remove", "members")], (), writes=1),
    Row("F28", ("U1", "U2"), [op("remove", "members", vals("U1"))], ("U2",), clients=LAX, writes=1),
    Row("F29", (), [op("add", "members", "<U1>")], ("U1",), clients=LAX, strict=(400, SYNTAX)),
    Row("F29-list", (), [op("add", "members", ["<U1>", "<U2>"])], ("U1", "U2"), clients=LAX, strict=(400, SYNTAX)),
    Row("F30", ("U1",), [op("add", "members", vals("U1"))], ("U1",)),
    Row("F30-mixed", ("U1",), [op("add", "members", vals("U1", "U2"))], ("U1", "U2")),
    Row("F30-twice", (), [op("add", "members", vals("U1")), op("add", "members", vals("U1"))], ("U1",)),
    Row("F32", ("U1",), [op("remove", "members[value eq \"<U1>\"]")], ()),
    Row("F32-value", ("U1",), [op("remove", "members", vals("U1"))], (), clients=LAX),
    Row("P39", ("U1",), [op("remove", "members[value eq \"<U2>\"]")], ("U1",)),
    Row("P39-mixed", ("U1", "U2"), [op("remove", "members[value eq \"<U3>\"]"),
                                    op("remove", "members[value eq \"<U1>\"]")], ("U2",)),
    Row("P39-unknown", ("U1",), [op("remove", f"members[value eq \"{UNKNOWN_ID}\"]")], ("U1",)),
    Row("add-remove", ("U1",), [op("add", "members", vals("U2")), op("remove", "members[value eq \"<U2>\"]")], ("U1",)),
    Row("remove-add", ("U1",), [op("remove", "members[value eq \"<U1>\"]"), op("add", "members", vals("U1"))], ("U1",)),
    Row("or", ("U1", "U2", "U3"), [op("remove", "members[value eq \"<U1>\" or value eq \"<U2>\"]")], ("U3",)),
    Row("type", ("U1", "U2"), [op("remove", "members[type eq \"User\"]")], ()),
    Row("pathless", ("U1",), [op("add", None, {"members": vals("U2")})], ("U1", "U2")),
    Row("F24", ("U1",), [op("replace", None, {"id": "<G>", "schemas": [GROUP], "externalId": "<N>-ak",
                                              "displayName": "<N>-ak", "members": vals("U2")})], ("U2",), clients=LAX,
        entry={"cn": ["<N>-ak"], "dirhingeExternalId": ["<client>:<N>-ak"]}),
]
ACCEPTED = [(r, c) for r in ROWS for c in r.clients]


def prepare(hinge, people, row, client):
    g = hinge.make_group(*[people[m] for m in row.before], client=client)
    return g, {**people, "N": unique(row.id.lower() + "-"), "G": g["id"], "NAME": g["displayName"], "client": client}


@pytest.mark.parametrize("row,client", ACCEPTED, ids=[f"{r.id}-{c}" for r, c in ACCEPTED])
def test_patch(hinge, people, row, client):
    g, names = prepare(hinge, people, row, client)
    with hinge.slapd.watch() as ops:
        r = hinge.client(client).patch(f"/Groups/{g['id']}", fill(row.ops, names)).expect(200, 204)
    want = {names[m] for m in row.after}
    if r.status == 200 and "members" in r.json:
        assert {m["value"] for m in r.json["members"]} == want, f"the answer shows other members: {r}"
    hinge.assert_members(g["id"], *want)
    if row.entry:
        hinge.assert_entry(g["id"], fill(row.entry, names))
    if row.writes is not None:
        assert len(done(ops, "MOD", "MODRDN")) == row.writes, ops


@pytest.mark.parametrize("row", [r for r in ROWS if r.strict], ids=lambda r: r.id)
def test_strict_profile_refuses(hinge, people, row):
    g, names = prepare(hinge, people, row, "strict")
    before = hinge.entry(g["id"])
    hinge.strict.patch(f"/Groups/{g['id']}", fill(row.ops, names)).error(*row.strict)
    assert hinge.entry(g["id"]) == before


def test_F7_tens_of_values_are_one_modify(hinge):
    made = hinge.make_many(48)
    g = hinge.make_group()
    with hinge.slapd.watch() as ops:
        values = [{"value": i} for i, _ in made]
        hinge.entra.patch(f"/Groups/{g['id']}", [op("Add", "members", values)]).expect(200, 204)
    assert hinge.member_dns(g["id"]) == {dn for _, dn in made}
    assert len(done(ops, "MOD")) == 1, ops
    resolving = [o for o in ops if o.verb == "SRCH" and "entryUUID=" in o.filter and o.filter.count("entryUUID=") > 1]
    assert len(resolving) == 1, f"48 ids should be one search: {ops}"


@pytest.mark.parametrize("members,after", [(["U1", "U2"], ["U1", "U2"]), ([], []), (None, ["U3", "U1"])],
                         ids=["F19", "F20-empty", "F20-absent"])
@pytest.mark.parametrize("client", ["okta", "strict"])
def test_put(hinge, people, client, members, after):
    g = hinge.make_group(people["U3"], people["U1"], client=client)
    body = {"schemas": [GROUP], "id": g["id"], "displayName": g["displayName"]}
    if members is not None:
        body["members"] = [{"value": people[m], "display": "x"} for m in members]
    doc = hinge.client(client).put(f"/Groups/{g['id']}", body).expect(200).json
    shows(doc, {"id": g["id"], "displayName": g["displayName"]})
    hinge.assert_members(g["id"], *[people[m] for m in after])


def test_F19_put_renames_and_changes_members(hinge, people):
    g = hinge.make_group(people["U1"])
    new = unique("f19-")
    body = {"schemas": [GROUP], "displayName": new, "members": [{"value": people["U2"]}]}
    assert hinge.okta.put(f"/Groups/{g['id']}", body).expect(200).json["displayName"] == new
    hinge.assert_entry(g["id"], {"cn": [new], "member": [people["dn:U2"]]})


def test_F19_writes_only_the_difference(hinge, people):
    g = hinge.make_group(people["U1"], people["U2"])
    mark = hinge.slapd.audit_mark()
    body = {"schemas": [GROUP], "displayName": g["displayName"],
            "members": [{"value": people[m]} for m in ("U2", "U3")]}
    hinge.okta.put(f"/Groups/{g['id']}", body).expect(200)
    mods = sorted(m for r in hinge.slapd.audit(mark) for m in r["reqMod"] if m.startswith("member:"))
    assert mods == sorted([f"member:- {people['dn:U1']}", f"member:+ {people['dn:U3']}"])


def test_F19_put_to_a_taken_name(hinge):
    a, b = hinge.make_group(), hinge.make_group()
    before = hinge.entry(a["id"])
    hinge.okta.put(f"/Groups/{a['id']}", {"schemas": [GROUP], "displayName": b["displayName"], "members": []}) \
        .error(409, "uniqueness")
    assert hinge.entry(a["id"])["cn"] == before["cn"]


def test_F21_delete(hinge, people):
    g = hinge.make_group(people["U1"])
    assert hinge.okta.delete(f"/Groups/{g['id']}").expect(204).body == b""
    hinge.okta.get(f"/Groups/{g['id']}").error(404)
    assert hinge.entry(g["id"]) is None
    assert hinge.entry(people["U1"]) is not None, "deleting a group deleted a member"


def test_F22_answer_may_leave_members_out(hinge, people):
    g = hinge.make_group(people["U1"])
    r = hinge.okta.patch(f"/Groups/{g['id']}?excludedAttributes=members",
                         [op("add", "members", [{"value": people["U2"]}])])
    r.expect(200, 204)
    assert r.status == 204 or not r.json.get("members")
    hinge.assert_members(g["id"], people["U1"], people["U2"])


def test_F23_authentik_creates_then_adds(hinge, people):
    g = hinge.make_group()
    for m in ("U1", "U2"):
        hinge.lenient.patch(f"/Groups/{g['id']}", [op("add", "members", [{"value": people[m]}])]).expect(200, 204)
    hinge.assert_members(g["id"], people["U1"], people["U2"])


@pytest.mark.parametrize("client", ALL)
@pytest.mark.parametrize("bad", [UNKNOWN_ID, "no-such-id", "uid=a,ou=people,dc=example,dc=com", "*", ""])
def test_F33_unknown_member(hinge, people, client, bad):
    g = hinge.make_group(people["U1"])
    before = hinge.entry(g["id"])
    r = hinge.client(client).patch(f"/Groups/{g['id']}", [op("add", "members", [{"value": bad}])])
    r.error(400, "invalidValue")
    assert not bad or bad in r.json["detail"], f"the detail does not name the id: {r}"
    assert hinge.entry(g["id"]) == before


@pytest.mark.parametrize("client", ALL)
def test_F33_unknown_member_on_create(hinge, client):
    name = unique("f33-")
    body = {"schemas": [GROUP], "displayName": name, "members": [{"value": UNKNOWN_ID}]}
    hinge.client(client).post("/Groups", body).error(400, "invalidValue")
    assert hinge.ldap.search(GROUPS, f"(cn={name})") == []


@pytest.mark.parametrize("client", ["strict", "okta", "entra"])
def test_F34_one_unknown_among_fifty(hinge, client):
    made = hinge.make_many(49)
    g = hinge.make_group()
    before = hinge.entry(g["id"])
    unknown = str(uuid.uuid4())
    values = [{"value": i} for i, _ in made[:20]] + [{"value": unknown}] + [{"value": i} for i, _ in made[20:]]
    r = hinge.client(client).patch(f"/Groups/{g['id']}", [op("add", "members", values)])
    if client == "strict":
        r.error(400, "invalidValue")
        assert hinge.entry(g["id"]) == before
    else:
        r.expect(200, 204)
        assert hinge.member_dns(g["id"]) == {dn for _, dn in made}
        assert unknown in hinge.daemon.log(), "the member left out is not in the log"


@pytest.mark.parametrize("client", ALL)
def test_F35_nested_group(hinge, people, client):
    inner = hinge.make_group(people["U1"])
    g = hinge.make_group(people["U2"])
    hinge.client(client).patch(f"/Groups/{g['id']}", [op("add", "members", [{"value": inner["id"]}])]).expect(200, 204)
    doc = hinge.client(client).get(f"/Groups/{g['id']}").expect(200).json
    shows(doc, {"members": [{"value": people["U2"], "type": "User"},
                            {"value": inner["id"], "type": "Group", "display": inner["displayName"],
                             "$ref": lambda v: v.endswith("/Groups/" + inner["id"])}]})
    assert hinge.dn(inner["id"]) in hinge.member_dns(g["id"])


@pytest.mark.parametrize("ops,scim_type", [
    ([op("remove", "displayName")], "mutability"),
    ([op("replace", "displayName", "")], ("mutability", "invalidValue")),
    ([op("add", "members", [{"display": "no value"}])], "invalidValue"),
    ([op("add", "members", [{"value": 5}])], ("invalidValue", "invalidSyntax")),
    ([op("add", "members", vals("U2")), op("remove", "displayName")], "mutability"),
    ([op("remove", "members[value eq]")], ("invalidPath", "invalidFilter"))], ids=str)
def test_bad_patch_changes_nothing(hinge, people, ops, scim_type):
    g = hinge.make_group(people["U1"])
    before = hinge.entry(g["id"])
    hinge.strict.patch(f"/Groups/{g['id']}", fill(ops, people)).error(400, scim_type)
    assert hinge.entry(g["id"]) == before


@pytest.mark.parametrize("body", [{}, {"displayName": ""}, {"displayName": None}, {"displayName": 7},
                                  {"displayName": "x", "members": "x"}, {"displayName": "x", "members": [7]}], ids=str)
def test_incomplete_group_is_refused(hinge, no_writes, body):
    hinge.strict.post("/Groups", {"schemas": [GROUP], **body}).error(400, ("invalidValue", "invalidSyntax"))


@pytest.mark.parametrize("filter_", ['displayName eq "<N>"', 'externalId eq "<N>-e"', 'members[value eq "<U1>"]',
                                     'members.value eq "<U1>"', 'displayName sw "<N>"', 'displayName co "<N>"'])
def test_group_filters(hinge, people, filter_):
    n = unique("flt-")
    g = hinge.make_group(people["U1"], displayName=n, externalId=n + "-e")
    other = hinge.make_group(people["U2"])
    ids = [x["id"] for x in hinge.lenient.find("Groups", fill(filter_, {**people, "N": n}), count="200")["Resources"]]
    assert g["id"] in ids and other["id"] not in ids
