# SPDX-License-Identifier: Apache-2.0
"""The command line an operator uses: clear errors with line numbers, exit codes, nothing secret on the screen."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
from urllib.parse import quote

import pytest

from support.daemon import Daemon, SECRETS, binary, run, secret, to_yaml, write_file
from support.hinge import Hinge, config, source_dir
from support.slapd import GATEWAY, GROUPS, PEOPLE, Slapd, Variant
from support.wait import until

DONE, FAILED, USAGE, CONFIG, UNREACHABLE = 0, 1, 2, 3, 4


@pytest.fixture
def files(directories, tmp_path):
    """A valid configuration as text, with the files it names."""
    slapd = directories()
    token = secret("tok-")
    c = dict(config(slapd), state_dir=str(tmp_path), clients=[
        {"name": "entra", "profile": "entra", "scopes": ["users:write"],
         "token_file": write_file(str(tmp_path / "t"), token + "\n")}])
    return tmp_path, to_yaml(c), c


def check(tmp_path, text, *more):
    path = write_file(str(tmp_path / "d.yaml"), text)
    return run("config", "check", "-c", path, *more), path


def test_valid_configuration(files):
    tmp_path, text, _ = files
    done, path = check(tmp_path, text)
    assert done.returncode == DONE, done
    assert path in done.stdout and "valid" in done.stdout
    done = run("config", "check", "-c", path, "--output", "json")
    assert json.loads(done.stdout)["valid"] is True


BROKEN = [  # (what is replaced, by what, what the message must say)
    ("  pool_size: 8", "  pool_sise: 8", "pool_size"), ("  pool_size: 8", "  pool_size: many", "pool_size"),
    ("  pool_size: 8", "  pool_size: 0", "pool_size"),
    ("  pool_size: 8", "  pool_size: 8\n  pool_size: 9", "pool_size"),
    ('  timeout: "5s"', '  timeout: "5 parsecs"', "timeout"), ('  timeout: "5s"', '  timeout: "5s"\n\tx: 1', ""),
    ('  flavour: "openldap"', '  flavour: "notes"', "openldap"), ('  rdn: "uid"', '  rdn: "uid\u0001"', ""),
    ('  base_path: "/scim/v2"', '  base_path: "scim"', "base_path"),
    ('  listen: "127.0.0.1:0"', '  listen: "nowhere"', "listen"),
    ('  listen: "127.0.0.1:0"', '  listen: "127.0.0.1:99999"', "listen"),
    ('    profile: "entra"', '    profile: "entrra"', "entra"), ('["users:write"]', '["users:rite"]', "users:write"),
    ('  - name: "entra"', '  - name: "en tra"', "name"), ('["users:write"]', "[]", "scopes"),
    ('  base: "ou=people,dc=example,dc=com"', '  base: "people at example"', "base"),
    ('    token_file:', '    token_sha256: "abc"\n    token_file:', "token"), ("server:", "sever:", "server"),
    ("server:", "server: [", ""), ('  active: "ppolicy-end-time"', '  active: "prayer"', "ppolicy-end-time"),
]


@pytest.mark.parametrize("old,new,says", BROKEN, ids=[b[1].strip()[:30] for b in BROKEN])
def test_broken_configuration_names_line_and_remedy(files, old, new, says):
    tmp_path, text, _ = files
    assert old in text, f"{old!r} is not in\n{text}"
    broken = text.replace(old, new, 1)
    done, path = check(tmp_path, broken)
    assert done.returncode == CONFIG, done
    assert done.stderr.startswith("dirhinge:") and says in done.stderr, done.stderr
    m = re.search(r"(?:line |:)(\d+)", done.stderr.replace(path, "FILE"))
    assert m, f"no line number: {done.stderr}"
    first = next(i for i, (a, b) in enumerate(zip(text.split("\n"), broken.split("\n")), 1) if a != b)
    assert first - 1 <= int(m.group(1)) <= first + 2, f"line {m.group(1)}, the error is in line {first}: {done.stderr}"
    served = run("serve", "-c", path, timeout=20)
    assert served.returncode == CONFIG, "serve took a configuration that check refuses"


@pytest.mark.parametrize("breakage", ["missing", "world-readable", "empty", "no-token-file", "plaintext"])
def test_files_the_configuration_names(files, breakage):
    tmp_path, text, c = files
    pw = str(tmp_path / "pw")
    if breakage == "world-readable":
        write_file(pw, "x\n")
        os.chmod(pw, 0o644)
    elif breakage == "empty":
        write_file(pw, "")
    if breakage in ("missing", "world-readable", "empty"):
        c = dict(c, directory=dict(c["directory"], bind_password_file=pw))
        says = pw
    elif breakage == "no-token-file":
        c = dict(c, clients=[dict(c["clients"][0], token_file=str(tmp_path / "none"))])
        says = str(tmp_path / "none")
    else:
        c = dict(c, directory=dict(c["directory"], uris=["ldap://ldap.example.com"]))
        says = "allow_plaintext"
    done, _ = check(tmp_path, to_yaml(c))
    assert done.returncode == CONFIG and says in done.stderr, done


def test_missing_configuration_file():
    done = run("config", "check", "-c", "/nonexistent/dirhinge.yaml")
    assert done.returncode == CONFIG and "/nonexistent/dirhinge.yaml" in done.stderr, done


def test_show_masks_secrets(files):
    tmp_path, text, c = files
    token = secret("tok-")
    digest = hashlib.sha256(token.encode()).hexdigest()
    c = dict(c, clients=c["clients"] + [{"name": "okta", "scopes": ["users:read"], "token_sha256": digest}])
    path = write_file(str(tmp_path / "d.yaml"), to_yaml(c))
    for more in ((), ("--output", "json")):
        done = run("config", "show", "-c", path, *more)
        assert done.returncode == DONE, done
        assert digest not in done.stdout and not [s for s in SECRETS if s in done.stdout + done.stderr]
        assert "max_in_flight" in done.stdout, "defaults are not shown"
    shown = json.loads(done.stdout)
    assert shown["directory"]["pool_size"] == 8 and shown["server"]["max_in_flight"] == 64
    again, _ = check(tmp_path, run("config", "show", "-c", path).stdout.replace('"***"', f'"{digest}"'))
    assert again.returncode == DONE, f"what show prints is not a valid configuration: {again.stderr}"


def test_schema_is_json_schema():
    done = run("config", "schema")
    assert done.returncode == DONE, done
    doc = json.loads(done.stdout)
    assert "2020-12" in doc["$schema"] and "pool_size" in json.dumps(doc["properties"]["directory"])


@pytest.mark.parametrize("args,code", [
    ((), USAGE), (("nonsense",), USAGE), (("serve", "--nonsense"), USAGE), (("config",), USAGE),
    (("config", "frobnicate"), USAGE), (("token", "create"), USAGE), (("token", "create", "--client", "a b"), USAGE),
    (("serve", "-c"), USAGE), (("config", "check", "--output", "xml"), USAGE), (("serve", "extra"), USAGE)], ids=str)
def test_usage_errors(args, code):
    done = run(*args, timeout=20)
    assert done.returncode == code, done
    assert "--help" in done.stderr and done.stderr.startswith("dirhinge:") or "Usage" in done.stderr + done.stdout, done


@pytest.mark.parametrize("args", [("--help",), ("serve", "--help"), ("config", "--help"), ("doctor", "--help"),
                                  ("token", "--help"), ("demo", "--help"), ("config", "check", "--help")], ids=str)
def test_help_has_examples(args):
    done = run(*args)
    assert done.returncode == DONE and "Usage:" in done.stdout and "Examples:" in done.stdout, done
    assert "  dirhinge " in done.stdout and done.stderr == ""


def test_version():
    done = run("--version")
    assert done.returncode == DONE and re.match(r"dirhinge \d+\.\d+\.\d+", done.stdout), done


def test_token_create_prints_once_and_matches_its_hash(hinges):
    done = run("token", "create", "--client", "new", "--output", "json")
    assert done.returncode == DONE, done
    doc = json.loads(done.stdout)
    SECRETS.add(doc["token"])
    assert hashlib.sha256(doc["token"].encode()).hexdigest() == doc["token_sha256"]
    other = run("token", "create", "--client", "new").stdout
    assert doc["token"] not in other and "sha256" in other
    assert len(doc["token"]) >= 43, "less than 256 bits"


def test_reload_takes_a_new_token_at_once(hinges):
    """SIGHUP: clients and tokens change at once, requests go on; a broken file changes nothing (F-47)."""
    h = Hinge(hinges().slapd)
    d = h.daemon
    try:
        u = h.make_user()
        old = d.tokens["lenient"]
        new = secret("tok-")
        write_file(f"{d.dir}/lenient.token", new + "\n")
        d.signal(signal.SIGHUP)
        h.lenient.token = new
        until(lambda: h.lenient.get(f"/Users/{u['id']}").status == 200, "the new token to be accepted")
        h.lenient.clone(token=old).get(f"/Users/{u['id']}").error(401)
        good = open(d.config_path, encoding="utf-8").read()
        write_file(d.config_path, good.replace("server:", "sever:"))
        d.signal(signal.SIGHUP)
        until(lambda: "not taken over" in d.log(), "the refusal in the log")
        h.lenient.get(f"/Users/{u['id']}").expect(200)
        write_file(d.config_path, good)
    finally:
        h.stop()


def doctor(c, tmp_path, *more):
    path = write_file(str(tmp_path / "doc.yaml"), to_yaml(c))
    return run("doctor", "-c", path, *more, timeout=60)


def test_doctor_on_a_good_directory(files):
    tmp_path, _, c = files
    done = doctor(c, tmp_path)
    assert done.returncode == DONE, done
    done = doctor(c, tmp_path, "--output", "json")
    assert done.returncode == DONE and json.loads(done.stdout), done
    assert not [s for s in SECRETS if s in done.stdout + done.stderr]


def test_doctor_write_test_leaves_nothing(files, directories):
    tmp_path, _, c = files
    before = set(directories().admin.dump("dc=example,dc=com"))
    done = doctor(c, tmp_path, "--write-test")
    assert done.returncode == DONE, done
    assert set(directories().admin.dump("dc=example,dc=com")) == before


def test_doctor_looks_for_the_containers_of_fences(files):
    """A client fenced to one that is not there gets 503."""
    tmp_path, _, c = files
    fenced = [dict(c["clients"][0], fences={"bases": [f"ou=nowhere,{PEOPLE}", "dc=example,dc=com"]})]
    done = doctor(dict(c, clients=fenced), tmp_path)
    assert done.returncode == FAILED, done
    text = done.stdout + done.stderr
    assert f"clients[0].fences.bases ou=nowhere,{PEOPLE} does not exist" in text and "ou: nowhere" in text, text
    assert "fences.bases dc=example" not in text


def test_doctor_when_the_directory_is_away(files):
    tmp_path, _, c = files
    nowhere = "ldapi://" + quote(f"{tmp_path}/nothing", safe="")
    done = doctor(dict(c, directory=dict(c["directory"], uris=[nowhere])), tmp_path)
    assert done.returncode == UNREACHABLE, done


def test_doctor_with_a_wrong_password(files):
    tmp_path, _, c = files
    pw = write_file(str(tmp_path / "wrong"), "wrong-password\n")
    done = doctor(dict(c, directory=dict(c["directory"], bind_password_file=pw)), tmp_path)
    assert done.returncode not in (DONE, USAGE, CONFIG) and "wrong-password" not in done.stdout + done.stderr, done


def test_doctor_names_what_to_fix_and_the_command(tmp_path):
    """No dirhinge schema, no rights to write, no entryUUID index, no uniqueness: each finding comes with a command."""
    slapd = Slapd(Variant(schema=False, unique=False), source_dir())
    try:
        slapd.admin.add(f"uid=x,{PEOPLE}", {"objectClass": "inetOrgPerson", "uid": "x", "cn": "x", "sn": "x"})
        slapd.admin.add(f"cn=x,{GROUPS}", {"objectClass": "groupOfNames", "cn": "x", "member": ""})
        slapd.config.modify("olcDatabase={2}mdb,cn=config", ("replace", "olcAccess", [
            "to attrs=userPassword by anonymous auth by * none", "to * by users read by * none"]),
            ("delete", "olcDbIndex", ["entryUUID,entryCSN eq"]))
        slapd.config.modify("olcDatabase={0}config,cn=config", ("add", "olcAccess", [
            f'to * by dn.exact="{GATEWAY}" read by * none']))
        token = write_file(str(tmp_path / "t"), secret("tok-") + "\n")
        c = dict(config(slapd), state_dir=str(tmp_path),
                 clients=[{"name": "x", "scopes": ["users:read"], "token_file": token}])
        done = doctor(c, tmp_path)
        assert done.returncode == FAILED, done.stdout + done.stderr
        text = done.stdout + done.stderr
        for word in ("dirhinge.ldif", "ldapadd", "olcAccess", "entryUUID", "olcDbIndex", "unique", "ldapmodify"):
            assert word in text, f"{word} is not in what doctor says:\n{text}"
        assert slapd.gateway_pw not in text
    finally:
        slapd.remove()


def test_doctor_on_the_change_feed(tmp_path):
    """What the feed needs, which guarantee it gives, and the command for what is missing."""
    slapd = Slapd(Variant(), source_dir())
    data = "olcDatabase={2}mdb,cn=config"

    def feed_findings():
        done = doctor(c, tmp_path, "--output", "json")
        found = [x for x in json.loads(done.stdout)["checks"] if x["check"] == "change feed"]
        return {s: " | ".join(x["text"] for x in found if x["status"] == s) for s in ("ok", "note", "warn", "fail")}, \
            " ".join(x.get("fix") or "" for x in found)

    def overlay(name):
        kind = {"syncprov": "olcSyncProvConfig", "accesslog": "olcAccessLogConfig"}[name]
        found = slapd.config.search(data, f"(objectClass={kind})", attrs=("olcOverlay",))
        assert len(found) == 1, found
        return found[0].dn

    try:
        token = write_file(str(tmp_path / "t"), secret("tok-") + "\n")
        c = dict(config(slapd), state_dir=str(tmp_path / "state"),
                 clients=[{"name": "x", "scopes": ["users:read"], "token_file": token}])
        assert "off" in feed_findings()[0]["note"]
        c["clients"][0]["scopes"] = ["events:read"]
        said, fix = feed_findings()  # cn=config is not for this account
        assert "syncprov tells" in said["ok"] and "guarantee B" in said["ok"] and not said["fail"], said
        assert "auditModRDN, auditDelete" in said["note"] and "olcAccessLogOps by dn.exact" in fix, (said, fix)
        assert "state_dir" in said["note"] and "no canary" in said["note"], said
        assert "install -d -m 0700" in fix and "applicationProcess" in fix and "ldapadd" in fix, fix
        os.mkdir(tmp_path / "state", 0o755)
        assert "entered by others" in feed_findings()[0]["warn"]
        os.chmod(tmp_path / "state", 0o700)
        slapd.config.modify("olcDatabase={0}config,cn=config", ("add", "olcAccess", [
            f'to * by dn.exact="{GATEWAY}" read by * none']))
        said, _ = feed_findings()
        assert "remembers deletes" in said["ok"] and "guarantee A" in said["ok"] and not said["warn"], said
        slapd.config.modify(overlay("syncprov"), ("delete", "olcSpSessionlogSource", []))
        said, fix = feed_findings()
        assert "no session log" in said["warn"] and "olcSpSessionlog: 100000" in fix, (said, fix)
        slapd.config.modify(overlay("accesslog"), ("replace", "olcAccessLogOps", ["session"]))
        said, fix = feed_findings()
        assert "all writes" in said["warn"] and "olcAccessLogOps: writes" in fix, (said, fix)
        assert "guarantee B" in said["ok"], said
        slapd.config.modify(overlay("accesslog"), ("replace", "olcAccessLogOps", ["add delete", "modify", "modrdn"]))
        assert "guarantee A" in feed_findings()[0]["ok"]
        slapd.config.modify("olcDatabase={1}mdb,cn=config", ("replace", "olcAccess", ["to * by * none"]))
        said, fix = feed_findings()
        assert "cannot be read" in said["warn"] and GATEWAY in fix and "guarantee B" in said["ok"], (said, fix)
        slapd.config.delete(overlay("syncprov"))
        said, fix = feed_findings()
        assert "syncprov is not on the database" in said["fail"] and "olcOverlay: syncprov" in fix, (said, fix)
        assert doctor(c, tmp_path).returncode == FAILED
    finally:
        slapd.remove()


@pytest.mark.parametrize("active, policy, warns", [("ppolicy-lock", False, True), ("ppolicy-lock", True, False),
                                                   ("ppolicy-end-time", False, False)])
def test_doctor_warns_of_a_lock_without_a_policy(directories, tmp_path, active, policy, warns):
    """pwdAccountLockedTime stops binds only where a policy has pwdLockout TRUE."""
    token = write_file(str(tmp_path / "t"), secret("tok-") + "\n")
    c = dict(config(directories(Variant(policy=policy)), users={"active": active}), state_dir=str(tmp_path),
             clients=[{"name": "x", "scopes": ["users:read"], "token_file": token}])
    done = doctor(c, tmp_path, "--output", "json")
    said = [x for x in json.loads(done.stdout)["checks"] if x["check"] == "active" and x["status"] == "warn"]
    assert bool(said) == warns, done.stdout
    assert all("pwdLockout TRUE" in x["text"] and "olcPPolicyDefault" in x["fix"] for x in said), said


@pytest.mark.skipif(not shutil.which("curl"), reason="the tour needs curl")
def test_demo_tour(tmp_path):
    """The promise of the README: a private directory, each step seen in it, nothing left behind."""
    done = run("demo", "--tour", timeout=120, env={"TMPDIR": str(tmp_path)})
    assert done.returncode == DONE, done.stdout[-3000:] + done.stderr[-3000:]
    assert "seen in the directory" in done.stdout and done.stdout.count("  ok  ") >= 9, done.stdout
    assert os.listdir(tmp_path) == [], "the demo left files behind"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_demo_cleans_up(tmp_path, number):
    out = tmp_path / "out"
    private = tmp_path / "private"
    private.mkdir()
    with open(out, "wb") as f:
        demo = subprocess.Popen([binary(), "demo"], stdin=subprocess.DEVNULL, stdout=f, stderr=f,
                                env=dict(os.environ, TMPDIR=str(private)))
    try:
        until(lambda: "Bearer" in out.read_text() or demo.poll() is not None, "the demo to print its token", 30)
        assert demo.poll() is None, out.read_text()
        token = re.search(r"dh_[A-Za-z0-9_-]{43}", out.read_text())
        assert token, f"no token in\n{out.read_text()}"
        demo.send_signal(number)
        demo.wait(30)
        assert list(private.iterdir()) == [], "the demo left files behind"
    finally:
        if demo.poll() is None:
            demo.kill()
            demo.wait(10)


def test_two_daemons_and_a_taken_port(hinges):
    h = hinges()
    d = Daemon(config(h.slapd, server={"listen": h.daemon.address}), [{"name": "x", "scopes": ["users:read"]}])
    done = run("serve", "-c", d.config_path, timeout=20)
    assert done.returncode == FAILED and h.daemon.address in done.stderr, done


def test_log_lines_are_json_with_request_details(hinge):
    u = hinge.make_user()
    hinge.entra.get(f"/Users/{u['id']}").expect(200)
    lines = [json.loads(line) for line in hinge.daemon.log().splitlines() if line]
    mine = [r for r in lines if u["id"] in json.dumps(r)]
    assert mine, "a request leaves no line in the log"
    shown = json.dumps(mine)
    assert "entra" in shown and "200" in shown, shown
