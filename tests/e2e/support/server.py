# SPDX-License-Identifier: Apache-2.0
"""A directory server as a process of the tests: started, asked until it answers, ended, thrown away."""

import contextlib
import shutil
import signal
import subprocess

from .ldap import LdapError
from .wait import until


class Server:
    """A subclass sets dir and logs before launch(); start() and stop() may be called again and again."""
    what = "the server"
    patience = 60  # seconds to start, and to end
    logs = ()

    _proc = None

    @property
    def pid(self):
        return self._proc.pid

    def running(self):
        return self._proc is not None

    def launch(self, argv, tools):
        """Becomes ready when tools can read the rootDSE."""
        assert self._proc is None, f"{self.what} already runs"
        with open(self.logs[0], "ab") as log:
            self._proc = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def ready():
            assert self._proc.poll() is None, f"{self.what} ended with {self._proc.returncode}:\n{self._tail()}"
            try:
                return tools.search("", attrs=("namingContexts",), scope="base")
            except LdapError:
                return False

        until(ready, f"{self.what} to answer", self.patience)

    def _tail(self):
        text = ""
        for path in self.logs:
            with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as f:
                text += f.read()[-4000:]
        return text

    def stop(self):
        if self._proc is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._proc.send_signal(signal.SIGCONT)
            self._proc.terminate()
        try:
            self._proc.wait(self.patience)
        except subprocess.TimeoutExpired:
            self._proc.kill()
            self._proc.wait(20)
        self._proc = None

    def remove(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)
