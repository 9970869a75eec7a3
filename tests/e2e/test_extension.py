# SPDX-License-Identifier: Apache-2.0
"""An extension that the operator's map file defines (users.map) is one like any other."""

import pytest

from support.daemon import run, to_yaml, write_file
from support.hinge import config, unique
from support.match import ABSENT, shows
from support.scim import GROUP, USER
from support.slapd import Variant

CUSTOM = "urn:ietf:params:scim:schemas:extension:Custom:2.0:User"
MAP = f"""schemas:
  - urn: {CUSTOM}
    name: CustomUser
    description: What the site keeps about people
    attributes:
      - {{ name: badge, description: Number of the badge }}
      - {{ name: floor, mutability: readOnly }}
      - {{ name: homeless, description: No row maps it }}
rows:
  - {{ scim: "{CUSTOM}:badge", ldap: carLicense }}
  - {{ scim: "{CUSTOM}:floor", ldap: roomNumber }}
"""


@pytest.fixture(scope="module")
def map_file(tmp_path_factory):
    return write_file(str(tmp_path_factory.mktemp("map") / "users.yaml"), MAP)


@pytest.fixture
def custom(hinges, map_file):
    h = hinges(Variant(), users={"map": map_file})
    yield h
    assert h.daemon.alive(), h.daemon.log()[-4000:]


def with_badge(h, badge, schemas=(USER, CUSTOM)):
    return h.user_body(**{"schemas": list(schemas), CUSTOM: {"badge": badge}})


def test_is_advertised_as_far_as_it_is_mapped(custom):
    doc = custom.strict.get(f"/Schemas/{CUSTOM}").expect(200).json
    assert [a["name"] for a in doc["attributes"]] == ["badge", "floor"]
    shows(doc, {"id": CUSTOM, "name": "CustomUser", "description": "What the site keeps about people"})
    shows(doc["attributes"][0], {"type": "string", "multiValued": False, "required": False, "caseExact": False,
                                 "mutability": "readWrite", "returned": "default", "uniqueness": "none",
                                 "description": "Number of the badge"})
    assert doc["attributes"][1]["mutability"] == "readOnly"
    assert CUSTOM in {s["id"] for s in custom.strict.get("/Schemas").json["Resources"]}
    user = custom.strict.get("/ResourceTypes/User").expect(200).json
    assert {"schema": CUSTOM, "required": False} in user["schemaExtensions"]
    assert CUSTOM not in str(custom.strict.get("/ResourceTypes/Group").json)


@pytest.mark.parametrize("client", ["entra", "okta", "lenient"])
def test_B4_create_without_the_urn_in_schemas(custom, client):
    c, badge = custom.client(client), unique("b-")
    r = c.post("/Users", with_badge(custom, badge, [USER])).expect(201)
    assert r.json[CUSTOM] == {"badge": badge} and set(r.json["schemas"]) == {USER, CUSTOM}
    custom.assert_entry(r.json["id"], {"carLicense": [badge]})
    assert c.get(f"/Users/{r.json['id']}").json == r.json


def test_B4_strict_wants_the_urn(custom):
    custom.strict.post("/Users", with_badge(custom, "1", [USER])).error(400, "invalidSyntax")
    r = custom.strict.post("/Users", with_badge(custom, unique("b-"))).expect(201)
    assert CUSTOM in r.json["schemas"]


@pytest.mark.parametrize("client", ["entra", "okta", "lenient", "strict"])
def test_C27_replace_by_urn(custom, client):
    c, u = custom.client(client), custom.make_user()
    assert CUSTOM not in u["schemas"]
    op = "replace" if client == "strict" else "Replace"
    c.patch(f"/Users/{u['id']}", [{"op": op, "path": f"{CUSTOM}:badge", "value": "7"}]).expect(200, 204)
    doc = c.get(f"/Users/{u['id']}").json
    assert doc[CUSTOM] == {"badge": "7"} and CUSTOM in doc["schemas"]
    custom.assert_entry(u["id"], {"carLicense": ["7"]})
    c.patch(f"/Users/{u['id']}", [{"op": "replace", "value": {CUSTOM: {"badge": "8"}}}]).expect(200, 204)
    custom.assert_entry(u["id"], {"carLicense": ["8"]})
    c.patch(f"/Users/{u['id']}", [{"op": "remove", "path": f"{CUSTOM}:badge"}]).expect(200, 204)
    doc = c.get(f"/Users/{u['id']}").json
    shows(doc, {CUSTOM: ABSENT})
    assert CUSTOM not in doc["schemas"]
    custom.assert_entry(u["id"], {"carLicense": None})


