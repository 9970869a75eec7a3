# SPDX-License-Identifier: Apache-2.0
"""The same requests get the same answers from every directory: core_session.json holds those of OpenLDAP. The differences
of the others are the rows of a table in contrib/directories.md; here each is what it does to an answer."""

import json
import os
import re

from support.scim import ENTERPRISE, GROUP, PATCH_OP, SEARCH, USER
from support.side import FLAVOUR

HERE = os.path.dirname(os.path.abspath(__file__))
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


SAME = "/Users?filter=userName%20sw%20%22same.%22"


def patch(*ops):
    return {"schemas": [PATCH_OP], "Operations": [dict(zip(("op", "path", "value"), o)) for o in ops]}


def session(domain):
    """(name, method, path, body); {ada} and so on are the ids that earlier steps gave."""
    ada, bob = f"same.ada@{domain}", f"same.bob@{domain}"
    return [
        ("create", "POST", "/Users", {
            "schemas": [USER, ENTERPRISE], "userName": ada, "externalId": "e-ada", "active": True,
            "displayName": "Ada Same", "title": "Countess", "preferredLanguage": "en",
            "name": {"givenName": "Ada", "familyName": "Lovelace", "formatted": "Lady Ada Lovelace"},
            "emails": [{"value": ada, "type": "work", "primary": True}, {"value": "a@home.test", "type": "home"},
                       {"value": "a@other.test", "type": "other"}],
            "phoneNumbers": [{"value": "+44 20 7946 0000", "type": "work"}, {"value": "+44 7700 900000", "type": "mobile"}],
            "addresses": [{"type": "work", "streetAddress": "12 St James's Square", "locality": "London",
                           "postalCode": "SW1Y 4JH", "country": "GB"}],
            ENTERPRISE: {"employeeNumber": "1815", "department": "Analysis", "organization": "Engines Ltd"}}),
        ("create twice", "POST", "/Users", {"schemas": [USER], "userName": ada.upper()}),
        ("create least", "POST", "/Users", {"schemas": [USER], "userName": bob}),
        ("create without name", "POST", "/Users", {"schemas": [USER], "displayName": "x"}),
        ("get", "GET", "/Users/{create}", None),
        ("get some", "GET", "/Users/{create}?attributes=userName,emails.value", None),
        ("get nobody", "GET", "/Users/01900000-0000-7000-8000-000000000000", None),
        ("find", "GET", f"/Users?filter=userName%20eq%20%22{ada}%22&attributes=userName", None),
        ("find by mail", "GET", f"/Users?filter=emails.value%20eq%20%22{ada}%22&attributes=id", None),
        ("find by external id", "GET", "/Users?filter=externalId%20eq%20%22e-ada%22&attributes=id", None),
        ("find none", "GET", "/Users?filter=userName%20eq%20%22same.nobody%22", None),
        ("bad filter", "GET", "/Users?filter=userName%20eqq%20%22x%22", None),
        ("search", "POST", "/.search", {"schemas": [SEARCH], "filter": f'userName eq "{bob}"', "attributes": ["userName"]}),
        ("replace title", "PATCH", "/Users/{create}", patch(("replace", "title", "Enchantress"))),
        ("disable", "PATCH", "/Users/{create}", patch(("replace", "active", False))),
        ("disable again", "PATCH", "/Users/{create}", patch(("replace", "active", False))),
        ("enable", "PATCH", "/Users/{create}", patch(("replace", "active", True))),
        ("rename", "PATCH", "/Users/{create}", patch(("replace", "userName", f"same.king@{domain}"),
                                                     ("replace", "displayName", "Ada King"))),
        ("take a name", "PATCH", "/Users/{create}", patch(("replace", "userName", bob))),
        ("no such path", "PATCH", "/Users/{create}", patch(("replace", "nonsense", "x"))),
        ("manager", "PATCH", "/Users/{create least}",
         patch(("add", f"{ENTERPRISE}:manager", {"value": "{create}"}))),
        ("put", "PUT", "/Users/{create least}", {"schemas": [USER], "userName": bob, "displayName": "Bob",
                                                 "name": {"givenName": "Bob", "familyName": "Builder"}}),
        ("group", "POST", "/Groups", {"schemas": [GROUP], "displayName": "Same Group", "externalId": "g-1",
                                      "members": [{"value": "{create}"}]}),
        ("group twice", "POST", "/Groups", {"schemas": [GROUP], "displayName": "same group"}),
        ("get group", "GET", "/Groups/{group}", None),
        ("find group", "GET", "/Groups?filter=displayName%20eq%20%22Same%20Group%22&excludedAttributes=members", None),
        ("add member", "PATCH", "/Groups/{group}", patch(("add", "members", [{"value": "{create least}"}]))),
        ("add member twice", "PATCH", "/Groups/{group}", patch(("add", "members", [{"value": "{create least}"}]))),
        ("members", "GET", "/Groups/{group}?attributes=members", None),
        ("groups of a user", "GET", "/Users/{create}?attributes=groups", None),
        ("unknown member", "PATCH", "/Groups/{group}",
         patch(("add", "members", [{"value": "01900000-0000-7000-8000-000000000000"}]))),
        ("groups with a member", "GET", "/Groups?filter=members.value%20eq%20%22{create}%22&attributes=displayName", None),
        ("users of a group", "GET", "/Users?filter=groups.value%20eq%20%22{group}%22%20and%20title%20pr&attributes=userName",
         None),
        ("in order", "GET", SAME + "&sortBy=userName&sortOrder=descending&attributes=userName", None),
        ("how many", "GET", SAME + "&count=0", None),
        ("past the end", "GET", SAME + "&startIndex=50", None),
        ("find by phone", "GET", "/Users?filter=phoneNumbers.value%20eq%20%22%2B44%207700%20900000%22%20and%20"
         "userName%20sw%20%22same.%22&attributes=userName", None),
        ("find without title", "GET", SAME + "%20and%20not%20(title%20pr)&attributes=userName", None),
        ("find by time", "GET", SAME + "%20and%20meta.lastModified%20gt%20%222020-01-01T00:00:00Z%22&sortBy=userName"
         "&attributes=userName", None),
        ("find the active", "GET", SAME + "%20and%20active%20eq%20true&sortBy=userName&attributes=userName,active", None),
        ("clear", "PATCH", "/Users/{create}", patch(("remove", "title"), ("remove", 'phoneNumbers[type eq "mobile"]'))),
        ("clear again", "PATCH", "/Users/{create}", patch(("remove", "title"))),
        ("clear the name", "PATCH", "/Users/{create}", patch(("remove", "userName"))),
        ("put without name", "PUT", "/Users/{create}", {"schemas": [USER], "displayName": "x"}),
        ("no such manager", "PATCH", "/Users/{create least}",
         patch(("replace", f"{ENTERPRISE}:manager", {"value": "01900000-0000-7000-8000-000000000000"}))),
        ("not a truth", "PATCH", "/Users/{create}", patch(("replace", "active", "perhaps"))),
        ("two at once", "PATCH", "/Users/{create}", patch(
            ("replace", "name.familyName", "King"), ("add", "emails", [{"value": f"two@{domain}", "type": "other"}]),
            ("replace", "active", False))),
        ("remove member", "PATCH", "/Groups/{group}", patch(("remove", 'members[value eq "{create}"]'))),
        ("rename group", "PATCH", "/Groups/{group}", patch(("replace", "displayName", "Same Group 2"))),
        ("delete", "DELETE", "/Users/{create}", None),
        ("delete again", "DELETE", "/Users/{create}", None),
        ("get deleted", "GET", "/Users/{create}", None),
        ("delete least", "DELETE", "/Users/{create least}", None),
        ("members at last", "GET", "/Groups/{group}?attributes=members", None),
        ("delete group", "DELETE", "/Groups/{group}", None),
    ]


