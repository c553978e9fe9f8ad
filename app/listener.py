"""The sockets on which a process accepts connections."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import ConfigurationError

_BACKLOG = 2048


def cannot_listen(
    host: str, port: int, setting: str, error: OSError | UnicodeError
) -> ConfigurationError:
    reason = error.strerror if isinstance(error, OSError) else "no name of a host"
    elsewhere = isinstance(error, socket.gaierror | UnicodeError) or (
        isinstance(error, OSError) and error.errno == errno.EADDRNOTAVAIL
    )
    advice = (
        "set REELGATE_HOST to an address of this machine"
        if elsewhere
        else f"set {setting} to a free one"
    )
    return ConfigurationError(f"{host} port {port} cannot be listened on ({reason}); {advice}.")


@contextmanager
def listening(host: str, port: int, setting: str) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            # Clients that connect before the server is up wait here.
            listener.listen(_BACKLOG)
        except (OSError, UnicodeError) as error:
            raise cannot_listen(host, port, setting, error) from None
        yield listener
    finally:
        listener.close()