def test_put_writes_it_and_keeps_what_is_read_only(custom):
    u = custom.strict.post("/Users", with_badge(custom, unique("b-"))).expect(201).json
    dn = custom.dn(u["id"])
    custom.ldap.modify(dn, ("add", "roomNumber", ["3"]))
    doc = custom.strict.get(f"/Users/{u['id']}").json
    assert doc[CUSTOM]["floor"] == "3"
    doc[CUSTOM] = {"badge": "new", "floor": "9"}
    assert custom.strict.put(f"/Users/{u['id']}", doc).expect(200).json[CUSTOM] == {"badge": "new", "floor": "3"}
    custom.assert_entry(u["id"], {"carLicense": ["new"], "roomNumber": ["3"]})


@pytest.mark.parametrize("name", [f"{CUSTOM}:badge", CUSTOM.upper() + ":BADGE", "badge"])
def test_filter_sort_and_projection(custom, name):
    last = unique("z")
    ids = []
    for badge in ("b", "a", "c"):
        body = with_badge(custom, unique(badge))
        ids.append(custom.strict.post("/Users", dict(body, name={"familyName": last})).expect(201).json["id"])
    badge = custom.strict.get(f"/Users/{ids[0]}").json[CUSTOM]["badge"]
    hit = custom.strict.find("Users", f'{name} eq "{badge.upper()}"', attributes=name)
    assert [x["id"] for x in hit["Resources"]] == ids[:1]
    assert set(hit["Resources"][0]) - {"meta"} == {"schemas", "id", CUSTOM}, hit
    r = custom.strict.find("Users", f'name.familyName eq "{last}"', sortBy=name)
    assert [x["id"] for x in r["Resources"]] == [ids[1], ids[0], ids[2]]
    assert CUSTOM not in custom.strict.get(f"/Users/{ids[0]}", {"excludedAttributes": name}).json


def test_groups_can_have_one_too(hinges, tmp_path_factory):
    urn = "urn:example:params:scim:schemas:extension:2.0:Group"
    path = write_file(str(tmp_path_factory.mktemp("map") / "groups.yaml"),
                      MAP.replace(CUSTOM, urn).replace("badge, ", "about, ").replace("badge", "about")
                      .replace("carLicense", "description").replace("roomNumber", "businessCategory"))
    h = hinges(Variant(), groups={"map": path})
    g = h.make_group(schemas=[GROUP, urn], **{urn: {"about": "Board"}})
    assert g[urn] == {"about": "Board"} and urn in g["schemas"]
    h.assert_entry(g["id"], {"description": ["Board"]})
    assert [x["id"] for x in h.strict.find("Groups", 'about eq "board"')["Resources"]] == [g["id"]]
    h.strict.patch(f"/Groups/{g['id']}", [{"op": "replace", "path": f"{urn}:about", "value": "B"}]).expect(200, 204)
    h.assert_entry(g["id"], {"description": ["B"]})
    assert [x["schema"] for x in h.strict.get("/ResourceTypes/Group").json["schemaExtensions"]] == [urn]


def test_mistakes_are_named_with_file_and_line(directories, tmp_path):
    path = write_file(str(tmp_path / "bad.yaml"), MAP.replace("carLicense", "uidNumber"))
    c = config(directories(), users={"map": path})
    c["state_dir"] = str(tmp_path)
    c["clients"] = []
    done = run("config", "check", "-c", write_file(str(tmp_path / "d.yaml"), to_yaml(c)))
    assert done.returncode != 0 and f"{path}:10: uidNumber must not be mapped" in done.stdout + done.stderr, done
