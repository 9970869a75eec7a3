# SPDX-License-Identifier: Apache-2.0
"""fences.bases: outside of them nothing exists for the client, and nothing there is changed by it (decisions/0015)."""

import signal

import pytest

from support.daemon import WRITE, write_file
from support.hinge import Hinge, unique
from support.match import shows
from support.scim import ENTERPRISE, GROUP
from support.slapd import GROUPS, PEOPLE
from support.wait import until

SALES, LABS = f"ou=sales,{PEOPLE}", f"ou=labs,{PEOPLE}"
TEAMS = f"ou=teams,{GROUPS}"


def client(name, *bases, profile="lenient"):
    c = {"name": name, "profile": profile, "scopes": WRITE}
    return {**c, "fences": {"bases": list(bases)}} if bases else c


CLIENTS = [
    client("lenient"),
    client("sales", "OU=Sales, ou=people,dc=example,dc=com", TEAMS),
    client("strict-sales", SALES, TEAMS, profile="strict"),
    client("both", LABS, SALES, f"ou=inner,{SALES}", TEAMS),
    client("people", PEOPLE),
    client("all", "dc=example,dc=com"),
    client("elsewhere", "ou=services,dc=example,dc=com"),
]


@pytest.fixture(scope="module")
def fenced(hinges):
    h = hinges(clients=CLIENTS)
    for dn in (SALES, LABS, TEAMS, f"ou=inner,{SALES}"):
        if h.ldap.read(dn) is None:
            h.ldap.add(dn, {"objectClass": "organizationalUnit"})
    return h


def add_user(h, base=SALES, **attrs):
    """(id, dn) of a user that an administrator made."""
    n = unique("f")
    dn = h.ldap.add(f"uid={n},{base}", {"objectClass": "inetOrgPerson", "uid": n, "cn": n, "sn": n, **attrs})
    return h.ldap.read(dn, attrs=("entryUUID",)).one("entryUUID"), dn


def add_group(h, *members, base=TEAMS):
    n = unique("fg")
    dn = h.ldap.add(f"cn={n},{base}", {"objectClass": "groupOfNames", "cn": n, "member": list(members) or [""]})
    return h.ldap.read(dn, attrs=("entryUUID",)).one("entryUUID"), dn


def ids(doc):
    found = [r["id"] for r in doc.get("Resources", [])]
    assert len(found) == len(set(found)) == doc["totalResults"], doc
    return set(found)


# --- single resources ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("who", ["sales", "strict-sales", "both", "people", "all", "lenient"])
def test_inside_everything_works(fenced, who):
    h, c = fenced, fenced.client(who)
    id_, dn = add_user(h)
    assert c.get(f"/Users/{id_}").expect(200).json["id"] == id_
    c.patch(f"/Users/{id_}", [{"op": "replace", "path": "title", "value": "T"}]).expect(200)
    assert h.ldap.read(dn)["title"] == ["T"]
    name = unique("renamed-")
    c.patch(f"/Users/{id_}", [{"op": "replace", "path": "userName", "value": name}]).expect(200)
    assert h.entry(id_).dn == f"uid={name},{SALES}"
    c.delete(f"/Users/{id_}").expect(204)
    assert h.entry(id_) is None


@pytest.mark.parametrize("who", ["sales", "strict-sales", "elsewhere"])
def test_outside_is_404_and_nothing_changes(fenced, who):
    h, c = fenced, fenced.client(who)
    mark = None
    for kind, (id_, dn) in (("Users", add_user(h, LABS)), ("Users", add_user(h, PEOPLE)),
                            ("Groups", add_group(h, base=GROUPS))):
        mark = h.slapd.audit_mark()
        path = f"/{kind}/{id_}"
        name = "userName" if kind == "Users" else "displayName"
        body = h.user_body() if kind == "Users" else {"schemas": [GROUP], "displayName": "x"}
        c.get(path).error(404)
        c.get(path, headers={"If-None-Match": "*"}).error(404)
        c.put(path, body).error(404)
        c.patch(path, [{"op": "replace", "path": name, "value": "other"}]).error(404)
        c.delete(path).error(404)
        c.delete(path, headers={"If-Match": "*"}).error(404)
        assert h.slapd.audit_mark() == mark, h.slapd.audit(mark)
        h.lenient.get(path).expect(200)


