# SPDX-License-Identifier: Apache-2.0
"""Bulk (RFC 7644 3.7): references, circles, limits; every operation as if it came alone."""

import http.client
import json

import pytest

from support.hinge import unique
from support.match import shows
from support.scim import ENTERPRISE, ERROR, GROUP, PATCH_OP, USER, connect

REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"


def bulk(hinge, *ops, client="lenient", **envelope):
    """The answers, shape checked, in the order of the operations."""
    body = {"schemas": [REQUEST], **envelope, "Operations": list(ops)}
    doc = hinge.client(client).post("/Bulk", body).expect(200).json
    assert doc["schemas"] == [RESPONSE]
    for r in doc["Operations"]:
        assert isinstance(r["status"], str) and r["method"] in ("POST", "PUT", "PATCH", "DELETE"), r
        failed = int(r["status"]) >= 400
        assert ("response" in r) == failed, f"response belongs to failures: {r}"
        if failed:
            assert r["response"]["schemas"] == [ERROR] and r["response"]["status"] == r["status"], r
            assert r["response"]["detail"], r
        assert ("location" in r) == (not failed or r["method"] != "POST") or r["status"] in ("404", "409", "405"), r
    return doc["Operations"]


def post_user(bulk_id, **attrs):
    body = {"schemas": [USER], "userName": unique("bk"), "name": {"familyName": "B"}, **attrs}
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": body}


def post_group(bulk_id, *members, **attrs):
    body = {"schemas": [GROUP], "displayName": unique("bg"), "members": [{"value": m} for m in members], **attrs}
    return {"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": body}


def patch(path, *ops, **more):
    return {"method": "PATCH", "path": path, "data": {"schemas": [PATCH_OP], "Operations": list(ops)}, **more}


def ids(answers):
    return [r["location"].rsplit("/", 1)[1] for r in answers]


def statuses(answers):
    return [r["status"] for r in answers]


# --- the operations --------------------------------------------------------------------------------------------------

def test_every_method(hinge):
    u, g, gone = hinge.make_user(), hinge.make_group(), hinge.make_user()
    created = post_user("new", title="made")
    got = bulk(hinge, created,
               {"method": "PUT", "path": f"/Users/{u['id']}",
                "data": {"schemas": [USER], "userName": u["userName"], "name": {"familyName": "Put"}}},
               patch(f"/Groups/{g['id']}", {"op": "add", "path": "members", "value": [{"value": u["id"]}]}),
               {"method": "DELETE", "path": f"/Users/{gone['id']}"})
    assert statuses(got) in (["201", "200", "200", "204"], ["201", "200", "204", "204"]), got
    shows(got[0], {"method": "POST", "bulkId": "new"})
    new, *rest = ids(got)
    assert rest == [u["id"], g["id"], gone["id"]]
    hinge.assert_entry(new, {"uid": [created["data"]["userName"]], "title": ["made"]})
    hinge.assert_entry(u["id"], {"sn": ["Put"]})
    hinge.assert_members(g["id"], u["id"])
    assert hinge.entry(gone["id"]) is None
    for r, path in zip(got, (f"/Users/{new}", f"/Users/{u['id']}", f"/Groups/{g['id']}")):
        single = hinge.lenient.get(path).expect(200)
        assert r["location"] == single.json["meta"]["location"]
        assert r["version"] == single.headers["ETag"], "version is the resource's entity tag"


def test_paths_with_base_url(hinge):
    us = [hinge.make_user() for _ in range(3)]
    host = f"http://{hinge.daemon.address}"
    got = bulk(hinge, *[{"method": "DELETE", "path": p} for p in (
        us[0]["meta"]["location"], f"{hinge.daemon.base_path}/Users/{us[1]['id']}",
        f"{host}{hinge.daemon.base_path}/Users/{us[2]['id']}")])
    assert statuses(got) == ["204"] * 3
    assert all(hinge.entry(u["id"]) is None for u in us)


