# SPDX-License-Identifier: Apache-2.0
"""What the profile strict promises: RFC 7643 and 7644, and what draft-zollner-scim-interop-profile asks of a service
provider where the RFC leaves a choice (decisions/0016). Refusals of single deviations stand beside the wire cases."""

import pytest

from support.hinge import unique
from support.match import shows
from support.prometheus import parse
from support.scim import ENTERPRISE, PATCH_OP, USER

UNKNOWN = "urn:example:params:scim:schemas:extension:none:2.0:User"


def replace(path, value):
    return [{"op": "replace", "path": path, "value": value}]


# --- discovery (draft 4, 5.1, 5.4) -----------------------------------------------------------------------------------

def test_discovery_is_complete_and_claims_nothing(hinge):
    assert not hinge.strict.get("/ServiceProviderConfig").expect(200).json.get("interopProfileConformant")
    types = hinge.strict.get("/ResourceTypes").expect(200).json["Resources"]
    schemas = {s["id"]: s for s in hinge.strict.get("/Schemas").expect(200).json["Resources"]}
    for t in types:
        assert t["id"] == t["name"]
        for urn in [t["schema"]] + [x["schema"] for x in t["schemaExtensions"]]:
            assert urn in schemas, urn
            hinge.strict.get(f"/Schemas/{urn}").expect(200)
    for name in ("emails", "phoneNumbers", "photos", "addresses", "ims"):
        attr = next(a for a in schemas[USER]["attributes"] if a["name"] == name)
        kind = next(a for a in attr["subAttributes"] if a["name"] == "type")
        assert kind["canonicalValues"], name


def test_what_is_advertised_is_what_works(hinge):
    """Every simple readWrite attribute of /Schemas is kept when it is sent."""
    values = {"string": lambda a: unique("v"), "boolean": lambda a: True, "reference": lambda a: "https://e.example/x"}
    for urn, where in ((USER, lambda b: b), (ENTERPRISE, lambda b: b[ENTERPRISE])):
        body = hinge.user_body(**{"schemas": [USER, ENTERPRISE], ENTERPRISE: {}})
        sent = {}
        for a in hinge.strict.get(f"/Schemas/{urn}").json["attributes"]:
            if a["type"] in values and a["mutability"] == "readWrite" and not a["multiValued"]:
                sent[a["name"]] = values[a["type"]](a)
        where(body).update(sent)
        got = hinge.strict.post("/Users", {k: v for k, v in body.items() if v != {}}).expect(201).json
        shows(where(got), sent)


# --- case (draft 5.2, RFC 7643 3.1) ----------------------------------------------------------------------------------

@pytest.mark.parametrize("client", ["strict", "lenient"])
def test_an_id_in_another_case_is_another_id(hinge, client):
    c, u = hinge.client(client), hinge.make_user()
    g = hinge.make_group(u["id"])
    other = u["id"].upper()
    assert other != u["id"]
    c.get(f"/Users/{other}").error(404)
    c.put(f"/Users/{other}", hinge.user_body()).error(404)
    c.patch(f"/Users/{other}", replace("title", "x")).error(404)
    c.delete(f"/Users/{other}").error(404)
    for kind, flt, hits in (("Users", f'id eq "{other}"', 0), ("Users", f'id eq "{other}" and not (title co "no")', 0),
                            ("Groups", f'id eq "{g["id"].upper()}"', 0), ("Groups", f'members.value eq "{other}"', 1)):
        assert c.find(kind, flt)["totalResults"] == hits, flt  # RFC 7643 8.7.1: members.value is not caseExact
    hinge.assert_members(g["id"], u["id"])


def test_case_is_the_same_in_filters_and_uniqueness(hinge):
    name = unique("CaSe-")
    u = hinge.strict.post("/Users", hinge.user_body(userName=name)).expect(201).json
    for spelling in (name, name.upper(), name.lower()):
        assert [x["id"] for x in hinge.strict.find("Users", f'userName eq "{spelling}"')["Resources"]] == [u["id"]]
        hinge.strict.post("/Users", hinge.user_body(userName=spelling)).error(409, "uniqueness")
    ext = unique("Ext-")
    ids = {e: hinge.strict.post("/Users", hinge.user_body(externalId=e)).expect(201).json["id"]
           for e in (ext, ext.upper())}
    for e, id_ in ids.items():
        assert [x["id"] for x in hinge.strict.find("Users", f'externalId eq "{e}"')["Resources"]] == [id_]
    assert hinge.strict.find("Users", f'externalId eq "{ext.lower()}"')["totalResults"] == 0


# --- unknown names (draft 5.3, 6.3) ----------------------------------------------------------------------------------

BODIES = {
    "attribute": lambda b: b.update(nope="x"),
    "sub-attribute": lambda b: b["name"].update(nope="x"),
    "element": lambda b: b.update(emails=[{"value": "a@b.c", "nope": "x"}]),
    "extension attribute": lambda b: b.update({"schemas": [USER, ENTERPRISE], ENTERPRISE: {"nope": "x"}}),
    "schema": lambda b: b.update(schemas=[USER, UNKNOWN]),
    "schema with values": lambda b: b.update({"schemas": [USER, UNKNOWN], UNKNOWN: {"badge": "1"}}),
    "schema not listed": lambda b: b.update({ENTERPRISE: {"department": "D"}}),
}


