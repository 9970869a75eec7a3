# SPDX-License-Identifier: Apache-2.0
"""Groups as the directory sees them: empty ones, nesting, references of users who go, concurrent changes."""

import threading

import pytest

from support.hinge import unique
from support.scim import ENTERPRISE, GROUP, PATCH_OP
from support.slapd import GROUPS, LEAVERS, PEOPLE, Variant
from support.wait import until

CLEANUPS = ["none", "refint", "memberof"]


def add(*ids):
    return [{"op": "add", "path": "members", "value": [{"value": i} for i in ids]}]


def remove(i):
    return [{"op": "remove", "path": f'members[value eq "{i}"]'}]


@pytest.fixture(params=CLEANUPS)
def any_hinge(hinges, request):
    h = hinges(Variant(cleanup=request.param))
    yield h
    assert h.daemon.alive(), h.daemon.log()[-4000:]


def test_empty_group_holds_a_placeholder_that_is_never_shown(any_hinge):
    h = any_hinge
    g = h.make_group()
    held = h.entry(g["id"])["member"]
    assert len(held) == 1, f"groupOfNames must hold one placeholder, holds {held!r}"
    for doc in (g, h.lenient.get(f"/Groups/{g['id']}").json,
                h.lenient.find("Groups", f'displayName eq "{g["displayName"]}"')["Resources"][0]):
        assert not doc.get("members"), f"the placeholder is shown: {doc}"
    assert h.lenient.find("Groups", f'displayName eq "{g["displayName"]}" and members pr')["totalResults"] == 0


def test_placeholder_comes_and_goes(any_hinge):
    h = any_hinge
    u1, u2 = h.make_user(), h.make_user()
    g = h.make_group()
    for ops, members in ((add(u1["id"]), [u1]), (remove(u1["id"]), []), (add(u1["id"], u2["id"]), [u1, u2]),
                         (remove(u1["id"]) + remove(u2["id"]), []), (add(u2["id"]) + remove(u2["id"]), []),
                         (add(u2["id"]), [u2]), (remove(u2["id"]) + add(u1["id"]), [u1])):
        h.lenient.patch(f"/Groups/{g['id']}", ops).expect(200, 204)
        h.assert_members(g["id"], *[u["id"] for u in members])
        held = h.entry(g["id"])["member"]
        assert len(held) == max(1, len(members)), f"after {ops}: {held!r}"


def test_group_that_an_administrator_emptied_with_another_placeholder(hinge):
    """A group's own DN and refint's cn=nobody are placeholders elsewhere: what is no user or group is not shown."""
    name = unique("adm-")
    dn = f"cn={name},{GROUPS}"
    hinge.ldap.add(dn, {"objectClass": "groupOfNames", "cn": name, "member": "cn=nobody,dc=example,dc=com"})
    g = hinge.lenient.find("Groups", f'displayName eq "{name}"')["Resources"][0]
    assert not g.get("members"), g
    u = hinge.make_user()
    hinge.lenient.patch(f"/Groups/{g['id']}", add(u["id"])).expect(200, 204)
    assert hinge.shown_members(g["id"]) == {u["id"]}
    assert hinge.member_dns(g["id"]) >= {hinge.dn(u["id"])}


@pytest.mark.parametrize("how", ["delete", "rename"])
@pytest.mark.parametrize("others", [0, 1], ids=["last member", "one of two"])
def test_memberships_of_a_user_who_goes(any_hinge, how, others):
    h = any_hinge
    u = h.make_user()
    rest = [h.make_user()["id"] for _ in range(others)]
    groups = [h.make_group(u["id"], *rest) for _ in range(3)]
    old_dn = h.dn(u["id"])
    if how == "delete":
        h.lenient.delete(f"/Users/{u['id']}").expect(204)
        want = rest
    else:
        h.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "userName", "value": unique("new-")}]) \
            .expect(200, 204)
        want = [u["id"], *rest]
    for g in groups:
        # refint works some milliseconds later; what it leaves must agree with what Dirhinge did
        until(lambda g=g: old_dn not in h.entry(g["id"])["member"], f"{old_dn} to leave the group", 5)
        until(lambda g=g: h.shown_members(g["id"]) == set(want), "SCIM to show the members left", 5)
        held = [d for d in h.member_dns(g["id"]) if "cn=nobody" not in d]
        assert sorted(held) == sorted(h.dn(i) for i in want), f"the group holds {held}"


