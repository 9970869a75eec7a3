# SPDX-License-Identifier: Apache-2.0
"""A SCIM client that checks on every answer what RFC 7644 asks of all of them."""

import http.client
import json
import select
import socket
from urllib.parse import quote, unquote, urlencode

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
SCIM_JSON = "application/scim+json"
LARGE = 1 << 20  # bytes of a body above which the client asks first


class Reply:
    def __init__(self, method, path, sent, status, headers, body):
        self.method, self.path, self.sent = method, path, sent
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError as e:
            raise AssertionError(f"{self}: the body is not JSON: {e}") from e

    def __str__(self):
        sent = f" {self.sent[:900]!r}" if self.sent else ""
        return f"{self.method} {self.path}{sent} -> {self.status} {self.body[:900]!r}"

    __repr__ = __str__

    def expect(self, *status):
        assert self.status in status, f"expected {' or '.join(map(str, status))}: {self}"
        return self

    def error(self, status, scim_type=None):
        """The answer is this SCIM error; scim_type may be a tuple of allowed types."""
        self.expect(status)
        got = self.json.get("scimType")
        allowed = scim_type if isinstance(scim_type, tuple) else (scim_type,)
        assert got in allowed, f"expected scimType {allowed}: {self}"
        return self


def check(r):
    """RFC 7644 3.1, 3.3, 3.8, 3.12: what holds for every answer of a SCIM endpoint."""
    kind = (r.headers.get("Content-Type") or "").split(";")[0].strip().lower()
    if r.status in (204, 304) or r.method == "HEAD":
        assert r.body == b"", f"a body where none belongs: {r}"
        return
    if r.status == 200 and r.method == "OPTIONS":
        return
    if r.body:
        assert kind in (SCIM_JSON, "application/json"), f"Content-Type {kind!r}: {r}"
    if r.status >= 400:
        doc = r.json
        assert doc.get("schemas") == [ERROR], f"not a SCIM error: {r}"
        assert doc.get("status") == str(r.status), f"status must be the code as a string: {r}"
        assert isinstance(doc.get("detail"), str) and doc["detail"], f"an error without detail: {r}"
        if r.status == 401:
            assert r.headers.get("WWW-Authenticate"), f"401 without WWW-Authenticate: {r}"
        if r.status in (429, 503):
            assert int(r.headers.get("Retry-After", "0")) > 0, f"{r.status} without Retry-After: {r}"
        if r.status == 405:
            assert r.headers.get("Allow"), f"405 without Allow: {r}"
        low = doc["detail"].lower()
        for leak in ("dc=example", "entryuuid=", "ldap_", "cn=gateway"):
            sent = (unquote(r.path) + (r.sent or b"").decode("utf-8", "replace")).lower()
            assert leak not in low or leak in sent, f"{leak} is nothing for a client: {r}"
        return
    if r.body and isinstance(r.json, dict):
        _check_resource(r, r.json)
        for res in r.json.get("Resources", []):
            _check_resource(r, res)
    if r.status == 201:
        where = r.headers.get("Location")
        assert where and where == r.json.get("meta", {}).get("location", where), f"Location {where!r}: {r}"


def _check_resource(r, res):
    assert res.get("schemas"), f"a resource without schemas: {r}"
    assert len(set(res["schemas"])) == len(res["schemas"]), f"a URN twice in schemas: {r}"
    assert "password" not in res, f"a password in an answer: {r}"
    kind = res.get("meta", {}).get("resourceType")
    if kind in ("User", "Group"):
        assert isinstance(res.get("id"), str) and res["id"], f"no id: {r}"
        assert res["meta"].get("location", "").endswith(f"/{kind}s/{res['id']}"), f"meta.location: {r}"
        for urn in [k for k in res if k.startswith("urn:")]:
            assert urn in res["schemas"], f"{urn} has values but is not in schemas: {r}"


def connect(address, timeout, context=None):
    host, _, port = address.rpartition(":")
    if context:
        return http.client.HTTPSConnection(host.strip("[]"), int(port), timeout=timeout, context=context)
    return http.client.HTTPConnection(host.strip("[]"), int(port), timeout=timeout)


