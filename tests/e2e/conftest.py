# SPDX-License-Identifier: Apache-2.0
"""Fixtures: directories and daemons of the session, and what is checked when it ends."""

import os
import shutil

import pytest

from support import side as sides
from support.daemon import LOGS, SANITIZER, SECRETS
from support.hinge import Hinge, new_slapd, source_dir, unique
from support.slapd import Variant, find_tools


def pytest_report_header(config):
    return [f"dirhinge: {os.environ.get('DIRHINGE_BIN', '(DIRHINGE_BIN is not set)')}", f"source: {source_dir()}",
            f"directory: {sides.FLAVOUR}{' (core tests only)' if sides.FLAVOUR != 'openldap' else ''}"]


def pytest_configure(config):
    config.addinivalue_line("markers", "flavour(name): only for this directory")
    config.addinivalue_line("markers", "flavour_not(name): not for this directory")


def _runs(item):
    """Every directory must pass the core tests; the others are about OpenLDAP."""
    mark = item.get_closest_marker("flavour")
    if mark:
        return mark.args[0] == sides.FLAVOUR
    mark = item.get_closest_marker("flavour_not")
    if mark and mark.args[0] == sides.FLAVOUR:
        return False
    return sides.FLAVOUR == "openldap" or item.path.name.startswith("test_core")


def pytest_collection_modifyitems(config, items):
    config.hook.pytest_deselected(items=[i for i in items if not _runs(i)])
    items[:] = [i for i in items if _runs(i)]


@pytest.fixture(scope="session")
def side_server():
    """The directory that FLAVOUR names."""
    reason = sides.why_not()
    if reason:
        pytest.skip(reason)
    server, kind = sides.start()
    yield server, kind
    server.remove()


@pytest.fixture(scope="session")
def side_session(side_server):
    server, kind = side_server
    s = kind(server)
    yield s
    s.stop()


@pytest.fixture
def side(side_session):
    """That directory with a daemon in front; the daemon must outlive the test."""
    yield side_session
    assert side_session.daemon.alive(), f"dirhinge died during the test:\n{side_session.daemon.log()[-6000:]}"


@pytest.fixture(scope="session")
def crowd(side_session):
    """3,001 users, made by an administrator: (DNs, SCIM ids in the same order)."""
    prefix = unique("c")
    dns = side_session.make_many(3001, prefix)
    ids = side_session.ids(prefix)
    return dns, [ids[dn.lower()] for dn in dns]


@pytest.fixture(scope="session")
def directories():
    """Variant -> a slapd of that kind, one for the session."""
    if not find_tools():
        pytest.skip("slapd with its modules is not installed (Debian: slapd ldap-utils)")
    made = {}

    def get(variant=Variant()):
        if variant not in made:
            made[variant] = new_slapd(variant)
        return made[variant]

    yield get
    for s in made.values():
        s.remove()


@pytest.fixture(scope="session")
def hinges(directories):
    """(variant, configuration sections) -> a directory with a running daemon, one for the session."""
    made = {}

    def get(variant=Variant(), **sections):
        key = (variant, repr(sorted(sections.items())))
        if key in made and not made[key].daemon.alive():  # the test that broke it has failed already
            del made[key]
        if key not in made:
            made[key] = Hinge(directories(variant), **sections)
        return made[key]

    yield get
    problems = []
    for h in made.values():
        try:
            h.stop()
        except AssertionError as e:
            problems.append(str(e))
    assert not problems, "\n".join(problems)


@pytest.fixture(scope="session", autouse=True)
def logs():
    """No secret of any test and no sanitizer report in any daemon's log, once all have ended. What is clean is
    removed."""
    yield
    found = []
    for path in sorted(LOGS):
        text = ""
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as f:
                text = f.read()
        here = [f"{path}: a secret ({s[:6]}…) was logged" for s in SECRETS if s in text]
        here += [f"{path}: {mark}:\n{text[max(0, text.index(mark) - 200):][:3000]}"
                 for mark in SANITIZER if mark in text]
        if not here:
            shutil.rmtree(os.path.dirname(path), ignore_errors=True)
        found += here
    assert not found, "\n".join(found)


@pytest.fixture
def hinge(hinges):
    """The usual directory and daemon; the daemon must outlive the test."""
    h = hinges()
    yield h
    assert h.daemon.alive(), f"dirhinge died during the test:\n{h.daemon.log()[-6000:]}"


@pytest.fixture
def no_writes(hinge):
    """The test must not change the directory at all: contextCSN stays."""
    before = hinge.slapd.audit_mark()
    yield
    if hinge.slapd.audit_mark() != before:
        raise AssertionError(f"the directory was changed: {hinge.slapd.audit(before)}")
