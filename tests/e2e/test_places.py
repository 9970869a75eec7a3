# SPDX-License-Identifier: Apache-2.0
"""Members are written where the group stood last (decisions/0024): each time the directory proves the place, and when it
does not, the request ends as if nothing had been remembered."""

import signal
import threading

import pytest

from support.daemon import WRITE, write_file
from support.hinge import Hinge, unique
from support.slapd import GATEWAY, GROUPS, PEOPLE, SUFFIX, Variant
from support.slapdlog import done
from support.wait import until


def add(*ids):
    return [{"op": "add", "path": "members", "value": [{"value": i} for i in ids]}]


def remove(*ids):
    return [{"op": "remove", "path": f'members[value eq "{i}"]'} for i in ids]


def container(h, base=GROUPS):
    return h.ldap.add(f"ou={unique('box')},{base}", {"objectClass": "organizationalUnit"})


def group_at(h, dn, *members):
    """Id of a group that an administrator made."""
    h.ldap.add(dn, {"objectClass": "groupOfNames", "cn": dn[3:dn.index(",")], "member": [h.dn(m) for m in members] or [""]})
    return h.ldap.read(dn, attrs=("entryUUID",)).one("entryUUID")


def members(h, gid):
    return h.member_ids(gid)


class Known:
    """A group that the daemon has just written to: stay is in it, new is not."""

    def __init__(self, h, base=GROUPS, client="lenient"):
        self.h, self.client = h, h.client(client)
        self.stay, self.leaver, self.new = (h.make_user()["id"] for _ in range(3))
        self.dn = f"cn={unique('known')},{base}"
        self.id = group_at(h, self.dn, self.stay, self.leaver)
        self.path = f"/Groups/{self.id}"
        first = h.make_user()["id"]
        self.patch(add(first)).expect(204)
        with h.slapd.watch() as ops:
            self.patch(remove(first)).expect(204)
        assert not self.searched(ops), f"it is not known where the group is: {ops}"
        assert self.members() == {self.stay, self.leaver}

    def patch(self, ops, **kw):
        return self.client.patch(self.path, ops, **kw)

    def searched(self, ops):
        """Searches for the group by its id alone, wherever it is."""
        return [o for o in ops if o.verb == "SRCH" and f"(entryUUID={self.id})" in o.filter and o.dn != self.h.dn(self.id)]

    def members(self):
        return members(self.h, self.id)


@pytest.fixture
def known(hinge):
    return Known(hinge)


# --- what it saves ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("ops", [add, remove])
def test_a_change_of_members_is_one_search_and_one_modify(hinge, known, ops):
    who = known.new if ops is add else known.leaver
    with hinge.slapd.watch() as seen:
        known.patch(ops(who)).expect(204)
    assert [o.verb for o in seen] == ["SRCH", "MOD"] and who in seen[0].filter, seen
    assert known.members() == {known.stay, known.leaver} ^ {who}


def test_the_answer_carries_the_version_that_is_there(hinge, known):
    for ops in (add(known.new), add(known.new), remove(known.new), remove(known.new), remove(known.new, known.leaver)):
        tag = known.patch(ops).expect(204).headers["ETag"]
        assert tag == hinge.lenient.get(known.path).expect(200).headers["ETag"]
    assert known.members() == {known.stay}


@pytest.mark.parametrize("how", ["attributes", "excludedAttributes"])
def test_a_client_that_wants_to_see_the_group_sees_it(hinge, known, how):
    names = "members" if how == "attributes" else "displayName"
    doc = known.client.patch(f"{known.path}?{how}={names}", add(known.new)).expect(200).json
    assert {m["value"] for m in doc["members"]} == known.members() == {known.stay, known.leaver, known.new}


def test_other_changes_in_the_same_request_read_the_group(hinge, known):
    name = unique("renamed")
    ops = add(known.new) + [{"op": "replace", "path": "displayName", "value": name}]
    assert known.patch(ops).expect(204)
    assert hinge.entry(known.id)["cn"] == [name] and known.members() == {known.stay, known.leaver, known.new}
    known.patch(remove(known.leaver)).expect(204)  # its place is another one now
    assert known.members() == {known.stay, known.new}


def test_memberof_is_told(hinges):
    """slapo-memberof inherits the assertion for its own writes."""
    h = hinges(Variant(cleanup="memberof"))
    known = Known(h)
    known.patch(add(known.new)).expect(204)
    assert known.dn in h.entry(known.new)["memberOf"]
    known.patch(remove(known.leaver)).expect(204)
    assert known.dn not in h.entry(known.leaver)["memberOf"]


