# SPDX-License-Identifier: Apache-2.0
"""Whatever happens to the directory: folding all events gives what is there, entry by entry (reliability.md I1-I5).

Random changes, also while the daemon or slapd is down; the accesslog tells independently what really happened.
DIRHINGE_CHANGES=10000 for all of them, DIRHINGE_SEED=… for the same ones again."""

import os
import random
import signal
import threading

import pytest

from support.feed import Fed
from support.hinge import unique
from support.scim import ENTERPRISE
from support.slapd import ACCESSLOG, GROUPS, PEOPLE, Variant
from support.wait import until

CHANGES = int(os.environ.get("DIRHINGE_CHANGES", "500"))
SEED = int(os.environ.get("DIRHINGE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
BATCH = 40
GUARD = {"max_removals": 1000000, "max_percent": 100}
USER_ATTRS = {"title": "title", "sn": "name.familyName", "givenname": "name.givenName", "displayname": "displayName",
              "uid": "userName", "employeenumber": f"{ENTERPRISE}:employeeNumber"}


# --- changes ---------------------------------------------------------------------------------------------------------

class Changes:
    """Random LDIF for ldapmodify, from what the directory holds now; some of it may fail, as with real writers."""

    def __init__(self, rng):
        self.rng = rng
        self.n = 0
        self.gone = []

    def load(self, ldap):
        self.users, self.groups, self.ous = {}, {}, []
        for e in ldap.search(PEOPLE, attrs=("objectClass", "uid", "title", "pwdEndTime")):
            if "inetOrgPerson" in e["objectClass"]:
                self.users[e.dn] = e
            elif "organizationalUnit" in e["objectClass"]:
                self.ous.append(e.dn)
        for e in ldap.search(GROUPS, "(objectClass=groupOfNames)", attrs=("member",)):
            self.groups[e.dn] = [m for m in e["member"] if m]

    def batch(self, n):
        return "".join(self.one() for _ in range(n))

    def one(self):
        kinds = [(self.add_user, 16), (self.modify_user, 30), (self.rename_user, 6), (self.move_user, 4),
                 (self.delete_user, 8), (self.recreate_user, 5), (self.switch_user, 7), (self.silent, 4),
                 (self.add_group, 5), (self.delete_group, 2), (self.rename_group, 2), (self.add_member, 12),
                 (self.drop_member, 8), (self.replace_members, 2), (self.add_ou, 1), (self.rename_ou, 1)]
        while True:
            text = self.rng.choices([k for k, _ in kinds], [w for _, w in kinds])[0]()
            if text:
                return text + "\n"

    def name(self, prefix):
        self.n += 1
        return f"{prefix}{self.n}"

    def value(self):
        return self.rng.choice(["Engineer", "Chief", "Clerk", "Ärztin", "O'Neil, \"x\"", "a" * 300]) + \
            f" {self.rng.randrange(20)}"

    def pick(self, of):
        return self.rng.choice(sorted(of)) if of else None

    def add_user(self, dn=None):
        if dn is None:
            uid = self.name("u")
            dn = f"uid={uid},{self.pick(self.ous)}"
        uid = dn.split(",")[0][4:]
        self.users[dn] = None
        boss = self.pick(self.users) if self.rng.random() < 0.2 else None
        return f"dn: {dn}\nchangetype: add\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: Cn {uid}\nsn: Sn {uid}\n" + \
            (f"manager: {boss}\n" if boss else "") + (f"title: {self.value()}\n" if self.rng.random() < 0.5 else "")

    def recreate_user(self):
        dn = self.pick(self.gone)
        return self.add_user(dn) if dn and dn not in self.users else None

    def modify_user(self):
        dn = self.pick(self.users)
        if not dn:
            return None
        text = f"dn: {dn}\nchangetype: modify\n"
        for attr in self.rng.sample(["title", "sn", "givenName", "displayName", "employeeNumber"],
                                    self.rng.randint(1, 3)):
            if attr != "sn" and self.rng.random() < 0.2:
                text += f"replace: {attr}\n-\n"
            else:
                text += f"replace: {attr}\n{attr}: {self.value()}\n-\n"
        return text

    def silent(self):
        dn = self.pick(self.users)
        attr = self.rng.choice(["carLicense", "userPassword"])
        return dn and f"dn: {dn}\nchangetype: modify\nreplace: {attr}\n{attr}: not shown {self.rng.random()}\n-\n"

    def switch_user(self):
        dn = self.pick(self.users)
        value = self.rng.choice(["pwdEndTime: 20200101000000Z\n", ""])
        return dn and f"dn: {dn}\nchangetype: modify\nreplace: pwdEndTime\n{value}-\n"

    def rename_user(self):
        dn = self.pick(self.users)
        if not dn:
            return None
        uid = self.name("r")
        self.users[f"uid={uid},{dn.split(',', 1)[1]}"] = self.users.pop(dn)
        return f"dn: {dn}\nchangetype: modrdn\nnewrdn: uid={uid}\ndeleteoldrdn: 1\n"

    def move_user(self):
        dn, ou = self.pick(self.users), self.pick(self.ous)
        if not dn:
            return None
        rdn = dn.split(",")[0]
        self.users[f"{rdn},{ou}"] = self.users.pop(dn)
        return f"dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\nnewsuperior: {ou}\n"

    def delete_user(self):
        dn = self.pick(self.users)
        if not dn:
            return None
        del self.users[dn]
        self.gone.append(dn)
        return f"dn: {dn}\nchangetype: delete\n"

    def add_group(self):
        dn = f"cn={self.name('g')},{GROUPS}"
        members = self.rng.sample(sorted(self.users), min(len(self.users), self.rng.randint(0, 5)))
        self.groups[dn] = members
        return f"dn: {dn}\nchangetype: add\nobjectClass: groupOfNames\nmember:\n" + \
            "".join(f"member: {m}\n" for m in members)

    def delete_group(self):
        dn = self.pick(self.groups)
        if not dn:
            return None
        del self.groups[dn]
        return f"dn: {dn}\nchangetype: delete\n"

    def rename_group(self):
        dn = self.pick(self.groups)
        if not dn:
            return None
        cn = self.name("h")
        self.groups[f"cn={cn},{GROUPS}"] = self.groups.pop(dn)
        return f"dn: {dn}\nchangetype: modrdn\nnewrdn: cn={cn}\ndeleteoldrdn: 1\n"

    def add_member(self):
        dn, who = self.pick(self.groups), self.pick(self.rng.choice([self.users, self.users, self.groups, self.gone]))
        if not dn or not who or who in self.groups[dn]:
            return None
        self.groups[dn].append(who)
        return f"dn: {dn}\nchangetype: modify\nadd: member\nmember: {who}\n-\n"

    def drop_member(self):
        dn = self.pick(self.groups)
        if not dn or not self.groups[dn]:
            return None
        who = self.rng.choice(self.groups[dn])
        self.groups[dn].remove(who)
        return f"dn: {dn}\nchangetype: modify\ndelete: member\nmember: {who}\n-\n"

    def replace_members(self):
        dn = self.pick(self.groups)
        if not dn:
            return None
        self.groups[dn] = self.rng.sample(sorted(self.users), min(len(self.users), 3))
        return f"dn: {dn}\nchangetype: modify\nreplace: member\nmember:\n" + \
            "".join(f"member: {m}\n" for m in self.groups[dn]) + "-\n"

    def add_ou(self):
        if len(self.ous) > 4:
            return None
        dn = f"ou={self.name('o')},{PEOPLE}"
        self.ous.append(dn)
        return f"dn: {dn}\nchangetype: add\nobjectClass: organizationalUnit\n"

    def rename_ou(self):
        dn = self.pick([o for o in self.ous if o != PEOPLE])
        if not dn:
            return None
        new = f"ou={self.name('p')},{PEOPLE}"
        self.ous = [new if o == dn else o for o in self.ous]
        self.users = {(d[:-len(dn)] + new if d.endswith("," + dn) else d): e for d, e in self.users.items()}
        return f"dn: {dn}\nchangetype: modrdn\nnewrdn: {new.split(',')[0]}\ndeleteoldrdn: 1\n"


def apply(fed, text):
    """As an administrator's script; what does not fit any more is left out."""
    fed.ldap.modify_ldif(text)


# --- folding ---------------------------------------------------------------------------------------------------------

class Fold:
    """The directory as somebody knows it who reads nothing but events."""

    def __init__(self):
        self.users, self.groups, self.members = {}, {}, {}
        self.ids, self.by_subject, self.before = set(), {}, {}

    def take(self, e):
        assert e["id"] not in self.ids, f"an id twice: {e}"
        self.ids.add(e["id"])
        assert "password" not in str(e).lower(), e
        kind, i = e["type"].removeprefix("dsync."), e["subject"]["id"]
        self.by_subject.setdefault(i, []).append(e)
        table = self.users if kind.startswith("user.") else self.groups
        if kind in ("user.created", "group.created"):
            assert i not in table, f"created twice: {e}"
        else:
            assert i in table, f"of nobody: {e}"
        if kind in ("group.user_added", "group.user_removed"):
            self.member(kind, i, e["member"]["value"], e)
        elif kind in ("user.deleted", "group.deleted"):
            self.leave(i, e)
            del table[i]
            self.members.pop(i, None)
        else:
            # Of one change that disables and alters, both say what was there before it.
            if kind not in ("user.activated", "user.deactivated") and i in self.before:
                stamp, before = self.before.pop(i)
                self.check_changed(before if stamp == e["timestamp"] else table.get(i), e)
            else:
                self.check_changed(table.get(i), e)
            if kind in ("user.activated", "user.deactivated"):
                self.before[i] = (e["timestamp"], table[i])
            table[i] = {k: v for k, v in e["data"].items() if k != "members"}
            if kind.startswith("group.") and "omitted" not in e:
                self.members.setdefault(i, set())

    def member(self, kind, group, who, e):
        assert who in self.users or who in self.groups, f"a member that is nobody: {e}"
        members = self.members.setdefault(group, set())
        if kind == "group.user_added":
            assert who not in members, f"added twice: {e}"
            members.add(who)
        else:
            assert who in members, f"removed, and was no member: {e}"
            members.remove(who)

    def leave(self, i, e):
        still = [g for g, members in self.members.items() if i in members and g != i]
        assert not still, f"deleted and still a member of {still}: {e}"

    @staticmethod
    def check_changed(before, e):
        """changed and previous say what differs from what was told before."""
        if "changed" not in e:
            return
        assert e["changed"], e
        for path in e["changed"]:
            old, new, said = (lookup(x, path) for x in (before, e["data"], e["previous"]))
            assert said == old, f"previous {said!r} of {path}, but it was {old!r}: {e}"
            assert old != new, f"{path} has not changed: {e}"


def lookup(res, path):
    urn, _, rest = path.rpartition(":") if path.startswith("urn:") else ("", "", path)
    res = (res or {}).get(urn, {}) if urn else (res or {})
    for part in rest.split("."):
        res = res.get(part) if isinstance(res, dict) else None
    return res


def shown(fed, kind):
    """All resources as SCIM shows them now."""
    found, start = {}, 1
    while True:
        doc = fed.lenient.get(f"/{kind}", {"startIndex": start, "count": 200,
                                           "excludedAttributes": "groups"}).expect(200).json
        found.update((r["id"], r) for r in doc["Resources"])
        start += len(doc["Resources"])
        if not doc["Resources"] or start > doc["totalResults"]:
            return found


def plain(res):
    """Without what a change of somebody else, or none that is mapped, may alter."""
    res = {k: v for k, v in res.items() if k not in ("meta", "members")}
    manager = res.get(ENTERPRISE, {}).get("manager")
    if manager:
        res[ENTERPRISE] = dict(res[ENTERPRISE], manager={k: v for k, v in manager.items() if k != "displayName"})
    return res


def differences(fed, fold):
    found = []
    for kind, known in (("Users", fold.users), ("Groups", fold.groups)):
        there = shown(fed, kind)
        found += [f"{kind} {i} is there and was not told of" for i in there.keys() - known.keys()]
        found += [f"{kind} {i} was told of and is not there" for i in known.keys() - there.keys()]
        for i in there.keys() & known.keys():
            if plain(there[i]) != plain(known[i]):
                found.append(f"{kind} {i}: there {plain(there[i])}, told {plain(known[i])}")
            members = {m["value"] for m in there[i].get("members", [])}
            if members != fold.members.get(i, set()):
                found.append(f"{kind} {i} members: there {members}, told {fold.members.get(i)}")
    return found


# --- the accesslog as a witness --------------------------------------------------------------------------------------

def witnessed(fed):
    """entryUUID -> what happened to that user, as lists of event types, from the accesslog alone."""
    state, story = {}, {}
    found = fed.ldap.search(ACCESSLOG, "(&(objectClass=auditWriteObject)(reqResult=0))")
    # By CSN: reqStart counts anew within a second when slapd restarts.
    for r in sorted(found, key=lambda r: r.one("entryCSN")):
        i = r["reqEntryUUID"][0] if r["reqEntryUUID"] else None
        mods = [m if isinstance(m, str) else m.decode("utf-8", "replace") for m in r["reqMod"]]
        kind = r.one("reqType")
        if kind == "add":
            attrs = {}
            for m in mods:
                name, _, value = m.partition(":+ ")
                attrs.setdefault(name.lower(), set()).add(value)
            i = next(iter(attrs.get("entryuuid", {i})))
            if "inetOrgPerson" in attrs.get("objectclass", ()):
                state[i] = attrs
                story.setdefault(i, []).append(["created"])
        elif i in state and kind == "delete":
            del state[i]
            story[i].append(["deleted"])
        elif i in state:
            before = {k: set(state[i].get(k, ())) for k in (*USER_ATTRS, "pwdendtime")}
            for m in mods:
                name, _, rest = m.partition(":")
                values = state[i].setdefault(name.lower(), set())
                op, value = rest[:1], rest[2:]
                if op == "+":
                    values.add(value)
                elif op == "=":
                    values.clear()
                    values |= {value} if value else set()
                elif value:
                    values.discard(value)
                else:
                    values.clear()
            if kind == "modrdn":
                state[i]["uid"] = {r.one("reqNewRDN").partition("=")[2]}
            now = state[i]
            what = []
            if bool(before["pwdendtime"]) != bool(now.get("pwdendtime")):
                what.append("deactivated" if now.get("pwdendtime") else "activated")
            if any(before[k] != now.get(k, set()) for k in USER_ATTRS):
                what.append("updated")
            if what:
                story[i].append(what)
    return story


def compare_with_witness(fed, fold):
    """Without gaps in the source each operation is told; what was read anew may stand for several."""
    exact = 0
    for i, story in witnessed(fed).items():
        # A manager who comes, goes or is renamed changes what others refer to, not their entries.
        events = [e for e in fold.by_subject.get(i, []) if e.get("changed") != [f"{ENTERPRISE}:manager.value"]]
        told = [e["type"].removeprefix("dsync.user.") for e in events]
        happened = [t for step in story for t in step]
        if any(e["cause"].get("coalesced") or e["cause"].get("initial") for e in fold.by_subject.get(i, [])):
            assert told[:1] == ["created"] and told.count("deleted") == happened.count("deleted"), (i, told, happened)
            continue
        assert told == happened, f"{i}: told {told}, happened {happened}"
        exact += 1
        stamps = [e["timestamp"] for e in events]
        assert stamps == sorted(stamps), f"{i}: {stamps}"
    assert exact > 0
    return exact


# --- the test --------------------------------------------------------------------------------------------------------

def by_scim(fed, rng):
    """A few changes by a client, as they come in between."""
    u = fed.make_user(title="by scim")
    fed.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "active", "value": False}]).expect(200, 204)
    g = fed.make_group(u["id"])
    if rng.random() < 0.5:
        fed.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "userName",
                                                 "value": f"s{rng.randrange(1 << 30)}"}]).expect(200, 204, 409)
    if rng.random() < 0.5:
        fed.lenient.delete(f"/Users/{u['id']}").expect(204)
    if rng.random() < 0.3:
        fed.lenient.delete(f"/Groups/{g['id']}").expect(204)


