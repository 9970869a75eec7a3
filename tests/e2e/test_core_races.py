# SPDX-License-Identifier: Apache-2.0
"""Writers that race, on every directory: what was acknowledged is what the directory holds in the end, whether the others
come through the same gateway, through another one or by ldapmodify."""

import collections
import threading

import pytest

from support.hinge import unique
from support.scim import ENTERPRISE
from support.wait import until

DONE = (200, 204)


@pytest.fixture(scope="module")
def gateways(side_session, side_server):
    """Two daemons that know nothing of each other, in front of one directory."""
    server, kind = side_server
    other = kind(server)
    yield side_session, other
    other.stop()


def at_once(jobs):
    """Runs all of them, each in a thread that begins when all are there: their results in order."""
    got, start = [None] * len(jobs), threading.Barrier(len(jobs))

    def run(i):
        start.wait(60)
        got[i] = jobs[i]()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(jobs))]
    for t in threads:
        t.start()
    for t in threads:
        t.join(300)
    assert all(g is not None for g in got), "a writer has not come back"
    return got


def patcher(side, path, ops, **kw):
    """A client that comes again when it is asked to (503): a slow machine is no lost race."""
    def send():
        c = side.daemon.client("lenient")

        def answer():
            status = c.patch(path, ops, **kw).status
            return status if status != 503 else None

        try:
            return until(answer, "an answer other than 503", 90)
        finally:
            c.close()
    return send


def set_to(path, value):
    return [{"op": "replace", "path": path, "value": value}]


# One SCIM attribute a writer; 16 of them
PATHS = ["title", "displayName", "userType", "preferredLanguage", "name.givenName", "name.familyName",
         'emails[type eq "work"].value', 'phoneNumbers[type eq "work"].value', 'phoneNumbers[type eq "mobile"].value',
         'addresses[type eq "work"].streetAddress', 'addresses[type eq "work"].postalCode', f"{ENTERPRISE}:department",
         f"{ENTERPRISE}:employeeNumber", f"{ENTERPRISE}:organization", f"{ENTERPRISE}:division", "name.middleName"]


def shown(doc, path):
    if path.startswith(ENTERPRISE):
        return doc.get(ENTERPRISE, {}).get(path[len(ENTERPRISE) + 1:])
    top, _, rest = path.partition("[")
    if rest:
        kind, _, sub = rest.partition('"')[2].partition('"].')
        found = [e.get(sub) for e in doc.get(top, []) if e.get("type") == kind]
        assert len(found) <= 1, f"{path}: {found}"
        return found[0] if found else None
    top, _, sub = path.partition(".")
    return doc.get(top, {}).get(sub) if sub else doc.get(top)


def test_sixteen_writers_of_different_attributes(gateways):
    """Nobody overwrites what another has written beside."""
    side = gateways[0]
    for turn in range(2):  # first the attributes are made, then they change
        u = side.make_user() if turn == 0 else u
        want = {p: f"{p[-4:].strip('].')} {turn}" if "mail" not in p else f"m{turn}@{side.domain}" for p in PATHS}
        want["preferredLanguage"] = ("en", "de")[turn]
        got = at_once([patcher(gateways[i % 2], f"/Users/{u['id']}", set_to(p, want[p])) for i, p in enumerate(PATHS)])
        assert set(got) <= set(DONE), got
        doc = side.client("lenient").get(f"/Users/{u['id']}").expect(200).json
        assert {p: shown(doc, p) for p in PATHS} == want


def test_sixteen_writers_of_one_attribute(gateways):
    """The last one wins; there is one value, and it is one of theirs."""
    side = gateways[0]
    u = side.make_user()  # without a title: the first value is made by one of them
    got = at_once([patcher(gateways[i % 2], f"/Users/{u['id']}", set_to("title", f"t{i}")) for i in range(16)])
    assert set(got) <= set(DONE), got
    assert side.value(u["id"], "title") in {f"t{i}" for i in range(16)}
    assert side.client("lenient").get(f"/Users/{u['id']}").json["title"] == side.value(u["id"], "title")


def test_sixteen_writers_of_one_group(gateways):
    """Members join and leave and the name changes, all at once: the end is the sum of what was acknowledged."""
    side = gateways[0]
    stay, leave, join = ([side.make_user()["id"] for _ in range(n)] for n in (3, 7, 7))
    g = side.make_group(*stay, *leave)
    path, name = f"/Groups/{g['id']}", unique("renamed")
    jobs = [patcher(gateways[i % 2], path, [{"op": "add", "path": "members", "value": [{"value": m}]}])
            for i, m in enumerate(join)]
    jobs += [patcher(gateways[i % 2], path, [{"op": "remove", "path": f'members[value eq "{m}"]'}])
             for i, m in enumerate(leave)]
    jobs += [patcher(gateways[0], path, set_to("displayName", name)),
             patcher(gateways[1], path, [{"op": "add", "path": "members", "value": [{"value": m} for m in join[:3]]}])]
    assert len(jobs) == 16
    got = at_once(jobs)
    assert set(got) <= set(DONE), got
    side.assert_members(g["id"], *stay, *join)
    assert side.client("lenient").get(path).json["displayName"] == name


