# SPDX-License-Identifier: Apache-2.0
"""What only Active Directory has: account bits, derived names, protected groups, addresses and countries."""

import threading

import pytest

from support import samba
from support.hinge import unique
from support.scim import GROUP, USER

pytestmark = pytest.mark.flavour("active-directory")

# userAccountControl ([MS-ADTS] 2.2.16) without ACCOUNTDISABLE; those that Samba accepts on a user
BITS = {"PASSWD_NOTREQD": 0x20, "ENCRYPTED_TEXT_PWD_ALLOWED": 0x80, "DONT_EXPIRE_PASSWORD": 0x10000,
        "SMARTCARD_REQUIRED": 0x40000, "TRUSTED_FOR_DELEGATION": 0x80000, "NOT_DELEGATED": 0x100000,
        "USE_DES_KEY_ONLY": 0x200000, "DONT_REQ_PREAUTH": 0x400000, "TRUSTED_TO_AUTH_FOR_DELEGATION": 0x1000000}


def replace(**attrs):
    return [{"op": "replace", "path": k, "value": v} for k, v in attrs.items()]


def uac(side, u):
    return int(side.entry(u["id"]).one("userAccountControl"))


def set_uac(side, u, value):
    side.ldap.modify(side.dn(u["id"]), ("replace", "userAccountControl", [str(value)]))


# --- userAccountControl (reliability.md T-06) ---------------------------------------------------------------------------

@pytest.mark.parametrize("bit", BITS)
def test_other_bits_survive(side, bit):
    u = side.make_user(password=side.password())
    set_uac(side, u, 0x200 | BITS[bit])
    c = side.client("entra")
    for value, want in ((False, 0x202), (False, 0x202), (True, 0x200), (True, 0x200)):
        c.patch(f"/Users/{u['id']}", replace(active=value)).expect(200, 204)
        assert uac(side, u) == want | BITS[bit]


def test_no_route_sets_bits(side):
    """The integer itself is not reachable, by whatever name."""
    c = side.client("lenient")
    for extra in ({"userAccountControl": 0x80200}, {"urn:ietf:params:scim:schemas:core:2.0:User:userAccountControl": 544},
                  {"active": 544}):
        r = c.post("/Users", dict(side.user_body(), **extra))
        if r.status == 201:
            assert uac(side, r.json) == 0x200
    u = side.make_user()
    for path in ("userAccountControl", "adminCount", "groupType", "servicePrincipalName", "msDS-AllowedToDelegateTo",
                 "sIDHistory", "primaryGroupID", "nTSecurityDescriptor"):
        c.patch(f"/Users/{u['id']}", [{"op": "add", "path": path, "value": "1"}])
    e = side.entry(u["id"])
    assert uac(side, u) == 0x200 and e["primaryGroupID"] == ["513"]
    assert all(a not in e for a in ("adminCount", "servicePrincipalName", "msDS-AllowedToDelegateTo", "sIDHistory"))


def test_an_administrator_changes_another_bit_meanwhile(side):
    """Each change of ours is one bit of what is there, however it races."""
    u = side.make_user(password=side.password())
    dn = side.dn(u["id"])
    stop = threading.Event()

    def administrator():
        for _ in range(15):
            for value in (0x10000, 0):
                for now in (0x200, 0x202):
                    try:
                        side.ldap.modify(dn, ("delete", "userAccountControl", [str(now | (0x10000 - value))]),
                                         ("add", "userAccountControl", [str(now | value)]))
                    except AssertionError:
                        pass  # not what is there now
        stop.set()

    t = threading.Thread(target=administrator)
    t.start()
    c, value = side.client("lenient"), True
    while not stop.is_set():
        value = not value
        c.patch(f"/Users/{u['id']}", replace(active=value)).expect(200, 204)
        assert bool(uac(side, u) & 2) is not value
    t.join()
    assert uac(side, u) & ~0x10002 == 0x200


