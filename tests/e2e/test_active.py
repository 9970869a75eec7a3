# SPDX-License-Identifier: Apache-2.0
"""active:false with every strategy of OpenLDAP: proved by binding as the user, not by reading back a flag."""

import time
from dataclasses import dataclass

import pytest

from support.match import shows
from support.slapd import SUFFIX, Variant

SHADOW = ["inetOrgPerson", "shadowAccount"]


@dataclass(frozen=True)
class Strategy:
    name: str
    config: dict
    disabled: dict       # what ldapsearch shows of a disabled user
    stops_binds: bool
    variant: Variant = Variant()


def one(values):
    return len(values) == 1


def past(values):
    return one(values) and values[0] <= time.strftime("%Y%m%d%H%M%SZ", time.gmtime())


STRATEGIES = [
    Strategy("ppolicy-end-time", {}, {"pwdEndTime": past}, True),
    Strategy("ppolicy-lock", {}, {"pwdAccountLockedTime": ["000001010000Z"]}, True),
    Strategy("attribute", {}, {"dirhingeActive": ["FALSE"]}, False),
    Strategy("shadow-expire", {"object_classes": SHADOW}, {"shadowExpire": lambda v: one(v) and int(v[0]) <= 1}, False),
]


@pytest.fixture(params=STRATEGIES, ids=lambda s: s.name)
def case(request, hinges):
    s = request.param
    h = hinges(s.variant, users={"active": s.name, **s.config})
    yield h, s
    assert h.daemon.alive(), h.daemon.log()[-4000:]


def toggle(h, u, value, client="lenient"):
    r = h.client(client).patch(f"/Users/{u['id']}", [{"op": "replace", "path": "active", "value": value}])
    r.expect(200, 204)
    assert h.client(client).get(f"/Users/{u['id']}").expect(200).json["active"] is value
    return r


def check_bind(h, s, u, pw, enabled):
    can = h.ldap.binds(h.dn(u["id"]), pw)
    if enabled or s.stops_binds:
        assert can == enabled, f"{s.name}: bind {'refused' if enabled else 'accepted'}"


def test_disable_and_enable(case):
    h, s = case
    pw = h.password()
    u = h.make_user(password=pw)
    check_bind(h, s, u, pw, True)
    h.assert_entry(u["id"], {k: None for k in s.disabled if k != "dirhingeActive"})
    toggle(h, u, False)
    check_bind(h, s, u, pw, False)
    h.assert_entry(u["id"], s.disabled)
    toggle(h, u, True)
    check_bind(h, s, u, pw, True)
    h.assert_entry(u["id"], {k: (lambda v: v in ([], ["TRUE"])) if k == "dirhingeActive" else None for k in s.disabled})


def test_disabling_twice_is_no_second_write(case):
    h, s = case
    u = h.make_user()
    toggle(h, u, False)
    before = h.entry(u["id"])
    with h.slapd.watch() as ops:
        toggle(h, u, False)
    assert not [o for o in ops if o.verb == "MOD"], ops
    assert h.entry(u["id"]) == before


@pytest.mark.parametrize("how", ["PATCH", "PUT"])
def test_password_change_never_re_enables(case, how):
    h, s = case
    old, new = h.password(), h.password()
    u = h.make_user(password=old)
    toggle(h, u, False)
    if how == "PATCH":
        h.okta.patch(f"/Users/{u['id']}", [{"op": "replace", "value": {"password": new}}]).expect(200, 204)
    else:
        h.okta.put(f"/Users/{u['id']}", h.user_body(userName=u["userName"], active=False, password=new)).expect(200)
    shows(h.lenient.get(f"/Users/{u['id']}").json, {"active": False})
    h.assert_entry(u["id"], s.disabled)
    check_bind(h, s, u, new, False)
    check_bind(h, s, u, old, False)
    toggle(h, u, True)
    assert h.ldap.binds(h.dn(u["id"]), new) and not h.ldap.binds(h.dn(u["id"]), old)


def test_create_disabled_with_password(case):
    h, s = case
    pw = h.password()
    u = h.make_user(active=False, password=pw)
    assert u["active"] is False
    h.assert_entry(u["id"], s.disabled)
    check_bind(h, s, u, pw, False)
    toggle(h, u, True)
    assert h.ldap.binds(h.dn(u["id"]), pw)