@pytest.mark.parametrize("key", BODIES)
def test_unknown_names_in_a_body_are_refused(hinge, key):
    u = hinge.make_user()
    mark = hinge.slapd.audit_mark()
    body = hinge.user_body()
    BODIES[key](body)
    hinge.strict.post("/Users", body).error(400, "invalidSyntax")
    hinge.strict.put(f"/Users/{u['id']}", dict(body, userName=u["userName"])).error(400, "invalidSyntax")
    assert hinge.slapd.audit_mark() == mark


@pytest.mark.parametrize("op,code", [
    ({"op": "replace", "value": {"nope": "x"}}, "invalidSyntax"),
    ({"op": "replace", "value": {"title": "T", UNKNOWN: {"badge": "1"}}}, "invalidSyntax"),
    ({"op": "add", "path": "name", "value": {"nope": "x"}}, "invalidSyntax"),
    ({"op": "add", "path": "emails", "value": [{"value": "a@b.c", "nope": 1}]}, "invalidSyntax"),
    ({"op": "replace", "path": "nope", "value": "x"}, "invalidPath"),
    ({"op": "replace", "path": "name.nope", "value": "x"}, "invalidPath"),
    ({"op": "remove", "path": UNKNOWN + ":badge"}, "invalidPath"),
    ({"op": "remove", "path": 'emails[nope eq "x"]'}, "invalidPath"),
    ({"op": "move", "path": "title"}, "invalidSyntax"),
], ids=lambda v: v if isinstance(v, str) else None)
def test_unknown_names_in_a_patch_are_refused(hinge, op, code):
    u = hinge.make_user(title="T")
    mark = hinge.slapd.audit_mark()
    hinge.strict.patch(f"/Users/{u['id']}", replace("nickName", "N") + [op]).error(400, code)
    assert hinge.slapd.audit_mark() == mark


@pytest.mark.parametrize("kind,flt", [("Users", 'nope eq "x"'), ("Users", 'name.nope eq "x"'), ("Groups", 'title eq "x"'),
                                      ("Users", f'{UNKNOWN}:badge eq "x"'), ("Users", 'emails[nope eq "x"]'),
                                      ("Users", 'userName eq "a" and nope pr')])
def test_unknown_names_in_a_filter_are_refused(hinge, kind, flt):
    hinge.strict.get(f"/{kind}", {"filter": flt}).error(400, "invalidFilter")
    hinge.strict.post(f"/{kind}/.search", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                                           "filter": flt}).error(400, "invalidFilter")


# --- pages (draft 6.4) -----------------------------------------------------------------------------------------------

def test_a_page_of_a_hundred_is_given_and_a_larger_one_is_cut(hinge):
    prefix = unique("pg")
    hinge.make_many(130, prefix)
    flt = f'userName sw "{prefix}-"'
    for query, want in (({}, 100), ({"count": "100"}, 100), ({"count": "120"}, 120)):
        got = hinge.strict.find("Users", flt, **query)
        assert (got["totalResults"], got["itemsPerPage"], len(got["Resources"])) == (130, want, want)
    most = hinge.strict.get("/ServiceProviderConfig").json["filter"]["maxResults"]
    assert hinge.strict.find("Users", flt, count=str(most * 10))["itemsPerPage"] == 130


# --- PATCH (RFC 7644 3.5.2, draft 6.5) -------------------------------------------------------------------------------

@pytest.mark.parametrize("op", ["add", "replace"])
def test_add_and_replace_of_one_value_are_the_same(hinge, op):
    u = hinge.make_user(title="old", active=False)
    ops = [{"op": op, "path": p, "value": v} for p, v in (("title", "new"), ("active", True), ("name.givenName", "G"))]
    shows(hinge.strict.patch(f"/Users/{u['id']}", ops).expect(200).json,
          {"title": "new", "active": True, "name": {"givenName": "G", "familyName": "Lovelace"}})
    hinge.assert_entry(u["id"], {"title": ["new"], "givenName": ["G"], "sn": ["Lovelace"], "pwdEndTime": None})


@pytest.mark.parametrize("op", ["add", "replace"])
def test_what_a_complex_value_does_not_mention_stays(hinge, op):
    """RFC 7644 3.5.2.1, 3.5.2.3; the draft would have replace take the rest away (decisions/0016)."""
    u = hinge.make_user(name={"givenName": "A", "familyName": "B", "middleName": "C"})
    r = hinge.strict.patch(f"/Users/{u['id']}", [{"op": op, "path": "name", "value": {"familyName": "X"}}]).expect(200)
    shows(r.json, {"name": {"givenName": "A", "familyName": "X", "middleName": "C"}})
    hinge.assert_entry(u["id"], {"sn": ["X"], "givenName": ["A"], "dirhingeMiddleName": ["C"]})


