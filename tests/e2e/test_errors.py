# SPDX-License-Identifier: Apache-2.0
"""What is wrong is said: the right status, a SCIM error, a scimType, the place; and nothing is changed."""

import json
import os
import re
import socket

import pytest

from support.hinge import corpora, unique
from support.scim import SCIM_JSON, USER
from support.slapd import PEOPLE

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"
GOOD = b'{"schemas":["%s"],"userName":"%%s"}' % USER.encode()


@pytest.fixture(autouse=True)
def nothing_created(hinge):
    """No request of this file may write, but for the creation of the ids a test puts into this set."""
    mark = hinge.slapd.audit_mark()
    allowed = set()
    yield allowed
    if hinge.slapd.audit_mark() != mark:
        wrong = [r for r in hinge.slapd.audit(mark)
                 if r.one("reqEntryUUID") not in allowed or r.one("reqType") != "add"]
        assert not wrong, f"a refused request changed the directory: {wrong}"


# --- bodies ----------------------------------------------------------------------------------------------------------

MALFORMED = {
    "empty": b"", "space": b"  ", "not-json": b"userName=x",
    "cut": b'{"schemas":["' + USER.encode() + b'"],"userName":"x"',
    "trailing": b'{"userName":"x"} {"a":1}', "trailing-comma": b'{"userName":"x",}',
    "single-quotes": b"{'userName':'x'}",
    "bare-key": b'{userName:"x"}', "string": b'"x"', "number": b"5", "null": b"null", "true": b"true",
    "bom": b'\xef\xbb\xbf{"userName":"x"}', "utf8": b'{"userName":"\xff\xfe"}', "surrogate": b'{"userName":"\\ud800"}',
    "nul-escape": b'{"userName":"a\\u0000b"}', "nul-byte": b'{"userName":"a\x00b"}', "control": b'{"userName":"a\nb"}',
    "nan": b'{"userName":NaN}', "comment": b'{"userName":"x"/* c */}', "big-exponent": b'{"userName":"x","a":1e999999}',
    "duplicate": b'{"userName":"a","userName":"b"}', "duplicate-case": b'{"userName":"a","USERNAME":"b"}',
    "duplicate-nested": b'{"userName":"a","name":{"givenName":"x","GivenName":"y"}}',
    "duplicate-escape": b'{"userName":"a","user\\u004eame":"b"}',
    "depth-array": b'{"userName":"x","a":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "depth-object": b'{"a":' * 3000 + b"1" + b"}" * 3000, "depth-open": b"[" * 100000, "array": b"[]",
}


@pytest.mark.parametrize("key", MALFORMED)
@pytest.mark.parametrize("client", ["lenient", "strict"])
def test_G4_malformed_body(hinge, client, key):
    r = hinge.client(client).post("/Users", raw=MALFORMED[key])
    r.error(400, ("invalidSyntax", "invalidValue") if key in ("array", "nul-escape", "big-exponent", "empty", "space")
            else "invalidSyntax")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("key", ["cut", "duplicate-case", "depth-open", "array", "null"])
def test_G4_malformed_update(hinge, nothing_created, method, key):
    u = hinge.make_user()
    nothing_created.add(u["id"])
    before = hinge.entry(u["id"])
    hinge.lenient.call(method, f"/Users/{u['id']}", raw=MALFORMED[key]).error(400, ("invalidSyntax", "invalidValue"))
    assert hinge.entry(u["id"]) == before


def test_error_tells_the_byte(hinge):
    r = hinge.lenient.post("/Users", raw=b'{"userName": nonsense}').error(400, "invalidSyntax")
    m = re.search(r"at byte (\d+)", r.json["detail"])
    assert m and 13 <= int(m.group(1)) <= 21, f"the detail does not say where: {r}"
    r = hinge.lenient.get("/Users", {"filter": 'userName eq "a" and and'}).error(400, "invalidFilter")
    assert "at byte 20" in r.json["detail"], f"the detail does not say where: {r}"


@pytest.mark.parametrize("attribute,value", [
    ("userName", 1), ("userName", True), ("userName", {}), ("displayName", 5), ("displayName", ["a"]), ("active", 3),
    ("active", "perhaps"), ("name", "x"), ("name", ["x"]), ("emails", 5), ("emails", [5]), ("emails", [{"value": 5}]),
    ("emails", [{"value": "a@b", "primary": "x"}]), ("emails", [{"value": {"a": 1}}]), ("emails", [["x"]]),
    ("password", 5), ("password", {}), ("schemas", 5), ("schemas", [5]), ("schemas", {}), ("externalId", 9)],
    ids=str)
def test_wrong_type_is_named(hinge, attribute, value):
    body = hinge.user_body(**{attribute: value})
    r = hinge.strict.post("/Users", body).error(400, ("invalidSyntax", "invalidValue"))
    assert attribute in r.json["detail"], f"the detail does not name {attribute}: {r}"


def test_patch_error_names_the_operation(hinge, nothing_created):
    u = hinge.make_user()
    nothing_created.add(u["id"])
    ops = [{"op": "replace", "path": "title", "value": "T"}, {"op": "replace", "path": "nosuch[", "value": "x"}]
    r = hinge.strict.patch(f"/Users/{u['id']}", ops).error(400, ("invalidPath", "invalidFilter"))
    assert "Operations[1]" in r.json["detail"], r
    hinge.assert_entry(u["id"], {"title": None})


@pytest.mark.parametrize("body", [{}, {"Operations": []}, {"Operations": {}}, {"Operations": "x"}, {"Operations": [5]},
                                  {"Operations": [{}]},
                                  {"ops": [{"op": "add", "path": "title", "value": "x"}]}], ids=str)
def test_patch_without_operations(hinge, nothing_created, body):
    u = hinge.make_user()
    nothing_created.add(u["id"])
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], **body}
    hinge.lenient.call("PATCH", f"/Users/{u['id']}", body).error(400, ("invalidSyntax", "invalidValue"))


