"""Bodies that the framework reads: bounded in length and time, whoever sends them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from app.api.routes import ROUTERS
from app.http.bodies import BoundedRoute
from tests.harness.gateway import Gateway, gateway

PATHS = ("/api/v1/webhooks/endpoints", "/api/v1/admin/pause")
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def narrow(database_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway(
        database_url, tmp_path, worker=False, max_body_bytes=1024, body_seconds=0.2
    ) as gate:
        yield gate


def test_every_route_with_a_document_reads_it_within_bounds() -> None:
    routes = [each for router in ROUTERS for each in router.routes if isinstance(each, APIRoute)]
    reading = [route for route in routes if route.body_field is not None]
    assert {f"/api/v1{route.path}" for route in reading} >= set(PATHS)
    assert [route.path for route in reading if not isinstance(route, BoundedRoute)] == []


@pytest.mark.parametrize("path", PATHS)
async def test_a_stranger_sends_no_more_than_the_limit(narrow: Gateway, path: str) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 1
            yield b" " * 512

    answer = await narrow.http.post(path, content=endless(), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    assert sent < 1_000


@pytest.mark.parametrize("path", PATHS)
async def test_a_stranger_takes_no_longer_than_the_limit(narrow: Gateway, path: str) -> None:
    async def halting() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(2)
        yield b"}"

    answer = await narrow.http.post(path, content=halting(), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (408, "request_timeout")
