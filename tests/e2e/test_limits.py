# SPDX-License-Identifier: Apache-2.0
"""What the directory refuses or limits: read-only, rights, size limits, password policy, big requests."""

import threading

import pytest

from support.hinge import Hinge, directory_config, source_dir, unique
from support.match import shows
from support.scim import GROUP
from support.slapd import GATEWAY, GROUPS, PEOPLE, SUFFIX, Slapd, Variant
from support.slapdlog import done

DATABASE = "olcDatabase={2}mdb,cn=config"


@pytest.fixture(scope="module")
def own():
    """A directory whose configuration the tests change."""
    slapd = Slapd(Variant(), source_dir())
    h = Hinge(slapd, directory=dict(directory_config(slapd), timeout="20s"))
    yield h
    try:
        h.stop()
    finally:
        slapd.remove()


@pytest.fixture
def setting(own):
    """setting(attribute, values): changes the database for one test."""
    changed = {}

    def change(attribute, *values):
        before = own.slapd.config.read(DATABASE)[attribute]
        changed.setdefault(attribute, before)
        own.slapd.config.modify(DATABASE, ("replace", attribute, list(values)))

    yield change
    for attribute, values in changed.items():
        own.slapd.config.modify(DATABASE, ("replace", attribute, values))


def writes(h, u):
    """One write of each kind."""
    return [h.lenient.post("/Users", h.user_body()),
            h.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "title", "value": "no"}]),
            h.lenient.put(f"/Users/{u['id']}", h.user_body(userName=u["userName"], title="no")),
            h.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "userName", "value": unique("no-")}]),
            h.lenient.post("/Groups", {"schemas": [GROUP], "displayName": unique("no-")}),
            h.lenient.delete(f"/Users/{u['id']}")]


def test_F13_read_only_directory(own, setting):
    u = own.make_user(title="T")
    g = own.make_group(u["id"])
    before = own.entry(u["id"])
    setting("olcReadOnly", "TRUE")
    for r in writes(own, u):
        r.error(503)
    assert own.lenient.get(f"/Users/{u['id']}").expect(200).json["title"] == "T"
    own.assert_members(g["id"], u["id"])
    assert own.entry(u["id"]) == before


def test_F15_account_without_write_rights(own, setting):
    u = own.make_user(title="T")
    g = own.make_group(u["id"])
    before = own.entry(u["id"])
    setting("olcAccess", "to attrs=userPassword by anonymous auth by * none", f'to * by dn.exact="{GATEWAY}" read')
    for r in writes(own, u):
        r.error(403)
    assert own.lenient.get(f"/Users/{u['id']}").expect(200).json["title"] == "T"
    own.assert_members(g["id"], u["id"])
    assert own.entry(u["id"]) == before


def test_delete_that_is_refused_keeps_memberships_or_says_so(own, setting):
    """References go first, so that a leaver is out of the groups whatever happens; the answer must not be a success."""
    u = own.make_user()
    g = own.make_group(u["id"])
    setting("olcAccess", "to attrs=userPassword by anonymous auth by * none",
            f'to dn.one="{PEOPLE}" by dn.exact="{GATEWAY}" read', f'to * by dn.exact="{GATEWAY}" manage')
    own.lenient.delete(f"/Users/{u['id']}").error(403)
    assert own.entry(u["id"]) is not None
    assert own.shown_members(g["id"]) == {own.entry(u["id"]).one("entryUUID")} & own.member_ids(g["id"])


@pytest.mark.parametrize("limits", [["size=50"], ["size.prtotal=50"], ["size.soft=50 size.hard=50"]], ids=str)
def test_F16_a_size_limit_never_truncates_in_silence(own, setting, limits):
    own.make_many(120)
    held = len(own.ldap.search(PEOPLE, "(objectClass=inetOrgPerson)", attrs=("1.1",)))
    setting("olcLimits", *[f'dn.exact="{GATEWAY}" {x}' for x in limits])
    for path in ("/Users?count=1000", '/Users?filter=name.familyName+eq+"Many"&count=2',
                 '/Users?filter=name.familyName+co+"any"'):
        r = own.lenient.get(path).expect(200, 400, 503)
        if r.status == 400:
            r.error(400, "tooMany")
        elif r.status == 200:
            want = held if "filter" not in path else len(own.ldap.search(PEOPLE, "(sn=Many)", attrs=("1.1",)))
            assert r.json["totalResults"] == want, f"{r.json['totalResults']} of {want} without a word"