class Scim:
    """One client of the gateway; keeps its connection. Not for several threads: clone() gives each its own."""

    def __init__(self, address, base_path, token, name="", timeout=40, context=None):
        self.address, self.base_path, self.token, self.name, self.timeout = address, base_path, token, name, timeout
        self.context = context  # of TLS; None is plain HTTP
        self._conn = None

    def clone(self, token=None, timeout=None):
        return Scim(self.address, self.base_path, token or self.token, self.name, timeout or self.timeout,
                    self.context)

    def close(self):
        if self._conn:
            self._conn.close()
            self._conn = None

    def _connection(self):
        c = self._conn
        if c and c.sock and select.select([c.sock], [], [], 0)[0]:
            self.close()  # idle and readable: the server closed it
        if not self._conn:
            self._conn = connect(self.address, self.timeout, self.context)
        return self._conn

    def call(self, method, path, body=None, *, headers=None, raw=None, token=True, absolute=False):
        """body: sent as scim+json; raw: bytes as they are. headers override; a None value leaves a header out."""
        data = raw if raw is not None else (json.dumps(body).encode("utf-8") if body is not None else None)
        send = {"Accept": SCIM_JSON}
        if token:
            send["Authorization"] = f"Bearer {self.token}"
        if data is not None:
            send["Content-Type"] = SCIM_JSON + "; charset=utf-8"
            send["Content-Length"] = str(len(data))
        for k, v in (headers or {}).items():
            for old in [o for o in send if o.lower() == k.lower()]:
                del send[old]
            if v is not None:
                send[k] = v
        target = path if absolute else self.base_path + path
        c = self._connection()
        try:
            c.putrequest(method, target, skip_host="Host" in send, skip_accept_encoding=True)
            for k, v in send.items():
                c.putheader(k, v)
            if data is not None and len(data) > LARGE:
                self._send_large(c, data)
            else:
                c.endheaders(data)
            got = c.getresponse()
            reply = Reply(method, target, data, got.status, got.headers, got.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if got.will_close:
            self.close()
        if not absolute:
            check(reply)
        return reply

    def _send_large(self, c, data):
        """Asks before it sends, as curl does: a refusal is read instead of lost in a reset."""
        c.putheader("Expect", "100-continue")
        c.endheaders()
        select.select([c.sock], [], [], self.timeout)
        if c.sock.recv(12, socket.MSG_PEEK).endswith(b" 100"):
            c.send(data)

    def get(self, path, query=None, **kw):
        return self.call("GET", path + (("?" + urlencode(query, quote_via=quote)) if query else ""), **kw)

    def post(self, path, body=None, **kw):
        return self.call("POST", path, body, **kw)

    def put(self, path, body=None, **kw):
        return self.call("PUT", path, body, **kw)

    def patch(self, path, ops=None, *, schemas=True, **kw):
        """ops: the Operations."""
        body = {"schemas": [PATCH_OP]} if schemas else {}
        if ops is not None:
            body["Operations"] = ops
            kw.setdefault("raw", None)
        return self.call("PATCH", path, body, **kw)

    def delete(self, path, **kw):
        return self.call("DELETE", path, **kw)

    def find_all(self, kind, flt):
        """The resources of all pages, which other tests may have made many."""
        found, total = [], 1
        while len(found) < total:
            doc = self.find(kind, flt, count="1000", startIndex=str(len(found) + 1))
            assert doc["Resources"] or len(found) == doc["totalResults"], "a page is missing"
            found, total = found + doc["Resources"], doc["totalResults"]
        return found

    def find(self, kind, flt, **query):
        """The ListResponse of a filter, shape checked."""
        r = self.get(f"/{kind}", dict(filter=flt, **query)).expect(200)
        doc = r.json
        assert doc.get("schemas") == [LIST], f"not a ListResponse: {r}"
        for k in ("totalResults", "itemsPerPage", "startIndex"):
            if k in doc:
                assert isinstance(doc[k], int) and not isinstance(doc[k], bool), f"{k} must be a number: {r}"
        assert isinstance(doc.get("Resources"), list), f"Resources must be an array, [] when empty: {r}"
        return doc
