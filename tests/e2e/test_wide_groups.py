# SPDX-License-Identifier: Apache-2.0
"""Lists of users who are in groups that hold much of a page ("All staff"): they are asked for in another way than small
groups, and nobody may see a difference (contrib/decisions/0022)."""

import random

import pytest

from support.hinge import Hinge, directory_config, new_slapd
from support.slapd import GATEWAY, GROUPS, PEOPLE, Variant, find_tools

USERS, PAGE = 1000, 200


def user_dn(i):
    return f"uid=w{i:05},{PEOPLE}"


def odd_dn(i):
    """The same name as a person may write it."""
    return random.Random(i).choice((f"UID=W{i:05},{PEOPLE}", f"uid=w{i:05} , {PEOPLE.replace(',', ', ')}",
                                    f"0.9.2342.19200300.100.1.1=w{i:05},{PEOPLE}", f"uid=\\77{i:05},{PEOPLE.upper()}"))


def group(name, members):
    return f"dn: cn={name},{GROUPS}\nobjectClass: groupOfNames\ncn: {name}\n" + "".join(
        f"member: {m}\n" for m in members) + "\n"


@pytest.fixture
def staff():
    """A directory of USERS users, each in a team of 50, and of whatever the test adds."""
    if not find_tools():
        pytest.skip("slapd with its modules is not installed (Debian: slapd ldap-utils)")
    slapd = new_slapd(Variant())
    h = Hinge(slapd, directory=dict(directory_config(slapd), timeout="20s"))
    h.ldap.add_ldif("".join(f"dn: {user_dn(i)}\nobjectClass: inetOrgPerson\nuid: w{i:05}\ncn: W {i}\nsn: W\n\n"
                            for i in range(USERS)))
    # The teams go across the order of the list, so that each page sees them all.
    h.ldap.add_ldif("".join(group(f"team{g}", (user_dn(i) for i in range(g, USERS, 20))) for g in range(20)))
    yield h
    h.stop()
    slapd.remove()


def crawl(hinge, how="index", between=None):
    """userName -> names of the groups shown; between(page) is called before each page but the first."""
    shown, at, pages = {}, "" if how == "cursor" else 1, 0
    while at is not None:
        if pages and between:
            between(pages)
        doc = hinge.lenient.get("/Users", {"count": str(PAGE), ("cursor" if how == "cursor" else "startIndex"): str(at)}
                                ).expect(200).json
        for r in doc["Resources"]:
            names = [g["display"] for g in r.get("groups", [])]
            assert len(names) == len(set(names)), f"{r['userName']} is in a group twice: {names}"
            assert r["userName"] not in shown
            shown[r["userName"]] = set(names)
        pages += 1
        at = doc.get("nextCursor") if how == "cursor" else at + PAGE
        if how == "index" and at > doc["totalResults"]:
            at = None
    return shown


def wanted(**groups):
    """What a crawl shows for the teams and these groups (name: numbers of users)."""
    want = {f"w{i:05}": {f"team{i % 20}"} for i in range(USERS)}
    for name, members in groups.items():
        for i in members:
            want[f"w{i:05}"].add(name)
    return want


def differing(shown, want):
    return {n: (shown.get(n), want.get(n)) for n in {*shown, *want} if shown.get(n) != want.get(n)}


