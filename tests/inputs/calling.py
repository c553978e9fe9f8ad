"""Uploads through the APIs of a gateway."""

from __future__ import annotations

from typing import Any

import httpx

from tests.harness.gateway import Gateway
from tests.harness.pictures import picture

PATH = "/api/v1/inputs"


async def upload(
    gate: Gateway, key: str, content: bytes | None = None, *, name: str = "lion.png"
) -> httpx.Response:
    sent = picture() if content is None else content
    return await gate.http.post(
        PATH, headers={"API-KEY": key}, files={"file": (name, sent, "image/png")}
    )


async def uploaded(
    gate: Gateway, key: str, content: bytes | None = None, *, name: str = "lion.png"
) -> dict[str, Any]:
    """The document of a new input."""
    answer = await upload(gate, key, content, name=name)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def call(gate: Gateway, key: str, method: str, path: str = "", **more: Any) -> httpx.Response:
    return await gate.http.request(method, f"{PATH}{path}", headers={"API-KEY": key}, **more)
