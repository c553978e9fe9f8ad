"""Bytes to the stand-in, and the bytes that come back: no HTTP client reads them first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from tests.standin.server import StandIn

KEY, OTHER_KEY = "canary-upstream-key-0001", "canary-upstream-key-0002"
PROMPT = "a majestic lion walking through golden savanna at sunset"


def asked(prompt: str = PROMPT, **fields: Any) -> dict[str, Any]:
    return {
        "prompt": prompt, "modelName": "ray-v3", "duration": "5s", "aspectRatio": "1:1",
        "resolution": "720p", "loop": False, **fields,
    }  # fmt: skip


def create(
    prompt: str = PROMPT, *, key: str = KEY, asynchronous: bool = True, closes: bool = True,
    headers: Iterable[str] = (), **fields: Any,
) -> bytes:  # fmt: skip
    document: dict[str, Any] = {
        "type": "TEXT_TO_VIDEO",
        "model": "luma",
        "promptObject": asked(prompt, **fields),
    }
    if asynchronous:
        document["async"] = True
    return post(json.dumps(document).encode(), key=key, closes=closes, headers=headers)


def post(body: bytes, *, key: str = KEY, closes: bool = True, headers: Iterable[str] = ()) -> bytes:
    lines = [
        "POST /api/features HTTP/1.1", "Host: api.1min.ai", f"API-KEY: {key}",
        "Content-Type: application/json", f"Content-Length: {len(body)}", *headers,
    ]  # fmt: skip
    return _request(lines, closes) + body


def get(
    target: str, *, key: str = KEY, closes: bool = True, method: str = "GET",
    headers: Iterable[str] = (),
) -> bytes:  # fmt: skip
    lines = [f"{method} {target} HTTP/1.1", "Host: api.1min.ai", f"API-KEY: {key}", *headers]
    return _request(lines, closes)


def _request(lines: list[str], closes: bool) -> bytes:
    ends = ["Connection: close"] if closes else []
    return "\r\n".join([*lines, *ends, "", ""]).encode("latin-1")


async def exchange(stand_in: StandIn, *requests: bytes) -> bytes:
    """All that comes until the connection ends; a reset is an end."""
    reader, writer = await connect(stand_in)
    writer.writelines(requests)
    received: list[bytes] = []
    try:
        async with asyncio.timeout(60):
            while data := await reader.read(65_536):
                received.append(data)
    except ConnectionResetError:
        received.append(b"RESET")
    finally:
        writer.close()
    return b"".join(received)


async def connect(stand_in: StandIn) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(stand_in.address.rpartition(":")[2]))


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def body(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


def document(answer: bytes) -> Any:
    return json.loads(body(answer))


def record(answer: bytes) -> Any:
    return document(answer)["aiRecord"]