def test_one_failure_stays_alone(hinge):
    u = hinge.make_user()
    twin = post_user("twin", userName=u["userName"])
    got = bulk(hinge, twin, post_user("ok"), {"method": "DELETE", "path": "/Users/nobody"},
               {"method": "POST", "path": "/Users", "data": {"schemas": [USER], "userName": unique("bk")}},
               patch(f"/Users/{u['id']}", {"op": "replace", "path": "nonsense[", "value": 1}),
               {"method": "PUT", "path": f"/Users/{u['id']}", "data": {"schemas": [USER]}},
               {"method": "DELETE", "path": "/Devices/1"},
               patch(f"/Users/{u['id']}", {"op": "replace", "path": "title", "value": "last"}))
    assert statuses(got) == ["409", "201", "404", "400", "400", "400", "404", "200"], got
    assert got[0]["response"]["scimType"] == "uniqueness" and "location" not in got[0] and got[0]["bulkId"] == "twin"
    assert "bulkId" in got[3]["response"]["detail"]
    assert got[4]["response"]["scimType"] == "invalidPath" and got[4]["location"].endswith(u["id"])
    hinge.assert_entry(u["id"], {"title": ["last"]})


@pytest.mark.parametrize("limit,count", [(1, 2), (2, 4), (3, 5), (0, 5), (None, 5)])
def test_fail_on_errors(hinge, limit, count):
    bad = {"method": "DELETE", "path": "/Users/00000000-0000-4000-8000-000000000000"}
    good = [post_user("one"), post_user("two")]
    envelope = {} if limit is None else {"failOnErrors": limit}
    got = bulk(hinge, good[0], bad, good[1], bad, bad, **envelope)
    assert statuses(got) == ["201", "404", "201", "404", "404"][:count], got
    made = hinge.lenient.find("Users", f'userName eq "{good[1]["data"]["userName"]}"')["totalResults"]
    assert made == (1 if count > 2 else 0), "an operation after the last accepted error was run"


def test_version_is_if_match(hinge):
    u = hinge.make_user(title="0")
    tag = hinge.lenient.get(f"/Users/{u['id']}").headers["ETag"]
    title = {"op": "replace", "path": "title", "value": "1"}
    got = bulk(hinge, patch(f"/Users/{u['id']}", title, version=tag),
               patch(f"/Users/{u['id']}", {**title, "value": "2"}, version=tag),
               {"method": "DELETE", "path": f"/Users/{u['id']}", "version": tag})
    assert statuses(got) == ["200", "412", "412"], got
    hinge.assert_entry(u["id"], {"title": ["1"]})


def test_client_without_rights(hinge):
    u, g = hinge.make_user(), hinge.make_group()
    for client in ("users-reader", "groups-reader"):
        got = bulk(hinge, post_user("a"), {"method": "DELETE", "path": f"/Users/{u['id']}"},
                   {"method": "DELETE", "path": f"/Groups/{g['id']}"}, client=client)
        assert statuses(got) == ["403"] * 3, got
    assert hinge.entry(u["id"]) and hinge.entry(g["id"])


def test_rights_are_checked_for_each_operation(hinges):
    h = hinges(clients=[{"name": "users-only", "scopes": ["users:write"]}])
    got = bulk(h, post_group("g"), post_user("u"), post_group("h", "bulkId:u"), client="users-only")
    assert statuses(got) == ["403", "201", "403"], got


def test_failures_are_logged(hinge):
    bulk(hinge, {"method": "DELETE", "path": "/Users/nobody"}, post_user("x"))
    last = hinge.daemon.records("bulk operation failed")[-1]
    shows(last, {"operation": 0, "method": "DELETE", "type": "User", "status": 404, "error": "ERR_NOT_FOUND"})


# --- references ------------------------------------------------------------------------------------------------------

def test_G8_user_in_group_in_any_order(hinge):
    group = post_group("g", "bulkId:u1", "bulkId:u2")
    got = bulk(hinge, group, post_user("u1"), post_user("u2"))
    assert statuses(got) == ["201"] * 3
    g, u1, u2 = ids(got)
    assert [r["bulkId"] for r in got] == ["g", "u1", "u2"]
    hinge.assert_members(g, u1, u2)


def test_G8_groups_in_a_circle(hinge):
    got = bulk(hinge, post_group("a", "bulkId:b"), post_group("b", "bulkId:c"), post_group("c", "bulkId:a"))
    assert statuses(got) == ["201"] * 3, got
    a, b, c = ids(got)
    for group, member in ((a, b), (b, c), (c, a)):
        hinge.assert_members(group, member)
        assert hinge.entry(group)["member"] == [hinge.dn(member)], "the placeholder stayed"
    for r, i in zip(got, (a, b, c)):
        assert r["version"] == hinge.lenient.get(f"/Groups/{i}").headers["ETag"]


