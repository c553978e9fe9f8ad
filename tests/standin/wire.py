"""The sending half of a connection, and the ways in which it ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

#: Closing discards what is still to be sent, and the peer sees a reset.
_RESET = struct.pack("ii", 1, 0)


class Wire:
    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.ended = False

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def drip(self, data: bytes, *, every: float, size: int = 1) -> None:
        """`size` bytes at a time with a pause behind each."""
        for at in range(0, len(data), size):
            await self.send(data[at : at + size])
            await asyncio.sleep(every)

    def finish(self) -> None:
        """The ordinary end: what was sent arrives, and then nothing more."""
        self.ended = True
        self._writer.close()

    def reset(self) -> None:
        self.ended = True
        found: socket.socket | None = self._writer.get_extra_info("socket")
        if found is not None:
            # One that the other side has reset is closed already.
            with contextlib.suppress(OSError):
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._writer.transport.abort()

    def half_close(self) -> None:
        """Nothing more is sent, and the connection stays."""
        self._writer.write_eof()

    async def until_closed(self) -> None:
        await self._writer.wait_closed()
