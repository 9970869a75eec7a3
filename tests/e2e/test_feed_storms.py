# SPDX-License-Identifier: Apache-2.0
"""Much at once, and odd values: what the change feed makes of mass changes (reliability.md F-22, F-23, F-61, F-62, F-65),
of strings that break things (T-42), and of passwords (T-70)."""

import base64
import os
import signal
import time

import pytest

from support.daemon import binary, secret, to_yaml, write_file
from support.feed import Fed, short
from support.hinge import unique
from support.reader import Reader
from support.scim import Scim
from support.slapd import GROUPS, PEOPLE, Variant
from support.wait import until
from test_injection import naughty_strings

REMOVALS = ("dsync.user.deleted", "dsync.user.deactivated", "dsync.group.deleted", "dsync.group.user_removed")


@pytest.fixture(scope="module", params=["accesslog", "syncrepl"])
def fed(request):
    f = Fed(history=request.param == "accesslog")
    yield f
    f.remove()


def operate(fed, method, path, body=None):
    d = fed.daemon
    client = Scim(d.admin_address, "", d.tokens["operator"])
    try:
        return client.call(method, path, body, absolute=True).expect(200).json
    finally:
        client.close()


def test_F61_a_burst(fed):
    """A script loads users as fast as slapd takes them: each is told, in order, and memory does not follow the load."""
    def resident():
        with open(f"/proc/{fed.daemon.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = resident()
    made = fed.make_many(2000)
    events = fed.mark()
    assert [short(e) for e in events] == [("user.created", i) for i, _ in made]
    stamps = [e["timestamp"] for e in events]
    assert stamps == sorted(stamps)
    with open(binary(), "rb") as f:
        sanitized = b"__asan_init" in f.read()  # which keeps what was freed for a while
    assert resident() - before < (512 if sanitized else 32) << 20


# what entries lie below, and the attribute that names it
CONTAINERS = {"organization": "o", "locality": "l", "domain": "dc"}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_F62_other_containers_are_moved(fed, kind):
    """The names of what lies below are learned at once, not with the comparison of the next day: who is put into a group
    by a new name is told as its member."""
    attr, old, new = CONTAINERS[kind], unique("east"), unique("west")
    fed.ldap.add(f"{attr}={old},{PEOPLE}", {"objectClass": kind, attr: old})
    members = [fed.add_user(unique("u"), below=f"{attr}={old},{PEOPLE}") for _ in range(2)]
    fed.mark()
    fed.ldap.rename(f"{attr}={old},{PEOPLE}", f"{attr}={new}")
    moved = [m.replace(f"{attr}={old},", f"{attr}={new},") for m in members]
    group = fed.id(fed.add_group(unique("g"), moved))
    missing = {fed.id(m) for m in moved}

    def all_told(event):
        assert event["type"] != "dsync.group.user_removed", event
        if event["subject"]["id"] == group:
            missing.difference_update(m["value"] for m in event["data"].get("members", []))
            missing.discard(event.get("member", {}).get("value"))
        return not missing

    fed.reader.until(all_told)
    fed.mark()


def test_F62_a_container_is_moved(fed):
    """Nobody is deleted and made again: the name is not who somebody is."""
    old, new = unique("east"), unique("west")
    fed.ldap.add(f"ou={old},{PEOPLE}", {"objectClass": "organizationalUnit", "ou": old})
    uids = [unique("u") for _ in range(200)]
    fed.ldap.add_ldif("".join(f"dn: uid={u},ou={old},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: {u}\ncn: C\nsn: S\n\n"
                              for u in uids))
    child = f"uid={uids[7]},ou={new},{PEOPLE}"
    group = fed.add_group(unique("g"), [f"uid={u},ou={old},{PEOPLE}" for u in uids[:3]])
    fed.mark()
    mended = {"objectClass": "groupOfNames", "member": [f"uid={u},ou={new},{PEOPLE}" for u in uids[:3]]}
    fed.ldap.rename(f"ou={old},{PEOPLE}", f"ou={new}")
    fed.ldap.modify(group, ("replace", "member", mended["member"]))
    assert fed.mark() == []
    events = fed.told(fed.ldap.modify, child, ("replace", "title", ["West"]))
    assert [short(e) for e in events] == [("user.updated", fed.id(child))]
    i = fed.id(child)
    assert [short(e) for e in fed.told(fed.ldap.delete, child)] == [("user.deleted", i)]
    ids = {fed.id(f"uid={u},ou={new},{PEOPLE}") for u in uids[:3]}
    fed.ldap.delete(group)
    *_, e = fed.mark()
    assert e["type"] == "dsync.group.deleted" and {m["value"] for m in e["data"]["members"]} == ids


def test_F62_a_container_is_moved_in_a_flood(fed):
    """The group that names its members anew is due for its second look before the move has been worked through: that has
    to wait, or everybody in it is missed."""
    old, new = unique("east"), unique("west")
    fed.ldap.add(f"ou={old},{PEOPLE}", {"objectClass": "organizationalUnit", "ou": old})
    members = [fed.add_user(unique("u"), below=f"ou={old},{PEOPLE}") for _ in range(3)]
    group = fed.add_group(unique("g"), members)
    big = fed.add_group(unique("big"), [f"uid=nobody-{n},ou=elsewhere,dc=example,dc=com" for n in range(2000)])
    fed.mark()
    fed.daemon.signal(signal.SIGSTOP)
    try:
        fed.ldap.rename(f"ou={old},{PEOPLE}", f"ou={new}")
        fed.ldap.modify(group, ("replace", "member", [m.replace(f"ou={old},", f"ou={new},") for m in members]))
        fed.ldap.modify_ldif("".join(f"dn: {big}\nchangetype: modify\nreplace: businessCategory\nbusinessCategory: {n}\n\n"
                                     for n in range(200)))
    finally:
        fed.daemon.signal(signal.SIGCONT)
    quiet = time.monotonic() + 1.5
    assert fed.mark() == []
    until(lambda: time.monotonic() > quiet, "the second look", 5)
    assert fed.mark() == []


@pytest.mark.parametrize("source", ["accesslog", "syncrepl"])
@pytest.mark.parametrize("cleanup", ["memberof", "refint"])
def test_F65_side_effects_of_overlays(source, cleanup):
    """What the server itself changes behind a write is told once, as what it means, and never again."""
    fed = Fed(Variant(cleanup=cleanup), history=source == "accesslog")
    try:
        a, b = (fed.add_user(unique("u")) for _ in "ab")
        ia, ib = fed.id(a), fed.id(b)
        groups = [fed.add_group(unique("g"), [a, b]) for _ in range(2)]
        ids = [fed.id(g) for g in groups]
        fed.mark()
        quiet = time.monotonic() + 1.5  # longer than the feed waits before it looks at silent changes
        fed.ldap.rename(a, f"uid={unique('v')}")
        assert [short(e) for e in fed.mark()] == [("user.updated", ia)]
        until(lambda: time.monotonic() > quiet, "the second look", 5)
        assert fed.mark() == []
        quiet = time.monotonic() + 1.5
        events = fed.told(fed.ldap.delete, b)
        assert sorted(short(e) for e in events[:2]) == sorted(("group.user_removed", g, ib) for g in ids)
        assert [short(e) for e in events[2:]] == [("user.deleted", ib)]
        until(lambda: time.monotonic() > quiet, "the second look", 5)
        assert fed.mark() == []
        fed.assert_members(ids[0], ia)
        # the same name again is somebody else, and in no group
        events = fed.told(fed.add_user, b.split(",")[0][4:])
        assert [short(e)[0] for e in events] == ["user.created"]
        quiet = time.monotonic() + 1.5
        until(lambda: time.monotonic() > quiet, "the second look", 5)
        assert fed.mark() == []
    finally:
        fed.remove()


@pytest.mark.parametrize("source", ["accesslog", "syncrepl"])
def test_F23_mass_delete_by_an_administrator(source):
    """Nothing of it goes out beyond the limit until an operator has looked; everybody else's events do; then the order
    of each subject is what it was."""
    fed = Fed(history=source == "accesslog", guard={"max_removals": 10, "max_percent": 1})
    try:
        made = fed.make_many(60)
        group = fed.add_group(unique("all"), [dn for _, dn in made])
        g = fed.id(group)
        bystander = fed.add_user(unique("by"))
        fed.mark()
        fed.ldap.modify_ldif("".join(f"dn: {dn}\nchangetype: delete\n\n" for _, dn in made[:20]))
        before = []

        def all_are_told_or_held():
            before.extend(fed.reader.read())
            out = [e for e in before if e["type"] in REMOVALS]
            held = operate(fed, "GET", "/admin/v1/guard")["data"]
            assert len(out) <= 10, [short(e) for e in out]
            return held if sum(b["removals"] for b in held) + len(out) == 40 else None

        # a membership and an account each
        (batch,) = until(all_are_told_or_held, "the guard to hold the removals", 20)
        events = fed.told(fed.ldap.modify, bystander, ("replace", "title", ["still told"]))
        assert [short(e) for e in events] == [("user.updated", fed.id(bystander))]
        operate(fed, "POST", f"/admin/v1/guard/{batch['id']}/release", {"why": "the department was closed"})
        after = fed.mark()
        told = [short(e) for e in before + after]
        assert sorted(told) == sorted([("group.user_removed", g, i) for i, _ in made[:20]] +
                                      [("user.deleted", i) for i, _ in made[:20]])
        # of each subject; what others say goes by what is held of the group
        of_group = [e["timestamp"] for e in before + after if e["subject"]["id"] == g]
        assert of_group == sorted(of_group)
        assert operate(fed, "GET", "/admin/v1/guard")["data"] == []
        (e,) = fed.told(fed.ldap.delete, bystander)
        assert e["type"] == "dsync.user.deleted", "a single removal after the release is not held"
    finally:
        fed.remove()


@pytest.mark.parametrize("source", ["accesslog", "syncrepl"])
def test_F23_the_next_leaver_after_a_release(source):
    """What was told up to the limit belongs to what the operator has looked at: it does not hold the next one back."""
    fed = Fed(history=source == "accesslog", guard={"max_removals": 10, "max_percent": 1})
    try:
        made = fed.make_many(14)
        fed.mark()
        for i, dn in made[:10]:
            assert [short(e) for e in fed.told(fed.ldap.delete, dn)] == [("user.deleted", i)]
        for _, dn in made[10:12]:
            assert fed.told(fed.ldap.delete, dn) == []
        (batch,) = operate(fed, "GET", "/admin/v1/guard")["data"]
        assert batch["removals"] == 2
        operate(fed, "POST", f"/admin/v1/guard/{batch['id']}/release", {"why": "the department was closed"})
        assert [short(e) for e in fed.mark()] == [("user.deleted", i) for i, _ in made[10:12]]
        for i, dn in made[12:]:
            assert [short(e) for e in fed.told(fed.ldap.delete, dn)] == [("user.deleted", i)]
        assert operate(fed, "GET", "/admin/v1/guard")["data"] == []
    finally:
        fed.remove()


def test_a_leaver_in_a_held_group():
    """What is held of the group delays nobody's deletion; what is released later names somebody who is gone."""
    fed = Fed(guard={"max_removals": 3, "max_percent": 1})
    try:
        made = fed.make_many(6)
        ids = [i for i, _ in made]
        group = fed.add_group(unique("all"), [dn for _, dn in made])
        g = fed.id(group)
        fed.mark()
        fed.ldap.modify(group, ("delete", "member", [dn for _, dn in made[:5]]))
        assert fed.mark() == []
        assert [short(e) for e in fed.told(fed.ldap.delete, made[0][1])] == [("user.deleted", ids[0])]
        (batch,) = operate(fed, "GET", "/admin/v1/guard")["data"]
        operate(fed, "POST", f"/admin/v1/guard/{batch['id']}/release", {"why": "it is right"})
        assert sorted(short(e) for e in fed.mark()) == sorted(("group.user_removed", g, i) for i in ids[:5])
    finally:
        fed.remove()


@pytest.mark.parametrize("source", ["accesslog", "syncrepl"])
def test_a_rejection_forgets_nothing(source):
    """Who was disabled or put out of a group without anybody being told is as before for the readers, and is told when the
    directory is looked at again: a rejected removal that is true is not lost."""
    fed = Fed(history=source == "accesslog", guard={"max_removals": 3, "max_percent": 1})

    def decide(word):
        (batch,) = operate(fed, "GET", "/admin/v1/guard")["data"]
        operate(fed, "POST", f"/admin/v1/guard/{batch['id']}/{word}", {"why": "the test", "expect": batch["events"]})

    def state():
        found, _ = fed.reader.snapshot()
        return {r["id"]: r for r in found}

    def reconcile():
        operate(fed, "POST", "/admin/v1/sync/reconcile")

    try:
        made = fed.make_many(8)
        ids = [i for i, _ in made]
        group = fed.add_group(unique("all"), [dn for _, dn in made])
        g = fed.id(group)
        fed.mark()
        # memberships
        fed.ldap.modify(group, ("delete", "member", [dn for _, dn in made[:6]]))
        assert fed.mark() == []
        decide("reject")
        assert sorted(m["value"] for m in state()[g]["members"]) == sorted(ids)
        reconcile()
        assert fed.mark() == []  # as many as before: held again
        decide("release")
        assert sorted(short(e) for e in fed.mark()) == sorted(("group.user_removed", g, i) for i in ids[:6])
        assert sorted(m["value"] for m in state()[g]["members"]) == sorted(ids[6:])
        # accounts
        for n, i in enumerate(ids[:5]):
            fed.lenient.patch(f"/Users/{i}", [{"op": "replace", "path": "active", "value": False}]).expect(200, 204)
            assert [short(e) for e in fed.mark()] == [("user.deactivated", i)] * (n < 3)
        decide("reject")
        assert [state()[i]["active"] for i in ids[:6]] == [False] * 3 + [True] * 3
        reconcile()
        assert fed.mark() == []
        decide("release")
        assert sorted(short(e) for e in fed.mark()) == sorted(("user.deactivated", i) for i in ids[3:5])
        assert [state()[i]["active"] for i in ids[:6]] == [False] * 5 + [True]
        reconcile()
        assert fed.mark() == []
    finally:
        fed.remove()


def test_F22_a_base_is_narrowed(tmp_path):
    """A slip in the configuration, and most users are out of its sight: that is no removal before somebody says so."""
    fed = Fed(history=False)
    try:
        fed.ldap.add(f"ou=east,{PEOPLE}", {"objectClass": "organizationalUnit", "ou": "east"})
        made = fed.make_many(80)
        inside = fed.add_user(unique("in"), below=f"ou=east,{PEOPLE}")
        fed.mark()
        cursor = fed.reader.cursor
        fed.reader.close()
        fed.daemon.stop()
        wide = fed.daemon.config
        narrow = dict(wide, users=dict(wide["users"], base=f"ou=east,{PEOPLE}"))
        write_file(fed.daemon.config_path, to_yaml(narrow))
        fed.daemon.start()

        def noticed():
            s = fed.sync()
            return s["state"] == "untrusted" or s["held_batches"] > 0
        until(noticed, "the feed to notice", 20)
        fed.reader = Reader(fed.daemon.address, fed.daemon.tokens["reader"])
        fed.reader.cursor = cursor
        gone = [e for e in fed.reader.page(limit=1000).expect(200).events if e["type"] in REMOVALS]
        assert gone == []
        # mended: everybody is still there, and changes go on
        fed.daemon.stop()
        write_file(fed.daemon.config_path, to_yaml(wide))
        fed.daemon.start()
        fed.reopen()
        for b in operate(fed, "GET", "/admin/v1/guard")["data"]:
            operate(fed, "POST", f"/admin/v1/guard/{b['id']}/reject", {"why": "it was a slip"})
        fed.live()
        fed.ldap.modify(inside, ("replace", "title", ["East"]))
        fed.ldap.modify(made[5][1], ("replace", "title", ["Wide"]))
        told = [short(e) for e in fed.mark()]
        assert ("user.updated", made[5][0]) in told and ("user.updated", fed.id(inside)) in told
        assert not [t for t in told if t[0] == "user.deleted"]
    finally:
        fed.remove()


def test_T42_naughty_strings_as_directory_values(fed):
    strings = naughty_strings()
    if strings is None:
        pytest.skip("DIRHINGE_CORPORA names no folder with naughty-strings/blns.json")
    prefix = unique("n")
    fed.ldap.modify_ldif("".join(
        f"dn: uid={prefix}-{n},{PEOPLE}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: {prefix}-{n}\ncn: C\nsn: S\n"
        f"displayName:: {base64.b64encode(s.encode('utf-8')).decode('ascii')}\n\n" for n, s in enumerate(strings)))
    held = {e.one("uid"): e.one("displayName")
            for e in fed.ldap.search(PEOPLE, f"(uid={prefix}-*)", attrs=("uid", "displayName"))}
    told = {e["data"]["userName"]: e["data"]["displayName"] for e in fed.mark()
            if e["type"] == "dsync.user.created" and e["data"]["userName"].startswith(prefix + "-")}
    assert len(held) > len(strings) * 0.9
    assert told == held
    # and as what was there before
    fed.ldap.modify_ldif("".join(f"dn: uid={u},{PEOPLE}\nchangetype: modify\nreplace: displayName\n-\n\n"
                                 for u in held))
    previous = {e["data"]["userName"]: e["previous"]["displayName"] for e in fed.mark()}
    assert previous == held


def test_T70_passwords_are_in_no_event_and_not_in_the_store(fed):
    by_admin, by_scim, again = (secret("Pw-") for _ in range(3))
    dn = fed.add_user(unique("u"), userPassword=by_admin)
    fed.ldap.modify(dn, ("replace", "userPassword", [again]))
    fed.make_user(password=by_scim)
    fed.add_group(unique("g"), [dn])
    events = fed.mark()
    assert [e["type"] for e in events] == ["dsync.user.created", "dsync.user.created", "dsync.group.created",
                                           "dsync.group.user_added"]
    assert not [e for e in events if "password" in str(e).lower()]
    fed.ldap.delete(dn)
    fed.mark()
    state = fed.daemon.config["state_dir"]
    for name in os.listdir(state):
        path = os.path.join(state, name)
        if os.path.isfile(path):
            with open(path, "rb") as f:
                data = f.read()
            for text in (by_admin, by_scim, again, fed.slapd.gateway_pw, "{SSHA}"):
                assert text.encode() not in data, f"a password in {name}"