def test_bulk_goes_through_the_same_fence(fenced):
    h = fenced
    (inside, _), (outside, dn) = add_user(h), add_user(h, LABS)
    ops = [{"method": "DELETE", "path": f"/Users/{i}"} for i in (outside, inside)]
    r = h.client("sales").post("/Bulk", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                                         "Operations": ops}).expect(200).json
    assert [o["status"] for o in r["Operations"]] == ["404", "204"], r
    assert h.entry(inside) is None and h.entry(outside) is not None


# --- lists -----------------------------------------------------------------------------------------------------------

def test_lists_and_totals_leave_out_what_is_outside(fenced):
    h = fenced
    mark = unique("mark")
    made = {base: {add_user(h, base, title=mark)[0] for _ in range(3)}
            for base in (SALES, LABS, PEOPLE, f"ou=inner,{SALES}")}
    sales = made[SALES] | made[f"ou=inner,{SALES}"]
    everybody = set().union(*made.values())
    for who, want in (("sales", sales), ("both", sales | made[LABS]), ("people", everybody), ("all", everybody),
                      ("elsewhere", set()), ("lenient", everybody)):
        c = h.client(who)
        for query in ({"filter": f'title eq "{mark}"'}, {"filter": f'title co "{mark}" and not (title ew "?")'},
                      {"filter": f'title eq "{mark}"', "sortBy": "userName", "sortOrder": "descending"}):
            assert ids(c.get("/Users", dict(query, count="100")).expect(200).json) == want, (who, query)
        assert c.get("/Users", {"filter": f'title eq "{mark}"', "count": "0"}).expect(200).json["totalResults"] \
            == len(want)
        pages, at = [], 1
        while at <= max(1, len(want)):
            doc = c.get("/Users", {"filter": f'title eq "{mark}"', "startIndex": str(at), "count": "2"}).json
            assert doc["totalResults"] == len(want), doc
            pages += [r["id"] for r in doc.get("Resources", [])]
            at += 2
        assert set(pages) == want and len(pages) == len(want)
        cursor, crawl = "", []
        while cursor is not None:
            doc = c.get("/Users", {"filter": f'title eq "{mark}"', "cursor": cursor, "count": "2"}).expect(200).json
            crawl += [r["id"] for r in doc.get("Resources", [])]
            cursor = doc.get("nextCursor")
        assert set(crawl) == want and len(crawl) == len(want)
        for id_ in everybody:
            found = c.find("Users", f'id eq "{id_}"')["totalResults"]
            assert found == (id_ in want), (who, id_)


def test_search_over_both_types(fenced):
    h = fenced
    (inside, _), (outside, _) = add_user(h), add_user(h, LABS)
    (team, _), (group, _) = add_group(h), add_group(h, base=GROUPS)
    flt = " or ".join(f'id eq "{i}"' for i in (inside, outside, team, group))
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": flt}
    assert ids(h.client("sales").post("/.search", body).expect(200).json) == {inside, team}
    assert ids(h.client("people").post("/.search", body).expect(200).json) == {inside, outside}
    assert ids(h.client("elsewhere").post("/.search", body).expect(200).json) == set()


def test_a_crawl_loses_who_leaves_the_fence(fenced):
    """The ids of later pages were remembered; who is moved out meanwhile is shown no more."""
    h, c = fenced, fenced.client("sales")
    mark = unique("mv")
    users = [add_user(h, title=mark) for _ in range(4)]
    query = {"filter": f'title eq "{mark}"', "count": "2"}
    first = c.get("/Users", dict(query, cursor="")).expect(200).json
    shown = {r["id"] for r in first["Resources"]}
    for id_, dn in users:
        if id_ not in shown:
            h.ldap.add_ldif(f"dn: {dn}\nchangetype: modrdn\nnewrdn: {dn.split(',')[0]}\ndeleteoldrdn: 1\n"
                            f"newsuperior: {LABS}\n")
    rest = c.get("/Users", dict(query, cursor=first["nextCursor"])).expect(200).json
    assert rest.get("Resources", []) == []


# --- references ------------------------------------------------------------------------------------------------------

def test_members_outside_are_neither_shown_nor_found(fenced):
    h, c = fenced, fenced.client("sales")
    (inside, in_dn), (outside, out_dn) = add_user(h), add_user(h, LABS)
    team, _ = add_group(h, in_dn, out_dn)
    assert {m["value"] for m in c.get(f"/Groups/{team}").expect(200).json["members"]} == {inside}
    assert c.find("Groups", f'members eq "{outside}"')["totalResults"] == 0
    assert c.find("Groups", f'members.value eq "{inside}"')["totalResults"] == 1
    assert c.find("Groups", f'id eq "{team}" and members.value co "{outside}"')["totalResults"] == 0
    assert h.lenient.find("Groups", f'members eq "{outside}"')["totalResults"] == 1


