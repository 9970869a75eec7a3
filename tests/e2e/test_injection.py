# SPDX-License-Identifier: Apache-2.0
"""Text from clients stays data: never filter, DN, LDIF or path syntax; never a 500; never somebody else's entry."""

import json
import os
import unicodedata
from urllib.parse import quote

import pytest

from support.hinge import corpora, unique
from support.scim import GROUP
from support.slapd import GROUPS, PEOPLE, SUFFIX

# The marker <N> makes each value new; what is around it is what might break something.
NASTY = {
    "filter-all": "<N>*)(uid=*", "filter-close": "<N>)(objectClass=*))(|(uid=*", "star": "<N>*", "star-front": "*<N>",
    "parens": "(<N>)", "amp": "<N>&|!", "dn-suffix": "<N>,ou=groups,dc=example,dc=com", "dn-two": "<N>,uid=other",
    "multi-rdn": "<N>+cn=x", "plus": "a+<N>", "lead-space": " <N>", "trail-space": "<N> ", "two-spaces": "a  <N>",
    "hash": "#<N>", "quote": '"<N>"', "semicolon": "<N>;x", "angle": "<<N>>", "equals": "uid=<N>",
    "backslash": "<N>\\", "backslash-hex": "<N>\\2a", "backslash-mid": "a\\,<N>", "hex-escape": "\\28<N>\\29",
    "slash": "<N>/../x", "dots": "../<N>", "percent": "<N>%2f%00", "utf8": "<N>-Ünïcødé-Жук",
    "emoji": "<N>-\U0001f980",
    "combining": "<N>-e\u0301", "rtl": "<N>\u202etxt", "zero-width": "<N>\u200bx", "nbsp": "<N>\u00a0x",
    "newline": "<N>\nuid: x", "crlf": "<N>\r\nmember: x", "tab": "<N>\tx", "control": "<N>\u0001\u001f",
    "del": "<N>\u007f",
    "ldif": "<N>\n\ndn: uid=x\nchangetype: delete", "format": "<N>%s%n%x", "braces": "{<N>}", "yaml": "<N>: [",
    "json": '{"value":"<N>"}', "quote-escape": '<N>" or userName pr or userName eq "', "sql": "<N>'; DROP TABLE u;--",
    "html": "<script>alert('<N>')</script>", "null-word": "null <N>", "dollar": "<N>$x", "bidi": "\u2067<N>\u2069",
}
SPACES = ("lead-space", "trail-space", "two-spaces", "nbsp", "zero-width", "combining", "tab", "newline", "crlf",
          "ldif", "control", "del", "rtl", "bidi")


def nasty(key):
    return NASTY[key].replace("<N>", unique("inj"))


@pytest.fixture(scope="module")
def neighbours(hinges):
    """Entries that no test of this file names; they must never change."""
    h = hinges()
    mark = unique("neighbour-")
    users = [h.make_user(displayName=mark, emails=[{"type": "work", "value": f"n{i}@x.y"}]) for i in range(3)]
    group = h.make_group(users[0]["id"])
    flt = f"(|(displayName={mark})(cn={group['displayName']}))"
    entries = h.ldap.search(SUFFIX, flt)
    assert len(entries) == 4
    return flt, entries


@pytest.fixture(autouse=True)
def unharmed(hinge, neighbours):
    flt, before = neighbours
    yield
    assert hinge.ldap.search(SUFFIX, flt) == before, "a neighbour entry changed"


@pytest.fixture
def counts(hinge):
    return _count(hinge)


def _count(hinge):
    return {base: len(hinge.ldap.search(base, attrs=("1.1",))) for base in (PEOPLE, GROUPS)}


def equal(got, sent):
    """The directory may fold spaces (RFC 4518); nothing else may change."""
    return got == sent or " ".join(got.split()) == " ".join(sent.split())


def held_by(hinge, id_, attribute, value, key):
    got = hinge.entry(id_).one(attribute)
    got = got.decode("utf-8") if isinstance(got, bytes) else got
    assert got == value or (key in SPACES and equal(got, value)), f"{attribute} holds {got!r}, sent {value!r}"


@pytest.mark.parametrize("key", NASTY)
def test_user_name(hinge, counts, key):
    name = nasty(key)
    r = hinge.lenient.post("/Users", hinge.user_body(userName=name)).expect(201, 400)
    if r.status == 400:
        r.error(400, "invalidValue")
        assert key in SPACES, f"ordinary text was refused: {r}"
        assert _count(hinge) == counts
        return
    u = r.json
    held_by(hinge, u["id"], "uid", unicodedata.normalize("NFC", name), key)
    e = hinge.entry(u["id"])
    assert e.dn.count(",ou=people,dc=example,dc=com") == 1 and len(e["uid"]) == 1, e.dn
    assert _count(hinge) == {**counts, PEOPLE: counts[PEOPLE] + 1}
    found = hinge.lenient.find("Users", f"userName eq {json.dumps(u['userName'])}")
    assert [x["id"] for x in found["Resources"]] == [u["id"]], f"not found again by its own name: {found}"
    hinge.lenient.post("/Users", hinge.user_body(userName=u["userName"])).error(409, "uniqueness")
    new = nasty(key)
    hinge.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "userName", "value": new}]).expect(200, 204)
    held_by(hinge, u["id"], "uid", unicodedata.normalize("NFC", new), key)
    hinge.lenient.delete(f"/Users/{u['id']}").expect(204)
    assert _count(hinge) == counts


