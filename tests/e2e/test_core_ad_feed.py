# SPDX-License-Identifier: Apache-2.0
"""The change feed of Active Directory by each of its sources at once: DirSync with the right to replicate the domain,
DirSync with the account's own view, and polling. The same changes, three daemons, the same events."""

import contextlib
import json
import sqlite3

import pytest

from support import samba
from support.daemon import SECRETS, run, secret, to_yaml, write_file
from support.hinge import unique
from support.reader import Reader
from support.wait import until

pytestmark = pytest.mark.flavour("active-directory")

CLIENTS = [{"name": "lenient", "profile": "lenient", "scopes": ["users:write", "groups:write"]},
           {"name": "reader", "scopes": ["events:read"]}, {"name": "operator", "scopes": ["admin"]}]
GUARD = {"max_removals": 100000, "max_percent": 100}
# source: (account, events.dirsync)
SOURCES = {"DirSync": (samba.GATEWAY, "auto"), "DirSync (object security)": (samba.PLAIN, "object-security"),
           "uSNChanged": (samba.PLAIN, "auto")}


def short(e):
    kind = e["type"].removeprefix("dsync.")
    return (kind, e["subject"]["id"]) + ((e["member"]["value"],) if "member" in e else ())


class Follower:
    """One daemon and its reader."""

    def __init__(self, server, kind, source):
        account, dirsync = SOURCES[source]
        self.source = source
        self.side = kind(server, clients=CLIENTS, directory={"bind_dn": account},
                         events={"guard": GUARD, "dirsync": dirsync})
        self.daemon = self.side.daemon
        self.reader = None
        self.ids = []
        self.open()

    def status(self):
        status, _, body = self.daemon.probe("/admin/v1/sync", admin=True, token=self.daemon.tokens["operator"])
        assert status == 200, body
        return json.loads(body)

    def live(self, source=None):
        def is_live():
            s = self.status()
            return s if s["state"] == "live" and s["source"] == (source or self.source) else None

        return until(is_live, f"the feed to follow by {source or self.source}", 90)

    def open(self, live=True):
        cursor = self.reader.cursor if self.reader else None
        if self.reader:
            self.reader.close()
        self.reader = Reader(self.daemon.address, self.daemon.tokens["reader"], limit=1000)
        self.reader.cursor = cursor
        if live:
            self.live()
        if cursor is None:
            self.reader.now()

    def until_named(self, name, seconds=120):
        found = self.reader.until(lambda e: e["data"].get("displayName") == name, seconds)
        self.ids += [e["id"] for e in found]
        return found

    def refreshes(self):
        return [r["kind"] for r in self.daemon.records("refresh")]

    def stop(self):
        self.daemon.stop()

    def start(self):
        self.daemon.start()
        self.open()

    def close(self):
        self.reader.close()
        self.side.stop()


class Followers:
    """All sources, each with a daemon; what an action becomes in each."""

    def __init__(self, server, kind):
        self.server, self.ldap = server, server.admin
        self.all = {}
        try:
            for source in SOURCES:
                self.all[source] = Follower(server, kind, source)
        except BaseException:
            self.close()
            raise
        self.side = self.all["DirSync"].side
        self.marker = self.group(unique("marker"))
        self.marker_id = self.side.id_of(self.marker)
        self.told()

    def __iter__(self):
        return iter(self.all.values())

    def user(self, name, below=samba.PEOPLE, **attrs):
        dn, plain = self.side.new_user(0, name)
        dn = f"{dn.partition(',')[0]},{below}"
        self.ldap.add(dn, dict(plain, **attrs))
        return dn

    def group(self, name, dns=()):
        dn, attrs = self.side.new_group(name, list(dns))
        self.ldap.add(dn, attrs)
        return dn

    def events(self, seconds=120):
        """{source: all events until now}, the marker's left out. The mark is the new name of a group: of what is found at
        once users are told of before groups, and groups in the order of their changes."""
        name = unique("mark")
        self.ldap.rename(self.marker, f"CN={name}")
        self.marker = f"CN={name},{samba.GROUPS}"
        return {f.source: [e for e in f.until_named(name, seconds) if e["subject"]["id"] != self.marker_id] for f in self}

    def told(self, seconds=120):
        return {source: [short(e) for e in events] for source, events in self.events(seconds).items()}

    def expect(self, *wanted):
        """Each source tells exactly this, in whatever order."""
        for source, told in self.told().items():
            assert sorted(told) == sorted(wanted), source

    def each(self, what):
        for f in self:
            getattr(f, what)()

    def close(self):
        for f in self:
            with contextlib.suppress(OSError):
                f.close()


