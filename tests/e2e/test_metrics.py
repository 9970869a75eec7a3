# SPDX-License-Identifier: Apache-2.0
"""The operators' listener: numbers that add up, in the form scrapers read; health with reasons; no more for free."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess

import pytest

from support.daemon import Daemon, WRITE, run
from support.hinge import Hinge, config, directory_config, unique
from support.prometheus import parse
from support.slapd import Variant
from support.wait import until

TYPE = "text/plain; version=0.0.4; charset=utf-8"
CLIENTS = [{"name": "entra", "profile": "entra", "scopes": WRITE},
           {"name": "strict", "profile": "strict", "scopes": WRITE},
           {"name": "operator", "scopes": ["admin"]}]


@pytest.fixture(scope="module")
def watched(directories):
    """A daemon whose numbers nobody else moves."""
    h = Hinge(directories(), clients=CLIENTS)
    yield h
    h.stop()


def text_of(h):
    status, headers, body = h.daemon.probe("/metrics", admin=True)
    assert status == 200 and headers["Content-Type"] == TYPE, (status, headers)
    return body.decode("utf-8")


def scrape(h):
    return parse(text_of(h))


def moved(before, after, family, suffix="", **labels):
    return after[family].total(suffix, **labels) - before[family].total(suffix, **labels)


def test_requests_by_client_method_resource_and_status(watched):
    before = scrape(watched)
    u = watched.make_user(client="entra")
    entra, strict = watched.client("entra"), watched.client("strict")
    for _ in range(3):
        entra.get(f"/Users/{u['id']}").expect(200)
    strict.get(f"/Users/{u['id']}").expect(200)
    strict.get("/Users/no-such-id").expect(404)
    entra.get("/Users", {"filter": "userName eq"}).expect(400)
    entra.get("/Nothing").expect(404)
    entra.get("/Users", token=False).expect(401)
    entra.delete(f"/Users/{u['id']}").expect(204)
    after = scrape(watched)
    rows = {("entra", "POST", "Users", "201"): 1, ("entra", "GET", "Users/{id}", "200"): 3,
            ("strict", "GET", "Users/{id}", "200"): 1, ("strict", "GET", "Users/{id}", "404"): 1,
            ("entra", "GET", "Users", "400"): 1, ("none", "GET", "none", "404"): 1, ("none", "GET", "Users", "401"): 1,
            ("entra", "DELETE", "Users/{id}", "204"): 1}
    requests = "dirhinge_http_requests_total"
    for (client, method, resource, status), n in rows.items():
        got = moved(before, after, requests, client=client, method=method, resource=resource, status=status)
        assert got == n, (client, method, resource, status, got)
    assert moved(before, after, requests) == sum(rows.values()), "a request is counted once and nothing else is"
    times = "dirhinge_http_request_duration_seconds"
    assert moved(before, after, times, "_count", method="GET", resource="Users/{id}") == 5
    assert 0 < moved(before, after, times, "_sum", method="GET", resource="Users/{id}") < 5 * 25


def test_directory_operations_and_pool(watched):
    before = scrape(watched)
    u = watched.make_user(client="entra")
    entra = watched.client("entra")
    entra.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "title", "value": "T"}]).expect(200, 204)
    entra.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "userName", "value": unique()}]).expect(200, 204)
    entra.delete(f"/Users/{u['id']}").expect(204)
    after = scrape(watched)
    ops = "dirhinge_ldap_operations_total"
    for operation in ("add", "modify", "rename", "delete"):
        assert moved(before, after, ops, operation=operation, result="ok") >= 1, operation
        assert moved(before, after, ops, operation=operation) == \
            moved(before, after, "dirhinge_ldap_operation_duration_seconds", "_count", operation=operation)
    pool = after["dirhinge_ldap_pool_connections"]
    assert sum(pool.value(state=s) for s in ("idle", "busy", "free")) == 8, "pool_size of the tests"
    assert pool.value(state="idle") >= 1 and pool.value(state="busy") == 0
    assert after["dirhinge_ldap_binds_total"].value() >= 1


def test_tolerated_and_ignored(watched):
    before = scrape(watched)
    u = watched.make_user(client="entra", active="True", nickNames="x")
    after = scrape(watched)
    assert moved(before, after, "dirhinge_scim_tolerated_total", client="entra", kind="string_bool") == 1
    assert moved(before, after, "dirhinge_scim_tolerated_total", client="entra", kind="unknown_attribute") == 1
    assert moved(before, after, "dirhinge_scim_tolerated_total", client="strict") == 0
    watched.client("entra").delete(f"/Users/{u['id']}").expect(204)


def test_process_and_build(watched):
    m = scrape(watched)
    assert m["dirhinge_build_info"].total() == 1 and m["dirhinge_build_info"].labels("version") != {None}
    with open(f"/proc/{watched.daemon.pid}/stat", encoding="ascii") as f:
        ticks = int(f.read().rsplit(")", 1)[1].split()[19])
    with open("/proc/uptime", encoding="ascii") as f:
        up = float(f.read().split()[0])
    age = up - ticks / os.sysconf("SC_CLK_TCK")
    started = m["process_start_time_seconds"].value()
    now = subprocess.run(["date", "+%s"], capture_output=True, text=True, check=True)
    assert abs(int(now.stdout) - started - age) < 10, (started, age)
    assert m["process_resident_memory_bytes"].value() > 1 << 20
    assert 3 < m["process_open_fds"].value() < m["process_max_fds"].value()
    assert m["process_cpu_seconds_total"].value() > 0
    assert m["process_threads"].value() >= 2


def test_hostile_requests_make_no_series(watched):
    """Cardinality: label values never come from a request."""
    entra = watched.client("entra")
    series = len(text_of(watched).splitlines())
    for i in range(60):
        entra.call("GET", f"/Nothing{i}/x%22y", absolute=True)
        entra.call(f"M{i}", "/Users")
        entra.get("/Users", headers={"Authorization": f"Bearer bad{i}"})
        entra.get(f"/Users/unknown-{i}")
    m = scrape(watched)
    assert len(text_of(watched).splitlines()) - series < 60
    assert m["dirhinge_http_requests_total"].labels("client") <= {"entra", "strict", "operator", "none"}
    assert m["dirhinge_http_requests_total"].labels("method") <= \
        {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"}


def test_promtool_agrees(watched):
    tool = shutil.which("promtool")
    if not tool:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run([tool, "check", "metrics"], input=text_of(watched), capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 0 and done.stderr == "", done.stderr + done.stdout


def test_access(watched):
    probe = watched.daemon.probe
    for path in ("/metrics", "/livez", "/readyz"):
        assert probe(path, admin=True)[0] == 200, path
    operator, entra = watched.daemon.tokens["operator"], watched.daemon.tokens["entra"]
    for path in ("/", "/admin/v1/nothing", "/console/", "/scim/v2/Users", "/metrics/x"):
        assert probe(path, admin=True)[0] == 401, path
        assert probe(path, admin=True, token="wrong")[0] == 401, path
        assert probe(path, admin=True, token=entra)[0] == 403, path
        assert probe(path, admin=True, token=operator)[0] == 404, path
    assert probe("/admin/v1/guard", admin=True)[0] == 401
    assert probe("/admin/v1/guard", admin=True, token=entra)[0] == 403
    assert probe("/admin/v1/guard", admin=True, token=operator)[0] == 501, "nobody reads events here: there is no feed"
    assert probe("/metrics")[0] == 404, "the SCIM listener shows no metrics"


def test_not_ready_says_why(directories):
    """The operators' /readyz names the cause, the public one does not."""
    slapd = directories(Variant())
    dead = directory_config(slapd, "ldapi://%2Fnonexistent%2Fldapi")
    h = Hinge(slapd, clients=CLIENTS, ready=False, directory=dead)
    try:
        status, _, body = h.daemon.probe("/readyz", admin=True)
        reasons = json.loads(body)["reasons"]
        assert status == 503 and reasons[0]["check"] == "directory" and "nonexistent" in reasons[0]["cause"], body
        status, _, body = h.daemon.probe("/readyz")
        assert status == 503 and b"nonexistent" not in body, body
        m = scrape(h)
        assert m["dirhinge_ldap_operations_total"].total(operation="search", result="unavailable") >= 1
        assert m["dirhinge_ldap_connection_failures_total"].value() >= 1
        assert h.daemon.probe("/livez", admin=True)[0] == 200
    finally:
        h.stop()


