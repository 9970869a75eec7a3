# SPDX-License-Identifier: Apache-2.0
"""What a benchmark runs against: a private slapd with data, the daemon in front of it, and the two load generators."""

import json
import os
import resource
import ssl
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

from support.daemon import Daemon                                      # noqa: E402
from support.hinge import config, new_slapd                            # noqa: E402
from support.slapd import GATEWAY, GROUPS, PEOPLE, SUFFIX, Variant     # noqa: E402
from support.tls import Authority                                      # noqa: E402
from support.wait import until                                         # noqa: E402

BUILD = os.environ.get("DIRHINGE_BUILD", "")
TICK = os.sysconf("SC_CLK_TCK")
TEAM = 100                                     # every user is in one group of so many
SIZES = (10, 1000, 100000)                     # groups that members are added to
SCOPES = ["users:write", "groups:write"]
ELSEWHERE = f"ou=elsewhere,{SUFFIX}"           # their members: nobody who is read elsewhere, so reads stay reads of users


def program(name):
    path = os.path.join(BUILD, name)
    assert BUILD and os.access(path, os.X_OK), f"{path} is not built: run make bench"
    return path


def uuid(kind, i):
    return f"{kind:08x}-0000-4000-8000-{i:012x}"


def user_lines(i):
    return f"""dn: uid=u{i:07},{PEOPLE}
objectClass: inetOrgPerson
uid: u{i:07}
cn: First{i % 700} Last{i % 9000}
sn: Last{i % 9000}
givenName: First{i % 700}
displayName: First{i % 700} Last{i % 9000}
mail: u{i:07}@example.com
employeeNumber: {i}
title: T{i % 50}
telephoneNumber: +49 30 {i:07}
departmentNumber: D{i % 90}
entryUUID: {uuid(1, i)}

"""


def group_lines(name, id_, members):
    values = "".join(f"member: {m}\n" for m in members)
    return f"dn: cn={name},{GROUPS}\nobjectClass: groupOfNames\ncn: {name}\nentryUUID: {id_}\n{values}\n"


def write_data(path, keys, users, sizes, staff=False):
    with open(path, "w", encoding="ascii") as f, open(keys, "w", encoding="ascii") as k:
        for i in range(users):
            f.write(user_lines(i))
            k.write(f"u{i:07}\t{uuid(1, i)}\tuid=u{i:07},{PEOPLE}\n")
        for g in range((users + TEAM - 1) // TEAM):
            team = range(g * TEAM, min(users, (g + 1) * TEAM))
            f.write(group_lines(f"team{g:05}", uuid(2, g), (f"uid=u{i:07},{PEOPLE}" for i in team)))
        if staff:
            f.write(group_lines("staff", uuid(4, 0), (f"uid=u{i:07},{PEOPLE}" for i in range(users))))
        for n in sizes:
            f.write(group_lines(f"size{n}", uuid(3, n), (f"uid=x{i:07},{ELSEWHERE}" for i in range(n))))


class Process:
    """CPU and memory of one process, from /proc."""

    def __init__(self, pid):
        self.pid = pid

    def cpu(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory(self, field):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) << 10 for line in f if line.startswith(field + ":"))

    def reset_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="ascii") as f:
            f.write("5")

    def peak(self):
        return self.memory("VmHWM")


