# SPDX-License-Identifier: Apache-2.0
"""dirhinge doctor on every directory: a good one has no failure; what is missing is named with the command."""

import json

import pytest

from support import samba
from support.daemon import SECRETS, run, secret, to_yaml, write_file


def checks(path, *more):
    done = run("doctor", "-c", path, "--output", "json", *more, timeout=120)
    assert all(s not in done.stdout + done.stderr for s in SECRETS)
    return done.returncode, json.loads(done.stdout)["checks"]


def test_a_good_directory(side):
    code, found = checks(side.daemon.config_path, "--write-test")
    bad = [c for c in found if c["status"] == "fail"]
    assert code == 0 and not bad, bad
    said = {c["check"]: c for c in found if c["status"] == "ok"}
    assert said["active"]["text"].startswith("the test user could bind, and cannot")
    assert said["write test"]
    assert not side.ldap.search(side.people, f"({side.names['userName']}=dirhinge-doctor*)")


def other_account(side, tmp_path, dn, pw):
    """The same configuration with another account."""
    c = json.loads(json.dumps(side.daemon.config))
    c["directory"].update(bind_dn=dn, bind_password_file=write_file(str(tmp_path / "pw"), pw + "\n"))
    return write_file(str(tmp_path / "d.yaml"), to_yaml(c))


@pytest.mark.flavour("active-directory")
def test_an_account_without_rights_on_active_directory(side, tmp_path):
    pw, dn = secret("Pw-") + "Xy9", f"CN=nobody,CN=Users,{samba.SUFFIX}"
    side.ldap.add(dn, {"objectClass": "user", "sAMAccountName": "nobody", "userAccountControl": "512",
                       "unicodePwd": f'"{pw}"'.encode("utf-16-le")})
    code, found = checks(other_account(side, tmp_path, dn, pw))
    failed = [c for c in found if c["status"] == "fail"]
    assert code == 1 and len(failed) >= 2 and all(c["check"] == "rights" for c in failed), failed
    assert all(f'dsacls "{side.people}"' in c["fix"] for c in failed)
    warned = {c["check"]: c for c in found if c["status"] == "warn"}
    assert "Enable-ADOptionalFeature" in warned["recycle bin"]["fix"]


@pytest.mark.flavour("389ds")
def test_an_account_without_rights_on_389ds(side, tmp_path):
    pw, dn = secret("Pw-") + "Xy9", f"cn=nobody,{side.suffix}"
    side.ldap.add(dn, {"objectClass": ["organizationalRole", "simpleSecurityObject"], "cn": "nobody",
                       "userPassword": pw})
    side.ldap.modify(side.suffix, ("add", "aci", [
        f'(targetattr="*")(version 3.0; acl "look"; allow (read, search, compare) userdn="ldap:///{dn}";)']))
    side.make_user()
    code, found = checks(other_account(side, tmp_path, dn, pw))
    failed = [c for c in found if c["status"] == "fail"]
    assert code == 1 and any(c["check"] == "rights" and "add: aci" in c["fix"] for c in failed), failed
    said = {c["check"]: c for c in found}
    assert said["versions"]["status"] == said["entryUUID"]["status"] == "ok"
