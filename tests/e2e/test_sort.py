# SPDX-License-Identifier: Apache-2.0
"""Order of lists: RFC 7644 3.4.2.3 (standards.md P21)."""

import random

import pytest

from support.hinge import unique
from support.scim import ENTERPRISE, SEARCH, USER

# Given names, titles, numbers of the people that are sorted; None: no value.
PEOPLE = [("Zoë", "b", "10"), ("anna", None, "9"), ("Émile", "A", None), ("Bob", "C", "1"), ("émile", "a", "2"),
          ("ANNA", "ab", None), ("Østen", None, "3"), ("zacharias", "B", "11"), ("Żaneta", "c", "20")]


@pytest.fixture(scope="module")
def people(hinges):
    """A department and the resources of its people, made in no order."""
    h = hinges()
    dep = unique("dep")
    made = []
    for i, (given, title, number) in enumerate(PEOPLE):
        emails = [{"type": "work", "value": f"m{(i * 7) % 9}.{unique()}@example.com"}]
        body = {"name": {"givenName": given, "familyName": "Sort"}, "title": title, "emails": emails,
                ENTERPRISE: {"department": dep, "employeeNumber": number}}
        made.append(h.make_user(**body))
    return dep, made


def ordered(hinge, dep, by, order=None, client="lenient", **more):
    query = dict(more, sortBy=by, **({"sortOrder": order} if order else {}))
    flt = f'{ENTERPRISE}:department eq "{dep}"'
    return hinge.client(client).find("Users", flt, **query)["Resources"]


def value(res, path):
    for key in path:
        res = res.get(key) if res else None
    return res


def fold(text):
    return text.casefold() if isinstance(text, str) else text


def expected(made, key):
    """Ascending, ids only; missing values last."""
    there = sorted((r for r in made if key(r) is not None), key=key)
    return [r["id"] for r in there], {r["id"] for r in made if key(r) is None}


@pytest.mark.parametrize("by,path", [
    ("userName", ["userName"]), ("USERNAME", ["userName"]), ("name.givenName", ["name", "givenName"]),
    (f"{USER}:name.givenName", ["name", "givenName"]), ("title", ["title"]),
    (f"{ENTERPRISE}:employeeNumber", [ENTERPRISE, "employeeNumber"]), ("meta.created", ["meta", "created"]),
])
def test_by_attribute(hinge, people, by, path):
    dep, made = people
    want, without = expected(made, lambda r: fold(value(r, path)))
    by_id = {r["id"]: fold(value(r, path)) for r in made}
    up = [r["id"] for r in ordered(hinge, dep, by)]
    assert sorted(up) == sorted(by_id), "not everybody is there"
    assert [by_id[i] for i in up[:len(want)]] == [by_id[i] for i in want], by
    assert set(up[len(want):]) == without, "who has no value comes last when ascending"
    assert [r["id"] for r in ordered(hinge, dep, by, "ascending")] == up
    down = [r["id"] for r in ordered(hinge, dep, by, "descending")]
    assert set(down[:len(without)]) == without, "who has no value comes first when descending"
    assert [by_id[i] for i in down[len(without):]] == [by_id[i] for i in reversed(want)], by


def test_case_exact_attributes_sort_by_case(hinge, people):
    """externalId and id are caseExact (RFC 7643 3.1): "B" before "a"."""
    dep, _ = people
    made = [hinge.make_user(externalId=f"{x}{dep}", title=dep) for x in ("b", "A", "a", "B")]
    found = hinge.lenient.find("Users", f'title eq "{dep}"', sortBy="externalId")["Resources"]
    assert [r["externalId"][0] for r in found] == ["A", "B", "a", "b"]
    assert {r["id"] for r in found} == {r["id"] for r in made}


def test_multi_valued_attributes_sort_by_the_primary_value(hinge):
    title = unique("mv")
    a = hinge.make_user(title=title, emails=[{"type": "work", "value": f"c@{title}.example.com"},
                                             {"type": "home", "value": f"a@{title}.home", "primary": True}])
    b = hinge.make_user(title=title, emails=[{"type": "work", "value": f"b@{title}.example.com"}])
    c = hinge.make_user(title=title, emails=[{"type": "home", "value": f"d@{title}.home"},
                                             {"type": "work", "value": f"c@{title}.work", "primary": True}])
    none = hinge.make_user(title=title)

    def first(res):
        mails = res.get("emails")
        return next((m["value"] for m in mails if m.get("primary")), mails[0]["value"]) if mails else None

    for by in ("emails", "emails.value"):
        found = hinge.lenient.find("Users", f'title eq "{title}"', sortBy=by)["Resources"]
        assert {r["id"] for r in found} == {r["id"] for r in (a, b, c, none)} and found[-1]["id"] == none["id"]
        values = [first(r) for r in found[:-1]]
        assert values == sorted(values), f"{by}: {values}"


