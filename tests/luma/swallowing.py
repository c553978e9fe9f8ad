"""A network that loses an answer: a TCP proxy which passes on everything but the first one."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

_BLOCK = 65_536


class Swallowing:
    """In front of `target`, an address such as `http://127.0.0.1:8080`. The first connection's
    request gets through and its answer does not: `holds` keeps the client waiting for it, else the
    connection is closed. All later connections work."""

    def __init__(self, target: str, *, holds: bool) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 80)
        self._holds = holds
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.connections = 0
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                first = self.connections == 1
                threading.Thread(target=self._carry, args=(client, first), daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        # Closing alone does not wake whoever accepts.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _carry(self, client: socket.socket, first: bool) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(self._target) as there:
            threading.Thread(target=_pour, args=(client, there), daemon=True).start()
            while answer := there.recv(_BLOCK):
                if first:
                    if self._holds:
                        self._ended.wait()
                    return
                client.sendall(answer)


def _pour(source: socket.socket, into: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(_BLOCK):
            into.sendall(block)


@contextlib.contextmanager
def swallowing(target: str, *, holds: bool) -> Iterator[Swallowing]:
    proxy = Swallowing(target, holds=holds)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
