"""An address that was said is one that takes connections, and nobody else's."""

from __future__ import annotations

import socket

import pytest

from app.errors import ConfigurationError
from app.listener import listening

PATIENCE_SECONDS = 60.0


def test_who_comes_before_the_server_is_up_is_let_wait() -> None:
    """Its address is in the log, and in what `up` prints, before it answers."""
    with listening("127.0.0.1", 0, "REELGATE_PORT") as listener:
        socket.create_connection(listener.getsockname(), timeout=PATIENCE_SECONDS).close()


def test_of_two_that_start_together_one_is_told_that_the_port_is_taken() -> None:
    with listening("127.0.0.1", 0, "REELGATE_PORT") as listener:
        port = listener.getsockname()[1]
        with (
            pytest.raises(ConfigurationError, match=f"port {port} cannot be listened on"),
            listening("127.0.0.1", port, "REELGATE_PORT"),
        ):
            pass
