# SPDX-License-Identifier: Apache-2.0
"""Paging by index: one crawl sees one list, whatever happens meanwhile (wire cases A11, A12, A26)."""

import pytest

from support.hinge import unique
from support.slapd import PEOPLE


@pytest.fixture(scope="module")
def crowd(hinges):
    """A display name and the (id, dn) of the 130 users that have it, in the directory's order."""
    prefix = unique("crowd")
    return prefix, many(hinges(), 130, prefix)


def many(hinge, count, prefix):
    return hinge.make_many(count, prefix, f"displayName: {prefix}\n")


def page(hinge, prefix, start, count, client="lenient", **more):
    return hinge.client(client).find("Users", f'displayName eq "{prefix}"', startIndex=str(start), count=str(count),
                                     **more)


def ids(doc):
    return [r["id"] for r in doc["Resources"]]


def crawl(hinge, prefix, count, first=1, **more):
    found, start, total = [], first, None
    while total is None or start <= total:
        doc = page(hinge, prefix, start, count, **more)
        assert total in (None, doc["totalResults"]), "totalResults changed during a crawl"
        total = doc["totalResults"]
        assert doc["startIndex"] == start and doc["itemsPerPage"] == len(doc["Resources"]) <= count
        assert doc["Resources"], "an empty page before the end"
        found += ids(doc)
        start += count
    return found, total


@pytest.mark.parametrize("count", [1, 7, 64, 65, 129, 130, 131, 1000])
def test_pages_of_any_size_make_the_whole_list(hinge, crowd, count):
    prefix, made = crowd
    found, total = crawl(hinge, prefix, count)
    assert total == len(made) and sorted(found) == sorted(i for i, _ in made) and len(set(found)) == len(found)


def test_a_later_page_reads_only_its_own_entries(hinge, crowd):
    """No page but the first lists the result: the cost of a page does not grow with its position."""
    prefix, made = crowd
    page(hinge, prefix, 1, 20)
    for start in (21, 61, 111):
        with hinge.slapd.watch() as ops:
            doc = page(hinge, prefix, start, 20, attributes="userName")
        assert len(doc["Resources"]) == 20 and doc["totalResults"] == len(made)
        assert sum(o.nentries for o in ops if o.verb == "SRCH") == 20, ops


def test_first_page_lists_the_ids_and_nothing_else(hinge, crowd):
    prefix, made = crowd
    with hinge.slapd.watch() as ops:
        page(hinge, prefix, 1, 20, attributes="userName")
    whole = [o for o in ops if o.verb == "SRCH" and o.nentries == len(made)]
    assert len(whole) == 1 and [a.lower() for a in whole[0].attrs] == ["entryuuid"], ops
    assert sum(o.nentries for o in ops if o.verb == "SRCH") == len(made) + 20, ops
    assert not [o for o in ops if o.verb == "BIND"], f"the page cost a connection: {ops}"


def test_a_result_within_one_page_is_one_search(hinge, crowd):
    prefix, made = crowd
    with hinge.slapd.watch() as ops:
        doc = page(hinge, prefix, 1, len(made), attributes="userName")
    assert len(doc["Resources"]) == doc["totalResults"] == len(made)
    assert len([o for o in ops if o.verb == "SRCH"]) == 1, ops


def test_count_zero_gives_the_total_alone(hinge, crowd):
    prefix, made = crowd
    for start in (1, 50):
        doc = page(hinge, prefix, start, 0)
        assert doc["totalResults"] == len(made) and doc["Resources"] == [] and doc["itemsPerPage"] == 0


def test_beyond_the_end(hinge, crowd):
    prefix, made = crowd
    doc = page(hinge, prefix, len(made) + 1, 10)
    assert doc["totalResults"] == len(made) and doc["Resources"] == []


def test_a_crawl_that_begins_in_the_middle(hinge, crowd):
    prefix, made = crowd
    all_ids, _ = crawl(hinge, prefix, 130)
    found, _ = crawl(hinge, prefix, 11, first=100, client="okta")
    assert found == all_ids[99:]


def test_users_who_come_or_go_do_not_move_a_crawl(hinge):
    """Who was there at the beginning and still is comes exactly once; who came later comes with the next crawl."""
    prefix = unique("moving")
    made = many(hinge, 40, prefix)
    first = page(hinge, prefix, 1, 10)
    order = ids(first)
    gone = [made[3], made[15], made[16], made[35]]
    for _, dn in gone:  # by an administrator
        hinge.ldap.delete(dn)
    new = [hinge.make_user(displayName=prefix)["id"] for i in range(3)]  # by the client itself
    for start in (11, 21, 31):
        doc = page(hinge, prefix, start, 10)
        assert doc["totalResults"] == 40, "totalResults changed during a crawl"
        order += ids(doc)
    stayed = [i for i, dn in made if dn not in {d for _, d in gone}]
    assert [i for i in order if i != made[3][0]] == stayed
    found, total = crawl(hinge, prefix, 10)
    assert total == 39 and set(found) == set(stayed) | set(new)


def test_a_page_whose_users_have_all_gone_is_passed_over(hinge):
    prefix = unique("hole")
    made = many(hinge, 30, prefix)
    page(hinge, prefix, 1, 10)
    for _, dn in made[10:20]:
        hinge.ldap.delete(dn)
    doc = page(hinge, prefix, 11, 10)
    assert doc["startIndex"] == 21 and ids(doc) == [i for i, _ in made[20:]], "an empty page looks like the end"


