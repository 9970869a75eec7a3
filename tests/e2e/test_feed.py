# SPDX-License-Identifier: Apache-2.0
"""Every change of the directory, whoever made it, is exactly the right events, by either source of changes."""

import pytest

from support.feed import Fed, short
from support.hinge import unique
from support.slapd import ADMIN, GATEWAY, GROUPS, PEOPLE, Variant
from support.wait import until


@pytest.fixture(scope="module", params=["accesslog", "syncrepl"])
def fed(request):
    f = Fed(history=request.param == "accesslog")
    yield f
    f.remove()


def modify(fed, dn, *changes):
    return fed.told(fed.ldap.modify, dn, *changes)


def test_a_user_from_beginning_to_end(fed):
    uid = unique("u")
    dn = f"uid={uid},{PEOPLE}"
    (e,) = fed.told(fed.add_user, uid, title="One")
    i = fed.id(dn)
    entry = fed.ldap.read(dn)
    assert short(e) == ("user.created", i)
    assert e["subject"] == {"type": "User", "id": i, "userName": uid}
    assert e["source"] == "main" and e["id"].startswith("evt_")
    csn = entry.one("entryCSN")
    assert e["timestamp"].replace("-", "").replace(":", "").replace("T", "") == csn.split("#")[0]
    assert e["cause"] == {"kind": "external", "actor_dn": ADMIN}
    assert "changed" not in e and "previous" not in e
    assert e["data"] == fed.lenient.get(f"/Users/{i}").expect(200).json

    (e,) = modify(fed, dn, ("replace", "title", ["Two"]), ("add", "givenName", ["Ann"]), ("replace", "sn", ["Lee"]))
    assert short(e) == ("user.updated", i)
    assert sorted(e["changed"]) == ["name.familyName", "name.givenName", "title"]
    assert e["previous"] == {"title": "One", "name": {"familyName": f"Sn {uid}"}}
    assert e["data"]["title"] == "Two"

    assert modify(fed, dn, ("add", "carLicense", ["B-XY 1"])) == []
    assert modify(fed, dn, ("replace", "userPassword", ["hush-hush-hush"])) == []

    events = modify(fed, dn, ("replace", "pwdEndTime", ["20200101000000Z"]), ("replace", "title", ["Gone"]))
    assert [short(e)[0] for e in events] == ["user.deactivated", "user.updated"]
    assert events[0]["changed"] == ["active"] and events[0]["previous"] == {"active": True}
    assert events[1]["changed"] == ["title"] and events[1]["previous"] == {"title": "Two"}
    assert not events[0]["data"]["active"] and not events[1]["data"]["active"]
    (e,) = modify(fed, dn, ("delete", "pwdEndTime", []))
    assert short(e) == ("user.activated", i) and e["data"]["active"]

    (e,) = fed.told(fed.ldap.rename, dn, f"uid={uid}x")
    assert short(e) == ("user.updated", i) and e["changed"] == ["userName"] and e["previous"] == {"userName": uid}
    last = fed.lenient.get(f"/Users/{i}").expect(200).json
    (e,) = fed.told(fed.ldap.delete, f"uid={uid}x,{PEOPLE}")
    assert short(e) == ("user.deleted", i)
    assert e["data"] == last and "changed" not in e
    # another one under the same name is somebody else
    (e,) = fed.told(fed.add_user, uid)
    assert short(e) == ("user.created", fed.id(dn)) and e["subject"]["id"] != i


def test_a_group_from_beginning_to_end(fed):
    a, b = (fed.add_user(unique("u")) for _ in "ab")
    ia, ib = fed.id(a), fed.id(b)
    fed.mark()
    cn = unique("g")
    dn = f"cn={cn},{GROUPS}"
    created, added = fed.told(fed.add_group, cn, [a])
    i = fed.id(dn)
    assert short(created) == ("group.created", i) and short(added) == ("group.user_added", i, ia)
    assert created["data"] == fed.lenient.get(f"/Groups/{i}").expect(200).json
    assert [m["value"] for m in created["data"]["members"]] == [ia]
    assert added["member"] == {"value": ia, "type": "User", "userName": a.split(",")[0][4:]}
    assert added["subject"] == {"type": "Group", "id": i, "displayName": cn}

    (e,) = modify(fed, dn, ("add", "member", [b]))
    assert short(e) == ("group.user_added", i, ib)
    (e,) = modify(fed, dn, ("add", "description", ["nothing that SCIM shows"])) or [None]
    assert e is None or e["type"] == "dsync.group.updated"
    (e,) = modify(fed, dn, ("delete", "member", [a]))
    assert short(e) == ("group.user_removed", i, ia)
    events = modify(fed, dn, ("replace", "member", [a]))
    assert [short(e) for e in events] == [("group.user_removed", i, ib), ("group.user_added", i, ia)]
    # somebody who is nobody: told when he comes
    later = f"uid={unique('late')},{PEOPLE}"
    assert modify(fed, dn, ("add", "member", [later])) == []
    fed.add_user(later.split(",")[0][4:])
    seen = fed.reader.until(lambda e: e["type"] == "dsync.group.user_added")
    assert [short(e) for e in seen] == [("user.created", fed.id(later)), ("group.user_added", i, fed.id(later))]

    (e,) = fed.told(fed.ldap.rename, dn, f"cn={cn}x")
    assert short(e) == ("group.updated", i) and e["changed"] == ["displayName"]
    assert {m["value"] for m in e["data"]["members"]} == {ia, fed.id(later)}
    (e,) = fed.told(fed.ldap.delete, f"cn={cn}x,{GROUPS}")
    assert short(e) == ("group.deleted", i)
    assert {m["value"] for m in e["data"]["members"]} == {ia, fed.id(later)}