def test_shed_requests_are_counted(directories):
    h = Hinge(directories(), clients=CLIENTS, server={"listen": "127.0.0.1:0", "max_in_flight": 1})
    slapd = h.slapd
    clients = [h.client("entra").clone() for _ in range(2)]
    first = clients[0]
    slapd.signal(signal.SIGSTOP)
    try:
        c = first._connection()
        c.putrequest("GET", "/scim/v2/Users")
        c.putheader("Authorization", f"Bearer {first.token}")
        c.endheaders()
        until(lambda: scrape(h)["dirhinge_http_requests_in_flight"].value() == 1, "the request to be in flight", 10)
        clients[1].get("/Users").expect(503)
        assert scrape(h)["dirhinge_http_requests_shed_total"].value() == 1
        slapd.signal(signal.SIGCONT)
        assert c.getresponse().status in (200, 503)
    finally:
        slapd.signal(signal.SIGCONT)
        for c in clients:
            c.close()
        h.stop()


def test_reload_reaches_the_operators_listener(directories):
    h = Hinge(directories(), clients=CLIENTS)
    try:
        token = h.daemon.tokens["operator"]
        assert h.daemon.probe("/admin", admin=True, token=token)[0] == 404
        with open(h.daemon.config_path, encoding="utf-8") as f:
            text = f.read()
        assert '["admin"]' in text
        with open(h.daemon.config_path, "w", encoding="utf-8") as f:
            f.write(text.replace('["admin"]', '["users:read"]'))
        h.daemon.signal(signal.SIGHUP)
        until(lambda: h.daemon.probe("/admin", admin=True, token=token)[0] == 403, "the new rights to hold", 10)
    finally:
        h.stop()


def test_a_taken_port_names_the_option(watched):
    d = Daemon(config(watched.slapd, admin={"listen": watched.daemon.admin_address}), CLIENTS)
    done = run("serve", "-c", d.config_path, timeout=30)
    assert done.returncode == 1, done
    assert "admin.listen" in done.stderr and watched.daemon.admin_address in done.stderr, done.stderr


def test_default_address_in_use(watched):
    """Without admin.listen in the file the listener is only tried: SCIM must not fail for it."""
    cfg = config(watched.slapd)
    cfg.pop("admin", None)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # somebody else has it: the same to us
            taken.bind(("127.0.0.1", 8081))
            taken.listen()
        d = Daemon(cfg, CLIENTS).start()
        try:
            assert d.probe("/livez")[0] == 200
            assert any("set admin.listen to a free address" in r["msg"] for r in d.records()), d.log()
        finally:
            d.stop()


def test_no_operators_listener(directories):
    h = Hinge(directories(), clients=CLIENTS, admin={"listen": "none"})
    try:
        assert h.daemon.admin_address == "none"
        h.client("entra").get("/ServiceProviderConfig").expect(200)
    finally:
        h.stop()
