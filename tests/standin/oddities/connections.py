"""Connections that are reset, closed, half sent or slow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.standin.script import Oddity
from tests.standin.wire import Wire

#: Longer than any client of a test waits; the connection ends with the stand-in.
FOR_EVER_SECONDS = 3_600.0

Send = Callable[[Wire, bytes], Awaitable[None]]


def _both(name: str, send: Send) -> tuple[Oddity, Oddity]:
    """Once where nothing was made of the request, once where it was made and billed. The client
    sees no difference."""
    return Oddity(name=f"{name}_unread", processed=False, send=send), Oddity(name=name, send=send)


def _end(data: bytes) -> int:
    """Where the head ends."""
    return data.find(b"\r\n\r\n") + 4


def _part(of: Callable[[bytes], int], end: Callable[[Wire], None]) -> Send:
    """So many bytes of the answer, and then this end."""

    async def send(wire: Wire, data: bytes) -> None:
        await wire.send(data[: of(data)])
        # What has not left the socket when it is reset is lost; here the client is to see it.
        await asyncio.sleep(0.02)
        end(wire)

    return send


def _slow(of: Callable[[bytes], int], *, every: float) -> Send:
    """So many bytes at once, the others one by one."""

    async def send(wire: Wire, data: bytes) -> None:
        await wire.send(data[: of(data)])
        await wire.drip(data[of(data) :], every=every)

    return send


async def _hang(_: Wire, __: bytes) -> None:
    await asyncio.sleep(FOR_EVER_SECONDS)


async def _late(wire: Wire, data: bytes) -> None:
    await asyncio.sleep(0.5)
    await wire.send(data)


async def _held_open(wire: Wire, data: bytes) -> None:
    """All of it but the last byte, and then silence."""
    await wire.send(data[:-1])
    await asyncio.sleep(FOR_EVER_SECONDS)


async def _half_closed(wire: Wire, data: bytes) -> None:
    """All of it, nothing more ever, and the connection stays."""
    await wire.send(data)
    wire.half_close()
    await asyncio.sleep(FOR_EVER_SECONDS)


async def _in_pieces(wire: Wire, data: bytes) -> None:
    """A byte a segment, quickly: no read of the client's gets more than a few."""
    await wire.drip(data, every=0.0, size=3)


ODDITIES = (
    *_both("reset", _part(lambda _: 0, Wire.reset)),
    *_both("closed", _part(lambda _: 0, Wire.finish)),
    *_both("hang", _hang),
    Oddity(name="reset_in_status_line", send=_part(lambda _: 7, Wire.reset)),
    Oddity(name="closed_in_head", send=_part(lambda data: _end(data) - 9, Wire.finish)),
    Oddity(name="reset_behind_head", send=_part(_end, Wire.reset)),
    Oddity(name="closed_in_body", send=_part(lambda data: _end(data) + 40, Wire.finish)),
    Oddity(name="reset_in_body", send=_part(lambda data: _end(data) + 40, Wire.reset)),
    Oddity(name="reset_behind_body", send=_part(len, Wire.reset)),
    Oddity(name="last_byte_missing", send=_held_open),
    Oddity(name="half_closed", send=_half_closed),
    Oddity(name="late", send=_late),
    Oddity(name="in_pieces", send=_in_pieces),
    Oddity(name="slow_head", send=_slow(lambda _: 0, every=0.2)),
    Oddity(name="slow_body", send=_slow(lambda data: _end(data) + 10, every=0.2)),
)
