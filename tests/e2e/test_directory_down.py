# SPDX-License-Identifier: Apache-2.0
"""The directory is away, hangs, comes back (G7, F-08, F-10): answers in time, nothing claimed, no restart needed."""

import signal
import threading
import time

import pytest

from support.hinge import Hinge, directory_config, source_dir
from support.slapd import Slapd, Variant
from support.wait import until

TOGETHER = 10.0  # seconds in which a request must be answered when the directory is gone
HANGING = 25.0   # and when it hangs (DESIGN 4: every answer, in every fault)


@pytest.fixture(scope="module", params=["ldapi", "ldap"])
def own(request):
    """A directory of its own, because it is killed."""
    slapd = Slapd(Variant(), source_dir())
    uri = slapd.ldapi if request.param == "ldapi" else slapd.ldap
    h = Hinge(slapd, directory=dict(directory_config(slapd, uri), timeout="2s"))
    yield h
    try:
        h.stop()
    finally:
        slapd.remove()


@pytest.fixture
def up(own):
    """The directory runs before and after."""
    assert own.daemon.probe("/readyz")[0] == 200
    yield own
    if not own.slapd.running():
        own.slapd.start()
    own.slapd.signal(signal.SIGCONT)
    until(lambda: own.daemon.probe("/readyz")[0] == 200, "/readyz to recover", 20)
    assert own.daemon.alive()


def requests_of(h, u):
    return [("GET", f"/Users/{u['id']}", None), ("GET", f"/Users?filter=userName+eq+%22{u['userName']}%22", None),
            ("POST", "/Users", h.user_body()),
            ("PATCH", f"/Users/{u['id']}", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                                            "Operations": [{"op": "replace", "path": "title", "value": "down"}]}),
            ("PUT", f"/Users/{u['id']}", h.user_body(userName=u["userName"], title="down")),
            ("DELETE", f"/Users/{u['id']}", None), ("GET", "/Groups", None)]


def unavailable(h, u, limit):
    for method, path, body in requests_of(h, u):
        began = time.monotonic()
        r = h.lenient.call(method, path, body)
        took = time.monotonic() - began
        r.error(503)
        assert 0 < int(r.headers["Retry-After"]) <= 300, r.headers["Retry-After"]
        assert took < limit, f"{method} {path} took {took:.1f} s"


def test_G7_killed(up):
    u = up.make_user(title="T")
    before = up.entry(u["id"])
    up.slapd.kill()
    unavailable(up, u, TOGETHER)
    assert up.daemon.probe("/livez")[0] == 200
    assert up.daemon.probe("/readyz")[0] == 503
    up.slapd.start()
    until(lambda: up.daemon.probe("/readyz")[0] == 200, "/readyz to recover", 15)
    assert up.lenient.get(f"/Users/{u['id']}").expect(200).json["title"] == "T"
    assert up.entry(u["id"]) == before, "an answer of 503 changed the entry"
    up.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "title", "value": "up"}]).expect(200, 204)
    up.assert_entry(u["id"], {"title": ["up"]})


def test_restart_between_requests_goes_unnoticed(up):
    """Pool connections died; reads are repeated on a fresh one, a write that was not sent too."""
    u = up.make_user()
    for _ in range(3):
        up.lenient.get(f"/Users/{u['id']}").expect(200)
        up.slapd.stop()
        up.slapd.start()
        up.lenient.get(f"/Users/{u['id']}").expect(200)
    up.slapd.stop()
    up.slapd.start()
    r = up.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "title", "value": "T"}])
    r.expect(200, 204, 503)
    if r.status == 503:
        up.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "title", "value": "T"}]).expect(200, 204)
    up.assert_entry(u["id"], {"title": ["T"]})


def test_hanging(up):
    u = up.make_user(title="T")
    up.slapd.signal(signal.SIGSTOP)
    results = []

    def ask(method, path, body):
        c = up.lenient.clone(timeout=60)
        began = time.monotonic()
        results.append((c.call(method, path, body), time.monotonic() - began))
        c.close()

    jobs = [r for r in requests_of(up, u) if r[0] != "DELETE"]
    threads = [threading.Thread(target=ask, args=j) for j in jobs]
    for t in threads:
        t.start()
    began = time.monotonic()
    assert up.daemon.probe("/livez")[0] == 200
    assert time.monotonic() - began < 2, "/livez waits for the directory"
    began = time.monotonic()
    assert up.daemon.probe("/readyz")[0] == 503
    assert time.monotonic() - began < HANGING
    for t in threads:
        t.join(60)
    assert len(results) == len(jobs), "a request was never answered"
    for r, took in results:
        r.error(503)
        assert took < HANGING, f"{r} took {took:.1f} s"
    up.slapd.signal(signal.SIGCONT)
    until(lambda: up.daemon.probe("/readyz")[0] == 200, "/readyz to recover", 15)
    title = up.lenient.get(f"/Users/{u['id']}").expect(200).json["title"]
    assert [title] == up.entry(u["id"])["title"], "SCIM shows something else than the directory holds"


