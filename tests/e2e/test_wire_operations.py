# SPDX-License-Identifier: Apache-2.0
"""What reaches the directory: few operations, on persistent connections, at value level."""

import threading

import pytest

from support.hinge import unique
from support.slapdlog import done
from support.scim import ENTERPRISE, GROUP
from support.wait import until

BIG = 2000


@pytest.fixture(scope="module")
def big_group(hinges):
    """A group of 2,000 that an administrator made, and five users outside it."""
    h = hinges()
    members = h.make_many(BIG)
    extra = h.make_many(5)
    name = unique("big-")
    dn = h.ldap.add(f"cn={name},ou=groups,dc=example,dc=com",
                    {"objectClass": "groupOfNames", "cn": name, "member": [dn for _, dn in members]})
    return h.ldap.read(dn, attrs=("entryUUID",)).one("entryUUID"), members, extra


def member_reads(ops):
    """Searches that could bring member values along."""
    return [o for o in ops if o.verb == "SRCH" and ({a.lower() for a in o.attrs} & {"member", "*"} or not o.attrs)]


def test_no_bind_per_request(hinge):
    u = hinge.make_user()
    requests = 200
    errors = []

    def work(c):
        try:
            for _ in range(requests // 4):
                c.get(f"/Users/{u['id']}").expect(200)
        except Exception as e:  # noqa: BLE001 - handed to the test's thread
            errors.append(e)

    with hinge.slapd.watch() as ops:
        threads = [threading.Thread(target=work, args=(hinge.lenient.clone(),)) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert not errors, errors[0]
    binds = [o for o in ops if o.verb == "BIND"]
    # Requests that wait at the same time share a search, which then names the id once for each (decisions/0023).
    asked = sum(o.filter.count(u["id"]) for o in ops if o.verb == "SRCH")
    assert asked >= requests, f"asked {asked} times for {requests} requests: answers from a cache?"
    assert len(binds) <= 8, f"{len(binds)} binds for {requests} requests: the pool holds at most 8 connections"


def test_requests_share_searches(hinge):
    """Users by id, users by name and their groups: asked for together where requests wait at the same time, and each is
    answered with his own."""
    users = [hinge.make_user() for _ in range(16)]
    groups = [hinge.make_group(u["id"]) for u in users]
    wrong = []

    def work(c, u, g):
        try:
            for path in (f"/Users/{u['id']}", f"/Users?filter=userName%20eq%20%22{u['userName']}%22") * 4:
                got = c.get(path).expect(200).json
                got = got["Resources"][0] if "Resources" in got else got
                assert (got["id"], got["userName"]) == (u["id"], u["userName"])
                assert [x["value"] for x in got["groups"]] == [g["id"]]
        except Exception as e:  # noqa: BLE001 - handed to the test's thread
            wrong.append(e)

    def shared(ops, attr):
        return any(o.filter.count(f"({attr}=") > 1 for o in ops if o.verb == "SRCH")

    def round_of_all():
        with hinge.slapd.watch() as ops:
            threads = [threading.Thread(target=work, args=(hinge.lenient.clone(), u, g)) for u, g in zip(users, groups)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
        assert not wrong, wrong[0]
        seen.update(attr for attr in ("entryUUID", "uid", "member") if shared(ops, attr))
        return seen == {"entryUUID", "uid", "member"}

    seen = set()
    until(round_of_all, "requests to share searches of each kind", 120)


def test_one_get_is_one_search(hinge):
    u = hinge.make_user()
    hinge.lenient.get(f"/Users/{u['id']}?excludedAttributes=groups").expect(200)
    with hinge.slapd.watch() as ops:
        hinge.lenient.get(f"/Users/{u['id']}?excludedAttributes=groups").expect(200)
    assert [o.verb for o in ops] == ["SRCH"], ops


def test_lookup_by_name_is_one_indexed_search(hinge):
    u = hinge.make_user()
    with hinge.slapd.watch() as ops:
        hinge.entra.find("Users", f'userName eq "{u["userName"]}"', attributes="id,userName")
    assert [o.verb for o in ops] == ["SRCH"], ops
    assert f"(uid={u['userName']})" in ops[0].filter


def test_C20_patch_of_31_operations_is_one_modify(hinge):
    boss = hinge.make_user()
    u = hinge.make_user(emails=[{"type": "work", "value": "a@b.c"}])
    ops31 = [{"op": "replace", "path": p, "value": f"v-{i}"} for i, p in enumerate(
        ["displayName", "title", "nickName", "userType", "preferredLanguage", "locale", "timezone", "name.givenName",
         "name.familyName", "name.middleName", "name.honorificPrefix", "name.honorificSuffix", "name.formatted",
         'emails[type eq "work"].value', 'emails[type eq "home"].value', 'emails[type eq "other"].value',
         'phoneNumbers[type eq "work"].value', 'phoneNumbers[type eq "mobile"].value',
         'phoneNumbers[type eq "fax"].value', 'phoneNumbers[type eq "home"].value',
         'addresses[type eq "work"].streetAddress', 'addresses[type eq "work"].locality',
         'addresses[type eq "work"].region', 'addresses[type eq "work"].postalCode',
         'addresses[type eq "work"].country', f"{ENTERPRISE}:employeeNumber", f"{ENTERPRISE}:department",
         f"{ENTERPRISE}:division", f"{ENTERPRISE}:organization", f"{ENTERPRISE}:costCenter"])]
    ops31.append({"op": "replace", "path": f"{ENTERPRISE}:manager", "value": {"value": boss["id"]}})
    assert len(ops31) == 31
    with hinge.slapd.watch() as ops:
        hinge.entra.patch(f"/Users/{u['id']}", ops31).expect(200, 204)
    assert [o.verb for o in ops if o.verb in ("ADD", "MOD", "MODRDN", "DEL")] == ["MOD"], ops
    doc = hinge.entra.get(f"/Users/{u['id']}").expect(200).json
    assert doc["title"] == "v-1" and doc["name"]["familyName"] == "v-8"
    assert {e["type"]: e["value"] for e in doc["emails"]} == {"work": "v-13", "home": "v-14", "other": "v-15"}
    assert {e["type"]: e["value"] for e in doc["phoneNumbers"]} == {"work": "v-16", "mobile": "v-17", "fax": "v-18",
                                                                    "home": "v-19"}
    hinge.assert_entry(u["id"], {"title": ["v-1"], "sn": ["v-8"], "employeeNumber": ["v-25"],
                                 "manager": [hinge.dn(boss["id"])], "l": ["v-21"]})


@pytest.mark.parametrize("verb", ["add", "remove-filter", "remove-value", "swap"])
def test_one_member_of_a_big_group(hinge, big_group, verb):
    gid, members, extra = big_group
    before = hinge.member_dns(gid)
    new_id, new_dn = extra[0]
    out_id, out_dn = members[7]
    hinge.ldap.modify(hinge.dn(gid), *([("delete", "member", [new_dn])] if new_dn in before else []),
                      *([("add", "member", [out_dn])] if out_dn not in before else []),
                      ("replace", "description", [verb]))
    before = hinge.member_dns(gid)
    add = {"op": "add", "path": "members", "value": [{"value": new_id}]}
    requests = {"add": ([add], {new_dn}, set()),
                "remove-filter": ([{"op": "remove", "path": f'members[value eq "{out_id}"]'}], set(), {out_dn}),
                "remove-value": ([{"op": "remove", "path": "members", "value": [{"value": out_id}]}], set(), {out_dn}),
                "swap": ([{"op": "remove", "path": f'members[value eq "{out_id}"]'}, add], {new_dn}, {out_dn})}
    ops_, added, removed = requests[verb]
    mark = hinge.slapd.audit_mark()
    with hinge.slapd.watch() as ops:
        hinge.entra.patch(f"/Groups/{gid}?excludedAttributes=members", ops_).expect(200, 204)
    assert hinge.member_dns(gid) == (before | added) - removed
    assert not member_reads(ops), f"other members were read: {member_reads(ops)}"
    assert len(done(ops, "MOD")) == 1, ops
    mods = [m for r in hinge.slapd.audit(mark) for m in r["reqMod"] if m.lower().startswith("member:")]
    assert sorted(mods) == sorted([f"member:+ {d}" for d in added] + [f"member:- {d}" for d in removed])


def test_answer_to_a_big_group_patch_does_not_carry_the_members(hinge, big_group):
    """Without a projection the answer is 204 or leaves members out: reading 2,000 values for one is not the price."""
    gid, _, extra = big_group
    with hinge.slapd.watch() as ops:
        r = hinge.entra.patch(f"/Groups/{gid}", [{"op": "add", "path": "members", "value": [{"value": extra[1][0]}]}])
    r.expect(200, 204)
    assert r.status == 204 or "members" not in r.json, "2,000 members in the answer to adding one"
    assert not member_reads(ops), member_reads(ops)
    assert extra[1][1] in hinge.member_dns(gid)


def test_renaming_a_big_group_leaves_its_members_alone(hinge, big_group):
    gid, _, _ = big_group
    before = hinge.member_dns(gid)
    mark = hinge.slapd.audit_mark()
    name = unique("renamed-")
    with hinge.slapd.watch() as ops:
        hinge.entra.patch(f"/Groups/{gid}?excludedAttributes=members",
                          [{"op": "replace", "value": {"displayName": name}}]).expect(200, 204)
    assert hinge.entry(gid)["cn"] == [name] and hinge.member_dns(gid) == before
    assert not member_reads(ops), member_reads(ops)
    assert not [m for r in hinge.slapd.audit(mark) for m in r["reqMod"] if m.lower().startswith("member:")]


@pytest.mark.parametrize("path", ["/Groups?excludedAttributes=members&count=5",
                                  "/Groups?attributes=displayName&count=5",
                                  "/Groups?excludedAttributes=members&filter=displayName+sw+%22b%22"])
def test_lists_without_members_never_ask_for_them(hinge, big_group, path):
    with hinge.slapd.watch() as ops:
        hinge.lenient.get(path).expect(200)
    assert [o for o in ops if o.verb == "SRCH"] and not member_reads(ops), ops


def test_F38_big_group_is_shown_completely(hinge, big_group):
    gid, _, _ = big_group
    held = hinge.ldap.search("ou=people,dc=example,dc=com", f"(memberOf={hinge.dn(gid)})", attrs=("entryUUID",))
    with hinge.slapd.watch() as ops:
        shown = hinge.shown_members(gid)
    assert shown == {e.one("entryUUID") for e in held} and len(shown) >= BIG - 1
    assert len(ops) < 60, f"{len(ops)} operations: members are resolved one by one"


def test_F17_put_of_a_big_group_is_value_level(hinge, big_group):
    gid, members, extra = big_group
    now = hinge.shown_members(gid)
    out = members[11][0]
    want = (now - {out}) | {extra[2][0]}
    mark = hinge.slapd.audit_mark()
    ops = [{"op": "replace", "path": "members", "value": [{"value": i} for i in sorted(want)]}]
    hinge.okta.patch(f"/Groups/{gid}?excludedAttributes=members", ops).expect(200, 204)
    assert hinge.shown_members(gid) == want
    mods = [m for r in hinge.slapd.audit(mark) for m in r["reqMod"] if m.lower().startswith("member:")]
    assert sorted(mods) == sorted([f"member:- {members[11][1]}", f"member:+ {extra[2][1]}"]), \
        f"{len(mods)} values written for a difference of two"


@pytest.mark.parametrize("prefer", ["respond-async", "respond-async, wait=5", "return=minimal; x=y, respond-async"])
def test_G12_a_wish_for_an_asynchronous_answer_gets_the_usual_one(hinge, prefer):
    """RFC 9967 2.5.1.1 allows it. What was answered is done: the entry is looked at right behind each answer."""
    headers = {"Prefer": prefer}

    def usual(reply, *status):
        reply.expect(*status)
        assert "Preference-Applied" not in reply.headers and "Set-Txn" not in reply.headers
        return reply

    u = usual(hinge.lenient.post("/Users", hinge.user_body(title="0"), headers=headers), 201).json
    hinge.assert_entry(u["id"], {"title": ["0"]})
    path = f"/Users/{u['id']}"
    r = usual(hinge.lenient.patch(path, [{"op": "replace", "path": "title", "value": "1"}], headers=headers), 200)
    assert r.json["title"] == "1"
    hinge.assert_entry(u["id"], {"title": ["1"]})
    body = hinge.user_body(userName=u["userName"], title="2")
    assert usual(hinge.lenient.put(path, body, headers=headers), 200).json["title"] == "2"
    hinge.assert_entry(u["id"], {"title": ["2"]})
    g = usual(hinge.lenient.post("/Groups", {"schemas": [GROUP], "displayName": unique("g")}, headers=headers), 201).json
    usual(hinge.lenient.patch(f"/Groups/{g['id']}", [{"op": "add", "path": "members", "value": [{"value": u["id"]}]}],
                              headers=headers), 204)
    hinge.assert_members(g["id"], u["id"])
    usual(hinge.lenient.delete(path, headers=headers), 204)
    assert hinge.entry(u["id"]) is None
