"""Bodies that the framework reads: bounded in length and time, whoever sends them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi.routing import APIRoute

from app.api import wire as rest
from app.api.routes import ROUTERS
from app.db import api_keys
from app.db.session import Tx
from app.dialects.luma import wire as luma
from app.dialects.luma_agents import wire as luma_agents
from app.dialects.onemin import wire as onemin
from app.dialects.openai import wire as openai
from app.dialects.openrouter import wire as openrouter
from app.domain.caller import Role
from app.domain.catalog.catalog import BUILT_IN
from app.domain.nearest import NO_ALIASES
from app.errors import MAX_ISSUES, InvalidRequest, Rejections
from app.http import bodies
from app.http.bodies import BoundedRoute
from tests.harness.gateway import Gateway
from tests.harness.traces import execute

PATHS = ("/api/v1/webhooks/endpoints", "/api/v1/admin/teams")
JSON = {"Content-Type": "application/json"}


def test_every_route_with_a_document_reads_it_within_bounds() -> None:
    routes = [each for router in ROUTERS for each in router.routes if isinstance(each, APIRoute)]
    reading = [route for route in routes if route.body_field is not None]
    assert {f"/api/v1{route.path}" for route in reading} >= set(PATHS)
    assert [route.path for route in reading if not isinstance(route, BoundedRoute)] == []


@pytest.mark.parametrize("path", PATHS)
async def test_nobody_sends_more_than_the_limit(still_gate: Gateway, path: str) -> None:
    key = await still_gate.member()
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 1
            yield b" " * 512

    headers = {"API-KEY": key, **JSON}
    answer = await still_gate.http.post(path, content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    assert sent < 1_000


@pytest.mark.parametrize("path", PATHS)
async def test_nobody_takes_longer_than_the_limit(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    key = await still_gate.member()
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.2)

    async def halting() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(2)
        yield b"}"

    headers = {"API-KEY": key, **JSON}
    answer = await still_gate.http.post(path, content=halting(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (408, "request_timeout")


async def test_a_caller_is_looked_up_once(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await still_gate.member("boss", role=Role.ADMIN)
    looked_up: list[bytes] = []
    find_caller = api_keys.find_caller

    async def noted(tx: Tx, digest: bytes, **options: Any) -> Any:
        looked_up.append(digest)
        return await find_caller(tx, digest, **options)

    monkeypatch.setattr(api_keys, "find_caller", noted)
    for path, document in (
        ("/api/v1/webhooks/endpoints", {"url": "https://hooks.example.com/told"}),
        ("/api/v1/admin/teams/nobody/members", {"name": "ada"}),
    ):
        looked_up.clear()
        await still_gate.http.post(path, json=document, headers={"API-KEY": key})
        assert len(looked_up) == 1, path


async def test_a_key_that_is_revoked_while_a_body_arrives_does_nothing(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await still_gate.member()
    found, find_caller = asyncio.Event(), api_keys.find_caller

    async def noted(tx: Tx, digest: bytes, **options: Any) -> Any:
        caller = await find_caller(tx, digest, **options)
        found.set()
        return caller

    monkeypatch.setattr(api_keys, "find_caller", noted)

    async def slow() -> AsyncIterator[bytes]:
        yield b'{"url": '
        await found.wait()
        await execute(still_gate, "UPDATE api_keys SET revoked_at = now()")
        yield b'"https://hooks.example.com/told"}'

    answer = await still_gate.http.post(PATHS[0], content=slow(), headers={"API-KEY": key, **JSON})
    assert answer.status_code == 401


@pytest.mark.parametrize("kind", [None, "application/x-www-form-urlencoded", "text/plain"])
async def test_json_is_read_whatever_its_sender_calls_it(
    still_gate: Gateway, kind: str | None
) -> None:
    key = await still_gate.member()
    answer = await still_gate.http.post(
        "/api/v1/webhooks/endpoints",
        content=b'{"url": "https://hooks.example.com/told"}',
        headers={"API-KEY": key, **({"Content-Type": kind} if kind else {})},
    )
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("path", PATHS)
async def test_what_is_no_json_is_called_that(still_gate: Gateway, path: str) -> None:
    key = await still_gate.member(role=Role.ADMIN)
    for body, said in (
        (b"{", "line 1, column 2"), (b"\xff", "not UTF-8"), (b"[" * 1000, "not JSON"),
        (b'{"reason": NaN}', "not JSON"),
    ):  # fmt: skip
        answer = await still_gate.http.post(path, content=body, headers={"API-KEY": key, **JSON})
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed_json"), body
        assert said in answer.json()["detail"]


async def test_a_sentence_says_what_is_wrong(still_gate: Gateway) -> None:
    key = await still_gate.member()
    for method, path, said in (
        ("GET", "/generations?limit=0", "limit: must be at least 1"),
        ("GET", "/generations/x", "generation_id: must be the id of a generation"),
        ("POST", "/webhooks/endpoints", "x: unknown field (got 1)"),
    ):
        answer = await still_gate.http.request(
            method, f"/api/v1{path}", headers={"API-KEY": key},
            json={"url": "https://hooks.example.com/", "x": 1} if method == "POST" else None,
        )  # fmt: skip
        assert answer.status_code == 422
        assert said in answer.json()["detail"], answer.text


async def test_small_documents_are_read_and_no_long_ones(still_gate: Gateway) -> None:
    key = await still_gate.member()
    long = b'{"url": "%s"}' % (b"x" * 70_000)
    answer = await still_gate.http.post(PATHS[0], content=long, headers={"API-KEY": key, **JSON})
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


async def test_a_long_name_is_not_said_whole(still_gate: Gateway) -> None:
    asked = {"url": "https://hooks.example.com/", "x" * 60_000: 1}
    key = await still_gate.member()
    answer = await still_gate.http.post(PATHS[0], json=asked, headers={"API-KEY": key})
    assert answer.status_code == 422
    assert len(answer.content) < 2_000


UNKNOWN: dict[str, Any] = {f"field_{number}": number for number in range(10 * MAX_ISSUES)}
PARSERS: dict[str, Callable[[], object]] = {
    "own REST": lambda: rest.parse(UNKNOWN),
    "1min.ai": lambda: onemin.parse(UNKNOWN, BUILT_IN),
    "1min.ai's promptObject": lambda: onemin.parse(
        {"type": "TEXT_TO_VIDEO", "model": "luma", "promptObject": UNKNOWN}, BUILT_IN
    ),
    "OpenAI": lambda: openai.parse(UNKNOWN, aliases=NO_ALIASES, strict=False),
    "Luma Dream Machine": lambda: luma.parse(UNKNOWN, aliases=NO_ALIASES, strict=False),
    "Luma Agents": lambda: luma_agents.parse(UNKNOWN, aliases=NO_ALIASES, strict=False),
    "OpenRouter": lambda: openrouter.parse(UNKNOWN, aliases=NO_ALIASES),
    "OpenRouter's options": lambda: openrouter.parse(
        {"provider": {"options": {"luma": {"parameters": UNKNOWN}}}}, aliases=NO_ALIASES
    ),
}


@pytest.mark.parametrize("edge", PARSERS)
def test_no_more_is_looked_for_than_is_said(edge: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body has room for a hundred thousand wrong fields, and all others wait meanwhile."""
    found = 0
    add = Rejections.add

    def counting(issues: Rejections, *words: Any, **more: Any) -> None:
        nonlocal found
        found += 1
        add(issues, *words, **more)

    monkeypatch.setattr(Rejections, "add", counting)
    with pytest.raises(InvalidRequest) as refused:
        PARSERS[edge]()
    assert len(refused.value.issues) == MAX_ISSUES
    # Beside the unknown ones, those that are missing.
    assert found < MAX_ISSUES + 10
