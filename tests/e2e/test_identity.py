# SPDX-License-Identifier: Apache-2.0
"""Who is who: names that look alike, renames, swaps, re-creation, and attributes nobody may write (reliability.md T-04,
T-08, T-09)."""

import itertools
import re
import threading

import pytest

from support.hinge import unique
from support.scim import ENTERPRISE, PATCH_OP, USER

UNIQUENESS = (409, "uniqueness")
REFUSED = (400, "invalidValue")


def rename(name):
    return [{"op": "replace", "path": "userName", "value": name}]


def found(hinge, name):
    return hinge.lenient.find("Users", f'userName eq "{name}"')["Resources"]


# --- reliability.md M15: what slapd takes for the same name, and what only looks the same ---------------------------

SAME = {
    "case": ("Ab{}", "aB{}"),
    "double-blank": ("a b{}", "a  b{}"),
    "leading-blank": ("a{}", " a{}"),
    "trailing-blank": ("a{}", "a{} "),
    "nbsp": ("a b{}", "a\u00a0b{}"),
    "full-width": ("ab{}", "\uff41\uff42{}"),
    "kelvin": ("k{}", "\u212a{}"),
    "composed": ("\u00e9{}", "e\u0301{}"),
    "ligature": ("ffi{}", "\ufb03{}"),
    "dotted-capital-i": ("i{}", "\u0130{}"),
}
HIDDEN = {
    "soft-hyphen": "a\u00adb{}", "zwsp": "a\u200bb{}", "zwj": "a\u200db{}", "zwnj": "a\u200cb{}", "bom": "\ufeffa{}",
    "rtl-override": "\u202ea{}", "isolate": "\u2066a\u2069{}", "hangul-filler": "a\u3164{}", "variation": "a\ufe0f{}",
    "private-use": "a\ue000{}", "unassigned": "a\u0378{}", "control": "a\u0007b{}", "tab": "a\tb{}",
    "line-separator": "a\u2028b{}",
}
DIFFERENT = {
    "cyrillic-a": ("a{}", "\u0430{}"), "dotless-i": ("i{}", "\u0131{}"), "sharp-s": ("strasse{}", "stra\u00dfe{}"),
    "final-sigma": ("\u03a3{}", "\u03c2{}"),
}


@pytest.mark.parametrize("case", SAME)
@pytest.mark.parametrize("how", ["POST", "PUT", "PATCH"])
def test_M15_the_same_to_the_directory(hinge, case, how):
    tail = unique("n")
    first, second = (t.format(tail) for t in SAME[case])
    u = hinge.make_user(userName=first)
    other = hinge.make_user() if how != "POST" else None
    if how == "POST":
        r = hinge.lenient.post("/Users", hinge.user_body(userName=second))
    elif how == "PUT":
        r = hinge.lenient.put(f"/Users/{other['id']}", hinge.user_body(userName=second))
    else:
        r = hinge.lenient.patch(f"/Users/{other['id']}", rename(second))
    r.error(*UNIQUENESS)
    assert [x["id"] for x in found(hinge, second)] == [u["id"]], "the filter finds the one there is"


@pytest.mark.parametrize("case", HIDDEN)
def test_T09_nobody_sees_the_difference(hinge, no_writes_after, case):
    u = hinge.make_user()
    name = HIDDEN[case].format(unique("n"))
    with no_writes_after():
        hinge.lenient.post("/Users", hinge.user_body(userName=name)).error(*REFUSED)
        hinge.lenient.put(f"/Users/{u['id']}", hinge.user_body(userName=name)).error(*REFUSED)
        r = hinge.lenient.patch(f"/Users/{u['id']}", rename(name)).error(*REFUSED)
        assert "userName" in r.json["detail"] and "U+" in r.json["detail"]


@pytest.fixture
def no_writes_after(hinge):
    class Watch:
        def __enter__(self):
            self.before = hinge.slapd.audit_mark()

        def __exit__(self, *exc):
            assert hinge.slapd.audit_mark() == self.before or exc[0], hinge.slapd.audit(self.before)
    return Watch


@pytest.mark.parametrize("case", DIFFERENT)
def test_M15_different_to_the_directory(hinge, case):
    tail = unique("n")
    first, second = (hinge.make_user(userName=t.format(tail)) for t in DIFFERENT[case])
    assert first["id"] != second["id"]
    for u in (first, second):
        assert [x["id"] for x in found(hinge, u["userName"])] == [u["id"]]


def test_form_c_is_what_is_stored_and_shown(hinge):
    tail = unique("n")
    u = hinge.make_user(userName=f"Ame\u0301lie{tail}")
    assert u["userName"] == f"Am\u00e9lie{tail}", "in form C, case as sent"
    hinge.assert_entry(u["id"], {"uid": [f"Am\u00e9lie{tail}"]})
    mark = hinge.slapd.audit_mark()
    hinge.lenient.patch(f"/Users/{u['id']}", rename(f"Ame\u0301lie{tail}")).expect(200, 204)
    assert hinge.slapd.audit_mark() == mark, "the same name in another form is no change"


