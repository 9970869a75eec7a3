# SPDX-License-Identifier: Apache-2.0
"""Where a search cannot be held open the directory is looked at, and that is said; where it can be again, it is."""

import contextlib

import pytest

from support.daemon import run
from support.feed import Fed, short
from support.hinge import directory_config, new_slapd, unique
from support.proxy import Proxy
from support.slapd import ACCESSLOG, GATEWAY, Variant
from support.wait import until

POLLED = "syncrepl, polled"


@pytest.fixture
def behind():
    """Makes a directory behind a proxy, and who follows it."""
    with contextlib.ExitStack() as stack:
        def make(source, **how):
            slapd = new_slapd(Variant())
            proxy = Proxy(slapd.port, **how)
            stack.callback(proxy.close)
            config = {**directory_config(slapd, proxy.uri), "timeout": "10s"}
            fed = Fed(slapd=slapd, directory=config, history=False, source=source, poll_interval="1s")
            stack.callback(fed.remove)
            return fed, proxy
        yield make


def lives_of(fed):
    """One user's life, each step looked for by itself."""
    dn = fed.add_user(unique("p"))
    i = fed.id(dn)
    assert [short(e) for e in fed.mark()] == [("user.created", i)]
    group = fed.add_group(unique("g"), [dn])
    assert [short(e) for e in fed.mark()] == [("group.created", fed.id(group)), ("group.user_added", fed.id(group), i)]
    (e,) = fed.told(fed.ldap.modify, dn, ("replace", "title", ["Two"]))
    assert short(e) == ("user.updated", i) and e["changed"] == ["title"]
    fed.ldap.delete(group)
    fed.ldap.delete(dn)
    assert ("user.deleted", i) in [short(e) for e in fed.mark()]


@pytest.mark.parametrize("code", [2, 11, 12, 53])
def test_refused(behind, code):
    """protocolError, adminLimitExceeded, unavailableCriticalExtension, unwillingToPerform"""
    fed, proxy = behind(POLLED, refuse=code)
    assert proxy.refused > 0 and proxy.looks > 0
    s = fed.sync()
    assert s["guarantee"] == {"class": "B", "means": "the net change every 1 s", "poll_seconds": 1}
    assert f"({code})" in s["note"] and s["state"] == "live"
    said = run("sync", "status", "-c", fed.daemon.config_path)
    assert "the net change every 1 s" in said.stdout and "refuses to hold a search open" in said.stdout
    assert any(f"({code})" in r.get("note", "") for r in fed.daemon.records("change feed"))
    said = run("doctor", "-c", fed.daemon.config_path)
    assert "the net change every 1 s" in said.stdout, said.stdout
    lives_of(fed)


def test_held_open_again(behind):
    """Nobody has to restart anything when the refusal ends."""
    fed, proxy = behind(POLLED, refuse=53)
    lives_of(fed)
    proxy.refuse = None
    s = fed.live("syncrepl", 120)
    assert "note" not in s and s["guarantee"]["class"] == "B" and "poll_seconds" not in s["guarantee"]
    lives_of(fed)


def test_cut_when_silent(behind):
    """An idle limit that is too short to be useful: it costs a refresh and a comparison each time, so that ends."""
    fed, proxy = behind("syncrepl", idle=2)
    s = fed.live(POLLED, 120)
    assert "idle limit" in s["note"]
    lives_of(fed)
    # Looks find their connection cut, and that is nothing to speak of. Only holding one open is now and then tried.
    while True:
        fed.live(POLLED, 60)
        held, looks, connects = proxy.persistent, proxy.looks, fed.sync()["connects"]
        until(lambda: proxy.looks > looks + 3, "looks", 60)
        now = fed.sync()["connects"]
        if proxy.persistent == held:
            break
    assert now == connects
    proxy.idle = None
    fed.live("syncrepl", 120)
    lives_of(fed)


def test_as_the_operator_wants_it():
    fed = Fed(polled=True)
    try:
        s = fed.sync()
        assert s["guarantee"] == {"class": "A", "means": "every change, over gaps too, looked for every 1 s",
                                  "poll_seconds": 1}
        assert "note" not in s
        lives_of(fed)
        dn = fed.add_user(unique("p"))
        for title in ("One", "Two", "Three"):
            fed.ldap.modify(dn, ("replace", "title", [title]))
        # The history tells each of them, however seldom it is looked at.
        assert [e["data"].get("title") for e in fed.mark()] == [None, "One", "Two", "Three"]
    finally:
        fed.remove()


def test_a_gap_longer_than_the_limit():
    """Half of it is nothing: its sum is told from the data, and the history goes on behind it."""
    fed = Fed()
    try:
        log_db = "olcDatabase={1}mdb,cn=config"
        fed.slapd.config.modify(log_db, ("replace", "olcLimits", [f'dn.exact="{GATEWAY}" size=20 time=unlimited']))
        dn = fed.add_user(unique("gap"))
        i = fed.id(dn)
        fed.mark()
        fed.reader.close()
        fed.daemon.stop()
        for n in range(30):
            fed.ldap.modify(dn, ("replace", "title", [f"T{n}"]))
        other = fed.add_user(unique("gap"))
        fed.daemon.start()
        fed.reopen()
        s = fed.live("accesslog")
        assert ACCESSLOG in s["note"] and "olcLimits" in s["note"] and s["guarantee"]["class"] == "A"
        events = fed.mark()
        assert sorted(map(short, events)) == sorted([("user.updated", i), ("user.created", fed.id(other))])
        (e,) = [e for e in events if short(e)[1] == i]
        assert e["data"]["title"] == "T29" and e["cause"]["coalesced"]
        states = [r["state"] for r in fed.daemon.records("change feed")]
        assert "untrusted" not in states
        assert any("olcLimits" in r.get("remedy", "") for r in fed.daemon.records("change feed"))
        # A short gap is read from the history, and the note is gone with it.
        fed.reader.close()
        fed.daemon.stop()
        for n in range(3):
            fed.ldap.modify(dn, ("replace", "title", [f"S{n}"]))
        fed.daemon.start()
        fed.reopen()
        assert "note" not in fed.live("accesslog")
        assert [e["data"]["title"] for e in fed.mark()] == ["S0", "S1", "S2"]
    finally:
        fed.remove()
