# SPDX-License-Identifier: Apache-2.0
"""Entity tags and preconditions (RFC 7644 3.14, RFC 9110 13.1): one version, one tag, and one winner."""

import re
import threading

import pytest

from support.hinge import unique
from support.scim import GROUP, PATCH_OP
from support.slapd import Variant
from support.wait import until

METHODS = ("PUT", "PATCH", "DELETE")


def path_of(res):
    return f"/{res['meta']['resourceType']}s/{res['id']}"


def change(hinge, method, res, value, **kw):
    """title of a user, externalId of a group."""
    name = "title" if res["meta"]["resourceType"] == "User" else "externalId"
    if method == "DELETE":
        return hinge.lenient.delete(path_of(res), **kw)
    if method == "PUT":
        body = {k: v for k, v in res.items() if k not in ("meta", "id", "members", "groups")}
        return hinge.lenient.put(path_of(res), dict(body, **{name: value}), **kw)
    return hinge.lenient.patch(path_of(res), [{"op": "replace", "path": name, "value": value}], **kw)


@pytest.fixture(params=["User", "Group"])
def resource(hinge, request):
    if request.param == "User":
        return hinge.make_user(title="0")
    return hinge.make_group(hinge.make_user()["id"], externalId="0")


def tag_of(hinge, res):
    r = hinge.lenient.get(path_of(res)).expect(200)
    assert r.headers["ETag"] == r.json["meta"]["version"]
    assert re.fullmatch(r'W/"[^"]+"', r.headers["ETag"])
    return r.headers["ETag"]


# --- the tag ---------------------------------------------------------------------------------------------------------

def test_P53_every_answer_has_the_tag_of_what_is_there(hinge):
    member = hinge.make_user()
    for kind, body in (("Users", hinge.user_body()), ("Groups", {"schemas": [GROUP], "displayName": unique("g")})):
        r = hinge.lenient.post(f"/{kind}", body).expect(201)
        res = r.json
        assert r.headers["ETag"] == res["meta"]["version"] == tag_of(hinge, res)
        for method in ("PUT", "PATCH"):
            before = tag_of(hinge, res)
            r = change(hinge, method, res, f"by {method}").expect(200)
            assert r.headers["ETag"] == r.json["meta"]["version"] == tag_of(hinge, res) != before
        listed = hinge.lenient.find(kind, f'id eq "{res["id"]}"')["Resources"]
        assert [x["meta"]["version"] for x in listed] == [tag_of(hinge, res)]
    for op, value in (("add", [{"value": member["id"]}]), ("remove", None)):
        before = tag_of(hinge, res)
        path = "members" if op == "add" else f'members[value eq "{member["id"]}"]'
        r = hinge.lenient.patch(path_of(res), [{"op": op, "path": path, **({"value": value} if value else {})}])
        assert r.expect(204).headers["ETag"] == tag_of(hinge, res) != before, "204 tells the new tag too"
        r = hinge.lenient.patch(path_of(res), [{"op": op, "path": path, **({"value": value} if value else {})}])
        assert r.expect(204).headers["ETag"] == tag_of(hinge, res), "no change, no new tag"


def test_no_change_keeps_the_tag(hinge, resource):
    before = tag_of(hinge, resource)
    for method in ("PUT", "PATCH"):
        change(hinge, method, resource, "0").expect(200)
        assert tag_of(hinge, resource) == before


def test_tag_follows_other_writers(hinge, resource):
    before = tag_of(hinge, resource)
    hinge.ldap.modify(hinge.dn(resource["id"]), ("replace", "description", ["by ldapmodify"]))
    assert tag_of(hinge, resource) != before


def test_tag_does_not_depend_on_the_view(hinge, resource):
    tag = tag_of(hinge, resource)
    for query in ({"attributes": "id"}, {"attributes": "meta.version"}, {"excludedAttributes": "members,groups"}):
        assert hinge.lenient.get(path_of(resource), query).expect(200).headers["ETag"] == tag