@pytest.mark.parametrize("how", ["index", "cursor"])
def test_every_membership_is_shown(staff, how):
    """Groups with everybody, with nearly everybody, with half, with one more page than others, with strangers among them, and
    with members written in any way."""
    rng = random.Random(7)
    have = {"everyone": range(USERS), "oddly": range(USERS), "nearly": [i for i in range(USERS) if i % 97],
            "half": range(0, USERS, 2), "tenth": range(3, USERS, 10), "first": range(PAGE), "mixed": range(USERS),
            "some": rng.sample(range(USERS), 400), "one": [USERS // 2]}
    write = {"oddly": lambda i: odd_dn(i), "mixed": lambda i: odd_dn(i) if i % 3 == 0 else user_dn(i),
             "some": lambda i: odd_dn(i) if i % 5 == 0 else user_dn(i)}
    strangers = {n: [f"uid=stranger{n}{i},{PEOPLE}" for i in range(2000)] for n in ("everyone", "some", "mixed")}
    staff.ldap.add_ldif("".join(group(n, [*map(write.get(n, user_dn), m), *strangers.get(n, [])])
                                for n, m in have.items()))
    with staff.slapd.watch() as ops:
        assert differing(crawl(staff, how), wanted(**have)) == {}
    # Each of the two ways was gone: "everyone" told without a value, "half" by its list.
    asked = {n: [o for o in ops if o.verb == "SRCH" and o.dn == f"cn={n},{GROUPS}"] for n in have}
    assert any(o.nentries == 1 and "member" not in o.attrs for o in asked["everyone"]), asked
    assert any(o.nentries == 1 and "member" in o.attrs for o in asked["half"]), asked
    assert not any("member" in o.attrs for o in asked["everyone"]), "3,000 values were fetched to learn that all are in"
    one = staff.lenient.get("/Users", {"filter": f'userName eq "w{USERS // 2:05}"'}).expect(200).json["Resources"][0]
    assert {g["display"] for g in one["groups"]} == wanted(**have)[one["userName"]], "a single user shows the same"


def test_one_who_is_missing(staff):
    """Everybody but one is not everybody, wherever on a page he stands."""
    have = {f"not{n}": [i for i in range(USERS) if i != n] for n in (0, 99, 100, 198, 199, USERS - 1)}
    staff.ldap.add_ldif("".join(group(n, map(user_dn, m)) for n, m in have.items()))
    assert differing(crawl(staff), wanted(**have)) == {}


def test_more_wide_groups_than_are_asked_for_apart(staff):
    have = {f"all{n}": range(n, USERS) for n in range(12)}
    staff.ldap.add_ldif("".join(group(n, map(user_dn, m)) for n, m in have.items()))
    assert differing(crawl(staff), wanted(**have)) == {}


def test_a_group_that_grows_and_shrinks_within_a_crawl(staff):
    """A page shows what the group holds when it is asked for."""
    staff.ldap.add_ldif(group("moving", map(user_dn, range(3))))
    holds = {1: range(3)}
    for page, members in ((2, range(USERS)), (3, range(0, USERS, 2)), (4, range(USERS - 1)), (5, [0])):
        holds[page] = members

    def change(pages):
        staff.ldap.modify(f"cn=moving,{GROUPS}", ("replace", "member", [user_dn(i) for i in holds[pages + 1]]))

    want = wanted(moving=[i for page, members in holds.items() for i in members
                          if (page - 1) * PAGE <= i < page * PAGE])
    assert differing(crawl(staff, between=change), want) == {}


def test_a_group_that_is_renamed_or_deleted_within_a_crawl(staff):
    staff.ldap.add_ldif(group("before", map(user_dn, range(USERS))))

    def change(pages):
        if pages == 2:
            staff.ldap.rename(f"cn=before,{GROUPS}", "cn=after")
        if pages == 4:
            staff.ldap.delete(f"cn=after,{GROUPS}")

    want = wanted(before=range(2 * PAGE), after=range(2 * PAGE, 4 * PAGE))
    assert differing(crawl(staff, between=change), want) == {}


def test_a_limit_of_the_server_never_hides_a_membership(staff):
    """Searches for groups without pages are cut: the request fails, or shows everything."""
    config = staff.slapd.config
    database = config.search("cn=config", "(olcDbMultival=*)", attrs=("1.1",))[0].dn
    staff.ldap.add_ldif("".join(group(f"all{n}", map(user_dn, range(USERS))) for n in range(3)))
    config.modify(database, ("replace", "olcLimits",
                             [f'dn.exact="{GATEWAY}" size.soft=2 size.hard=2 size.pr=unlimited size.prtotal=unlimited']))
    staff.lenient.get("/Users", {"count": str(PAGE)}).expect(400, 503)
    config.modify(database, ("replace", "olcLimits", [f'dn.exact="{GATEWAY}" size=unlimited time=unlimited']))
    assert differing(crawl(staff), wanted(all0=range(USERS), all1=range(USERS), all2=range(USERS))) == {}
