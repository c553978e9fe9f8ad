"""The one decision: what it accepts, what it refuses, and that a refusal uses nothing up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.db import api_keys
from app.domain.caller import Caller, Status
from app.domain.catalog.spec import Spec
from app.errors import (
    IdempotencyMismatch,
    InsufficientCredits,
    MaxOpenReached,
    RateLimited,
    Suspended,
    Unavailable,
)
from app.generations.admission import IDEMPOTENCY_SECONDS, Admitted, CallerChanged, admit
from app.members.members import change_member
from app.members.teams import change_team
from app.runtime import Clock
from app.secrets import digest_of
from tests.harness.actors import TESTER
from tests.harness.gateway import TEAM, Gateway, gateway
from tests.harness.specs import luma

SPEC = luma(prompt="a wave", model="ray-v3", duration="5s")
OTHER = luma(prompt="a hill", model="ray-v3", duration="5s")
PRICE = 150_000


class StillClock(Clock):
    """A clock that only the test moves, for this process and for the database's decisions."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def for_database(self) -> datetime | None:
        return self.at

    def pass_seconds(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def timed(database_url: str, tmp_path: Path, clock: StillClock) -> AsyncIterator[Gateway]:
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as running:
        yield running


async def caller_of(gate: Gateway, key: str) -> Caller:
    async with gate.rt.db.single() as tx:
        caller = await api_keys.find_caller(tx, digest_of(key))
    assert caller is not None
    return caller


async def ask(gate: Gateway, key: str, spec: Spec = SPEC, **more: Any) -> Admitted:
    caller = await caller_of(gate, key)
    return await admit(gate.rt, caller, spec, dialect="onemin", **more)


async def contents(gate: Gateway) -> dict[str, int]:
    """Rows of every table that an admission may write."""
    tables = ("generations", "ledger_entries", "idempotency_keys", "events", "procrastinate_jobs")
    async with gate.rt.db.single() as tx:
        return {
            name: int(await tx.scalar(text(f"SELECT count(*) FROM {name}")) or 0) for name in tables
        }


async def arrival(gate: Gateway) -> datetime:
    async with gate.rt.db.single() as tx:
        at = await tx.scalar(text("SELECT max(arrival_at) FROM rate_states"))
    assert isinstance(at, datetime)
    return at


async def test_an_accepted_request_leaves_row_hold_event_and_job(still_gate: Gateway) -> None:
    key = await still_gate.member()
    admitted = await ask(still_gate, key, idempotency_key="k")
    assert admitted.fresh is not None
    assert admitted.fresh.used_credits == PRICE
    assert await contents(still_gate) == {
        "generations": 1, "ledger_entries": 1, "idempotency_keys": 1, "events": 1,
        "procrastinate_jobs": 1,
    }  # fmt: skip


async def test_the_burst_is_exact_and_refills_one_step_at_a_time(
    timed: Gateway, clock: StillClock
) -> None:
    key = await timed.member(rate_per_minute=6, rate_burst=3)
    for _ in range(3):
        await ask(timed, key)
    with pytest.raises(RateLimited) as refused:
        await ask(timed, key)
    assert refused.value.retry_after_seconds == pytest.approx(10)
    assert refused.value.extra == {"limit": "rate_per_minute", "limit_value": 6}
    assert refused.value.headers["RateLimit"] == '"member";r=0;t=30'
    assert refused.value.headers["RateLimit-Policy"] == '"member";q=3;w=30'
    clock.pass_seconds(9.9)
    with pytest.raises(RateLimited):
        await ask(timed, key)
    clock.pass_seconds(0.1)
    await ask(timed, key)
    with pytest.raises(RateLimited):
        await ask(timed, key)


async def test_a_clock_that_was_set_back_locks_nobody_out(
    timed: Gateway, clock: StillClock
) -> None:
    key = await timed.member(rate_per_minute=60, rate_burst=2)
    await ask(timed, key)
    clock.pass_seconds(-7200)
    with pytest.raises(RateLimited) as refused:
        await ask(timed, key)
    assert refused.value.retry_after_seconds == pytest.approx(1)


async def test_the_rate_headers_count_down(timed: Gateway) -> None:
    key = await timed.member(rate_per_minute=60, rate_burst=2)
    seen = [(await ask(timed, key)).headers["RateLimit"] for _ in range(2)]
    assert seen == ['"member";r=1;t=1', '"member";r=0;t=2']


async def test_the_open_cap_names_its_figures(still_gate: Gateway) -> None:
    key = await still_gate.member(max_open=2)
    for _ in range(2):
        await ask(still_gate, key)
    with pytest.raises(MaxOpenReached) as refused:
        await ask(still_gate, key)
    assert refused.value.extra == {"limit": "max_open", "limit_value": 2, "used_value": 2}


async def test_credits_bind_at_the_last_whole_video(still_gate: Gateway) -> None:
    key = await still_gate.member(credit_limit=2 * PRICE + PRICE - 1)
    for _ in range(2):
        await ask(still_gate, key)
    with pytest.raises(InsufficientCredits) as refused:
        await ask(still_gate, key)
    assert refused.value.extra == {
        "limit": "member_credit_limit", "limit_value": 3 * PRICE - 1, "granted_value": 0,
        "used_value": 2 * PRICE,
        "held_value": 2 * PRICE, "remaining_value": PRICE - 1, "quote": PRICE, "period": "none",
        "time_zone": "UTC", "resets_at": None,
    }  # fmt: skip


async def test_a_teams_credits_bind_over_all_its_members(still_gate: Gateway) -> None:
    first, second = await still_gate.member("ada"), await still_gate.member("ben")
    await change_team(still_gate.rt, TEAM, credit_limit=2 * PRICE, actor=TESTER)
    await ask(still_gate, first)
    await ask(still_gate, second)
    with pytest.raises(InsufficientCredits) as refused:
        await ask(still_gate, second)
    assert refused.value.extra["limit"] == "team_credit_limit"
    await change_team(still_gate.rt, TEAM, unlimited=True, actor=TESTER)
    await ask(still_gate, second)


async def test_a_limit_of_nothing_admits_nothing(still_gate: Gateway) -> None:
    key = await still_gate.member(credit_limit=0)
    with pytest.raises(InsufficientCredits):
        await ask(still_gate, key)


@pytest.mark.parametrize(
    "limits",
    [{"rate_burst": 1}, {"max_open": 1}, {"credit_limit": PRICE}],
    ids=["rate", "open", "credits"],
)
async def test_a_refusal_writes_nothing(timed: Gateway, limits: dict[str, int]) -> None:
    key = await timed.member(**limits)  # type: ignore[arg-type] # mypy mixes them with the names before
    await ask(timed, key)
    before, at = await contents(timed), await arrival(timed)
    with pytest.raises((RateLimited, MaxOpenReached, InsufficientCredits)):
        await ask(timed, key, idempotency_key="refused")
    assert (await contents(timed), await arrival(timed)) == (before, at)


async def test_the_same_key_and_body_is_the_same_generation(timed: Gateway) -> None:
    key = await timed.member(rate_burst=1, max_open=1, credit_limit=PRICE)
    first = await ask(timed, key, idempotency_key="k")
    before, at = await contents(timed), await arrival(timed)
    again = await ask(timed, key, idempotency_key="k")
    assert again.generation_id == first.generation_id
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (await contents(timed), await arrival(timed)) == (before, at)


async def test_the_same_key_with_another_body_is_refused(still_gate: Gateway) -> None:
    key = await still_gate.member()
    await ask(still_gate, key, idempotency_key="k")
    with pytest.raises(IdempotencyMismatch):
        await ask(still_gate, key, OTHER, idempotency_key="k")


async def test_a_key_is_forgotten_in_time_and_then_means_a_new_video(
    timed: Gateway, clock: StillClock
) -> None:
    key = await timed.member()
    first = await ask(timed, key, idempotency_key="k")
    clock.pass_seconds(IDEMPOTENCY_SECONDS - 1)
    assert (await ask(timed, key, idempotency_key="k")).generation_id == first.generation_id
    clock.pass_seconds(2)
    assert (await ask(timed, key, idempotency_key="k")).generation_id != first.generation_id


async def test_keys_of_two_members_have_nothing_to_do_with_each_other(
    still_gate: Gateway,
) -> None:
    ada, ben = await still_gate.member("ada"), await still_gate.member("ben")
    first = await ask(still_gate, ada, idempotency_key="k")
    second = await ask(still_gate, ben, OTHER, idempotency_key="k")
    assert first.generation_id != second.generation_id


async def test_suspension_between_authentication_and_admission_still_refuses(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    caller = await caller_of(still_gate, key)
    await change_member(still_gate.rt, TEAM, "ada", status=Status.SUSPENDED, actor=TESTER)
    with pytest.raises(CallerChanged):
        await admit(still_gate.rt, caller, SPEC, dialect="onemin")
    with pytest.raises(Suspended):
        await admit(still_gate.rt, replace(caller, version=None), SPEC, dialect="onemin")
    assert (await contents(still_gate))["generations"] == 0


async def test_where_no_connection_was_to_be_had_it_may_be_sent_again(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was asked of the database, so nothing need be looked for: it would say for five
    seconds, and then to the caller, that nobody knows whether it was accepted."""
    caller = await caller_of(still_gate, await still_gate.member())
    monkeypatch.setattr(still_gate.rt.db.direct, "_wait_seconds", 0.01)
    monkeypatch.setattr(still_gate.rt.db.direct, "_free", asyncio.Semaphore(0))
    with pytest.raises(Unavailable) as refused:
        await admit(still_gate.rt, caller, SPEC, dialect="onemin")
    assert refused.value.unasked
    assert refused.value.extra.get("retry_safe", refused.value.retry_safe) is True
    assert (await contents(still_gate))["generations"] == 0


async def test_a_members_nth_open_generation_ranks_below_everyones_first(
    still_gate: Gateway,
) -> None:
    ada, ben = await still_gate.member("ada"), await still_gate.member("ben")
    for _ in range(3):
        await ask(still_gate, ada)
    await ask(still_gate, ben)
    async with still_gate.rt.db.single() as tx:
        ranked = await tx.execute(
            text(
                "SELECT m.name FROM procrastinate_jobs j"
                " JOIN generations g ON g.id = (j.args->>'subject_id')::uuid"
                " JOIN members m ON m.id = g.member_id ORDER BY j.priority DESC, j.id"
            )
        )
        assert [row.name for row in ranked] == ["ada", "ben", "ada", "ada"]
