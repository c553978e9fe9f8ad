"""Clients without a key that hold on to a connection, in each way that was found to work."""

from __future__ import annotations

import asyncio
import contextlib

_REQUEST = b"POST /api/features HTTP/1.1\r\nHost: gateway\r\nContent-Length: 100\r\n\r\n"
#: What is sent, and whether the answer is read.
HOLDS = (
    # One more byte of a body that was refused.
    (_REQUEST + b"{", True),
    # A head that never ends.
    (_REQUEST[:40], True),
    # Many requests at once, and no answer is read.
    (b"GET /livez HTTP/1.1\r\nHost: gateway\r\n\r\n" * 200, False),
)
#: Of each kind at a time.
HELD_CONNECTIONS = 15


async def hold_on(port: int, how: tuple[bytes, bool], seconds: float) -> None:
    """Until `seconds` are over, or the connection is."""
    sent, reads = how
    with contextlib.suppress(OSError, TimeoutError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.timeout(seconds):
                writer.write(sent)
                await writer.drain()
                if reads and await reader.read(1):
                    writer.write(b"x")
                await (reader.read(-1) if reads else asyncio.sleep(seconds))
        finally:
            writer.close()
