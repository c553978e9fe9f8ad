"""Sends part of an open file over a connection: the kernel copies it, and nothing of it is kept in
memory for a client that reads slowly."""

from __future__ import annotations

import asyncio
import os
import select
import socket
from collections.abc import Callable
from contextlib import suppress

#: Where the scope of a request has a function that sends part of an open file as its body:
#: descriptor, start and end (exclusive). Only plain connections have it.
SEND_FILE = "reelgate.send_file"
#: How much is sent in one call. A fast client takes as much at once.
PIECE_BYTES = 4 << 20
#: How long a thread waits for a client that reads.
PAUSE_MILLISECONDS = 2


class Shortened(Exception):
    """The file ended before the last byte that was to be sent."""


class FileSending:
    """One part of a file on its way to a client."""

    def __init__(self, connection: socket.socket, *, count: Callable[[int], None]) -> None:
        """`count` is called with the bytes of each piece that the kernel has taken."""
        self._loop = asyncio.get_running_loop()
        # The event loop watches the original for its transport, and lets nobody else.
        self._socket = os.dup(connection.fileno())
        self._count = count
        self._waiting: asyncio.Future[None] | None = None
        self._lost = False

    def connection_lost(self) -> None:
        self._lost = True
        self._wake()

    async def send(self, file: int, start: int, end: int) -> None:
        """Sends the bytes `start` to `end` (exclusive); ends early if the connection is lost.
        Raises `Shortened`, and `OSError` if the file cannot be read."""
        try:
            while start < end and not self._lost:
                try:
                    sent = await self._piece(file, start, min(end - start, PIECE_BYTES))
                except BlockingIOError:
                    await self._writable()
                    continue
                except ConnectionError:
                    return
                if not sent:
                    raise Shortened
                self._count(sent)
                start += sent
        finally:
            os.close(self._socket)

    async def _piece(self, file: int, start: int, length: int) -> int:
        """In a thread, because the disk may be slow. The socket does not block."""
        sending = self._loop.run_in_executor(None, _sent, self._socket, file, start, length)
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            # Before the thread is done with them, neither descriptor may be closed.
            while not sending.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait({sending})
            sending.exception()
            raise

    async def _writable(self) -> None:
        self._waiting = self._loop.create_future()
        self._loop.add_writer(self._socket, self._wake)
        try:
            if not self._lost:
                await self._waiting
        finally:
            self._loop.remove_writer(self._socket)
            self._waiting = None

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


def _sent(connection: int, file: int, start: int, length: int) -> int:
    """How much the kernel has taken; 0 at the end of the file. Waits a moment for a client that
    reads on, which costs less than to come back for it. Raises `BlockingIOError` if it takes
    nothing."""
    writable = select.poll()
    writable.register(connection, select.POLLOUT)
    taken = 0
    while taken < length:
        try:
            piece = os.sendfile(connection, file, start + taken, length - taken)
        except BlockingIOError:
            if not writable.poll(PAUSE_MILLISECONDS):
                if not taken:
                    raise
                break
            continue
        if not piece:
            break
        taken += piece
    return taken
