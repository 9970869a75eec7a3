# SPDX-License-Identifier: Apache-2.0
"""A directory and a daemon in front of it, with the short forms the tests use to look at both sides."""

import itertools
import os

from .daemon import Daemon, PROFILES, SECRETS, secret
from .scim import ENTERPRISE, GROUP, USER
from .slapd import GATEWAY, GROUPS, PEOPLE, SUFFIX, Slapd

_serial = itertools.count(1)


def unique(prefix="u"):
    """A name no other test uses."""
    return f"{prefix}{os.getpid() % 1000}-{next(_serial)}"


def directory_config(slapd, uri=None):
    return {"flavour": "openldap", "uris": [uri or slapd.ldapi], "bind_dn": GATEWAY,
            "bind_password_file": slapd.pw_file, "pool_size": 8, "timeout": "5s"}


def config(slapd, **sections):
    """The usual configuration; sections extend it, "directory" replaces it."""
    c = {"server": {"listen": "127.0.0.1:0", "base_path": "/scim/v2"},
         "admin": {"listen": "127.0.0.1:0"},
         "directory": directory_config(slapd),
         "users": {"base": PEOPLE, "rdn": "uid", "object_classes": ["inetOrgPerson"],
                   "active": "ppolicy-end-time" if slapd.variant.ppolicy else "auto"},
         "groups": {"base": GROUPS, "rdn": "cn", "object_classes": ["groupOfNames"], "member_attribute": "member"}}
    for k, v in sections.items():
        c[k] = {**c[k], **v} if isinstance(v, dict) and k in c and k != "directory" else v
    return c


class Hinge:
    def __init__(self, slapd, clients=None, ready=True, context=None, **sections):
        self.slapd = slapd
        self.ldap = slapd.admin
        SECRETS.add(slapd.gateway_pw)
        self.daemon = Daemon(config(slapd, **sections), clients, context).start(ready)
        self._clients = {}

    def __getattr__(self, name):
        if name in PROFILES:
            return self.client(name)
        raise AttributeError(name)

    def client(self, name):
        if name not in self._clients or self._clients[name].address != self.daemon.address:
            self._clients[name] = self.daemon.client(name)
        return self._clients[name]

    def stop(self):
        for c in self._clients.values():
            c.close()
        self.daemon.stop()

    # --- making ---------------------------------------------------------------------------------------------------

    def user_body(self, **attrs):
        name = attrs.pop("userName") if "userName" in attrs else unique("u")
        body = {"schemas": [USER], "userName": name, "active": True,
                "name": {"givenName": "Ada", "familyName": "Lovelace"}}
        body.update(attrs)
        if ENTERPRISE in body:
            body["schemas"] = [USER, ENTERPRISE]
        return {k: v for k, v in body.items() if v is not None}

    def make_user(self, client="lenient", **attrs):
        return self.client(client).post("/Users", self.user_body(**attrs)).expect(201).json

    def make_group(self, *member_ids, client="lenient", **attrs):
        body = {"schemas": [GROUP], "displayName": attrs.pop("displayName", None) or unique("g")}
        body.update(attrs)
        if member_ids:
            body["members"] = [{"value": i} for i in member_ids]
        return self.client(client).post("/Groups", body).expect(201).json

    def make_many(self, count, prefix=None, extra=""):
        """count users by ldapadd, as an administrator would: [(id, dn)]. extra: more LDIF lines for each."""
        prefix = prefix or unique("m")
        text = ""
        for i in range(count):
            text += f"dn: uid={prefix}-{i},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: {prefix}-{i}\n" \
                    f"cn: Many {i}\nsn: Many\n{extra}\n"
        self.ldap.add_ldif(text)
        found = self.ldap.search(PEOPLE, f"(uid={prefix}-*)", attrs=("uid", "entryUUID"))
        order = {f"{prefix}-{i}": i for i in range(count)}
        found.sort(key=lambda e: order[e.one("uid")])
        assert len(found) == count
        return [(e.one("entryUUID"), e.dn) for e in found]

    def password(self):
        return secret("Pw-")

    # --- looking --------------------------------------------------------------------------------------------------

    def entry(self, id_):
        """The entry behind a SCIM id as ldapsearch shows it, or None."""
        found = self.ldap.search(SUFFIX, f"(entryUUID={id_})")
        assert len(found) <= 1
        return found[0] if found else None

    def dn(self, id_):
        e = self.entry(id_)
        assert e, f"no entry with entryUUID {id_}"
        return e.dn

    def member_dns(self, group_id):
        """Values of member without the placeholder."""
        return {v for v in self.entry(group_id)["member"] if v}

    def member_ids(self, group_id):
        return {self.ldap.read(dn, attrs=("entryUUID",)).one("entryUUID") for dn in self.member_dns(group_id)}

    def shown_members(self, group_id, client="lenient"):
        doc = self.client(client).get(f"/Groups/{group_id}").expect(200).json
        values = [m["value"] for m in doc.get("members", [])]
        assert len(values) == len(set(values)), f"a member twice: {values}"
        return set(values)

    def assert_members(self, group_id, *ids):
        """Both sides show exactly these members."""
        want = set(ids)
        shown, held = self.shown_members(group_id), self.member_ids(group_id)
        assert held == want, f"the directory holds {held}, expected {want}"
        assert shown == want, f"SCIM shows {shown}, expected {want}"

    def assert_entry(self, id_, expected):
        """expected: {attribute: [values] | None (absent) | predicate}."""
        e = self.entry(id_)
        assert e, f"no entry with entryUUID {id_}"
        for name, want in expected.items():
            got = e[name]
            if callable(want):
                assert want(got), f"{name} is {got!r} in\n{e}"
            elif want is None:
                assert got == [], f"{name} should be absent but is {got!r} in\n{e}"
            else:
                assert sorted(got) == sorted(want), f"{name} is {got!r}, expected {want!r} in\n{e}"
        return e


def new_slapd(variant):
    return Slapd(variant, source_dir())


def source_dir():
    here = os.path.dirname(os.path.abspath(__file__))
    return os.path.normpath(os.path.join(here, "..", "..", ".."))


def corpora():
    path = os.environ.get("DIRHINGE_CORPORA")
    return path if path and os.path.isdir(path) else None
