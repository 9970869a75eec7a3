# SPDX-License-Identifier: Apache-2.0
"""Typed attributes of an extension (users.map): booleans, numbers, instants and lists, in LDAP attributes of the fitting
syntax and of text. Written, read, patched, filtered and sorted; what is of another type is refused."""

import datetime
import itertools

import pytest

from support.daemon import write_file
from support.hinge import unique
from support.match import ABSENT, shows
from support.scim import GROUP, USER
from support.slapd import PEOPLE, Variant

SITE = "urn:ietf:params:scim:schemas:extension:Site:2.0:User"
OID = "1.3.6.1.4.1.4203.666.11.78"
SYNTAX = "1.3.6.1.4.1.1466.115.121.1."
INTEGER = f"EQUALITY integerMatch ORDERING integerOrderingMatch SYNTAX {SYNTAX}27"
TIME = f"EQUALITY generalizedTimeMatch ORDERING generalizedTimeOrderingMatch SYNTAX {SYNTAX}24"
TEXT = f"EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX {SYNTAX}15"
# SCIM name: (type, multiValued, LDAP attribute, its definition or None if there is one)
ATTRS = {
    "level": ("integer", False, "siteLevel", INTEGER + " SINGLE-VALUE"),
    "floors": ("integer", True, "siteFloor", INTEGER),
    "remote": ("boolean", False, "siteRemote", f"EQUALITY booleanMatch SYNTAX {SYNTAX}7 SINGLE-VALUE"),
    "hired": ("dateTime", False, "siteHired", TIME + " SINGLE-VALUE"),
    "visits": ("dateTime", True, "siteVisit", TIME),
    "rate": ("decimal", False, "siteRate", TEXT + " SINGLE-VALUE"),
    "tags": ("string", True, "siteTag", TEXT),
    "oldLevel": ("integer", False, "carLicense", None),
    "oldFlags": ("boolean", True, "roomNumber", None),
}


def schema_ldif():
    types = "".join(f"olcAttributeTypes: ( {OID}.1.{i} NAME '{ldap}' {definition} )\n"
                    for i, (_, _, ldap, definition) in enumerate(ATTRS.values()) if definition)
    names = " $ ".join(ldap for _, _, ldap, definition in ATTRS.values() if definition)
    return f"""dn: cn=site,cn=schema,cn=config
objectClass: olcSchemaConfig
cn: site
{types}olcObjectClasses: ( {OID}.2.1 NAME 'sitePerson' SUP top AUXILIARY MAY ( {names} ) )
"""


def map_text():
    text = f"schemas:\n  - urn: {SITE}\n    name: Site\n    attributes:\n"
    for name, (kind, multi, _, _) in ATTRS.items():
        text += f"      - {{ name: {name}, type: {kind}{', multiValued: yes' if multi else ''} }}\n"
    return text + "rows:\n" + "".join(f'  - {{ scim: "{SITE}:{n}", ldap: {a[2]} }}\n' for n, a in ATTRS.items())


@pytest.fixture(scope="module")
def site(directories, hinges, tmp_path_factory):
    slapd = directories(Variant())
    if not slapd.config.search("cn=schema,cn=config", "(cn=*site)", attrs=("1.1",)):
        slapd.config.add_ldif(schema_ldif())
    path = write_file(str(tmp_path_factory.mktemp("map") / "users.yaml"), map_text())
    return hinges(Variant(), users={"map": path, "object_classes": ["inetOrgPerson", "sitePerson"]})


def body(h, **values):
    return h.user_body(**{"schemas": [USER, SITE], SITE: values})


def make(h, client="strict", **values):
    return h.client(client).post("/Users", body(h, **values)).expect(201).json


# --- schemas ---------------------------------------------------------------------------------------------------------

def test_types_are_advertised(site):
    doc = site.strict.get(f"/Schemas/{SITE}").expect(200).json
    got = {a["name"]: a for a in doc["attributes"]}
    assert list(got) == list(ATTRS)
    for name, (kind, multi, _, _) in ATTRS.items():
        shows(got[name], {"type": kind, "multiValued": multi, "required": False, "mutability": "readWrite",
                          "returned": "default", "uniqueness": "none"})
        assert ("caseExact" in got[name]) == (kind == "string"), got[name]


# --- writing and reading ---------------------------------------------------------------------------------------------

FULL = {"level": 7, "floors": [3, -1], "remote": False, "hired": "2026-01-31T09:00:00Z",
        "visits": ["2026-02-01T00:00:00Z", "2026-02-02T12:30:00.500000Z"], "rate": 0.1, "tags": ["Red", "blue"],
        "oldLevel": 12, "oldFlags": [True, False]}
