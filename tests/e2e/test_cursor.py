# SPDX-License-Identifier: Apache-2.0
"""Paging by cursor, RFC 9865 (wire case G13)."""

import base64
import re

import pytest

from support.hinge import unique
from support.scim import SEARCH


@pytest.fixture(scope="module")
def crowd(hinges):
    h = hinges()
    prefix = unique("cur")
    return prefix, [i for i, _ in h.make_many(45, prefix)]


def get(hinge, prefix, cursor, client="lenient", path="/Users", **more):
    return hinge.client(client).get(path, dict(filter=f'userName sw "{prefix}-"', cursor=cursor, **more))


def ids(doc):
    return [r["id"] for r in doc["Resources"]]


def crawl(hinge, prefix, count, **more):
    found, cursor, pages = [], "", []
    while cursor is not None:
        doc = get(hinge, prefix, cursor, count=str(count), **more).expect(200).json
        assert "previousCursor" not in doc and doc["itemsPerPage"] == len(doc["Resources"]) <= count
        pages.append(doc)
        found += ids(doc)
        cursor = doc.get("nextCursor")
        assert cursor is None or re.fullmatch(r"[A-Za-z0-9._~-]+", cursor), f"reserved characters: {cursor}"
    return found, pages


@pytest.mark.parametrize("count", [1, 7, 15, 44, 45, 46])
def test_crawl(hinge, crowd, count):
    prefix, made = crowd
    found, pages = crawl(hinge, prefix, count)
    assert found == made
    assert {p["totalResults"] for p in pages} == {45}
    assert len(pages) == -(-45 // count), "a page too many or too few"
    assert all("nextCursor" in p for p in pages[:-1]) and "nextCursor" not in pages[-1]


def test_without_cursor_nothing_changes(hinge, crowd):
    prefix, _ = crowd
    doc = hinge.lenient.find("Users", f'userName sw "{prefix}-"', count="10")
    assert "nextCursor" not in doc and doc["startIndex"] == 1


@pytest.mark.parametrize("form", ["?cursor&", "?cursor=&"])
def test_G13_an_empty_cursor_asks_for_the_first_page(hinge, crowd, form):
    prefix, made = crowd
    doc = hinge.lenient.get(f"/Users{form}count=10&filter=userName%20sw%20%22{prefix}-%22").expect(200).json
    assert ids(doc) == made[:10] and doc["nextCursor"]


def test_a_page_can_be_read_again(hinge, crowd):
    prefix, made = crowd
    cursor = get(hinge, prefix, "", count="10").json["nextCursor"]
    twice = [ids(get(hinge, prefix, cursor, count="10").expect(200).json) for _ in range(2)]
    assert twice == [made[10:20]] * 2
    assert ids(get(hinge, prefix, cursor).expect(200).json) == made[10:20], "count is the cursor's"


def test_two_crawls_of_one_client_do_not_meet(hinge, crowd):
    prefix, made = crowd
    a = get(hinge, prefix, "", count="10").json["nextCursor"]
    b = get(hinge, prefix, "", count="7").json["nextCursor"]
    assert ids(get(hinge, prefix, a, count="10").json) == made[10:20]
    assert ids(get(hinge, prefix, b, count="7").json) == made[7:14]


@pytest.mark.parametrize("count,code", [("9", 400), ("0", 400), ("-1", 400), ("1000", 400), ("10", 200)])
def test_G13_count_stays_the_same(hinge, crowd, count, code):
    prefix, _ = crowd
    cursor = get(hinge, prefix, "", count="10").json["nextCursor"]
    r = get(hinge, prefix, cursor, count=count)
    if code == 200:
        r.expect(200)
    else:
        r.error(400, "invalidCount")


def test_count_beyond_the_largest_page(hinge, crowd):
    prefix, _ = crowd
    get(hinge, prefix, "", count="1001").error(400, "invalidCount")
    get(hinge, prefix, "", count="99999999999999999999").error(400, "invalidCount")
    get(hinge, prefix, "", count="1000").expect(200)


@pytest.mark.parametrize("count", ["0", "-3"])
def test_count_zero_gives_the_total_alone(hinge, crowd, count):
    prefix, _ = crowd
    doc = get(hinge, prefix, "", count=count).expect(200).json
    assert doc["totalResults"] == 45 and doc["Resources"] == [] and "nextCursor" not in doc


def test_index_and_cursor_exclude_each_other(hinge, crowd):
    prefix, _ = crowd
    get(hinge, prefix, "", count="10", startIndex="11").error(400, "invalidValue")


def flipped(cursor, at):
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=="))
    raw[at] ^= 1
    return base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")


BAD = ["x", "AAAA", "A" * 64, "A" * 2000, "%00", "ü", "a b", "../..", "MTIzNDU2Nzg5MDEyMzQ1Njc4",
       "=", "0", "-1", "*", "null"]


@pytest.mark.parametrize("bad", BAD, ids=[b[:12] for b in BAD])
def test_invented_cursors(hinge, crowd, bad):
    prefix, _ = crowd
    get(hinge, prefix, bad, count="10").error(400, "invalidCursor")


def test_every_bit_of_a_cursor_is_sealed(hinge, crowd):
    prefix, _ = crowd
    cursor = get(hinge, prefix, "", count="10").json["nextCursor"]
    n = len(base64.urlsafe_b64decode(cursor + "=="))
    answers = {get(hinge, prefix, flipped(cursor, i), count="10").error(400, "invalidCursor").body for i in range(n)}
    assert len(answers) == 1


def test_G13_a_cursor_belongs_to_client_and_query(hinge, crowd):
    """Foreign and unknown ones get the same answer: nobody learns which exist."""
    prefix, _ = crowd
    cursor = get(hinge, prefix, "", count="10").json["nextCursor"]
    unknown = get(hinge, prefix, "A" * len(cursor), count="10").error(400, "invalidCursor").json
    for r in (get(hinge, prefix, cursor, client="okta", count="10"), get(hinge, prefix + "x", cursor, count="10"),
              get(hinge, prefix, cursor, count="10", sortBy="userName"),
              get(hinge, prefix, cursor, path="/", count="10"),
              hinge.lenient.get("/Users", {"cursor": cursor, "count": "10"})):
        assert r.error(400, "invalidCursor").json == unknown
    get(hinge, prefix, cursor, count="10").expect(200)


def test_another_spelling_of_the_query_is_the_same_query(hinge, crowd):
    prefix, made = crowd
    cursor = get(hinge, prefix, "", count="10").json["nextCursor"]
    doc = hinge.lenient.get("/Users", {"filter": f'(USERNAME SW "{prefix}-")', "cursor": cursor, "count": "10"})
    assert ids(doc.expect(200).json) == made[10:20]


def test_a_cursor_of_a_list_that_was_dropped_has_expired(hinge, crowd):
    """A client has 16 lists at most; the one used least recently goes first."""
    prefix, _ = crowd
    first = get(hinge, prefix, "", client="entra", count="10").json["nextCursor"]
    flt = 'userName sw "{}-" and not (userName eq "nobody{}")'
    kept = [hinge.entra.find("Users", flt.format(prefix, i), cursor="", count="10")["nextCursor"] for i in range(16)]
    get(hinge, prefix, first, client="entra", count="10").error(400, "expiredCursor")
    hinge.entra.find("Users", flt.format(prefix, 0), cursor=kept[0], count="10")


def test_a_cursor_does_not_outlive_the_daemon(hinges, crowd):
    prefix, _ = crowd
    h = hinges(users={"base": "ou=people,dc=example,dc=com"})
    cursor = get(h, prefix, "", count="10").json["nextCursor"]
    get(hinges(), prefix, cursor, count="10").error(400, "invalidCursor")
    get(h, prefix, cursor, count="10").expect(200)


def test_users_who_come_or_go_do_not_move_a_crawl(hinge):
    prefix = unique("curmove")
    made = hinge.make_many(30, prefix)
    doc = get(hinge, prefix, "", count="10").json
    for _, dn in [made[2], made[12], *made[20:30]]:
        hinge.ldap.delete(dn)
    hinge.make_user(userName=f"{prefix}-new")
    second = get(hinge, prefix, doc["nextCursor"], count="10").expect(200).json
    third = get(hinge, prefix, second["nextCursor"], count="10").expect(200).json
    assert ids(second) == [i for n, (i, _) in enumerate(made) if 10 <= n < 20 and n != 12]
    assert ids(third) == [] and "nextCursor" not in third
    assert {d["totalResults"] for d in (doc, second, third)} == {30}


def test_by_post(hinge, crowd):
    """RFC 9865 3: cursor and count in the body; the cursor of a GET is good for the same query by POST."""
    prefix, made = crowd
    body = {"schemas": [SEARCH], "filter": f'userName sw "{prefix}-"', "attributes": ["userName"], "count": 20,
            "cursor": ""}
    found = []
    while True:
        doc = hinge.strict.post("/Users/.search", body).expect(200).json
        found += ids(doc)
        if "nextCursor" not in doc:
            break
        body["cursor"] = doc["nextCursor"]
    assert found == made


def test_sorted(hinge, crowd):
    prefix, _ = crowd
    found, _ = crawl(hinge, prefix, 10, sortBy="userName", sortOrder="descending")
    names = sorted((f"{prefix}-{i}" for i in range(45)), reverse=True)
    by_id = {r["id"]: r["userName"] for r in get(hinge, prefix, "", count="100").json["Resources"]}
    assert [by_id[i] for i in found] == names


def test_groups(hinge):
    made = [hinge.make_group()["id"] for _ in range(3)]
    found, cursor = [], ""
    while cursor is not None:
        doc = hinge.lenient.get("/Groups", {"cursor": cursor, "count": "2"}).expect(200).json
        found += ids(doc)
        cursor = doc.get("nextCursor")
    assert set(made) <= set(found) and len(found) == len(set(found))
