"""Checks whether the event loop of a process is running: it answers on a Unix socket, which a
blocked loop does not.

`python -m app.liveness` asks it. That runs every few seconds, so it imports next to nothing.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from app.errors import ConfigurationError

SETTING = "REELGATE_LIVENESS_SOCKET"
#: A loop that is busy for longer delays everybody.
ANSWER_SECONDS = 2.0
_ANSWER = b"ok\n"


@asynccontextmanager
async def answering(path: Path | None) -> AsyncIterator[None]:
    """While the block lasts, the running loop answers at `path`. A socket that a killed process
    left there is replaced, and one that answers is not: its process would be taken for dead. Raises
    `ConfigurationError`."""
    if path is None:
        yield
        return
    import asyncio

    class Answer(asyncio.Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            transport.write(_ANSWER)
            transport.close()

    with suppress(OSError):
        await asyncio.to_thread(ask, str(path))
        raise ConfigurationError(f"{SETTING}: another process answers at {path}; name another one.")
    try:
        server = await asyncio.get_running_loop().create_unix_server(Answer, path)
    except OSError as error:
        reason = error.strerror or error
        raise ConfigurationError(f"{SETTING}: {path} cannot be listened on ({reason}).") from None
    try:
        yield
    finally:
        server.close()


def ask(path: str) -> None:
    """Returns if the loop answers. Raises `OSError`."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(ANSWER_SECONDS)
        asking.connect(path)
        if asking.recv(len(_ANSWER)) != _ANSWER:
            raise ConnectionResetError("it ended without an answer")


def main() -> None:
    path = os.environ.get(SETTING)
    if not path:
        sys.exit(f"{SETTING} is not set: no process answers.")
    try:
        ask(path)
    except TimeoutError:
        sys.exit(f"The event loop did not answer at {path} within {ANSWER_SECONDS:g} seconds.")
    except OSError as error:
        sys.exit(f"Nobody answers at {path}: {error.strerror or error}.")


if __name__ == "__main__":
    main()
