# SPDX-License-Identifier: Apache-2.0
"""What stands between a gateway and its directory: refuses searches that are to be held open, cuts what is silent."""

import contextlib
import select
import socket
import threading
import time

SYNC = b"1.3.6.1.4.1.4203.1.9.1.1"
PERSIST = b"\x0a\x01\x03"
SEARCH_REQUEST, SEARCH_DONE = 0x63, 0x65


def _length(data, at):
    """(length, where the content begins) or None if it is not all here yet."""
    if len(data) <= at:
        return None
    first = data[at]
    if first < 0x80:
        return first, at + 1
    n = first & 0x7f
    if len(data) < at + 1 + n:
        return None
    return int.from_bytes(data[at + 1:at + 1 + n], "big"), at + 1 + n


def _messages(buffer):
    """Cuts whole LDAP messages off the buffer."""
    while len(buffer) > 1:
        found = _length(buffer, 1)
        if not found or len(buffer) < found[0] + found[1]:
            return
        end = found[0] + found[1]
        yield bytes(buffer[:end])
        del buffer[:end]


def _operation(message):
    """(message id as encoded, tag of the operation)"""
    _, at = _length(message, 1)
    end = at + 2 + message[at + 1]
    return message[at:end], message[end]


def _refusal(message_id, code):
    text = b"not here"
    op = bytes([0x0a, 1, code, 4, 0, 4, len(text)]) + text
    body = message_id + bytes([SEARCH_DONE, len(op)]) + op
    return bytes([0x30, len(body)]) + body


class Proxy:
    """refuse: LDAP result for a sync search that is to be held open; idle: seconds of silence after which a connection
    is cut, as load balancers and firewalls do it. Both may be changed at any time."""

    def __init__(self, port, refuse=None, idle=None):
        self.to = ("127.0.0.1", port)
        self.refuse, self.idle = refuse, idle
        self.persistent = self.looks = self.refused = self.cut = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.uri = f"ldap://127.0.0.1:{self.listener.getsockname()[1]}"
        self.open = True
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while self.open:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self.to, 5)
            except OSError:
                client.close()
                continue
            pair = {"heard": time.monotonic(), "open": True}
            threading.Thread(target=self._upwards, args=(client, server, pair), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, pair), daemon=True).start()

    def _receive(self, source, pair):
        """Bytes, or b"" at the end."""
        while self.open and pair["open"]:
            if select.select([source], [], [], 0.05)[0]:
                pair["heard"] = time.monotonic()
                return source.recv(65536)
            idle = self.idle
            if idle and time.monotonic() - pair["heard"] > idle:
                self.cut += pair["open"]
                pair["open"] = False
        return b""

    @staticmethod
    def _end(pair, *sockets):
        pair["open"] = False
        for s in sockets:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()

    def _pump(self, source, target, pair):
        with contextlib.suppress(OSError, ValueError):
            while data := self._receive(source, pair):
                target.sendall(data)
        self._end(pair, source, target)

    def _upwards(self, client, server, pair):
        buffer = bytearray()
        with contextlib.suppress(OSError, ValueError):
            while data := self._receive(client, pair):
                buffer += data
                for message in _messages(buffer):
                    message_id, tag = _operation(message)
                    if tag == SEARCH_REQUEST and SYNC in message:
                        persist = PERSIST in message.partition(SYNC)[2]
                        self.persistent += persist
                        self.looks += not persist
                        if persist and self.refuse:
                            self.refused += 1
                            client.sendall(_refusal(message_id, self.refuse))
                            continue
                    server.sendall(message)
        self._end(pair, client, server)

    def close(self):
        self.open = False
        self.listener.close()
