# SPDX-License-Identifier: Apache-2.0
"""Random filters: what GET ?filter= finds in a populated directory against an evaluator that was written from the RFC
and knows the daemon only by its answers. DIRHINGE_FILTERS sets the number (default 500), DIRHINGE_SEED repeats a run."""

import os
import random

import pytest

from support.hinge import Hinge, new_slapd
from support.judge import Generator, Kind, judge
from support.scim import ENTERPRISE, GROUP, USER
from support.slapd import GROUPS, PEOPLE, Variant

FILTERS = int(os.environ.get("DIRHINGE_FILTERS", "500"))
SEED = int(os.environ.get("DIRHINGE_SEED", "20261120"))
NAMES = ["Ada", "ada", "Zoë", "ZOË", "O'Neil", "Müller", "MÜLLER", "José María", "Ann  Lee", "Ann Lee", "d’Arc",
         "Łukasz", "Иван", "Σίσυφος", "a*b", "(x)", "back\\slash", "100%", "李", "Straße", "STRASSE", "ﬁsh", "Ｆｕｌｌ",
         "x,y=z+1", "#hash", "1"]
TYPES = ["Employee", "employee", "Contractor", "Ext ern"]

# The one kind of filter that is refused: a user's groups are found by the group (memberOf), one at a time.
ASKED_OTHERWISE = "groups can only be filtered by groups.value eq"


def _person(rng, i):
    def some(p, v):
        return v() if rng.random() < p else None

    def mail(kind):
        return f"{rng.choice(('u', 'U', 'a.b', 'x+y'))}{i}@{rng.choice(('Example.com', 'example.com', 'example.org'))}"

    kinds = rng.sample(["work", "home", "other"], rng.randrange(4))
    emails = [{"value": mail(k) + ("" if k == "work" else f".{k}"), "type": k, "primary": n == 0}
              for n, k in enumerate(kinds)]
    phones = [{"value": rng.choice(("+1 555 01", "+1-555-01", "+49 30 ")) + str(i % 40), "type": k}
              for k in rng.sample(["work", "mobile", "home"], rng.randrange(3))]
    body = {"userName": f"{rng.choice(('rf', 'RF', 'Rf.é', 'rf-ß'))}{i}", "active": rng.random() < 0.8,
            "name": {"givenName": some(0.8, lambda: rng.choice(NAMES)), "familyName": rng.choice(NAMES)},
            "displayName": some(0.7, lambda: f"{rng.choice(NAMES)} {rng.choice(NAMES)}"),
            "title": some(0.5, lambda: rng.choice(("Engineer", "engineer", "Chief  Officer", "Chief Officer"))),
            "userType": some(0.6, lambda: rng.choice(TYPES)),
            "preferredLanguage": some(0.3, lambda: rng.choice(("de", "en-US"))),
            "externalId": some(0.6, lambda: rng.choice((f"Ext-{i}", f"ext-{i}", f"{i}"))), "emails": emails,
            "phoneNumbers": phones,
            "roles": [{"value": r} for r in rng.sample(["admin", "Admin2", "viewer"], rng.randrange(3))]}
    ent = {"employeeNumber": some(0.7, lambda: f"{i:04}"), "department": some(0.6, lambda: rng.choice(NAMES)),
           "costCenter": some(0.3, lambda: f"C{i % 7}")}
    body = {k: v for k, v in body.items() if v not in (None, [])}
    body["name"] = {k: v for k, v in body["name"].items() if v}
    ent = {k: v for k, v in ent.items() if v}
    return dict(body, schemas=[USER, ENTERPRISE] if ent else [USER], **({ENTERPRISE: ent} if ent else {}))


def _legacy(count):
    """Entries by an administrator: what SCIM never wrote."""
    text = ""
    for i in range(count):
        text += f"dn: uid=legacy{i},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: legacy{i}\ncn: Legacy {i}\nsn: Old\n"
        text += "mail: second@example.net\n" * (i % 3 == 0) + "givenName: Ann\ngivenName: Anna\n" * (i % 4 == 0)
        text += "title: Boss\ntitle: Chief\n" * (i % 5 == 0) + "telephoneNumber: +1 555 0100\n" * (i % 2) + "\n"
    return text


def _populate(h, rng):
    users = []
    for i in range(240):
        users.append(h.lenient.post("/Users", _person(rng, i)).expect(201).json["id"])
    for u in rng.sample(users, 60):
        value = {ENTERPRISE: {"manager": {"value": rng.choice(users)}}}
        h.lenient.patch(f"/Users/{u}", [{"op": "add", "value": value}]).expect(200, 204)
    h.ldap.add_ldif(_legacy(60))
    groups = []
    for i in range(40):
        members = [{"value": u} for u in rng.sample(users, rng.choice((0, 1, 2, 30)))]
        members += [{"value": g} for g in rng.sample(groups, min(len(groups), rng.choice((0, 0, 1))))]
        body = {"schemas": [GROUP], "displayName": f"{rng.choice(NAMES)} {i}", "members": members}
        if i % 2:
            body["externalId"] = f"G{i}"
        groups.append(h.lenient.post("/Groups", body).expect(201).json["id"])
    h.ldap.add(f"cn=twice,{GROUPS}", {"objectClass": "groupOfNames", "cn": ["twice", "Zwei Mal"], "member": [
        f"uid=legacy1,{PEOPLE}", f"uid=gone,{PEOPLE}"]})


