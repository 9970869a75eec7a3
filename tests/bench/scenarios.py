# SPDX-License-Identifier: Apache-2.0
"""The scenarios: the same work once through the gateway (A) and once with bare libldap (B), in turns, and what is asked of
the ratio. A scenario is a function of a Run; it adds rows to it."""

import json
import os
import signal
import subprocess
import time
import urllib.request

from lab import GROUPS, PEOPLE, Lab, Process, flags, median, program, uuid

PATCH = '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[%s]}'
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
NEW_USER = json.dumps({
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE], "userName": "n{n}", "displayName": "New {n}",
    "active": True, "name": {"givenName": "New", "familyName": "Last{n}", "formatted": "New Last{n}"}, "title": "T1",
    "emails": [{"value": "n{n}@example.com", "type": "work"}], "phoneNumbers": [{"value": "+49 30 {n}", "type": "work"}],
    ENTERPRISE: {"employeeNumber": "{n}", "department": "D1"}}, separators=(",", ":"))
NEW_ENTRY = ["objectClass=inetOrgPerson", "objectClass=dirhingeUser", "uid=n{n}", "cn=New Last{n}", "sn=Last{n}",
             "givenName=New", "displayName=New {n}", "mail=n{n}@example.com", "employeeNumber={n}", "title=T1",
             "telephoneNumber=+49 30 {n}", "departmentNumber=D1"]
# What a client of the directory reads to know the user as SCIM shows it.
READ = ["*", "entryUUID", "entryCSN", "createTimestamp", "modifyTimestamp"]

GET = (1, "get", "GET", "/Users/{1}")
FILTER = (1, "filter", "GET", "/Users?filter=userName%20eq%20%22{0}%22")
POST = (1, "post", "POST", "/Users", NEW_USER)
TITLE = (1, "patch", "PATCH", "/Users/{1}", PATCH % '{"op":"replace","path":"title","value":"t{r}"}')
L_GET = (1, "get", "search", PEOPLE, "(entryUUID={1})", *READ)
L_FILTER = (1, "filter", "search", PEOPLE, "(uid={0})", *READ)
L_POST = (1, "post", "add", f"uid=n{{n}},{PEOPLE}", *NEW_ENTRY)
L_TITLE = (1, "patch", "modify", "{2}", "replace:title=t{r}")


class Run:
    """One invocation of the driver. rows: what the table prints."""

    def __init__(self, options, note):
        self.o, self.note = options, note
        self.rows = []
        self._labs = {}

    def lab(self, users=None, staff=False):
        users = users or self.o.users
        if (users, staff) not in self._labs:
            self._labs[users, staff] = Lab(users, note=self.note, staff=staff)
        return self._labs[users, staff]

    def drop(self, users, staff=False):
        lab = self._labs.pop((users, staff), None)
        if lab:
            lab.close()

    def close(self):
        for lab in self._labs.values():
            lab.close()

    def row(self, **r):
        self.rows.append(r)
        self.note("  " + ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in r.items()
                                   if k in ("name", "ratio", "goal", "verdict", "skipped", "value")))

    def turns(self, a, b):
        """a() and b() in turns; the order changes each round, so that a drift of the machine hits both."""
        got = ([], [])
        for i in range(self.o.rounds):
            for side in ((0, 1), (1, 0))[i % 2]:
                got[side].append((a, b)[side]())
        return got

    def pair(self, name, lab, http, ldap, *, goal=None, at_least=True, by="rate", conns=(32, 16), op=None, **more):
        """A row for a ratio of rates (A/B, at least the goal) or of times (A/B, at most)."""
        seconds = dict(seconds=self.o.seconds, warmup=1)
        http_options = {**seconds, **more, "connections": conns[0]}
        ldap_options = {**seconds, **more, "connections": conns[1]}
        ldap_options.pop("ca", None)
        got_a, got_b = self.turns(lambda: lab.measured(lambda: lab.http([http] if isinstance(http, tuple) else http,
                                                                         **http_options)),
                                  lambda: lab.measured(lambda: lab.ldap([ldap] if isinstance(ldap, tuple) else ldap,
                                                                        **ldap_options)))
        for op_name in [op] if op else [None]:
            self.ratio_row(name, lab, got_a, got_b, op_name, goal, at_least, by)

    def ratio_row(self, name, lab, got_a, got_b, op, goal, at_least, by):
        def part(r):
            return r["ops"][op] if op else r["all"]

        ratios = [part(x)[by] / part(y)[by] for x, y in zip(got_a, got_b) if part(y)[by]]
        ratio = median(ratios)
        self.row(name=name, users=lab.users, ratio=ratio, spread=[min(ratios), max(ratios)], goal=goal,
                 verdict=verdict(ratio, goal, at_least), a=side(got_a, part), b=side(got_b, part))

    def value(self, name, value, unit, goal=None, at_least=False, **more):
        self.row(name=name, value=value, unit=unit, goal=goal,
                 verdict=verdict(value, goal, at_least) if goal is not None else "", **more)

    def skip(self, name, why):
        self.row(name=name, skipped=why)