def test_memberof_agrees(hinges):
    """With memberof the overlay must have seen every change: assertions must not break its internal writes."""
    h = hinges(Variant(cleanup="memberof"))
    u = h.make_user()
    g = h.make_group()
    tag = h.lenient.get(f"/Groups/{g['id']}").headers["ETag"]
    h.lenient.patch(f"/Groups/{g['id']}", add(u["id"]), headers={"If-Match": tag}).expect(200, 204)
    h.assert_members(g["id"], u["id"])
    assert h.entry(u["id"])["memberOf"] == [h.dn(g["id"])], "memberof did not follow the modify"
    h.lenient.patch(f"/Groups/{g['id']}", remove(u["id"])).expect(200, 204)
    assert h.entry(u["id"])["memberOf"] == []


def test_etag_of_a_group_moves_with_its_members(any_hinge):
    h = any_hinge
    u = h.make_user()
    g = h.make_group(u["id"])
    before = h.lenient.get(f"/Groups/{g['id']}").headers["ETag"]
    h.lenient.delete(f"/Users/{u['id']}").expect(204)
    assert h.lenient.get(f"/Groups/{g['id']}").headers["ETag"] != before, "the members changed, the ETag did not"


def test_deleted_group_leaves_its_parents(any_hinge):
    h = any_hinge
    u = h.make_user()
    inner = h.make_group(u["id"])
    outer = h.make_group(u["id"], inner["id"])
    h.assert_members(outer["id"], u["id"], inner["id"])
    h.lenient.delete(f"/Groups/{inner['id']}").expect(204)
    until(lambda: h.shown_members(outer["id"]) == {u["id"]}, "the deleted group to leave its parent", 5)
    assert inner["displayName"] not in " ".join(h.entry(outer["id"])["member"])


def test_renamed_group_stays_in_its_parents(any_hinge):
    h = any_hinge
    inner = h.make_group()
    outer = h.make_group(inner["id"])
    new = unique("inner-")
    h.lenient.patch(f"/Groups/{inner['id']}", [{"op": "replace", "path": "displayName", "value": new}]).expect(200, 204)
    until(lambda: h.entry(outer["id"])["member"] == [f"cn={new},{GROUPS}"], "the member value to follow the rename", 5)
    h.assert_members(outer["id"], inner["id"])


def test_group_cannot_contain_itself(hinge):
    g = hinge.make_group()
    before = hinge.entry(g["id"])
    r = hinge.lenient.patch(f"/Groups/{g['id']}", add(g["id"]))
    if r.status == 400:
        r.error(400, "invalidValue")
        assert hinge.entry(g["id"]) == before
    else:
        r.expect(200, 204)
        hinge.assert_members(g["id"], g["id"])


def test_concurrent_changes_lose_nothing(hinge):
    """16 clients add and remove their own members of one group; the end state is exactly what was asked for."""
    threads, each = 16, 6
    made = hinge.make_many(threads * each)
    keep = set()
    g = hinge.make_group()
    errors = []

    def work(n):
        mine = [i for i, _ in made[n * each:(n + 1) * each]]
        c = hinge.lenient.clone()
        try:
            for i in mine:
                c.patch(f"/Groups/{g['id']}?excludedAttributes=members", add(i)).expect(200, 204)
            for i in mine[::2]:
                c.patch(f"/Groups/{g['id']}?excludedAttributes=members", remove(i)).expect(200, 204)
            keep.update(mine[1::2])
        except Exception as e:  # noqa: BLE001 - handed to the test's thread
            errors.append(e)
        finally:
            c.close()

    workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for t in workers:
        t.start()
    for t in workers:
        t.join()
    assert not errors, f"{len(errors)} of {threads} clients failed: {errors[0]}"
    hinge.assert_members(g["id"], *keep)
    assert len(hinge.entry(g["id"])["member"]) == len(keep), "a placeholder stayed beside real members"


def test_concurrent_last_members(hinge):
    """Two clients take turns in emptying and filling a group: never a 5xx, never a lost placeholder."""
    users = [hinge.make_user()["id"] for _ in range(4)]
    g = hinge.make_group()
    errors = []

    def work(i):
        c = hinge.lenient.clone()
        try:
            for _ in range(15):
                c.patch(f"/Groups/{g['id']}?excludedAttributes=members", add(i)).expect(200, 204)
                c.patch(f"/Groups/{g['id']}?excludedAttributes=members", remove(i)).expect(200, 204)
        except Exception as e:  # noqa: BLE001 - handed to the test's thread
            errors.append(e)
        finally:
            c.close()

    workers = [threading.Thread(target=work, args=(i,)) for i in users]
    for t in workers:
        t.start()
    for t in workers:
        t.join()
    assert not errors, f"{len(errors)} of {len(users)} clients failed: {errors[0]}"
    hinge.assert_members(g["id"])