def fill(value, ids):
    text = json.dumps(value)
    for name, id_ in ids.items():
        text = text.replace("{" + name + "}", id_)
    return json.loads(text)


def plain(reply, ids, side):
    """Status and body without what is different every time."""
    if not reply.body:
        return [reply.status]
    text = json.dumps(reply.json, sort_keys=True)
    for name, id_ in ids.items():
        text = text.replace(id_, "{" + name + "}")
    text = TIME.sub("TIME", text.replace(f"http://{side.daemon.address}", "").replace(side.domain, "DOMAIN"))
    text = re.sub(r'"version": "W/\\"[0-9a-f]+\\""', '"version": "TAG"', text)
    doc = json.loads(text)
    for key in ("members", "groups"):
        if isinstance(doc.get(key), list):
            doc[key].sort(key=lambda m: m["value"])
    return [reply.status, doc]


def run(side):
    c, ids, got = side.client("entra"), {}, {}
    for name, method, path, body in session(side.domain):
        r = c.call(method, fill(path, ids), fill(body, ids) if body is not None else None)
        if r.status == 201:
            ids[name] = r.json["id"]
        got[name] = plain(r, ids, side)
    return got


def resources(answer):
    doc = answer[1] if len(answer) > 1 else {}
    return doc.get("Resources", [doc])


def no_formatted_name(r):
    r.get("name", {}).pop("formatted", None)


def fewer_emails(r):
    if "emails" in r:
        r["emails"] = [{k: v for k, v in e.items() if k != "primary"} for e in r["emails"] if e["value"] != "a@home.test"]


def no_group_external_id(r):
    if r.get("schemas") == [GROUP]:
        r.pop("externalId", None)


def known_managers_only(r):
    if "01900000-0000-7000-8000-000000000000" in json.dumps(r.get(ENTERPRISE, {})):
        r.clear()
        r.update(schemas=["urn:ietf:params:scim:api:messages:2.0:Error"], status="400", scimType="invalidValue",
                 detail='manager.value: there is no user with the id "01900000-0000-7000-8000-000000000000"')


DIFFERENCES = {"openldap": {}, "389ds": {},
               "active-directory": {"D1": no_formatted_name, "D2": fewer_emails, "D3": no_group_external_id,
                                    "D14": known_managers_only}}


def test_the_same_answers(side):
    with open(f"{HERE}/core_session.json", encoding="utf-8") as f:
        openldap = json.load(f)
    with open(f"{HERE}/../../contrib/directories.md", encoding="utf-8") as f:
        documented = set(re.findall(r"^\| (D\d+) \|", f.read(), re.MULTILINE))
    got, used = run(side), set()
    assert list(got) == list(openldap)
    for name, want in openldap.items():
        for row, change in DIFFERENCES[FLAVOUR].items():
            before = json.dumps(want)
            for r in resources(want):
                change(r)
                want[0] = int(r.get("status", want[0]))
            used |= {row} if json.dumps(want) != before else set()
        assert got[name] == want, f"{name}: {json.dumps(got[name], indent=1)}\nexpected {json.dumps(want, indent=1)}"
    assert used == set(DIFFERENCES[FLAVOUR]), "a difference that is none"
    assert used <= documented, f"contrib/directories.md does not have {used - documented}"