@pytest.mark.parametrize("key", NASTY)
def test_display_name_and_external_id_of_a_user(hinge, key):
    value = nasty(key)
    body = hinge.user_body(displayName=value, externalId=value, title=value, name={"familyName": value})
    r = hinge.lenient.post("/Users", body).expect(201, 400)
    if r.status == 400:
        assert key in SPACES, f"ordinary text was refused: {r}"
        return
    u = r.json
    for attribute, shown in (("displayName", u["displayName"]), ("title", u["title"]), ("sn", u["name"]["familyName"])):
        held_by(hinge, u["id"], attribute, value, key)
        assert equal(shown, value)
    held_by(hinge, u["id"], "dirhingeExternalId", "lenient:" + value, key)
    for flt in (f"externalId eq {json.dumps(u['externalId'])}", f"displayName eq {json.dumps(u['displayName'])}",
                f"name.familyName eq {json.dumps(u['name']['familyName'])}"):
        found = hinge.lenient.find("Users", flt)
        assert [x["id"] for x in found["Resources"]] == [u["id"]], f"{flt}: {found}"


@pytest.mark.parametrize("key", NASTY)
def test_group_name(hinge, counts, key):
    name = nasty(key)
    u = hinge.make_user()
    r = hinge.lenient.post("/Groups", {"schemas": [GROUP], "displayName": name, "members": [{"value": u["id"]}]})
    r.expect(201, 400)
    if r.status == 400:
        assert key in SPACES, f"ordinary text was refused: {r}"
        return
    g = r.json
    held_by(hinge, g["id"], "cn", name, key)
    hinge.assert_members(g["id"], u["id"])
    found = hinge.lenient.find("Groups", f"displayName eq {json.dumps(g['displayName'])}")
    assert [x["id"] for x in found["Resources"]] == [g["id"]]
    hinge.lenient.delete(f"/Users/{u['id']}").expect(204)
    hinge.assert_members(g["id"])
    hinge.lenient.delete(f"/Groups/{g['id']}").expect(204)
    assert _count(hinge) == counts


@pytest.mark.parametrize("key", NASTY)
@pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
def test_id_in_the_path(hinge, counts, key, method):
    value = nasty(key)
    body = {"PATCH": {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                      "Operations": [{"op": "replace", "path": "title", "value": "hit"}]},
            "PUT": hinge.user_body(title="hit")}.get(method)
    for kind in ("Users", "Groups"):
        hinge.lenient.call(method, f"/{kind}/{quote(value, safe='')}", body).expect(400, 404, 405)
    assert _count(hinge) == counts
    assert hinge.ldap.search(PEOPLE, "(title=hit)") == []


@pytest.mark.parametrize("suffix", ["%00", "%00x", "/", "/x", "%2f", "%2e%2e", "..", "*", "%20", "%0a", ")", "%c3%28",
                                    "%", "%zz", ";x", "%5c2a"])
def test_good_id_with_a_tail_is_not_that_id(hinge, suffix):
    u = hinge.make_user()
    before = hinge.entry(u["id"])
    for method in ("GET", "DELETE"):
        hinge.lenient.call(method, f"/Users/{u['id']}{suffix}").expect(400, 404)
    assert hinge.entry(u["id"]) == before, "a mangled id reached an entry"


@pytest.mark.parametrize("key", NASTY)
def test_member_ids(hinge, key):
    value = nasty(key)
    u = hinge.make_user()
    g = hinge.make_group(u["id"])
    before = hinge.entry(g["id"])
    hinge.lenient.patch(f"/Groups/{g['id']}", [{"op": "add", "path": "members", "value": [{"value": value}]}]) \
        .error(400, "invalidValue")
    hinge.lenient.patch(f"/Groups/{g['id']}", [{"op": "remove", "path": "members", "value": [{"value": value}]}]) \
        .expect(200, 204, 400)
    hinge.lenient.patch(f"/Groups/{g['id']}", [{"op": "remove", "path": f"members[value eq {json.dumps(value)}]"}]) \
        .expect(200, 204, 400)
    assert hinge.entry(g["id"]) == before


@pytest.mark.parametrize("key", NASTY)
@pytest.mark.parametrize("attribute", ["userName", "externalId", "emails.value", "displayName", "id", "name.familyName",
                                       "manager.value", "groups.value"])