def daemon_down(fed, text):
    fed.daemon.stop()
    apply(fed, text)
    fed.daemon.start()


def daemon_killed(fed, text):
    """In the middle of it."""
    writer = threading.Thread(target=apply, args=(fed, text))
    head = fed.reader.page(limit=1).expect(200).next
    writer.start()
    until(lambda: fed.reader.page(limit=1).next != head or not writer.is_alive(), "the first change to be told")
    fed.daemon.kill()
    writer.join()
    fed.daemon.start()


def slapd_restarted(fed, text):
    apply(fed, text)
    fed.slapd.stop()
    fed.slapd.start()


def slapd_killed(fed, text):
    writer = threading.Thread(target=apply, args=(fed, text))
    writer.start()
    fed.slapd.kill()
    writer.join()
    fed.slapd.start()


def slapd_stopped(fed, text):
    """It hangs, and goes on."""
    fed.slapd.signal(signal.SIGSTOP)
    fed.slapd.signal(signal.SIGCONT)
    apply(fed, text)


def read_all(fed, fold):
    """Reads on to the end that is there now."""
    while True:
        p = fed.reader.page(limit=1000).expect(200)
        fed.reader.cursor = p.next
        for e in p.events:
            fold.take(e)
        if not p.more:
            return


@pytest.mark.parametrize("source,cleanup,crash", [
    ("accesslog", "none", False), ("accesslog", "refint", True), ("syncrepl", "none", True),
    ("syncrepl", "refint", True), ("syncrepl, polled", "none", True)])
