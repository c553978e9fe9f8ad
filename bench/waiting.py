"""Clients that ask for a video and wait for it until stdin ends.

Run as `python -m bench.waiting PORT COUNT < requests.json`; stdin is one line with a JSON list of
raw requests. Prints `ready` once all clients wait. At the end it prints `lost N`: how many
connections were answered or closed while they should have waited.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import sys
from itertools import cycle, islice

import uvloop

from app.loop import raise_file_limit

_HOST = "127.0.0.1"
#: Connections opened at the same time: fewer than the server's listen backlog.
_BATCH = 50
_POLL_SECONDS = 0.01
_WAITING = re.compile(r"^reelgate_waiting (\S+)$", re.MULTILINE)


class WaitingConnection(asyncio.Protocol):
    def __init__(self, clients: WaitingClients) -> None:
        self._clients = clients

    def connection_lost(self, _error: Exception | None) -> None:
        self._clients.lost += 1

    def data_received(self, _data: bytes) -> None:
        self._clients.answered += 1


class WaitingClients:
    def __init__(self, port: int, requests: list[str]) -> None:
        self._port, self._requests = port, requests
        self.lost = self.answered = 0

    async def connect(self, count: int) -> None:
        raw = islice(cycle(request.encode() for request in self._requests), count)
        connected = 0
        while batch := list(islice(raw, _BATCH)):
            await asyncio.gather(*map(self._open, batch))
            connected += len(batch)
            # Each is also a create, so opening them all at once would measure creates per second.
            # This polls because another process gives no event.
            while not self._failed and await self._waiting() < connected:  # noqa: ASYNC110
                await asyncio.sleep(_POLL_SECONDS)

    async def _waiting(self) -> int:
        return await asyncio.to_thread(waiting, self._port)

    @property
    def _failed(self) -> bool:
        return bool(self.lost or self.answered)

    async def _open(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(
            lambda: WaitingConnection(self), _HOST, self._port
        )
        transport.write(request)


def waiting(port: int) -> int:
    """How many requests wait for a video, according to the gateway's metrics."""
    connection = http.client.HTTPConnection(_HOST, port, timeout=60)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    shown = _WAITING.search(text)
    return int(float(shown[1])) if shown else 0


async def _wait(port: int, count: int, requests: list[str]) -> None:
    clients = WaitingClients(port, requests)
    await clients.connect(count)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(f"lost {clients.lost + clients.answered}", flush=True)


def main() -> None:
    raise_file_limit()
    requests = json.loads(sys.stdin.readline())
    uvloop.run(_wait(int(sys.argv[1]), int(sys.argv[2]), requests))


if __name__ == "__main__":
    main()
