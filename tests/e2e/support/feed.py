# SPDX-License-Identifier: Apache-2.0
"""A directory, a daemon that follows it, and one reader: what an action becomes; and the folding of all events."""

import itertools
import json

from .daemon import WRITE
from .hinge import Hinge, new_slapd, unique
from .reader import Reader
from .slapd import GROUPS, PEOPLE, Variant
from .wait import until

CLIENTS = [{"name": "lenient", "profile": "lenient", "scopes": WRITE}, {"name": "reader", "scopes": ["events:read"]},
           {"name": "operator", "scopes": ["admin"]}]


def short(event):
    """(type, subject, member) without what all have in common."""
    kind = event["type"].removeprefix("dsync.")
    return (kind, event["subject"]["id"]) + ((event["member"]["value"],) if "member" in event else ())


class Fed(Hinge):
    """history: from the accesslog, where every operation is told; else by syncrepl alone. polled: no search is held
    open. source: what is followed when it is something else."""

    def __init__(self, variant=Variant(), history=True, slapd=None, directory=None, polled=False, source=None,
                 **events):
        slapd = slapd or new_slapd(variant)
        self.prime(slapd.admin)
        # What an event says of locations does not depend on a request; with this URL answers say the same.
        if polled:
            events = {"poll": True, "poll_interval": "1s", **events}
        super().__init__(slapd, CLIENTS, server={"external_url": "https://scim.example.com"},
                         events={"history": history, **events}, **({"directory": directory} if directory else {}))
        self._numbers = itertools.count(1)
        self.marker = None
        self.polled = polled
        # A look is no snapshot: what happens while it runs may show in it without what was before it. The next one has
        # all that was before.
        self.marks = 2 if polled or source else 1
        self.live(source or ("accesslog" if history else "syncrepl") + (", polled" if polled else ""))
        self.reader = Reader(self.daemon.address, self.daemon.tokens["reader"])
        self.mark()

    @staticmethod
    def prime(ldap):
        """The accesslog is believed to hold everything when it holds one of each kind."""
        dn = ldap.add(f"ou=prime,{PEOPLE}", {"objectClass": "organizationalUnit", "ou": "prime"})
        ldap.modify(dn, ("replace", "description", ["x"]))
        ldap.rename(dn, "ou=primed")
        ldap.delete(f"ou=primed,{PEOPLE}")

    def sync(self):
        status, _, body = self.daemon.probe("/admin/v1/sync", admin=True, token=self.daemon.tokens["operator"])
        assert status == 200, body
        return json.loads(body)

    def live(self, source=None, seconds=30):
        def is_live():
            s = self.sync()
            return s if s["state"] == "live" and source in (None, s.get("source")) else None
        return until(is_live, f"the feed to follow{' the ' + source if source else ''}", seconds)

    def reopen(self):
        """After a restart of the daemon."""
        cursor = self.reader.cursor
        self.reader.close()
        self.reader = Reader(self.daemon.address, self.daemon.tokens["reader"])
        self.reader.cursor = cursor

    def mark(self):
        """Everything done before is told of: all events until now; the reader's place is behind them."""
        if not self.marker:
            self.marker = self.add_user(unique("marker"))
        told = []
        for _ in range(self.marks):
            title = f"mark-{next(self._numbers)}"
            self.ldap.modify(self.marker, ("replace", "title", [title]))
            told += self.reader.until(lambda e, title=title: e["data"].get("title") == title)
        return [e for e in told if e["data"].get("userName") != self.marker.split(",")[0][4:]]

    def told(self, action, *args, **kw):
        """The events that an action makes, and nothing else that happened meanwhile."""
        action(*args, **kw)
        return self.mark()

    # --- making, as an administrator ------------------------------------------------------------------------------

    def add_user(self, uid, below=PEOPLE, **attrs):
        return self.ldap.add(f"uid={uid},{below}", {"objectClass": "inetOrgPerson", "uid": uid, "cn": f"Cn {uid}",
                                                    "sn": f"Sn {uid}", **attrs})

    def add_group(self, cn, members=(), **attrs):
        return self.ldap.add(f"cn={cn},{GROUPS}", {"objectClass": "groupOfNames", "cn": cn,
                                                   "member": list(members) or [""], **attrs})

    def id(self, dn):
        return self.ldap.read(dn, attrs=("entryUUID",)).one("entryUUID")

    def stop(self):
        self.reader.close()
        super().stop()

    def remove(self):
        try:
            self.stop()
        finally:
            self.slapd.remove()
