"""Answers that end in a broken connection.

They need the server of `server.py`, which gives them access to the connection. Under another
server, or in-process, they raise `NoConnection`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.simulator.faults import Fault

EXTENSION = "reelgate.disconnect"


class NoConnection(Exception):
    """The server does not let an answer close its connection."""


async def disconnected(receive: Receive) -> None:
    """Wait until the client disconnects. The request's body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def wait(receive: Receive, seconds: float | None) -> bool:
    """Wait this long, or for ever if None. True if the client disconnects first."""
    try:
        async with asyncio.timeout(seconds):
            await disconnected(receive)
    except TimeoutError:
        return False
    return True


async def wait_until(receive: Receive, moment: float, now: Callable[[], float]) -> bool:
    """Wait until this time on the wall clock. True if the client disconnects first."""
    while (left := moment - now()) > 0:
        if await wait(receive, None if left == float("inf") else left):
            return True
    return False


async def disconnect(scope: Scope, receive: Receive, *, reset: bool) -> None:
    """Reset the connection now, or close it once everything written has been sent."""
    extension = scope.get("extensions", {}).get(EXTENSION)
    if extension is None:
        raise NoConnection
    extension["disconnect"](reset)
    await disconnected(receive)


class Reset(Response):
    """Resets the connection without sending a byte."""

    async def __call__(self, scope: Scope, receive: Receive, _: Send) -> None:
        await disconnect(scope, receive, reset=True)


class Hang(Response):
    """Sends nothing for `seconds`, then closes the connection."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, _: Send) -> None:
        if not await wait(receive, self.seconds):
            await disconnect(scope, receive, reset=False)


class Truncated(Response):
    """Declares the full length of another answer, sends half of it and closes or resets the
    connection."""

    def __init__(self, whole: Response, *, reset: bool = False) -> None:
        super().__init__(whole.body, whole.status_code, dict(whole.headers))
        self.reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await disconnect(scope, receive, reset=self.reset)


class Trickle(Response):
    """Sends another answer in up to fifty pieces, spread evenly over `seconds`."""

    pieces = 50

    def __init__(self, whole: Response, seconds: float) -> None:
        super().__init__(whole.body, whole.status_code, dict(whole.headers))
        self.seconds = seconds

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        size = max(1, -(-len(self.body) // self.pieces))
        started, total = time.monotonic(), len(self.body)
        for offset in range(0, total, size):
            due = started + self.seconds * offset / total
            if await wait(receive, max(0.0, due - time.monotonic())):
                return
            piece = bytes(self.body[offset : offset + size])
            more = offset + size < total
            await send({"type": "http.response.body", "body": piece, "more_body": more})


def with_fault(answer: Response, fault: Fault | None) -> Response:
    """Apply a fault that needs an answer to break."""
    if fault is not None and fault.name == "half_body":
        return Truncated(answer)
    if fault is not None and fault.name == "slow_drip":
        return Trickle(answer, fault["seconds"])
    return answer