def json_suite():
    where = corpora()
    path = where and os.path.join(where, "json-test-suite", "test_parsing")
    return path if path and os.path.isdir(path) else None


def test_json_test_suite(hinge):
    """n_ texts are refused as 400 invalidSyntax; y_ and i_ texts are never a 5xx; the connection stays usable."""
    path = json_suite()
    if not path:
        pytest.skip("DIRHINGE_CORPORA names no folder with json-test-suite/test_parsing")
    wrong = []
    for name in sorted(os.listdir(path)):
        with open(os.path.join(path, name), "rb") as f:
            r = hinge.lenient.post("/Users/.search", raw=f.read())
        if name.startswith("n_") and (r.status != 400 or r.json.get("scimType") != "invalidSyntax"):
            wrong.append(f"{name}: {r.status} {r.body[:200]!r}")
        elif r.status >= 500 or r.status not in (200, 400):
            wrong.append(f"{name}: {r.status}")
    assert not wrong, "\n".join(wrong)


# --- media types, sizes, methods -------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", [
    "application/scim+json", "application/json", "application/scim+json;charset=utf-8",
    "application/json;charset=utf-8",
    "application/scim+json; charset=utf-8", 'application/scim+json; charset="UTF-8"',
    "application/json ; charset=UTF-8",
    "APPLICATION/SCIM+JSON", "Application/Json; Charset=Utf-8", "application/scim+json; version=2; charset=utf-8"])
@pytest.mark.parametrize("client", ["lenient", "strict", "entra", "okta"])
def test_G1_content_types(hinge, nothing_created, client, kind):
    name = unique("g1-")
    r = hinge.client(client).post("/Users", raw=GOOD % name.encode(), headers={"Content-Type": kind}).expect(201)
    nothing_created.add(r.json["id"])
    assert hinge.entry(r.json["id"])["uid"] == [name]


@pytest.mark.parametrize("kind", [
    "text/plain", "application/xml", "application/x-www-form-urlencoded", "scim+json", "*/*", "application/jsonx",
    "application/scim+json; charset=iso-8859-1", "text/html,application/json"])
@pytest.mark.parametrize("client", ["lenient", "strict"])
def test_G1_other_content_types(hinge, client, kind):
    hinge.client(client).post("/Users", raw=GOOD % b"g1x", headers={"Content-Type": kind}).error(415)


@pytest.mark.parametrize("client", ["lenient", "entra", "okta", "strict"])
def test_G2_missing_content_type(hinge, nothing_created, client):
    name = unique("g2-")
    r = hinge.client(client).post("/Users", raw=GOOD % name.encode(), headers={"Content-Type": None})
    if client == "strict":
        r.error(415)
    else:
        nothing_created.add(r.expect(201).json["id"])


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_compressed_body_is_refused(hinge, encoding):
    hinge.lenient.post("/Users", raw=GOOD % b"gz", headers={"Content-Encoding": encoding}).expect(415, 400)


def test_G3_body_over_the_limit(hinge):
    """Refused by Content-Length before the body is sent; a client that sends anyway gets the answer or a reset."""
    host, _, port = hinge.daemon.address.rpartition(":")
    with socket.create_connection((host, int(port)), 30) as s:
        s.sendall((f"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {hinge.lenient.token}\r\n"
                   f"Content-Type: {SCIM_JSON}\r\nContent-Length: 2000000000\r\n\r\n").encode())
        answer = _read_answer(s)
    assert answer.startswith(b"HTTP/1.1 413"), answer[:300]
    assert b"urn:ietf:params:scim:api:messages:2.0:Error" in answer, answer[:600]


