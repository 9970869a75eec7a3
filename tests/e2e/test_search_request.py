# SPDX-License-Identifier: Apache-2.0
"""POST …/.search and queries over both types on "/" (RFC 7644 3.4.2.1, 3.4.3; standards.md P11, P25)."""

import pytest

from support.hinge import unique
from support.scim import ENTERPRISE, GROUP, LIST, SEARCH, USER


@pytest.fixture(scope="module")
def named(hinges):
    """A name and the ids of 5 users and 4 groups that bear it as displayName."""
    h = hinges()
    name = unique("both")
    users = [h.make_user(displayName=name)["id"] for _ in range(5)]
    groups = [h.make_group(users[0], displayName=f"{name}-{i}")["id"] for i in range(4)]
    return name, users, groups


def search(hinge, path, client="strict", **body):
    return hinge.client(client).post(path, dict({"schemas": [SEARCH]}, **body))


def ids(doc):
    assert doc["schemas"] == [LIST] and doc["itemsPerPage"] == len(doc["Resources"])
    return [r["id"] for r in doc["Resources"]]


@pytest.mark.parametrize("path", ["/Users/.search", "/Groups/.search", "/.search"])
def test_answers_200_with_a_list_and_writes_nothing(hinge, no_writes, path):
    doc = search(hinge, path, filter='displayName eq "nobody"').expect(200).json
    assert doc["totalResults"] == 0 and ids(doc) == []


@pytest.mark.parametrize("body,kind", [
    ({"schemas": None}, "no_schemas"), ({"count": "1"}, "shape"), ({"startIndex": "1"}, "shape"),
    ({"attributes": "userName"}, "shape"), ({"excludedAttributes": "name,emails"}, "shape")])
def test_what_is_tolerated_is_noted_and_not_for_strict(hinge, body, kind):
    body = {"schemas": [SEARCH], "filter": 'userName eq "nobody"', **body}
    body = {k: v for k, v in body.items() if v is not None}
    hinge.strict.post("/Users/.search", body).error(400, ("invalidSyntax", "invalidValue"))
    r = hinge.lenient.post("/Users/.search", body).expect(200)
    (line,) = [x for x in hinge.daemon.records("request") if x["request_id"] == r.headers["X-Request-Id"]]
    assert kind in line["tolerated"], line


def test_both_types_in_one_list(hinge, named):
    name, users, groups = named
    doc = search(hinge, "/.search", filter=f'displayName sw "{name}"', count=100).expect(200).json
    assert doc["totalResults"] == 9 and set(ids(doc)) == set(users) | set(groups)
    kinds = {r["id"]: (r["meta"]["resourceType"], r["schemas"][0]) for r in doc["Resources"]}
    assert all(kinds[i] == ("User", USER) for i in users) and all(kinds[i] == ("Group", GROUP) for i in groups)
    got = hinge.strict.get("/", {"filter": f'displayName sw "{name}"'}).expect(200).json
    assert set(ids(got)) == set(ids(doc))
    bare = hinge.strict.call("GET", "", None, raw=None)
    assert bare.expect(200).json["totalResults"] >= 9


@pytest.mark.parametrize("flt,which", [
    ('displayName sw "<n>"', "ug"), ('displayName sw "<n>" and userName pr', "u"),
    ('displayName sw "<n>" and not (userName pr)', "g"), ('displayName sw "<n>" and members pr', "g"),
    ('displayName sw "<n>" and members.value eq "<u0>"', "g"), ('displayName sw "<n>" and active eq true', "u"),
    ('displayName sw "<n>" and active eq false', ""), ('displayName sw "<n>" and active ne false', "ug"),
    ('displayName sw "<n>" and userName ne "x"', "ug"), ('displayName sw "<n>" and emails[type eq "work"]', ""),
    ('displayName sw "<n>" and (userName pr or members pr)', "ug"),
    ('displayName sw "<n>" and userName eq null', "g"), ('displayName sw "<n>" and userName ne null', "u"),
    ('displayName sw "<n>" and meta.resourceType eq "User"', "u"),
    ('displayName sw "<n>" and meta.resourceType eq "Group"', "g"),
    (f'displayName sw "<n>" and schemas eq "{GROUP}"', "g"),
    (f'displayName sw "<n>" and {GROUP}:displayName pr', "g"),
    (f'displayName sw "<n>" and {ENTERPRISE}:department pr', ""),
    ('displayName sw "<n>" and name.givenName eq "Ada"', "u"), ('id eq "<u0>" or id eq "<g0>"', "one of each"),
])
def test_an_attribute_of_the_other_type_has_no_value(hinge, named, flt, which):
    name, users, groups = named
    flt = flt.replace("<n>", name).replace("<u0>", users[0]).replace("<g0>", groups[0])
    doc = search(hinge, "/.search", filter=flt, count=100).expect(200).json
    want = {users[0], groups[0]} if "each" in which else \
        set(users if "u" in which else []) | set(groups if "g" in which else [])
    assert set(ids(doc)) == want and doc["totalResults"] == len(want)