def test_a_member_who_is_deleted_leaves_first(fed):
    a, b = (fed.add_user(unique("u")) for _ in "ab")
    groups = [fed.add_group(unique("g"), [a, b]) for _ in range(3)]
    ia, ids = fed.id(a), [fed.id(g) for g in groups]
    fed.mark()
    events = fed.told(fed.ldap.delete, a)
    assert short(events[-1]) == ("user.deleted", ia)
    assert sorted(short(e) for e in events[:-1]) == sorted(("group.user_removed", g, ia) for g in ids)


def test_changes_by_scim_say_so(fed):
    u = fed.make_user(title="One")
    (e,) = fed.mark()
    assert short(e) == ("user.created", u["id"])
    assert e["cause"]["kind"] == "scim" and e["cause"]["client"] == "lenient" and e["cause"]["actor_dn"] == GATEWAY
    assert e["data"] == u
    r = fed.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "title", "value": "Two"}]).expect(200, 204)
    (e,) = fed.mark()
    assert e["cause"]["kind"] == "scim" and e["cause"]["request_id"] == r.headers["X-Request-Id"]
    assert e["changed"] == ["title"] and e["previous"] == {"title": "One"}
    g = fed.make_group(u["id"])
    created, added = fed.mark()
    assert created["cause"]["kind"] == added["cause"]["kind"] == "scim"
    assert short(added) == ("group.user_added", g["id"], u["id"])
    fed.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "active", "value": False}]).expect(200, 204)
    (e,) = fed.mark()
    assert short(e) == ("user.deactivated", u["id"]) and e["cause"]["kind"] == "scim"
    fed.lenient.delete(f"/Users/{u['id']}").expect(204)
    events = fed.mark()
    assert [short(e) for e in events] == [("group.user_removed", g["id"], u["id"]), ("user.deleted", u["id"])]
    assert all(e["cause"]["kind"] == "scim" for e in events), [e["cause"] for e in events]


def test_a_renamed_member_stays(fed):
    """By SCIM, which mends the groups, and by hand, where the group then holds the name of nobody."""
    u = fed.make_user()
    g = fed.make_group(u["id"])
    fed.mark()
    name = unique("renamed")
    fed.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "userName", "value": name}]).expect(200, 204)
    assert {short(e) for e in fed.mark()} == {("user.updated", u["id"])}
    fed.assert_members(g["id"], u["id"])
    fed.ldap.rename(fed.dn(u["id"]), f"uid={name}x")
    seen = fed.reader.until(lambda e: e["type"] == "dsync.group.user_removed")
    assert [short(e) for e in seen] == [("user.updated", u["id"]), ("group.user_removed", g["id"], u["id"])]
    fed.ldap.rename(fed.dn(u["id"]), f"uid={name}")
    seen = fed.reader.until(lambda e: e["type"] == "dsync.group.user_added")
    assert [short(e) for e in seen] == [("user.updated", u["id"]), ("group.user_added", g["id"], u["id"])]


def test_the_manager_is_a_reference(fed):
    boss = fed.add_user(unique("boss"), displayName="The Boss")
    ann = fed.add_user(unique("ann"), manager=boss)
    *_, e = fed.mark()
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    assert e["data"][enterprise]["manager"] == fed.lenient.get(f"/Users/{fed.id(ann)}").json[enterprise]["manager"]
    assert e["data"][enterprise]["manager"]["value"] == fed.id(boss)
    fed.ldap.delete(boss)
    seen = fed.reader.until(lambda e: e["subject"]["id"] == fed.id(ann))
    assert seen[-1]["changed"] == [f"{enterprise}:manager.value"] and enterprise not in seen[-1]["data"]


def test_ids_and_order_are_the_same_after_a_restart(fed):
    dn = fed.add_user(unique("u"))
    fed.ldap.modify(dn, ("replace", "title", ["One"]))
    fed.mark()
    before = everything(fed)
    fed.daemon.stop()
    fed.ldap.modify(dn, ("replace", "title", ["Two"]))
    fed.ldap.modify(dn, ("replace", "title", ["Three"]))
    fed.daemon.start()
    fed.reopen()
    fed.live()
    events = [e for e in fed.mark() if e["subject"]["id"] == fed.id(dn)]
    assert events[-1]["data"]["title"] == "Three"
    assert len(events) == (2 if fed.sync()["source"] == "accesslog" else 1), events
    after = everything(fed)
    assert after[:len(before)] == before
    ids = [e["id"] for e in after]
    assert len(set(ids)) == len(ids)


def everything(fed):
    """All events from the beginning."""
    place, fed.reader.cursor = fed.reader.cursor, None
    found = []
    while True:
        page = fed.reader.page(limit=1000).expect(200)
        found += page.events
        fed.reader.cursor = page.next
        if not page.more:
            fed.reader.cursor = place
            return found
