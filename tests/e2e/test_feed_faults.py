# SPDX-License-Identifier: Apache-2.0
"""What goes wrong between a directory and its follower (reliability.md F-18 to F-28, F-63, F-64): no removal that did
not happen, none that happened lost, and afterwards folding the events gives the directory again."""

import contextlib
import glob
import os
import re
import shutil
import sqlite3
import subprocess
import uuid

import pytest

from support.feed import Fed, short
from support.hinge import directory_config, new_slapd, unique
from support.slapd import ADMIN, GATEWAY, GROUPS, PEOPLE, SUFFIX, Variant
from support.wait import until

DATA = "olcDatabase={2}mdb,cn=config"
REMOVALS = ("user.deleted", "group.deleted", "user.deactivated", "group.user_removed")


@pytest.fixture
def make_fed():
    """Fed objects that are thrown away at the end of the test."""
    with contextlib.ExitStack() as stack:
        def make(**kw):
            f = Fed(**kw)
            stack.callback(f.remove)
            return f
        yield make


@pytest.fixture(params=["accesslog", "syncrepl", "polled"])
def fed(request, make_fed):
    return make_fed(history=request.param == "accesslog", polled=request.param == "polled")


@pytest.fixture
def plain(make_fed):
    return make_fed(history=False)


# --- helpers ---------------------------------------------------------------------------------------------------------

def forget_deletes(slapd):
    """From the next start on slapd cannot tell deletions by id: there is no session log."""
    slapd.config.modify(f"olcOverlay={{0}}syncprov,{DATA}", ("delete", "olcSpSessionlogSource", []))


def pause(fed):
    """The daemon is down; its place in the events is kept."""
    fed.mark()
    fed.reader.close()
    fed.daemon.stop()


def resume(fed):
    fed.daemon.start()
    fed.reopen()
    fed.live()


def gap(fed, action):
    """What an action becomes that happens while the daemon is down."""
    pause(fed)
    action()
    resume(fed)
    return fed.mark()


def kinds(events):
    return [short(e)[0] for e in events]


def removals(events):
    return sorted(short(e)[1:] for e in events if short(e)[0] in REMOVALS)