def test_enable_with_password_and_data_in_one_request(case):
    """D3: reactivation with other data."""
    h, s = case
    pw = h.password()
    u = h.make_user(active=False)
    body = h.user_body(userName=u["userName"], active=True, password=pw, title="Back")
    shows(h.okta.put(f"/Users/{u['id']}", body).expect(200).json, {"active": True, "title": "Back"})
    assert h.ldap.binds(h.dn(u["id"]), pw)
    h.assert_entry(u["id"], {"title": ["Back"]})


def test_other_changes_do_not_touch_active(case):
    h, s = case
    u = h.make_user(active=False)
    h.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "title", "value": "T"}]).expect(200, 204)
    body = h.user_body(userName=u["userName"], title="U")
    del body["active"]
    shows(h.okta.put(f"/Users/{u['id']}", body).expect(200).json, {"active": False, "title": "U"})
    h.assert_entry(u["id"], {**s.disabled, "title": ["U"]})


TAKEN_AWAY = [{"op": "remove", "path": "active"},
              {"op": "remove", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active"},
              {"op": "replace", "path": "active", "value": None}]


@pytest.mark.parametrize("client", ["strict", "lenient"])
@pytest.mark.parametrize("active", [True, False])
def test_active_cannot_be_taken_away(case, client, active):
    """decisions/0014: there is no third state; refused, and nothing of the request is done."""
    h, s = case
    u = h.make_user(client, active=active, title="T")
    before = h.entry(u["id"])
    for op in TAKEN_AWAY:
        r = h.client(client).patch(f"/Users/{u['id']}", [{"op": "replace", "path": "title", "value": "other"}, op])
        r.error(400, "mutability")
        assert "active is required" in r.json["detail"], r
    assert h.entry(u["id"]) == before


@pytest.mark.parametrize("client", ["strict", "lenient"])
@pytest.mark.parametrize("active", [True, False])
def test_absence_neither_enables_nor_disables(case, client, active):
    h, s = case
    u = h.make_user(client, active=active)
    for i, said in enumerate([{}, {"active": None}]):
        body = {k: v for k, v in h.user_body(userName=u["userName"]).items() if k != "active"}
        shows(h.client(client).put(f"/Users/{u['id']}", {**body, **said, "title": f"P{i}"}).expect(200).json,
              {"active": active, "title": f"P{i}"})
        value = {**said, "title": f"V{i}"}
        shows(h.client(client).patch(f"/Users/{u['id']}", [{"op": "replace", "value": value}]).expect(200).json,
              {"active": active, "title": f"V{i}"})
        shows(h.client(client).get(f"/Users/{u['id']}").json, {"active": active})
        if not active:
            h.assert_entry(u["id"], s.disabled)


@pytest.mark.parametrize("client", ["strict", "lenient"])
@pytest.mark.parametrize("said", [{}, {"active": None}], ids=["absent", "null"])
def test_a_new_user_is_active_if_nothing_else_is_said(case, client, said):
    h, s = case
    pw = h.password()
    body = {k: v for k, v in h.user_body(password=pw).items() if k != "active"}
    u = h.client(client).post("/Users", {**body, **said}).expect(201).json
    assert u["active"] is True
    assert h.ldap.binds(h.dn(u["id"]), pw)


def test_filter_on_active(case):
    h, s = case
    on, off = h.make_user(), h.make_user(active=False)
    for flt, want in (("active eq true", on), ("active eq false", off)):
        for u in (on, off):
            got = h.lenient.find("Users", f'userName eq "{u["userName"]}" and {flt}')
            assert (got["totalResults"] == 1) == (u is want), f"{flt} for {u['active']}"
        ids = {x["id"] for x in h.lenient.find_all("Users", flt)}
        assert want["id"] in ids and (off if want is on else on)["id"] not in ids


def test_rename_of_a_disabled_user(case):
    h, s = case
    u = h.make_user(active=False)
    h.okta.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "userName", "value": u["userName"] + "-x"}]) \
        .expect(200, 204)
    h.assert_entry(u["id"], {**s.disabled, "uid": [u["userName"] + "-x"]})


def test_failed_logins_are_not_a_deactivation(hinges):
    """ppolicy writes a time into pwdAccountLockedTime; only 000001010000Z is an administrator's word."""
    h = hinges(Variant(), users={"active": "ppolicy-lock"})
    u = h.make_user()
    h.ldap.modify(h.dn(u["id"]), ("replace", "pwdAccountLockedTime", ["20260101000000Z"]))
    assert h.lenient.get(f"/Users/{u['id']}").json["active"] is True
    toggle(h, u, False)
    h.assert_entry(u["id"], {"pwdAccountLockedTime": ["000001010000Z"]})