def test_G8_circle_with_a_user_and_members_that_exist(hinge):
    old = hinge.make_user()
    got = bulk(hinge, post_group("a", old["id"], "bulkId:b", "bulkId:u"), post_group("b", "bulkId:a"), post_user("u"))
    assert statuses(got) == ["201"] * 3, got
    a, b, u = ids(got)
    hinge.assert_members(a, old["id"], b, u)
    hinge.assert_members(b, a)


def test_managers_in_a_circle(hinge):
    def managed(bulk_id, by):
        return post_user(bulk_id, **{"schemas": [USER, ENTERPRISE], ENTERPRISE: {"manager": {"value": by}}})
    got = bulk(hinge, managed("a", "bulkId:b"), managed("b", "bulkId:a"), managed("c", "bulkId:c"))
    assert statuses(got) == ["201"] * 3, got
    a, b, c = ids(got)
    for who, by in ((a, b), (b, a), (c, c)):
        hinge.assert_entry(who, {"manager": [hinge.dn(by)]})


def test_circle_that_breaks_leaves_nothing(hinge):
    """The second group of the circle is refused: the first, made already, is taken back and answered as failed."""
    taken = hinge.make_group()
    first = post_group("a", "bulkId:b")
    got = bulk(hinge, first, post_group("b", "bulkId:a", displayName=taken["displayName"]))
    assert statuses(got) == ["409", "409"], got
    assert got[1]["response"]["scimType"] == "uniqueness"
    assert hinge.lenient.find("Groups", f'displayName eq "{first["data"]["displayName"]}"')["totalResults"] == 0


def test_circle_stopped_by_fail_on_errors_leaves_nothing(hinge):
    first = post_group("a", "bulkId:b")
    got = bulk(hinge, {"method": "DELETE", "path": "/Users/nobody"}, first, post_group("b", "bulkId:a"),
               failOnErrors=1)
    assert statuses(got) == ["404"]
    got = bulk(hinge, first, {"method": "DELETE", "path": "/Users/nobody"}, post_group("b", "bulkId:a"),
               failOnErrors=1)
    assert sorted(statuses(got)) in (["404"], ["404", "409"], ["201", "201", "404"]), got
    held = hinge.lenient.find("Groups", f'displayName eq "{first["data"]["displayName"]}"')["totalResults"]
    assert held == statuses(got).count("201") / 2


def test_reference_in_path_and_in_patch(hinge):
    g = hinge.make_group()
    other = hinge.make_user()
    got = bulk(hinge, patch("/Users/bulkId:u", {"op": "add", "path": "title", "value": "T"}),
               patch(f"/Groups/{g['id']}", {"op": "add", "path": "members",
                                            "value": [{"value": "bulkId:u"}, {"value": other["id"]}]}),
               patch(f"/Groups/{g['id']}", {"op": "remove", "path": 'members[value eq "bulkId:u"]'}),
               post_user("u"))
    assert statuses(got)[3] == "201" and all(s in ("200", "204") for s in statuses(got)[:3]), got
    u = ids(got)[3]
    assert ids(got)[0] == u
    hinge.assert_entry(u, {"title": ["T"]})
    hinge.assert_members(g["id"], other["id"])


def test_created_and_deleted_in_one_request(hinge):
    got = bulk(hinge, post_user("u"), post_group("g", "bulkId:u"), {"method": "DELETE", "path": "/Users/bulkId:u"})
    assert statuses(got) == ["201", "201", "204"]
    assert hinge.entry(ids(got)[0]) is None
    hinge.assert_members(ids(got)[1])


def test_references_that_lead_nowhere(hinge):
    got = bulk(hinge, post_group("g", "bulkId:nobody"), {"method": "DELETE", "path": "/Users/bulkId:g"},
               post_user("bad", userName=""), post_group("h", "bulkId:bad"))
    assert statuses(got) == ["409", "409", "400", "409"], got
    assert "bulkId" in got[0]["response"]["detail"]


