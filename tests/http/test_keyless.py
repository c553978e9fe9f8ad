"""Whoever has no key is refused at once, and not after a body that may never come."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest

from app.domain.caller import Role
from app.secrets import make_key
from tests.harness.gateway import Gateway
from tests.harness.sockets import listening
from tests.harness.traces import execute
from tests.structure.sources import read

PATIENCE_SECONDS = 60.0


#: What the document of the own REST does not describe.
DIALECTS = ("/v1/videos", "/v1/videos/x/remix", "/dream-machine/v1/generations/video",
            "/dream-machine/v1/generations", "/luma/v1/generations",
            "/openrouter/api/v1/videos")  # fmt: skip


def writing() -> Iterator[tuple[str, str]]:
    """Method and path of everything that takes a body."""
    yield from (("POST", path) for path in DIALECTS)
    for path, operations in json.loads(read("docs/openapi.json"))["paths"].items():
        for method, operation in operations.items():
            if "requestBody" in operation:
                yield method.upper(), path.replace("{", "").replace("}", "")


@pytest.mark.parametrize("header", ["", f"API-KEY: {make_key().secret}\r\n"], ids=["none", "other"])
@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
async def test_a_body_without_a_key_is_not_waited_for(
    still_gate: Gateway, header: str, kind: str
) -> None:
    async with listening(still_gate) as http:

        async def answer(method: str, path: str) -> bytes:
            streams = await asyncio.open_connection(http.base_url.host, http.base_url.port)
            streams[1].write(
                f"{method} {path} HTTP/1.1\r\nHost: a\r\n{header}Content-Type: {kind}\r\n"
                "Content-Length: 100\r\n\r\n{".encode()
            )
            try:
                return await streams[0].readline()
            finally:
                streams[1].close()

        async with asyncio.timeout(PATIENCE_SECONDS):
            for method, path in writing():
                assert b" 401 " in await answer(method, path), (method, path)


async def test_a_key_that_ends_while_its_body_comes_changes_nothing(still_gate: Gateway) -> None:
    key = await still_gate.member(team="default", role=Role.ADMIN)
    document = b'{"reason": "odd"}'
    async with listening(still_gate) as http:
        streams = await asyncio.open_connection(http.base_url.host, http.base_url.port)
        streams[1].write(
            f"POST /api/v1/admin/pauses/submission/pause HTTP/1.1\r\nHost: a\r\nAPI-KEY: {key}\r\n"
            f"Expect: 100-continue\r\nContent-Length: {len(document)}\r\n\r\n".encode()
        )
        async with asyncio.timeout(PATIENCE_SECONDS):
            # The server says so once it waits for the body.
            assert b" 100 " in await streams[0].readuntil(b"\r\n\r\n")
            await execute(still_gate, "UPDATE api_keys SET revoked_at = now()")
            streams[1].write(document)
            assert b" 401 " in await streams[0].readline()
        streams[1].close()