def test_end_time_in_the_future_is_still_active(hinge):
    u = hinge.make_user()
    hinge.ldap.modify(hinge.dn(u["id"]), ("replace", "pwdEndTime", ["20990101000000Z"]))
    assert hinge.lenient.get(f"/Users/{u['id']}").json["active"] is True
    toggle(hinge, u, False)
    hinge.assert_entry(u["id"], {"pwdEndTime": past})


def test_auto_takes_ppolicy(hinges):
    h = hinges(Variant(), users={"active": "auto"})
    pw = h.password()
    u = h.make_user(password=pw)
    toggle(h, u, False)
    assert not h.ldap.binds(h.dn(u["id"]), pw)


@pytest.mark.parametrize("policy", ["none", "default", "own"])
@pytest.mark.parametrize("strategy", ["ppolicy-end-time", "auto"])
def test_end_time_works_whatever_policy_applies(hinges, strategy, policy):
    """slapd 2.5 looks at pwdEndTime only if a policy applies to the entry; without any, a leaver could still bind."""
    h = hinges(Variant(policy=policy != "none"), users={"active": strategy})
    pw, new = h.password(), h.password()
    u = h.make_user(password=pw)
    own = []
    if policy == "own":
        own = [h.ldap.add(f"cn={u['userName']},ou=policies,{SUFFIX}", {
            "objectClass": ["organizationalRole", "pwdPolicy"], "pwdAttribute": "userPassword"})]
        h.ldap.modify(h.dn(u["id"]), ("add", "pwdPolicySubentry", own))
    for _ in range(2):
        toggle(h, u, False)
        assert not h.ldap.binds(h.dn(u["id"]), pw), "a disabled user can bind"
        if own:
            h.assert_entry(u["id"], {"pwdPolicySubentry": own})
        h.okta.patch(f"/Users/{u['id']}", [{"op": "replace", "value": {"password": new}}]).expect(200, 204)
        assert not h.ldap.binds(h.dn(u["id"]), new) and not h.ldap.binds(h.dn(u["id"]), pw)
        toggle(h, u, True)
        assert h.ldap.binds(h.dn(u["id"]), new)
        h.assert_entry(u["id"], {"pwdEndTime": None, "pwdPolicySubentry": own or None})
        pw, new = new, pw
    off = h.make_user(active=False, password=pw)
    assert not h.ldap.binds(h.dn(off["id"]), pw), "created disabled, and can bind"
    toggle(h, off, True)
    assert h.ldap.binds(h.dn(off["id"]), pw)
    h.assert_entry(off["id"], {"pwdEndTime": None, "pwdPolicySubentry": None})


NOTHING = Variant(schema=False, ppolicy=False)


@pytest.mark.parametrize("client", ["lenient", "okta", "strict"])
def test_without_a_strategy_it_is_refused_and_nothing_changed(hinges, client):
    h = hinges(NOTHING)
    u = h.make_user(client=client, title="T")
    before = h.entry(u["id"])
    ops = [{"op": "replace", "path": "title", "value": "other"}, {"op": "replace", "path": "active", "value": False}]
    r = h.client(client).patch(f"/Users/{u['id']}", ops)
    assert r.status in (400, 501), f"must be refused: {r}"
    assert "active" in r.json["detail"], f"the detail does not say what is refused: {r}"
    assert h.entry(u["id"]) == before
    r = h.client(client).put(f"/Users/{u['id']}", h.user_body(userName=u["userName"], active=False))
    assert r.status in (400, 501), r
    body = h.user_body(active=False)
    r = h.client(client).post("/Users", body)
    assert r.status in (400, 501), r
    assert h.ldap.search("ou=people,dc=example,dc=com", f"(uid={body['userName']})") == []
    assert h.entry(u["id"]) == before


def test_without_a_strategy_active_true_is_accepted(hinges):
    h = hinges(NOTHING)
    u = h.make_user(active=True)
    h.okta.patch(f"/Users/{u['id']}", [{"op": "replace", "value": {"active": True, "title": "T"}}]).expect(200, 204)
    h.assert_entry(u["id"], {"title": ["T"]})
