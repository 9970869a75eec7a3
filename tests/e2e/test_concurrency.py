# SPDX-License-Identifier: Apache-2.0
"""Many writers on one group (reliability.md T-20, F-45): the members in the end are exactly what was acknowledged.

DIRHINGE_PATCHES is the number of PATCH requests of each test in all (default 320; the full run is 1000 each way for
each of 16 writers: DIRHINGE_PATCHES=16000)."""

import os
import random
import threading

import pytest

from support.hinge import unique
from support.scim import PATCH_OP
from support.slapd import Variant

WRITERS = 16
PATCHES = int(os.environ.get("DIRHINGE_PATCHES", "320"))


def run_writers(hinge, work):
    """work(client, number) in 16 threads; the first failure is raised."""
    failures = []

    def go(i):
        c = hinge.lenient.clone(timeout=60)
        try:
            work(c, i)
        except BaseException as e:  # noqa: B902 - to the main thread
            failures.append(e)
        finally:
            c.close()

    threads = [threading.Thread(target=go, args=(i,)) for i in range(WRITERS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60 + PATCHES)
    assert not any(t.is_alive() for t in threads), "a writer hangs"
    if failures:
        raise failures[0]


def patch(client, group, *ops):
    """True if acknowledged. A busy server is allowed to say so, but nothing else."""
    r = client.call("PATCH", f"/Groups/{group['id']}", {"schemas": [PATCH_OP], "Operations": list(ops)})
    assert r.status in (200, 204, 503), r
    return r.status != 503


def add(*ids):
    return {"op": "add", "path": "members", "value": [{"value": i} for i in ids]}


def remove(id_):
    return {"op": "remove", "path": f'members[value eq "{id_}"]'}


@pytest.mark.parametrize("empty", [True, False], ids=["from-empty", "with-others"])
def test_T20_members_are_what_was_acknowledged(hinge, empty):
    """Every writer has users of its own and adds and removes them at random: nobody else decides about them."""
    per_writer, own = PATCHES // WRITERS, 5
    users = [id_ for id_, _ in hinge.make_many(WRITERS * own + 2)]
    others = [] if empty else users[-2:]
    group = hinge.make_group(*others)
    held = [set() for _ in range(WRITERS)]
    unsure = [set() for _ in range(WRITERS)]

    def work(client, i):
        dice = random.Random(1000 + i)
        mine = users[i * own:(i + 1) * own]
        for _ in range(per_writer):
            who = dice.choice(mine)
            joins = dice.random() < 0.5
            if not patch(client, group, add(who) if joins else remove(who)):
                unsure[i].add(who)  # 503: done or not done
                continue
            unsure[i].discard(who)
            (held[i].add if joins else held[i].discard)(who)

    run_writers(hinge, work)
    unknown = set().union(*unsure)
    want = set().union(*held, others)
    assert len(unknown) <= WRITERS, "hardly anything was acknowledged"
    have = hinge.member_ids(group["id"])
    assert have - unknown == want - unknown
    raw = hinge.entry(group["id"])["member"]
    assert ("" in raw) == (not have), f"the placeholder stands in for nobody: {raw}"
    assert hinge.shown_members(group["id"]) == have


def test_T20_all_the_same_values(hinge):
    """Everybody adds and removes the same users: each acknowledged state was true at its moment, none is an error, and
    a last word by one writer is the end."""
    users = [id_ for id_, _ in hinge.make_many(4)]
    group = hinge.make_group()

    def work(client, i):
        dice = random.Random(2000 + i)
        for _ in range(PATCHES // WRITERS):
            who = dice.sample(users, dice.randint(1, 3))
            patch(client, group, *([add(*who)] if dice.random() < 0.5 else [remove(w) for w in who]))

    run_writers(hinge, work)
    raw = hinge.entry(group["id"])["member"]
    assert len(raw) == len(set(raw)) and (len(raw) == 1 or "" not in raw), raw
    patch(hinge.lenient, group, {"op": "replace", "path": "members", "value": [{"value": users[0]}]})
    hinge.assert_members(group["id"], users[0])


def lives_of_members(records, members):
    """(what a group held after a write, the write) for each, as the accesslog tells it."""
    for r in records:
        mods = [m.partition(":")[2] for m in r["reqMod"] if m.startswith("member:")]
        values = {op: {m[1:].removeprefix(" ") for m in mods if m[0] == op} for op in "=-+"}
        members = ((values["="] or members) - values["-"]) | values["+"]
        yield members, r


@pytest.mark.parametrize("cleanup", ["none", "refint", "memberof"])
def test_T20_the_placeholder_is_beside_nobody(hinges, cleanup):
    """A group between empty and not, changed in all ways at once, by an administrator too: no write of the gateway, at
    no moment, leaves the placeholder beside a member."""
    hinge = hinges(Variant(cleanup=cleanup))
    users = [id_ for id_, _ in hinge.make_many(2)]
    theirs = hinge.make_many(1)[0][1]
    group = hinge.make_group()
    dn = hinge.dn(group["id"])
    mark = hinge.slapd.audit_mark()
    ways = [lambda u: [add(u)], lambda u: [remove(u)], lambda u: [add(*users)], lambda u: [remove(i) for i in users],
            lambda u: [{"op": "replace", "path": "members", "value": [{"value": u}]}],
            lambda u: [{"op": "remove", "path": "members"}],
            lambda u: [remove(u), {"op": "replace", "path": "externalId", "value": unique("x")}]]
    weights = [6, 6, 2, 3, 1, 1, 2]

    def work(client, i):
        dice = random.Random(3000 + i)
        for _ in range(PATCHES // WRITERS):
            if i == 0:  # an administrator, who looks at what is there
                hinge.ldap.modify_ldif("".join(f"dn: {dn}\nchangetype: modify\n{op}: member\nmember: {theirs}\n-\n\n"
                                               for op in ("add", "delete") * 5), only_if="(!(member=))")
            else:
                patch(client, group, *dice.choices(ways, weights)[0](dice.choice(users)))

    run_writers(hinge, work)
    emptied, seen = 0, {""}
    for seen, record in lives_of_members([r for r in hinge.slapd.audit(mark) if r.one("reqDN") == dn], seen):
        assert "" not in seen or len(seen) == 1, f"{seen} after {record['reqMod']}"
        emptied += seen == {""}
    assert seen == set(hinge.entry(group["id"])["member"]), "the accesslog was not read right"
    assert emptied > WRITERS, "the group was hardly ever empty"


def test_T20_compare_and_swap_with_if_match(hinge):
    """A counter kept in externalId by read, If-Match and write: no increment is lost."""
    group = hinge.make_group(externalId="0")
    path = f"/Groups/{group['id']}"
    rounds = max(1, PATCHES // WRITERS // 10)
    lost = [0] * WRITERS

    def work(client, i):
        for _ in range(rounds):
            while True:
                r = client.get(path, {"attributes": "externalId"}).expect(200)
                body = {"schemas": [PATCH_OP], "Operations": [
                    {"op": "replace", "path": "externalId", "value": str(int(r.json["externalId"]) + 1)}]}
                got = client.call("PATCH", path, body, headers={"If-Match": r.headers["ETag"]})
                assert got.status in (200, 204, 412), got
                if got.status != 412:
                    break
                lost[i] += 1

    run_writers(hinge, work)
    assert hinge.lenient.get(path).json["externalId"] == str(WRITERS * rounds)