@pytest.mark.parametrize("flt", ['noSuch eq "a"', 'password eq "a"', "userName", 'active gt true'])
def test_bad_filters_on_both(hinge, flt):
    search(hinge, "/.search", filter=flt).error(400, "invalidFilter")


@pytest.mark.parametrize("count", [1, 2, 5, 8, 9, 20])
@pytest.mark.parametrize("sort", [None, "displayName", "userName"])
def test_pages_over_both_types(hinge, named, count, sort):
    name, users, groups = named
    body = {"filter": f'displayName sw "{name}"', "count": count, **({"sortBy": sort} if sort else {})}
    whole = ids(search(hinge, "/.search", **{**body, "count": 100}).expect(200).json)
    by_index, by_cursor, start, cursor = [], [], 1, ""
    while start <= 9:
        doc = search(hinge, "/.search", startIndex=start, **body).expect(200).json
        assert doc["totalResults"] == 9
        by_index += ids(doc)
        start += count
    while cursor is not None:
        doc = search(hinge, "/.search", cursor=cursor, **body).expect(200).json
        by_cursor += ids(doc)
        cursor = doc.get("nextCursor")
    assert by_index == by_cursor == whole and len(set(whole)) == 9
    if sort == "userName":  # groups have none and come last
        assert set(whole[:5]) == set(users) and set(whole[5:]) == set(groups)


def test_projection_over_both_types(hinge, named):
    """userName is known in one type, members in the other: each resource shows what it has."""
    name, users, _ = named
    with hinge.slapd.watch() as ops:
        doc = search(hinge, "/.search", filter=f'displayName sw "{name}"', attributes=["userName"]).expect(200).json
    for r in doc["Resources"]:
        assert set(r) - {"schemas", "id", "meta"} == ({"userName"} if r["id"] in users else set())
    assert not {a.lower() for o in ops for a in o.attrs} & {"member", "*"}, ops
    doc = search(hinge, "/.search", filter=f'displayName sw "{name}"', excludedAttributes=["members", "groups"])
    assert not any({"members", "groups"} & set(r) for r in doc.expect(200).json["Resources"])


def test_a_client_sees_the_types_it_may_read(hinge, named):
    name, users, groups = named
    flt = f'displayName sw "{name}"'
    assert set(ids(search(hinge, "/.search", "users-reader", filter=flt).expect(200).json)) == set(users)
    assert set(ids(search(hinge, "/.search", "groups-reader", filter=flt).expect(200).json)) == set(groups)
    search(hinge, "/Users/.search", "groups-reader", filter=flt).error(403)


def test_lists_in_arrays_and_spellings(hinge, named):
    name, users, _ = named
    body = {"FILTER": f'displayName eq "{name}"', "Attributes": ["userName", f"{USER}:displayName"], "COUNT": 3,
            "startindex": 2}
    doc = search(hinge, "/Users/.search", **body).expect(200).json
    assert doc["startIndex"] == 2 and doc["totalResults"] == 5 and len(doc["Resources"]) == 3
    assert all(set(r) == {"schemas", "id", "userName", "displayName"} for r in doc["Resources"])


@pytest.mark.parametrize("path", ["/Users/.search", "/.search"])
@pytest.mark.parametrize("body,kind", [
    ({"schemas": [USER]}, "invalidSyntax"), ({"schemas": []}, "invalidSyntax"), ({"filter": 7}, "invalidValue"),
    ({"attributes": [1]}, "invalidValue"), ({"attributes": {"a": 1}}, "invalidValue"),
    ({"attributes": ["id"], "excludedAttributes": ["id"]}, "invalidValue"), ({"count": "many"}, "invalidValue"),
    ({"count": 1.5}, "invalidValue"), ({"startIndex": []}, "invalidValue"), ({"cursor": 5}, "invalidValue"),
    ({"sortBy": ["userName"]}, "invalidValue"), ({"filter": 'userName eq'}, "invalidFilter"),
    ({"attributes": [f"a{i}" for i in range(60)]}, "invalidValue"), ({"cursor": "nonsense"}, "invalidCursor"),
])
def test_bad_requests(hinge, no_writes, path, body, kind):
    search(hinge, path, **body).error(400, kind)


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b'"x"', b"{"])
def test_bodies_that_are_no_search(hinge, raw):
    hinge.strict.call("POST", "/.search", raw=raw).error(400, "invalidSyntax")


@pytest.mark.parametrize("path", ["/.search", "/Users/.search"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_search_is_posted(hinge, path, method):
    hinge.lenient.call(method, path, {} if method != "GET" else None).error(405)


def test_the_root_is_read_only(hinge):
    for method in ("PUT", "PATCH", "DELETE", "POST"):
        hinge.lenient.call(method, "", {}).error(405)