# --- what happens in between -----------------------------------------------------------------------------------------

def renamed(k):
    k.h.ldap.rename(k.dn, f"cn={unique('elsewhere')}")


def name_taken(k):
    """Another group has the name now, with the same members."""
    renamed(k)
    k.other = group_at(k.h, k.dn, k.stay, k.leaver)


def names_swapped(k):
    other = f"cn={unique('swap')},{GROUPS}"
    k.other = group_at(k.h, other, k.stay, k.leaver)
    k.h.ldap.rename(k.dn, f"cn={unique('tmp')}")
    k.h.ldap.rename(other, k.dn.partition(",")[0])
    k.h.ldap.rename(k.h.dn(k.id), other.partition(",")[0])
    assert k.h.dn(k.other).lower() == k.dn.lower()


def moved(k):
    k.h.ldap.move(k.dn, container(k.h))


def changed(k):
    k.h.ldap.modify(k.dn, ("replace", "description", ["by hand"]), ("add", "member", [k.h.dn(k.new)]))
    k.h.ldap.modify(k.dn, ("delete", "member", [k.h.dn(k.new)]))


def emptied(k):
    k.h.ldap.modify(k.dn, ("replace", "member", [""]))


def emptied_and_moved(k):
    emptied(k)
    moved(k)


@pytest.mark.parametrize("what", [renamed, name_taken, names_swapped, moved, changed, emptied, emptied_and_moved],
                         ids=lambda f: f.__name__)
@pytest.mark.parametrize("how", ["add", "remove", "both"])
def test_between_two_changes(hinge, known, what, how):
    known.other = None
    what(known)
    before = known.members()
    beside = hinge.ldap.dump(known.h.dn(known.other)) if known.other else None
    ops = {"add": add(known.new), "remove": remove(known.leaver), "both": remove(known.leaver) + add(known.new)}[how]
    known.patch(ops).expect(204)
    want = before | ({known.new} if how != "remove" else set())
    want -= {known.leaver} if how != "add" else set()
    hinge.assert_members(known.id, *want)
    if known.other:
        assert hinge.ldap.dump(known.h.dn(known.other)) == beside, "the group that has the name now was changed"
    # and from now on it is known again
    with hinge.slapd.watch() as seen:
        known.patch(add(known.new)).expect(204)
    assert not known.searched(seen), seen


def test_the_container_is_renamed(hinge):
    """No entry below has another version then."""
    box = container(hinge)
    known = Known(hinge, box)
    version = hinge.entry(known.id)["entryCSN"]
    hinge.ldap.rename(box, f"ou={unique('renamed')}")
    assert hinge.entry(known.id)["entryCSN"] == version and hinge.dn(known.id) != known.dn
    known.patch(remove(known.leaver)).expect(204)
    assert known.members() == {known.stay}


def test_the_container_is_renamed_and_another_one_has_its_name(hinge):
    box = container(hinge)
    known = Known(hinge, box)
    hinge.ldap.rename(box, f"ou={unique('renamed')}")
    hinge.ldap.add(box, {"objectClass": "organizationalUnit"})
    other = group_at(hinge, known.dn, known.stay, known.leaver)
    known.patch(remove(known.leaver) + add(known.new)).expect(204)
    assert known.members() == {known.stay, known.new}
    assert members(hinge, other) == {known.stay, known.leaver}


@pytest.mark.parametrize("again", [False, True], ids=["deleted", "made again under its name"])
@pytest.mark.parametrize("who", ["a member", "a stranger", "nobody"])
@pytest.mark.parametrize("ops", [add, remove])
def test_a_group_that_is_gone_is_404(hinge, known, again, who, ops):
    """Whatever else is wrong with the request."""
    id_ = {"a member": known.leaver, "a stranger": known.new, "nobody": "00000000-0000-4000-8000-00000000dead"}[who]
    hinge.ldap.delete(known.dn)
    other = group_at(hinge, known.dn, known.stay, known.leaver) if again else None
    mark = hinge.slapd.audit_mark()
    known.patch(ops(id_)).error(404)
    hinge.client("strict").patch(known.path, ops(id_)).error(404)
    assert hinge.slapd.audit_mark() == mark, "something was changed"
    assert other is None or members(hinge, other) == {known.stay, known.leaver}


