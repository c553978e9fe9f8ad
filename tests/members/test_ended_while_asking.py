"""A key that ends while its request is on the way buys nothing."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.db import admission, api_keys, members
from app.domain.authority import Actor
from app.domain.caller import Caller, Role
from app.errors import InvalidRequest, Unauthenticated
from app.generations.admission import SdkAttempt
from app.members import keys
from tests.generations.test_admission import SPEC, ask, caller_of
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, body, gateway
from tests.harness.traces import execute, traces
from tests.worker.test_upkeep import until

CREATES: dict[str, tuple[str, dict[str, Any]]] = {
    "1min.ai": ("/api/features", body()),
    "own REST": ("/api/v1/generations", {
        "feature": "TEXT_TO_VIDEO", "model": "ray-v3", "prompt": "a wave",
        "duration": "5s",
    }),
    "OpenAI": ("/v1/videos", {"model": "sora-2", "prompt": "a wave", "seconds": "4"}),
    "Luma Dream Machine": (
        "/dream-machine/v1/generations", {"model": "ray-2", "prompt": "a wave", "duration": "5s"},
    ),
    "Luma Agents": (
        "/luma/v1/generations", {"model": "ray-3", "type": "video", "prompt": "a wave"},
    ),
    "OpenRouter": ("/openrouter/api/v1/videos", {"model": "ray-3", "prompt": "a wave"}),
}  # fmt: skip


async def slowly(
    document: dict[str, Any], meanwhile: Callable[[], Awaitable[None]]
) -> AsyncIterator[bytes]:
    """A body in two parts. The gateway takes it in once it knows who is asking."""
    whole = json.dumps(document).encode()
    yield whole[:9]
    await meanwhile()
    yield whole[9:]


@pytest.mark.parametrize("dialect", CREATES)
async def test_one_revoked_while_the_body_is_on_its_way(still_gate: Gateway, dialect: str) -> None:
    key = await still_gate.member()
    path, document = CREATES[dialect]
    before = await traces(still_gate)

    async def revoke() -> None:
        await keys.revoke_key(still_gate.rt, key[:11], actor=TESTER)

    answer = await still_gate.http.post(
        path,
        content=slowly(document, revoke),
        headers={"API-KEY": key, "Content-Type": "application/json", "Prefer": "respond-async"},
    )
    assert answer.status_code == 401, answer.text
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    refused = answer.json().get("error", answer.json())
    said = refused.get("detail") or refused["message"]
    own = refused.get("metadata", refused)
    assert (said, own["billed"]) == ("This key is unknown, expired or revoked.", False)
    assert await traces(still_gate) == before


@pytest.mark.parametrize("dialect", CREATES)
async def test_without_that_the_same_body_is_taken(still_gate: Gateway, dialect: str) -> None:
    key = await still_gate.member()
    path, document = CREATES[dialect]

    async def nothing() -> None:
        pass

    answer = await still_gate.http.post(
        path,
        content=slowly(document, nothing),
        headers={"API-KEY": key, "Content-Type": "application/json", "Prefer": "respond-async"},
    )
    assert answer.status_code in (200, 201, 202), answer.text


async def test_one_that_expires_meanwhile(database_url: str, tmp_path: Path) -> None:
    clock = HandClock()
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        await gate.member()
        key = await keys.create_key(
            gate.rt, TEAM, "ada", name="short", expires_at=clock.now() + timedelta(seconds=60),
            actor=TESTER,
        )  # fmt: skip
        before = await traces(gate)

        async def expire() -> None:
            clock.move(60)

        answer = await gate.http.post(
            "/api/features",
            content=slowly(body(), expire),
            headers={"API-KEY": key.secret, "Prefer": "respond-async"},
        )
        assert (answer.status_code, answer.json()["errorCode"]) == (401, "UNAUTHORIZED")
        assert await traces(gate) == before


async def _decide(gate: Gateway, caller: Caller, **changes: Any) -> admission.Decision:
    request = {
        "id": uuid4(), "member_id": caller.member_id, "api_key_id": caller.key_id,
        "dialect": "onemin", "feature": "F", "provider": "p", "model": "m", "kind": "m", "spec": {},
        "quote": 1, "echo": {},
        "metadata": {}, "prices_revision": (await gate.rt.prices.known()).revision,
        "fingerprint": "\\x00", "idempotency_seconds": 60, "queue_seconds": 60, **changes,
    }  # fmt: skip
    return await admission.admit(gate.rt.db.direct, request)


@pytest.mark.parametrize(
    "end",
    ["UPDATE api_keys SET revoked_at = now()", "UPDATE api_keys SET expires_at = now()",
     "DELETE FROM api_keys",
     "DELETE FROM api_keys; DELETE FROM rate_states; DELETE FROM members"],
)  # fmt: skip
async def test_the_database_decides_it(still_gate: Gateway, end: str) -> None:
    """Also where key or member are there no more, and for a request that was admitted before."""
    caller = await caller_of(still_gate, await still_gate.member())
    for statement in end.split("; "):
        await execute(still_gate, statement)
    before = await traces(still_gate)
    decision = await _decide(still_gate, caller)
    assert (decision.outcome, decision.limits) == ("unauthenticated", None)
    assert (decision.generation_id, decision.accepted_at) == (None, None)
    assert await traces(still_gate) == before


async def test_another_members_key_admits_nothing(still_gate: Gateway) -> None:
    ada = await caller_of(still_gate, await still_gate.member())
    bob = await caller_of(still_gate, await still_gate.member("bob"))
    decision = await _decide(still_gate, ada, api_key_id=bob.key_id)
    assert decision.outcome == "unauthenticated"
    assert (await _decide(still_gate, ada)).outcome == "accepted"


async def test_what_was_asked_before_is_not_shown_again(still_gate: Gateway) -> None:
    """A replay would show a generation, and an SDK's attempt would change one."""
    key = await still_gate.member()
    caller = await caller_of(still_gate, key)
    await ask(still_gate, key, idempotency_key="k")
    first = SdkAttempt(count=0, arrived_at=time.perf_counter(), window_seconds=60)
    await ask(still_gate, key, SPEC, attempt=first)
    await keys.revoke_key(still_gate.rt, key[:11], actor=TESTER)
    before = await traces(still_gate)
    again: list[dict[str, Any]] = [
        {"idempotency_key": "k"},
        {"sdk_attempt": 1, "sdk_waited_seconds": 0, "sdk_window_seconds": 60},
    ]
    for how in again:
        assert (await _decide(still_gate, caller, **how)).outcome == "unauthenticated"
    assert await traces(still_gate) == before


