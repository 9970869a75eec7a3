# SPDX-License-Identifier: Apache-2.0
"""Reads and queries as real clients send them (wire cases A)."""

import uuid

import pytest

from support.hinge import unique
from support.match import shows
from support.scim import ENTERPRISE, LIST, SEARCH

UNKNOWN_ID = "00000000-0000-4000-8000-000000000000"


def test_A1_entra_test_connection(hinge):
    with hinge.slapd.watch() as ops:
        doc = hinge.entra.find("Users", f'userName eq "{uuid.uuid4()}"')
    assert doc["totalResults"] == 0 and doc["Resources"] == []
    assert not [o for o in ops if o.verb not in ("SRCH", "BIND")], ops


def test_A2_raw_quotes_and_plus_as_space(hinge):
    name = unique("nickolas.") + "@robelweber.info"
    u = hinge.make_user(userName=name)
    with hinge.slapd.watch() as ops:
        r = hinge.entra.get(f'/Users?filter=userName+eq+"{name.replace("@", "%40")}"').expect(200)
    assert [x["id"] for x in r.json["Resources"]] == [u["id"]]
    assert any(f"(uid={name})" in o.filter for o in ops if o.verb == "SRCH"), ops
    assert hinge.entry(u["id"])["uid"] == [name]


def test_A3_user_name_ignores_case_and_keeps_the_stored_spelling(hinge):
    name = unique("Noemie.") + "@schaefer.us"
    u = hinge.make_user(userName=name)
    doc = hinge.entra.find("Users", f'userName eq "{name.upper()}"')
    assert [(x["id"], x["userName"]) for x in doc["Resources"]] == [(u["id"], name)]
    assert hinge.entry(u["id"]).one("uid") == name


@pytest.mark.parametrize("client", ["entra", "lenient", "strict"])
def test_A4_unquoted_filter_value(hinge, client):
    ext = unique("jyoung")
    u = hinge.make_user(client=client, externalId=ext)
    r = hinge.client(client).get("/Users", {"filter": f"externalId eq {ext}"})
    if client == "strict":
        r.error(400, "invalidFilter")
    else:
        assert [x["id"] for x in r.expect(200).json["Resources"]] == [u["id"]]
    assert hinge.entry(u["id"])["dirhingeExternalId"] == [f"{client}:{ext}"]


@pytest.mark.parametrize("client", ["entra", "strict"])
def test_A5_value_path_followed_by_a_sub_attribute(hinge, client):
    mail = unique("a5") + "@b.c"
    u = hinge.make_user(emails=[{"type": "work", "value": mail}])
    r = hinge.client(client).get("/Users", {"filter": f'emails[type eq "work"].value eq "{mail}"'})
    if client == "strict":
        r.error(400, "invalidFilter")
    else:
        assert [x["id"] for x in r.expect(200).json["Resources"]] == [u["id"]]
    assert hinge.entry(u["id"])["mail"] == [mail]


@pytest.mark.parametrize("attribute", ["manager", f"{ENTERPRISE}:manager"])
@pytest.mark.parametrize("client", ["entra", "strict"])
def test_A6_reference_check(hinge, client, attribute):
    boss, other = hinge.make_user(), hinge.make_user()
    u = hinge.make_user(**{ENTERPRISE: {"manager": {"value": boss["id"]}}})
    assert hinge.entry(u["id"])["manager"] == [hinge.dn(boss["id"])]
    hit = hinge.client(client).find("Users", f'id eq "{u["id"]}" and {attribute} eq "{boss["id"]}"', attributes="id")
    assert [x["id"] for x in hit["Resources"]] == [u["id"]]
    assert set(hit["Resources"][0]) <= {"id", "schemas", "meta"}, hit
    miss = hinge.client(client).find("Users", f'id eq "{u["id"]}" and {attribute} eq "{other["id"]}"', attributes="id")
    assert miss["totalResults"] == 0


@pytest.mark.parametrize("client", ["entra", "strict"])
def test_A22_dot_behind_the_urn(hinge, client):
    boss = hinge.make_user()
    u = hinge.make_user(**{ENTERPRISE: {"manager": {"value": boss["id"]}}})
    flt = f'{ENTERPRISE}.manager eq "{boss["id"]}"'
    if client == "strict":
        hinge.strict.get("/Users", {"filter": flt}).error(400, "invalidFilter")
    else:
        assert [x["id"] for x in hinge.entra.find("Users", flt)["Resources"]] == [u["id"]]
    assert hinge.entry(u["id"])["manager"] == [hinge.dn(boss["id"])]


