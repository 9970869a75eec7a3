# SPDX-License-Identifier: Apache-2.0
"""Lists of a large directory: the last page costs what the first one costs, and memory stays flat. Figures are ratios
within one run. DIRHINGE_SCALE is the number of users (default 10,000; the full size is 100,000)."""

import os
import statistics
import subprocess
import time

import pytest

from support.hinge import Hinge, directory_config, new_slapd
from support.slapd import PEOPLE, Variant, find_tools

USERS = int(os.environ.get("DIRHINGE_SCALE", "10000"))
PAGE = min(1000, USERS // 20)
GROWTH = 32 << 20


def _ldif(path):
    with open(path, "w", encoding="ascii") as f:
        for i in range(USERS):
            f.write(f"dn: uid=s{i:07},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: s{i:07}\ncn: Scale {i}\n"
                    f"sn: Last{i % 9000}\ngivenName: First{i % 700}\nmail: s{i:07}@example.com\n"
                    f"employeeNumber: {i}\ntitle: T{i % 50}\n\n")


@pytest.fixture(scope="module")
def large():
    """A directory with USERS users and a daemon in front of it."""
    if not find_tools():
        pytest.skip("slapd with its modules is not installed (Debian: slapd ldap-utils)")
    slapd = new_slapd(Variant())
    slapd.stop()
    _ldif(f"{slapd.dir}/users.ldif")
    subprocess.run(slapd.slapadd("-q", "-n", "2", "-l", f"{slapd.dir}/users.ldif"), check=True, timeout=600)
    slapd.start()
    # AddressSanitizer keeps freed memory back, which would look like growth.
    with pytest.MonkeyPatch.context() as patch:
        quiet = "quarantine_size_mb=1:thread_local_quarantine_size_kb=16"
        patch.setenv("ASAN_OPTIONS", ":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), quiet])))
        h = Hinge(slapd, directory=dict(directory_config(slapd), timeout="20s"))
    yield h
    h.stop()
    slapd.remove()


def rss(hinge):
    with open(f"/proc/{hinge.daemon.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith("VmRSS:"))


def timed(client, path, query):
    began = time.perf_counter()
    doc = client.get(path, query).expect(200).json
    return time.perf_counter() - began, doc


def by_index(client):
    """The list page by page: (seconds, document, next query)."""
    start, total = 1, None
    while total is None or start <= total:
        seconds, doc = timed(client, "/Users", {"startIndex": str(start), "count": str(PAGE)})
        assert total in (None, doc["totalResults"])
        total = doc["totalResults"]
        start += len(doc["Resources"])
        yield seconds, doc


def by_cursor(client):
    cursor = ""
    while cursor is not None:
        seconds, doc = timed(client, "/Users", {"cursor": cursor, "count": str(PAGE)})
        cursor = doc.get("nextCursor")
        yield seconds, doc


@pytest.mark.parametrize("pages", [by_index, by_cursor], ids=["index", "cursor"])
def test_crawl(large, pages, record_property):
    client = large.lenient
    for _ in pages(client):  # warm: allocator, page cache of slapd, pool
        break
    before, seconds, ids = rss(large), [], set()
    mark = large.slapd.log.mark()
    for s, doc in pages(client):
        seconds.append(s)
        ids.update(r["id"] for r in doc["Resources"])
    grown = rss(large) - before
    assert len(ids) == doc["totalResults"] == USERS
    reads = [o for o in large.slapd.log.since(mark) if o.verb == "SRCH"]
    # Linear in all: the ids of everybody once, each user once, and nothing but a few for readiness and capabilities. The
    # search that stays open from the second page on passes the first one again.
    assert sum(o.nentries for o in reads if o.dn == PEOPLE) == 2 * USERS + PAGE
    assert sum(o.nentries for o in reads if o.dn != PEOPLE) <= 10
    assert grown < GROWTH, f"{grown >> 20} MB more after walking {USERS} users"
    first, last = seconds[0], statistics.median(seconds[-5:])
    middle = statistics.median(seconds[1:])
    # Times are reported, and judged only at full size: on a busy machine a page of a small crawl says little. What a page
    # costs the directory is counted in test_cost_of_a_page_does_not_depend_on_its_place.
    if USERS >= 100000:
        assert last <= 1.2 * first, f"the first page took {first * 1e3:.0f} ms, the last ones {last * 1e3:.0f} ms"
        assert last <= 1.5 * middle, f"pages took {middle * 1e3:.0f} ms, the last ones {last * 1e3:.0f} ms"
    record_property("figures", f"{USERS} users, {len(seconds)} pages in {sum(seconds):.2f} s, first {first * 1e3:.0f} ms,"
                               f" median {middle * 1e3:.0f} ms, last {last * 1e3:.0f} ms, RSS +{grown >> 10} kB")


def test_cost_of_a_page_does_not_depend_on_its_place(large):
    """Counted at the directory: what pages near both ends and in the middle make it do, for a client that jumps."""
    counts = []
    large.lenient.get("/Users?count=100").expect(200)
    for start in (USERS // 4 + 1, USERS // 2 + 1, USERS - 99):
        with large.slapd.watch() as ops:
            doc = large.lenient.get(f"/Users?startIndex={start}&count=100").expect(200).json
        assert len(doc["Resources"]) == 100
        reads = [o for o in ops if o.verb == "SRCH"]
        counts.append((len(reads), sum(o.nentries for o in reads)))
    assert counts[0] == counts[1] == counts[2] and counts[0][1] == 100, counts


def test_sorted_list(large):
    """Bounded: a list too long to sort is refused, one with a filter is in order."""
    r = large.lenient.get("/Users?sortBy=name.familyName&count=10")
    if USERS > 50000:
        r.error(400, "tooMany")
    else:
        names = [u["name"]["familyName"].casefold() for u in r.expect(200).json["Resources"]]
        assert names == sorted(names) and names[0] == "last0"


def test_many_lists_at_once_stay_within_bounds(large):
    """As many open lists as a client may have: the snapshots are bounded in bytes, and so is the daemon."""
    before = rss(large)
    for i in range(17):
        doc = large.okta.find("Users", f'not (userName eq "x{i}")', cursor="", count="1")
        assert doc["totalResults"] == USERS and doc["nextCursor"]
    grown = rss(large) - before
    assert grown < GROWTH, f"{grown >> 20} MB more with 17 lists opened"