def test_many_clients_while_hanging_do_not_pile_up(up):
    u = up.make_user()
    up.slapd.signal(signal.SIGSTOP)
    answers = []

    def ask():
        c = up.lenient.clone(timeout=60)
        began = time.monotonic()
        r = c.get(f"/Users/{u['id']}")
        answers.append((r.status, time.monotonic() - began))
        c.close()

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert len(answers) == 40
    assert {s for s, _ in answers} <= {503, 429}, answers
    assert max(t for _, t in answers) < HANGING, f"slowest {max(t for _, t in answers):.1f} s"


def test_overload_is_shed_at_once():
    """Above max_in_flight the answer is 503 with Retry-After at once, not a queue behind a directory that hangs."""
    slapd = Slapd(Variant(), source_dir())
    h = Hinge(slapd, directory=dict(directory_config(slapd), timeout="6s"), server={"max_in_flight": 2})
    answers = []
    try:
        u = h.make_user()
        slapd.signal(signal.SIGSTOP)

        def ask():
            c = h.lenient.clone(timeout=60)
            began = time.monotonic()
            r = c.get(f"/Users/{u['id']}").error(503)
            answers.append((time.monotonic() - began, int(r.headers["Retry-After"])))
            c.close()

        threads = [threading.Thread(target=ask) for _ in range(12)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        assert len(answers) == 12, f"only {len(answers)} of 12 requests were answered with 503 and Retry-After"
        quick = [t for t, _ in answers if t < 4]
        assert len(quick) >= 10, f"only {len(quick)} of 12 were refused at once: {sorted(answers)}"
        slapd.signal(signal.SIGCONT)
        until(lambda: h.lenient.get(f"/Users/{u['id']}").status == 200, "service after the overload", 20)
    finally:
        slapd.signal(signal.SIGCONT)
        h.stop()
        slapd.remove()


def test_started_while_the_directory_is_down():
    slapd = Slapd(Variant(), source_dir())
    slapd.stop()
    h = None
    try:
        h = Hinge(slapd, ready=False, directory=dict(directory_config(slapd), timeout="2s"))
        assert h.daemon.probe("/livez")[0] == 200
        assert h.daemon.probe("/readyz")[0] == 503
        h.lenient.get("/Users").error(503)
        h.lenient.post("/Users", h.user_body()).error(503)
        h.lenient.get("/Users", token=False).error(401)
        slapd.start()
        until(lambda: h.daemon.probe("/readyz")[0] == 200, "/readyz after the directory came", 15)
        u = h.make_user()
        h.assert_entry(u["id"], {"uid": [u["userName"]]})
    finally:
        if h:
            h.stop()
        slapd.remove()


def test_wrong_bind_password():
    """Misconfiguration is not the client's fault: 5xx, not ready, and no storm of failed binds (F-68)."""
    slapd = Slapd(Variant(), source_dir())
    h = None
    try:
        good = slapd.gateway_pw
        slapd.admin.modify("cn=gateway,dc=example,dc=com", ("replace", "userPassword", ["changed-" + good[:6]]))
        h = Hinge(slapd, ready=False, directory=dict(directory_config(slapd), timeout="2s"))
        assert h.daemon.probe("/readyz")[0] == 503
        for _ in range(10):
            assert h.lenient.get("/Users").status in (500, 503)
        mark = slapd.log.mark()
        failed = [o for o in slapd.log.ops[:mark] if o.verb == "BIND" and o.err == 49]
        assert 1 <= len(failed) <= 8, f"{len(failed)} failed binds for a dozen requests lock the account out"
        slapd.admin.modify("cn=gateway,dc=example,dc=com", ("replace", "userPassword", [good]))
        until(lambda: h.daemon.probe("/readyz")[0] == 200, "/readyz after the password was put right", 40)
    finally:
        if h:
            h.stop()
        slapd.remove()


def test_sigterm_finishes_requests(hinges):
    """SIGTERM while requests run: each is answered, the exit code is 0."""
    slapd = hinges().slapd
    h = Hinge(slapd)
    answers = []

    def work(n):
        c = h.lenient.clone()
        try:
            while True:
                answers.append(c.post("/Users", h.user_body()).status)
        except OSError:
            pass  # no new connections once it is stopping
        except Exception as e:  # noqa: BLE001 - http.client errors of a closed connection
            answers.append(repr(e))
        finally:
            c.close()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    until(lambda: len(answers) > 20, "requests to run")
    h.stop()
    for t in threads:
        t.join(30)
    bad = [a for a in answers if a not in (201, 503)]
    assert not [a for a in bad if isinstance(a, int)], bad
    assert answers.count(201) > 20
