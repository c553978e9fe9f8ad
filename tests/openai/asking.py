"""Requests as the OpenAI SDKs make them."""

from __future__ import annotations

from typing import Any

import httpx

from tests.harness.gateway import PROMPT, Gateway


def bearer(key: str, **headers: str) -> dict[str, str]:
    """`_` in a header's name is a dash."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"Authorization": f"Bearer {key}", **named}


def form(fields: dict[str, str]) -> dict[str, Any]:
    """Parts without a file name, as openai 2.30 and later send every create."""
    return {"files": {name: (None, value) for name, value in fields.items()}}


async def create(
    gate: Gateway, key: str, fields: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    """A create as JSON."""
    asked = {"prompt": PROMPT, **(fields or {})}
    return await gate.http.post("/v1/videos", json=asked, headers=bearer(key, **headers))


async def created(gate: Gateway, key: str, fields: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = await create(gate, key, fields)
    assert answer.status_code == 200, answer.text
    video: dict[str, Any] = answer.json()
    return video


async def get(gate: Gateway, key: str, path: str, **query: Any) -> httpx.Response:
    return await gate.http.get(f"/v1/{path}", params=query, headers=bearer(key))


def refusal(
    answer: httpx.Response,
    status: int,
    code: str,
    *,
    retry: str = "false",
    billed: bool | None = False,
) -> dict[str, Any]:
    """The error of a refusal, its common part checked."""
    assert answer.status_code == status, answer.text
    assert answer.headers["x-should-retry"] == retry
    [(name, error)] = answer.json().items()
    assert name == "error"
    assert {"message", "type", "param", "code"} <= error.keys()
    assert error["code"] == code, error
    assert error["message"]
    assert error["billed"] is billed
    assert error["request_id"] == answer.headers["X-Request-Id"]
    found: dict[str, Any] = error
    return found