@pytest.fixture(scope="module")
def followers(side_server, crowd):
    f = Followers(*side_server)
    yield f
    f.close()


def i(followers, dn):
    return followers.side.id_of(dn)


def test_which_source_and_why(followers):
    """The account decides; status and log say what is used, why nothing better, and what it guarantees."""
    for f in followers:
        s = f.status()
        assert s["source"] == f.source and s["guarantee"]["class"] == "C"
        said = [r for r in f.daemon.records("change feed") if r["state"] == "live"][-1]
        assert said["source"] == f.source
        if f.source == "DirSync":
            assert "note" not in s and "note" not in said
        else:
            assert "DS-Replication-Get-Changes" in s["note"] and said["note"] == s["note"]


def doctor(path):
    done = run("doctor", "-c", path, "--output", "json", timeout=120)
    assert all(s not in done.stdout + done.stderr for s in SECRETS)
    return {c["check"]: c for c in json.loads(done.stdout)["checks"]}


def test_doctor(followers, tmp_path):
    """The same question as the daemon's; what is missing comes with the command, and what is enough is not complained of."""
    for f in followers:
        said = doctor(f.daemon.config_path)
        replication, deletions = said["replication"], said["deletions"]
        assert f.source in replication["text"] and deletions["status"] == "ok", f.source
        if f.source == "DirSync":
            assert replication["status"] == "ok"
            continue
        assert replication["status"] == "note" and "DS-Replication-Get-Changes" in replication["text"]
        assert f'dsacls "{samba.SUFFIX}"' in replication["fix"] and samba.REPLICATE in replication["fix"]
    pw, dn = secret("Pw-") + "Xy9", f"CN=blind,CN=Users,{samba.SUFFIX}"
    followers.ldap.add(dn, {"objectClass": "user", "sAMAccountName": "blind", "userAccountControl": "512",
                            "unicodePwd": f'"{pw}"'.encode("utf-16-le")})
    config = json.loads(json.dumps(followers.side.daemon.config))
    config["directory"].update(bind_dn=dn, bind_password_file=write_file(str(tmp_path / "pw"), pw + "\n"))
    path = write_file(str(tmp_path / "d.yaml"), to_yaml(config))
    assert doctor(path)["replication"]["status"] == "note"
    ace = f"(OA;;CR;{samba.REPLICATE};;{followers.server.sid(dn)})"
    followers.server.access("give", samba.SUFFIX, ace)
    try:
        assert doctor(path)["replication"]["status"] == "ok"
    finally:
        followers.server.access("take", samba.SUFFIX, ace)


def test_a_life(followers):
    """Cleared attributes, a rename with its memberships, and a deletion with the last state."""
    dn = followers.user(unique("life"), title="One", givenName="Ann")
    u = i(followers, dn)
    followers.expect(("user.created", u))
    followers.ldap.modify(dn, ("delete", "givenName", []), ("replace", "title", ["Two"]))
    for source, (e,) in followers.events().items():
        assert short(e) == ("user.updated", u) and sorted(e["changed"]) == ["name.givenName", "title"], source
        assert e["previous"] == {"title": "One", "name": {"givenName": "Ann"}} and e["data"]["title"] == "Two", source
        assert "givenName" not in e["data"].get("name", {}), source
    group = followers.group(unique("lifegroup"), [dn])
    g = i(followers, group)
    followers.expect(("group.created", g), ("group.user_added", g, u))
    new = unique("renamed")
    followers.ldap.rename(dn, f"CN={new}")
    dn = f"CN={new},{samba.PEOPLE}"
    followers.expect()
    followers.ldap.modify(group, ("replace", "description", ["x"]), ("delete", "member", [dn]))
    followers.expect(("group.user_removed", g, u))
    followers.ldap.modify(group, ("add", "member", [dn]))
    followers.expect(("group.user_added", g, u))
    followers.ldap.delete(dn)
    for source, events in followers.events().items():
        assert [short(e) for e in events] == [("group.user_removed", g, u), ("user.deleted", u)], source
        assert events[-1]["data"]["title"] == "Two", source
    followers.ldap.delete(group)
    followers.expect(("group.deleted", g))


