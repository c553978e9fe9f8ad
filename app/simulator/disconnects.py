"""Answers that break off. They need the server of `server.py`, which lends them its connection;
under another server, or in-process, a cut raises `ConnectionCut` instead."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.simulator.faults import Fault

EXTENSION = "reelgate.cut"


class ConnectionCut(Exception):
    """There was no connection to cut."""


async def gone(receive: Receive) -> None:
    """Returns when the client has gone. The request's body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def wait(receive: Receive, seconds: float | None) -> bool:
    """Wait as long, None for ever; True if the client went before that."""
    try:
        async with asyncio.timeout(seconds):
            await gone(receive)
    except TimeoutError:
        return False
    return True


async def wait_until(receive: Receive, moment: float, now: Callable[[], float]) -> bool:
    """Wait for a wall clock instant; True if the client went before it."""
    while (left := moment - now()) > 0:
        if await wait(receive, None if left == float("inf") else left):
            return True
    return False


async def cut(scope: Scope, receive: Receive, *, reset: bool) -> None:
    """End the connection now: with a reset, or closed after what has been written."""
    lent = scope.get("extensions", {}).get(EXTENSION)
    if lent is None:
        raise ConnectionCut
    lent["cut"](reset)
    await gone(receive)


class Cut(Response):
    """Not a byte: a reset."""

    async def __call__(self, scope: Scope, receive: Receive, _: Send) -> None:
        await cut(scope, receive, reset=True)


class Hang(Response):
    """Silence, then closed."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, _: Send) -> None:
        if not await wait(receive, self.seconds):
            await cut(scope, receive, reset=False)


class Half(Response):
    """The first half of another answer under its full length, then closed or reset."""

    def __init__(self, whole: Response, *, reset: bool = False) -> None:
        super().__init__(whole.body, whole.status_code, dict(whole.headers))
        self.reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await cut(scope, receive, reset=self.reset)


class Drip(Response):
    """Another answer in up to fifty pieces, evenly over `seconds`."""

    pieces = 50

    def __init__(self, whole: Response, seconds: float) -> None:
        super().__init__(whole.body, whole.status_code, dict(whole.headers))
        self.seconds = seconds

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        size = max(1, -(-len(self.body) // self.pieces))
        begun, total = time.monotonic(), len(self.body)
        for offset in range(0, total, size):
            due = begun + self.seconds * offset / total
            if await wait(receive, max(0.0, due - time.monotonic())):
                return
            piece = bytes(self.body[offset : offset + size])
            more = offset + size < total
            await send({"type": "http.response.body", "body": piece, "more_body": more})


def spoiled(answer: Response, fault: Fault | None) -> Response:
    """The connection faults that strike once there is an answer."""
    if fault is not None and fault.name == "half_body":
        return Half(answer)
    if fault is not None and fault.name == "slow_drip":
        return Drip(answer, fault["seconds"])
    return answer
