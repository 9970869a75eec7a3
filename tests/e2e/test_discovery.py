# SPDX-License-Identifier: Apache-2.0
"""Discovery documents say what this directory can hold; headers of reads."""

import pytest

from support.match import shows
from support.scim import ENTERPRISE, GROUP, LIST, USER
from support.slapd import Variant

SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"
TYPE = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"


def attributes(doc, prefix=""):
    names = set()
    for a in doc:
        names.add(prefix + a["name"])
        names |= attributes(a.get("subAttributes", []), f"{prefix}{a['name']}.")
    return names


def schemas(h):
    doc = h.lenient.get("/Schemas").expect(200).json
    assert doc["schemas"] == [LIST] and doc["totalResults"] == len(doc["Resources"])
    return {s["id"]: s for s in doc["Resources"]}


def test_schemas_are_complete_documents(hinge):
    found = schemas(hinge)
    assert set(found) == {USER, ENTERPRISE, GROUP}
    for urn, doc in found.items():
        shows(doc, {"schemas": [SCHEMA], "id": urn, "meta": {"resourceType": "Schema"}})
        assert doc["meta"]["location"].endswith("/Schemas/" + urn)
        assert hinge.lenient.get(f"/Schemas/{urn}").expect(200).json == doc
        _check_attributes(doc["attributes"])


def _check_attributes(attrs):
    for a in attrs:
        assert a["type"] in ("string", "boolean", "decimal", "integer", "dateTime", "reference", "complex", "binary"), a
        assert a["mutability"] in ("readOnly", "readWrite", "immutable", "writeOnly"), a
        assert a["returned"] in ("always", "never", "default", "request"), a
        assert a.get("uniqueness", "none") in ("none", "server", "global"), a
        assert type(a["multiValued"]) is bool and type(a["required"]) is bool, a
        assert (a["type"] == "complex") == bool(a.get("subAttributes")), a
        _check_attributes(a.get("subAttributes", []))


def test_active_is_required_and_has_a_default(hinge):
    """decisions/0014. The word for the default is ours alone and not shown."""
    active = next(a for a in schemas(hinge)[USER]["attributes"] if a["name"] == "active")
    shows(active, {"required": True, "mutability": "readWrite", "returned": "default", "type": "boolean"})
    assert set(active) == {"name", "type", "description", "multiValued", "required", "mutability", "returned",
                           "uniqueness"}


def test_resource_types(hinge):
    doc = hinge.lenient.get("/ResourceTypes").expect(200).json
    types = {t["id"] if "id" in t else t["name"]: t for t in doc["Resources"]}
    assert set(types) == {"User", "Group"}
    shows(types["User"], {"schemas": [TYPE], "name": "User", "endpoint": "/Users", "schema": USER,
                          "schemaExtensions": [{"schema": ENTERPRISE, "required": False}],
                          "meta": {"resourceType": "ResourceType"}})
    shows(types["Group"], {"endpoint": "/Groups", "schema": GROUP})
    for name, t in types.items():
        assert hinge.lenient.get(f"/ResourceTypes/{name}").expect(200).json == t
        assert t["meta"]["location"].endswith("/ResourceTypes/" + name)


def test_service_provider_config(hinge):
    doc = hinge.lenient.get("/ServiceProviderConfig").expect(200).json
    shows(doc, {"schemas": [CONFIG], "patch": {"supported": True}, "filter": {"supported": True},
                "etag": {"supported": True}, "sort": {"supported": True},
                "bulk": {"supported": True, "maxOperations": 500, "maxPayloadSize": 4194304},
                "changePassword": {"supported": True}, "meta": {"resourceType": "ServiceProviderConfig"}})
    assert doc["pagination"] == {"cursor": True, "index": True, "defaultPaginationMethod": "index",
                                 "defaultPageSize": 100, "maxPageSize": doc["filter"]["maxResults"],
                                 "cursorTimeout": 300}
    limit = doc["filter"]["maxResults"]
    assert type(limit) is int and limit > 0
    assert doc["authenticationSchemes"][0]["type"] == "oauthbearertoken"
    page = hinge.lenient.get("/Users?count=1000000").expect(200).json
    assert page["itemsPerPage"] <= limit


def test_P55_filters_on_discovery_are_refused(hinge):
    for path in ("/Schemas", "/ResourceTypes", "/ServiceProviderConfig"):
        hinge.lenient.get(path, {"filter": 'id eq "x"'}).error(403)


