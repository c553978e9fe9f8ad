"""Serves the simulator with uvicorn, and lets faults break its connections."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.simulator.disconnects import EXTENSION

#: Longer than any client keeps an idle connection, so that the client always closes it first: a
#: request written while the server closes is lost.
KEEP_ALIVE_SECONDS = 75
#: Linger for zero seconds: closing sends a reset.
_RESET = struct.pack("ii", 1, 0)


class DisconnectingProtocol(HttpToolsProtocol):
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: {"disconnect": self.disconnect}}

    def shutdown(self) -> None:
        """Close the connection of a waiting request, as a restart of 1min.ai does: the record stays
        and its client has to look it up. An answer that has begun is finished."""
        if self.cycle is None or self.cycle.response_started:
            super().shutdown()
        else:
            self.transport.close()

    def disconnect(self, reset: bool) -> None:
        if not reset:
            self.transport.close()  # after what has been written
            return
        connection = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError, ValueError):  # the client may have disconnected already
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()


def uvicorn_config(app: Callable[..., Any], host: str, port: int, **options: Any) -> uvicorn.Config:
    """`options` are passed to `uvicorn.Config`."""
    fixed = {"http": DisconnectingProtocol, "ws": "none", "server_header": False}
    usual = {
        "timeout_graceful_shutdown": 1, "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "access_log": False,
    }  # fmt: skip
    return uvicorn.Config(app, host=host, port=port, **{**usual, **options, **fixed})
