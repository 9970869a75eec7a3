# SPDX-License-Identifier: Apache-2.0
"""The change feed as its readers get it: pages, long polls, streams, snapshots, scopes and fences, the command line."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

from support.daemon import WRITE, binary, run, to_yaml, write_file
from support.hinge import Hinge, new_slapd, unique
from support.prometheus import parse
from support.reader import Reader, Stream
from support.scim import ENTERPRISE
from support.slapd import GROUPS, PEOPLE, SUFFIX, Variant, find_tools
from support.wait import until

NORTH, SOUTH = f"ou=north,{PEOPLE}", f"ou=south,{PEOPLE}"
CLIENTS = [{"name": "lenient", "scopes": WRITE},
           {"name": "legacy", "scopes": ["events:read"]},
           {"name": "people", "scopes": ["events:read", "users:read"]},
           {"name": "north", "scopes": ["events:read"], "fences": {"bases": [NORTH]}},
           {"name": "branch", "scopes": ["events:read"], "fences": {"bases": [NORTH, GROUPS]}},
           {"name": "operator", "scopes": ["admin"]}]


@pytest.fixture(scope="module")
def feed():
    """A directory whose changes are all made here, and a daemon that follows it."""
    if not find_tools():
        pytest.skip("slapd with its modules is not installed (Debian: slapd ldap-utils)")
    slapd = new_slapd(Variant())
    h = None
    try:
        slapd.admin.add_ldif("".join(f"dn: ou={ou},{PEOPLE}\nobjectClass: organizationalUnit\nou: {ou}\n\n"
                                     for ou in ("north", "south")))
        h = Hinge(slapd, clients=CLIENTS, events={"guard": {"max_removals": 20, "max_percent": 0}})
        live(h)
        yield h
        h.stop()
        h = None
    finally:
        if h and h.daemon.alive():
            h.daemon.signal(signal.SIGKILL)
        slapd.remove()


def live(h):
    until(lambda: status(h)["state"] == "live", "the feed to be live", 20)


def cli(h, *args, timeout=30):
    return run(*args, "-c", h.daemon.config_path, timeout=timeout)


def status(h):
    done = cli(h, "sync", "status", "--output", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def reader(h, name="legacy", **query):
    return Reader(h.daemon.address, h.daemon.tokens[name], **query)


def reader_now(h):
    """Its place is behind everything that was done before, by other tests too: the feed may be behind them."""
    marks = reader(h).now()
    uid, _ = add_person(h)
    marks.until(of(uid))
    return marks.now()


def stream(h, name="legacy", **kw):
    return Stream(h.daemon.address, h.daemon.tokens[name], **kw)


def add_person(h, uid=None, base=PEOPLE, **attrs):
    uid = uid or unique("p")
    dn = f"uid={uid},{base}"
    h.ldap.add(dn, {"objectClass": ["inetOrgPerson"], "uid": [uid], "cn": [uid], "sn": ["Person"],
                    **{k: [v] for k, v in attrs.items()}})
    return uid, dn


def of(name, kind=None):
    return lambda e: e["subject"].get("userName", e["subject"].get("displayName")) == name and (
        kind is None or e["type"] == "dsync." + kind)


# --- pages ---------------------------------------------------------------------------------------------------------


def test_pages(feed):
    r = reader_now(feed)
    start = r.cursor
    names = [add_person(feed)[0] for _ in range(7)]
    r.until(of(names[-1]))
    first = r.page(after=start, limit=3).expect(200)
    assert [e["subject"]["userName"] for e in first.events] == names[:3] and first.more
    assert first.next == first.events[-1]["cursor"], "the cursor of an event is the place behind it"
    second = r.page(after=first.next, limit=3).expect(200)
    again = r.page(after=first.next, limit=3).expect(200)
    assert second.body == again.body, "the same place gives the same bytes"
    add_person(feed)
    rest, at = [], start
    while True:
        p = r.page(after=at, limit=3).expect(200)
        rest += [e["subject"]["userName"] for e in p.events]
        at = p.next
        if not p.more:
            break
    assert rest[:7] == names
    assert len({e["id"] for e in first.events + second.events}) == 6
    r.close()


def test_what_an_event_says(feed):
    r = reader_now(feed)
    u = feed.make_user(title="Clerk")
    feed.ldap.modify(feed.dn(u["id"]), ("replace", "title", ["Head"]))
    seen = r.until(lambda e: e["subject"]["id"] == u["id"] and e["type"] == "dsync.user.updated")
    created, updated = [e for e in seen if e["subject"]["id"] == u["id"]]
    assert created["type"] == "dsync.user.created" and created["cause"]["kind"] == "scim"
    assert created["cause"]["client"] == "lenient" and len(created["cause"]["request_id"]) == 32
    assert created["data"]["title"] == "Clerk" and created["source"] == "main"
    assert updated["changed"] == ["title"] and updated["previous"] == {"title": "Clerk"}
    assert updated["cause"]["kind"] == "external" and updated["data"]["title"] == "Head"
    assert updated["cause"]["actor_dn"].replace(" ", "").lower().startswith("cn=admin")
    r.close()


@pytest.mark.parametrize("query,text", [
    ({"limit": 0}, "1 to 1000"), ({"limit": 1001}, "1 to 1000"), ({"limit": "x"}, "limit"), ({"wait": "-1"}, "wait"),
    ({"types": "dsync.user.renamed"}, "dsync.user.renamed"), ({"filter": "userName eq"}, ""), ({"aftr": 1}, "after"),
    ({"after": "garbage"}, "cursor"), ({"after": "x" * 3000}, "cursor")])
def test_bad_queries(feed, query, text):
    r = reader(feed)
    doc = r.page(**query).error(400)
    assert text in doc["detail"], doc
    assert r.get("/events?limit=1&limit=1").error(400)
    r.close()


def test_filter_and_types(feed):
    r = reader_now(feed)
    start = r.cursor
    engineer, dn = add_person(feed, employeeType="Engineer")
    clerk, _ = add_person(feed, employeeType="Clerk")
    r.until(of(clerk))
    r.cursor = start
    found = r.page(filter='userType eq "Engineer"').expect(200).events
    assert [e["subject"]["userName"] for e in found] == [engineer]
    # it leaves what the reader asked for: told as deleted, and nothing of it later (T-61)
    feed.ldap.modify(dn, ("replace", "employeeType", ["Boss"]))
    feed.ldap.modify(dn, ("replace", "title", ["x"]))
    last, _ = add_person(feed, employeeType="Engineer")
    narrow = reader(feed, filter='userType eq "Engineer"')
    narrow.cursor = start
    seen = narrow.until(of(last))
    assert [(e["type"], e["subject"]["userName"]) for e in seen] == [
        ("dsync.user.created", engineer), ("dsync.user.deleted", engineer), ("dsync.user.created", last)]
    only = reader(feed, types="dsync.user.deleted")
    only.cursor = start
    assert only.read() == []
    r.close()
    narrow.close()
    only.close()


def test_scopes_and_fences(feed):
    everything, people, north = reader_now(feed), reader(feed, "people").now(), reader(feed, "north").now()
    inside, dn = add_person(feed, base=NORTH)
    outside, other = add_person(feed, base=SOUTH)
    g = feed.make_group()
    everything.until(lambda e: e["subject"]["id"] == g["id"])
    seen = [e["subject"]["userName"] for e in people.read()]
    assert seen == [inside, outside], "users:read narrows the feed to users"
    page = north.page().expect(200)
    assert [e["subject"]["userName"] for e in page.events] == [inside]
    assert outside.encode() not in page.body and b"south" not in page.body
    north.cursor = page.next
    # across the fence: out is a delete for this reader, in is a create, and it learns nothing of the other side
    feed.ldap.add_ldif(f"dn: {dn}\nchangetype: modrdn\nnewrdn: uid={inside}\ndeleteoldrdn: 0\nnewsuperior: {SOUTH}\n"
                       f"\ndn: {other}\nchangetype: modrdn\nnewrdn: uid={outside}\ndeleteoldrdn: 0\n"
                       f"newsuperior: {NORTH}\n")
    feed.ldap.modify(f"uid={inside},{SOUTH}", ("replace", "title", ["Southerner"]))
    feed.ldap.modify(f"uid={outside},{NORTH}", ("replace", "title", ["Northerner"]))
    seen = north.until(lambda e: e["subject"]["userName"] == outside)
    told = [(e["type"], e["subject"]["userName"]) for e in seen]
    assert ("dsync.user.created", outside) in told, told
    assert "Southerner" not in json.dumps(seen), "an entry outside the fence was told of"
    assert reader(feed, "lenient").page().error(403)
    assert Reader(feed.daemon.address, None).page().error(401)
    for r in (everything, people, north):
        r.close()


def test_members_behind_a_fence(feed):
    """Who sees a group sees of its members those that it may see: in memberships, in lists, in no event the others; and
    who sees a user not a manager elsewhere."""
    everything, branch = reader_now(feed), reader(feed, "branch").now()
    (near, near_dn), (far, far_dn) = add_person(feed, base=NORTH), add_person(feed, base=SOUTH)
    name = unique("both")
    dn = f"cn={name},{GROUPS}"
    feed.ldap.add(dn, {"objectClass": ["groupOfNames"], "cn": [name], "member": [near_dn, far_dn]})
    seen, added = [], 0
    while added < 2:
        seen += everything.until(of(name, "group.user_added"))
        added = sum(e["type"] == "dsync.group.user_added" for e in seen)
    feed.ldap.modify(near_dn, ("add", "manager", [far_dn]))
    feed.ldap.modify(dn, ("delete", "member", [far_dn]))
    seen += everything.until(of(name, "group.user_removed"))
    snapshot = json.dumps(branch.snapshot()[0])
    assert near in snapshot and "manager" not in snapshot
    feed.ldap.delete(dn)
    seen += everything.until(of(name, "group.deleted"))
    ids = {e["subject"]["userName"]: e["subject"]["id"] for e in seen if e["type"] == "dsync.user.created"}
    assert [e["data"][ENTERPRISE]["manager"]["value"] for e in seen if e["type"] == "dsync.user.updated"] == [ids[far]]
    assert ids[far] not in snapshot
    assert {e["member"]["value"] for e in seen if "member" in e} == {ids[near], ids[far]}
    seen = branch.until(of(name, "group.deleted"))
    assert [e["member"]["value"] for e in seen if e["type"] == "dsync.group.user_added"] == [ids[near]]
    assert ids[far] not in json.dumps(seen) and far not in json.dumps(seen)
    assert [e["omitted"] for e in seen if e["type"] == "dsync.user.updated"] == [[f"{ENTERPRISE}:manager"]]
    assert all(e.get("omitted") == ["members"] for e in seen if e["type"] in ("dsync.group.created", "dsync.group.deleted"))
    everything.close()
    branch.close()


# --- long polls ----------------------------------------------------------------------------------------------------


def test_long_poll(feed):
    r = reader_now(feed)
    began = time.monotonic()
    assert r.read(wait=1) == [] and 0.9 < time.monotonic() - began < 5
    # the wait ends with the change: measured to the answer, with the tool's own time in it
    took = []
    for _ in range(10):
        done = {}
        t = threading.Thread(target=lambda: done.update(events=r.read(wait=20), at=time.monotonic()))
        t.start()
        readers(feed, 1)
        uid, _ = add_person(feed)
        t.join(25)
        took.append(time.monotonic() - done["at"])
        assert [e["subject"]["userName"] for e in done["events"]] == [uid]
    r.close()


def metrics(h):
    code, _, body = h.daemon.probe("/metrics", admin=True)
    assert code == 200
    return parse(body.decode("utf-8"))


def readers(h, n):
    def there():
        f = metrics(h)["dirhinge_events_readers"]
        return f.total(way="page") + f.total(way="stream") == n
    until(there, f"{n} readers", 20)


def test_64_long_polls_and_64_streams_beside_scim(feed):
    """None starves, none loses or repeats an event."""
    start = reader_now(feed)
    wanted, stop = 120, threading.Event()
    seen, failures = {}, []
    names = [unique("load") for _ in range(wanted)]

    def is_last(e):
        return e["type"] == "dsync.user.deleted" and e["subject"].get("userName") == names[-1]

    def poll(key):
        r = reader(feed)
        r.cursor = start.cursor
        got = seen[key] = []
        try:
            while not (got and is_last(got[-1])) and not stop.is_set():
                got += r.read(wait=20, limit=50)
        except Exception as e:  # pylint: disable=broad-except
            failures.append((key, repr(e)))
        r.close()

    def follow(key):
        s = stream(feed, after=start.cursor)
        got = seen[key] = []
        try:
            while not (got and is_last(got[-1])) and not stop.is_set():
                got.append(s.read())
        except Exception as e:  # pylint: disable=broad-except
            failures.append((key, repr(e)))
        s.close()

    threads = [threading.Thread(target=fn, args=(f"{fn.__name__}-{i}",)) for i in range(64) for fn in (poll, follow)]
    for t in threads:
        t.start()
    readers(feed, 128)

    def load(part):
        c = feed.daemon.client("lenient")
        try:
            for name in part:
                u = c.post("/Users", feed.user_body(userName=name)).expect(201).json
                c.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "title", "value": name}]).expect(200, 204)
        except Exception as e:  # pylint: disable=broad-except
            failures.append(("load", repr(e)))
        c.close()

    writers = [threading.Thread(target=load, args=(names[i::4],)) for i in range(4)]
    for w in writers:
        w.start()
    for w in writers:
        w.join(120)
    feed.ldap.delete(f"uid={names[-1]},{PEOPLE}")
    for t in threads:
        t.join(60)
    stop.set()
    assert not failures, failures[:5]
    assert not any(t.is_alive() for t in threads), "a reader starves"
    truth = [e["id"] for e in seen["poll-0"]]
    assert len(set(truth)) == len(truth) >= 2 * wanted + 1
    for key, got in seen.items():
        assert [e["id"] for e in got] == truth, f"{key} got other events or another order"
    readers(feed, 0)
    start.close()


# --- streams -------------------------------------------------------------------------------------------------------


def test_stream_resumes(feed):
    start = reader_now(feed)
    s = stream(feed, after=start.cursor)
    names = [add_person(feed)[0] for _ in range(3)]
    assert s.read()["subject"]["userName"] == names[0]
    s.close()
    names.append(add_person(feed)[0])
    # the browser sends the first target again, and the field: the field wins
    again = stream(feed, last_id=s.last_id, after=start.cursor)
    assert [again.read()["subject"]["userName"] for _ in range(3)] == names[1:]
    again.close()
    narrow = stream(feed, after=start.cursor, types="dsync.user.deleted")
    feed.ldap.delete(f"uid={names[0]},{PEOPLE}")
    assert of(names[0], "user.deleted")(narrow.read())
    narrow.close()
    bad = stream(feed, last_id="garbage")
    assert bad.status == 400 and bad.error["scimType"] == "invalidCursor"
    readers(feed, 0)


@pytest.mark.parametrize("language", ["sh", "python"])
def test_as_in_the_readme(feed, language):
    """The reader that the README shows, run as it stands there."""
    if language == "sh" and not (shutil.which("curl") and shutil.which("jq")):
        pytest.skip("needs curl and jq")
    text, path = feed.daemon.tokens["legacy"], feed.daemon.dir
    script = readme_block(language, "/events?after=").replace("https://scim.example.com", f"http://{feed.daemon.address}")
    for name, file, content in (("/etc/legacy/token.header", "events.header", f"Authorization: Bearer {text}\n"),
                                ("/etc/legacy/token", "legacy.txt", text + "\n")):
        script = script.replace(name, write_file(f"{path}/{file}", content))
    script = script.replace("/var/lib/legacy/cursor", f"{path}/cursor-{language}")
    argv = {"sh": ["/bin/sh", "-c", script], "python": [sys.executable, "-c", script]}[language]
    uid, _ = add_person(feed)
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True) as p:
        try:
            os.set_blocking(p.stdout.fileno(), False)
            out = b""

            def printed():
                nonlocal out
                out += p.stdout.read() or b""
                return b"dsync.user.created " + uid.encode() + b" " in out
            until(printed, "the reader to print the event", 20)
            first, (uid, _) = uid, add_person(feed)
            until(printed, "the reader to print a later event", 20)
        finally:
            os.killpg(p.pid, signal.SIGTERM)
    for name in (first, uid):
        assert out.count(b"dsync.user.created " + name.encode() + b" ") == 1, out


def readme_block(language, holds):
    with open(os.path.join(os.path.dirname(__file__), "..", "..", "README.md"), encoding="utf-8") as f:
        text = f.read()
    blocks = [b.split("```")[0] for b in text.split("```" + language + "\n")[1:]]
    found = [b for b in blocks if holds in b]
    assert len(found) == 1, found
    return found[0]


# --- snapshot ------------------------------------------------------------------------------------------------------


def test_snapshot_and_tail_converge(feed):
    """F-60: who comes new takes the state and then what followed it; the sum is the directory."""
    users = [feed.make_user() for _ in range(5)]
    g = feed.make_group(*[u["id"] for u in users[:3]])
    r = reader_now(feed)
    until(lambda: g["id"] in {x["id"] for x in r.snapshot()[0]}, "the group in the snapshot")
    resources, cursor = r.snapshot(limit=2)
    feed.ldap.modify(feed.dn(users[0]["id"]), ("replace", "title", ["Later"]))
    feed.ldap.modify(feed.dn(g["id"]), ("delete", "member", [feed.dn(users[1]["id"])]))
    feed.ldap.delete(feed.dn(users[4]["id"]))
    state = {x["id"]: x for x in resources}
    assert len(state) == len(resources), "an entry twice"
    assert {m["value"] for m in state[g["id"]]["members"]} == {u["id"] for u in users[:3]}
    r.cursor = cursor
    for e in r.until(lambda e: e["type"] == "dsync.user.deleted" and e["subject"]["id"] == users[4]["id"]):
        if e["type"].endswith(".deleted"):
            state.pop(e["subject"]["id"])
        elif "user_" in e["type"]:
            members = {m["value"] for m in state[e["subject"]["id"]].get("members", [])}
            members = members - {e["member"]["value"]} if "removed" in e["type"] else members | {e["member"]["value"]}
            state[e["subject"]["id"]]["members"] = [{"value": m} for m in sorted(members)]
        else:
            kept = state.get(e["subject"]["id"], {}).get("members")
            state[e["subject"]["id"]] = dict(e["data"], **({"members": kept} if kept else {}))
    held = {x.one("entryUUID") for x in feed.ldap.search(SUFFIX, "(|(objectClass=inetOrgPerson)"
                                                         "(objectClass=groupOfNames))", attrs=("entryUUID",))}
    assert set(state) == held
    assert state[users[0]["id"]]["title"] == "Later"
    assert {m["value"] for m in state[g["id"]]["members"]} == {users[0]["id"], users[2]["id"]}
    north, _ = reader(feed, "north").snapshot()
    assert all(e.one("entryUUID") in {x["id"] for x in north} for e in feed.ldap.search(NORTH, "(uid=*)"))
    assert len(north) == len(feed.ldap.search(NORTH, "(uid=*)", attrs=("1.1",)))
    only, _ = reader(feed).snapshot(type="Group")
    assert {x["meta"]["resourceType"] for x in only} == {"Group"}
    assert reader(feed, "people").get("/events/snapshot", type="Group").error(403)
    r.close()


# --- command line --------------------------------------------------------------------------------------------------


def test_events_list_and_tail(feed):
    r = reader_now(feed)
    uid, dn = add_person(feed)
    r.until(of(uid))
    done = cli(feed, "events", "tail", "--limit", "1")
    assert done.returncode == 0 and uid in done.stdout and "user.created" in done.stdout, done
    assert "\x1b" not in done.stdout, "colours only on a terminal"
    done = cli(feed, "events", "list", "--output", "json", "--limit", "2")
    page = json.loads(done.stdout)
    assert len(page["data"]) == 2 and page["has_more"]
    done = cli(feed, "events", "list", "--after", page["next_cursor"], "--types", "dsync.user.created")
    assert done.returncode == 0 and "TIME" in done.stdout and "--after " in done.stdout, done
    done = cli(feed, "events", "list", "--after", "nonsense")
    assert done.returncode == 1 and "cursor" in done.stderr, done
    # names of the directory cannot steer a terminal
    feed.ldap.modify(dn, ("replace", "displayName", ["x\x1b[2J"]))
    r.until(of(uid, "user.updated"))
    assert "\x1b" not in cli(feed, "events", "tail").stdout
    r.close()


def followed(h, before):
    """True once somebody follows who did not at that time."""
    return [x for x in h.daemon.records("request")[before:] if x.get("path") == "/admin/v1/events/stream"]


def test_events_tail_follow(feed):
    reader_now(feed).close()
    before = len(feed.daemon.records("request"))
    p = subprocess.Popen([binary(), "events", "tail", "-f", "--after", "now", "--output", "json", "-c",
                          feed.daemon.config_path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: followed(feed, before), "tail to follow", 20)
        names = [add_person(feed)[0] for _ in range(3)]
        got = [json.loads(p.stdout.readline()) for _ in names]
        assert [e["subject"]["userName"] for e in got] == names
    finally:
        p.terminate()
        p.communicate(timeout=10)


def test_sync_commands(feed):
    s = status(feed)
    assert s["state"] == "live" and s["log"]["head"] >= s["log"]["oldest"] - 1, s
    done = cli(feed, "sync", "status")
    assert done.returncode == 0 and "guarantee" in done.stdout and "live" in done.stdout, done
    done = cli(feed, "sync", "reconcile", "--output", "json")
    assert done.returncode == 0 and isinstance(json.loads(done.stdout), dict), done
    done = cli(feed, "sync", "reset")
    assert done.returncode == 2 and "--yes" in done.stderr, done


def test_operators_over_tcp(feed):
    op = Reader(feed.daemon.admin_address, feed.daemon.tokens["operator"])
    assert op.get("/admin/v1/sync").expect(200).json["state"] == "live"
    assert op.get("/admin/v1/events", last=1).expect(200).events
    assert Reader(feed.daemon.admin_address, None).get("/admin/v1/sync").error(401)
    assert Reader(feed.daemon.admin_address, feed.daemon.tokens["legacy"]).get("/admin/v1/sync").error(403)
    assert op.get("/admin/v1/sync/reset").error(405)
    op.close()


def test_the_socket_is_the_owner_s(feed):
    mode = os.stat(f"{feed.daemon.dir}/state/admin.sock").st_mode
    assert mode & 0o777 == 0o600, oct(mode)


def test_exit_codes(feed, tmp_path):
    nobody = dict(feed.daemon.config, state_dir=str(tmp_path / "nothing"))
    path = write_file(str(tmp_path / "c.yaml"), to_yaml(nobody))
    for args in (("events", "list"), ("events", "tail"), ("sync", "status"), ("guard", "list")):
        done = run(*args, "-c", path)
        assert done.returncode == 4 and "dirhinge serve" in done.stderr, (args, done)
    assert run("events", "list", "-c", str(tmp_path / "none.yaml")).returncode == 3
    for args in (("events",), ("events", "show"), ("guard", "show"), ("guard", "show", "x"), ("events", "list", "-f"),
                 ("guard", "list", "--why", "x"), ("events", "tail", "--limit", "1001"), ("sync", "status", "--yes")):
        assert run(*args, "-c", path).returncode == 2, args
    for name in ("events", "sync", "guard"):
        done = run(name, "--help")
        assert done.returncode == 0 and "Examples:" in done.stdout, done


def held(h):
    done = cli(h, "guard", "list", "--output", "json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)["data"]


def test_guard_release_and_reject(feed):
    r = reader_now(feed)
    for decision in ("release", "reject"):
        prefix = unique("mass")
        made, later = feed.make_many(30, prefix=prefix), feed.make_many(30, prefix=f"{prefix}-later")
        r.until(of(f"{prefix}-later-29"))
        bystander, dn = add_person(feed)
        # in one stream, faster than the feed commits: at least what comes behind the limit is held
        feed.ldap.add_ldif("".join(f"dn: {d}\nchangetype: delete\n\n" for _, d in made))
        until(lambda: held(feed), "the guard to hold the deletes", 20)
        feed.ldap.modify(dn, ("replace", "title", ["still flows"]))
        seen = r.until(of(bystander, "user.updated"))
        gone = [e for e in seen if e["type"] == "dsync.user.deleted" and prefix in e["subject"]["userName"]]
        assert len(gone) <= 20, "more removals went out than the guard allows"
        assert reader(feed).get("/events/snapshot").error(503), "a snapshot would show the removals as done"
        batch = held(feed)[0]
        assert batch["removals"] + len(gone) == 30, batch
        done = cli(feed, "guard", "show", str(batch["id"]))
        assert done.returncode == 0 and prefix in done.stdout and "removals" in done.stdout, done
        seen_by_operator = re.search(r"--expect (\d+)", done.stdout).group(1)
        assert seen_by_operator == str(batch["events"]), done
        # more is held while the operator reads: that was not looked at
        feed.ldap.add_ldif("".join(f"dn: {d}\nchangetype: delete\n\n" for _, d in later))
        until(lambda: held(feed)[0]["events"] > batch["events"], "more to be held", 20)
        done = cli(feed, "guard", decision, str(batch["id"]), "--expect", seen_by_operator)
        assert done.returncode == 1 and "look at it again" in done.stderr, done
        feed.ldap.modify(dn, ("replace", "title", ["still flows, later"]))
        seen = r.until(of(bystander, "user.updated"))
        gone += [e for e in seen if e["type"] == "dsync.user.deleted" and prefix in e["subject"]["userName"]]
        batch = held(feed)[0]
        assert batch["removals"] + len(gone) == 60, batch
        done = cli(feed, "guard", decision, str(batch["id"]), "--expect", str(batch["events"]), "--why",
                   "the test says so")
        assert done.returncode == 0 and decision in done.stdout, done
        assert held(feed) == []
        assert cli(feed, "guard", decision, str(batch["id"])).returncode == 1, "it is decided already"
        if decision == "release":
            out = []
            while len(out) < batch["removals"]:
                out += [e for e in r.read(wait=10) if e["type"] == "dsync.user.deleted"]
            assert len(out) == batch["removals"]
    assert cli(feed, "guard", "show", "4711").returncode == 1
    r.close()


def test_metrics(feed):
    r = reader_now(feed)
    start = r.cursor
    names = [add_person(feed)[0] for _ in range(5)]
    r.until(of(names[-1]))
    r.cursor = start
    before = metrics(feed)["dirhinge_events_delivered_total"].total(client="legacy", way="page")
    n = len(r.page(limit=5).expect(200).events)
    after = metrics(feed)["dirhinge_events_delivered_total"].total(client="legacy", way="page")
    assert n == 5 and after - before == 5
    r.close()


# --- what ends a cursor; these come last ----------------------------------------------------------------------------


def test_restart(feed):
    """A cursor outlives the daemon, and polls and streams end with it at once."""
    r = reader_now(feed)
    s = stream(feed, after=r.cursor)
    done = {}
    t = threading.Thread(target=lambda: done.update(page=r.page(wait=20)))
    t.start()
    readers(feed, 2)
    began = time.monotonic()
    feed.daemon.stop()
    assert time.monotonic() - began < 5, "a waiting reader holds the end up"
    t.join(10)
    assert done["page"].expect(200).events == [] and s.read() is None
    s.close()
    r.close()
    uid, _ = add_person(feed)
    feed.daemon.start()
    again = reader(feed)
    again.cursor = done["page"].next
    assert [e["subject"]["userName"] for e in again.until(of(uid))] == [uid]
    again.close()


def test_tail_outlives_the_daemon(feed):
    reader_now(feed).close()
    before = len(feed.daemon.records("request"))
    p = subprocess.Popen([binary(), "events", "tail", "-f", "--after", "now", "--output", "json", "-c",
                          feed.daemon.config_path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: followed(feed, before), "tail to follow", 20)
        feed.daemon.stop()
        missed, _ = add_person(feed)
        feed.daemon.start()
        live(feed)
        later, _ = add_person(feed)
        got = [json.loads(p.stdout.readline())["subject"]["userName"] for _ in range(2)]
        assert got == [missed, later]
    finally:
        p.terminate()
        assert "waiting for it to come back" in p.communicate(timeout=10)[1]


def test_an_old_copy_of_the_database(feed):
    """F-57: state_dir comes back from a backup. What happened since is told again, under the same ids and no others, and a
    reader whose place the log does not know yet gets 410, never a gap."""
    r = reader_now(feed)
    start, state = r.cursor, f"{feed.daemon.dir}/state"
    feed.daemon.stop()
    shutil.copytree(state, f"{state}.copy", ignore=shutil.ignore_patterns("*.sock"))
    feed.daemon.start()
    r.address = feed.daemon.address
    names = [add_person(feed)[0] for _ in range(5)]
    before = r.until(of(names[-1]))
    feed.daemon.stop()
    r.close()
    shutil.rmtree(state)
    os.rename(f"{state}.copy", state)
    feed.slapd.stop()  # so that the feed cannot catch up before the reader has asked
    feed.daemon.start(ready=False)
    late = reader(feed)
    late.cursor = r.cursor
    assert late.page().error(410)["resync"] == "/events/snapshot"
    feed.slapd.start()
    until(lambda: feed.daemon.probe("/readyz")[0] == 200, "the daemon to be ready", 30)
    live(feed)
    late.cursor = start
    after = late.until(of(names[-1]))
    assert [e["id"] for e in after] == [e["id"] for e in before]
    late.close()


def sockets_of(pid):
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            found += [x for x in [os.readlink(f"/proc/{pid}/fd/{fd}")] if x.startswith("socket:")]
    return found


def test_the_end_does_not_wait_for_an_operator(feed):
    """Somebody waits for a reconciliation that the directory does not answer."""
    feed.slapd.signal(signal.SIGSTOP)
    try:
        p = subprocess.Popen([binary(), "sync", "reconcile", "-c", feed.daemon.config_path], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until(lambda: sockets_of(p.pid), "the request to be on its way", 10)
        began = time.monotonic()
        feed.daemon.stop()
        assert time.monotonic() - began < 20
        p.communicate(timeout=10)
        assert p.returncode in (1, 4)
    finally:
        feed.slapd.signal(signal.SIGCONT)
        if p.poll() is None:
            p.kill()
    feed.daemon.start()
    live(feed)


def test_reset_is_410(feed):
    r = reader_now(feed)
    done = cli(feed, "sync", "reset", "--yes")
    assert done.returncode == 0, done
    doc = r.page().error(410)
    assert doc["resync"] == "/events/snapshot", doc
    s = stream(feed, last_id=r.cursor)
    assert s.status == 410 and s.error["resync"] == "/events/snapshot"
    # 503 until the directory was read again: an empty snapshot would look like a mass delete
    until(lambda: r.get("/events/snapshot").status == 200, "the snapshot after the reset", 20)
    resources, r.cursor = r.snapshot()
    assert {x["id"] for x in resources} == {x.one("entryUUID") for x in feed.ldap.search(
        SUFFIX, "(|(objectClass=inetOrgPerson)(objectClass=groupOfNames))", attrs=("entryUUID",))}
    uid, _ = add_person(feed)
    r.until(of(uid))
    r.close()


def test_a_damaged_store(feed):
    """SCIM is served all the same, the remedy is named and needs no daemon, and what readers held is answered with 410."""
    r = reader_now(feed)
    r.close()
    feed.daemon.stop()
    db = os.path.join(feed.daemon.config["state_dir"], "dirhinge.db")
    with open(db, "r+b") as f:
        f.write(b"\0" * 8192)
    feed.daemon.start()
    assert feed.client("lenient").get("/Users?count=1").status == 200
    state = status(feed)
    assert state["state"] == "off" and "dirhinge sync reset" in state["reason"], state
    assert "damaged" in feed.daemon.log()
    assert reader(feed).page().status == 501
    done = cli(feed, "sync", "reset", "--yes")
    assert done.returncode == 0 and "dirhinge.db.old" in done.stdout, done
    feed.daemon.stop()
    feed.daemon.start()
    live(feed)
    # the daemon that runs is asked, and nothing is done behind its back
    assert cli(feed, "sync", "reset", "--yes").returncode == 0 and os.path.exists(db)
    again = reader(feed)
    again.cursor = r.cursor
    until(lambda: again.get("/events/snapshot").status == 200, "the snapshot after the reset", 20)
    assert again.page().error(410)["resync"] == "/events/snapshot"
    again.close()


def test_without_a_feed(hinge):
    """Nobody may read events here: no store, no socket, and /events says so."""
    assert Reader(hinge.daemon.address, hinge.daemon.tokens["lenient"]).page().error(403)
    done = run("sync", "status", "-c", hinge.daemon.config_path)
    assert done.returncode == 0 and "off" in done.stdout and "events:read" in done.stdout, done