def test_an_account_that_has_expired(side):
    """accountExpires keeps an account out as well: it is shown as it is, and enabling it means that it can bind."""
    pw = side.password()
    u = side.make_user(password=pw)
    side.ldap.modify(side.dn(u["id"]), ("replace", "accountExpires", ["132000000000000000"]))
    c = side.client("lenient")
    assert c.get(f"/Users/{u['id']}").json["active"] is False and not side.binds(u["id"], pw)
    assert c.find("Users", f'active eq false and userName eq "{u["userName"]}"')["totalResults"] == 1
    c.patch(f"/Users/{u['id']}", replace(active=True)).expect(200, 204)
    assert side.binds(u["id"], pw) and side.entry(u["id"]).one("accountExpires") == "9223372036854775807"


# --- creating -----------------------------------------------------------------------------------------------------------

def test_a_weak_password_leaves_nothing(side):
    name = f"{unique('weak')}@{side.domain}"
    side.client("lenient").post("/Users", side.user_body(userName=name, password="abc")).error(400, "invalidValue")
    assert side.ldap.search(side.suffix, f"(userPrincipalName={name})") == []
    side.client("lenient").post("/Users", side.user_body(userName=name, password=side.password())).expect(201)


def test_a_new_account_needs_a_password(side):
    """PASSWD_NOTREQD is never set."""
    assert uac(side, side.make_user()) == 0x200
    assert uac(side, side.make_user(active=False)) == 0x202


@pytest.mark.parametrize("local, account", [
    ("Anne.O'Neil", "Anne.O'Neil"), ("a" * 30, "a" * 20), ("x\"y/z:;|=,+*?<>", "x_y_z__________"), ("dots...", "dots")])
def test_account_names(side, local, account):
    """sAMAccountName is made of the first part of userName, within what the directory allows, and numbered if taken."""
    tag = unique("")
    first, second = (side.make_user(userName=f"{local}@{tag}{n}.test", displayName=unique("A")) for n in "ab")
    got = [side.entry(u["id"]).one("sAMAccountName") for u in (first, second)]
    assert got[0][:len(account) - 1] == account[:len(account) - 1] and got[0] != got[1]
    assert all(len(g) <= 20 for g in got)
    c = side.client("lenient")
    c.patch(f"/Users/{first['id']}", replace(userName=f"{unique('new')}@{side.domain}")).expect(200, 204)
    assert side.entry(first["id"]).one("sAMAccountName") == got[0], "people log on with it: it stays"
    for u in (first, second):
        c.delete(f"/Users/{u['id']}").expect(204)


def test_common_names_follow_and_are_numbered(side):
    name, new = unique("Sam Doe"), unique("Sam Ray")
    users = [side.make_user(displayName=name) for _ in range(3)]
    assert [side.entry(u["id"]).one("cn") for u in users] == [name, f"{name} 2", f"{name} 3"]
    c = side.client("lenient")
    for u in users[1:]:
        c.patch(f"/Users/{u['id']}", replace(displayName=new)).expect(200, 204)
    assert [side.entry(u["id"]).one("cn") for u in users] == [name, new, f"{new} 2"]
    side.ldap.rename(side.dn(users[0]["id"]), f"CN={new} (by hand)")
    c.patch(f"/Users/{users[0]['id']}", replace(displayName=new)).expect(200, 204)
    e = side.entry(users[0]["id"])
    assert e.one("cn") == f"{new} (by hand)" and e.one("displayName") == new


def test_a_name_that_hundreds_have(side):
    """Somebody is always the next one; an administrator may have made the others."""
    name, short = unique("Wei Zhang"), unique("wz")
    side.load("".join(f"dn: CN={name}{number},{side.people}\nobjectClass: user\nsAMAccountName: {short}{i}\n"
                      f"userPrincipalName: {short}{i}@{side.domain}\nuserAccountControl: 514\n\n"
                      for i, number in ((i, f" {i}" if i > 1 else "") for i in range(1, 131))))
    c = side.client("lenient")
    u = side.make_user(displayName=name)
    cn = side.entry(u["id"]).one("cn")
    assert cn.startswith(name + " ") and int(cn[len(name) + 1:]) > 9, cn
    new = unique("Wei Li")
    c.patch(f"/Users/{u['id']}", replace(displayName=new)).expect(200, 204)
    assert side.entry(u["id"]).one("cn") == new, "a name with a number is one of ours and follows"
    c.patch(f"/Users/{u['id']}", replace(displayName=name)).expect(200, 204)
    assert side.entry(u["id"]).one("cn").startswith(name + " ")