def test_A8_group_without_members_never_reads_them(hinge):
    u = hinge.make_user()
    g = hinge.make_group(u["id"])
    with hinge.slapd.watch() as ops:
        doc = hinge.entra.get(f"/Groups/{g['id']}?excludedAttributes=members").expect(200).json
    assert "members" not in doc and doc["displayName"] == g["displayName"]
    asked = {a.lower() for o in ops if o.verb == "SRCH" for a in o.attrs}
    assert asked and not asked & {"member", "*"}, f"member was read: {ops}"
    assert hinge.member_ids(g["id"]) == {u["id"]}


def test_A9_group_by_name_in_other_case(hinge):
    name = unique("UxvrVlcyWqad")
    g = hinge.make_group(displayName=name)
    r = hinge.entra.get(f'/Groups?excludedAttributes=members&filter=displayName+eq+"{name.lower()}"').expect(200)
    assert [(x["id"], x["displayName"]) for x in r.json["Resources"]] == [(g["id"], name)]
    assert hinge.entry(g["id"])["cn"] == [name]


@pytest.mark.parametrize("id_", [UNKNOWN_ID, "00919288221112222", "x", "*", "uid=a,ou=people", "a" * 300])
@pytest.mark.parametrize("kind", ["Users", "Groups"])
def test_A10_unknown_id(hinge, kind, id_):
    hinge.entra.get(f"/{kind}/{id_}").error(404)


def test_A10_an_id_of_the_other_type_is_unknown(hinge):
    u, g = hinge.make_user(), hinge.make_group()
    hinge.lenient.get(f"/Groups/{u['id']}").error(404)
    hinge.lenient.get(f"/Users/{g['id']}").error(404)


def test_A11_okta_credential_test(hinge):
    hinge.make_user(), hinge.make_user(), hinge.make_user()
    doc = hinge.okta.get("/Users?startIndex=1&count=2").expect(200).json
    assert doc["schemas"] == [LIST]
    for k in ("totalResults", "startIndex", "itemsPerPage"):
        assert type(doc[k]) is int, f"{k} must be a number: {doc[k]!r}"
    assert doc["startIndex"] == 1 and doc["itemsPerPage"] == 2 == len(doc["Resources"])
    held = hinge.ldap.search("ou=people,dc=example,dc=com", "(objectClass=inetOrgPerson)", attrs=("1.1",))
    assert doc["totalResults"] == len(held)


def test_A12_pages_are_stable_and_complete(hinge):
    made = {hinge.make_group()["id"] for _ in range(7)}
    seen, start, total = [], 1, None
    while total is None or start <= total:
        doc = hinge.okta.get(f"/Groups?startIndex={start}&count=3").expect(200).json
        assert total in (None, doc["totalResults"]), "totalResults changed between pages"
        total = doc["totalResults"]
        assert doc["startIndex"] == start and 0 < len(doc["Resources"]) <= 3
        seen += [x["id"] for x in doc["Resources"]]
        start += len(doc["Resources"])
    assert len(seen) == len(set(seen)) == total, "an entry twice or left out"
    held = hinge.ldap.search("ou=groups,dc=example,dc=com", "(objectClass=groupOfNames)", attrs=("entryUUID",))
    assert made <= set(seen) == {e.one("entryUUID") for e in held}


@pytest.mark.parametrize("there", [True, False])
def test_A13_okta_matching(hinge, there):
    name = unique("x") + "@y"
    if there:
        u = hinge.make_user(userName=name)
    path = f"/Users?filter=userName%20eq%20%22{name.replace('@', '%40')}%22&startIndex=1&count=100"
    doc = hinge.okta.get(path).expect(200).json
    assert [x["id"] for x in doc["Resources"]] == ([u["id"]] if there else [])
    assert doc["totalResults"] == (1 if there else 0)
    held = hinge.ldap.search("ou=people,dc=example,dc=com", f"(uid={name})", attrs=("1.1",))
    assert len(held) == (1 if there else 0)


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer ", "Basic dXNlcjpwdw==", "bearer", "Token x"])
def test_A14_wrong_token(hinge, no_writes, header):
    for method, path, body in (("GET", "/Users", None), ("POST", "/Users", hinge.user_body()),
                               ("DELETE", f"/Users/{UNKNOWN_ID}", None)):
        r = hinge.okta.call(method, path, body, headers={"Authorization": header})
        r.error(401)


