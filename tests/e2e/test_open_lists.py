# SPDX-License-Identifier: Apache-2.0
"""Crawls of everybody, which go on with a search that stays open (contrib/decisions/0009): the same guarantees as by ids,
whatever happens meanwhile, and bounds on what stays open."""

import random
import threading

import pytest

from support.hinge import Hinge, directory_config, new_slapd, unique
from support.prometheus import parse
from support.slapd import PEOPLE, Variant, find_tools
from support.wait import until

USERS = 2400
PAGE = 200
IDLE = 5              # seconds a search stays open without being used
BOUND, BOUND_CLIENT = 4, 2


@pytest.fixture(scope="module")
def crowd():
    """A daemon with a small pool; its directory holds USERS users."""
    if not find_tools():
        pytest.skip("slapd with its modules is not installed (Debian: slapd ldap-utils)")
    slapd = new_slapd(Variant())
    h = Hinge(slapd, directory=dict(directory_config(slapd), pool_size=3, timeout="20s"))
    h.ldap.add_ldif("".join(person(f"c{i:05}") for i in range(USERS)))
    yield h
    h.stop()
    slapd.remove()


def person(uid):
    return f"dn: uid={uid},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: C {uid}\nsn: C\ntitle: before\n\n"


def everybody(hinge):
    """id -> (userName, title) as ldapsearch shows them."""
    return {e.one("entryUUID"): (e.one("uid"), e.one("title"))
            for e in hinge.ldap.search(PEOPLE, "(objectClass=inetOrgPerson)", attrs=("entryUUID", "uid", "title"))}


def lent(hinge):
    status, _, body = hinge.daemon.probe("/metrics", admin=True)
    assert status == 200
    return parse(body.decode("utf-8"))["dirhinge_ldap_pool_connections"].value(state="lent")


@pytest.fixture(autouse=True)
def nothing_open(crowd):
    """What the test before left open takes no place from this one."""
    until(lambda: lent(crowd) == 0, "searches that nobody uses to be closed", 12 * IDLE)


class Crawl:
    """One list of everybody, page by page."""

    def __init__(self, client, how, page=PAGE, by_returned=False):
        self.client, self.how, self.page, self.by_returned = client, how, page, by_returned
        self.next, self.total, self.ids, self.pages = "" if how == "cursor" else 1, None, [], 0

    def query(self):
        return {"count": str(self.page), ("cursor" if self.how == "cursor" else "startIndex"): str(self.next)}

    def ask(self):
        return self.client.get("/Users", self.query()).expect(200).json

    def step(self):
        """The next page, or None behind the end."""
        if self.next is None:
            return None
        doc = self.ask()
        assert self.total in (None, doc["totalResults"]), "totalResults changed during a crawl"
        self.total = doc["totalResults"]
        got = doc["Resources"]
        self.ids += [r["id"] for r in got]
        self.pages += 1
        if self.how == "cursor":
            self.next = doc.get("nextCursor")
        else:
            self.next = doc["startIndex"] + (len(got) if self.by_returned else self.page)
            # An empty page is the end for a client: whoever it hides was missed, which the tests look for.
            self.next = self.next if got and self.next <= self.total else None
        return got

    def run(self):
        while self.step() is not None:
            pass
        return self


def by_ids(ops):
    return sum(o.nentries for o in ops if o.verb == "SRCH" and "(entryUUID=" in o.filter)


@pytest.mark.parametrize("how", ["index", "cursor"])
def test_pages_come_from_an_open_search(crowd, how):
    """Counted at the directory: from the second page on nobody is looked for by id."""
    c = Crawl(crowd.lenient, how)
    c.step()
    with crowd.slapd.watch() as ops:
        c.run()
    assert c.ids == list(everybody(crowd)), "everybody once, in the directory's order"
    assert by_ids(ops) == 0, ops
    # What stood before the second page is read once more; each other entry comes once.
    assert sum(o.nentries for o in ops if o.verb == "SRCH" and o.dn == PEOPLE) == USERS, ops
    assert lent(crowd) == 0, "a crawl at its end holds no connection"


