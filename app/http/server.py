"""Serves the API: uvicorn with the limits that a public port needs, and a stop that drops no
client."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import math
import socket
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from app.http.connections import Connections
from app.http.protocol import KEEP_ALIVE_SECONDS, BoundedProtocol
from app.settings import Settings

#: How long a client may need to complete a handshake that it has begun when the stop begins.
HANDSHAKE_SECONDS = 0.2
#: From Linux' asm-generic/socket.h; Python does not name it.
_SO_ATTACH_FILTER = 26
#: A BPF program over the TCP header: drop what has SYN and not ACK, pass everything else.
_DROP_NEW_HANDSHAKES = (
    (0x30, 0, 0, 13),  # load the byte of flags
    (0x54, 0, 0, 0x12),  # keep ACK and SYN
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # pass
)


class Server(uvicorn.Server):
    """A server beside others in its process, so it does not handle signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        protocol = self.config.http_protocol_class
        if isinstance(protocol, type) and issubclass(protocol, BoundedProtocol):
            protocol.stopping = True
        await self._let_in(sockets or [])
        await super().shutdown(sockets)

    async def _let_in(self, listeners: Sequence[socket.socket]) -> None:
        """Accepts connections that are already established. The kernel resets those in its queue
        when the last descriptor of a listener is closed, so one more is kept until then. None may
        join the queue between the last look at it and the close, so nobody can begin to connect any
        more: that client is refused a second later, when its system tries again."""
        doors = [listener.dup() for listener in listeners]
        if all(_turn_away(door) for door in doors):
            await asyncio.sleep(HANDSHAKE_SECONDS)
        for server in self.servers:
            server.close()
        waiting = [caller for door in doors for caller in _queued(door)]
        for door in doors:
            door.close()
        loop = asyncio.get_running_loop()
        for caller in waiting:
            # The client may have disconnected meanwhile.
            with contextlib.suppress(OSError):
                await loop.connect_accepted_socket(self._protocol, caller)

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


def _turn_away(door: socket.socket) -> bool:
    """Drops the first packet of every further handshake. False where the kernel cannot: only Linux
    can."""
    program = b"".join(struct.pack("HBBI", *step) for step in _DROP_NEW_HANDSHAKES)
    steps = ctypes.create_string_buffer(program)
    pointer = struct.pack("HL", len(_DROP_NEW_HANDSHAKES), ctypes.addressof(steps))
    try:
        door.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, pointer)
    except OSError:
        return False
    return True


def _queued(door: socket.socket) -> Iterator[socket.socket]:
    """Connections that the kernel has established and nobody has accepted."""
    door.setblocking(False)
    while True:
        try:
            caller, _ = door.accept()
        except BlockingIOError:
            return
        except ConnectionError:
            continue
        caller.setblocking(False)
        yield caller


def server_config(app: ASGIApp, settings: Settings, **options: Any) -> uvicorn.Config:
    """`options` go to `uvicorn.Config`."""
    places = Connections(
        most=settings.max_connections,
        most_of_address=settings.connections_per_address,
        trusted=settings.trusted_proxies,
    )
    return uvicorn.Config(
        app,
        http=type("PlacedProtocol", (BoundedProtocol,), {"places": places}),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        # In whole seconds; 0 would cut off requests that are being answered.
        timeout_graceful_shutdown=math.ceil(settings.drain_seconds),
        **options,
    )