def test_A14_scheme_is_case_insensitive(hinge):
    hinge.okta.get("/Users?count=0", headers={"Authorization": f"bearer {hinge.okta.token}"}).expect(200)


def test_A16_group_search_without_match(hinge):
    doc = hinge.okta.get("/Groups?filter=displayName%20eq%20%22Test%20SCIMv2%20none%22&startIndex=1&count=100")
    assert doc.expect(200).json["Resources"] == []
    assert doc.json["totalResults"] == 0


def test_A17_authentik_reads_the_configuration(hinge):
    doc = hinge.lenient.get("/ServiceProviderConfig").expect(200).json
    shows(doc, {"patch": {"supported": True}, "filter": {"supported": True}})
    assert type(doc["bulk"]["supported"]) is bool and type(doc["filter"]["maxResults"]) is int
    assert type(doc["bulk"].get("maxOperations", 0)) is int


@pytest.mark.parametrize("client", ["lenient", "strict"])
def test_A18_unquoted_user_name(hinge, client):
    u = hinge.make_user(userName=unique("alice"))
    r = hinge.client(client).get("/Users", {"filter": f"userName eq {u['userName']}"})
    if client == "strict":
        r.error(400, "invalidFilter")
    else:
        assert [x["id"] for x in r.expect(200).json["Resources"]] == [u["id"]]


def test_A19_authentik_reads_members_back(hinge):
    u1, u2 = hinge.make_user(), hinge.make_user()
    g = hinge.make_group()
    ops = [{"op": "add", "path": "members", "value": [{"value": u1["id"]}, {"value": u2["id"]}]}]
    hinge.lenient.patch(f"/Groups/{g['id']}", ops).expect(200, 204)
    doc = hinge.lenient.get(f"/Groups/{g['id']}").expect(200).json
    assert {m["value"] for m in doc["members"]} == {u1["id"], u2["id"]}
    hinge.assert_members(g["id"], u1["id"], u2["id"])


def test_A21_microsoft_client_filter(hinge):
    u = hinge.make_user()
    flt = ('ActiVe eq true and (meta.lastModified ge "2020-01-01T00:00:00Z" and '
           f'meta.lastModified le "2100-01-01T00:00:00Z") and userName eq "{u["userName"]}"')
    doc = hinge.lenient.find("Users", flt, startIndex="0", count="5")
    assert doc["startIndex"] == 1 and [x["id"] for x in doc["Resources"]] == [u["id"]]


@pytest.mark.parametrize("path", ["/ServiceProviderConfig", "/Schemas", "/ResourceTypes"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_A23_discovery_is_read_only(hinge, path, method):
    hinge.lenient.call(method, path, {} if method != "DELETE" else None).error(405)


def test_A26_count_zero(hinge):
    hinge.make_user()
    doc = hinge.lenient.get("/Users?count=0").expect(200).json
    held = hinge.ldap.search("ou=people,dc=example,dc=com", "(objectClass=inetOrgPerson)", attrs=("1.1",))
    assert doc["totalResults"] == len(held) and not doc.get("Resources")


def test_A27_me(hinge):
    hinge.lenient.get("/Me").error(501)


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/scim+json",
                                    "application/scim+json, application/json;q=.5", "text/html, */*;q=0.1"])
def test_A28_accept(hinge, accept):
    r = hinge.lenient.get("/Users?count=1", headers={"Accept": accept}).expect(200)
    kind = r.headers["Content-Type"].split(";")[0]
    assert kind in ("application/scim+json", "application/json")
    if accept != "application/json":
        assert kind == "application/scim+json"


FILTERS = [  # (filter with <u> for the user name and <m> for the mail, matches)
    ('userName eq "<u>"', True), ('USERNAME Eq "<u>"', True), ('userName sw "<p>"', True),
    ('userName ew "<s>"', True), ('userName co "<p>"', True), ('userName eq "<u>x"', False),
    ('emails.value eq "<m>"', True), ('emails[value eq "<m>"]', True),
    ('emails[type eq "work" and value eq "<m>"]', True), ('emails[type eq "home" and value eq "<m>"]', False),
    ('emails co "<m>"', True), ('userName eq "<u>" and title pr', True),
    ('userName eq "<u>" and not (title pr)', False),
    ('userName eq "<u>" and nickName pr', False), ('userName eq "<u>" and active eq true', True),
    ('userName eq "<u>" and active eq false', False),
    ('(userName eq "nobody" or title eq "T") and userName eq "<u>"', True),
    ('userName eq "<u>" and (title eq "t" or title eq "zz")', True), ('userName eq "<u>" and title ne "T"', False),
    ('userName eq "<u>" and name.familyName eq "lovelace"', True), ('id eq "<id>"', True),
    ('userName eq "<u>" and meta.created ge "2020-01-01T00:00:00Z"', True),
    ('userName eq "<u>" and not(title eq "zz")', True),
    ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "<u>"', True),
    (f'{ENTERPRISE}:department eq "Engines" and userName eq "<u>"', True),
    ('userName eq "<u>" and nickName ne "x"', True),
]