@pytest.fixture
def strict_policy(own):
    dn = f"cn=default,ou=policies,{SUFFIX}"
    own.ldap.modify(dn, ("replace", "pwdMinLength", ["14"]), ("replace", "pwdCheckQuality", ["2"]))
    yield
    own.ldap.modify(dn, ("replace", "pwdMinLength", []), ("replace", "pwdCheckQuality", []))


def test_password_policy_on_create(own, strict_policy):
    body = own.user_body(password="short-1")
    r = own.lenient.post("/Users", body)
    r.error(400, "invalidValue")
    assert "polic" in r.json["detail"] and "short-1" not in r.json["detail"], r
    assert own.ldap.search(PEOPLE, f"(uid={body['userName']})") == [], "a user without its password was left behind"


@pytest.mark.parametrize("how", ["PATCH", "PUT"])
def test_password_policy_on_change(own, strict_policy, how):
    pw = own.password()
    u = own.make_user(password=pw, title="T")
    if how == "PATCH":
        r = own.okta.patch(f"/Users/{u['id']}", [{"op": "replace", "value": {"password": "short-2", "title": "U"}}])
    else:
        r = own.okta.put(f"/Users/{u['id']}", own.user_body(userName=u["userName"], title="U", password="short-2"))
    r.error(400, "invalidValue")
    own.assert_entry(u["id"], {"title": ["T"]})
    assert own.ldap.binds(own.dn(u["id"]), pw) and not own.ldap.binds(own.dn(u["id"]), "short-2")


@pytest.mark.parametrize("value", ["{SSHA}0123456789abcdef", "{CLEARTEXT}x", "{CRYPT}$6$x"])
def test_hashed_passwords_are_refused(own, value):
    pw = own.password()
    u = own.make_user(password=pw)
    own.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "password", "value": value}]) \
        .error(400, "invalidValue")
    assert own.ldap.binds(own.dn(u["id"]), pw)


@pytest.mark.parametrize("op", [{"op": "remove", "path": "password"},
                                {"op": "replace", "path": "password", "value": None}],
                         ids=["remove", "null"])
def test_password_removal_is_done_or_refused(own, op):
    pw = own.password()
    u = own.make_user(password=pw)
    r = own.lenient.patch(f"/Users/{u['id']}", [op])
    if r.status in (200, 204):
        assert not own.ldap.binds(own.dn(u["id"]), pw), "a success, and the password still works"
        own.assert_entry(u["id"], {"userPassword": None})
    else:
        assert r.status in (400, 501), r
        assert own.ldap.binds(own.dn(u["id"]), pw)


def test_put_without_password_keeps_it(own):
    pw = own.password()
    u = own.make_user(password=pw)
    own.okta.put(f"/Users/{u['id']}", own.user_body(userName=u["userName"], title="T")).expect(200)
    assert own.ldap.binds(own.dn(u["id"]), pw)


def test_a_thousand_operations_are_one_modify(own):
    made = own.make_many(1000)
    g = own.make_group()
    ops = [{"op": "add", "path": "members", "value": [{"value": i}]} for i, _ in made]
    with own.slapd.watch() as seen:
        own.lenient.patch(f"/Groups/{g['id']}", ops).expect(200, 204)
    assert own.member_dns(g["id"]) == {dn for _, dn in made}
    assert len(done(seen, "MOD")) == 1 and len(seen) < 40, f"{len(seen)} operations"