def test_a_group_that_leaves_the_base_is_404(hinge, known):
    outside = hinge.ldap.add(f"ou={unique('outside')},{SUFFIX}", {"objectClass": "organizationalUnit"})
    hinge.ldap.move(known.dn, outside)
    known.patch(remove(known.leaver)).error(404)
    hinge.ldap.move(hinge.dn(known.id), GROUPS)
    assert known.members() == {known.stay, known.leaver}
    known.patch(remove(known.leaver)).expect(204)
    assert known.members() == {known.stay}


def test_what_is_no_group_any_more_is_404(hinge, known):
    """The same entry, by its id: a backup that was put back may bring it as something else."""
    hinge.ldap.delete(known.dn)
    hinge.ldap._run(hinge.ldap._base("ldapadd") + ["-e", "relax"], (
        f"dn: {known.dn}\nobjectClass: organizationalRole\nobjectClass: extensibleObject\n"
        f"cn: {known.dn[3:known.dn.index(',')]}\nentryUUID: {known.id}\n"
        f"member: {hinge.dn(known.leaver)}\n").encode("ascii"))
    assert hinge.dn(known.id) == known.dn
    mark = hinge.slapd.audit_mark()
    known.patch(remove(known.leaver)).error(404)
    known.patch(add(known.new)).error(404)
    assert hinge.slapd.audit_mark() == mark and known.members() == {known.leaver}


def test_an_unknown_member_is_refused_as_ever(hinge, known):
    nobody = "00000000-0000-4000-8000-00000000dead"
    hinge.client("strict").patch(known.path, add(known.new, nobody)).error(400, "invalidValue")
    assert known.members() == {known.stay, known.leaver}
    known.patch(remove(nobody)).expect(204)
    known.patch(remove(nobody, known.leaver)).expect(204)
    assert known.members() == {known.stay}


# --- preconditions ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("ops", [add, remove])
def test_preconditions_see_the_group(hinge, known, ops):
    old = hinge.lenient.get(known.path).headers["ETag"]
    now = known.patch(add(known.new)).expect(204).headers["ETag"]
    now = known.patch(remove(known.new)).expect(204).headers["ETag"]
    who = known.new if ops is add else known.leaver
    for headers in ({"If-Match": old}, {"If-None-Match": now}, {"If-None-Match": "*"}):
        known.patch(ops(who), headers=headers).error(412)
        assert known.members() == {known.stay, known.leaver}
    hinge.ldap.modify(known.dn, ("replace", "description", ["by hand"]))
    known.patch(ops(who), headers={"If-Match": now}).error(412)
    assert known.members() == {known.stay, known.leaver}
    now = hinge.lenient.get(known.path).headers["ETag"]
    known.patch(ops(who), headers={"If-Match": now}).expect(204)
    assert known.members() == {known.stay, known.leaver} ^ {who}


# --- who may ---------------------------------------------------------------------------------------------------------

def test_a_place_is_not_a_right(hinge):
    """What one client may write and another one may not see is in one memory; fences move with a reload."""
    here, there = container(hinge), container(hinge)
    own = Hinge(hinge.slapd, clients=[
        {"name": "lenient", "profile": "lenient", "scopes": WRITE},
        {"name": "inside", "profile": "lenient", "scopes": WRITE, "fences": {"bases": [PEOPLE, here]}},
        {"name": "outside", "profile": "lenient", "scopes": WRITE, "fences": {"bases": [PEOPLE, there]}},
        {"name": "reader", "profile": "lenient", "scopes": ["users:write", "groups:read"]}])
    try:
        known = Known(own, here, client="inside")
        mark = own.slapd.audit_mark()
        for ops in (add(known.new), remove(known.leaver)):
            own.client("outside").patch(known.path, ops).error(404)
            own.client("reader").patch(known.path, ops).error(403)
        assert own.slapd.audit_mark() == mark
        with own.slapd.watch() as seen:
            own.client("lenient").patch(known.path, add(known.new)).expect(204)
        assert not known.searched(seen), seen
        with open(own.daemon.config_path, encoding="utf-8") as f:
            good = f.read()
        write_file(own.daemon.config_path, good.replace(here, "ou=x").replace(there, here).replace("ou=x", there))
        own.daemon.signal(signal.SIGHUP)
        until(lambda: own.client("outside").get(known.path).status == 200, "the new fences")
        mark = own.slapd.audit_mark()
        known.patch(remove(known.leaver)).error(404)
        assert own.slapd.audit_mark() == mark
        own.client("outside").patch(known.path, remove(known.leaver)).expect(204)
        assert known.members() == {known.stay, known.new}
    finally:
        own.stop()


