# SPDX-License-Identifier: Apache-2.0
"""The directory that FLAVOUR names, with a daemon in front of it, for the tests that every directory must pass."""

import os

from . import ds389, samba, slapd
from .daemon import Daemon, SECRETS, secret
from .hinge import Hinge, source_dir, unique
from .ldap import ldif_line
from .scim import USER

FLAVOURS = ("openldap", "active-directory", "389ds")
FLAVOUR = os.environ.get("FLAVOUR") or "openldap"
assert FLAVOUR in FLAVOURS, f"FLAVOUR is one of {', '.join(FLAVOURS)}"


def why_not():
    """What keeps this machine from running the directory, or None."""
    if FLAVOUR == "openldap":
        return None if slapd.find_tools() else "slapd with its modules is not installed (Debian: slapd ldap-utils)"
    return (samba if FLAVOUR == "active-directory" else ds389).why_not()


class Side(Hinge):
    """A Hinge whose directory is not always slapd. names: what the LDAP attributes are called."""

    suffix = people = groups = leavers = None
    id_attr = "entryUUID"
    names = {"userName": "uid", "displayName": "displayName", "familyName": "sn", "givenName": "givenName",
             "title": "title", "mail": "mail", "manager": "manager", "member": "member", "phone": "telephoneNumber"}

    def __init__(self, server, clients=None, **sections):
        self.server = server
        self.slapd = None
        self.ldap = server.admin
        self.domain = "example.com"
        SECRETS.add(server.gateway_pw)
        c = {"server": {"listen": "127.0.0.1:0", "base_path": "/scim/v2"}, "admin": {"listen": "127.0.0.1:0"},
             **self.config()}
        for k, v in sections.items():
            c[k] = {**c.get(k, {}), **v}
        self.daemon = Daemon(c, clients).start()
        self._clients = {}

    def user_body(self, **attrs):
        """A userName as cloud identity providers send it."""
        attrs.setdefault("userName", f"{unique('u')}@{self.domain}")
        return super().user_body(**attrs)

    def password(self):
        return secret("Pw-") + "Xy9"

    def entry(self, id_):
        found = self.ldap.search(self.suffix, f"(entryUUID={id_})")
        assert len(found) <= 1
        return found[0] if found else None

    def id_of(self, dn):
        return self.ldap.read(dn, attrs=("entryUUID",)).one("entryUUID")

    def id_text(self, value):
        return value

    def member_ids(self, group_id):
        """By one search of everything: a group may have thousands."""
        dns = {dn.lower() for dn in self.member_dns(group_id)}
        if not dns:
            return set()
        attr = self.id_attr
        found = {e.dn.lower(): self.id_text(e.one(attr)) for base in (self.people, self.groups)
                 for e in self.ldap.search(base, f"({attr}=*)", attrs=(attr,))}
        return {found[dn] for dn in dns}

    def value(self, id_, name):
        """The only value of an attribute by its SCIM name, None if it has none."""
        values = self.entry(id_)[self.names[name]]
        assert len(values) <= 1, values
        return values[0] if values else None

    def binds(self, id_, password):
        return self.ldap.binds(self.dn(id_), password)

    def new_user(self, i, prefix):
        """(dn, {attribute: value}) of a user as an administrator makes it."""
        name = f"{prefix}-{i}"
        return f"uid={name},{self.people}", {"objectClass": "inetOrgPerson", "uid": name, "cn": name, "sn": "Many"}

    def new_group(self, name, dns):
        return f"cn={name},{self.groups}", {"objectClass": "groupOfNames", "cn": name, "member": dns or [""]}

    def make_many(self, count, prefix=None, extra=""):
        """count users by ldapadd: their DNs in order."""
        prefix = prefix or unique("m")
        text, dns = "", []
        for i in range(count):
            dn, attrs = self.new_user(i, prefix)
            dns.append(dn)
            text += ldif_line("dn", dn) + "".join(ldif_line(k, v) for k, v in attrs.items()) + "\n"
        if text:
            self.load(text)
        return dns

    def load(self, text):
        """Many entries at once."""
        self.ldap.add_ldif(text, timeout=240)

    def ids(self, prefix):
        """{dn in lower case: SCIM id} of the users whose name begins so."""
        attr = self.names["userName"]
        found = self.ldap.search(self.people, f"({attr}={prefix}-*)", attrs=(attr, "entryUUID"))
        return {e.dn.lower(): e.one("entryUUID") for e in found}

    def disabled(self, id_):
        """What the directory itself says."""
        raise NotImplementedError


