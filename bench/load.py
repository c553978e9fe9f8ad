"""The load generator: reads a plan from stdin and writes the outcome to stdout, both as JSON.

It runs in its own process, so that its CPU is not counted as the server's. The HTTP/1.1 client is
written by hand, because a complete one costs more CPU than the server that is measured.
"""

from __future__ import annotations

import asyncio
import json
import selectors
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import cycle

#: A server that takes longer than this counts as down.
_ANSWER_SECONDS = 30.0
_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """With `rate` None the load is a closed loop: each connection sends its next request when the
    last one is answered, `most` requests in all. Otherwise it is an open loop: requests leave on a
    fixed schedule, whether or not earlier ones have been answered."""

    port: int
    requests: list[str]
    seconds: float
    connections: int
    rate: float | None = None
    most: int | None = None


@dataclass(slots=True, kw_only=True)
class Outcome:
    """In an open loop the latency counts from when a request was due, so that a server cannot hide
    a stall by delaying further requests. `late_ms` is the part that the generator itself caused."""

    seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    latencies_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)


class Connection(asyncio.Protocol):
    """One request at a time. Answers must have a Content-Length."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._answer: asyncio.Future[str] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        self._end("lost")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = bytes(self._buffer[:head_end]).lower()
        mark = head.find(b"content-length:")
        length = int(head[mark + 15 :].split(b"\r\n", 1)[0]) if mark >= 0 else 0
        if len(self._buffer) >= head_end + 4 + length:
            self._buffer.clear()
            self._end(head[9:12].decode())

    def _end(self, status: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)

    async def send(self, request: bytes) -> str:
        """The status; or `lost` if the connection ended, `silent` if there was no answer in
        time."""
        if self._transport is None:
            return "lost"
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        timer = asyncio.get_running_loop().call_later(_ANSWER_SECONDS, self._end, "silent")
        status = await self._answer
        timer.cancel()
        if status == "silent" and self._transport is not None:
            self._transport.abort()
        return status

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Load:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._requests = cycle([request.encode() for request in plan.requests])
        self._idle: list[Connection] = []
        self._all: list[Connection] = []
        self._statuses: Counter[str] = Counter()
        self._outcome = Outcome()
        self._sent = 0

    async def run(self) -> Outcome:
        for _ in range(self._plan.connections):
            self._idle.append(await self._connect())
        started = time.perf_counter()
        if self._plan.rate is None:
            await asyncio.gather(*(self._closed(c, started) for c in tuple(self._idle)))
        else:
            await self._open(started, self._plan.rate)
        self._outcome.seconds = time.perf_counter() - started
        self._outcome.statuses = dict(self._statuses)
        for connection in self._all:
            connection.close()
        return self._outcome

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, _HOST, self._plan.port)
        self._all.append(connection)
        return connection

    async def _closed(self, connection: Connection, started: float) -> None:
        while (now := time.perf_counter()) - started < self._plan.seconds:
            if self._sent == self._plan.most:
                return
            self._sent += 1
            if not await self._send(connection, due=now):
                return

    async def _open(self, started: float, rate: float) -> None:
        tasks: list[asyncio.Task[None]] = []
        for number in range(max(1, round(rate * self._plan.seconds))):
            due = started + number / rate
            await asyncio.sleep(due - time.perf_counter())
            tasks.append(asyncio.create_task(self._one(due)))
        await asyncio.gather(*tasks)

    async def _one(self, due: float) -> None:
        self._outcome.late_ms.append((time.perf_counter() - due) * 1000)
        # While the server is busy, open another connection, as another caller would.
        connection = self._idle.pop() if self._idle else await self._connect()
        if await self._send(connection, due=due):
            self._idle.append(connection)

    async def _send(self, connection: Connection, *, due: float) -> bool:
        """True if the connection can be used again."""
        status = await connection.send(next(self._requests))
        self._outcome.latencies_ms.append((time.perf_counter() - due) * 1000)
        self._statuses[status] += 1
        return status.isdigit()


def main() -> None:
    plan = Plan(**json.load(sys.stdin))
    # epoll rounds timeouts to milliseconds, so requests would leave up to one late; select rounds
    # to microseconds.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    outcome = loop.run_until_complete(Load(plan).run())
    json.dump(asdict(outcome), sys.stdout)


if __name__ == "__main__":
    main()
