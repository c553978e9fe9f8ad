"""An upstream that never finishes a video, and costs as little as it can.

Run as `python -m bench.upstream PORT`. A submission with `"async": true` is taken at once, and
every look-up of it is told that it is being made. Any other submission is held until its caller
hangs up.
`GET /counts` says what it was asked.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from typing import cast
from uuid import uuid4

import uvloop

from app.loop import raise_file_limit

_HEAD_END = b"\r\n\r\n"


class Upstream(asyncio.Protocol):
    """One request of a connection, as the gateway sends them."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._holds = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _error: Exception | None) -> None:
        self._counts["held"] -= self._holds

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(_HEAD_END)
        if end < 0:
            return
        head, body = bytes(self._buffer[:end]), bytes(self._buffer[end + len(_HEAD_END) :])
        mark = head.lower().find(b"content-length:")
        length = int(head[mark + 15 :].split(b"\r\n", 1)[0]) if mark >= 0 else 0
        if len(body) >= length:
            self._buffer.clear()
            self._answer(head.split(b" ", 2)[1].decode(), body)

    def _answer(self, path: str, body: bytes) -> None:
        if path == "/counts":
            self._send(dict(self._counts))
        elif path == "/api/features":
            self._counts["submissions"] += 1
            if json.loads(body).get("async"):
                self._send(_record(str(uuid4())))
            else:
                self._holds = True
                self._counts["held"] += 1
        elif path.startswith("/api/results/"):
            self._counts["looks"] += 1
            self._send(_record(path.rpartition("/")[2]))

    def _send(self, document: object) -> None:
        assert self._transport is not None
        content = json.dumps(document).encode()
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(content), content)
        )
        self._transport.close()


def _record(uuid: str) -> dict[str, object]:
    record = {"uuid": uuid, "status": "PROCESSING", "aiRecordDetail": {}}
    return {"aiRecord": record}


async def _serve(port: int) -> None:
    counts = Counter({"submissions": 0, "looks": 0, "held": 0})
    server = await asyncio.get_running_loop().create_server(
        lambda: Upstream(counts), "127.0.0.1", port, backlog=4096
    )
    await server.serve_forever()


def main() -> None:
    raise_file_limit()
    uvloop.run(_serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
