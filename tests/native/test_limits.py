"""Every limit says which one bound, its figure and when to come back; and uses nothing up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.domain.caller import Status
from app.domain.limits import Limits
from app.members import members, teams
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, body, gateway
from tests.harness.traces import traces


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def timed_gate(database_url: str, tmp_path: Path, clock: HandClock) -> AsyncIterator[Gateway]:
    """No worker, and time moves only by hand."""
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        yield gate


def refusal(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The body of a refusal in this dialect, its common part checked."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    found: dict[str, Any] = answer.json()
    assert found["errorCode"] == code
    assert found["message"]
    assert (found["billed"], found["retry_safe"]) == (False, True)
    assert found["requestId"] == answer.headers["X-Request-Id"]
    assert "aiRecord" not in found
    return found


async def test_the_rate_is_shown_counts_down_and_then_refuses_with_the_time_to_come_back(
    timed_gate: Gateway, clock: HandClock
) -> None:
    key = await timed_gate.member(rate_per_minute=6, rate_burst=3)
    for left, seconds_to_full in ((2, 10), (1, 20), (0, 30)):
        answer = await timed_gate.create(key)
        assert answer.status_code == 202
        assert answer.headers["RateLimit-Policy"] == '"member";q=3;w=30'
        assert answer.headers["RateLimit"] == f'"member";r={left};t={seconds_to_full}'
    before = await traces(timed_gate)
    clock.move(1)
    for _ in range(2):
        answer = await timed_gate.create(key)
        found = refusal(answer, 429, "RATE_LIMITED")
        assert found["context"] == {"limit": "rate_per_minute", "limit_value": 6}
        assert "6 requests per minute (burst 3)" in found["message"]
        assert answer.headers["Retry-After"] == "9"
        assert answer.headers["RateLimit-Policy"] == '"member";q=3;w=30'
        assert answer.headers["RateLimit"] == '"member";r=0;t=29'
    assert await traces(timed_gate) == before
    clock.move(8.999)
    refusal(await timed_gate.create(key), 429, "RATE_LIMITED")
    clock.move(0.001)
    assert (await timed_gate.create(key)).status_code == 202
    refusal(await timed_gate.create(key), 429, "RATE_LIMITED")


async def test_a_members_rate_is_its_own(timed_gate: Gateway) -> None:
    ada = await timed_gate.member("ada", rate_per_minute=1, rate_burst=1)
    bob = await timed_gate.member("bob", rate_per_minute=1, rate_burst=1)
    assert (await timed_gate.create(ada)).status_code == 202
    refusal(await timed_gate.create(ada), 429, "RATE_LIMITED")
    assert (await timed_gate.create(bob)).status_code == 202


async def test_open_generations_are_capped_and_a_cancel_makes_room(still_gate: Gateway) -> None:
    key = await still_gate.member(max_open=2)
    uuids = [(await still_gate.create(key)).json()["aiRecord"]["uuid"] for _ in range(2)]
    before = await traces(still_gate)
    answer = await still_gate.create(key)
    found = refusal(answer, 429, "MAX_OPEN_REACHED")
    assert found["context"] == {"limit": "max_open", "limit_value": 2, "used_value": 2}
    assert int(answer.headers["Retry-After"]) > 0
    assert await traces(still_gate) == before
    await still_gate.http.post(f"/api/v1/generations/{uuids[0]}/cancel", headers={"API-KEY": key})
    assert (await still_gate.create(key)).status_code == 202


async def test_a_members_credits_are_capped_with_the_figures_named(still_gate: Gateway) -> None:
    key = await still_gate.member(credit_limit=449_999)
    for used in (150_000, 300_000):
        answer = await still_gate.create(key)
        assert answer.json()["aiRecord"]["teamUser"]["usedCredit"] == used
    before = await traces(still_gate)
    answer = await still_gate.create(key)
    found = refusal(answer, 402, "INSUFFICIENT_CREDITS")
    assert found["context"] == {
        "limit": "member_credit_limit", "limit_value": 449_999, "granted_value": 0,
        "used_value": 300_000,
        "held_value": 300_000, "remaining_value": 149_999, "quote": 150_000, "period": "none",
        "time_zone": "UTC", "resets_at": None,
    }  # fmt: skip
    assert "Retry-After" not in answer.headers
    assert await traces(still_gate) == before
    await members.change_member(
        still_gate.rt, TEAM, "ada", limits=Limits(credit_limit=450_000), actor=TESTER
    )
    assert (await still_gate.create(key)).status_code == 202


async def test_a_teams_credits_bind_all_its_members(still_gate: Gateway) -> None:
    ada, bob = await still_gate.member("ada"), await still_gate.member("bob")
    await teams.change_team(still_gate.rt, TEAM, credit_limit=200_000, actor=TESTER)
    assert (await still_gate.create(ada)).status_code == 202
    before = await traces(still_gate)
    found = refusal(await still_gate.create(bob), 402, "INSUFFICIENT_CREDITS")
    assert found["context"] == {
        "limit": "team_credit_limit", "limit_value": 200_000, "granted_value": 0,
        "used_value": 150_000,
        "held_value": 150_000, "remaining_value": 50_000, "quote": 150_000, "period": "none",
        "time_zone": "UTC", "resets_at": None,
    }  # fmt: skip
    assert await traces(still_gate) == before
    other = await still_gate.member("eve", team="rivals")
    assert (await still_gate.create(other)).status_code == 202


@pytest.mark.parametrize("whose", ["member", "team"])
async def test_a_suspended_member_or_team_may_look_but_not_create(
    still_gate: Gateway, whose: str
) -> None:
    key = await still_gate.member()
    uuid = (await still_gate.create(key)).json()["aiRecord"]["uuid"]

    async def set_status(status: Status) -> None:
        if whose == "member":
            await members.change_member(still_gate.rt, TEAM, "ada", status=status, actor=TESTER)
        else:
            await teams.change_team(still_gate.rt, TEAM, status=status, actor=TESTER)

    await set_status(Status.SUSPENDED)
    before = await traces(still_gate)
    refusal(await still_gate.create(key), 403, "FORBIDDEN")
    assert await traces(still_gate) == before
    seen = await still_gate.http.get(f"/api/results/{uuid}", headers={"API-KEY": key})
    assert seen.json()["aiRecord"]["teamUser"]["status"] == "SUSPENDED"
    await set_status(Status.ACTIVE)
    assert (await still_gate.create(key)).status_code == 202


async def test_a_request_without_a_price_is_refused_before_anything_is_taken(
    database_url: str, tmp_path: Path
) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(
        '[[price]]\nfeature = "TEXT_TO_VIDEO"\nprovider = "luma"\nmodel = "ray-v1"\n'
        'credits = 7\nas_of = 2026-01-01\nsource = "test"\n'
    )
    async with gateway(database_url, tmp_path, worker=False, prices_file=prices) as gate:
        key = await gate.member()
        before = await traces(gate)
        found = refusal(await gate.create(key), 422, "PRICE_UNKNOWN")
        assert "luma ray-v3 with duration 5s, " in found["message"]
        assert await traces(gate) == before
        priced = await gate.create(key, body(modelName="ray-v1"))
        assert priced.json()["aiRecord"]["teamUser"]["usedCredit"] == 7
