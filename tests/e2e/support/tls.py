# SPDX-License-Identifier: Apache-2.0
"""A certification authority for a test, made with the openssl command."""

import subprocess


class Authority:
    def __init__(self, directory):
        self.dir = directory
        self.pem = f"{directory}/ca.pem"
        self._openssl("req", "-x509", *self._new_key("ca"), "-days", "2", "-subj", "/CN=Test CA", "-out", self.pem)

    def _new_key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{self.dir}/{name}.key"]

    def _openssl(self, *args):
        done = subprocess.run(["openssl", *args], capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, f"openssl {args[0]}: {done.stderr.decode('utf-8', 'replace')}"

    def issue(self, file, name):
        """A certificate for a name such as "DNS:localhost" or "IP:127.0.0.1": (certificate, key)."""
        base = f"{self.dir}/{file}"
        with open(f"{base}.ext", "w", encoding="ascii") as f:
            f.write(f"subjectAltName={name}\n")
        self._openssl("req", "-new", *self._new_key(file), "-subj", f"/CN={file}", "-out", f"{base}.csr")
        self._openssl("x509", "-req", "-in", f"{base}.csr", "-CA", self.pem, "-CAkey", f"{self.dir}/ca.key",
                      "-CAcreateserial", "-days", "2", "-extfile", f"{base}.ext", "-out", f"{base}.pem")
        return f"{base}.pem", f"{base}.key"
