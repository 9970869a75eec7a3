# SPDX-License-Identifier: Apache-2.0
"""TLS on both sides: the directory's certificate is verified before the bind password is sent; HTTPS for clients."""

import re
import shutil
import ssl

import pytest

from support.hinge import Hinge, directory_config
from support.scim import connect
from support.slapd import Variant
from support.tls import Authority

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="the openssl command is not installed")
GOOD, OTHER = Variant(tls="IP:127.0.0.1"), Variant(tls="DNS:elsewhere.example")


def binds_in(slapd):
    """(connections the gateway bound on, those of them that had TLS before)."""
    with open(slapd.log_path, encoding="utf-8", errors="replace") as f:
        text = f.read()
    secured, bound, clear = set(), set(), set()
    for line in text.splitlines():
        m = re.search(r"conn=(\d+) ", line)
        if m and "TLS established" in line:
            secured.add(m.group(1))
        if m and 'BIND dn="cn=gateway,' in line and "method=128" in line:
            bound.add(m.group(1))
            if m.group(1) not in secured:
                clear.add(m.group(1))
    return bound, clear


@pytest.mark.parametrize("how", ["ldaps", "start_tls"])
def test_verified_connection(directories, how):
    slapd = directories(GOOD)
    directory = dict(directory_config(slapd, slapd.ldaps if how == "ldaps" else slapd.ldap), ca_file=slapd.ca.pem,
                     start_tls=how == "start_tls")
    before, _ = binds_in(slapd)
    h = Hinge(slapd, directory=directory)
    try:
        u = h.make_user()
        h.assert_entry(u["id"], {"uid": [u["userName"]]})
        bound, clear = binds_in(slapd)
        assert bound - before, "no bind was seen"
        assert not clear, "the bind password went over the wire in clear"
    finally:
        h.stop()


@pytest.mark.parametrize("how", ["ldaps", "start_tls"])
@pytest.mark.parametrize("wrong", ["ca", "name", "no tls"])
def test_unverified_connection_is_refused_before_the_bind(directories, tmp_path, how, wrong):
    slapd = directories({"ca": GOOD, "name": OTHER, "no tls": Variant()}[wrong])
    if wrong == "no tls" and how == "ldaps":
        uri = slapd.ldap.replace("ldap:", "ldaps:")
    else:
        uri = slapd.ldaps if how == "ldaps" else slapd.ldap
    ca = slapd.ca.pem if wrong == "name" else Authority(str(tmp_path)).pem
    before, _ = binds_in(slapd)
    h = Hinge(slapd, ready=False, directory=dict(directory_config(slapd, uri), ca_file=ca, timeout="2s",
                                                 start_tls=how == "start_tls"))
    try:
        status, _, body = h.daemon.probe("/readyz")
        assert status == 503, body
        h.lenient.get("/Users").error(503)
        h.lenient.post("/Users", h.user_body()).error(503)
        assert binds_in(slapd)[0] == before, "the bind password was sent to a server that could not be verified"
    finally:
        h.stop()


def test_https(directories, tmp_path):
    slapd = directories()
    ca = Authority(str(tmp_path))
    cert, key = ca.issue("server", "IP:127.0.0.1")
    context = ssl.create_default_context(cafile=ca.pem)
    h = Hinge(slapd, context=context, server={"tls": {"certificate_file": cert, "key_file": key}})
    try:
        u = h.make_user()
        assert u["meta"]["location"].startswith(f"https://{h.daemon.address}/")
        h.assert_entry(u["id"], {"uid": [u["userName"]]})
        plain = connect(h.daemon.address, 10)
        with pytest.raises(Exception):  # noqa: B017 - reset, empty or malformed answer, as the TLS library likes
            plain.request("GET", "/livez")
            assert plain.getresponse().status != 200
            raise ConnectionError("an answer that is not 200 is refusal enough")
        plain.close()
        strangers = connect(h.daemon.address, 10, ssl.create_default_context(cafile=slapd_ca(tmp_path)))
        with pytest.raises(ssl.SSLError):
            strangers.request("GET", "/livez")
        h.lenient.get(f"/Users/{u['id']}").expect(200)
    finally:
        h.stop()


def slapd_ca(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    return Authority(str(other)).pem