def test_a_list_is_replaced_or_added_to(hinge):
    one, two, three = ({"value": f"{unique('m')}@e.example", "type": t} for t in ("work", "home", "other"))
    u = hinge.make_user(emails=[one])
    path = f"/Users/{u['id']}"
    hinge.strict.patch(path, [{"op": "add", "path": "emails", "value": [two]}]).expect(200)
    assert {e["value"] for e in hinge.strict.get(path).json["emails"]} == {one["value"], two["value"]}
    hinge.strict.patch(path, replace("emails", [three])).expect(200)
    assert [e["value"] for e in hinge.strict.get(path).json["emails"]] == [three["value"]]
    hinge.strict.patch(path, [{"op": "add", "path": "emails", "value": one}]).error(400, "invalidValue")


# --- life (RFC 7644 3.6, draft 6.6, 6.9) -----------------------------------------------------------------------------

def test_a_patch_never_deletes_and_a_delete_does(hinge):
    u = hinge.make_user()
    path = f"/Users/{u['id']}"
    hinge.strict.patch(path, replace("active", False)).expect(200)
    assert hinge.strict.get(path).expect(200).json["active"] is False
    assert hinge.strict.find("Users", f'userName eq "{u["userName"]}"')["totalResults"] == 1
    hinge.strict.delete(path).expect(204)
    assert hinge.entry(u["id"]) is None
    for call in (lambda: hinge.strict.get(path), lambda: hinge.strict.delete(path),
                 lambda: hinge.strict.patch(path, replace("active", True)),
                 lambda: hinge.strict.put(path, hinge.user_body(userName=u["userName"]))):
        call().error(404)
    assert hinge.strict.find("Users", f'userName eq "{u["userName"]}"')["totalResults"] == 0
    again = hinge.strict.post("/Users", hinge.user_body(userName=u["userName"])).expect(201).json
    assert again["id"] != u["id"]


def test_a_name_that_is_taken_is_409_whatever_the_method(hinge):
    one, two = hinge.make_user(), hinge.make_user()
    path, taken = f"/Users/{two['id']}", one["userName"]
    before = hinge.entry(two["id"])
    hinge.strict.post("/Users", hinge.user_body(userName=taken)).error(409, "uniqueness")
    hinge.strict.put(path, hinge.user_body(userName=taken)).error(409, "uniqueness")
    hinge.strict.patch(path, replace("userName", taken)).error(409, "uniqueness")
    assert hinge.entry(two["id"]) == before


# --- no tolerance ----------------------------------------------------------------------------------------------------

DEVIATIONS = {
    "string_bool": ("PATCH", "invalidValue", [{"op": "replace", "path": "active", "value": "False"}]),
    "unknown_attribute": ("POST", "invalidSyntax", {"nope": 1}),
    "unknown_urn": ("POST", "invalidSyntax", {"schemas": [USER, UNKNOWN]}),
    "create_target": ("PATCH", "noTarget", replace('emails[type eq "home"].value', "a@b.c")),
    "unquoted": ("FILTER", "invalidFilter", "userName eq bjensen"),
    "flat_keys": ("PATCH", "invalidSyntax", [{"op": "replace", "value": {"name.givenName": "G"}}]),
    "shape": ("PATCH", "invalidValue", replace("emails", {"value": "a@b.c"})),
    "no_schemas": ("POST", "invalidSyntax", {"schemas": None}),
    "duplicates": ("POST", "invalidValue", {"emails": [{"value": "a@b.c", "primary": True}, {"value": "d@b.c", "primary": True}]}),
    "filter_suffix": ("FILTER", "invalidFilter", 'emails[type eq "work"].value eq "a"'),
    "urn_dot": ("FILTER", "invalidFilter", f'{ENTERPRISE}.employeeNumber eq "1"'),
}


def tolerated(hinge, kind, client="lenient"):
    families = parse(hinge.daemon.probe("/metrics", admin=True)[2].decode())
    return families["dirhinge_scim_tolerated_total"].total(client=client, kind=kind)


@pytest.mark.parametrize("kind", DEVIATIONS)
def test_no_deviation_is_tolerated(hinge, kind):
    """Each of them passes for lenient and is counted; remove_value and unknown_member stand in test_group_wire.py."""
    method, code, what = DEVIATIONS[kind]
    u = hinge.make_user(emails=[{"type": "work", "value": f"{unique('d')}@e.example"}])
    mark, counted = hinge.slapd.audit_mark(), tolerated(hinge, kind)
    for client in ("strict", "lenient"):
        c = hinge.client(client)
        if method == "FILTER":
            r = c.get("/Users", {"filter": what})
        elif method == "POST":
            r = c.post("/Users", {k: v for k, v in {**hinge.user_body(), **what}.items() if v is not None})
        else:
            r = c.call("PATCH", f"/Users/{u['id']}", {"schemas": [PATCH_OP], "Operations": what})
        if client == "strict":
            r.error(400, code)
            assert hinge.slapd.audit_mark() == mark
        else:
            r.expect(200, 201)
    assert tolerated(hinge, kind) == counted + 1
    assert tolerated(hinge, kind, "strict") == 0