def test_in_and_out_of_the_base(followers):
    """An entry that leaves is deleted, one that comes is created, with the memberships that it has had all the time."""
    users = f"CN=Users,{samba.SUFFIX}"
    dn = followers.user(unique("mover"))
    rdn, u = dn.partition(",")[0], i(followers, dn)
    g = i(followers, followers.group(unique("movergroup"), [dn]))
    inside = f"OU={unique('inside')},{samba.PEOPLE}"
    followers.ldap.add(inside, {"objectClass": "organizationalUnit"})
    followers.expect(("user.created", u), ("group.created", g), ("group.user_added", g, u))
    followers.ldap.move(dn, inside)
    followers.expect()
    followers.ldap.move(f"{rdn},{inside}", users)
    followers.expect(("group.user_removed", g, u), ("user.deleted", u))
    followers.ldap.modify(f"{rdn},{users}", ("replace", "title", ["Outside"]))
    followers.expect()
    followers.ldap.move(f"{rdn},{users}", samba.PEOPLE)
    # The group is looked at when the user is known.
    wait_for(followers, {("user.created", u), ("group.user_added", g, u)})
    followers.expect()


def test_a_container_moves(followers):
    """Of a subtree that is moved the domain controller tells its root alone."""
    inside, outside = f"OU={unique('unit')},{samba.PEOPLE}", f"OU=Staff,{samba.SUFFIX}"
    rdn = inside.partition(",")[0]
    followers.ldap.add(inside, {"objectClass": "organizationalUnit"})
    dns = [followers.user(unique("child"), inside) for _ in range(2)]
    ids = [i(followers, dn) for dn in dns]
    followers.expect(*[("user.created", u) for u in ids])
    followers.ldap.move(inside, outside)
    wait_for(followers, {("user.deleted", u) for u in ids})
    followers.ldap.move(f"{rdn},{outside}", samba.PEOPLE)
    wait_for(followers, {("user.created", u) for u in ids})


def wait_for(followers, wanted):
    """Events of what is looked at beside the changes; nothing else."""
    for f in followers:
        found = set()

        def more(f=f, found=found):
            found.update(short(e) for e in f.reader.read(wait=5))
            assert found <= wanted, (f.source, found - wanted)
            return found == wanted

        until(more, f"{wanted} by {f.source}, of which came {found}", 60)


def undelete(followers, id_, dn):
    """As an administrator does it ([MS-ADTS] 3.1.1.5.3.7.2): Restore-ADObject."""
    rdn = dn.partition(",")[0]
    tombstone = f"{rdn}\\0ADEL:{id_},CN=Deleted Objects,{samba.SUFFIX}"
    followers.ldap.modify(tombstone, ("delete", "isDeleted", []), ("replace", "distinguishedName", [dn]),
                          options=("-e", "!1.2.840.113556.1.4.417"))


def test_undelete(followers):
    """It comes back as somebody new: what it was is told as deleted already."""
    dn = followers.user(unique("back"))
    u = i(followers, dn)
    group = followers.group(unique("backgroup"), [dn])
    g = i(followers, group)
    followers.expect(("user.created", u), ("group.created", g), ("group.user_added", g, u))
    followers.ldap.delete(dn)
    followers.expect(("group.user_removed", g, u), ("user.deleted", u))
    undelete(followers, u, dn)
    # Without the recycle bin an object comes back without its names and memberships.
    followers.ldap.modify(dn, ("replace", "userPrincipalName", [unique("again")]))
    followers.expect(("user.created", u))
    followers.ldap.modify(group, ("add", "member", [dn]))
    followers.expect(("group.user_added", g, u))
    followers.ldap.delete(group)
    followers.expect(("group.deleted", g))
    undelete(followers, g, group)
    followers.expect(("group.created", g))


