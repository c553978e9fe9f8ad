"""Ends a server of asyncio in a test's own process."""

from __future__ import annotations

import asyncio


async def stop_listening(server: asyncio.Server) -> None:
    """Closes it. A connection that it has accepted by now is served: Python 3.11 forgets one whose
    transport is not made yet, and then nobody closes that."""
    loop = asyncio.get_running_loop()
    for listener in server.sockets:
        loop.remove_reader(listener.fileno())
    # Its transport, its protocol and its task take a turn of the loop each.
    for _ in range(3):
        await asyncio.sleep(0)
    server.close()