@pytest.fixture(scope="module")
def known(hinges):
    h = hinges()
    name = unique("filter")
    u = h.make_user(userName=name, title="T", emails=[{"type": "work", "value": f"{name}@example.com"}],
                    **{ENTERPRISE: {"department": "Engines"}})
    return {"u": name, "p": name[:-1], "s": name[3:], "m": f"{name}@example.com", "id": u["id"]}


@pytest.mark.parametrize("flt,matches", FILTERS, ids=[f[0] for f in FILTERS])
@pytest.mark.parametrize("client", ["lenient", "strict"])
def test_filter(hinge, known, client, flt, matches):
    for k, v in known.items():
        flt = flt.replace(f"<{k}>", v)
    ids = [x["id"] for x in hinge.client(client).find("Users", flt, count="200")["Resources"]]
    assert (known["id"] in ids) == matches, f"{flt}: {ids}"


BAD_FILTERS = ["userName", "userName eq", 'userName xx "a"', 'userName eq "a', '(userName eq "a"', 'userName eq "a")',
               'userName eq "a" and', 'and userName eq "a"', 'unknownAttr eq "a"', 'active gt true',
               'emails[type eq "work"',
               "not", '"a" eq userName', 'userName eq "a" or or userName eq "b"', "(" * 200, 'userName eq "\\u12"',
               'active eq "maybe"', 'urn:x:y:z eq "a"', " ", ""]


@pytest.mark.parametrize("flt", BAD_FILTERS)
def test_bad_filter_is_an_error_never_everything(hinge, flt):
    r = hinge.strict.get("/Users", {"filter": flt})
    r.error(400, "invalidFilter")


def test_search_by_post(hinge, known):
    body = {"schemas": [SEARCH], "filter": f'userName eq "{known["u"]}"', "attributes": ["userName"], "startIndex": 1,
            "count": 10}
    doc = hinge.lenient.post("/Users/.search", body).expect(200).json
    assert [set(x) - {"meta"} for x in doc["Resources"]] == [{"schemas", "id", "userName"}]


@pytest.mark.parametrize("query,has,lacks", [
    ("attributes=userName", {"userName"}, {"name", "emails", "title"}),
    ("attributes=name.familyName", {"name"}, {"userName", "emails"}),
    ("excludedAttributes=emails,name", {"userName", "title"}, {"emails", "name"}),
    ("excludedAttributes=id,userName", {"id"}, set()),
    ("attributes=password", {"id"}, {"password"}),
    ("attributes=USERNAME,%20title", {"userName", "title"}, {"emails"}),
])
def test_projection(hinge, known, query, has, lacks):
    doc = hinge.lenient.get(f"/Users/{known['id']}?{query}").expect(200).json
    assert has | {"id", "schemas"} <= set(doc) and not lacks & set(doc), doc


def test_projection_both_ways_is_refused(hinge, known):
    hinge.lenient.get(f"/Users/{known['id']}?attributes=title&excludedAttributes=name").error(400, "invalidValue")


@pytest.mark.parametrize("query", ["startIndex=0", "startIndex=-5", "count=-1", "startIndex=1&count=1000000",
                                   "count=99999999999999999999"])
def test_paging_corners(hinge, query):
    doc = hinge.lenient.get(f"/Users?{query}").expect(200).json
    assert doc.get("startIndex", 1) == 1
    if "count=-1" in query:
        assert not doc.get("Resources")


@pytest.mark.parametrize("query", ["startIndex=x", "count=1.5", "count="])
def test_paging_nonsense(hinge, query):
    hinge.lenient.get(f"/Users?{query}").error(400, ("invalidValue", "invalidSyntax"))


def test_start_beyond_the_end(hinge):
    doc = hinge.lenient.get("/Groups?startIndex=100000&count=10").expect(200).json
    assert doc["Resources"] == [] and doc["totalResults"] >= 0
