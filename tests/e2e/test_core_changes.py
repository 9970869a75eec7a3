# SPDX-License-Identifier: Apache-2.0
"""Changes that administrators make become events, on every directory; many random ones, and what is told of them all
adds up to what the directory holds."""

import json
import random

import pytest

from support import samba, side as sides
from support.hinge import unique
from support.reader import Reader
from support.wait import until
from support.scim import USER

SHOWN = ("userName", "title", "displayName", "active")
ACTIVE_DIRECTORY = sides.FLAVOUR == "active-directory"
CLIENTS = [{"name": "lenient", "profile": "lenient", "scopes": ["users:write", "groups:write"]},
           {"name": "reader", "scopes": ["events:read"]}, {"name": "operator", "scopes": ["admin"]}]


class Followed:
    """A side with its change feed and a reader of its own. source: what must serve it."""

    def __init__(self, server, kind, source=None, **sections):
        self.side = kind(server, clients=CLIENTS, events={"guard": {"max_removals": 100000, "max_percent": 100}},
                         **sections)
        self.reader = Reader(self.side.daemon.address, self.side.daemon.tokens["reader"])
        until(lambda: self.status().get("state") == "live", "the feed to be live", 60)
        assert source in (None, self.status()["source"])
        self.marks, self.log = 0, []
        self.marker = self.side.make_user(userName=f"{unique('marker')}@{self.side.domain}", title="mark-0")
        self.until_mark("mark-0")

    def status(self):
        status, _, body = self.side.daemon.probe("/admin/v1/sync", admin=True,
                                                 token=self.side.daemon.tokens["operator"])
        assert status == 200, body
        return json.loads(body)

    def until_mark(self, title):
        return self.until_title(title, self.marker["id"])

    def until_title(self, title, marker):
        events = self.reader.until(lambda e: e["data"].get("title") == title, 60)
        self.log += [(e["type"], e["subject"]["id"], e.get("member", {}).get("value")) for e in events]
        return [e for e in events if e["subject"].get("id") != marker]

    def told_with(self, others):
        """All events of what was done before, for this one and for others: a list of each. Two marks: of what DirSync
        finds at once users are told of before groups, and so may be the first mark."""
        found = [[] for _ in (self, *others)]
        for _ in range(2 if ACTIVE_DIRECTORY else 1):
            self.marks += 1
            title = f"mark-{self.marks}"
            self.side.ldap.modify(self.side.dn(self.marker["id"]), ("replace", self.side.names["title"], [title]))
            for f, events in zip((self, *others), found):
                events += f.until_title(title, self.marker["id"])
        return found

    def told(self):
        return self.told_with(())[0]

    def close(self):
        self.reader.close()
        self.side.stop()


@pytest.fixture(scope="module")
def followed(side_server):
    f = Followed(*side_server, source="DirSync" if ACTIVE_DIRECTORY else None)
    yield f
    f.close()


@pytest.fixture(scope="module")
def others(side_server, followed):
    """Who follows the same directory by other sources."""
    made = [Followed(*side_server, source="uSNChanged", directory={"bind_dn": samba.PLAIN})] if ACTIVE_DIRECTORY else []
    yield made
    for f in made:
        f.close()


def kinds(events):
    return [e["type"].removeprefix("dsync.") for e in events]


def add_user(side, name):
    dn, attrs = side.new_user(0, name)
    side.ldap.add(dn, attrs)
    return dn


def add_group(side, name, dns):
    dn, attrs = side.new_group(name, dns)
    side.ldap.add(dn, attrs)
    return dn


def test_a_life(followed):
    s = followed.side
    followed.told()
    dn = add_user(s, unique("life"))
    i = s.id_of(dn)
    (e,) = followed.told()
    assert e["type"] == "dsync.user.created" and e["subject"]["id"] == i
    assert e["data"]["userName"] == s.value(i, "userName")
    s.ldap.modify(dn, ("replace", s.names["title"], ["One"]))
    (e,) = followed.told()
    assert e["type"] == "dsync.user.updated" and e["changed"] == ["title"] and e["data"]["title"] == "One"
    group = add_group(s, unique("lifegroup"), [dn])
    g = s.id_of(group)
    events = followed.told()
    assert sorted(kinds(events)) == ["group.created", "group.user_added"]
    assert [e["member"]["value"] for e in events if "member" in e] == [i]
    s.ldap.delete(dn)
    events = followed.told()
    assert sorted(set(kinds(events))) == ["group.user_removed", "user.deleted"], kinds(events)
    assert {e["subject"]["id"] for e in events} == {i, g}
    s.ldap.delete(group)
    assert kinds(followed.told()) == ["group.deleted"]