def test_an_odd_name_that_is_there_can_still_be_disabled(hinge):
    """A legacy entry with a soft hyphen in its uid: PUT of the whole resource must disable it, not judge its name."""
    name = f"le\u00adgacy{unique('n')}"
    dn = hinge.ldap.add(f"uid={name},ou=people,dc=example,dc=com",
                        {"objectClass": "inetOrgPerson", "uid": name, "cn": "L", "sn": "L"})
    id_ = hinge.ldap.read(dn, attrs=("entryUUID",)).one("entryUUID")
    body = hinge.lenient.get(f"/Users/{id_}").expect(200).json
    assert body["userName"] == name
    assert hinge.lenient.put(f"/Users/{id_}", dict(body, active=False)).expect(200).json["active"] is False
    assert [x["id"] for x in found(hinge, name)] == [id_]


def test_filter_with_a_hidden_character_matches_nothing(hinge):
    u = hinge.make_user(userName=f"ab{unique('n')}")
    assert found(hinge, u["userName"].replace("ab", "a\u200bb")) == []


# --- rename, swap, again ---------------------------------------------------------------------------------------------

def test_T08_rename_keeps_the_id(hinge):
    u, boss = hinge.make_user(), hinge.make_user()
    report = hinge.make_user(**{ENTERPRISE: {"manager": {"value": u["id"]}}})
    g = hinge.make_group(u["id"], boss["id"])
    new = unique("renamed")
    hinge.lenient.patch(f"/Users/{u['id']}", rename(new)).expect(200)
    hinge.assert_entry(u["id"], {"uid": [new]})
    hinge.assert_members(g["id"], u["id"], boss["id"])
    hinge.assert_entry(report["id"], {"manager": [hinge.dn(u["id"])]})
    again = hinge.make_user(userName=u["userName"])
    assert again["id"] != u["id"]
    assert hinge.shown_members(g["id"]) == {u["id"], boss["id"]}, "who takes the old name takes nothing with it"


def swap_steps(order, a, b, tmp):
    """Which of the two goes through the third name, and whether by PUT or PATCH."""
    first, second = (a, b) if order[0] == "a" else (b, a)
    return [(first, tmp, order[1]), (second, first["userName"], order[2]), (first, second["userName"], order[3])]


@pytest.mark.parametrize("order", itertools.product("ab", ("PUT", "PATCH"), ("PUT", "PATCH"), ("PUT", "PATCH")),
                         ids="-".join)
def test_T08_two_users_swap_names(hinge, order):
    a, b = hinge.make_user(title="A"), hinge.make_user(title="B")
    ga, gb = hinge.make_group(a["id"]), hinge.make_group(b["id"])
    for who, name, how in swap_steps(order, a, b, unique("tmp")):
        if how == "PUT":
            r = hinge.lenient.put(f"/Users/{who['id']}", hinge.user_body(userName=name))
        else:
            r = hinge.lenient.patch(f"/Users/{who['id']}", rename(name))
        assert r.expect(200).json["id"] == who["id"]
    hinge.assert_entry(a["id"], {"uid": [b["userName"]], "title": ["A"]})
    hinge.assert_entry(b["id"], {"uid": [a["userName"]], "title": ["B"]})
    hinge.assert_members(ga["id"], a["id"])
    hinge.assert_members(gb["id"], b["id"])


@pytest.mark.parametrize("how", ["PUT", "PATCH"])
def test_T08_direct_swap_is_refused(hinge, how):
    a, b = hinge.make_user(), hinge.make_user()
    before = hinge.entry(a["id"]), hinge.entry(b["id"])
    for who, name in ((a, b["userName"]), (b, a["userName"].upper())):
        if how == "PUT":
            r = hinge.lenient.put(f"/Users/{who['id']}", hinge.user_body(userName=name))
        else:
            r = hinge.lenient.patch(f"/Users/{who['id']}", rename(name))
        r.error(*UNIQUENESS)
    assert (hinge.entry(a["id"]), hinge.entry(b["id"])) == before


def test_C33_created_again_after_delete(hinge):
    u = hinge.make_user()
    g = hinge.make_group(u["id"])
    hinge.lenient.delete(f"/Users/{u['id']}").expect(204)
    again = hinge.make_user(userName=u["userName"])
    assert again["id"] != u["id"]
    hinge.lenient.get(f"/Users/{u['id']}").error(404)
    hinge.assert_members(g["id"])
    assert "groups" not in hinge.lenient.get(f"/Users/{again['id']}").json, "a namesake inherits no group"