HELD = {"siteLevel": ["7"], "siteFloor": ["3", "-1"], "siteRemote": ["FALSE"], "siteHired": ["20260131090000Z"],
        "siteVisit": ["20260201000000Z", "20260202123000.500000Z"], "siteRate": ["0.1"], "siteTag": ["Red", "blue"],
        "carLicense": ["12"], "roomNumber": ["TRUE", "FALSE"]}


@pytest.mark.parametrize("client", ["strict", "lenient"])
def test_create_and_read(site, client):
    u = make(site, client, **FULL)
    assert u[SITE] == FULL and u["schemas"] == [USER, SITE]
    site.assert_entry(u["id"], HELD)
    assert site.strict.get(f"/Users/{u['id']}").json[SITE] == FULL
    only = site.strict.get(f"/Users/{u['id']}?attributes={SITE}:level,{SITE}:tags").json
    assert only[SITE] == {"level": 7, "tags": ["Red", "blue"]}


def test_put_writes_the_differences(site):
    u = make(site, **FULL)
    new = {"level": -3, "floors": [3, 9], "remote": True, "hired": "2026-01-31T10:00:00+01:00", "visits": [],
           "tags": ["RED", "blue"], "rate": None, "oldFlags": [False]}
    with site.slapd.watch() as ops:
        r = site.strict.put(f"/Users/{u['id']}", dict(body(site, **new), userName=u["userName"])).expect(200)
    assert len([o for o in ops if o.verb == "MOD"]) == 1, ops
    assert r.json[SITE] == {"level": -3, "floors": [3, 9], "remote": True, "hired": "2026-01-31T09:00:00Z",
                            "tags": ["blue", "RED"], "oldLevel": 12, "oldFlags": [False]}
    site.assert_entry(u["id"], {
        "siteLevel": ["-3"], "siteFloor": ["3", "9"], "siteRemote": ["TRUE"], "siteHired": ["20260131090000Z"],
        "siteVisit": None, "siteTag": ["blue", "RED"], "siteRate": None, "carLicense": ["12"], "roomNumber": ["FALSE"]})
    before = site.slapd.audit_mark()
    doc = site.strict.get(f"/Users/{u['id']}").json
    site.strict.put(f"/Users/{u['id']}", doc).expect(200)
    assert site.slapd.audit_mark() == before, "a PUT of what is there changed something"


PATCHES = [
    ([("replace", "level", 8)], {"level": 8}, {"siteLevel": ["8"]}),
    ([("add", "remote", True)], {"remote": True}, {"siteRemote": ["TRUE"]}),
    ([("remove", "remote", None)], {"remote": ABSENT}, {"siteRemote": None}),
    ([("replace", "hired", "2026-03-01T00:00:00-02:00")], {"hired": "2026-03-01T02:00:00Z"},
     {"siteHired": ["20260301020000Z"]}),
    ([("add", "floors", [5])], {"floors": [3, -1, 5]}, {"siteFloor": ["3", "-1", "5"]}),
    ([("add", "floors", [3])], {"floors": [3, -1]}, {"siteFloor": ["3", "-1"]}),
    ([("replace", "floors", [1])], {"floors": [1]}, {"siteFloor": ["1"]}),
    ([("remove", "floors[value eq 3]", None)], {"floors": [-1]}, {"siteFloor": ["-1"]}),
    ([("remove", "floors[value lt 0]", None)], {"floors": [3]}, {"siteFloor": ["3"]}),
    ([("remove", 'visits[value gt "2026-02-01T12:00:00Z"]', None)], {"visits": ["2026-02-01T00:00:00Z"]},
     {"siteVisit": ["20260201000000Z"]}),
    ([("remove", 'tags[value eq "red"]', None), ("add", "tags", ["green"])], {"tags": ["blue", "green"]},
     {"siteTag": ["blue", "green"]}),
    ([("remove", "tags", None)], {"tags": ABSENT}, {"siteTag": None}),
    ([("replace", "rate", 2)], {"rate": 2.0}, {"siteRate": ["2.0"]}),
    ([("replace", "oldLevel", 13)], {"oldLevel": 13}, {"carLicense": ["13"]}),
]