def verdict(ratio, goal, at_least):
    if goal is None:
        return ""
    return "met" if (ratio >= goal if at_least else ratio <= goal) else "MISSED"


def side(results, part):
    """Medians of one side's rounds."""
    counted = [max(1, sum(o["n"] for o in r["ops"].values())) for r in results]
    return {
        "rate": median([part(r)["rate"] for r in results]),
        "p50": median([part(r)["p50"] for r in results]), "p99": median([part(r)["p99"] for r in results]),
        "mean": median([part(r)["mean"] for r in results]),
        "cpu": {n: median([r["cpu"][n] for r in results]) for n in results[0]["cpu"]},
        "cost": median([sum(r["cpu"].values()) * r["seconds"] * 1e6 / n for r, n in zip(results, counted)]),
        "peak": {n: max(r["peak"][n] for r in results) for n in results[0]["peak"]},
        # the warm-up is in the count of operations: scale by the share of time that was counted
        "ops": median([r["ldap_ops"] * (r["seconds"] / r["wall"]) / n for r, n in zip(results, counted)]),
        "errors": sum(r["errors"] for r in results), "error": next((r["error"] for r in results if r["error"]), ""),
        "curve": part(sorted(results, key=lambda r: part(r)["p50"])[len(results) // 2])["curve"],
    }


# --- reading ---------------------------------------------------------------------------------------------------------

def get(run):
    run.pair("GET by id", run.lab(), GET, L_GET, goal=0.5, at_least=True)


def find(run):
    run.pair("filter by userName", run.lab(), FILTER, L_FILTER, goal=0.5, at_least=True)


def without_groups(run):
    """One search a request on both sides."""
    run.pair("GET by id, without groups", run.lab(), (1, "get", "GET", "/Users/{1}?excludedAttributes=groups"), L_GET,
             goal=None)


def tls(run):
    lab = run.lab()
    ca = lab.start_tls()
    try:
        run.pair("GET by id, HTTPS", lab, GET, L_GET, ca=ca)
    finally:
        lab.start()


# --- writing ---------------------------------------------------------------------------------------------------------

def post(run):
    run.pair("POST user, durable", run.lab(), POST, L_POST, goal=0.8, at_least=True, conns=(16, 16))


def patch(run):
    run.pair("PATCH user, one attribute", run.lab(), TITLE, L_TITLE, conns=(16, 16))


def member(run):
    """One connection each: the time of one change at each size, added and taken away in turns."""
    lab = run.lab()
    for n in (10, 1000, 100000):
        if n > max(lab.users, 1000):
            run.skip(f"PATCH a member, group of {n}", f"the directory has {lab.users} users only")
            continue
        group, dn = f"/Groups/{uuid(3, n)}", f"cn=size{n},{GROUPS}"
        http = [(1, "add", "PATCH", group, PATCH % '{"op":"add","path":"members","value":[{"value":"{1}"}]}'),
                (1, "del", "PATCH", group, PATCH % '{"op":"remove","path":"members[value eq \\"{1}\\"]"}')]
        ldap = [(1, "add", "modify", dn, "add:member={2}"), (1, "del", "modify", dn, "delete:member={2}")]
        options = dict(seconds=run.o.seconds, warmup=1, connections=1, sequence=True)
        got_a, got_b = run.turns(lambda h=http: lab.measured(lambda: lab.http(h, **options)),
                                 lambda l=ldap: lab.measured(lambda: lab.ldap(l, **options)))
        for op, what in (("add", "add"), ("del", "remove")):
            run.ratio_row(f"PATCH {what} a member, group of {n}", lab, got_a, got_b, op, 1.3, False, "p50")


# --- lists -----------------------------------------------------------------------------------------------------------

def crawl(run, staff=False):
    lab, of = run.lab(staff=staff), ", in a group of all" if staff else ""
    page = min(1000, max(10, lab.users // 10))
    flt = "(&(objectClass=inetOrgPerson)(uid=*))"
    walks = {"index": ("/Users?count=%d&startIndex={start}" % page, None),
             "cursor": ("/Users?count=%d&cursor={cursor}" % page, "nextCursor")}
    for how, (path, field) in walks.items():
        got_a, got_b = run.turns(lambda p=path, f=field: lab.measured(lambda: lab.walk(p, field=f, page=page)),
                                 lambda: lab.measured(lambda: lab.dump(flt, *READ, page=page)))
        totals = {r["total"] for r in got_a} | {r["total"] for r in got_b}
        assert len(totals) == 1, f"the lists differ in length: {totals}"
        ratios = [x["seconds"] / y["seconds"] for x, y in zip(got_a, got_b)]
        total = totals.pop()
        run.row(name=f"list all by {how}, {page} a page{of}", users=lab.users, ratio=median(ratios),
                spread=[min(ratios), max(ratios)], goal=1.5, verdict=verdict(median(ratios), 1.5, False),
                a=pages(got_a), b=pages(got_b))
        ends = [x["last"] / x["first"] for x in got_a]
        run.value(f"last page : first page, by {how}{of}", median(ends), "x", 1.2, users=lab.users)
        run.value(f"peak memory of the list of {total} by {how}{of}",
                  max(x["peak"]["dirhinge"] for x in got_a) / 2**20, "MB", 64, users=lab.users)


def staff(run):
    """Everybody is in one more group that has them all ("All staff")."""
    lab = run.lab(staff=True)
    run.pair("GET by id, in a group of all", lab, GET, L_GET)
    run.pair("filter by userName, in a group of all", lab, FILTER, L_FILTER)
    crawl(run, staff=True)
    run.drop(run.o.users, staff=True)


def pages(results):
    return {
        "rate": median([r["total"] / r["seconds"] for r in results]), "seconds": median([r["seconds"] for r in results]),
        "p50": median([r["pages"]["p50"] for r in results]), "p99": median([r["pages"]["p99"] for r in results]),
        "mean": median([r["pages"]["mean"] for r in results]),
        "cpu": {n: median([r["cpu"][n] for r in results]) for n in results[0]["cpu"]},
        "cost": median([sum(r["cpu"].values()) * r["wall"] * 1e6 / r["total"] for r in results]),
        "peak": {n: max(r["peak"][n] for r in results) for n in results[0]["peak"]},
        "ops": median([r["ldap_ops"] / r["pages"]["n"] for r in results]),
        "errors": 0, "error": "", "curve": results[0]["pages"]["curve"],
    }


# --- mixed load ------------------------------------------------------------------------------------------------------

MIX = [(50, *FILTER[1:]), (25, *TITLE[1:]), (15, *POST[1:]), (10, *GET[1:])]
L_MIX = [(50, *L_FILTER[1:]), (25, *L_TITLE[1:]), (15, *L_POST[1:]), (10, *L_GET[1:])]


def mixed(run):
    lab = run.lab()
    run.pair("mixed load, 64 connections", lab, MIX, L_MIX, conns=(64, 16))
    run.value("peak memory serving 64 connections", run.rows[-1]["a"]["peak"]["dirhinge"] / 2**20, "MB", 64,
              users=lab.users)
    r = lab.measured(lambda: lab.http(MIX, connections=32, rate=100, seconds=2 * run.o.seconds))
    run.value("mixed load at 100 requests/s: p99", r["all"]["p99"] / 1e3, "ms", 250, errors=r["errors"],
              users=lab.users)


def events_path(lab, path):
    """A target for the generator: /events is beside the base path, not below it."""
    return ["--url", f"http://{lab.daemon.address}", "--token-file", f"{lab.daemon.dir}/bench.token", "--walk", path]


def idle_polls(run):
    lab = run.lab()
    lab.start(feed=True)
    if lab.events() == 404:
        run.skip("64 idle long polls beside load", "/events answers 404")
        return
    alone = [lab.http(MIX, connections=16, seconds=run.o.seconds, warmup=1)["all"] for _ in range(run.o.rounds)]
    polls = [subprocess.Popen([program("tests/bench/http_load"), *events_path(lab, "/events?wait=20&types=dsync.group.deleted&after={cursor}"),
                               "--field", "next_cursor", "--mark", "nothing-has-this-mark-", "--marks", "1",
                               "--seconds", "3600"], stdout=subprocess.DEVNULL) for _ in range(64)]
    try:
        beside = [lab.http(MIX, connections=16, seconds=run.o.seconds, warmup=1)["all"] for _ in range(run.o.rounds)]
    finally:
        for p in polls:
            p.send_signal(signal.SIGTERM)
            p.wait(20)
    run.value("64 long polls: rate beside them : alone", median([r["rate"] for r in beside]) /
              median([r["rate"] for r in alone]), "x", users=lab.users)
    lab.start()


def crowd(run):
    """What the daemon needs for 64 clients that all read the whole list by the longest pages."""
    lab = run.lab()
    page = min(1000, max(10, lab.users // 10))
    daemon = Process(lab.daemon.pid)
    daemon.reset_peak()
    before = daemon.cpu()
    clients = [subprocess.Popen([program("tests/bench/http_load"), *lab.http_target(), "--walk",
                                 f"/Users?count={page}&startIndex={{start}}"], stdout=subprocess.DEVNULL)
               for _ in range(64)]
    until = time.monotonic() + 4 * run.o.seconds
    try:
        for c in clients:
            c.wait(max(0.1, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        pass
    finally:
        for c in clients:
            c.kill()
            c.wait(20)
    assert daemon.cpu() > before, "the clients were not served"
    run.value(f"peak memory, 64 clients that list all, {page} a page", daemon.peak() / 2**20, "MB", 64, users=lab.users)
    lab.start()


def readers(run):
    """What 64 connected readers of events cost at most: by kind, and mixed; changes come in all the while."""
    lab = run.lab()
    lab.start(feed=True)
    if lab.events() == 404:
        run.skip("peak memory with 64 readers of events", "/events answers 404")
        return
    places, cursor = [], ""
    while len(places) < 12 and cursor is not None:
        page = events_page(lab, f"limit=1000&wait=0&after={cursor}")
        cursor = page["next_cursor"] if page["has_more"] else None
        places += [cursor] if cursor else []
    now = events_page(lab, "limit=1&wait=0&after=now")["next_cursor"]
    kinds = {
        "long polls": [f"/events?limit=100&wait=5&after={now}"],
        "pages of the whole log": ["/events?limit=1000&wait=0&after=" + c for c in ["", *places]],
        "snapshots": ["/events/snapshot?limit=1000"],
        "reads": [f"{lab.daemon.base_path}/Users/{{1}}"],
    }
    kinds["all of these"] = [path for paths in kinds.values() for path in paths[:8]]
    for name, paths in kinds.items():
        peak = peak_beside_changes(lab, [(1, "read", "GET", p) for p in paths], run.o.seconds)
        run.value(f"peak memory with 64 readers: {name}", peak / 2**20, "MB", 64, users=lab.users)
    lab.start()


def events_page(lab, query):
    url = f"http://{lab.daemon.address}/events?{query}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {lab.daemon.tokens['bench']}"})
    with urllib.request.urlopen(request, timeout=60) as r:
        return json.load(r)


def peak_beside_changes(lab, lines, seconds):
    """Peak memory of the daemon while 64 connections read, and the directory changes 200 times a second."""
    path = f"{lab.dir}/readers"
    with open(path, "w", encoding="ascii") as f:
        f.writelines("\t".join(map(str, line)) + "\n" for line in lines)
    daemon = Process(lab.daemon.pid)
    daemon.reset_peak()
    load = subprocess.Popen([program("tests/bench/http_load"), "--url", f"http://{lab.daemon.address}", "--token-file",
                             f"{lab.daemon.dir}/bench.token", "--work", path, "--keys", lab.keys,
                             *flags({"connections": 64, "seconds": seconds})], stdout=subprocess.PIPE, text=True)
    try:
        lab.ldap([(1, "change", "modify", "{2}", "replace:title=m{n}")], connections=2, rate=200, seconds=seconds)
        said = json.loads(load.communicate(timeout=seconds + 60)[0])
    finally:
        load.kill()
        load.wait()
    assert said["errors"] == 0, said["error"]
    return daemon.peak()


# --- the feed --------------------------------------------------------------------------------------------------------

def feed(run):
    lab = run.lab()
    lab.start(feed=True)
    if lab.events() == 404:
        for name in ("change to long poll, p50", "change to long poll, p99"):
            run.skip(name, "/events answers 404")
        return
    for rate, name in ((50, "50 changes/s"), (None, "as fast as slapd accepts")):
        delays = follow(lab, rate, run.o.seconds)
        delays.sort()
        at = lambda q: delays[min(len(delays) - 1, int(q * len(delays)))] / 1e3   # noqa: E731
        if rate:
            run.value(f"change to long poll, p50, {name}", at(0.5), "ms", 3, users=lab.users, n=len(delays))
            run.value(f"change to long poll, p99, {name}", at(0.99), "ms", 20, users=lab.users, n=len(delays))
        else:
            run.value(f"change to long poll, p99, {name}", at(0.99), "ms", 1000, users=lab.users, n=len(delays))
    run.value("memory with the feed", Process(lab.daemon.pid).memory("VmRSS") / 2**20, "MB", 64, users=lab.users)
    lab.start()


def cursor_now(lab):
    """The cursor behind everything that is there."""
    cursor = ""
    while True:
        url = f"http://{lab.daemon.address}/events?limit=1000&wait=0" + (f"&after={cursor}" if cursor else "")
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {lab.daemon.tokens['bench']}"})
        with urllib.request.urlopen(request, timeout=60) as r:
            page = json.load(r)
        cursor = page["next_cursor"]
        if not page["has_more"] and not page["data"]:
            return cursor


def follow(lab, rate, seconds):
    """Microseconds from the acknowledged LDAP change to the arrival of its event, for each change."""
    path = f"/events?limit=1000&wait=20&after={cursor_now(lab)}"
    first, trace, arrivals = lab.take_numbers(), f"{lab.dir}/trace", f"{lab.dir}/arrivals"
    # The first page by the given cursor, then by what the answers say. Into a file: a pipe that nobody empties before the
    # load has ended would stop the reader after some thousand events, and look like a feed that lags.
    with open(arrivals, "wb") as out:
        walker = subprocess.Popen([program("tests/bench/http_load"),
                                   *events_path(lab, path.rpartition("=")[0] + "={cursor}"), "--cursor",
                                   path.rpartition("=")[2], "--field", "next_cursor", "--mark", "bench-", "--marks",
                                   str(first + 10**6), "--seconds", str(int(seconds) + 8)], stdout=out)
    work = lab.work_file([(1, "change", "modify", "{2}", "replace:title=bench-{n}")])
    subprocess.run([program("tests/bench/ldap_load"), *lab.ldap_target(), "--work", work, "--keys", lab.keys, "--first",
                    str(first), "--trace", trace, *flags({"rate": rate, "seconds": seconds, "connections": 4})],
                   check=True, stdout=subprocess.DEVNULL)
    assert walker.wait(seconds + 60) == 0
    seen = {}
    with open(arrivals, encoding="ascii") as f:
        for n, t in (map(int, line.split()) for line in f):
            seen.setdefault(n, t)
    with open(trace, encoding="ascii") as f:
        made = {int(n): int(t) for n, t in (line.split() for line in f)}
    lost = set(made) - set(seen)
    assert not lost, f"{len(lost)} of {len(made)} changes brought no event"
    return [seen[n] - made[n] for n in made]


def refresh(run):
    """From an empty state directory to the live feed: the whole directory has been read and stored by then."""
    lab = run.lab()
    lab.start(feed=True)
    if lab.events() == 404:
        run.skip("first refresh : bare refresh", "/events answers 404")
        return

    def gateway():
        lab.start(feed=True)                                     # a new daemon has a new state directory
        return {"seconds": lab.refreshed, "peak": Process(lab.daemon.pid).peak()}

    got_a, got_b = run.turns(gateway, lambda: lab.dump("(objectClass=*)", "*", "+", base="dc=example,dc=com", sync=True))
    run.value("first refresh : bare refresh", median([x["seconds"] / y["seconds"] for x, y in zip(got_a, got_b)]), "x",
              1.5, users=lab.users)
    run.value("first refresh", median([x["seconds"] for x in got_a]), "s", users=lab.users)
    lab.start()
    run.value("peak memory of the first refresh", max(x["peak"] for x in got_a) / 2**20, "MB", 64, users=lab.users)


# --- memory and start ------------------------------------------------------------------------------------------------

def start(run):
    lab = run.lab()
    times = [lab.start() for _ in range(max(5, run.o.rounds))]
    run.value("start to /readyz 200", median(times), "s", 0.5, users=lab.users)
    p = Process(lab.daemon.pid)
    run.value("memory idle", p.memory("VmRSS") / 2**20, "MB", 20, users=lab.users)


def sizes(run):
    """The time of one operation, one connection, at each size of the directory, with and without the gateway, in turns;
    and the gateway's own CPU: how far they are apart."""
    work = {"GET by id": (GET, L_GET), "filter by userName": (FILTER, L_FILTER), "PATCH user": (TITLE, L_TITLE),
            "POST user": (POST, L_POST)}
    counts = run.o.sizes
    labs = [run.lab(users) for users in counts]
    for lab in labs:
        run.value("start to /readyz 200", median([lab.start() for _ in range(3)]), "s", 0.5, users=lab.users)
    got = {name: [([], []) for _ in counts] for name in work}
    options = dict(connections=1, seconds=run.o.seconds, warmup=1)
    for _ in range(run.o.rounds):
        for at, lab in enumerate(labs):
            for name, (http, ldap) in work.items():
                got[name][at][0].append(lab.measured(lambda h=http, l=lab: l.http([h], **options)))
                got[name][at][1].append(lab.measured(lambda b=ldap, l=lab: l.ldap([b], **options)))
    for name, results in got.items():
        a, b = ([median([r["all"]["p50"] for r in rounds[side]]) for rounds in results] for side in (0, 1))
        # the warm-up costs as much a request as the rest
        cpu = [median([r["cpu"]["dirhinge"] * r["seconds"] * 1e6 / r["all"]["n"] for r in rounds[0]])
               for rounds in results]
        where = dict(users="/".join(map(str, counts)), counts=counts)
        run.value(f"time against size: {name}", max(a) / min(a), "x", 1.3, times=a, **where)
        run.value(f"the same with bare LDAP: {name}", max(b) / min(b), "x", times=b, **where)
        run.value(f"the daemon's CPU against size: {name}", max(cpu) / min(cpu), "x", 1.3, times=cpu, **where)


SCENARIOS = {
    "get": get, "filter": find, "no-groups": without_groups, "list": crawl, "staff": staff, "patch": patch,
    "member": member, "post": post, "mixed": mixed, "tls": tls, "polls": idle_polls, "readers": readers,
    "crowd": crowd, "feed": feed,
    "refresh": refresh, "start": start,
    "sizes": sizes,
}
READ_ONLY = {"get": (GET, L_GET), "filter": (FILTER, L_FILTER)}


# --- an existing deployment ------------------------------------------------------------------------------------------

class Remote:
    """A deployment that is there already: only reads. Keys are taken from its own list."""

    def __init__(self, options, tmp):
        self.o, self.tmp, self.users = options, tmp, 0
        self.keys = os.path.join(tmp, "keys")
        self._collect()

    def _collect(self):
        import ssl
        context = ssl.create_default_context(cafile=self.o.ca) if self.o.url.startswith("https") else None
        with open(self.o.token_file, encoding="ascii") as f:
            headers = {"Authorization": "Bearer " + f.readline().strip()}
        url = f"{self.o.url}/Users?count=1000&attributes=userName"
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60, context=context) as r:
            page = json.load(r)
        self.users = page["totalResults"]
        with open(self.keys, "w", encoding="utf-8") as f:
            for u in page["Resources"]:
                if not set(u["userName"]) & set("\t\n\"%&#+ ()*\\"):
                    f.write(f"{u['userName']}\t{u['id']}\n")

    def work_file(self, lines):
        path = os.path.join(self.tmp, "work")
        with open(path, "w", encoding="utf-8") as f:
            f.writelines("\t".join(map(str, line)) + "\n" for line in lines)
        return path

    def _run(self, argv, lines, options):
        from lab import generate
        began = time.perf_counter()
        r = generate([*argv, "--work", self.work_file(lines), "--keys", self.keys, *flags(options)])
        return {**r, "cpu": {}, "peak": {}, "ldap_ops": 0, "wall": time.perf_counter() - began}

    def measured(self, run):
        return run()

    def http(self, lines, **options):
        target = ["--url", self.o.url, "--token-file", self.o.token_file] + (["--ca", self.o.ca] if self.o.ca else [])
        return self._run([program("tests/bench/http_load"), *target], lines, options)

    def ldap(self, lines, **options):
        base = [tuple(self.o.ldap_base if f == PEOPLE else f for f in line) for line in lines]
        return self._run([program("tests/bench/ldap_load"), "--uri", self.o.ldap, "--bind", self.o.bind,
                          "--password-file", self.o.password_file], base, options)


def remote(run, names, tmp):
    lab = Remote(run.o, tmp)
    for name in names:
        http, ldap = READ_ONLY[name]
        if run.o.ldap:
            run.pair(name, lab, http, ldap, goal=0.5, at_least=True)
            continue
        got = [lab.http([http], connections=32, seconds=run.o.seconds, warmup=1)["all"] for _ in range(run.o.rounds)]
        run.value(f"{name}: requests/s", median([r["rate"] for r in got]), "/s", users=lab.users)
        run.value(f"{name}: p99", median([r["p99"] for r in got]) / 1e3, "ms", users=lab.users)