# --- If-None-Match ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("form,status", [
    ("{tag}", 304), ("{opaque}", 304), ("*", 304), ('W/"x", {tag}', 304), ('"a" , {opaque} ,"b"', 304),
    ('W/"x"', 200), ('"x", "y"', 200), ("{bare}", 200), ('""', 200), (",", 200),
])
def test_G10_if_none_match(hinge, resource, form, status):
    tag = tag_of(hinge, resource)
    header = form.format(tag=tag, opaque=tag[2:], bare=tag[3:-1])
    for call in ("GET", "HEAD"):
        r = hinge.lenient.call(call, path_of(resource), headers={"If-None-Match": header}).expect(status)
        assert r.headers["ETag"] == tag
        if status == 304 or call == "HEAD":
            assert r.body == b""


@pytest.mark.parametrize("method", METHODS)
def test_if_none_match_on_a_change(hinge, resource, method):
    """RFC 9110 13.1.2: for other methods than GET and HEAD a match is 412."""
    tag = tag_of(hinge, resource)
    before = hinge.entry(resource["id"])
    for header in ("*", tag):
        change(hinge, method, resource, "1", headers={"If-None-Match": header}).error(412)
    assert hinge.entry(resource["id"]) == before
    change(hinge, method, resource, "1", headers={"If-None-Match": 'W/"other"'}).expect(200, 204)


def test_304_needs_the_right_to_read(hinge, resource):
    client = hinge.client("groups-reader" if resource["meta"]["resourceType"] == "User" else "users-reader")
    client.get(path_of(resource), headers={"If-None-Match": "*"}).error(403)


# --- If-Match --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("form,status", [
    ("{tag}", 0), ("{opaque}", 0), ("*", 0), ('"x", {tag}', 0),
    ('W/"x"', 412), ("{bare}", 412), ('""', 412), (",", 412), ('"*"', 412),
])
def test_G11_if_match(hinge, resource, method, form, status):
    tag = tag_of(hinge, resource)
    before = hinge.entry(resource["id"])
    header = form.format(tag=tag, opaque=tag[2:], bare=tag[3:-1])
    r = change(hinge, method, resource, "1", headers={"If-Match": header})
    if status:
        r.error(412)
        assert hinge.entry(resource["id"]) == before
    else:
        r.expect(200, 204)
        assert hinge.entry(resource["id"]) != before


def test_G11_if_match_on_members(hinge):
    u, v = hinge.make_user(), hinge.make_user()
    g = hinge.make_group()
    for who in (u, v):  # the first takes the placeholder out, the second does not
        tag = tag_of(hinge, g)
        add = [{"op": "add", "path": "members", "value": [{"value": who["id"]}]}]
        hinge.lenient.patch(path_of(g), add, headers={"If-Match": tag}).expect(204)
        hinge.lenient.patch(path_of(g), [{"op": "remove", "path": "members"}],
                            headers={"If-Match": tag}).error(412)
    hinge.assert_members(g["id"], u["id"], v["id"])
    tag = tag_of(hinge, g)
    hinge.lenient.delete(f"/Users/{u['id']}").expect(204)
    assert tag_of(hinge, g) != tag, "a member that is deleted changes the group"
    hinge.lenient.put(path_of(g), {"schemas": [GROUP], "displayName": g["displayName"], "members": []},
                      headers={"If-Match": tag}).error(412)
    hinge.assert_members(g["id"], v["id"])


def test_if_match_with_rename_and_members(hinge):
    u, g = hinge.make_user(), hinge.make_group()
    tag = tag_of(hinge, g)
    new = unique("g")
    hinge.lenient.patch(path_of(g), [{"op": "replace", "path": "displayName", "value": new},
                                     {"op": "add", "path": "members", "value": [{"value": u["id"]}]}],
                        headers={"If-Match": tag}).expect(204)
    hinge.assert_entry(g["id"], {"cn": [new]})
    hinge.assert_members(g["id"], u["id"])