def test_own_changes_are_told_as_well(followed):
    s = followed.side
    followed.told()
    u = s.make_user()
    s.client("lenient").patch(f"/Users/{u['id']}", [{"op": "replace", "path": "active", "value": False}]).expect(200, 204)
    events = followed.told()
    assert events[0]["type"] == "dsync.user.created" and events[0]["subject"]["id"] == u["id"]
    assert events[-1]["data"]["active"] is False


def act(rnd, s, users, groups):
    what = rnd.choice(["add", "add", "change", "change", "change", "rename", "delete", "group", "join", "join", "leave",
                       "drop"])
    if what == "add" or len(users) < 5:
        dn = add_user(s, unique("rnd"))
        users[dn] = None
    elif what == "change":
        s.ldap.modify(rnd.choice(list(users)), ("replace", s.names["title"], [f"t{rnd.randrange(10**6)}"]))
    elif what == "rename":
        dn = rnd.choice(list(users))
        attr = dn.partition("=")[0]
        new = f"{attr}={unique('renamed')}"
        s.ldap.rename(dn, new)
        users[new + "," + dn.partition(",")[2]] = users.pop(dn)
        moved = new + "," + dn.partition(",")[2]
        for members in groups.values():
            if dn in members:
                members.remove(dn)
                members.add(moved)
    elif what == "delete":
        dn = rnd.choice(list(users))
        s.ldap.delete(dn)
        del users[dn]
        for members in groups.values():
            members.discard(dn)
    elif what == "group" or not groups:
        first = rnd.choice(list(users))
        groups[add_group(s, unique("rg"), [first])] = {first}
    elif what == "drop":
        dn = rnd.choice(list(groups))
        s.ldap.delete(dn)
        del groups[dn]
    else:
        dn = rnd.choice(list(groups))
        out = sorted(set(users) - groups[dn])
        if what == "join" and out:
            m = rnd.choice(out)
            s.ldap.modify(dn, ("add", "member", [m]))
            groups[dn].add(m)
        elif what == "leave" and len(groups[dn]) > 1:
            m = rnd.choice(sorted(groups[dn]))
            s.ldap.modify(dn, ("delete", "member", [m]))
            groups[dn].discard(m)


def fold(state, events):
    """What a reader of the events knows."""
    for e in events:
        kind, i = e["type"].removeprefix("dsync."), e["subject"]["id"]
        if kind.endswith(".deleted"):
            state.pop(i, None)
        elif kind == "group.user_added":
            state.setdefault(i, {}).setdefault("members", set()).add(e["member"]["value"])
        elif kind == "group.user_removed":
            state.setdefault(i, {}).setdefault("members", set()).discard(e["member"]["value"])
        else:
            known = state.setdefault(i, {})
            known.update({k: e["data"].get(k) for k in SHOWN})


@pytest.mark.flavour_not("openldap")  # tests/e2e/test_feed_convergence.py does it there
def test_random_changes_add_up(followed, others):
    """As many as an administrator makes in a year: each reader's picture is the directory's in the end."""
    s, rnd, users, groups = followed.side, random.Random(5), {}, {}
    states = [{} for _ in (followed, *others)]

    def read():
        for state, events in zip(states, followed.told_with(others)):
            fold(state, events)

    followed.told_with(others)
    for n in range(1000):
        act(rnd, s, users, groups)
        if n % 100 == 99:
            read()
    read()
    c = s.client("lenient")
    ids = {dn: s.id_of(dn) for dn in [*users, *groups]}
    shown = {dn: c.get(f"/Users/{ids[dn]}").expect(200).json for dn in users}
    for f, state in zip((followed, *others), states):
        for dn in users:
            known = state.pop(ids[dn])
            assert {k: known[k] for k in SHOWN} == {k: shown[dn].get(k) for k in SHOWN}, dn
        for dn, members in groups.items():
            told, held = state.pop(ids[dn]).get("members", set()), {ids[m] for m in members}
            wrong = {m: [e for e in f.log if m in str(e)] for m in told ^ held}
            assert told == held, f"{dn}: told {len(told)}, held {len(held)}; what was told of the difference:\n" + \
                "\n".join(f"{m} {'(there)' if s.entry(m) else '(gone)'}: {w}" for m, w in wrong.items())
        assert not state, f"events told of {state}, which are not there"