def test_the_directory_refuses_as_ever(hinges):
    """Rights that the account has lost are no reason to say that the group is gone."""
    h = hinges()
    known = Known(h)
    database = "olcDatabase={2}mdb,cn=config"
    rule = f'to dn.exact="{known.dn}" attrs=member by dn.exact="{GATEWAY}" read by * break'
    h.slapd.config.modify(database, ("add", "olcAccess", ["{0}" + rule]))
    try:
        known.patch(add(known.new)).error(403)
        assert known.members() == {known.stay, known.leaver}
    finally:
        h.slapd.config.modify(database, ("delete", "olcAccess", ["{0}" + rule]))
    known.patch(add(known.new)).expect(204)
    assert known.members() == {known.stay, known.leaver, known.new}


# --- at once ---------------------------------------------------------------------------------------------------------

def test_sixteen_writers_and_an_administrator_who_renames(hinge, known):
    """The group is nowhere for long; who was acknowledged is in it, and nobody else."""
    users = [u for u, _ in hinge.make_many(16)]
    errors, ended = [], threading.Event()

    def write(i):
        c = hinge.lenient.clone()

        def answer(ops):
            return until(lambda: c.patch(known.path, ops).expect(204, 503).status == 204, "an answer other than 503", 90)

        try:
            for _ in range(3):
                answer(add(users[i]))
                answer(remove(users[i]))
            if i % 2:
                answer(add(users[i]))
        except Exception as e:  # noqa: BLE001 - handed to the test's thread
            errors.append(e)
        finally:
            c.close()

    def rename():
        name = known.dn.partition(",")[0]
        try:
            while not ended.is_set():
                for new in (unique("cn=other"), name):
                    hinge.ldap.rename(hinge.dn(known.id), new)
                    hinge.ldap.modify(hinge.dn(known.id), ("replace", "description", [new]))
        except Exception as e:  # noqa: BLE001
            errors.append(e)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(16)]
    admin = threading.Thread(target=rename)
    for t in threads + [admin]:
        t.start()
    for t in threads:
        t.join(300)
    ended.set()
    admin.join(60)
    assert not errors, errors[0]
    hinge.assert_members(known.id, known.stay, known.leaver, *users[1::2])


def test_many_writers_of_one_group_never_read_it(hinge, known):
    """Writers of the same group do not disprove each other's place."""
    users = [u for u, _ in hinge.make_many(8)]
    errors = []

    def write(i):
        c = hinge.lenient.clone()
        try:
            for _ in range(5):
                c.patch(known.path, add(users[i])).expect(204)
                c.patch(known.path, remove(users[i])).expect(204)
        except Exception as e:  # noqa: BLE001
            errors.append(e)
        finally:
            c.close()

    with hinge.slapd.watch() as seen:
        threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(300)
    assert not errors, errors[0]
    assert not known.searched(seen) and len(done(seen, "MOD")) == 80, seen
    assert known.members() == {known.stay, known.leaver}


def test_more_groups_than_are_remembered(hinge):
    """600 groups, twice around: each change arrives where it belongs."""
    u = hinge.make_user()["id"]
    text, prefix = "", unique("many")
    for i in range(600):
        text += f"dn: cn={prefix}-{i},{GROUPS}\nobjectClass: groupOfNames\ncn: {prefix}-{i}\nmember: cn=x,{SUFFIX}\n\n"
    hinge.ldap.add_ldif(text)
    ids = [e.one("entryUUID") for e in hinge.ldap.search(GROUPS, f"(cn={prefix}-*)", attrs=("entryUUID",))]
    assert len(ids) == 600
    for ops in (add(u), remove(u)):
        for i in ids:
            hinge.lenient.patch(f"/Groups/{i}", ops).expect(204)
        held = hinge.ldap.search(GROUPS, f"(&(cn={prefix}-*)(member={hinge.dn(u)}))", attrs=("cn",))
        assert len(held) == (600 if ops == add(u) else 0)
    for i in range(600):
        hinge.ldap.delete(f"cn={prefix}-{i},{GROUPS}")