def test_by_boolean(hinge):
    title = unique("act")
    on = [hinge.make_user(title=title)["id"] for _ in range(2)]
    off = [hinge.make_user(title=title, active=False)["id"] for _ in range(2)]
    found = [r["id"] for r in hinge.lenient.find("Users", f'title eq "{title}"', sortBy="active")["Resources"]]
    assert set(found[:2]) == set(off) and set(found[2:]) == set(on)


def test_by_manager_name(hinge):
    title = unique("boss")
    bosses = [hinge.make_user(displayName=f"{c}-{title}") for c in "CAB"]
    made = {b["displayName"]: hinge.make_user(title=title, **{ENTERPRISE: {"manager": {"value": b["id"]}}})["id"]
            for b in bosses}
    found = hinge.lenient.find("Users", f'title eq "{title}"', sortBy=f"{ENTERPRISE}:manager.displayName")["Resources"]
    assert [r["id"] for r in found] == [made[f"{c}-{title}"] for c in "ABC"]


@pytest.mark.parametrize("count", [1, 4, 9])
@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_pages_of_a_sorted_list(hinge, people, count, order):
    dep, made = people
    whole = [r["id"] for r in ordered(hinge, dep, "name.givenName", order)]
    found, start = [], 1
    while start <= len(made):
        found += [r["id"] for r in ordered(hinge, dep, "name.givenName", order, startIndex=str(start),
                                           count=str(count))]
        start += count
    assert found == whole


def test_order_is_made_once_for_all_pages(hinge):
    title = unique("once")
    hinge.make_many(60, title, f"title: {title}\n")
    flt = f'title eq "{title}"'
    hinge.lenient.find("Users", flt, sortBy="userName", count="10")
    with hinge.slapd.watch() as ops:
        doc = hinge.lenient.find("Users", flt, sortBy="userName", count="10", startIndex="21", attributes="userName")
    assert sum(o.nentries for o in ops if o.verb == "SRCH") == 10, ops
    names = sorted(f"{title}-{i}" for i in range(60))
    assert [r["userName"] for r in doc["Resources"]] == names[20:30]


def test_sorting_reads_what_it_looks_at(hinge, people):
    dep, _ = people
    with hinge.slapd.watch() as ops:
        ordered(hinge, dep, "name.givenName", attributes="userName")
    asked = {a.lower() for o in ops if o.verb == "SRCH" for a in o.attrs}
    assert "givenname" in asked and not asked & {"member", "manager", "mail", "*"}, ops


def test_groups_by_name_without_reading_members(hinge):
    tag = unique("sorted")                           # other tests leave groups behind, more than a page of them
    made = [hinge.make_group(displayName=f"{c}-{tag}")["displayName"] for c in random.sample("qWeRtY", 6)]
    with hinge.slapd.watch() as ops:
        doc = hinge.lenient.get("/Groups", {"sortBy": "displayName", "attributes": "displayName",
                                            "filter": f'displayName ew "-{tag}"'}).expect(200).json
    assert [g["displayName"] for g in doc["Resources"]] == sorted(made, key=str.casefold)
    assert not {a.lower() for o in ops for a in o.attrs} & {"member", "*"}


def test_by_post(hinge, people):
    dep, _ = people
    body = {"schemas": [SEARCH], "filter": f'{ENTERPRISE}:department eq "{dep}"', "sortBy": "title",
            "sortOrder": "descending"}
    got = [r["id"] for r in hinge.strict.post("/Users/.search", body).expect(200).json["Resources"]]
    assert got == [r["id"] for r in ordered(hinge, dep, "title", "descending", client="strict")]


@pytest.mark.parametrize("query,client", [
    ({"sortBy": "name"}, "lenient"), ({"sortBy": "password"}, "lenient"), ({"sortBy": "noSuch"}, "strict"),
    ({"sortBy": 'emails[type eq "work"]'}, "lenient"), ({"sortBy": "userName", "sortOrder": "sideways"}, "lenient"),
    ({"sortBy": "userName title"}, "lenient"), ({"sortBy": "meta"}, "lenient"), ({"sortBy": ENTERPRISE}, "lenient"),
])
def test_what_cannot_sort_is_refused(hinge, people, query, client):
    hinge.client(client).get("/Users", query).error(400, "invalidValue")


def test_an_unknown_attribute_sorts_nothing_for_lenient_clients(hinge, people):
    dep, made = people
    assert {r["id"] for r in ordered(hinge, dep, "noSuch")} == {r["id"] for r in made}