def test_concurrent_creates_of_one_name(hinge):
    """F-17: one 201, the others 409 uniqueness."""
    name = unique("race-")
    results = []

    def work(kind, body):
        c = hinge.lenient.clone()
        results.append((kind, c.post(f"/{kind}", body)))
        c.close()

    jobs = [("Users", hinge.user_body(userName=name)) for _ in range(6)]
    jobs += [("Groups", {"schemas": [GROUP], "displayName": name}) for _ in range(6)]
    workers = [threading.Thread(target=work, args=j) for j in jobs]
    for t in workers:
        t.start()
    for t in workers:
        t.join()
    for kind in ("Users", "Groups"):
        got = [r for k, r in results if k == kind]
        assert [r.status for r in got].count(201) == 1, [str(r) for r in got]
        for r in got:
            if r.status != 201:
                r.error(409, "uniqueness")
    assert len(hinge.ldap.search(PEOPLE, f"(uid={name})")) == 1
    assert len(hinge.ldap.search(GROUPS, f"(cn={name})")) == 1


def test_namesake_does_not_inherit_memberships(hinge):
    """An administrator removed the entry but not its memberships: the next user of that name is in no group."""
    old, other = hinge.make_user(), hinge.make_user()
    g, last = hinge.make_group(old["id"], other["id"]), hinge.make_group(old["id"])
    dn = hinge.dn(old["id"])
    hinge.ldap.delete(dn)
    assert dn in hinge.entry(g["id"])["member"], "the directory cleaned up itself"
    new = hinge.make_user(userName=old["userName"])
    assert hinge.dn(new["id"]) == dn and "groups" not in hinge.lenient.get(f"/Users/{new['id']}").json
    hinge.assert_members(g["id"], other["id"])
    hinge.assert_members(last["id"])


def together(*jobs):
    """Runs the jobs at the same time; hands a failure to the test."""
    barrier, errors = threading.Barrier(len(jobs)), []

    def run(job):
        try:
            barrier.wait(30)
            job()
        except Exception as e:  # noqa: BLE001
            errors.append(e)

    threads = [threading.Thread(target=run, args=(j,)) for j in jobs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors, errors[0]


def test_race_of_delete_and_add(any_hinge):
    """A deleted user is in no group, also when somebody adds it in the same moment: a namesake would inherit that."""
    h = any_hinge
    c, d = h.lenient.clone(), h.lenient.clone()
    for _ in range(12):
        u, g = h.make_user(), h.make_group()
        dn = h.dn(u["id"])
        together(lambda u=u: c.delete(f"/Users/{u['id']}").expect(204),
                 lambda u=u, g=g: d.patch(f"/Groups/{g['id']}", add(u["id"])).expect(200, 204, 400))
        until(lambda g=g, dn=dn: dn not in h.entry(g["id"])["member"], "the deleted user to leave the group", 5)
    c.close(), d.close()


def test_race_of_rename_and_add(hinge):
    """A member that was answered with success is a member, under whatever name the user has now."""
    c, d = hinge.lenient.clone(), hinge.lenient.clone()
    u = hinge.make_user()
    groups = [hinge.make_group() for _ in range(30)]
    added = []

    def rename():
        for i in range(40):
            c.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "userName", "value": f"{u['userName']}-{i}"}]) \
                .expect(200, 204, 503)

    def join():
        for g in groups:
            if d.patch(f"/Groups/{g['id']}", add(u["id"])).expect(200, 204, 400, 503).status < 300:
                added.append(g["id"])

    together(rename, join)
    dn = hinge.dn(u["id"])
    for g in groups:
        held = hinge.member_dns(g["id"])
        assert held == ({dn} if g["id"] in added else set()), \
            f"{'added' if g['id'] in added else 'not added'}, the user is {dn}, the group holds {held}"
    c.close(), d.close()