@pytest.mark.parametrize("client", ["strict", "lenient"])
@pytest.mark.parametrize("ops,want,held", PATCHES, ids=["+".join(f"{o} {p}" for o, p, _ in c[0]) for c in PATCHES])
def test_patch(site, client, ops, want, held):
    u = make(site, **FULL)
    send = [{"op": o, "path": f"{SITE}:{p}", **({} if o == "remove" else {"value": v})} for o, p, v in ops]
    shows(site.client(client).patch(f"/Users/{u['id']}", send).expect(200).json[SITE], want)
    site.assert_entry(u["id"], held)


def test_pathless_patch_of_the_extension(site):
    u = make(site, **FULL)
    value = {SITE: {"level": 9, "tags": ["x"], "remote": None}}
    r = site.strict.patch(f"/Users/{u['id']}", [{"op": "replace", "value": value}]).expect(200)
    shows(r.json[SITE], {"level": 9, "tags": ["x"], "remote": ABSENT})
    site.assert_entry(u["id"], {"siteLevel": ["9"], "siteTag": ["x"], "siteRemote": None})


WRONG = [("level", "7"), ("level", 7.5), ("level", True), ("level", [7, 8]), ("floors", [1, "2"]), ("remote", "maybe"),
         ("remote", 1), ("hired", "2026-01-31"), ("hired", "2026-01-31T09:00:00"), ("hired", 5), ("visits", ["never"]),
         ("rate", "0.1"), ("rate", True), ("tags", [1.5]), ("tags", [{"value": {}}]), ("oldLevel", "x"),
         ("oldFlags", ["perhaps"])]


@pytest.mark.parametrize("client", ["strict", "lenient"])
@pytest.mark.parametrize("name,value", WRONG, ids=[f"{n}={v}" for n, v in WRONG])
def test_a_value_of_another_type_is_refused(site, client, name, value):
    u = make(site, level=1)
    mark = site.slapd.audit_mark()
    c = site.client(client)
    c.post("/Users", body(site, **{name: value})).error(400, ("invalidValue", "invalidSyntax"))
    c.put(f"/Users/{u['id']}", dict(body(site, **{name: value}), userName=u["userName"])) \
        .error(400, ("invalidValue", "invalidSyntax"))
    r = c.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "title", "value": "T"},
                                      {"op": "replace", "path": f"{SITE}:{name}", "value": value}])
    r.error(400, ("invalidValue", "invalidSyntax"))
    assert name in r.json["detail"], r
    assert site.slapd.audit_mark() == mark


def test_booleans_as_strings_are_tolerated_where_they_are_elsewhere(site):
    u = make(site, "lenient", remote="True")
    assert u[SITE] == {"remote": True}
    site.assert_entry(u["id"], {"siteRemote": ["TRUE"]})
    site.strict.post("/Users", body(site, remote="True")).error(400, "invalidValue")


def test_numbers_at_the_limits(site):
    for level in (2**63 - 1, -2**63, 0):
        u = make(site, level=level)
        assert u[SITE]["level"] == level and site.strict.find(
            "Users", f'id eq "{u["id"]}" and {SITE}:level eq {level}')["totalResults"] == 1
        site.assert_entry(u["id"], {"siteLevel": [str(level)]})
    for rate, text in ((1e30, "1e30"), (-0.25, "-0.25"), (3, "3.0"), (0.1 + 0.2, "0.30000000000000004")):
        u = make(site, rate=rate)
        assert u[SITE]["rate"] == rate
        site.assert_entry(u["id"], {"siteRate": [text]})
    site.strict.post("/Users", body(site, rate=2**53 + 1)).error(400, "invalidValue")
    site.strict.post("/Users", body(site, level=2**63)).error(400, ("invalidValue", "invalidSyntax"))


def test_what_others_wrote(site):
    """Every form that the LDAP syntax allows is read; text that is no number is not shown and not lost."""
    n = unique("ty-")
    dn = site.ldap.add(f"uid={n},{PEOPLE}", {
        "objectClass": ["inetOrgPerson", "sitePerson"], "uid": n, "cn": n, "sn": n, "siteHired": "202601311030+0130",
        "siteVisit": ["2026020112Z", "20260203000000.25Z"], "siteRate": "1E3", "carLicense": ["twelve", "007"],
        "roomNumber": ["true", "somewhere", "FALSE"]})
    id_ = site.ldap.read(dn, attrs=("entryUUID",)).one("entryUUID")
    assert site.strict.get(f"/Users/{id_}").expect(200).json[SITE] == {
        "hired": "2026-01-31T09:00:00Z", "visits": ["2026-02-01T12:00:00Z", "2026-02-03T00:00:00.250000Z"],
        "rate": 1000.0, "oldLevel": 7, "oldFlags": [True, False]}
    for flt in (f'{SITE}:hired eq "2026-01-31T09:00:00Z"', f"{SITE}:rate eq 1000", f"{SITE}:oldLevel lt 8",
                f"{SITE}:oldFlags eq false", f'{SITE}:visits ge "2026-02-03T00:00:00.25Z"'):
        assert site.strict.find("Users", f'id eq "{id_}" and {flt}')["totalResults"] == 1, flt
    ops = [{"op": "remove", "path": f"{SITE}:oldFlags[value eq true]"},
           {"op": "replace", "path": f"{SITE}:oldLevel", "value": 8}]
    r = site.strict.patch(f"/Users/{id_}", ops).expect(200)
    shows(r.json[SITE], {"oldFlags": [False], "oldLevel": 8})
    e = site.ldap.read(dn)
    assert set(e["roomNumber"]) == {"somewhere", "FALSE"} and set(e["carLicense"]) == {"twelve", "8"}, e