def test_schema_decides_what_is_advertised(hinges):
    full, plain = schemas(hinges()), schemas(hinges(Variant(schema=False)))
    have, lack = attributes(full[USER]["attributes"]), attributes(plain[USER]["attributes"])
    assert lack < have
    gone = have - lack
    for name in ("nickName", "locale", "timezone", "roles", "entitlements", "name.middleName", "ims"):
        assert name in gone, f"{name} is advertised without a home for it"
    for name in ("userName", "name.familyName", "name.givenName", "displayName", "title", "emails", "emails.value",
                 "phoneNumbers", "addresses", "password", "groups", "userType"):
        assert name in lack, f"{name} has a home in inetOrgPerson but is not advertised"
    assert "costCenter" in attributes(full[ENTERPRISE]["attributes"]) - attributes(plain[ENTERPRISE]["attributes"])
    assert {"displayName", "members", "members.value"} <= attributes(plain[GROUP]["attributes"])


def test_every_advertised_attribute_can_be_written(hinge):
    """What /Schemas offers as readWrite is kept: nothing is advertised and then dropped."""
    values = {"string": "Text", "reference": "https://example.com/x", "boolean": True}
    for urn in (USER, ENTERPRISE):
        for a in schemas(hinge)[urn]["attributes"]:
            if a["mutability"] != "readWrite" or a["name"] in ("userName", "manager", "x509Certificates", "active"):
                continue
            if a["type"] == "complex":
                value = {s["name"]: values.get(s["type"], "Text") for s in a["subAttributes"]
                         if s["mutability"] == "readWrite" and s["name"] not in ("type", "$ref")}
                if "type" in [s["name"] for s in a["subAttributes"]]:
                    value["type"] = "work"
                value = [value] if a["multiValued"] else value
            else:
                value = values[a["type"]]
            body = {ENTERPRISE: {a["name"]: value}} if urn == ENTERPRISE else {a["name"]: value}
            made = hinge.make_user(client="strict", **body)
            shows(made, body)
            assert hinge.strict.get(f"/Users/{made['id']}").json == made


def test_location_etag_and_methods(hinge):
    u = hinge.make_user()
    r = hinge.lenient.get(f"/Users/{u['id']}").expect(200)
    assert r.headers["ETag"] == u["meta"]["version"] and r.headers["ETag"].startswith('W/"')
    assert u["meta"]["location"] == f"http://{hinge.daemon.address}/scim/v2/Users/{u['id']}"
    head = hinge.lenient.call("HEAD", f"/Users/{u['id']}").expect(200)
    assert head.headers["ETag"] == r.headers["ETag"] and int(head.headers["Content-Length"]) == len(r.body)
    hinge.lenient.call("HEAD", "/Users/00000000-0000-4000-8000-000000000000").expect(404)
    options = hinge.lenient.call("OPTIONS", f"/Users/{u['id']}")
    assert options.expect(200, 204).headers["Allow"]
    allowed = {m.strip() for m in options.headers["Allow"].split(",")}
    assert {"GET", "PUT", "PATCH", "DELETE"} <= allowed and "POST" not in allowed, allowed
    hinge.assert_entry(u["id"], {"uid": [u["userName"]]})


def test_meta_times_come_from_the_directory(hinge):
    u = hinge.make_user()
    e = hinge.entry(u["id"])

    def iso(t):
        return f"{t[0:4]}-{t[4:6]}-{t[6:8]}T{t[8:10]}:{t[10:12]}:{t[12:14]}"

    assert u["meta"]["created"].startswith(iso(e.one("createTimestamp"))), u["meta"]
    assert u["meta"]["lastModified"].startswith(iso(e.one("modifyTimestamp"))), u["meta"]
    assert u["meta"]["created"].endswith("Z")
    assert u["id"] == e.one("entryUUID")


def test_location_follows_the_host_header(hinge):
    u = hinge.make_user()
    doc = hinge.lenient.get(f"/Users/{u['id']}", headers={"Host": "scim.example.net:8443"}).expect(200).json
    assert doc["meta"]["location"] == f"http://scim.example.net:8443/scim/v2/Users/{u['id']}"


def test_external_url(hinges):
    h = hinges(Variant(), server={"listen": "127.0.0.1:0", "base_path": "/x",
                                 "external_url": "https://scim.example.com"})
    u = h.make_user()
    assert u["meta"]["location"] == f"https://scim.example.com/x/Users/{u['id']}"
    h.lenient.call("GET", "/scim/v2/Users", absolute=True).expect(404)
    h.assert_entry(u["id"], {"uid": [u["userName"]]})


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_needs_no_token(hinge, path):
    status, headers, body = hinge.daemon.probe(path)
    assert status == 200 and headers["Content-Type"].startswith("application/json") and body
    assert b"example" not in body, "health must not tell names of the directory"