@pytest.mark.parametrize("who", ["sales", "strict-sales"])
@pytest.mark.parametrize("how", ["PUT", "PUT []", "replace", "replace []", "remove", "remove one", "select", "add"])
def test_members_outside_are_kept(fenced, who, how):
    """Also what is dangling out there, which from here cannot be told from an entry."""
    h, c = fenced, fenced.client(who)
    (old, old_dn), (new, new_dn), (_, out_dn) = add_user(h), add_user(h), add_user(h, LABS)
    hidden = {out_dn, f"uid=gone,{LABS}", "cn=printer,ou=services,dc=example,dc=com"}
    team, dn = add_group(h, old_dn, *hidden)
    value = [] if how.endswith("[]") else [{"value": new}]
    want = hidden | ({new_dn} if how in ("PUT", "replace", "add") else set()) | ({old_dn} if how == "add" else set())
    if how.startswith("PUT"):
        body = {"schemas": [GROUP], "displayName": c.get(f"/Groups/{team}").json["displayName"], "members": value}
        c.put(f"/Groups/{team}", body).expect(200)
    else:
        op = {"remove one": {"op": "remove", "path": f'members[value eq "{old}"]'},
              "select": {"op": "remove", "path": 'members[type eq "User"]'},
              "remove": {"op": "remove", "path": "members"}}.get(
                  how, {"op": how.split()[0], "path": "members", "value": value})
        c.patch(f"/Groups/{team}", [op]).expect(200, 204)
    assert set(h.ldap.read(dn)["member"]) == want
    shown = {m["value"] for m in c.get(f"/Groups/{team}").json.get("members", [])}
    assert shown == ({new} if how in ("PUT", "replace", "add") else set()) | ({old} if how == "add" else set())


def test_an_id_from_outside_is_no_member_to_add_or_remove(fenced):
    h, c = fenced, fenced.client("strict-sales")
    outside, out_dn = add_user(h, LABS)
    team, dn = add_group(h, out_dn)
    before = h.ldap.read(dn)
    c.patch(f"/Groups/{team}", [{"op": "remove", "path": f'members[value eq "{outside}"]'}]).expect(200, 204)
    assert h.ldap.read(dn)["member"] == before["member"]
    other, _ = add_group(h)
    c.patch(f"/Groups/{other}", [{"op": "add", "path": "members", "value": [{"value": outside}]}]) \
        .error(400, "invalidValue")
    c.post("/Groups", {"schemas": [GROUP], "displayName": unique("g"), "members": [{"value": outside}]}) \
        .error(400, "invalidValue")
    h.assert_members(other)


def test_groups_and_managers_outside_are_not_shown(fenced):
    h, c = fenced, fenced.client("sales")
    boss, boss_dn = add_user(h, LABS)
    id_, dn = add_user(h, manager=boss_dn)
    (team, _), (hidden, _) = add_group(h, dn), add_group(h, dn, base=GROUPS)
    assert {g["value"] for g in h.lenient.get(f"/Users/{id_}").json["groups"]} == {team, hidden}
    u = c.get(f"/Users/{id_}").expect(200).json
    assert {g["value"] for g in u["groups"]} == {team} and ENTERPRISE not in u, u
    listed = c.find("Users", f'id eq "{id_}"', attributes="groups,manager")["Resources"][0]
    assert {g["value"] for g in listed["groups"]} == {team} and ENTERPRISE not in listed
    for flt in (f'{ENTERPRISE}:manager eq "{boss}"', f"{ENTERPRISE}:manager pr"):
        assert c.find("Users", f'id eq "{id_}" and {flt}')["totalResults"] == 0, flt
    body = {"schemas": u["schemas"], "userName": u["userName"], "name": {"familyName": "New"}}
    shows(c.put(f"/Users/{id_}", body).expect(200).json, {"name": {"familyName": "New"}})
    assert h.ldap.read(dn)["manager"] == [boss_dn], "a PUT took away a manager that it could not know"


