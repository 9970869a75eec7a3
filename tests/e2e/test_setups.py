# SPDX-License-Identifier: Apache-2.0
"""Other ways to set it up: several URIs, SASL EXTERNAL, Unix sockets, IPv6, bases that overlap."""

import http.client
import json
import os
import signal
import socket

import pytest

from support.daemon import Daemon
from support.hinge import Hinge, config, directory_config, source_dir
from support.slapd import GATEWAY, GROUPS, PEOPLE, SUFFIX, Slapd, Variant
from support.wait import until


def lives(h):
    """A user and a group go through their life."""
    u = h.make_user(title="T")
    g = h.make_group(u["id"])
    h.assert_members(g["id"], u["id"])
    h.lenient.patch(f"/Users/{u['id']}", [{"op": "replace", "path": "userName", "value": u["userName"] + "-2"}]) \
        .expect(200, 204)
    h.assert_entry(u["id"], {"uid": [u["userName"] + "-2"], "title": ["T"]})
    h.assert_members(g["id"], u["id"])
    assert h.lenient.find("Users", f'userName eq "{u["userName"]}-2"')["totalResults"] == 1
    assert h.lenient.find("Groups", f'displayName eq "{g["displayName"]}"')["totalResults"] == 1
    h.lenient.delete(f"/Users/{u['id']}").expect(204)
    h.assert_members(g["id"])
    h.lenient.delete(f"/Groups/{g['id']}").expect(204)
    assert h.entry(u["id"]) is None and h.entry(g["id"]) is None


@pytest.fixture
def started(request):
    """started(slapd, **sections): a daemon for this test only."""
    made = []

    def start(slapd, **more):
        made.append(Hinge(slapd, **more))
        return made[-1]

    yield start
    for h in made:
        h.stop()


def test_first_uri_is_dead(directories, started, tmp_path):
    slapd = directories()
    dead = "ldapi://" + str(tmp_path / "nothing").replace("/", "%2F")
    lives(started(slapd, directory=dict(directory_config(slapd), uris=[dead, slapd.ldap, slapd.ldapi])))


def test_fail_over_to_the_second_uri(started):
    """Two servers: when the one in use dies, the other one answers the next requests."""
    one, two = Slapd(Variant(), source_dir()), Slapd(Variant(), source_dir())
    try:
        two.admin.modify(GATEWAY, ("replace", "userPassword", [one.gateway_pw]))
        h = started(one, directory=dict(directory_config(one), uris=[one.ldapi, two.ldapi], timeout="2s"))
        u = h.make_user()
        assert one.admin.search(PEOPLE, f"(uid={u['userName']})") and not two.admin.search(PEOPLE, "(uid=*)")
        one.kill()
        until(lambda: h.daemon.probe("/readyz")[0] == 200, "/readyz with the second server", 15)
        v = h.make_user()
        assert [e.one("entryUUID") for e in two.admin.search(PEOPLE, f"(uid={v['userName']})")] == [v["id"]]
    finally:
        one.remove()
        two.remove()


def test_sasl_external(started):
    """No password at all: the identity of the Unix socket's peer."""
    slapd = Slapd(Variant(), source_dir())
    try:
        me = f"gidNumber={os.getgid()}[+]uidNumber={os.getuid()},cn=peercred,cn=external,cn=auth"
        slapd.config.modify("cn=config", ("add", "olcAuthzRegexp", [f'"{me}" "{GATEWAY}"']))
        h = started(slapd, directory={"flavour": "auto", "uris": [slapd.ldapi], "sasl": "external"})
        lives(h)
    finally:
        slapd.remove()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(self._path)


def test_unix_socket(directories, tmp_path):
    path = str(tmp_path / "scim.sock")
    d = Daemon(config(directories(), server={"listen": "unix:" + path}))
    d.start(ready=False)
    try:
        def ready():
            c = UnixConnection(path)
            c.request("GET", "/readyz")
            return c.getresponse().status == 200

        until(ready, "/readyz on the Unix socket", 15)
        c = UnixConnection(path)
        c.request("GET", "/scim/v2/Users?count=1", headers={"Authorization": f"Bearer {d.tokens['lenient']}"})
        r = c.getresponse()
        assert r.status == 200 and "Resources" in json.loads(r.read())
        c.request("GET", "/scim/v2/Users?count=1")
        assert c.getresponse().status == 401
        c.close()
        assert os.stat(path).st_mode & 0o007 == 0, "anybody may talk to the socket"
    finally:
        d.stop()
    assert not os.path.exists(path), "the socket file was left behind"


def test_unix_socket_left_by_a_crash(directories, tmp_path):
    path = str(tmp_path / "scim.sock")
    d = Daemon(config(directories(), server={"listen": "unix:" + path}))
    d.start(ready=False)
    d.signal(signal.SIGKILL)
    until(lambda: not d.alive(), "the daemon to die")
    again = Daemon(config(directories(), server={"listen": "unix:" + path}))
    again.start(ready=False)
    try:
        c = UnixConnection(path)
        c.request("GET", "/livez")
        assert c.getresponse().status == 200
    finally:
        again.stop()


def test_ipv6(directories, started):
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as s:
        try:
            s.bind(("::1", 0))
        except OSError as e:
            pytest.skip(f"no IPv6 loopback here: {e}")
    h = started(directories(), server={"listen": "[::1]:0"})
    assert h.daemon.address.startswith("[::1]:")
    u = h.make_user()
    assert u["meta"]["location"].startswith(f"http://{h.daemon.address}/")
    lives(h)


@pytest.mark.parametrize("bases", [
    {"users": SUFFIX, "groups": SUFFIX}, {"users": PEOPLE, "groups": SUFFIX},
    {"users": "OU=People, DC=Example , dc=COM", "groups": "ou=GROUPS,dc=example,dc=com"}], ids=str)
def test_bases(directories, started, bases):
    h = started(directories(), users={"base": bases["users"]}, groups={"base": bases["groups"]})
    lives(h)
    u, g = h.make_user(), h.make_group()
    h.lenient.get(f"/Groups/{u['id']}").error(404)
    h.lenient.get(f"/Users/{g['id']}").error(404)
    assert h.lenient.find("Users", f'userName eq "{g["displayName"]}"')["totalResults"] == 0


def test_base_that_does_not_exist(hinge, directories):
    """A base that is missing (mistyped, renamed by an administrator) is not an empty directory: nobody is "gone"."""
    u = hinge.make_user()
    h = Hinge(directories(), ready=False, users={"base": f"ou=nobody,{SUFFIX}"})
    try:
        for r in (h.lenient.get("/Users"), h.lenient.get('/Users?filter=userName+eq+"x"'),
                  h.lenient.get(f"/Users/{u['id']}"), h.lenient.post("/Users", h.user_body()),
                  h.lenient.delete(f"/Users/{u['id']}")):
            assert r.status in (500, 503), f"a missing base looks like a missing user: {r}"
        assert "ou=nobody" in h.daemon.log(), "the log does not name the base"
    finally:
        h.stop()


def test_object_class_that_needs_what_nobody_gives(directories):
    """dcObject needs dc, which no row of the map gives: said at the start, not with each user."""
    h = Hinge(directories(), ready=False, users={"object_classes": ["inetOrgPerson", "dcObject"]})
    try:
        assert h.daemon.probe("/readyz")[0] == 503
        assert h.lenient.post("/Users", h.user_body()).status in (500, 503)
        said = [r for r in h.daemon.records() if "dcObject" in json.dumps(r)]
        assert said, f"the log does not name the class or the attribute:\n{h.daemon.log()}"
    finally:
        h.stop()
