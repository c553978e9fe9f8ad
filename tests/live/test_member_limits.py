"""What one member does at a time takes nothing from the others."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import pytest

from app.errors import RateLimited
from app.live.member_limits import ConcurrencyLimit, RateLimit
from tests.generations.test_admission import caller_of
from tests.harness.gateway import Gateway

ADA, BOB = uuid4(), uuid4()


async def test_a_member_waits_for_its_own_turn_alone() -> None:
    some = ConcurrencyLimit("reads", at_a_time=2, wait_seconds=60, line=1)
    async with AsyncExitStack() as mine:
        for _ in range(2):
            await mine.enter_async_context(some.slot(ADA))
        third = asyncio.create_task(_one(some, ADA))
        await asyncio.sleep(0)
        async with some.slot(BOB):
            assert not third.done()
        # One waits already.
        with pytest.raises(RateLimited) as refused:
            await _one(some, ADA)
        assert refused.value.extra == {"limit": "max_at_a_time", "limit_value": 2}
        assert not third.done()
    await third
    await _one(some, ADA)


async def test_who_waited_too_long_is_refused() -> None:
    some = ConcurrencyLimit("reads", at_a_time=1, wait_seconds=0.01, line=5)
    async with some.slot(ADA):
        with pytest.raises(RateLimited):
            await _one(some, ADA)
        await _one(some, BOB)
    await _one(some, ADA)


async def test_who_gives_up_leaves_the_line() -> None:
    some = ConcurrencyLimit("reads", at_a_time=1, wait_seconds=60, line=1)
    async with some.slot(ADA):
        waiting = asyncio.create_task(_one(some, ADA))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        after = asyncio.create_task(_one(some, ADA))
        await asyncio.sleep(0)
        assert not after.done()
    await after


async def _one(some: ConcurrencyLimit, member: UUID) -> None:
    async with some.slot(member):
        pass


def test_a_minutes_worth_may_be_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("app.live.member_limits.time.monotonic", lambda: now)
    pace = RateLimit("changes", per_minute=6)
    for _ in range(6):
        pace.take(ADA)
    with pytest.raises(RateLimited) as refused:
        pace.take(ADA)
    assert refused.value.retry_after_seconds == pytest.approx(10)
    pace.take(BOB)
    now += 10
    pace.take(ADA)
    with pytest.raises(RateLimited):
        pace.take(ADA)
    now += 3600
    for _ in range(6):
        pace.take(ADA)
    with pytest.raises(RateLimited):
        pace.take(ADA)


READS = [
    "/api/v1/generations", "/api/v1/usage", "/api/v1/me", "/api/v1/webhooks/deliveries",
    "/api/v1/webhooks/endpoints", "/v1/videos", "/dream-machine/v1/generations",
    "/dream-machine/v1/credits",
]  # fmt: skip


@pytest.mark.parametrize("path", READS)
async def test_lists_and_sums_go_a_few_at_a_time(still_gate: Gateway, path: str) -> None:
    ada, bob = await still_gate.member(), await still_gate.member("bob")
    still_gate.rt.read_limit = reads = ConcurrencyLimit(
        "reads", at_a_time=1, wait_seconds=0.01, line=1
    )
    async with reads.slot((await caller_of(still_gate, ada)).member_id):
        refused = await still_gate.http.get(path, headers={"API-KEY": ada})
        assert refused.status_code == 429, refused.text
        assert int(refused.headers["Retry-After"]) >= 1
        said = refused.json().get("error", refused.json())
        assert (said["billed"], said["retry_safe"]) == (False, True)
        found = await still_gate.http.get(path, headers={"API-KEY": bob})
        assert found.status_code == 200, found.text
    found = await still_gate.http.get(path, headers={"API-KEY": ada})
    assert found.status_code == 200


async def test_a_crowd_of_one_member_is_answered_one_after_the_other(still_gate: Gateway) -> None:
    """No client that asks for many things at once is refused for it."""
    still_gate.rt.read_limit = ConcurrencyLimit("reads", at_a_time=4, wait_seconds=60, line=100)
    ada, bob = await still_gate.member(), await still_gate.member("bob")
    crowd = [
        asyncio.create_task(still_gate.http.get("/api/v1/usage", headers={"API-KEY": ada}))
        for _ in range(40)
    ]
    found = await still_gate.http.get("/api/v1/usage", headers={"API-KEY": bob})
    assert found.status_code == 200
    assert {each.status_code for each in await asyncio.gather(*crowd)} == {200}
