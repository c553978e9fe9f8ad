"""OpenRouter's callers, by hand."""

from __future__ import annotations

from typing import Any

import httpx

from tests.harness.gateway import Gateway

BASE = "/openrouter/api/v1"
WAVE = {"model": "luma/ray-v3", "prompt": "a wave"}
AI_SDK = "ai/7.0.173 ai-sdk/provider-utils/5.0.42 runtime/node.js/v20.20.2"


def bearer(key: str, **headers: str) -> dict[str, str]:
    """`_` in a header's name is a dash."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"Authorization": f"Bearer {key}", **named}


async def ask(
    gate: Gateway, key: str, asked: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    """A create."""
    return await gate.http.post(
        f"{BASE}/videos", json=asked or WAVE, headers=bearer(key, **headers)
    )


async def look(gate: Gateway, key: str, video_id: str) -> httpx.Response:
    return await gate.http.get(f"{BASE}/videos/{video_id}", headers=bearer(key))