def test_an_entry_without_the_class_gets_it(site):
    """Entries from before the site's class was configured."""
    n = unique("ty-")
    dn = site.ldap.add(f"uid={n},{PEOPLE}", {"objectClass": "inetOrgPerson", "uid": n, "cn": n, "sn": n})
    id_ = site.ldap.read(dn, attrs=("entryUUID",)).one("entryUUID")
    ops = [{"op": "add", "path": f"{SITE}:level", "value": 3}, {"op": "add", "path": f"{SITE}:tags", "value": ["a"]}]
    shows(site.strict.patch(f"/Users/{id_}", ops).expect(200).json[SITE], {"level": 3, "tags": ["a"]})
    e = site.ldap.read(dn)
    assert e["siteLevel"] == ["3"] and e["siteTag"] == ["a"] and "sitePerson" in e["objectClass"], e


def test_groups_can_have_them_too(hinges, tmp_path_factory):
    urn = "urn:example:params:scim:schemas:extension:Site:2.0:Group"
    path = write_file(str(tmp_path_factory.mktemp("map") / "groups.yaml"), f"""schemas:
  - urn: {urn}
    name: SiteGroup
    attributes:
      - {{ name: seats, type: integer }}
      - {{ name: open, type: boolean }}
      - {{ name: topics, multiValued: yes }}
rows:
  - {{ scim: "{urn}:seats", ldap: o }}
  - {{ scim: "{urn}:open", ldap: businessCategory }}
  - {{ scim: "{urn}:topics", ldap: description }}
""")
    h = hinges(Variant(), groups={"map": path})
    values = {"seats": 12, "open": True, "topics": ["a", "b"]}
    g = h.make_group(client="strict", schemas=[GROUP, urn], **{urn: values})
    assert g[urn] == values
    h.assert_entry(g["id"], {"o": ["12"], "businessCategory": ["TRUE"], "description": ["a", "b"]})
    h.strict.patch(f"/Groups/{g['id']}", [{"op": "remove", "path": f'{urn}:topics[value eq "a"]'},
                                          {"op": "replace", "path": f"{urn}:seats", "value": 9}]).expect(200)
    h.assert_entry(g["id"], {"o": ["9"], "description": ["b"]})
    for flt, hit in ((f"{urn}:seats lt 10", 1), (f"{urn}:seats gt 10", 0), (f"{urn}:open eq true", 1)):
        assert h.strict.find("Groups", f'id eq "{g["id"]}" and {flt}')["totalResults"] == hit, flt


# --- filters and order -----------------------------------------------------------------------------------------------

T = ["2026-01-0%dT00:00:00Z" % d for d in range(1, 5)]
PEOPLE_OF_THE_SITE = [
    {"level": 1, "floors": [1, 5], "remote": True, "hired": T[0], "visits": [T[0], T[3]], "rate": 0.5, "tags": ["red"],
     "oldLevel": 10, "oldFlags": [True]},
    {"level": 2, "floors": [2], "remote": False, "hired": T[1], "visits": [T[1]], "rate": 1.5, "tags": ["Red", "blue"],
     "oldLevel": 9, "oldFlags": [False, True]},
    {"level": 10, "floors": [-4, 3], "remote": True, "hired": T[3], "rate": 10.25, "tags": ["green"], "oldLevel": -2},
    {"level": -5, "hired": T[2], "visits": [T[2]], "remote": False, "rate": -1.0, "oldLevel": 100},
    {"floors": [3]},
    {},
]
VALUES = {"level": [2, 10, -5, 3, 2.5, -5.5], "floors": [3, 5, -4, 0], "hired": [T[1], T[3]], "visits": [T[2], T[3]],
          "rate": [1.5, 0, 10], "oldLevel": [9, 10, 50], "remote": [True, False], "oldFlags": [True, False],
          "tags": ["red", "blue", "e"]}