def test_many_namesakes_at_once(side):
    name, got = unique("Kim Twin"), []

    def make():
        c = side.daemon.client("lenient")
        got.append(c.post("/Users", side.user_body(displayName=name)).status)
        c.close()

    threads = [threading.Thread(target=make) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert got == [201] * 6, got
    assert len(side.ldap.search(side.people, f"(displayName={name})")) == 6


def test_a_group_is_a_global_security_group(side):
    g = side.make_group()
    e = side.entry(g["id"])
    assert e.one("groupType") == "-2147483646" and e.one("sAMAccountName") == e.one("cn") == g["displayName"]


def test_account_names_as_user_names(side_server, tmp_path):
    """The operator's map may make sAMAccountName the userName; then nothing is derived for it."""
    server, kind = side_server
    path = tmp_path / "users.yaml"
    path.write_text("rows:\n  - { scim: userName, ldap: sAMAccountName }\n")
    s = kind(server, users={"map": str(path)})
    try:
        name = unique("logon").replace("-", "")
        u = s.make_user(userName=name)
        e = s.entry(u["id"])
        assert e.one("sAMAccountName") == u["userName"] == name and "userPrincipalName" not in e
        s.client("lenient").post("/Users", s.user_body(userName=name.upper())).error(409, "uniqueness")
        new = unique("l2").replace("-", "")
        s.client("lenient").patch(f"/Users/{u['id']}", replace(userName=new)).expect(200, 204)
        assert s.entry(u["id"]).one("sAMAccountName") == new
    finally:
        s.stop()


# --- what lives in several attributes ----------------------------------------------------------------------------------

@pytest.mark.parametrize("sent", ["DE", "de", "Germany"])
def test_the_three_country_attributes(side, sent):
    u = side.make_user(addresses=[{"type": "work", "locality": "Bonn", "country": sent}])
    assert u["addresses"][0]["country"] == "DE"
    side.assert_entry(u["id"], {"c": ["DE"], "co": ["Germany"], "countryCode": ["276"]})
    c = side.client("lenient")
    c.patch(f"/Users/{u['id']}", [{"op": "replace", "path": 'addresses[type eq "work"].country', "value": "FR"}])
    side.assert_entry(u["id"], {"c": ["FR"], "co": ["France"], "countryCode": ["250"], "l": ["Bonn"]})
    c.patch(f"/Users/{u['id']}", [{"op": "remove", "path": "addresses"}]).expect(200, 204)
    side.assert_entry(u["id"], {"c": None, "co": None, "countryCode": ["0"], "l": None})


def test_an_unknown_country(side):
    side.client("lenient").post("/Users", side.user_body(addresses=[{"type": "work", "country": "Narnia"}])) \
        .error(400, "invalidValue")


def test_proxy_addresses(side):
    """emails[other] are the secondary ones; the primary one follows mail where there is one; the rest stays."""
    a, b, c2 = (f"{unique('p')}@{side.domain}" for _ in range(3))
    u = side.make_user(emails=[{"type": "work", "value": a}, {"type": "other", "value": b}])
    side.assert_entry(u["id"], {"mail": [a], "proxyAddresses": [f"smtp:{b}"]})
    side.ldap.modify(side.dn(u["id"]), ("add", "proxyAddresses", [f"SMTP:{a}", "sip:x@example.com"]))
    c = side.client("lenient")
    shown = c.get(f"/Users/{u['id']}").json["emails"]
    assert sorted((e["type"], e["value"]) for e in shown) == [("other", b), ("work", a)]
    assert c.find("Users", f'emails[type eq "other" and value eq "{b}"]')["totalResults"] == 1
    c.patch(f"/Users/{u['id']}", [
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": c2},
        {"op": "remove", "path": 'emails[type eq "other"]'}]).expect(200, 204)
    side.assert_entry(u["id"], {"mail": [c2], "proxyAddresses": [f"SMTP:{c2}", "sip:x@example.com"]})


def test_one_external_id(side):
    """The attribute holds one value: the second client is told, and the first one keeps its own."""
    u = side.make_user(client="entra", externalId="first")
    side.client("okta").patch(f"/Users/{u['id']}", replace(externalId="second")).error(409)
    assert side.client("entra").get(f"/Users/{u['id']}").json["externalId"] == "first"
    side.client("entra").patch(f"/Users/{u['id']}", replace(externalId="other")).expect(200, 204)
    assert side.client("entra").get(f"/Users/{u['id']}").json["externalId"] == "other"


# --- what is there besides our users -----------------------------------------------------------------------------------

def test_computers_are_no_users(side):
    name = unique("PC").replace("-", "")
    side.ldap.add(f"CN={name},{side.people}", {"objectClass": "computer", "sAMAccountName": f"{name}$",
                                               "userPrincipalName": f"{name}@{side.domain}", "userAccountControl": "4096"})
    assert side.client("lenient").find("Users", f'userName eq "{name}@{side.domain}"')["totalResults"] == 0


def test_the_primary_group_is_not_shown(side):
    u = side.make_user()
    assert "groups" not in side.client("lenient").get(f"/Users/{u['id']}").json


def test_a_moved_user_keeps_its_id(side):
    u = side.make_user()
    ou = f"OU={unique('dept')},{side.people}"
    side.ldap.add(ou, {"objectClass": "organizationalUnit"})
    side.ldap.move(side.dn(u["id"]), ou)
    c = side.client("lenient")
    c.patch(f"/Users/{u['id']}", replace(title="Mover", displayName=unique("There"))).expect(200, 204)
    assert side.dn(u["id"]).endswith(ou) and side.value(u["id"], "title") == "Mover"


# --- protected groups and accounts (reliability.md T-05) ---------------------------------------------------------------

def refused(side, r, dn, before):
    assert r.status == 403, r
    assert side.ldap.read(dn) == before, "the directory was changed"


@pytest.fixture(scope="module")
def wide(side_server):
    """A daemon that may do everything, with bases that hold the built-in groups: what protects is Dirhinge alone."""
    server, kind = side_server
    pw = f"{server.dir}/admin.pw"
    server.admin_password_file(pw)
    s = kind(server, directory={"bind_dn": f"CN=Administrator,CN=Users,{samba.SUFFIX}", "bind_password_file": pw},
             users={"base": samba.SUFFIX}, groups={"base": samba.SUFFIX})
    yield s
    s.stop()


GROUPS = ["CN=Domain Admins,CN=Users", "CN=Enterprise Admins,CN=Users", "CN=Schema Admins,CN=Users",
          "CN=Domain Controllers,CN=Users", "CN=Read-only Domain Controllers,CN=Users",
          "CN=Group Policy Creator Owners,CN=Users", "CN=Administrators,CN=Builtin", "CN=Account Operators,CN=Builtin",
          "CN=Server Operators,CN=Builtin", "CN=Print Operators,CN=Builtin", "CN=Backup Operators,CN=Builtin",
          "CN=Replicator,CN=Builtin"]


@pytest.mark.parametrize("rdn", GROUPS)
def test_protected_groups(wide, rdn):
    dn = f"{rdn},{samba.SUFFIX}"
    g, u, c, before = wide.id_of(dn), wide.make_user(), wide.client("lenient"), wide.ldap.read(dn)
    for ops in ([{"op": "add", "path": "members", "value": [{"value": u["id"]}]}], replace(displayName="x"),
                [{"op": "remove", "path": "members"}]):
        refused(wide, c.patch(f"/Groups/{g}", ops), dn, before)
    refused(wide, c.put(f"/Groups/{g}", {"schemas": [GROUP], "displayName": "x", "members": [{"value": u["id"]}]}), dn,
            before)
    refused(wide, c.delete(f"/Groups/{g}"), dn, before)


def test_a_renamed_protected_group(wide):
    """The SID decides, not the name."""
    dn = f"CN=Print Operators,CN=Builtin,{samba.SUFFIX}"
    g = wide.id_of(dn)
    u = wide.make_user()
    wide.ldap.modify(dn, ("replace", "sAMAccountName", ["Druckbediener"]))
    try:
        r = wide.client("lenient").patch(f"/Groups/{g}", [{"op": "add", "path": "members", "value": [{"value": u["id"]}]}])
        assert r.status == 403 and wide.member_dns(g) == set()
    finally:
        wide.ldap.modify(dn, ("replace", "sAMAccountName", ["Print Operators"]))


def test_a_group_inside_a_protected_one(wide):
    """No way round by nesting: into a group that is in a group that is in Domain Admins."""
    inner, outer, u = wide.make_group(), wide.make_group(), wide.make_user()
    wide.ldap.modify(wide.dn(outer["id"]), ("add", "member", [wide.dn(inner["id"])]))
    wide.ldap.modify(f"CN=Domain Admins,CN=Users,{samba.SUFFIX}", ("add", "member", [wide.dn(outer["id"])]))
    try:
        for g in (inner, outer):
            r = wide.client("lenient").patch(f"/Groups/{g['id']}",
                                             [{"op": "add", "path": "members", "value": [{"value": u["id"]}]}])
            assert r.status == 403, r
        assert wide.member_dns(inner["id"]) == set()
    finally:
        wide.ldap.modify(f"CN=Domain Admins,CN=Users,{samba.SUFFIX}", ("delete", "member", [wide.dn(outer["id"])]))
    wide.client("lenient").patch(f"/Groups/{inner['id']}",
                                 [{"op": "add", "path": "members", "value": [{"value": u["id"]}]}]).expect(200, 204)


def test_protected_accounts(wide):
    """By adminCount, and by RID for Administrator and krbtgt."""
    c = wide.client("lenient")
    u = wide.make_user()
    wide.ldap.modify(wide.dn(u["id"]), ("replace", "adminCount", ["1"]))
    dns = [wide.dn(u["id"]), f"CN=krbtgt,CN=Users,{samba.SUFFIX}", f"CN=Administrator,CN=Users,{samba.SUFFIX}"]
    for dn in dns[1:]:
        wide.ldap.modify(dn, ("replace", "userPrincipalName", [f"{unique('adm')}@{wide.domain}"]))
    for dn in dns:
        before, i = wide.ldap.read(dn), wide.id_of(dn)
        c.get(f"/Users/{i}").expect(200)
        for ops in (replace(active=False), replace(password=wide.password()), replace(title="x")):
            r = c.patch(f"/Users/{i}", ops)
            assert r.status == 403, r
        assert c.delete(f"/Users/{i}").status == 403
        assert {k: v for k, v in wide.ldap.read(dn).attrs.items() if "logon" not in k} == \
            {k: v for k, v in before.attrs.items() if "logon" not in k}


def test_least_rights(side):
    """The account of the tests has rights on two containers only: what it may not do is an error, not a loss."""
    r = side.client("lenient").post("/Users", {"schemas": [USER], "userName": f"{unique('r')}@{side.domain}"})
    r.expect(201)
    probe = f"CN={unique('probe')},CN=Users,{samba.SUFFIX}"
    tools = samba.Tools(side.server.ldaps, samba.GATEWAY, side.server.gateway_pw, side.server.dir, ca=side.server.ca.pem)
    with pytest.raises(AssertionError):
        tools.add(probe, {"objectClass": "user", "sAMAccountName": unique("p")})
