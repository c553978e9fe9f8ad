"""A receiver that hangs has its share of the lane, and everybody else the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.webhooks.fairness import Fairness
from tests.harness.gateway import Gateway, gateway
from tests.webhooks.receiving import (
    PATIENCE_SECONDS,
    Receiver,
    endpoint,
    receiving,
)
from tests.webhooks.test_delivery import canceled

LANE = 8


@pytest.fixture
async def hanging() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        running.held = asyncio.Event()
        yield running


@pytest.fixture
async def quick() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
async def gate(
    database_url: str, tmp_path: Path, hanging: Receiver, quick: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Gateway]:  # fmt: skip
    # Those that hang do so until they are let go, however busy the machine is.
    monkeypatch.setattr("app.webhooks.delivery.ATTEMPT_SECONDS", 600.0)
    async with gateway(
        database_url, tmp_path, worker=False, webhook_concurrency=LANE,
        webhook_internal_origins=(hanging.origin, quick.origin),
    ) as running:  # fmt: skip
        yield running


async def a_member(gate: Gateway, name: str) -> str:
    return await gate.member(name, max_open=100, rate_burst=100)


def let_go(receiver: Receiver) -> None:
    assert receiver.held is not None
    receiver.held.set()


async def attempts(gate: Gateway) -> list[tuple[str, int]]:
    """State and attempts of each delivery, once none is pending. Writing one down has no event."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with gate.rt.db.single() as tx:
                rows = await tx.execute(text("SELECT state, attempts FROM webhook_deliveries"))
                found = [(row.state, row.attempts) for row in rows]
            if "pending" not in dict(found):
                return found
            await asyncio.sleep(0.02)


async def test_others_pass_a_receiver_that_hangs(
    gate: Gateway, hanging: Receiver, quick: Receiver
) -> None:
    ada, bob = await a_member(gate, "ada"), await a_member(gate, "bob")
    await endpoint(gate, ada, hanging.url)
    await endpoint(gate, bob, quick.url)
    for _ in range(3 * LANE):
        await canceled(gate, ada)
    for _ in range(10):
        await canceled(gate, bob)
    gate.start_worker()
    await quick.until(10)
    await hanging.until(LANE // 4)
    assert len(hanging.requests) == LANE // 4
    let_go(hanging)
    await hanging.until(3 * LANE)
    # Waiting for its share is not a try, and nothing was sent twice.
    assert await attempts(gate) == [("delivered", 1)] * (3 * LANE + 10)
    assert len(hanging.requests) == 3 * LANE


async def test_a_member_with_many_that_hang_has_half_of_the_lane(
    gate: Gateway, hanging: Receiver, quick: Receiver
) -> None:
    ada, bob = await a_member(gate, "ada"), await a_member(gate, "bob")
    for _ in range(5):
        await endpoint(gate, ada, hanging.url)
    await endpoint(gate, ada, quick.url)
    await endpoint(gate, bob, quick.url)
    for _ in range(LANE):
        await canceled(gate, ada)
    for _ in range(3):
        await canceled(gate, bob)
    gate.start_worker()
    await quick.until(3)
    assert len(hanging.requests) <= LANE // 2
    let_go(hanging)
    await hanging.until(5 * LANE)
    await quick.until(3 + LANE)
    assert set(await attempts(gate)) == {("delivered", 1)}


async def test_callbacks_of_one_member_are_one_receiver(
    gate: Gateway, hanging: Receiver, quick: Receiver
) -> None:
    ada, bob = await a_member(gate, "ada"), await a_member(gate, "bob")
    for key, count, to in ((ada, 2 * LANE, hanging), (bob, 3, quick)):
        for number in range(count):
            await called_back(gate, key, f"{to.origin}/{number}")
    gate.start_worker()
    await quick.until(3)
    await hanging.until(LANE // 4)
    assert len(hanging.requests) == LANE // 4
    let_go(hanging)
    await hanging.until(2 * LANE)


async def called_back(gate: Gateway, key: str, url: str) -> None:
    answer = await gate.http.post(
        "/api/v1/generations", headers={"API-KEY": key},
        json={"feature": "TEXT_TO_VIDEO", "prompt": "told", "model": "ray-v3", "duration": "5s",
              "callback_url": url},
    )  # fmt: skip
    assert answer.is_success, answer.text
    path = f"/api/v1/generations/{answer.json()['id']}/cancel"
    assert (await gate.http.post(path, headers={"API-KEY": key})).status_code == 200


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_the_smallest_lane_has_a_share_for_everybody(size: int) -> None:
    fairness, receiver, owner = Fairness(size), uuid4(), uuid4()
    assert await fairness.acquire(receiver, owner, seconds=0)
    assert not await fairness.acquire(receiver, owner, seconds=0)
    assert await fairness.acquire(uuid4(), uuid4(), seconds=0)
    await fairness.release(receiver, owner)
    assert await fairness.acquire(receiver, owner, seconds=0)


async def test_a_share_that_is_given_back_is_taken_by_who_waits() -> None:
    fairness, receiver, owner = Fairness(4), uuid4(), uuid4()
    assert await fairness.acquire(receiver, owner, seconds=0)
    waiting = asyncio.create_task(fairness.acquire(receiver, owner, seconds=PATIENCE_SECONDS))
    await asyncio.sleep(0)
    assert not waiting.done()
    await fairness.release(receiver, owner)
    assert await waiting


async def test_receivers_with_postponed_deliveries_take_turns() -> None:
    fairness, owner = Fairness(8), uuid4()
    first, second = uuid4(), uuid4()
    for receiver in (first, second, first):
        fairness.add_waiting(receiver, owner)
    assert fairness.next_waiting(owner) == first
    fairness.add_waiting(first, owner)
    assert [fairness.next_waiting(owner) for _ in range(3)] == [second, first, None]
    assert fairness.next_waiting(uuid4()) is None