ORDER = {"eq": lambda x, y: x == y, "gt": lambda x, y: x > y, "ge": lambda x, y: x >= y, "lt": lambda x, y: x < y,
         "le": lambda x, y: x <= y}


@pytest.fixture(scope="module")
def crowd(site):
    mark = unique("crowd")
    return mark, [(site.strict.post("/Users", dict(body(site, **v), title=mark)).expect(201).json["id"], v)
                  for v in PEOPLE_OF_THE_SITE]


def holds(values, name, op, want):
    have = values.get(name)
    if op == "pr":
        return have is not None
    have = [] if have is None else have if isinstance(have, list) else [have]
    if isinstance(want, str) and name == "tags":
        have, want = [x.lower() for x in have], want.lower()
    if op == "ne":
        return want not in have
    if op == "co":
        return any(want in x for x in have)
    return any(ORDER[op](x, want) for x in have)


def literal(value):
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else \
        f'"{value}"' if isinstance(value, str) else str(value)


@pytest.mark.parametrize("name", ATTRS)
def test_filters(site, crowd, name):
    mark, people = crowd
    kind = ATTRS[name][0]
    ops = {"boolean": ["eq", "ne"], "string": ["eq", "ne", "co"]}.get(kind, ["eq", "ne", "gt", "ge", "lt", "le"])
    cases = [(op, v) for op, v in itertools.product(ops, VALUES[name])] + [("pr", None)]
    for op, value in cases:
        one = f"{SITE}:{name} {op}" + ("" if op == "pr" else f" {literal(value)}")
        for flt, yes in ((one, True), (f"not ({one})", False)):
            got = site.strict.find("Users", f'title eq "{mark}" and {flt}')
            want = {i for i, v in people if holds(v, name, op, value) == yes}
            assert {r["id"] for r in got["Resources"]} == want and got["totalResults"] == len(want), flt


def test_filters_in_brackets(site, crowd):
    mark, people = crowd
    for flt, want in ((f"{SITE}:floors[value gt 2 and value lt 5]", [2, 4]), (f"{SITE}:floors[value eq 5]", [0]),
                      (f'{SITE}:tags[value sw "gr"]', [2])):
        got = site.strict.find("Users", f'title eq "{mark}" and {flt}')
        assert {r["id"] for r in got["Resources"]} == {people[i][0] for i in want}, flt


@pytest.mark.parametrize("flt", ["level eq \"2\"", "level co 2", "remote eq \"yes\"", "remote gt true", "hired eq \"x\"",
                                 "hired sw \"2026\"", "rate eq \"1\"", "tags eq 5"])
def test_filters_of_another_type_are_refused(site, flt):
    site.strict.get("/Users", {"filter": f"{SITE}:{flt}"}).error(400, "invalidFilter")


@pytest.mark.parametrize("name", ["level", "hired", "rate", "oldLevel", "remote"])
@pytest.mark.parametrize("down", [False, True])
def test_order(site, crowd, name, down):
    mark, people = crowd
    order = {"sortOrder": "descending"} if down else {}
    got = site.strict.find("Users", f'title eq "{mark}"', sortBy=f"{SITE}:{name}", count="50", **order)
    values = {i: v.get(name) for i, v in people}
    shown = [values[r["id"]] for r in got["Resources"]]
    with_value = [v for v in shown if v is not None]
    key = (lambda v: datetime.datetime.fromisoformat(v.replace("Z", "+00:00"))) if name == "hired" else None
    assert with_value == sorted(with_value, key=key, reverse=down), shown
    none = [v is None for v in shown]
    assert none == sorted(none, reverse=down), f"without value: last when ascending, first when descending: {shown}"


def test_equality_and_order_are_decided_by_the_directory(site, crowd):
    """So that they cost an index lookup and not a look at everybody."""
    for flt, ldap in ((f"{SITE}:level gt 2", "(siteLevel>=2)"), (f"{SITE}:hired le \"{T[1]}\"", "(siteHired<=20260102"),
                      (f"{SITE}:remote eq true", "(siteRemote=TRUE)"), (f"{SITE}:floors eq 3", "(siteFloor=3)")):
        with site.slapd.watch() as ops:
            site.strict.find("Users", flt, attributes="id")
        assert any(ldap in o.filter for o in ops if o.verb == "SRCH"), (flt, [o.filter for o in ops])