@pytest.mark.parametrize("how", ["index", "cursor"])
def test_a_page_can_be_asked_for_again(crowd, how):
    c = Crawl(crowd.lenient, how)
    for _ in range(3):
        c.step()
    again = [r["id"] for r in c.ask()["Resources"]]
    assert [r["id"] for r in c.step()] == again
    with crowd.slapd.watch() as ops:
        c.run()
    assert c.ids == list(everybody(crowd))
    assert by_ids(ops) == 0, "the crawl went on where it was"


def test_other_attributes_are_another_search(crowd):
    """A page shows what it was asked for, whatever the pages before it showed."""
    client = crowd.lenient
    for start, attrs in ((1, None), (PAGE + 1, "userName"), (2 * PAGE + 1, None), (3 * PAGE + 1, "title")):
        doc = client.get("/Users", {"startIndex": str(start), "count": str(PAGE),
                                    **({"attributes": attrs} if attrs else {})}).expect(200).json
        assert len(doc["Resources"]) == PAGE
        for r in doc["Resources"]:
            assert ("userName" in r) == (attrs != "title") and ("title" in r) == (attrs != "userName")


def change(crowd, rng, known, born):
    """Something an administrator or a client does between two pages; the ids of those who are gone then."""
    gone, ldif = set(), ""
    names = rng.sample(sorted(known, key=known.get), 12)              # ids differ from run to run, names hardly
    for id_ in names[:4]:                                             # deleted
        ldif += f"dn: uid={known[id_][0]},{PEOPLE}\nchangetype: delete\n\n"
        gone.add(id_)
    for id_ in names[4:6]:                                            # renamed: same id, same place
        ldif += f"dn: uid={known[id_][0]},{PEOPLE}\nchangetype: modrdn\nnewrdn: uid={unique('r')}\ndeleteoldrdn: 1\n\n"
    for id_ in names[6:9]:                                            # changed
        ldif += f"dn: uid={known[id_][0]},{PEOPLE}\nchangetype: modify\nreplace: title\ntitle: {unique('t')}\n\n"
    for _ in range(3):                                                # new
        ldif += person(unique("n")).replace("\nobjectClass", "\nchangetype: add\nobjectClass", 1)
    crowd.ldap.modify_ldif(ldif)
    if rng.random() < 0.3 and len(known) > 800:                       # a run of neighbours, as when a branch closes
        rest = sorted((v[0], k) for k, v in known.items() if k not in names)
        at = rng.randrange(len(rest) - 260)
        crowd.ldap.modify_ldif("".join(f"dn: uid={uid},{PEOPLE}\nchangetype: delete\n\n"
                                       for uid, _ in rest[at:at + 250]))
        gone |= {k for _, k in rest[at:at + 250]}
    for _ in range(2):                                                # by the client itself
        born.add(crowd.make_user(title="by scim")["id"])
    mine = rng.choice(names[9:])
    crowd.lenient.patch(f"/Users/{mine}", [{"op": "replace", "path": "title", "value": unique("p")}]).expect(200, 204)
    return gone


@pytest.fixture
def refilled(crowd):
    """As many users as at the beginning, whatever tests have deleted."""
    missing = USERS - len(everybody(crowd))
    if missing > 0:
        crowd.ldap.add_ldif("".join(person(unique("f")) for _ in range(missing)))
    return crowd


@pytest.mark.parametrize("seed", range(1, 6))
def test_random_changes_during_a_crawl(refilled, seed):
    """Whoever was there at the first page and still is comes exactly once, as he is when his page is asked for; whoever
    has gone before his page does not come; totalResults does not move."""
    crowd, rng = refilled, random.Random(seed)
    crawl = Crawl(crowd.lenient, rng.choice(["index", "cursor"]), page=rng.choice([100, 150, 200, 333]),
                  by_returned=False)
    before, known, gone, born = everybody(crowd), everybody(crowd), set(), set()
    while True:
        got = crawl.step()
        if got is None:
            break
        for r in got:
            assert r["id"] not in gone, "somebody who had gone was shown"
            assert (r["userName"], r["title"]) == known[r["id"]], "not as he is now"
        if rng.random() < 0.7:
            gone |= change(crowd, rng, known, born)
            known = everybody(crowd)
        if rng.random() < 0.2 and crawl.next is not None:
            crawl.ask()                                               # the answer was lost
    shown = set(crawl.ids)
    assert len(shown) == len(crawl.ids), "somebody came twice"
    assert shown <= set(before), "somebody who came later is part of the next crawl"
    assert set(before) - gone <= shown, "somebody was missed"
    assert crawl.total == len(before)
    assert set(Crawl(crowd.lenient, crawl.how).run().ids) == set(everybody(crowd)), "the next crawl knows all"