@pytest.mark.parametrize("kind", ["Users", "Groups"])
def test_rename_race_is_never_a_404(hinge, kind):
    """The id is stable: a change that meets a rename is repeated, not answered with "gone"."""
    x = hinge.make_user() if kind == "Users" else hinge.make_group()
    path, name = f"/{kind}/{x['id']}", unique("moving-")
    users = [i for i, _ in hinge.make_many(30)]
    attribute = "userName" if kind == "Users" else "displayName"
    c, d, e = (hinge.lenient.clone() for _ in range(3))

    def rename():
        for i in range(40):
            c.patch(path, [{"op": "replace", "path": attribute, "value": f"{name}{i}"}]).expect(200, 204, 503)

    def change():
        for i, u in enumerate(users):
            ops = add(u) if kind == "Groups" else [{"op": "replace", "path": "active", "value": i % 2 == 1}]
            d.patch(path, ops).expect(200, 204, 503)

    def read():
        for _ in range(60):
            e.get(path).expect(200)

    together(rename, change, read)
    for client in (c, d, e):
        client.close()
    assert hinge.dn(x["id"]).split(",")[0].endswith(f"{name}39")


def test_rename_race_does_not_save_a_leaver(hinge):
    """DELETE meets a rename: the user is gone afterwards."""
    c, d = hinge.lenient.clone(), hinge.lenient.clone()
    for i in range(12):
        u = hinge.make_user()
        together(lambda u=u: d.delete(f"/Users/{u['id']}").expect(204),
                 lambda u=u, i=i: c.patch(f"/Users/{u['id']}", [
                     {"op": "replace", "path": "userName", "value": f"{u['userName']}-{i}"}]).expect(200, 204, 404, 503))
        assert hinge.entry(u["id"]) is None, "the user survived a DELETE that was answered with 204"
    c.close(), d.close()


@pytest.mark.parametrize("policy", ["disable", "move"])
def test_delete_policies(hinges, policy):
    """Not a hard delete, but the SCIM view is RFC 7644 3.6: gone, not listed, not a member."""
    # slapo-unique over the whole suffix would keep a moved leaver's name taken
    h = hinges(Variant(unique=False), users={"delete": "disable" if policy == "disable" else {"move": LEAVERS}})
    pw = h.password()
    u = h.make_user(password=pw)
    report = h.make_user(**{ENTERPRISE: {"manager": {"value": u["id"]}, "department": "D"}})
    g = h.make_group(u["id"])
    dn = h.dn(u["id"])
    assert h.ldap.binds(dn, pw)
    h.lenient.delete(f"/Users/{u['id']}").expect(204)
    e = h.entry(u["id"])
    assert e is not None, "the entry should be kept"
    assert not h.ldap.binds(e.dn, pw), "a leaver can still log in"
    assert dn not in h.entry(g["id"])["member"], "a leaver is still a member"
    assert "manager" not in h.lenient.get(f"/Users/{report['id']}").expect(200).json[ENTERPRISE]
    for method, body in (("GET", None), ("DELETE", None), ("PUT", h.user_body(userName=u["userName"])),
                         ("PATCH", {"schemas": [PATCH_OP], "Operations": [
                             {"op": "replace", "path": "active", "value": True}]})):
        h.lenient.call(method, f"/Users/{u['id']}", body).error(404)
    for flt in (f'userName eq "{u["userName"]}"', f'id eq "{u["id"]}"', "active eq false"):
        found = h.lenient.find("Users", flt, count="1000")["Resources"]
        assert u["id"] not in [x["id"] for x in found], f"{flt} finds a leaver"
    h.lenient.patch(f"/Groups/{g['id']}", add(u["id"])).error(400, "invalidValue")
    assert not h.ldap.binds(e.dn, pw)
    if policy == "disable":
        assert e.dn == dn
        h.lenient.post("/Users", h.user_body(userName=u["userName"])).error(409, "uniqueness")
        return
    assert e.dn.endswith(LEAVERS), e.dn
    again = h.make_user(userName=u["userName"])
    assert again["id"] != u["id"]
    h.lenient.delete(f"/Users/{again['id']}").expect(204)
    assert h.entry(again["id"]).dn.endswith(LEAVERS), "a namesake was left before: both must be kept"
    assert h.entry(u["id"]) is not None


def test_delete_disable_without_a_way_to_disable(hinges):
    """Nothing to disable with: the delete is refused before anything is done, memberships included."""
    h = hinges(Variant(schema=False, ppolicy=False), users={"delete": "disable"})
    u = h.make_user()
    g = h.make_group(u["id"])
    before = [h.entry(x["id"]) for x in (u, g)]
    h.lenient.delete(f"/Users/{u['id']}").error(501)
    assert [h.entry(x["id"]) for x in (u, g)] == before