class OpenLdapSide(Side):
    suffix, people, groups, leavers = slapd.SUFFIX, slapd.PEOPLE, slapd.GROUPS, slapd.LEAVERS

    def config(self):
        return {"directory": {"flavour": "auto", "uris": [self.server.ldapi], "bind_dn": slapd.GATEWAY,
                              "bind_password_file": self.server.pw_file, "pool_size": 8, "timeout": "10s"},
                "users": {"base": self.people}, "groups": {"base": self.groups}}

    def disabled(self, id_):
        return "pwdEndTime" in self.entry(id_)


class Ds389Side(Side):
    suffix, people, groups, leavers = ds389.SUFFIX, ds389.PEOPLE, ds389.GROUPS, f"ou=leavers,{ds389.SUFFIX}"

    def config(self):
        return {"directory": {"flavour": "auto", "uris": [self.server.ldapi], "bind_dn": ds389.GATEWAY,
                              "bind_password_file": self.server.pw_file, "pool_size": 8, "timeout": "10s"},
                "users": {"base": self.people}, "groups": {"base": self.groups}}

    def entry(self, id_):
        found = self.ldap.search(self.suffix, f"(entryUUID={id_})", attrs=("*", "+", "nsAccountLock"))
        assert len(found) <= 1
        return found[0] if found else None

    def new_group(self, name, dns):
        return f"cn={name},{self.groups}", {"objectClass": "groupOfNames", "cn": name, "member": dns}

    def disabled(self, id_):
        return [v.lower() for v in self.entry(id_)["nsAccountLock"]] == ["true"]


class ActiveDirectorySide(Side):
    suffix, people, groups, leavers = samba.SUFFIX, samba.PEOPLE, samba.GROUPS, samba.LEAVERS
    names = dict(Side.names, userName="userPrincipalName")
    id_attr = "objectGUID"

    def id_text(self, value):
        return samba.guid_text(value)

    def config(self):
        self.domain = samba.REALM
        return {"directory": {"flavour": "auto", "uris": [self.server.ldaps], "bind_dn": samba.GATEWAY,
                              "bind_password_file": self.server.pw_file, "ca_file": self.server.ca.pem,
                              "pool_size": 8, "timeout": "10s"},
                "users": {"base": self.people, "rdn": "cn", "object_classes": ["user"]},
                "groups": {"base": self.groups, "rdn": "cn", "object_classes": ["group"],
                           "member_attribute": "member"}}

    def entry(self, id_):
        found = self.ldap.search(f"<GUID={id_}>", scope="base", attrs=("*",))
        return found[0] if found else None

    def id_of(self, dn):
        return samba.guid_text(self.ldap.read(dn, attrs=("objectGUID",)).one("objectGUID"))

    def new_user(self, i, prefix):
        name = f"{prefix}-{i}"
        return f"CN={name},{self.people}", {"objectClass": "user", "sAMAccountName": name.replace("-", "")[:20],
                                            "userPrincipalName": name, "userAccountControl": "514", "sn": "Many"}

    def new_group(self, name, dns):
        attrs = {"objectClass": "group", "sAMAccountName": name, "groupType": "-2147483646"}
        return f"CN={name},{self.groups}", dict(attrs, member=dns) if dns else attrs

    def load(self, text):
        self.server.load(text)

    def ids(self, prefix):
        found = self.ldap.search(self.people, f"(userPrincipalName={prefix}-*)", attrs=("objectGUID",))
        return {e.dn.lower(): samba.guid_text(e.one("objectGUID")) for e in found}

    def disabled(self, id_):
        return bool(int(self.entry(id_).one("userAccountControl")) & 2)


def start():
    """(server, its Side class)."""
    if FLAVOUR == "active-directory":
        return samba.Samba(), ActiveDirectorySide
    if FLAVOUR == "389ds":
        built = os.path.dirname(os.environ["DIRHINGE_BIN"])
        return ds389.Ds389(f"{built}/schema/ldap/99dirhinge.ldif"), Ds389Side
    return slapd.Slapd(slapd.Variant(), source_dir()), OpenLdapSide


__all__ = ["FLAVOUR", "Side", "USER", "start", "why_not"]