def test_if_match_of_who_returns_with_a_new_password(hinge):
    """The password is set while the account is still off, which makes a version of its own."""
    u = hinge.make_user(password=hinge.password(), active=False, title="0")
    good, bad = hinge.password(), hinge.password()
    for method in ("PUT", "PATCH"):
        old = tag_of(hinge, u)
        for title, pw, status in ((method, good, 200), ("late", bad, 412)):
            if method == "PUT":
                r = hinge.lenient.put(path_of(u), hinge.user_body(userName=u["userName"], title=title, password=pw),
                                      headers={"If-Match": old})
            else:
                r = hinge.lenient.patch(path_of(u), [{"op": "replace", "value": {
                    "title": title, "active": True, "password": pw}}], headers={"If-Match": old})
            r.expect(status)
        got = hinge.lenient.get(path_of(u)).expect(200).json
        assert got["active"] is True and got["title"] == method
        assert hinge.ldap.binds(hinge.dn(u["id"]), good) and not hinge.ldap.binds(hinge.dn(u["id"]), bad)
        hinge.lenient.patch(path_of(u), [{"op": "replace", "path": "active", "value": False}]).expect(200)


def test_if_match_protects_the_password(hinge):
    u = hinge.make_user(password=hinge.password(), title="0")
    tag = tag_of(hinge, u)
    good, bad = hinge.password(), hinge.password()
    ops = [{"op": "replace", "path": "title", "value": "1"}, {"op": "replace", "path": "password", "value": good}]
    hinge.lenient.patch(path_of(u), ops, headers={"If-Match": tag}).expect(200)
    ops[1]["value"] = bad
    hinge.lenient.patch(path_of(u), ops, headers={"If-Match": tag}).error(412)
    assert hinge.ldap.binds(hinge.dn(u["id"]), good) and not hinge.ldap.binds(hinge.dn(u["id"]), bad)


def test_conditions_on_post(hinge, no_writes):
    body = hinge.user_body()
    hinge.lenient.post("/Users", body, headers={"If-Match": 'W/"x"'}).error(412)
    assert hinge.lenient.find("Users", f'userName eq "{body["userName"]}"')["totalResults"] == 0


@pytest.mark.parametrize("header", [{"If-Match": "*"}, {"If-None-Match": "*"}])
def test_conditions_on_post_that_hold(hinge, header):
    hinge.lenient.post("/Users", hinge.user_body(), headers=header).expect(201)


# --- races -----------------------------------------------------------------------------------------------------------

def at_once(hinge, calls):
    """All calls with a connection each, at the same moment; the replies in order."""
    gate, got = threading.Barrier(len(calls)), [None] * len(calls)

    def go(i):
        c = hinge.lenient.clone()
        c.get("/ServiceProviderConfig").expect(200)
        gate.wait(20)
        got[i] = calls[i](c)
        c.close()

    threads = [threading.Thread(target=go, args=(i,)) for i in range(len(calls))]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert None not in got
    return got


def patch_call(res, tag, name, value):
    body = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": name, "value": value}]}
    return lambda c: c.call("PATCH", path_of(res), body, headers={"If-Match": tag})


def one_winner(got):
    assert sorted(r.status for r in got)[:-1] != [] and {r.status for r in got} <= {200, 204, 412}, got
    for r in got:
        if r.status == 412:
            r.error(412)
    winners = [i for i, r in enumerate(got) if r.status != 412]
    assert len(winners) == 1, got
    return winners[0]


@pytest.mark.parametrize("round_", range(3))
def test_T20_one_if_match_wins(hinge, resource, round_):
    tag = tag_of(hinge, resource)
    name, attribute = ("title", "title") if resource["meta"]["resourceType"] == "User" else ("displayName", "cn")
    values = [unique("w") for _ in range(8)]
    got = at_once(hinge, [patch_call(resource, tag, name, v) for v in values])
    hinge.assert_entry(resource["id"], {attribute: [values[one_winner(got)]]})


@pytest.mark.parametrize("round_", range(2))
def test_T20_one_if_match_wins_of_those_who_bring_back(hinge, round_):
    """The password cannot carry the condition: whoever loses must not have set one."""
    u = hinge.make_user(active=False, password=hinge.password())
    tag = tag_of(hinge, u)
    passwords = [hinge.password() for _ in range(5)]

    def call(pw):
        body = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "value": {"active": True, "password": pw}}]}
        return lambda c: c.call("PATCH", path_of(u), body, headers={"If-Match": tag})

    winner = one_winner(at_once(hinge, [call(pw) for pw in passwords]))
    assert [hinge.ldap.binds(hinge.dn(u["id"]), pw) for pw in passwords] == [i == winner for i in range(5)]


