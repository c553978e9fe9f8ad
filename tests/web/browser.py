"""A browser as far as sessions know one: it keeps its cookie and says where its requests come
from."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx

from app.main import create_app
from tests.harness.gateway import Gateway

OWN = {"X-Reelgate": "1", "Sec-Fetch-Site": "same-origin"}


@contextlib.asynccontextmanager
async def browser(
    gate: Gateway, base_url: str = "http://gateway"
) -> AsyncIterator[httpx.AsyncClient]:
    """One with no cookie yet."""
    transport = httpx.ASGITransport(create_app(gate.rt), raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url=base_url, headers={"User-Agent": "Odd/1"}, timeout=60
    ) as client:
        yield client


async def sign_in(client: httpx.AsyncClient, **proof: Any) -> httpx.Response:
    return await client.post("/app/session", json=proof, headers=OWN)
