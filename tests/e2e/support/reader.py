# SPDX-License-Identifier: Apache-2.0
"""Readers of the change feed, as an application would be: pages, long polls, server-sent events, snapshots."""

import http.client
import json
import select
import time
from urllib.parse import quote, urlencode

from .scim import connect


class Page:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def events(self):
        return self.json["data"]

    @property
    def next(self):
        return self.json["next_cursor"]

    @property
    def more(self):
        return self.json["has_more"]

    def expect(self, status):
        assert self.status == status, f"expected {status}: {self.status} {self.body[:900]!r}"
        return self

    def error(self, status):
        doc = self.expect(status).json
        assert doc["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"] and doc["detail"], doc
        assert doc["status"] == str(status), doc
        return doc


class Reader:
    """One application: its token, its place. Not for several threads."""

    def __init__(self, address, token, **query):
        self.address, self.token, self.query = address, token, query
        self.cursor = None
        self._conn = None

    def get(self, path, headers=None, method="GET", **query):
        query = {k: v for k, v in query.items() if v is not None}
        target = path + ("?" + urlencode(query, quote_via=quote) if query else "")
        send = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if self._conn is None or (self._conn.sock and select.select([self._conn.sock], [], [], 0)[0]):
            self.close()
            self._conn = connect(self.address, 40)
        try:
            self._conn.request(method, target, headers={**send, **(headers or {})})
            r = self._conn.getresponse()
            page = Page(r.status, r.headers, r.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if r.will_close:
            self.close()
        return page

    def page(self, **query):
        """From the reader's place on, without moving it."""
        return self.get("/events", **{"after": self.cursor, **self.query, **query})

    def read(self, **query):
        """The next page; the place moves behind it."""
        p = self.page(**query).expect(200)
        self.cursor = p.next
        return p.events

    def now(self):
        self.cursor = self.page(after="now", limit=1).expect(200).next
        return self

    def until(self, wanted, seconds=20):
        """Reads on with long polls until an event is as wanted; returns all events read."""
        end = time.monotonic() + seconds
        seen = []
        while True:
            left = end - time.monotonic()
            assert left > 0, f"no such event among {[(e['type'], e['subject']) for e in seen]}"
            new = self.read(wait=int(min(left, 5)) + 1)
            seen += new
            if any(wanted(e) for e in new):
                return seen

    def snapshot(self, **query):
        """(resources, cursor)"""
        found, page = [], None
        while True:
            doc = self.get("/events/snapshot", page=page, **query).expect(200).json
            found += doc["data"]
            page = doc["next_page"]
            if not page:
                return found, doc["cursor"]

    def close(self):
        if self._conn:
            self._conn.close()
            self._conn = None


class Stream:
    """Server-sent events. read() blocks until the next one."""

    def __init__(self, address, token, last_id=None, **query):
        target = "/events/stream" + ("?" + urlencode(query, quote_via=quote) if query else "")
        self._conn = connect(address, 40)
        headers = {"Authorization": f"Bearer {token}"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        self._conn.request("GET", target, headers=headers)
        self._reply = self._conn.getresponse()
        self.status = self._reply.status
        self.last_id, self.comments = last_id, 0
        if self.status != 200:
            self.error = json.loads(self._reply.read())
            self.close()
            return
        assert self._reply.headers["Content-Type"] == "text/event-stream", self._reply.headers

    def read(self):
        """The next event, None at the end of the stream."""
        kind = data = None
        while True:
            line = self._reply.readline()
            if not line:
                return None
            line = line.decode("utf-8").rstrip("\n")
            if line == "":
                if data is not None:
                    event = json.loads(data)
                    assert event["type"] == kind and event["cursor"] == self.last_id, (kind, self.last_id, event)
                    return event
                kind = None
            elif line.startswith(":"):
                self.comments += 1
            else:
                name, _, value = line.partition(": ")
                if name == "id":
                    self.last_id = value
                elif name == "event":
                    kind = value
                elif name == "data":
                    data = value
                else:
                    assert name == "retry", line

    def close(self):
        self._conn.close()
