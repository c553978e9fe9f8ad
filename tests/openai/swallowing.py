"""A network with bad luck: what goes through the first connection arrives, and nothing comes back
on it; the second ends before anything arrives, as with a gateway that is restarting. Later ones are
as they should be."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Iterator
from socketserver import BaseRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

_BLOCK = 65_536


class _Network(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, target: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.target = target
        self.numbers = itertools.count()


class _Connection(BaseRequestHandler):
    server: _Network

    def handle(self) -> None:
        number = next(self.server.numbers)
        client: socket.socket = self.request
        if number == 1:
            client.recv(_BLOCK)
            return
        with socket.create_connection(self.server.target) as gateway:
            back = threading.Thread(target=_carry, args=(gateway, client, number == 0), daemon=True)
            back.start()
            _carry(client, gateway, False)
            back.join()


def _carry(source: socket.socket, to: socket.socket, swallow: bool) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(_BLOCK):
            if not swallow:
                to.sendall(block)
        to.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def swallowing(address: str) -> Iterator[str]:
    """The address of one in front of `address`."""
    parts = urlsplit(address)
    assert parts.hostname is not None
    assert parts.port is not None
    with _Network((parts.hostname, parts.port)) as network:
        thread = threading.Thread(target=network.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{network.server_address[1]}"
        finally:
            network.shutdown()
            thread.join()