def one_winner(side, u, got, want):
    assert collections.Counter("won" if s in DONE else s for s in got) == {"won": 1, 412: len(got) - 1}, got
    winner = [i for i, s in enumerate(got) if s in DONE][0]
    doc = side.client("lenient").get(f"/Users/{u['id']}").expect(200).json
    for i, (path, value) in enumerate(want):
        assert (shown(doc, path) == value) == (i == winner or (path, value) == want[winner]), f"{path} of {got}"


def test_if_match_on_one_attribute(gateways):
    """Both gateways have read the same version, and the attribute has no value yet."""
    side = gateways[0]
    u = side.make_user()
    tag = side.client("lenient").get(f"/Users/{u['id']}").headers["ETag"]
    want = [("title", f"t{i}") for i in range(16)]
    got = at_once([patcher(gateways[i % 2], f"/Users/{u['id']}", set_to(*w), headers={"If-Match": tag})
                   for i, w in enumerate(want)])
    one_winner(side, u, got, want)
    assert side.value(u["id"], "title") in {v for _, v in want}


@pytest.mark.flavour_not("active-directory")  # which neither asserts nor tells what a write has found: one gateway, below
def test_if_match_on_different_attributes(gateways):
    side = gateways[0]
    u = side.make_user()
    tag = side.client("lenient").get(f"/Users/{u['id']}").headers["ETag"]
    want = [(p, f"v{i}") for i, p in enumerate(PATHS[:4] + PATHS[7:11])]
    got = at_once([patcher(gateways[i % 2], f"/Users/{u['id']}", set_to(*w), headers={"If-Match": tag})
                   for i, w in enumerate(want)])
    one_winner(side, u, got, want)


def test_if_match_through_one_gateway(side):
    """Users and groups; also with a rename and a password beside."""
    u = side.make_user()
    tag = side.client("lenient").get(f"/Users/{u['id']}").headers["ETag"]
    want = [(p, f"v{i}") for i, p in enumerate(PATHS[:4] + PATHS[7:11])]
    got = at_once([patcher(side, f"/Users/{u['id']}", set_to(*w), headers={"If-Match": tag}) for w in want])
    one_winner(side, u, got, want)

    members = [side.make_user()["id"] for _ in range(8)]
    g = side.make_group()["id"]
    tag = side.client("lenient").get(f"/Groups/{g}").headers["ETag"]
    got = at_once([patcher(side, f"/Groups/{g}", [{"op": "add", "path": "members", "value": [{"value": m}]}],
                           headers={"If-Match": tag}) for m in members])
    assert sorted(s in DONE for s in got) == [False] * 7 + [True] and set(got) <= {200, 204, 412}, got
    side.assert_members(g, *(m for m, s in zip(members, got) if s in DONE))


def test_an_administrator_between_read_and_write(gateways):
    """ldapmodify changes the same attributes all the time: an acknowledged change was there, and nothing else went."""
    side = gateways[0]
    u = side.make_user(title="start", **{ENTERPRISE: {"department": "start"}})
    dn, stop = side.dn(u["id"]), threading.Event()
    attr = side.names["phone"]

    def administrator():
        for i in range(12):
            side.ldap.modify(dn, ("replace", attr, [f"+1 555 {i:04}"]))
        stop.set()

    t = threading.Thread(target=administrator)
    t.start()
    c, n = side.client("lenient"), 0
    while n < 5 or not stop.is_set():
        n += 1
        c.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "title", "value": f"t{n}"},
                                      {"op": "replace", "path": f"{ENTERPRISE}:department", "value": f"d{n}"}]).expect(*DONE)
        assert side.value(u["id"], "title") == f"t{n}"
    t.join(60)
    doc = c.get(f"/Users/{u['id']}").expect(200).json
    assert shown(doc, 'phoneNumbers[type eq "work"].value') == "+1 555 0011"
    assert (doc["title"], doc[ENTERPRISE]["department"]) == (f"t{n}", f"d{n}")


@pytest.mark.parametrize("how", ["active", "password", "delete"])
def test_if_match_that_is_stale(side, how):
    """A stale version changes nothing, in whatever operation it ends."""
    pw, new = side.password(), side.password()
    u = side.make_user(password=pw)
    c = side.client("lenient")
    old = c.get(f"/Users/{u['id']}").headers["ETag"]
    side.ldap.modify(side.dn(u["id"]), ("replace", side.names["title"], ["By hand"]))
    if how == "delete":
        c.delete(f"/Users/{u['id']}", headers={"If-Match": old}).expect(412)
    else:
        value = False if how == "active" else new
        c.patch(f"/Users/{u['id']}", set_to(how, value), headers={"If-Match": old}).expect(412)
    assert not side.disabled(u["id"]) and side.binds(u["id"], pw) and not side.binds(u["id"], new)


def test_if_match_of_returners(side):
    """One brings a leaver back with a password of his, and only that password works."""
    u = side.make_user(active=False)
    tag = side.client("lenient").get(f"/Users/{u['id']}").headers["ETag"]
    pws = [side.password() for _ in range(4)]
    got = at_once([patcher(side, f"/Users/{u['id']}", set_to("active", True) + set_to("password", pw),
                           headers={"If-Match": tag}) for pw in pws])
    assert sorted(got)[1:] == [412] * 3 and min(got) in DONE, got
    assert not side.disabled(u["id"])
    assert [side.binds(u["id"], pw) for pw in pws] == [s in DONE for s in got]