def test_groups_of_any_size(followers, crowd):
    """One value is one event, however many there are, and nobody is said to have left."""
    come = [followers.user(unique("come")) for _ in range(2)]
    a, b = (i(followers, dn) for dn in come)
    followers.expect(("user.created", a), ("user.created", b))
    groups = []
    for size in (0, 1, 1501, 3001):
        dn, attrs = followers.side.new_group(unique("size"), crowd[0][:size])
        followers.ldap.add(dn, attrs, timeout=240)
        groups.append((dn, i(followers, dn), crowd[0][:size], crowd[1][:size]))
    followers.expect(*[e for _, g, _, ids in groups
                       for e in [("group.created", g)] + [("group.user_added", g, u) for u in ids]])
    for dn, _, _, _ in groups:
        followers.ldap.modify(dn, ("add", "member", [come[0]]))
    followers.expect(*[("group.user_added", g, a) for _, g, _, _ in groups])
    for dn, _, dns, _ in groups:
        followers.ldap.modify(dn, ("delete", "member", [come[0]] + dns[-1:]), ("add", "member", [come[1]]))
    followers.expect(*[e for _, g, _, ids in groups for e in
                       [("group.user_removed", g, a), ("group.user_added", g, b)] +
                       [("group.user_removed", g, u) for u in ids[-1:]]])
    followers.ldap.rename(come[1], f"CN={unique('other-name')}")
    followers.expect()
    dn, g, dns, ids = groups[2]
    followers.ldap.modify(dn, ("replace", "member", dns[:1]))
    followers.expect(("group.user_removed", g, b), *[("group.user_removed", g, u) for u in ids[1:-1]])
    for dn, _, _, _ in groups:
        followers.ldap.delete(dn)
    followers.expect(*[("group.deleted", g) for _, g, _, _ in groups])


# --- gaps ---------------------------------------------------------------------------------------------------------------

def test_a_gap(followers):
    """A restart goes on from the resume point: what changed is told, and nothing else is read."""
    stays, goes = followers.user(unique("stays")), followers.user(unique("goes"))
    ids = {dn: i(followers, dn) for dn in (stays, goes)}
    group = followers.group(unique("gap"), [stays, goes])
    g = i(followers, group)
    followers.told()
    followers.each("stop")
    followers.ldap.modify(stays, ("replace", "title", ["New"]))
    followers.ldap.modify(group, ("delete", "member", [stays]))
    followers.ldap.delete(goes)
    made = followers.user(unique("new"))
    followers.ldap.modify(group, ("add", "member", [made]))
    followers.each("start")
    followers.expect(("user.updated", ids[stays]), ("user.deleted", ids[goes]), ("user.created", i(followers, made)),
                     ("group.user_removed", g, ids[stays]), ("group.user_removed", g, ids[goes]),
                     ("group.user_added", g, i(followers, made)))
    assert [f.refreshes()[-1] for f in followers] == ["changes"] * 3


def test_the_domain_controller_goes_and_comes(followers):
    dn = followers.user(unique("restart"))
    u = i(followers, dn)
    followers.expect(("user.created", u))
    followers.server.stop()
    for f in followers:
        until(lambda f=f: f.status()["state"] != "live", "the feed to notice", 60)
    followers.server.start()
    followers.ldap.delete(dn)
    followers.each("live")
    followers.expect(("user.deleted", u))
    assert [f.refreshes()[-1] for f in followers] == ["changes"] * 3