def test_a_client_sees_its_own_writes(hinge):
    """A page that does not go on with a crawl is not answered from before the client's last change."""
    prefix = unique("own")
    made = many(hinge, 30, prefix)
    page(hinge, prefix, 1, 10)
    hinge.lenient.delete(f"/Users/{made[0][0]}").expect(204)
    assert page(hinge, prefix, 3, 10)["totalResults"] == 29
    u = hinge.make_user(displayName=prefix)
    doc = page(hinge, prefix, 30, 10)
    assert doc["totalResults"] == 30 and ids(doc) == [u["id"]]
    assert page(hinge, prefix, 1, 10)["totalResults"] == 30


def test_a_user_who_no_longer_matches_is_left_out(hinge):
    prefix = unique("left")
    made = many(hinge, 20, prefix)
    page(hinge, prefix, 1, 10)
    dn = made[14][1]
    hinge.ldap.modify(dn, ("replace", "displayName", ["Other"]))
    doc = page(hinge, prefix, 11, 10)
    assert doc["totalResults"] == 20 and ids(doc) == [i for i, d in made[10:] if d != dn]


def test_filters_that_the_directory_cannot_decide(hinge, crowd):
    """The list is found by looking at each user, once: later pages read only their own entries."""
    prefix, made = crowd
    flt = f'userName sw "{prefix}-" and name.formatted ge "Many 1"'
    expected = [i for n, (i, _) in enumerate(made) if f"Many {n}" >= "Many 1"]
    doc = hinge.lenient.find("Users", flt, count="50")
    assert doc["totalResults"] == len(expected)
    with hinge.slapd.watch() as ops:
        later = hinge.lenient.find("Users", flt, startIndex="51", count="50", attributes="userName")
    assert sum(o.nentries for o in ops if o.verb == "SRCH") == len(later["Resources"]) == 50, ops
    rest = hinge.lenient.find("Users", flt, startIndex="101", count="50")
    assert sorted(ids(doc) + ids(later) + ids(rest)) == sorted(expected)


def test_one_client_does_not_read_the_other_ones_list(hinge, crowd):
    prefix, _ = crowd
    ext = unique("ext")
    a = hinge.make_user(client="okta", externalId=ext)
    assert ids(hinge.okta.find("Users", f'externalId eq "{ext}"')) == [a["id"]]
    assert ids(hinge.lenient.find("Users", f'externalId eq "{ext}"')) == []
    page(hinge, prefix, 1, 10, client="okta")
    with hinge.slapd.watch() as ops:
        page(hinge, prefix, 11, 10, client="entra", attributes="userName")
    assert any(o.nentries > 10 for o in ops), f"answered from the other client's snapshot: {ops}"


def test_many_lists_at_once_cost_the_oldest_one_only_time(hinge, crowd):
    """17 open lists are one more than a client may have: the first is made again, and all answers are right."""
    prefix, made = crowd
    flts = [f'userName sw "{prefix}-" and not (userName eq "nobody{i}")' for i in range(17)]
    for f in flts:
        hinge.lenient.find("Users", f, startIndex="1", count="10")
    for f in flts:
        doc = hinge.lenient.find("Users", f, startIndex="11", count="10")
        assert doc["totalResults"] == len(made) and ids(doc) == [i for i, _ in made[10:20]]


@pytest.mark.parametrize("query", ["excludedAttributes=members", "attributes=displayName", "attributes=id"])
def test_lists_of_groups_never_read_members_that_nobody_wants(hinge, query):
    u = hinge.make_user()
    made = {hinge.make_group(u["id"])["id"] for _ in range(12)}
    seen = set()
    with hinge.slapd.watch() as ops:
        start = 1
        while True:
            doc = hinge.lenient.get(f"/Groups?startIndex={start}&count=5&{query}").expect(200).json
            assert not any("members" in g for g in doc["Resources"])
            seen |= set(ids(doc))
            start += 5
            if start > doc["totalResults"]:
                break
    asked = {a.lower() for o in ops if o.verb == "SRCH" for a in o.attrs}
    assert made <= seen and not asked & {"member", "*"}, ops


@pytest.mark.parametrize("query,never", [
    ("attributes=userName", {"manager", "member", "mail", "cn"}), ("excludedAttributes=groups", {"member", "*"}),
])
def test_lists_of_users_read_what_is_wanted(hinge, crowd, query, never):
    prefix, _ = crowd
    with hinge.slapd.watch() as ops:
        hinge.lenient.get(f"/Users?count=10&{query}&filter=userName%20sw%20%22{prefix}%22").expect(200)
        hinge.lenient.get(f"/Users?count=10&startIndex=11&{query}&filter=userName%20sw%20%22{prefix}%22").expect(200)
    asked = {a.lower() for o in ops if o.verb == "SRCH" for a in o.attrs}
    assert asked and not asked & never, ops
    if "groups" in query:
        assert not [o for o in ops if "member=" in o.filter], f"groups were looked up for nobody: {ops}"


def test_the_directory_size_limit_is_no_limit(hinge):
    """slapd's limit for others than the gateway is 500; a list of more comes whole."""
    prefix = unique("big")
    made = many(hinge, 620, prefix)
    found, total = crawl(hinge, prefix, 250)
    assert total == 620 and set(found) == {i for i, _ in made}
    held = hinge.ldap.search(PEOPLE, f"(uid={prefix}-*)", attrs=("1.1",))
    assert len(held) == 620
