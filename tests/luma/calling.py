"""Luma's callers, by hand."""

from __future__ import annotations

from typing import Any

import httpx

from tests.harness.gateway import Gateway

DREAM_MACHINE = "/dream-machine/v1"
AGENTS = "/luma/v1"
LION = {"model": "ray-2", "prompt": "a lion"}


def bearer(key: str, **headers: str) -> dict[str, str]:
    """`_` in a header's name is a dash."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"Authorization": f"Bearer {key}", **named}


async def dream(
    gate: Gateway, key: str, asked: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    """A create of the Dream Machine."""
    return await gate.http.post(
        f"{DREAM_MACHINE}/generations/video", json=asked or LION, headers=bearer(key, **headers)
    )


async def ask_agents(
    gate: Gateway, key: str, asked: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    """A create of Agents."""
    body = {"type": "video", "prompt": "a lion", **(asked or {})}
    return await gate.http.post(f"{AGENTS}/generations", json=body, headers=bearer(key, **headers))


async def look(gate: Gateway, key: str, path: str) -> httpx.Response:
    return await gate.http.get(path, headers=bearer(key))