@pytest.mark.parametrize("round_", range(5))
def test_F17_race_of_creates_that_differ_in_case(hinge, round_):
    name = unique("Race")
    bodies = [hinge.user_body(userName=n) for n in (name, name.lower(), name.upper(), name.swapcase())]
    gate = threading.Barrier(len(bodies))
    got = [None] * len(bodies)

    def go(i):
        c = hinge.lenient.clone()
        gate.wait(10)
        got[i] = c.post("/Users", bodies[i])
        c.close()

    threads = [threading.Thread(target=go, args=(i,)) for i in range(len(bodies))]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert sorted(r.status for r in got) == [201, 409, 409, 409], got
    for r in got:
        if r.status == 409:
            r.error(*UNIQUENESS)
    made = next(r.json for r in got if r.status == 201)
    assert [x["id"] for x in found(hinge, name)] == [made["id"]]


# --- T-04: the deny list -------------------------------------------------------------------------------------------

DENIED = ["memberOf", "gidNumber", "uidNumber", "sudoRole", "sudoCommand", "homeDirectory", "loginShell", "sshPublicKey",
          "servicePrincipalName", "msDS-AllowedToDelegateTo", "objectClass", "adminCount", "nTSecurityDescriptor",
          "userPassword", "pwdPolicySubentry", "pwdReset", "entryUUID", "creatorsName", "authzTo", "olcAccess"]
VALUE = "smuggled-by-scim"


def spellings(attr):
    """{name: (method, body)}: every way a client could say the LDAP attribute."""
    def body(**more):
        return {"schemas": [USER, ENTERPRISE], "name": {"familyName": "S"}, **more}

    def ops(*operations):
        return {"schemas": [PATCH_OP], "Operations": list(operations)}
    custom = "urn:example:params:scim:schemas:extension:ldap:2.0:User"
    yield "POST", body(**{attr: VALUE})
    yield "POST", body(**{attr: [{"value": VALUE}]})
    yield "POST", body(**{ENTERPRISE: {attr: VALUE}})
    yield "POST", dict(body(**{custom: {attr: VALUE}}), schemas=[USER, custom])
    yield "POST", body(**{f"{USER}:{attr}": VALUE})
    yield "POST", body(**{f"title;{attr}": VALUE, f"title\n{attr}": VALUE})
    yield "PUT", body(**{attr: [VALUE]})
    yield "PUT", body(**{ENTERPRISE: {attr: VALUE}, f"{ENTERPRISE}:{attr}": VALUE})
    for op in ("add", "replace"):
        yield "PATCH", ops({"op": op, "path": attr, "value": VALUE})
        yield "PATCH", ops({"op": op, "value": {attr: VALUE}})
        yield "PATCH", ops({"op": op, "path": f"{USER}:{attr}", "value": VALUE})
        yield "PATCH", ops({"op": op, "path": f"{ENTERPRISE}:{attr}", "value": VALUE})
        yield "PATCH", ops({"op": op, "path": f"{custom}:{attr}", "value": VALUE})
        yield "PATCH", ops({"op": op, "path": f'emails[type eq "work"].{attr}', "value": VALUE})
        yield "PATCH", ops({"op": op, "path": f'{attr}[value eq "x"].value', "value": VALUE})
    yield "PATCH", ops({"op": "remove", "path": attr})


@pytest.mark.parametrize("client", ["lenient", "strict", "entra"])
@pytest.mark.parametrize("attr", DENIED)
def test_T04_denied_attributes_never_reach_the_directory(hinge, attr, client):
    u = hinge.make_user()
    mark, bulk = hinge.slapd.audit_mark(), []
    with hinge.slapd.watch() as ops:
        for method, body in spellings(attr):
            if method == "POST":
                body["userName"] = unique("t04")
            elif method == "PUT":
                body["userName"] = u["userName"]
            r = hinge.client(client).call(method, "/Users" if method == "POST" else f"/Users/{u['id']}", body)
            r.expect(200, 201, 204, 400)
            bulk.append({"method": method, "path": "/Users" if method == "POST" else f"/Users/{u['id']}",
                         "bulkId": str(len(bulk)), "data": dict(body, userName=unique("t04")) if method == "POST"
                         else body})
        hinge.client(client).post("/Bulk", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                                            "Operations": bulk}).expect(200)
    for o in ops:
        if o.verb == "MOD":
            assert attr.lower() not in [a.lower() for a in o.attrs], o
        assert VALUE not in o.filter and VALUE not in o.dn, o
    own = ("entryuuid", "creatorsname")  # the server logs its own values of these in every add
    for record in hinge.slapd.audit(mark):
        for mod in map(str, record["reqMod"]):
            assert VALUE not in mod, f"{mod} in\n{record}"
            named = re.match(r"[^:]*", mod).group(0).lower()
            if attr.lower() not in own + ("objectclass",) and not attr.lower().startswith("userpassword"):
                assert named != attr.lower(), f"{mod} in\n{record}"