@pytest.mark.parametrize("round_", range(3))
def test_T20_one_if_match_wins_on_members(hinge, round_):
    users = [hinge.make_user() for _ in range(8)]
    g = hinge.make_group(*([users[0]["id"]] if round_ else []))
    tag = tag_of(hinge, g)

    def add(u):
        body = {"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "members", "value": [{"value": u["id"]}]}]}
        return lambda c: c.call("PATCH", path_of(g), body, headers={"If-Match": tag})

    todo = users[1:]
    winner = todo[one_winner(at_once(hinge, [add(u) for u in todo]))]
    hinge.assert_members(g["id"], winner["id"], *([users[0]["id"]] if round_ else []))


@pytest.mark.parametrize("round_", range(3))
def test_T20_delete_that_loses_changes_nothing(hinge, round_):
    """DELETE and PATCH with the same tag: if PATCH wins, the user is still in the group."""
    u = hinge.make_user(title="0")
    g = hinge.make_group(u["id"])
    tag = tag_of(hinge, u)
    calls = [patch_call(u, tag, "title", f"w{i}") for i in range(3)]
    calls.insert(round_, lambda c: c.delete(path_of(u), headers={"If-Match": tag}))
    got = at_once(hinge, calls)
    statuses = [r.status for r in got]
    deleted = statuses[round_] == 204
    assert set(statuses) <= {200, 204, 412, 404}, got
    assert statuses.count(200) + deleted == 1, got
    hinge.assert_members(g["id"], *([] if deleted else [u["id"]]))


@pytest.mark.parametrize("kind", ["User", "Group"])
def test_rename_under_the_feet_of_others(hinge, kind):
    """Found by id, renamed by somebody else before the write: the others find it again, nobody is told 404."""
    res = hinge.make_user() if kind == "User" else hinge.make_group()
    name, other = ("userName", "title") if kind == "User" else ("displayName", "externalId")

    def call(path, value):
        body = {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": path, "value": value}]}
        return lambda c: c.call("PATCH", path_of(res), body)

    for _ in range(4):
        got = at_once(hinge, [call(name, unique("r")), *[call(other, unique("t")) for _ in range(5)]])
        assert {r.status for r in got} <= {200, 204, 503}, got
    got = at_once(hinge, [call(name, unique("r")), lambda c: c.delete(path_of(res)), call(name, unique("r"))])
    assert got[1].status in (204, 503), got
    if got[1].status == 204:
        assert hinge.entry(res["id"]) is None


# --- refint: changes that leave no version ---------------------------------------------------------------------------

def test_refint_changes_members_behind_the_version(hinges):
    """refint keeps entryCSN (directories.md 0.3). A tag from before must not match; after it there is no tag to rely on
    until somebody else writes."""
    h = hinges(Variant(cleanup="refint"))
    users = [h.make_user() for _ in range(4)]
    g = h.make_group(*[u["id"] for u in users])
    tag = tag_of(h, g)

    def delete_by_admin(u):
        dn = h.dn(u["id"])
        h.ldap.delete(dn)
        until(lambda: dn not in h.entry(g["id"])["member"], "refint to remove the member", 10)

    delete_by_admin(users[0])
    clear = [{"op": "remove", "path": "members"}]
    for _ in range(2):
        r = h.lenient.get(path_of(g), headers={"If-None-Match": tag}).expect(200)
        assert "ETag" not in r.headers and "version" not in r.json["meta"]
        h.lenient.patch(path_of(g), clear, headers={"If-Match": tag}).error(412)
        delete_by_admin(users.pop(1))
    more = h.make_user()
    add = [{"op": "add", "path": "members", "value": [{"value": more["id"]}]}]
    r = h.lenient.patch(path_of(g), add, headers={"If-Match": "*"}).expect(204)
    assert r.headers["ETag"] == tag_of(h, g) != tag
    h.assert_members(g["id"], users[1]["id"], more["id"])
    h.lenient.patch(path_of(g), clear, headers={"If-Match": tag_of(h, g)}).expect(204)