def test_folding_all_events_gives_the_directory(source, cleanup, crash):
    """crash: slapd is killed now and then. It may come up with an older state of its own than it has told of, and from
    then on to the next write only the net change can be told."""
    print(f"DIRHINGE_SEED={SEED} DIRHINGE_CHANGES={CHANGES}")
    rng = random.Random(f"{SEED} {source} {cleanup}")
    fed = Fed(Variant(cleanup=cleanup), history=source == "accesslog", polled="polled" in source, guard=GUARD)
    try:
        converge(fed, rng, source, crash)
    finally:
        fed.remove()


def converge(fed, rng, source, crash):
    changes, fold = Changes(rng), Fold()
    fed.reader.cursor = None
    disturbances = [apply] * 12 + [daemon_down, daemon_killed, slapd_restarted, slapd_stopped]
    disturbances += [slapd_killed] if crash else []
    for n in range(0, CHANGES, BATCH):
        changes.load(fed.ldap)
        how = rng.choice(disturbances)
        how(fed, changes.batch(BATCH))
        fed.reopen()
        if how is not apply:
            until(lambda: fed.daemon.probe("/readyz")[0] == 200, "/readyz to recover", 20)
        # A client that comes right behind a crash may be told to try again, which is not what is tested here.
        if rng.random() < 0.2 and how is not slapd_killed:
            by_scim(fed, rng)
        read_all(fed, fold)
    fed.add_user(unique("last"))
    fed.live(source, 60)

    def settled():
        read_all(fed, fold)
        return not differences(fed, fold)

    try:
        until(settled, "the events to say what the directory holds", 30, 0.3)
    except AssertionError:
        raise AssertionError("\n".join(differences(fed, fold)[:20])) from None
    if source == "accesslog" and not crash:
        compare_with_witness(fed, fold)
    again, fed.reader.cursor = Fold(), None
    read_all(fed, again)
    assert (again.users, again.groups, again.members) == (fold.users, fold.groups, fold.members)
