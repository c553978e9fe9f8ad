"""The same `Idempotency-Key`: the same generation."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx

from app.generations.admission import IDEMPOTENCY_SECONDS
from tests.harness.clock import HandClock
from tests.harness.gateway import Gateway, body, gateway
from tests.harness.traces import traces
from tests.simulator.conftest import until


def uuid_of(answer: httpx.Response) -> str:
    assert answer.status_code in (200, 202), answer.text
    return str(answer.json()["aiRecord"]["uuid"])


async def test_the_same_key_and_body_replay_the_same_generation(still_gate: Gateway) -> None:
    key = await still_gate.member()
    first = await still_gate.create(key, idempotency_key="order-1")
    assert "Idempotent-Replayed" not in first.headers
    before = await traces(still_gate)
    again = await still_gate.create(key, idempotency_key="order-1")
    assert uuid_of(again) == uuid_of(first)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert await traces(still_gate) == before


async def test_the_order_of_fields_and_whether_to_wait_are_not_part_of_the_body(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    first = await still_gate.create(key, idempotency_key="order-1")
    asked = body()
    turned: dict[str, Any] = {
        "promptObject": dict(reversed(asked["promptObject"].items())),
        "async": True,
        "model": asked["model"],
        "type": asked["type"],
    }
    again = await still_gate.create(key, turned, idempotency_key="order-1")
    assert uuid_of(again) == uuid_of(first)


async def test_another_body_under_the_same_key_is_422_and_changes_nothing(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    first = await still_gate.create(key, idempotency_key="order-1")
    before = await traces(still_gate)
    for other in (body("another"), body(loop=None), body(duration="10s")):
        answer = await still_gate.create(key, other, idempotency_key="order-1")
        assert answer.status_code == 422
        assert answer.json()["errorCode"] == "IDEMPOTENCY_MISMATCH"
        assert answer.json()["billed"] is False
        assert answer.json()["details"][0]["field"] == "Idempotency-Key"
        assert "aiRecord" not in answer.json()
    assert await traces(still_gate) == before
    assert uuid_of(await still_gate.create(key, idempotency_key="order-1")) == uuid_of(first)


async def test_a_quoted_key_and_a_bare_one_are_the_same(still_gate: Gateway) -> None:
    key = await still_gate.member()
    spellings = ("8e03978e", '"8e03978e"', '  "8e03978e" ')
    uuids = {uuid_of(await still_gate.create(key, idempotency_key=each)) for each in spellings}
    assert len(uuids) == 1


async def test_the_longest_key_is_accepted(still_gate: Gateway) -> None:
    key, longest = await still_gate.member(), "k" * 255
    first = await still_gate.create(key, idempotency_key=longest)
    assert uuid_of(await still_gate.create(key, idempotency_key=longest)) == uuid_of(first)


async def test_keys_belong_to_a_member_and_not_to_an_api_key(still_gate: Gateway) -> None:
    ada, bob = await still_gate.member("ada"), await still_gate.member("bob")
    first = await still_gate.create(ada, idempotency_key="order-1")
    other = await still_gate.create(bob, idempotency_key="order-1")
    assert uuid_of(other) != uuid_of(first)
    assert "Idempotent-Replayed" not in other.headers


async def test_an_expired_key_makes_a_new_generation(database_url: str, tmp_path: Path) -> None:
    clock = HandClock()
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        key = await gate.member()
        first = await gate.create(key, idempotency_key="order-1")
        clock.move(IDEMPOTENCY_SECONDS - 1)
        within = await gate.create(key, idempotency_key="order-1")
        assert uuid_of(within) == uuid_of(first)
        clock.move(1)
        after = await gate.create(key, body("another"), idempotency_key="order-1")
        assert uuid_of(after) != uuid_of(first)
        assert "Idempotent-Replayed" not in after.headers
        replayed = await gate.create(key, body("another"), idempotency_key="order-1")
        assert uuid_of(replayed) == uuid_of(after)


async def test_concurrent_creates_with_one_key_share_one_generation_and_its_video(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()

    async def create() -> httpx.Response:
        return await still_gate.http.post(
            "/api/features", json=body(), headers={"API-KEY": key, "Idempotency-Key": "order-1"}
        )

    async def all_wait() -> bool:
        return still_gate.rt.watch.waiting == 3

    creating = [asyncio.create_task(create()) for _ in range(3)]
    await until(all_wait)
    still_gate.start_worker()
    answers = await asyncio.gather(*creating)
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["aiRecord"]["status"] for answer in answers} == {"SUCCESS"}
    assert len({uuid_of(answer) for answer in answers}) == 1
    assert sorted(answer.headers.get("Idempotent-Replayed", "") for answer in answers) == [
        "", "true", "true",
    ]  # fmt: skip
    books = await still_gate.simulator.summary()
    assert books["requests"]["features"] == 1
    late = await create()
    assert (late.status_code, uuid_of(late)) == (200, uuid_of(answers[0]))


async def test_a_refusal_does_not_use_a_key_up(still_gate: Gateway) -> None:
    key = await still_gate.member(max_open=1)
    first = await still_gate.create(key)
    refused = await still_gate.create(key, idempotency_key="order-1")
    assert refused.status_code == 429
    await still_gate.http.post(
        f"/api/v1/generations/{uuid_of(first)}/cancel", headers={"API-KEY": key}
    )
    taken = await still_gate.create(key, body("another"), idempotency_key="order-1")
    assert taken.status_code == 202
    assert "Idempotent-Replayed" not in taken.headers
