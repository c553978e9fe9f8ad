"""How the simulator is served: uvicorn, with its connections lent to the faults that cut them."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.simulator.disconnects import EXTENSION

#: Longer than any client keeps a connection that it does not use: which of the two closes it must
#: not be a matter of luck, for a request that is written as it is closed is lost.
KEEP_ALIVE_SECONDS = 75
#: Close at once and tell the peer with a reset: linger on, for zero seconds.
_RESET = struct.pack("ii", 1, 0)


class CuttableProtocol(HttpToolsProtocol):
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: {"cut": self.cut}}

    def shutdown(self) -> None:
        """A request that is held is dropped, as a restart in life would: its record stays in the
        books and its client must look it up. Answers that have begun are let finish."""
        if self.cycle is None or self.cycle.response_started:
            super().shutdown()
        else:
            self.transport.close()

    def cut(self, reset: bool) -> None:
        if not reset:
            self.transport.close()  # after what has been written
            return
        connection = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError, ValueError):  # the client may be gone already
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()


def uvicorn_config(app: Callable[..., Any], host: str, port: int, **options: Any) -> uvicorn.Config:
    """`options` go to `uvicorn.Config`."""
    fixed = {"http": CuttableProtocol, "ws": "none", "server_header": False}
    usual = {
        "timeout_graceful_shutdown": 1, "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "access_log": False,
    }  # fmt: skip
    return uvicorn.Config(app, host=host, port=port, **{**usual, **options, **fixed})