# --- envelope and limits ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("body,status,kind", [
    ({"schemas": [REQUEST]}, 400, "invalidSyntax"),
    ({"schemas": [REQUEST], "Operations": []}, 400, "invalidSyntax"),
    ({"schemas": [REQUEST], "Operations": {}}, 400, "invalidSyntax"),
    ({"schemas": [REQUEST], "failOnErrors": "x", "Operations": [{}]}, 400, "invalidValue"),
    ([], 400, "invalidSyntax"),
])
def test_bad_envelopes(hinge, no_writes, body, status, kind):
    hinge.lenient.post("/Bulk", body).error(status, kind)


def test_schemas_is_needed_from_strict_clients(hinge):
    op = post_user("u")
    hinge.strict.post("/Bulk", {"Operations": [op]}).error(400, "invalidSyntax")
    assert hinge.lenient.post("/Bulk", {"Operations": [op]}).expect(200).json["Operations"][0]["status"] == "201"


def test_P46_max_operations(hinge, no_writes):
    limit = hinge.lenient.get("/ServiceProviderConfig").json["bulk"]["maxOperations"]
    none = {"method": "DELETE", "path": "/Users/nobody"}
    assert len(bulk(hinge, *[none] * limit)) == limit
    r = hinge.lenient.post("/Bulk", {"schemas": [REQUEST], "Operations": [none] * (limit + 1)}).error(413)
    assert str(limit) in r.json["detail"]


def padded(size):
    """A Bulk request of exactly this many bytes."""
    body = {"schemas": [REQUEST], "Operations": [{"method": "DELETE", "path": "/Users/nobody", "data": ""}]}
    text = json.dumps(body).encode()
    return text.replace(b'"data": ""', b'"data": "' + b"x" * (size - len(text)) + b'"')


def test_P46_max_payload_size(hinge, no_writes):
    limit = hinge.lenient.get("/ServiceProviderConfig").json["bulk"]["maxPayloadSize"]
    hinge.lenient.post("/Bulk", raw=padded(limit)).expect(200)
    r = hinge.lenient.post("/Bulk", raw=padded(limit + 1)).error(413)
    assert str(limit) in r.json["detail"]


def test_P46_max_payload_size_while_reading(hinge, no_writes):
    """Chunked: the length is not announced, the answer comes once the limit is passed, long before the end.
    A part of the rest is read and thrown away, so that a client which does not listen meanwhile gets the answer."""
    limit = hinge.lenient.get("/ServiceProviderConfig").json["bulk"]["maxPayloadSize"]
    c = connect(hinge.daemon.address, 30)
    try:
        c.putrequest("POST", f"{hinge.daemon.base_path}/Bulk")
        for k, v in (("Authorization", f"Bearer {hinge.lenient.token}"), ("Content-Type", "application/scim+json"),
                     ("Transfer-Encoding", "chunked")):
            c.putheader(k, v)
        c.endheaders()
        piece = b"x" * 65536
        sent = 0
        try:
            while sent < 100 * limit:
                c.send(b"%x\r\n%s\r\n" % (len(piece), piece))
                sent += len(piece)
        except OSError:
            pass
        assert sent < 8 * limit, "the body was read to the end"
        try:
            r = c.getresponse()
            assert r.status == 413 and str(limit) in json.loads(r.read())["detail"]
        except (OSError, http.client.HTTPException):
            pass  # the connection was cut while we were still sending: the answer may be lost with it
    finally:
        c.close()
    assert hinge.daemon.records("request")[-1]["status"] == 413


def test_other_endpoints_keep_their_limit(hinge, no_writes):
    hinge.lenient.post("/Users", raw=padded(3 << 20)).error(413)


def test_only_post(hinge):
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        assert hinge.lenient.call(method, "/Bulk", {} if method in ("PUT", "PATCH") else None).error(405)


def test_many(hinge):
    """A large request at once: 249 users, one group of them, and a rename of each."""
    users = [post_user(f"u{i}") for i in range(249)]
    renames = [patch(f"/Users/bulkId:u{i}", {"op": "replace", "path": "title", "value": f"T{i}"})
               for i in range(249)]
    got = bulk(hinge, *renames, post_group("g", *[f"bulkId:u{i}" for i in range(249)]), *users)
    assert set(statuses(got)) <= {"200", "201"}, [r for r in got if r["status"] not in ("200", "201")][:3]
    made = ids(got)
    hinge.assert_members(made[249], *made[250:])
    assert hinge.entry(made[250])["title"] == ["T0"]