class Lab:
    """A directory of so many users and a daemon. staff: one group has them all. numbers: names that no run used yet."""

    def __init__(self, users, sizes=SIZES, note=print, pool=16, staff=False):
        self.users, self.pool = users, pool
        self.numbers = 0
        self.slapd = new_slapd(Variant(bench=True))
        self.dir = self.slapd.dir
        self.keys = f"{self.dir}/keys"
        self.daemon = None
        try:
            note(f"loading {users} users")
            write_data(f"{self.dir}/data.ldif", self.keys, users, [n for n in sizes if n <= max(users, 1000)], staff)
            self.slapd.stop()
            subprocess.run(self.slapd.slapadd("-q", "-n", "2", "-l", f"{self.dir}/data.ldif"), check=True,
                           capture_output=True, timeout=3600)
            os.unlink(f"{self.dir}/data.ldif")
            self.slapd.start()
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self, context=None, feed=False, **sections):
        """The daemon, anew; sections as support.hinge.config takes them. Seconds from its start to /readyz 200. With a
        client that may read events the change feed runs; it has read the directory when this returns."""
        if self.daemon:
            self.daemon.stop()
        self.daemon = None
        directory = {"flavour": "openldap", "uris": [self.slapd.ldapi], "bind_dn": GATEWAY, "timeout": "20s",
                     "bind_password_file": self.slapd.pw_file, "pool_size": self.pool}
        self.daemon = Daemon(config(self.slapd, directory=directory, **sections),
                             [{"name": "bench", "profile": "lenient", "scopes": SCOPES + ["events:read"] * feed}],
                             context)
        began = time.perf_counter()
        self.daemon.start()
        ready = time.perf_counter() - began
        if feed:
            until(self.live, "the first refresh", 1800)
        self.refreshed = time.perf_counter() - began
        return ready

    def live(self):
        """The change feed has read the directory, or this daemon has none."""
        states = [r.get("state") for r in self.daemon.records("change feed")]
        return "live" in states or (not states and self.events() == 404)

    def events(self, query="limit=1&wait=0"):
        """Status of a GET of /events."""
        return self.daemon.probe(f"/events?{query}", token=self.daemon.tokens["bench"])[0]

    def start_tls(self):
        authority = Authority(self.dir)
        certificate, key = authority.issue("gateway", "DNS:localhost")
        context = ssl.create_default_context(cafile=authority.pem)
        context.check_hostname = False             # the address of the probe is a number
        self.start(context, server={"listen": "127.0.0.1:0", "tls": {"certificate_file": certificate, "key_file": key}})
        return authority.pem

    def close(self):
        if self.daemon and self.daemon.alive():
            self.daemon.stop()
        self.slapd.remove()

    @property
    def processes(self):
        return {"dirhinge": Process(self.daemon.pid), "slapd": Process(self.slapd.pid)}

    def operations(self):
        """What slapd has completed, by its own count; the counting search itself is taken off by the caller."""
        found = self.slapd.admin.search("cn=Operations,cn=Monitor", "(cn=Operations)", attrs=("monitorOpCompleted",))
        return int(found[0].one("monitorOpCompleted"))

    # --- the two generators --------------------------------------------------------------------------------------

    def take_numbers(self, n=1000000):
        self.numbers += n
        return self.numbers - n

    def work_file(self, lines):
        path = f"{self.dir}/work"
        with open(path, "w", encoding="ascii") as f:
            f.writelines("\t".join(map(str, line)) + "\n" for line in lines)
        return path

    def http_target(self, ca=None):
        scheme, host = ("https", "localhost") if ca else ("http", "127.0.0.1")
        port = self.daemon.address.rpartition(":")[2]
        token = f"{self.daemon.dir}/bench.token"
        return ["--url", f"{scheme}://{host}:{port}{self.daemon.base_path}", "--token-file", token] + (
            ["--ca", ca] if ca else [])

    def ldap_target(self):
        return ["--uri", self.slapd.ldapi, "--bind", GATEWAY, "--password-file", self.slapd.pw_file]

    def http(self, lines, *, ca=None, **options):
        return generate([program("tests/bench/http_load"), *self.http_target(ca), "--work", self.work_file(lines),
                         "--keys", self.keys, "--first", str(self.take_numbers()), *flags(options)])

    def ldap(self, lines, **options):
        return generate([program("tests/bench/ldap_load"), *self.ldap_target(), "--work", self.work_file(lines),
                         "--keys", self.keys, "--first", str(self.take_numbers()), *flags(options)])

    def walk(self, path, **options):
        return generate([program("tests/bench/http_load"), *self.http_target(), "--walk", path, *flags(options)])

    def dump(self, flt, *attrs, **options):
        return generate([program("tests/bench/ldap_load"), *self.ldap_target(), "--dump", options.pop("base", PEOPLE),
                         *flags(options), flt, *attrs])

    # --- measuring -----------------------------------------------------------------------------------------------

    def measured(self, run):
        """run() with what it cost: CPU of each process and of the generator, peak memory, LDAP operations."""
        procs = self.processes
        for p in procs.values():
            p.reset_peak()
        before = {n: p.cpu() for n, p in procs.items()}
        own = resource.getrusage(resource.RUSAGE_CHILDREN)
        ops = self.operations()
        began = time.perf_counter()
        result = run()
        wall = time.perf_counter() - began
        ops = self.operations() - ops - 3                # bind, search and unbind of the count before
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        result["wall"] = wall
        result["cpu"] = {n: (p.cpu() - before[n]) / wall for n, p in procs.items()}
        result["cpu"]["generator"] = (after.ru_utime + after.ru_stime - own.ru_utime - own.ru_stime) / wall
        result["peak"] = {n: p.peak() for n, p in procs.items()}
        result["ldap_ops"] = ops
        return result


def flags(options):
    out = []
    for k, v in options.items():
        if v is True:
            out.append(f"--{k}")
        elif v is not None and v is not False:
            out += [f"--{k}", str(v)]
    return out


def generate(argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 3), f"{os.path.basename(argv[0])}: {done.stderr.strip() or done.returncode}"
    return json.loads(done.stdout)


def median(values):
    return statistics.median(values)


def idle_load():
    return os.getloadavg()[0]