def test_filter_values_match_nothing(hinge, key, attribute):
    value = nasty(key)
    for op in ("eq", "sw", "co"):
        r = hinge.lenient.get("/Users", {"filter": f"{attribute} {op} {json.dumps(value)}", "count": "5"})
        r.expect(200, 400)
        if r.status == 200:
            assert r.json["totalResults"] == 0, f"{attribute} {op} {value!r} matched {r.json['totalResults']} users"
        else:
            assert op != "eq" or attribute == "groups.value", r


@pytest.mark.parametrize("flt", ['userName eq "x\u0000y"', 'userName eq "x\\u0000y"',
                                 'userName eq "' + "a" * 5000 + '"', 'userName eq "\\ud800"',
                                 'userName eq "\ufffd\uffff"'], ids=ascii)
def test_filter_corners(hinge, flt):
    r = hinge.lenient.call("GET", "/Users?filter=" + quote(flt, safe="")).expect(200, 400, 414)
    if r.status == 200:
        assert r.json["totalResults"] == 0


@pytest.mark.parametrize("length", [256, 1000, 10000, 100000])
@pytest.mark.parametrize("attribute", ["userName", "displayName", "externalId", "title"])
def test_very_long_values(hinge, counts, attribute, length):
    value = unique("l") + "x" * length
    r = hinge.lenient.post("/Users", hinge.user_body(**{attribute: value})).expect(201, 400)
    if r.status == 201:
        assert r.json[attribute] == value
        name = {"userName": "uid", "externalId": "dirhingeExternalId"}.get(attribute, attribute)
        assert hinge.entry(r.json["id"]).one(name).endswith(value)
        hinge.lenient.delete(f"/Users/{r.json['id']}").expect(204)
    else:
        r.error(400, "invalidValue")
    assert _count(hinge) == counts


@pytest.mark.parametrize("attribute", ["mail", "telephoneNumber"])
@pytest.mark.parametrize("value", ["ü@x.y", "a@b\nc", "x" * 600 + "@y", "(*)", "<a@b>", "\u0001", "☎"])
def test_values_with_a_narrow_syntax(hinge, attribute, value):
    """mail is IA5, telephoneNumber printable: kept as sent or refused as invalidValue, with nothing created."""
    field = {"mail": "emails", "telephoneNumber": "phoneNumbers"}[attribute]
    body = hinge.user_body(**{field: [{"type": "work", "value": value}]})
    r = hinge.lenient.post("/Users", body).expect(201, 400)
    if r.status == 201:
        shown = hinge.lenient.get(f"/Users/{r.json['id']}").json[field][0]["value"]
        assert equal(shown, value), f"{shown!r} for {value!r}"
    else:
        r.error(400, "invalidValue")
        assert hinge.ldap.search(PEOPLE, f"(uid={body['userName']})") == []


def naughty_strings():
    where = corpora()
    path = where and os.path.join(where, "naughty-strings", "blns.json")
    if not path or not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as f:
        return [s for s in json.load(f) if s.strip()]


def test_naughty_strings(hinge):
    """Each as display name, externalId and filter value of one user: never a 5xx, never other text than was sent."""
    strings = naughty_strings()
    if strings is None:
        pytest.skip("DIRHINGE_CORPORA names no folder with naughty-strings/blns.json")
    u = hinge.make_user()
    refused, wrong = [], []
    for s in strings:
        r = hinge.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "displayName", "value": s},
                                                      {"op": "replace", "path": "externalId", "value": s}])
        if r.status == 400:
            refused.append(s)
            continue
        r.expect(200, 204)
        got = hinge.lenient.get(f"/Users/{u['id']}?attributes=displayName,externalId").expect(200).json
        if not equal(got.get("displayName", ""), s) or not equal(got.get("externalId", ""), s):
            wrong.append((s, got))
        found = hinge.lenient.get("/Users", {"filter": f"externalId eq {json.dumps(s)}", "attributes": "id"})
        if found.status != 200 or [x["id"] for x in found.json["Resources"]] != [u["id"]]:
            wrong.append((s, str(found)))
    assert not wrong, f"{len(wrong)} of {len(strings)} came back differently: {wrong[:3]}"
    assert len(refused) <= len(strings) // 20, f"{len(refused)} of {len(strings)} refused: {refused[:5]}"


def test_naughty_strings_as_user_names(hinge):
    strings = naughty_strings()
    if strings is None:
        pytest.skip("DIRHINGE_CORPORA names no folder with naughty-strings/blns.json")
    u = hinge.make_user()
    prefix, wrong = unique("n"), []
    for s in strings:
        name = f"{prefix}{s}"
        r = hinge.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "userName", "value": name}])
        r.expect(200, 204, 400)
        shown = hinge.lenient.get(f"/Users/{u['id']}?attributes=userName").json["userName"]
        if r.status != 400 and not equal(shown, name):
            wrong.append((name, shown))
    assert not wrong, wrong[:3]
    assert hinge.dn(u["id"]).endswith("," + PEOPLE)
