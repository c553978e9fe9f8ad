"""Stands between a gateway and Postgres as a pooler in transaction mode does: it takes no settings
at connect, and writes down what only a session of one's own has. Unlike one, it changes no servers:
what would break there is found by what was sent."""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.harness.listening import stop_listening

#: What lasts beyond a transaction, for whoever gets the connection next.
_OF_A_SESSION = re.compile(
    r"\A\s*(?:(?:UN)?LISTEN|SET\s+(?!LOCAL|TRANSACTION)|PREPARE)|pg_(?:try_)?advisory_lock", re.I
)

#: How a packet begins that ends the query of another connection; what follows is no text.
_CANCEL = struct.pack("!i", 80877102)


@dataclass
class Pooler:
    """`refuses`: a connection that comes with settings is refused, as PgBouncer does by default;
    else they are dropped, as with its `ignore_startup_parameters`."""

    path: str
    refuses: bool = True
    port: int = 0
    connections: int = 0
    #: Of prepared statements.
    names: list[str] = field(default_factory=list)
    of_a_session: list[str] = field(default_factory=list)

    def address(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}?sslmode=disable"

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            packet = await _startup(reader)
            if packet.startswith(_CANCEL):
                _, server = await asyncio.open_unix_connection(self.path)
                server.write(struct.pack("!i", len(packet) + 4) + packet)
                server.close()
                writer.close()
                return
            parameters = _parameters(packet)
            options = parameters.pop("options", "")
            if options and self.refuses:
                writer.write(_refusal("unsupported startup parameter: options"))
                await writer.drain()
            else:
                self.connections += 1
                await self._connected(parameters, reader, writer)
        writer.close()

    async def _connected(
        self, parameters: dict[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        answers, server = await asyncio.open_unix_connection(self.path)
        pairs = "".join(f"{name}\0{value}\0" for name, value in parameters.items())
        packet = struct.pack("!i", 196608) + pairs.encode() + b"\0"
        server.write(struct.pack("!i", len(packet) + 4) + packet)
        answering = asyncio.create_task(_copy(answers, writer))
        try:
            while True:
                head = await reader.readexactly(5)
                body = await reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)
                self._look(head[:1], body)
                server.write(head + body)
                await server.drain()
        finally:
            server.close()
            await answering

    def _look(self, kind: bytes, body: bytes) -> None:
        if kind == b"P":
            name, statement, *_ = body.decode(errors="replace").split("\0")
            self.names += [name] if name else []
        elif kind == b"Q":
            statement = body.decode(errors="replace")
        else:
            return
        if _OF_A_SESSION.search(statement):
            self.of_a_session.append(statement)


async def _startup(reader: asyncio.StreamReader) -> bytes:
    (length,) = struct.unpack("!i", await reader.readexactly(4))
    return await reader.readexactly(length - 4)


def _parameters(packet: bytes) -> dict[str, str]:
    words = packet[4:].decode().split("\0")
    return {name: value for name, value in zip(words[::2], words[1::2], strict=False) if name}


def _refusal(message: str) -> bytes:
    fields = f"SFATAL\0VFATAL\0C08P01\0M{message}\0\0".encode()
    return b"E" + struct.pack("!i", len(fields) + 4) + fields


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def pooler(path: str, *, refuses: bool = True) -> AsyncIterator[Pooler]:
    """One in front of the Postgres whose socket is `path`."""
    made = Pooler(path, refuses=refuses)
    clients: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        clients[task] = writer
        try:
            await made.relay(reader, writer)
        finally:
            del clients[task]

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        await stop_listening(server)
        for writer in clients.values():
            writer.close()
        if clients:
            await asyncio.wait(clients)