def test_a_client_that_counts_what_it_got(refilled):
    """startIndex goes on by the number of resources, which is smaller than the page when some have gone."""
    crowd = refilled
    before = everybody(crowd)
    crawl = Crawl(crowd.lenient, "index", by_returned=True)
    crawl.step()
    order = list(before)
    gone = order[PAGE + 3:PAGE + 9] + order[3 * PAGE:3 * PAGE + 5]
    for id_ in gone:
        crowd.ldap.delete(f"uid={before[id_][0]},{PEOPLE}")
    crawl.run()
    assert set(crawl.ids) == set(before) - set(gone), "nobody is missed; pages may overlap"


def test_writers_beside_crawls(refilled):
    """Crawls of several clients while entries are written all the time: nobody who stayed is missed or comes twice."""
    crowd = refilled
    before, stop, born, errors = everybody(crowd), threading.Event(), [], []
    stay = set(sorted(before)[::2])
    names = [before[i][0] for i in sorted(set(before) - stay)]

    def write():
        rng = random.Random(7)
        while not stop.is_set() and names:
            uid = names.pop(rng.randrange(len(names)))
            crowd.ldap.modify_ldif(f"dn: uid={uid},{PEOPLE}\nchangetype: delete\n\n" +
                                   person(unique("w")).replace("\nobjectClass", "\nchangetype: add\nobjectClass", 1))
            born.append(uid)

    def walk(name, how):
        try:
            c = Crawl(crowd.client(name).clone(), how, page=150).run()
            assert len(set(c.ids)) == len(c.ids) and stay <= set(c.ids), (name, how)
            c.client.close()
        except BaseException as x:                                    # told by the test's own thread
            errors.append(x)

    writer = threading.Thread(target=write)
    writer.start()
    until(lambda: born, "the first write", 30)
    # One list for each client: pages by index belong to the newest list of their client.
    walkers = [threading.Thread(target=walk, args=a) for a in (("lenient", "index"), ("strict", "cursor"),
                                                               ("entra", "index"), ("okta", "cursor"))]
    for t in walkers:
        t.start()
    most = 0
    while any(t.is_alive() for t in walkers):
        most = max(most, lent(crowd))
        walkers[0].join(0.01)
    for t in walkers:
        t.join()
    stop.set()
    writer.join()
    assert not errors, errors
    assert most <= BOUND


def test_bounds(crowd):
    """So many searches stay open for a client and in all; whoever finds no place goes on by ids. The pool keeps its
    size, and those that nobody uses are closed."""
    crawls = [Crawl(crowd.client(n), "cursor") for n in ("lenient", "lenient", "lenient", "strict", "entra", "okta")]
    for c in crawls:
        c.step()
    seen = []
    for c in crawls:
        assert len(c.step()) == PAGE
        seen.append(lent(crowd))
    assert seen[2] <= BOUND_CLIENT and max(seen) <= BOUND, seen
    assert seen[0] >= 1, "no search stayed open"
    assert len(crowd.make_user(title="by scim")["id"]) == 36, "the pool serves others meanwhile"
    until(lambda: lent(crowd) == 0, "searches that nobody uses to be closed", 12 * IDLE)
    for c in crawls:
        assert len(c.step()) == PAGE, "a crawl goes on after its search was closed"


@pytest.mark.parametrize("how", ["index", "cursor"])
def test_the_directory_restarts_during_a_crawl(refilled, how):
    crowd = refilled
    before = everybody(crowd)
    c = Crawl(crowd.lenient, how)
    for _ in range(3):
        c.step()
    crowd.slapd.kill()
    crowd.slapd.start()

    def ready():
        return crowd.daemon.probe("/readyz")[0] == 200

    until(ready, "the daemon to see the directory again", 30)
    c.run()
    assert c.ids == list(before), "nobody is missed, nobody comes twice"
