# SPDX-License-Identifier: Apache-2.0
"""The change feed on every directory that tells its changes by RFC 4533: what happens there is told, over gaps too."""

import json

import pytest

from support import side as sides
from support.feed import CLIENTS, short
from support.hinge import unique
from support.reader import Reader
from support.wait import until

pytestmark = pytest.mark.skipif(sides.FLAVOUR == "active-directory", reason="Active Directory has no RFC 4533")


class Followed:
    """The directory of this run, a daemon that follows it, and a reader."""

    def __init__(self, server, kind, **events):
        self.side = kind(server, clients=CLIENTS, events=events)
        self.ldap = self.side.ldap
        self.reader = None
        self.begin()
        # Whoever was there before is told of first.
        self.reader.now()

    def begin(self):
        def live():
            status, _, body = self.side.daemon.probe("/admin/v1/sync", admin=True,
                                                     token=self.side.daemon.tokens["operator"])
            return status == 200 and json.loads(body)["state"] == "live"

        until(live, "the feed to follow", 60)
        cursor = self.reader and self.reader.cursor
        self.reader = Reader(self.side.daemon.address, self.side.daemon.tokens["reader"])
        self.reader.cursor = cursor

    def add(self, name):
        dn, attrs = self.side.new_user(0, name)
        self.ldap.add(dn, attrs)
        return dn

    def told(self):
        """Everything until now. The mark is a user who comes; what one look finds comes in any order, so that only a
        second one, made when the first was told, is behind all of it."""
        marks, events = set(), []
        for _ in range(2):
            i = self.side.id_of(self.add(unique("mark")))
            marks.add(i)
            events += self.reader.until(lambda e, i=i: short(e) == ("user.created", i))
        return [e for e in events if short(e)[1] not in marks]

    def gap(self, action):
        """What an action becomes while the daemon is down."""
        self.reader.close()
        self.side.daemon.stop()
        action()
        self.side.daemon.start()
        self.begin()
        return [short(e) for e in self.told()]


@pytest.fixture(scope="module", params=["held open", "polled"])
def followed(request, side_server):
    f = Followed(*side_server, **({"poll": True, "poll_interval": "1s"} if request.param == "polled" else {}))
    yield f
    f.reader.close()
    f.side.stop()


def test_a_user_and_a_group(followed):
    ldap, side = followed.ldap, followed.side
    dn = followed.add(unique("u"))
    i = side.id_of(dn)
    (e,) = followed.told()
    assert short(e) == ("user.created", i)
    assert e["data"] == side.client("lenient").get(f"/Users/{i}").expect(200).json | {
        "meta": e["data"]["meta"]}  # its location depends on the request
    ldap.modify(dn, ("replace", "title", ["Two"]))
    (e,) = followed.told()
    assert short(e) == ("user.updated", i) and e["changed"] == ["title"] and e["data"]["title"] == "Two"
    name = unique("r")
    ldap.rename(dn, f"uid={name}")
    dn = f"uid={name},{side.people}"
    (e,) = followed.told()
    assert short(e) == ("user.updated", i) and e["changed"] == ["userName"]

    group, attrs = side.new_group(unique("g"), [dn])
    ldap.add(group, attrs)
    g = side.id_of(group)
    assert [short(e)[:2] for e in followed.told() if e["type"].startswith("dsync.group")][0] == ("group.created", g)
    other = followed.add(unique("o"))
    o = side.id_of(other)
    ldap.modify(group, ("add", "member", [other]), ("delete", "member", [dn]))
    # A look may show the group before the member, and the group is looked at again a second later then.
    told = {short(e) for e in followed.reader.until(lambda e: short(e) == ("group.user_added", g, o))}
    assert told | {short(e) for e in followed.told()} >= {("group.user_added", g, o), ("group.user_removed", g, i)}
    ldap.delete(group)
    assert ("group.deleted", g) in [short(e) for e in followed.told()]
    ldap.delete(dn)
    (e,) = followed.told()
    assert short(e) == ("user.deleted", i) and e["data"]["userName"] == name


def test_a_change_over_scim(followed):
    user = followed.side.make_user(title="One")
    (e,) = followed.told()
    assert short(e) == ("user.created", user["id"])
    assert e["cause"]["kind"] == "scim" and e["cause"]["client"] == "lenient"
    followed.side.client("lenient").patch(f"/Users/{user['id']}", [
        {"op": "replace", "path": "active", "value": False}]).expect(200)
    (e,) = followed.told()
    assert short(e) == ("user.deactivated", user["id"])
    followed.side.client("lenient").delete(f"/Users/{user['id']}").expect(204)
    assert ("user.deleted", user["id"]) in [short(e) for e in followed.told()]


@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_a_gap(followed, restart):
    stays, goes = followed.add(unique("stays")), followed.add(unique("goes"))
    ids = {dn: followed.side.id_of(dn) for dn in (stays, goes)}
    followed.told()
    made = []

    def meanwhile():
        followed.ldap.modify(stays, ("replace", "title", ["New"]))
        followed.ldap.delete(goes)
        made.append(followed.add(unique("new")))
        if restart:
            followed.side.server.stop()
            followed.side.server.start()

    told = followed.gap(meanwhile)
    assert sorted(told) == sorted([("user.updated", ids[stays]), ("user.deleted", ids[goes]),
                                   ("user.created", followed.side.id_of(made[0]))])
    assert followed.gap(lambda: None) == []


def test_the_server_goes_and_comes(followed):
    dn = followed.add(unique("u"))
    i = followed.side.id_of(dn)
    followed.told()
    followed.side.server.stop()
    followed.side.server.start()
    followed.ldap.delete(dn)
    followed.begin()
    assert [short(e) for e in followed.told()] == [("user.deleted", i)]