def dump(slapd):
    """The data as LDIF, from outside."""
    done = subprocess.run(["slapcat", "-F", f"{slapd.dir}/slapd.d", "-n", "2"], capture_output=True, timeout=60,
                          check=True, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
    return done.stdout


def load(slapd, ldif, *options, wipe=False):
    """slapd must be stopped."""
    if wipe:
        for f in glob.glob(f"{slapd.dir}/db/*"):
            os.unlink(f)
    done = subprocess.run(slapd.slapadd("-n", "2", *options), input=ldif, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def block(ldif, dn):
    """One entry of an LDIF."""
    (found,) = [b for b in ldif.split(b"\n\n") if b.startswith(f"dn: {dn}\n".encode())]
    return found + b"\n\n"


def state_is(fed, *names, seconds=30):
    return until(lambda: fed.sync()["state"] in names and fed.sync(), f"the feed to be {' or '.join(names)}", seconds)


def quiet(fed):
    """Nothing has been told since the last mark."""
    return fed.reader.read(limit=1000) == []


def held(fed):
    return fed.sync()["held_batches"]


def folded(fed):
    """What a new application knows that reads everything from the beginning: {id: resource}."""
    fed.mark()
    cursor, known, ids = None, {}, set()
    while True:
        page = fed.reader.get("/events", after=cursor, limit=1000).expect(200)
        for e in page.events:
            assert e["id"] not in ids, f"twice: {e['id']}"
            ids.add(e["id"])
            kind, i = short(e)[:2]
            if kind.endswith(".deleted"):
                assert known.pop(i, None), f"deleted before it was made: {e}"
            elif not kind.startswith("group.user_"):
                known[i] = e["data"]
        cursor = page.next
        if not page.more:
            return known


def converged(fed):
    """Every user that the directory holds is known with its name, and nobody else."""
    there = {e.one("entryUUID"): e.one("uid")
             for e in fed.ldap.search(PEOPLE, "(objectClass=inetOrgPerson)", attrs=("entryUUID", "uid"))}
    assert {i: r["userName"] for i, r in folded(fed).items() if "userName" in r} == there


def users(fed, n):
    made = [fed.add_user(unique("f")) for _ in range(n)]
    return made, [fed.id(dn) for dn in made]


# --- the resume point ------------------------------------------------------------------------------------------------

def test_f18_cookie_lost(fed):
    """Everything is sent again, deletions are not: what was known tells them."""
    dns, ids = users(fed, 6)
    pause(fed)
    (db,) = glob.glob(f"{fed.daemon.dir}/state/*.db")
    with contextlib.closing(sqlite3.connect(db)) as c, c:
        assert c.execute("DELETE FROM meta WHERE name LIKE '%cookie%'").rowcount == 1
    for dn in dns[:3]:
        fed.ldap.delete(dn)
    resume(fed)
    events = fed.mark()
    assert kinds(events) == ["user.deleted"] * 3 and removals(events) == sorted((i,) for i in ids[:3])
    assert all(e["data"]["userName"] for e in events)
    converged(fed)


@pytest.mark.parametrize("kept", [True, False], ids=["session log", "present phase"])
def test_f19_gap(plain, kept):
    """With and without a session log: exactly the deletions that happened, and one event for each change."""
    fed = plain
    dns, ids = users(fed, 6)
    if not kept:
        forget_deletes(fed.slapd)

    def meanwhile():
        fed.ldap.delete(dns[0])
        fed.ldap.delete(dns[1])
        fed.ldap.modify(dns[2], ("replace", "title", ["Changed"]))
        short_lived = fed.add_user(unique("short"))
        fed.ldap.delete(short_lived)
        fed.slapd.stop()
        fed.slapd.start()

    events = gap(fed, meanwhile)
    assert sorted(map(short, events)) == sorted([("user.deleted", ids[0]), ("user.deleted", ids[1]),
                                                 ("user.updated", ids[2])])
    converged(fed)
    assert gap(fed, lambda: None) == []


def test_f19_slapd_restarts_under_the_feed(fed):
    forget_deletes(fed.slapd)
    dns, ids = users(fed, 4)
    fed.mark()
    for n in range(2):
        fed.slapd.stop() if n else fed.slapd.kill()
        fed.slapd.start()
        fed.ldap.delete(dns[n])
        fed.live()
        assert removals(fed.mark()) == [(ids[n],)]
    converged(fed)


# --- what must not be believed ---------------------------------------------------------------------------------------

def restrict(slapd, *rules):
    slapd.config.modify(DATA, ("replace", "olcAccess", rules))


def test_f20_rights_lost(fed):
    """M6: success, no entries, a new cookie. Nobody is thrown out for it."""
    dns, ids = users(fed, 5)
    fed.mark()
    forget_deletes(fed.slapd)
    old = [r for r in fed.slapd.config.read(DATA)["olcAccess"]]
    gw = f'by dn.exact="{GATEWAY}" read by * none'
    restrict(fed.slapd, f"{{0}}to attrs=userPassword by anonymous auth by * none",
             *(f'{{{n + 1}}}to dn.base="{b}" {gw}' for n, b in enumerate((SUFFIX, PEOPLE, GROUPS))),
             f'{{4}}to * by dn.exact="{GATEWAY}" none by users read by * none')
    fed.ldap.modify(dns[0], ("replace", "title", ["Meanwhile"]))
    fed.slapd.stop()
    fed.slapd.start()
    s = state_is(fed, "untrusted", seconds=60)
    assert s["reason"]
    # It stays so, try after try.
    def binds():
        with open(fed.slapd.log_path, encoding="utf-8", errors="replace") as f:
            return f.read().count(f'BIND dn="{GATEWAY}" method')

    before = binds()
    until(lambda: binds() > before + 1, "more tries", 90)
    assert fed.sync()["state"] != "live"
    events = fed.reader.read(limit=1000)
    restrict(fed.slapd, *old)
    fed.live(seconds=60)
    events += fed.mark()
    assert removals(events) == [] and ("user.updated", ids[0]) in map(short, events)
    converged(fed)


def test_f21_base_renamed(fed):
    _, ids = users(fed, 3)
    group = fed.add_group(unique("g"), [f"uid=x,{PEOPLE}"])
    fed.mark()
    fed.ldap.rename(GROUPS, "ou=elsewhere")
    fed.slapd.stop()
    fed.slapd.start()
    state_is(fed, "untrusted", "connecting", seconds=60)
    until(lambda: fed.sync()["state"] == "untrusted", "the missing base to be noticed", 60)
    assert removals(fed.reader.read(limit=1000)) == []
    fed.ldap.rename(f"ou=elsewhere,{SUFFIX}", "ou=groups")
    fed.live(seconds=60)
    assert removals(fed.mark()) == []
    fed.ldap.delete(group)
    assert kinds(fed.mark()) == ["group.deleted"]
    converged(fed)


def test_f27_empty_directory(fed):
    """Reinstalled: the tree is there, and nobody in it."""
    users(fed, 5)
    fed.mark()
    before = dump(fed.slapd)
    fed.slapd.stop()
    tree = b"".join(block(before, dn) for dn in
                    (SUFFIX, PEOPLE, GROUPS, f"ou=leavers,{SUFFIX}", f"ou=policies,{SUFFIX}", GATEWAY))
    load(fed.slapd, tree, "-S", "1", "-w", wipe=True)
    fed.slapd.start()
    state_is(fed, "untrusted", "behind", seconds=60)
    fed.ldap.add(f"ou=new,{PEOPLE}", {"objectClass": "organizationalUnit", "ou": "new"})
    state_is(fed, "untrusted", "behind", seconds=60)
    assert removals(fed.reader.read(limit=1000)) == []
    fed.slapd.stop()
    load(fed.slapd, before, "-S", "1", "-w", wipe=True)
    fed.slapd.start()


# --- restored --------------------------------------------------------------------------------------------------------

def test_f26_restored_and_overtaken(fed):
    """slapd does not notice, once it has been written to; the sentinel does."""
    dns, ids = users(fed, 3)
    fed.mark()
    backup = dump(fed.slapd)
    phantom = fed.add_user(unique("phantom"))
    phantom_id = fed.id(phantom)
    fed.ldap.delete(dns[0])
    fed.mark()
    # The sentinel goes on with every connection.
    for _ in range(2):
        pause(fed)
        resume(fed)
    fed.mark()
    pause(fed)
    fed.slapd.stop()
    load(fed.slapd, backup, "-S", "1", "-w", wipe=True)
    fed.slapd.start()
    late = fed.add_user(unique("late"))
    late_id = fed.id(late)
    fed.daemon.start()
    fed.reopen()
    fed.live(seconds=60)
    events = fed.mark()
    told = [short(e) for e in events]
    assert ("user.deleted", phantom_id) in told and ("user.created", late_id) in told
    assert ("user.created", ids[0]) in told  # lives again
    assert [e for e in told if e[0] in REMOVALS] == [("user.deleted", phantom_id)]
    converged(fed)


def test_f64_raised_from_the_dead(fed):
    """The same entry, with its id, deleted a second time is a second deletion."""
    (dn,), (i,) = users(fed, 1)
    fed.mark()
    entry = block(dump(fed.slapd), dn)
    (first,) = fed.told(fed.ldap.delete, dn)
    assert short(first) == ("user.deleted", i)

    def raise_it():
        fed.slapd.stop()
        load(fed.slapd, entry)
        fed.slapd.start()

    events = gap(fed, raise_it)
    assert [short(e) for e in events] == [("user.created", i)]
    (second,) = fed.told(fed.ldap.delete, dn)
    assert short(second) == ("user.deleted", i) and second["id"] != first["id"]
    converged(fed)


def test_f63_same_name_again(fed):
    """Two people, one name: the first goes before the second comes."""
    (dn,), (old,) = users(fed, 1)
    fed.mark()

    def again():
        fed.ldap.delete(dn)
        fed.add_user(dn.split(",")[0][4:])

    events = gap(fed, again)
    new = fed.id(dn)
    assert new != old
    assert [short(e) for e in events] == [("user.deleted", old), ("user.created", new)]
    forget_deletes(fed.slapd)

    def once_more():
        again()
        fed.slapd.stop()
        fed.slapd.start()

    events = gap(fed, once_more)
    assert [short(e) for e in events] == [("user.deleted", new), ("user.created", fed.id(dn))]
    converged(fed)


def test_f28_clock_years_ahead(fed):
    """One change of the year 2099, and then ordinary ones: told as they come, none lost over a gap."""
    dns, ids = users(fed, 2)
    fed.mark()
    ldif = block(dump(fed.slapd), dns[0]).decode()
    ahead = unique("ahead")
    ldif = re.sub(r"entryCSN: [^#]*#", "entryCSN: 20990101000000.000000Z#", ldif)
    ldif = re.sub(r"entryUUID: .*", f"entryUUID: {uuid.uuid4()}", ldif.replace(dns[0].split(",")[0][4:], ahead))

    def load_it():
        fed.slapd.stop()
        load(fed.slapd, ldif.encode(), "-S", "1", "-w")
        fed.slapd.start()

    dn = f"uid={ahead},{PEOPLE}"
    events = gap(fed, load_it)
    assert [short(e) for e in events] == [("user.created", fed.id(dn))]
    assert any("far ahead" in r["msg"] for r in fed.daemon.records())
    for title in ("One", "Two", "Three"):
        fed.ldap.modify(dns[0], ("replace", "title", [title]))
        fed.ldap.modify(dn, ("replace", "title", [title]))
    events = fed.mark()
    for i in (ids[0], fed.id(dn)):
        told = [e["data"]["title"] for e in events if short(e) == ("user.updated", i)]
        if fed.polled:
            assert told[-1] == "Three" and told == [t for t in ("One", "Two", "Three") if t in told]
        else:
            assert told == ["One", "Two", "Three"]
    assert fed.polled or len(events) == 6

    def meanwhile():
        fed.ldap.modify(dns[0], ("replace", "title", ["Four"]))
        fed.ldap.delete(dns[1])

    events = gap(fed, meanwhile)
    assert sorted(map(short, events)) == sorted([("user.updated", ids[0]), ("user.deleted", ids[1])])
    converged(fed)


# --- two providers ---------------------------------------------------------------------------------------------------

def mirror(slapd, peer, password):
    slapd.config.modify(DATA, ("add", "olcSyncrepl", [
        f'{{0}}rid=001 provider={peer.ldap} bindmethod=simple binddn="{ADMIN}" credentials={password} '
        f'searchbase="{SUFFIX}" type=refreshAndPersist retry="1 +" timeout=3']),
        ("add", "olcMultiProvider", ["TRUE"]))


def admin_password(slapd):
    with open(slapd.admin._pw, encoding="utf-8") as f:  # pylint: disable=protected-access
        return f.read()


class Two:
    """Two slapds with the same data, each a consumer of the other; the daemon follows the first that answers."""

    def __init__(self, make_fed):
        self.one, self.two = new_slapd(Variant()), new_slapd(Variant())
        Fed.prime(self.one.admin)
        self.two.config.modify("cn=config", ("replace", "olcServerID", ["2"]))
        self.two.stop()
        load(self.two, dump(self.one), wipe=True)
        shutil.copyfile(self.one.pw_file, self.two.pw_file)
        self.two.start()
        mirror(self.one, self.two, admin_password(self.two))
        mirror(self.two, self.one, admin_password(self.one))
        config = directory_config(self.one)
        config["uris"] = [self.one.ldap, self.two.ldap]
        self.fed = make_fed(history=False, slapd=self.one, directory=config)

    def same(self, seconds=60):
        def equal():
            a, b = (s.admin.read(SUFFIX, attrs=("contextCSN",)) for s in (self.one, self.two))
            return a and b and sorted(a["contextCSN"]) == sorted(b["contextCSN"])
        until(equal, "both providers to hold the same", seconds)

    def at(self, slapd):
        """Changes are made there from now on."""
        self.fed.ldap = slapd.admin


@pytest.fixture
def two(make_fed):
    t = Two(make_fed)
    yield t
    t.two.remove()


def test_f24_failover(two):
    fed = two.fed
    dns, ids = users(fed, 4)
    fed.mark()
    two.same()
    assert fed.sync().get("uri") == two.one.ldap
    # At the other one, seen through this one.
    two.at(two.two)
    assert [short(e) for e in fed.told(fed.ldap.modify, dns[0], ("replace", "title", ["two"]))] == [
        ("user.updated", ids[0])]
    two.same()
    pause(fed)
    fed.ldap.delete(dns[1])
    two.same()
    two.one.kill()
    resume(fed)
    assert fed.sync().get("uri") == two.two.ldap
    assert [short(e) for e in fed.mark()] == [("user.deleted", ids[1])]
    # Back again, and nobody is told anything twice.
    two.one.start()
    two.same()
    two.two.kill()
    two.at(two.one)
    fed.live(seconds=60)
    until(lambda: fed.sync().get("uri") == two.one.ldap, "the first provider to be followed again", 60)
    assert [short(e) for e in fed.told(fed.ldap.delete, dns[2])] == [("user.deleted", ids[2])]
    two.two.start()
    converged(fed)


def test_f25_provider_that_lags(two):
    """It has not seen the last changes: nothing is taken back."""
    fed = two.fed
    dns, ids = users(fed, 3)
    fed.mark()
    two.same()
    two.two.kill()
    fed.ldap.modify(dns[0], ("replace", "title", ["new"]))
    fed.ldap.delete(dns[1])
    late = fed.add_user(unique("late"))
    events = fed.mark()
    assert ("user.deleted", ids[1]) in map(short, events)
    late_id = fed.id(late)
    two.one.stop()  # killed, it would forget how far it had got, and be behind itself until the next change
    two.two.start()
    state_is(fed, "behind", seconds=60)
    two.one.start()
    two.same()
    fed.live(seconds=60)
    events = fed.mark()
    told = [short(e) for e in events]
    assert ("user.created", ids[1]) not in told and ("user.deleted", late_id) not in told, told
    assert not any(e["data"].get("title") != "new" for e in events if short(e)[1] == ids[0]), told
    converged(fed)
