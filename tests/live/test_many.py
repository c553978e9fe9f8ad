"""Many idle streams beside creates, in a process of their own."""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.api.events import MAX_STREAMS_PER_MEMBER
from app.domain.limits import Limits
from tests.harness import database
from tests.harness.processes import Api, until
from tests.live.streams import streams
from tests.promises.site import site

MEMBERS = 4
STREAMS = MEMBERS * MAX_STREAMS_PER_MEMBER
PATIENCE_SECONDS = 120.0
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def opened(api: Api, key: str) -> Connection:
    host, _, port = api.address.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAPI-KEY: {key}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    await reader.readuntil(b"listening")
    return reader, writer


async def open_many(api: Api, key: str) -> list[Connection]:
    found: list[Connection] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(found) < MAX_STREAMS_PER_MEMBER:
            found += await asyncio.gather(*(opened(api, key) for _ in range(50)))
    return found


def test_they_stop_no_create_and_hear_what_it_makes(
    postgres: database.Server, tmp_path: Path
) -> None:
    with (
        postgres.fresh() as address,
        site(address, tmp_path) as place,
    ):
        api = place.start_api()
        listening = [place.caller(api, f"listening-{number}") for number in range(MEMBERS)]
        other = place.caller(api, "busy", limits=Limits(max_open=50, rate_burst=50))

        async def watch() -> list[str]:
            connections = [await open_many(api, member.key) for member in listening]
            assert streams(api) == STREAMS
            # A create each, while all those are open.
            await asyncio.to_thread(lambda: [other.create(f"beside {n}") for n in range(20)])
            made = [await asyncio.to_thread(member.create, "heard by all") for member in listening]
            async with asyncio.timeout(PATIENCE_SECONDS):
                for uuid, its in zip(made, connections, strict=True):
                    for reader, writer in its:
                        heard = await reader.readuntil(uuid.encode())
                        assert b"event: generation.queued" in heard
                        assert b"beside" not in heard
                        writer.close()
            return made

        made = asyncio.run(watch())
        until(lambda: streams(api) == 0, "all of them are gone")
        for member, uuid in zip(listening, made, strict=True):
            assert member.state(uuid) == "queued"
