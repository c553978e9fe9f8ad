"""Credits that stay in the accounts of upstream keys: what might use them waits, and goes on by
itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from app.domain.generation import State
from app.domain.upstream_keys import KeyState
from app.operators import upstream_keys
from app.worker import upkeep
from tests.harness.gateway import UPSTREAM_KEY, Gateway, gateway
from tests.harness.traces import execute, one
from tests.simulator.conftest import until
from tests.worker.test_submissions import created, submissions_of, work_of
from tests.worker.test_watermarks import PRICE, change, make

RESERVE = 1_000_000
OTHER_KEY = "canary-upstream-key-0002"


async def state_of(gate: Gateway, label: str = "main") -> tuple[KeyState, str | None]:
    found = {status.key.label: status.key for status in await upstream_keys.list_keys(gate.rt)}
    return found[label].state, found[label].reason


async def left(gate: Gateway, credits_: int, **of_key: str) -> None:
    """Leaves so many credits in the account."""
    body: dict[str, Any] = {"used_credit": 0, "credit_limit": credits_, **of_key}
    answer = await gate.simulator.http.post("/_simulator/account", json=body)
    assert answer.status_code == 200, answer.text


async def until_set_aside(gate: Gateway, label: str = "main") -> None:
    async def aside() -> bool:
        return await state_of(gate, label) == (KeyState.SET_ASIDE, "reserve")

    await until(aside)


async def until_in_use(gate: Gateway) -> None:
    """What upkeep does a minute later, and then at once."""

    async def in_use() -> bool:
        await execute(gate, "UPDATE upstream_keys SET looked_at = NULL")
        await upkeep.one_round(gate.worker)
        return (await state_of(gate))[0] is KeyState.ACTIVE

    await until(in_use)


async def test_what_might_use_the_reserve_waits_until_credits_are_added(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(
        database_url, tmp_path, upstream_reserve_credits=RESERVE, worker_stalled_seconds=3600
    ) as gate:
        key = await gate.member()
        await left(gate, RESERVE + 2 * PRICE + 5)
        await make(gate, key, "the first, when nothing is known yet")
        await make(gate, key, "the last that can be paid")
        held = await created(gate, key, "not sent")
        await until_set_aside(gate)
        waiting = (
            await gate.http.get(f"/api/v1/generations/{held}", headers={"API-KEY": key})
        ).json()["waiting"]
        assert waiting["reason"] == "upstream_unavailable"
        await execute(gate, "UPDATE upstream_keys SET looked_at = NULL")
        await upkeep.one_round(gate.worker)
        assert (await state_of(gate))[0] is KeyState.SET_ASIDE, (
            "a look-up shows no more than before"
        )
        assert await submissions_of(gate, "not sent") == []
        await change(gate, credit_limit_change=PRICE)
        await until_in_use(gate)
        assert (await gate.closed(held)).state is State.SUCCEEDED
        assert len(await submissions_of(gate, "not sent")) == 1


async def test_of_many_at_once_only_as_many_go_as_leave_the_reserve(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(
        database_url, tmp_path, worker=False, speed=0.001, upstream_reserve_credits=RESERVE
    ) as gate:
        key = await gate.member(max_open=30, rate_per_minute=6000, rate_burst=100)
        await left(gate, RESERVE + 4 * PRICE + PRICE // 2)
        first = await created(gate, key, "shows the figures")
        gate.start_worker()

        async def known() -> bool:
            mark = await one(gate, "SELECT count(observed_at) AS known FROM upstream_watermarks")
            return bool(mark["known"])

        await until(known)
        await gate.stop_workers()
        waiting = [await created(gate, key, f"wave {number}") for number in range(10)]
        gate.start_worker()
        await until_set_aside(gate)
        await gate.stop_workers()
        states = [(await work_of(gate, uuid)).state for uuid in (first, *waiting)]
        assert states.count(State.RUNNING) == 4
        assert states.count(State.QUEUED) == 7


async def test_other_keys_go_on(database_url: str, tmp_path: Path) -> None:
    async with gateway(
        database_url, tmp_path, upstream_reserve_credits=RESERVE,
        onemin_api_key=SecretStr(f"main={UPSTREAM_KEY},other={OTHER_KEY}"),
    ) as gate:  # fmt: skip
        key = await gate.member()
        await left(gate, RESERVE + PRICE + 5, key=UPSTREAM_KEY)
        for number in range(6):
            await make(gate, key, f"film {number}")
        assert await state_of(gate) == (KeyState.SET_ASIDE, "reserve")
        assert (await state_of(gate, "other"))[0] is KeyState.ACTIVE


async def test_an_operator_can_say_that_the_figures_are_wrong(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(
        database_url, tmp_path, upstream_reserve_credits=RESERVE, worker_stalled_seconds=3600
    ) as gate:
        key = await gate.member()
        await left(gate, RESERVE + PRICE + 5)
        await make(gate, key, "the first")
        held = await created(gate, key, "sent on an operator's word")
        await until_set_aside(gate)
        await upstream_keys.return_to_use(gate.rt, "main", reason="topped up", actor="op")
        assert (await gate.closed(held)).state is State.SUCCEEDED
        await created(gate, key, "the answer has said it again")
        await until_set_aside(gate)


async def test_without_the_setting_or_figures_nothing_is_held_back(gate: Gateway) -> None:
    key = await gate.member()
    await left(gate, 3 * PRICE)
    for number in range(3):
        await make(gate, key, f"film {number}")
    assert await state_of(gate) == (KeyState.ACTIVE, None)


async def test_a_key_returns_when_the_setting_is_taken_away(still_gate: Gateway) -> None:
    await still_gate.worker.upstream_key_ids_now()
    await execute(
        still_gate,
        "UPDATE upstream_keys SET state = 'set_aside', reason = 'reserve', needed = 5",
    )
    await upkeep.one_round(still_gate.worker)
    assert await state_of(still_gate) == (KeyState.ACTIVE, None)