def test_who_goes_leaves_the_groups_outside_too(fenced):
    """A dangling DN would wait for its next owner, whoever cannot see the group."""
    h = fenced
    id_, dn = add_user(h)
    _, hidden = add_group(h, dn, base=GROUPS)
    h.client("sales").delete(f"/Users/{id_}").expect(204)
    assert h.ldap.read(hidden)["member"] == [""]


# --- new entries -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("who,users,groups", [("sales", SALES, TEAMS), ("both", LABS, TEAMS), ("people", PEOPLE, None),
                                              ("all", PEOPLE, GROUPS), ("lenient", PEOPLE, GROUPS),
                                              ("elsewhere", None, None)])
def test_new_entries_go_where_the_client_sees_them(fenced, who, users, groups):
    h, c = fenced, fenced.client(who)
    for path, body, base in (("/Users", h.user_body(), users),
                             ("/Groups", {"schemas": [GROUP], "displayName": unique("g")}, groups)):
        mark = h.slapd.audit_mark()
        if base is None:
            r = c.post(path, body).error(403)
            assert "fences.bases" in r.json["detail"], r
            assert h.slapd.audit_mark() == mark
            continue
        res = c.post(path, body).expect(201).json
        assert h.entry(res["id"]).dn.lower().endswith("," + base)
        c.get(f"{path}/{res['id']}").expect(200)


def test_names_are_unique_over_the_fence(fenced):
    """Two users of one name would be two accounts of one person to every application: 409, though it cannot be seen."""
    h = fenced
    id_, dn = add_user(h, LABS)
    name = h.ldap.read(dn).one("uid")
    h.client("sales").post("/Users", h.user_body(userName=name)).error(409, "uniqueness")
    mine, _ = add_user(h)
    h.client("sales").patch(f"/Users/{mine}", [{"op": "replace", "path": "userName", "value": name}]) \
        .error(409, "uniqueness")
    assert h.client("sales").find("Users", f'userName eq "{name}"')["totalResults"] == 0


def test_a_fence_of_one_entry(hinges, fenced):
    """The base itself is inside; a new name would lead out."""
    h = fenced
    id_, dn = add_user(h)
    one = Hinge(h.slapd, clients=[client("one", dn)])
    try:
        c = one.client("one")
        assert ids(c.get("/Users").expect(200).json) == {id_}
        c.patch(f"/Users/{id_}", [{"op": "replace", "path": "title", "value": "T"}]).expect(200)
        r = c.patch(f"/Users/{id_}", [{"op": "replace", "path": "userName", "value": unique("x")}]).error(403)
        assert "fences.bases" in r.json["detail"]
        assert h.entry(id_).dn == dn
    finally:
        one.stop()


def test_a_fence_whose_container_is_gone_is_no_404(hinges, fenced):
    """A mistyped or moved container must not make a client forget its users."""
    own = Hinge(fenced.slapd, clients=[client("typo", f"ou=nowhere,{PEOPLE}")])
    try:
        own.client("typo").get(f"/Users/{add_user(fenced)[0]}").error(503)
        own.client("typo").get("/Users").error(503)
    finally:
        own.stop()


def test_a_reload_moves_the_fence(fenced):
    """SIGHUP: at once, for lists that were begun before too."""
    own = Hinge(fenced.slapd, clients=[client("moved", SALES)])
    try:
        d, c = own.daemon, own.client("moved")
        mark = unique("rl")
        (sales, _), (labs, _) = add_user(own, title=mark), add_user(own, LABS, title=mark)
        more = [add_user(own, title=mark)[0] for _ in range(3)]
        query = {"filter": f'title eq "{mark}"', "count": "2"}
        first = c.get("/Users", dict(query, cursor="")).expect(200).json
        assert first["totalResults"] == 4 and c.get("/Users", query).json["totalResults"] == 4
        c.get(f"/Users/{labs}").error(404)
        with open(d.config_path, encoding="utf-8") as f:
            good = f.read()
        write_file(d.config_path, good.replace(SALES, LABS))
        d.signal(signal.SIGHUP)
        until(lambda: c.get(f"/Users/{labs}").status == 200, "the new fence")
        for id_ in [sales] + more:
            c.get(f"/Users/{id_}").error(404)
        doc = c.get("/Users", dict(query, startIndex="3")).expect(200).json
        assert doc["totalResults"] == 1 and doc.get("Resources", []) == []
        c.get("/Users", dict(query, cursor=first["nextCursor"])).error(400, "invalidCursor")
    finally:
        own.stop()
