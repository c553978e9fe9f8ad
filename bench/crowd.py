"""Clients that ask for a video and wait: opened one after the other, held until stdin ends.

Run as `python -m bench.crowd PORT COUNT < requests.json`, a list of raw requests, one line. Says
`lost N` at the end: connections that ended while they should have waited.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import sys
from itertools import cycle, islice

import uvloop

from app.http.server import raise_file_limit

_HOST = "127.0.0.1"
#: Connections that are being opened at a time: fewer than fit into the server's queue.
_AT_ONCE = 50
_LOOK_SECONDS = 0.01
_WAITING = re.compile(r"^reelgate_waiting (\S+)$", re.MULTILINE)


class Waiter(asyncio.Protocol):
    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    def connection_lost(self, _error: Exception | None) -> None:
        self._crowd.lost += 1

    def data_received(self, _data: bytes) -> None:
        """An answer to what should wait."""
        self._crowd.answered += 1


class Crowd:
    def __init__(self, port: int, requests: list[str]) -> None:
        self._port, self._requests = port, requests
        self.lost = self.answered = 0

    async def gather(self, count: int) -> None:
        asked = islice(cycle(request.encode() for request in self._requests), count)
        there = 0
        while batch := list(islice(asked, _AT_ONCE)):
            await asyncio.gather(*map(self._join, batch))
            there += len(batch)
            # Each is a create too: all at once would only show how many fit into a second.
            # Another process gives no event.
            while not self._gone and await self._there() < there:  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_SECONDS)

    async def _there(self) -> int:
        return await asyncio.to_thread(waiting, self._port)

    @property
    def _gone(self) -> bool:
        return bool(self.lost or self.answered)

    async def _join(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(lambda: Waiter(self), _HOST, self._port)
        transport.write(request)


def waiting(port: int) -> int:
    """How many requests wait for a video, as the gateway says."""
    connection = http.client.HTTPConnection(_HOST, port, timeout=60)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    shown = _WAITING.search(text)
    return int(float(shown[1])) if shown else 0


async def _stand(port: int, count: int, requests: list[str]) -> None:
    crowd = Crowd(port, requests)
    await crowd.gather(count)
    print("standing", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(f"lost {crowd.lost + crowd.answered}", flush=True)


def main() -> None:
    raise_file_limit()
    requests = json.loads(sys.stdin.readline())
    uvloop.run(_stand(int(sys.argv[1]), int(sys.argv[2]), requests))


if __name__ == "__main__":
    main()