@pytest.fixture(scope="module")
def crowd():
    slapd = new_slapd(Variant())
    h = Hinge(slapd)
    rng = random.Random(SEED)
    _populate(h, rng)
    schemas = {s["id"]: s for s in h.lenient.get("/Schemas").expect(200).json["Resources"]}
    world = {}
    for name, kind in (("Users", Kind(schemas[USER], [schemas[ENTERPRISE]])), ("Groups", Kind(schemas[GROUP]))):
        doc = h.lenient.get(f"/{name}", {"count": "1000"}).expect(200).json
        assert doc["totalResults"] == len(doc["Resources"]) == (300 if name == "Users" else 41)
        world[name] = (kind, {r["id"]: r for r in doc["Resources"]})
    yield h, world
    h.stop()
    slapd.remove()


def find(h, name, text):
    r = h.lenient.get(f"/{name}", {"filter": text, "attributes": "id", "count": "1000"})
    return r, {x["id"] for x in r.json["Resources"]} if r.status == 200 else None


def check(h, world, name, node, text, counts):
    kind, resources = world[name]
    r, found = find(h, name, text)
    if found is None:
        assert r.status == 400 and r.json["scimType"] == "invalidFilter", r
        counts["refused"] += 1
        return [] if ASKED_OTHERWISE in r.json["detail"] else [f"refused: {text}: {r.json['detail']}"]
    counts["answered"] += 1
    missing, extra = [], []
    for id_, resource in resources.items():
        want = judge(kind, node, resource)
        counts["pairs"] += 1
        counts["left to the directory"] += want is None
        if want is not None and want != (id_ in found):
            (missing if want else extra).append(resource)
    counts["some"] += 0 < len(found) < len(resources)
    return [f"{text}\n  found {len(found)}, missing {len(missing)}, not expected {len(extra)}; one of them: "
            f"{(missing + extra)[0]}"] if missing or extra else []


def test_random_filters(crowd):
    h, world = crowd
    rng = random.Random(SEED + 1)
    generators = {n: Generator(rng, kind, resources.values()) for n, (kind, resources) in world.items()}
    counts = dict.fromkeys(("answered", "refused", "some", "pairs", "left to the directory"), 0)
    wrong = []
    for _ in range(FILTERS):
        name = "Users" if rng.random() < 0.75 else "Groups"
        g = generators[name]
        node = g.tree()
        text = g.text(node)
        if len(text) < 2500:
            wrong += check(h, world, name, node, text, counts)
    print(f"random filters, seed {SEED}: {counts}, wrong {len(wrong)}")
    assert not wrong, f"{len(wrong)} wrong answers, seed {SEED}; the first:\n" + "\n".join(w[:1500] for w in wrong[:12])
    assert counts["some"] > counts["answered"] / 4, f"the filters decide too little: {counts}"
    assert counts["left to the directory"] < counts["pairs"] / 20, f"the judge decides too little: {counts}"


def _ids(values):
    return {v["value"] for v in values or []}


def _manager(r):
    return r.get(ENTERPRISE, {}).get("manager", {}).get("value")


NAMED = [
    ("Users", 'groups.value eq "{group}"', lambda r, w: w["group"] in _ids(r.get("groups"))),
    ("Users", 'groups eq "{group}"', lambda r, w: w["group"] in _ids(r.get("groups"))),
    # what the directory cannot decide is decided with the groups filled in
    ("Users", 'not (groups.value eq "{group}" and id ge "0")', lambda r, w: w["group"] not in _ids(r.get("groups"))),
    ("Users", 'groups.value eq "{group}" and userName co "f" and not (id lt "0")',
     lambda r, w: w["group"] in _ids(r.get("groups")) and "f" in r["userName"].lower()),
    ("Users", 'manager eq "{manager}"', lambda r, w: _manager(r) == w["manager"]),
    ("Users", ENTERPRISE + ':manager.value eq "{manager}"', lambda r, w: _manager(r) == w["manager"]),
    ("Users", ENTERPRISE + ':manager pr', lambda r, w: _manager(r) is not None),
    ("Users", ENTERPRISE + ':employeeNumber eq "0007"',
     lambda r, w: r.get(ENTERPRISE, {}).get("employeeNumber") == "0007"),
    ("Users", USER + ':name.familyName sw "str"', lambda r, w: r["name"]["familyName"].casefold()[:3] == "str"),
    ("Users", 'meta.lastModified gt "2000-01-01T00:00:00Z"', lambda r, w: True),
    ("Users", 'meta.lastModified gt "{newest}"', lambda r, w: False),
    ("Users", 'meta.lastModified ge "{newest}"', lambda r, w: r["meta"]["lastModified"] == w["newest"]),
    ("Users", 'active eq false', lambda r, w: r["active"] is False),
    ("Users", 'emails[type eq "work" and primary eq true]',
     lambda r, w: any(e.get("type") == "work" and e.get("primary") for e in r.get("emails", []))),
    ("Groups", 'members eq "{member}"', lambda r, w: w["member"] in _ids(r.get("members"))),
    ("Groups", 'members[value eq "{member}" and type eq "User"]', lambda r, w: w["member"] in _ids(r.get("members"))),
    ("Groups", GROUP + ':members.value eq "{member}" and not (externalId pr)',
     lambda r, w: w["member"] in _ids(r.get("members")) and "externalId" not in r),
]


@pytest.mark.parametrize("name, text, want", NAMED, ids=[t for _, t, _ in NAMED])
def test_named_filters(crowd, name, text, want):
    h, world = crowd
    users, groups = world["Users"][1].values(), world["Groups"][1].values()
    with_members = next(g for g in groups if len(g.get("members", [])) > 5)
    words = {"group": with_members["id"], "manager": next(m for m in map(_manager, users) if m),
             "newest": max(u["meta"]["lastModified"] for u in users),
             "member": next(m["value"] for m in with_members["members"] if m["type"] == "User")}
    for key, value in words.items():
        text = text.replace("{" + key + "}", value)
    r, found = find(h, name, text)
    assert r.status == 200, r
    assert found == {id_ for id_, x in world[name][1].items() if want(x, words)}