def test_G3_chunked_body_over_the_limit(hinge):
    host, _, port = hinge.daemon.address.rpartition(":")
    with socket.create_connection((host, int(port)), 30) as s:
        s.sendall((f"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {hinge.lenient.token}\r\n"
                   f"Content-Type: {SCIM_JSON}\r\nTransfer-Encoding: chunked\r\n\r\n").encode())
        chunk = b"10000\r\n" + b"a" * 65536 + b"\r\n"
        answer = b""
        try:
            for _ in range(400):  # 25 MiB: must be cut off long before
                s.sendall(chunk)
                s.setblocking(False)
                try:
                    answer += s.recv(65536)
                except BlockingIOError:
                    pass
                s.setblocking(True)
                s.settimeout(30)
                if answer:
                    break
            else:
                raise AssertionError("25 MiB of chunks were taken")
        except (BrokenPipeError, ConnectionResetError):
            pass
        else:
            assert answer.startswith(b"HTTP/1.1 413"), answer[:300]
    hinge.lenient.get("/Users?count=0").expect(200)


def _read_answer(s):
    data = b""
    while True:
        try:
            piece = s.recv(65536)
        except (ConnectionResetError, TimeoutError):
            break
        data += piece
        head, sep, body = data.partition(b"\r\n\r\n")
        if not piece:
            break
        if sep:
            length = [int(line.split(b":")[1]) for line in head.split(b"\r\n")
                      if line.lower().startswith(b"content-length")]
            if length and len(body) >= length[0]:
                break
    return data


@pytest.mark.parametrize("path,status", [
    ("/Nothing", 404), ("/users", 404), ("/Users/a/b", 404), ("/Users/", 404), ("//Users", 404),
    ("/Schemas/urn:x", 404),
    ("/ResourceTypes/X", 404), ("/Users/../Groups", 404), ("/Users/%2e%2e/Groups", 404), ("/" + "a" * 5000, 404)])
def test_unknown_paths(hinge, path, status):
    r = hinge.lenient.get(path)
    assert r.status in (status, 400, 414), r


@pytest.mark.parametrize("path", ["/", "/scim", "/scim/v1/Users", "/admin", "/metrics/../scim/v2/Users",
                                  "/favicon.ico"])
def test_paths_outside_the_base(hinge, path):
    r = hinge.lenient.call("GET", path, absolute=True)
    assert r.status in (400, 404), r


@pytest.mark.parametrize("method,path", [("DELETE", "/Users"), ("PUT", "/Users"), ("PATCH", "/Groups"),
                                         ("POST", f"/Users/{UNKNOWN_ID}"), ("POST", f"/Groups/{UNKNOWN_ID}"),
                                         ("GET", "/Users/.search")])
def test_method_not_allowed(hinge, method, path):
    r = hinge.lenient.call(method, path, {} if method in ("PUT", "PATCH", "POST") else None)
    r.expect(405, 404) if path.endswith(".search") else r.error(405)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "FOO", "get"])
def test_unknown_methods(hinge, method):
    r = hinge.lenient.call(method, "/Users", absolute=method == "CONNECT")
    assert r.status in ((404,) if method == "CONNECT" else (400, 405, 501)), r


@pytest.mark.parametrize("method,path", [("GET", "/Me"), ("PATCH", "/Me")])
def test_not_implemented(hinge, method, path):
    r = hinge.lenient.call(method, path, {"schemas": []} if method != "GET" else None)
    r.error(501)


# --- who may do what -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("client,method,path,status", [
    ("users-reader", "GET", "/Users", 200), ("users-reader", "GET", "/Groups", 403),
    ("users-reader", "POST", "/Users", 403), ("users-reader", "PATCH", "/Users/<u>", 403),
    ("users-reader", "PUT", "/Users/<u>", 403), ("users-reader", "DELETE", "/Users/<u>", 403),
    ("users-reader", "POST", "/Users/.search", 200), ("users-reader", "POST", "/Groups", 403),
    ("users-reader", "DELETE", f"/Users/{UNKNOWN_ID}", 403), ("users-reader", "GET", "/Users/<u>", 200),
    ("groups-reader", "GET", "/Groups", 200), ("groups-reader", "GET", "/Users", 403),
    ("groups-reader", "POST", "/Groups", 403), ("groups-reader", "GET", "/Users/<u>", 403)])
