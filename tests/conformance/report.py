# SPDX-License-Identifier: Apache-2.0
"""Runs scim2-tester against the daemon in front of a private slapd and prints what it found, skipped and why."""

import collections
import os
import shutil
import sys

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from support.daemon import WRITE
from support.hinge import Hinge, new_slapd
from support.slapd import Variant, find_tools

FATAL = (Status.ERROR, Status.CRITICAL)
SHOWN = (Status.ERROR, Status.CRITICAL, Status.DEVIATION, Status.SKIPPED)


def line(result):
    subject = f"{result.resource_type}: " if result.resource_type else ""
    return f"{result.status.name:<10} {subject}{result.title}: {' '.join((result.reason or '').split())}"


def run(profile):
    slapd = new_slapd(Variant())
    try:
        hinge = Hinge(slapd, clients=[{"name": "tester", "profile": profile, "scopes": WRITE}])
        try:
            headers = {"Authorization": f"Bearer {hinge.daemon.tokens['tester']}"}
            with httpx2.Client(base_url=f"http://{hinge.daemon.address}{hinge.daemon.base_path}", headers=headers,
                              timeout=30) as http:
                return check_server(SyncSCIMClient(http))
        finally:
            hinge.stop()
            shutil.rmtree(hinge.daemon.dir, ignore_errors=True)
    finally:
        slapd.remove()


def report(profile):
    results = run(profile)
    counts = collections.Counter(r.status.name for r in results)
    print(f"scim2-tester, profile {profile}: {len(results)} checks: " +
          ", ".join(f"{n} {name}" for name, n in sorted(counts.items())))
    for r in results:
        if r.status in SHOWN:
            print("  " + line(r))
    failed = [r for r in results if r.status in FATAL]
    if counts["SUCCESS"] < 50:  # a run that stops at the first discovery error must not look like success
        print(f"  only {counts['SUCCESS']} checks succeeded: the tester did not get to the resources")
        return 1
    return len(failed)


def main():
    if not find_tools():
        print("SKIPPED: conformance: slapd is not installed (Debian: slapd ldap-utils)")
        return 0
    if not os.environ.get("DIRHINGE_BIN"):
        print("DIRHINGE_BIN is not set", file=sys.stderr)
        return 2
    return 1 if sum(report(p) for p in ("strict", "lenient")) else 0


sys.exit(main())