async def test_whoever_revokes_waits_for_an_admission_under_way(still_gate: Gateway) -> None:
    """Nothing is admitted once the revocation is done."""
    caller = await caller_of(still_gate, await still_gate.member())
    async with still_gate.rt.db.begin() as tx:
        await tx.execute(
            text("SELECT FROM rate_states WHERE member_id = :id FOR UPDATE"),
            {"id": caller.member_id},
        )
        ending = asyncio.create_task(_end(still_gate, caller.key_id))
        await until(still_gate, "SELECT count(*) FROM pg_locks WHERE NOT granted")
        assert not ending.done()
    await ending
    async with still_gate.rt.db.single() as tx:
        assert await api_keys.find_caller_of_key(tx, caller.key_id) is None


async def _end(gate: Gateway, key_id: UUID) -> None:
    async with gate.rt.db.begin() as tx:
        await api_keys.end_key(tx, key_id, overlap_seconds=0)


async def test_an_ended_key_makes_no_other_key(still_gate: Gateway) -> None:
    """The request was let in while its key was valid."""
    caller = await caller_of(still_gate, await still_gate.member(role=Role.ADMIN))
    await still_gate.member("bob")
    rt, actor = still_gate.rt, Actor.calling(caller, operator_team="default")
    made = (await keys.create_key(rt, TEAM, "bob", name="bobs", actor=actor)).key
    await keys.revoke_key(rt, caller.key_id, actor=TESTER)
    for name in ("ada", "bob"):
        with pytest.raises(Unauthenticated):
            await keys.create_key(rt, TEAM, name, name="late", actor=actor)
    with pytest.raises(Unauthenticated):
        await keys.rotate_key(rt, made.id, overlap_seconds=0, actor=actor)


async def test_a_key_that_is_revoked_meanwhile_is_not_rotated(still_gate: Gateway) -> None:
    """A fresh key in its place would undo the revocation."""
    await still_gate.member()
    rt = still_gate.rt
    key = (await keys.create_key(rt, TEAM, "ada", name="leaked", actor=TESTER)).key
    async with rt.db.begin() as tx:
        await members.lock_admission(tx, [key.member_id])
        rotating = asyncio.create_task(keys.rotate_key(rt, key.id, overlap_seconds=0, actor=TESTER))
        await until(still_gate, "SELECT count(*) FROM pg_locks WHERE NOT granted")
        await api_keys.end_key(tx, key.id, overlap_seconds=0)
    with pytest.raises(InvalidRequest, match="revoked already"):
        await rotating