def test_killed_in_between(followers):
    """kill -9 while changes come: each is told once."""
    dns, group = [], followers.group(unique("killed"))
    for n in range(30):
        dns.append(followers.user(unique("k")))
        followers.ldap.modify(group, ("add", "member", [dns[-1]]))
        if n == 10:
            for f in followers:
                f.daemon.kill()
        if n == 20:
            for f in followers:
                f.daemon.start()
                f.open(live=False)
                f.daemon.kill()
    for dn in dns[::2]:
        followers.ldap.delete(dn)
    for f in followers:
        f.start()
    g, held = i(followers, group), {i(followers, dn) for dn in dns[1::2]}
    for source, events in followers.events().items():
        f = followers.all[source]
        assert len(f.ids) == len(set(f.ids)), source
        users, members = set(), set()
        for e in events:
            kind, subject, *member = short(e)
            if kind in ("user.created", "group.user_added"):
                (members if member else users).add((member or [subject])[0])
            elif kind in ("user.deleted", "group.user_removed"):
                (members if member else users).discard((member or [subject])[0])
        assert users == held == members and f.side.member_ids(g) == held, source


def test_a_lost_resume_point(followers):
    """Refused, of another domain controller, or ahead of it: everything is read, and only what happened is told; a copy
    of the domain controller from before is not followed at all."""
    goes = followers.user(unique("goes"))
    u = i(followers, goes)
    followers.told()

    def refused(cookie):
        head, _, rest = cookie.partition(b"\n")
        return head + b"\noops" if rest else head[:-1] + b"oops"

    def elsewhere(cookie):
        words = cookie.split(b" ", 2)
        return b" ".join([words[0], b"00000000-0000-4000-8000-000000000000", words[2]])

    for n, edit in enumerate((refused, elsewhere)):
        followers.each("stop")
        if n == 0:
            followers.ldap.delete(goes)
        for f in followers:
            change_cookie(f, edit)
        followers.each("start")
        followers.expect(*([("user.deleted", u)] if n == 0 else []))
        assert [f.refreshes()[-1] for f in followers] == ["full"] * 3


def change_cookie(f, edit):
    with contextlib.closing(sqlite3.connect(f"{f.daemon.dir}/state/dirhinge.db")) as db:
        (value,), = db.execute("SELECT value FROM meta WHERE name = 'feed.cookie'")
        value = value if isinstance(value, bytes) else value.encode("latin-1")
        db.execute("UPDATE meta SET value = ? WHERE name = 'feed.cookie'", (edit(value),))
        db.commit()


def test_a_domain_controller_from_before(followers):
    """The same database with a smaller number than was seen: restored from a copy. It is waited for, nothing is told."""
    def ahead(cookie):
        head, nl, rest = cookie.partition(b"\n")
        words = head.split(b" ")
        return b" ".join(words[:-1] + [b"%d" % (int(words[-1]) + 10**9)]) + nl + rest

    def back(cookie):
        head, nl, rest = cookie.partition(b"\n")
        words = head.split(b" ")
        return b" ".join(words[:-1] + [b"%d" % (int(words[-1]) - 10**9)]) + nl + rest

    followers.told()
    followers.each("stop")
    for f in followers:
        change_cookie(f, ahead)
        f.daemon.start()
        f.open(live=False)
    for f in followers:
        until(lambda f=f: f.status()["state"] == "behind", "the feed to see that it is behind", 60)
        f.daemon.stop()
        change_cookie(f, back)
    followers.each("start")
    followers.expect()


def test_the_right_is_taken_away_and_given_back(followers):
    f = followers.all["DirSync"]
    sid = followers.server.sid(samba.GATEWAY)
    ace = f"(OA;;CR;{samba.REPLICATE};;{sid})"
    followers.server.access("take", samba.SUFFIX, ace)
    try:
        f.live("uSNChanged")
        dn = followers.user(unique("fallback"))
        u = i(followers, dn)
        followers.expect(("user.created", u))
    finally:
        followers.server.access("give", samba.SUFFIX, ace)
    f.stop()
    followers.ldap.delete(dn)
    f.start()
    followers.expect(("user.deleted", u))
    assert f.status()["source"] == "DirSync" and f.refreshes()[-1] == "full"