def test_scopes(hinge, nothing_created, client, method, path, status):
    u = hinge.make_user()
    nothing_created.add(u["id"])
    before = hinge.entry(u["id"])
    body = {"POST": hinge.user_body() if not path.endswith(".search") else {"schemas": [], "count": 1},
            "PUT": hinge.user_body(userName=u["userName"], title="x"),
            "PATCH": {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                      "Operations": [{"op": "replace", "path": "title", "value": "x"}]}}.get(method)
    r = hinge.client(client).call(method, path.replace("<u>", u["id"]), body).expect(status)
    if status == 403:
        r.error(403)
        assert ":" in r.json["detail"], f"the detail does not name the missing scope: {r}"
    assert hinge.entry(u["id"]) == before


@pytest.mark.parametrize("path", ["/Users", "/Nothing", "/ServiceProviderConfig", "/Me"])
def test_without_token(hinge, path):
    r = hinge.lenient.get(path, token=False)
    assert r.status == 401 or (path == "/ServiceProviderConfig" and r.status == 200) or \
        (path == "/Nothing" and r.status == 404), r


def test_token_in_the_url_is_no_token(hinge):
    hinge.lenient.get(f"/Users?access_token={hinge.lenient.token}", token=False).error(401)


# --- framing ---------------------------------------------------------------------------------------------------------

FRAMING = {
    "two-lengths": "Content-Length: 5\r\nContent-Length: 6\r\n",
    "length-and-chunked": "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "negative": "Content-Length: -1\r\n", "plus": "Content-Length: +5\r\n", "hex": "Content-Length: 0x5\r\n",
    "encoding": "Transfer-Encoding: identity, chunked\r\n", "two-hosts": "Host: y\r\n",
    "two-tokens": "Authorization: Bearer y\r\n", "space-name": "X Y: 1\r\n", "fold": "X: 1\r\n folded\r\n",
}


@pytest.mark.parametrize("key", FRAMING)
def test_bad_framing_is_refused_and_the_connection_closed(hinge, key):
    """What one hop reads differently from another is request smuggling."""
    host, _, port = hinge.daemon.address.rpartition(":")
    with socket.create_connection((host, int(port)), 30) as s:
        smuggled = "GET /scim/v2/Users?count=0 HTTP/1.1\r\nHost: x\r\n" \
                   f"Authorization: Bearer {hinge.lenient.token}\r\n\r\n"
        s.sendall((f"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {hinge.lenient.token}\r\n"
                   f"Content-Type: {SCIM_JSON}\r\n{FRAMING[key]}\r\n0\r\n\r\n{smuggled}").encode())
        s.settimeout(10)
        data = b""
        while True:
            try:
                piece = s.recv(65536)
            except (ConnectionResetError, TimeoutError):
                break
            if not piece:
                break
            data += piece
    assert b"HTTP/1.1 200" not in data, f"a second request was taken from the rest: {data[:600]!r}"
    if data:
        assert data.split(b" ")[1][:1] in (b"4", b"5"), data[:300]


@pytest.mark.parametrize("host", ["", "a b", "x\tz", "evil.com/", "a@b", "[::1", "x:99999999"])
def test_bad_host(hinge, host):
    r = hinge.lenient.get("/Users?count=0", headers={"Host": host})
    assert r.status == 400, r


def test_connection_survives_errors(hinge):
    """Keep-alive: refused requests leave the connection in step."""
    c = hinge.lenient.clone()
    for _ in range(5):
        c.post("/Users", raw=b"{").error(400, "invalidSyntax")
        c.get(f"/Users/{UNKNOWN_ID}").error(404)
        c.post("/Users", raw=b'{"a":"' + b"x" * 20000 + b'"}', headers={"Content-Type": "text/plain"}).error(415)
        c.get("/Users?count=0").expect(200)
    c.close()


@pytest.mark.parametrize("partial", [b"", b"GET", b"GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\n",
                                     b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer <t>\r\n"
                                     b"Content-Type: application/json\r\nContent-Length: 500\r\n\r\n"
                                     b"{\"userName\":\"half\""])
def test_F67_client_that_vanishes(hinge, partial):
    """An incomplete request has no effect."""
    host, _, port = hinge.daemon.address.rpartition(":")
    with socket.create_connection((host, int(port)), 30) as s:
        s.sendall(partial.replace(b"<t>", hinge.lenient.token.encode()))
    hinge.lenient.get("/Users?count=0").expect(200)
    assert hinge.ldap.search(PEOPLE, "(uid=half)") == []


def test_every_answer_has_the_security_headers_of_an_api(hinge):
    r = hinge.lenient.get("/Users?count=0").expect(200)
    assert "no-store" in (r.headers.get("Cache-Control") or ""), "personal data must not be cached"
    assert r.headers.get("X-Content-Type-Options") == "nosniff"
    assert json.loads(r.body)
