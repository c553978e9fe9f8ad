"""A file host that costs next to nothing: answers every GET with the same file.

Run as `python -m bench.file_host FILE PORT`. A connection serves one request after the other, as
long as its client keeps it.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import cast

import uvloop

_END = b"\r\n\r\n"


class _Host(asyncio.Protocol):
    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        while _END in self._heard:
            head, _, self._heard = self._heard.partition(_END)
            self._transport.write(self._answer)
            if b"connection: close" in head.lower():
                self._transport.close()


async def _serve(content: bytes, port: int) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: %d\r\n\r\n"
    answer = head % len(content) + content
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Host(answer), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1]).read_bytes(), int(sys.argv[2])))