def test_members_beyond_one_chunk(own):
    """More members than one modify carries: complete after POST, after PUT, after PATCH."""
    made = own.make_many(5200)
    name = unique("chunks-")
    values = [{"value": i} for i, _ in made]
    r = own.lenient.post("/Groups?excludedAttributes=members",
                         {"schemas": [GROUP], "displayName": name, "members": values}).expect(201)
    gid = r.json["id"]
    assert own.member_dns(gid) == {dn for _, dn in made}
    body = {"schemas": [GROUP], "displayName": name, "members": values[:10]}
    shows(own.lenient.put(f"/Groups/{gid}", body).expect(200).json, {"displayName": name})
    assert own.member_dns(gid) == {dn for _, dn in made[:10]}
    ops = [{"op": "replace", "path": "members", "value": values}]
    own.lenient.patch(f"/Groups/{gid}", ops).expect(200, 204)
    assert own.member_dns(gid) == {dn for _, dn in made}
    own.ldap.delete(f"cn={name},{GROUPS}")


def test_concurrent_changes_of_one_user(own):
    """Nobody's change is lost: each e-mail that was answered with success is there. 503 may be repeated."""
    u = own.make_user()
    good, bad = [], []

    def work(n):
        c = own.lenient.clone()
        for i in range(8):
            value = f"{n}-{i}@x.y"
            ops = [{"op": "add", "path": "emails", "value": [{"type": "work", "value": value}]},
                   {"op": "replace", "path": "title", "value": value}]
            r = c.patch(f"/Users/{u['id']}", ops)
            if r.status in (200, 204):
                good.append(value)
            elif r.status != 503:
                bad.append(str(r))
        c.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not bad, bad[0]
    assert len(good) >= 24, f"only {len(good)} of 48 changes went through"
    e = own.entry(u["id"])
    assert sorted(e["mail"]) == sorted(good), "a change was lost, or a refused one was made"
    assert e.one("title") in good


def test_concurrent_first_values(own):
    """An attribute that SCIM has once is there once, also when several clients are the first to set it."""
    clients, rounds = 6, 12
    users = [own.make_user()["id"] for _ in range(rounds)]
    barrier = threading.Barrier(clients)
    answers = []

    def work(n):
        c = own.lenient.clone()
        for id_ in users:
            barrier.wait(30)
            answers.append(c.patch(f"/Users/{id_}", [
                {"op": "replace", "path": path, "value": f"{path}-{n}"} for path in ("title", "userType")]).status)
        c.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(clients)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert set(answers) <= {200, 204, 503}, answers
    for id_ in users:
        e = own.entry(id_)
        assert len(e["title"]) == 1 and len(e["employeeType"]) == 1, f"values nobody asked for together:\n{e}"


def test_G6_deletes_above_the_hourly_rate(hinges):
    """fences.deletes_per_hour: the next delete is 429 with the seconds to wait, and nothing happens; the rest goes on."""
    h = hinges(clients=[{"name": "lenient", "profile": "lenient", "scopes": ["users:write", "groups:write"],
                         "fences": {"deletes_per_hour": 2}},
                        {"name": "other", "profile": "lenient", "scopes": ["users:write", "groups:write"]}])
    users = [h.make_user() for _ in range(4)]
    h.lenient.delete("/Users/00000000-0000-0000-0000-000000000000").error(404)  # does not count
    for u in users[:2]:
        h.lenient.delete(f"/Users/{u['id']}").expect(204)
        assert h.entry(u["id"]) is None
    r = h.lenient.delete(f"/Users/{users[2]['id']}").error(429)
    assert 3500 <= int(r.headers["Retry-After"]) <= 3600, r.headers
    assert h.entry(users[2]["id"]) is not None
    off = [{"op": "replace", "path": "active", "value": False}]
    assert h.lenient.patch(f"/Users/{users[2]['id']}", off).expect(200).json["active"] is False
    h.client("other").delete(f"/Users/{users[3]['id']}").expect(204)
    assert h.entry(users[3]["id"]) is None
