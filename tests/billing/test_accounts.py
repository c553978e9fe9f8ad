"""Accounts of keys, members and teams: limits that begin anew, and balances beside the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.billing import accounts
from app.domain.accounts import Period
from app.domain.generation import FailureCode
from app.domain.limits import Limits
from app.errors import InvalidRequest
from app.generations import cancel, lifecycle
from app.members import keys, members, teams
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, gateway
from tests.harness.traces import execute
from tests.worker.test_submissions import created, work_of

PRICE = 150_000
#: Half an hour before a month ends in Berlin, and an hour and a half before it ends in UTC.
EVE = datetime(2026, 3, 31, 21, 30, tzinfo=UTC)


@pytest.fixture
async def monthly(database_url: str, tmp_path: Path) -> AsyncIterator[tuple[Gateway, HandClock]]:
    """On the eve of a new month."""
    clock = HandClock()
    clock.at = EVE
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        yield gate, clock


async def me(gate: Gateway, key: str) -> dict[str, Any]:
    answer = await gate.http.get("/api/v1/me", headers={"API-KEY": key})
    credits_: dict[str, Any] = answer.json()["credits"]
    return credits_


async def limit(gate: Gateway, **changes: Any) -> None:
    await members.change_member(gate.rt, TEAM, "ada", limits=Limits(**changes), actor=TESTER)


async def test_a_month_begins_anew_in_the_time_zone_of_the_team(
    monthly: tuple[Gateway, HandClock],
) -> None:
    gate, clock = monthly
    await teams.create_team(
        gate.rt, TEAM, credit_limit=None, time_zone="Europe/Berlin", actor=TESTER
    )
    key = await gate.member(credit_limit=PRICE, credit_period=Period.MONTH)
    assert (await gate.create(key)).status_code == 202
    refused = await gate.create(key)
    assert refused.status_code == 402
    assert refused.headers["Retry-After"] == "1800"
    told = refused.json()["context"]
    assert (told["period"], told["time_zone"]) == ("month", "Europe/Berlin")
    assert told["resets_at"] == "2026-03-31T22:00:00Z"
    clock.at = EVE + timedelta(minutes=30)
    assert (await gate.create(key)).status_code == 202
    bound = (await me(gate, key))["binding"]
    assert (bound["used_credits"], bound["resets_at"]) == (PRICE, "2026-04-30T22:00:00Z")


async def test_a_generation_counts_in_the_month_it_was_created_in_whenever_it_ends(
    monthly: tuple[Gateway, HandClock],
) -> None:
    gate, clock = monthly
    key = await gate.member(credit_limit=2 * PRICE, credit_period=Period.MONTH)
    first, second = await created(gate, key), await created(gate, key)
    clock.at = EVE + timedelta(hours=3)
    assert (await me(gate, key))["binding"]["used_credits"] == 0
    await cancel.cancel(gate.rt, UUID(first), actor="test")
    work = await work_of(gate, second)
    async with lifecycle.begin(gate.rt) as transaction:
        await lifecycle.fail(
            transaction, work, attempt=None, code=FailureCode.UPSTREAM_FAILED, message="no",
            now=clock.now(), billed_credits=PRICE,
        )  # fmt: skip
    assert (await gate.generation(UUID(second))).settled == PRICE
    assert (await me(gate, key))["binding"]["used_credits"] == 0
    clock.at = EVE
    bound = (await me(gate, key))["binding"]
    assert (bound["settled_credits"], bound["held_credits"]) == (PRICE, 0)


async def test_the_least_of_key_member_and_team_binds_and_is_named(still_gate: Gateway) -> None:
    key = await still_gate.member(credit_limit=10 * PRICE)
    other = (await keys.create_key(still_gate.rt, TEAM, "ada", name="b", actor=TESTER)).secret
    await keys.limit_key(
        still_gate.rt, key, credit_limit=2 * PRICE, credit_period=Period.DAY, actor=TESTER
    )
    assert (await me(still_gate, key))["binding"]["account"] == "key"
    assert (await me(still_gate, other))["binding"]["account"] == "member"
    for _ in range(2):
        assert (await still_gate.create(key)).status_code == 202
    refused = await still_gate.create(key)
    assert refused.json()["context"]["limit"] == "key_credit_limit"
    assert int(refused.headers["Retry-After"]) <= 86_400
    # The other key of the member goes on, and counts for both.
    assert (await still_gate.create(other)).status_code == 202
    assert (await me(still_gate, other))["binding"]["used_credits"] == 3 * PRICE
    await teams.change_team(still_gate.rt, TEAM, credit_limit=3 * PRICE, actor=TESTER)
    assert (await me(still_gate, other))["binding"]["account"] == "team"
    refused = await still_gate.create(other)
    assert refused.json()["context"]["limit"] == "team_credit_limit"


async def test_a_key_that_replaces_another_goes_on_in_its_account(still_gate: Gateway) -> None:
    key = await still_gate.member()
    await keys.limit_key(still_gate.rt, key, credit_limit=PRICE, actor=TESTER)
    assert (await still_gate.create(key)).status_code == 202
    rotated = await keys.rotate_key(still_gate.rt, key, overlap_seconds=60, actor=TESTER)
    for either in (key, rotated.secret):
        assert (await still_gate.create(either)).status_code == 402
    await keys.limit_key(still_gate.rt, rotated.secret, credit_limit=2 * PRICE, actor=TESTER)
    assert (await still_gate.create(key)).status_code == 202
    assert (await still_gate.create(rotated.secret)).status_code == 402


async def test_waiting_does_not_help_where_the_whole_limit_is_too_little(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member(credit_limit=PRICE - 1, credit_period=Period.DAY)
    refused = await still_gate.create(key)
    assert (refused.status_code, refused.headers.get("Retry-After")) == (402, None)


@pytest.mark.parametrize("period", Period)
async def test_a_changed_period_counts_what_was_used_in_it(
    monthly: tuple[Gateway, HandClock], period: Period
) -> None:
    gate, clock = monthly
    key = await gate.member(credit_limit=10 * PRICE)
    for hours in (-40 * 24, -3 * 24, -24, 0):
        clock.at = EVE + timedelta(hours=hours)
        assert (await gate.create(key)).status_code == 202
    await limit(gate, credit_period=period)
    await keys.limit_key(gate.rt, key, credit_limit=9 * PRICE, credit_period=period, actor=TESTER)
    await teams.change_team(
        gate.rt, TEAM, credit_limit=8 * PRICE, credit_period=period, actor=TESTER
    )
    # The day is a Tuesday.
    used = {Period.NONE: 4, Period.MONTH: 3, Period.WEEK: 2, Period.DAY: 1}[period] * PRICE
    assert [each["used_credits"] for each in (await me(gate, key))["accounts"]] == [used] * 3
    assert await accounts.verify(gate.rt) == []


async def test_a_changed_time_zone_counts_what_was_used_in_its_days(
    monthly: tuple[Gateway, HandClock],
) -> None:
    gate, clock = monthly
    key = await gate.member(credit_limit=10 * PRICE, credit_period=Period.DAY)
    for hours in (0, 1):
        clock.at = EVE + timedelta(hours=hours)
        assert (await gate.create(key)).status_code == 202
    assert (await me(gate, key))["binding"]["used_credits"] == 2 * PRICE
    await teams.change_team(gate.rt, TEAM, time_zone="Europe/Berlin", actor=TESTER)
    assert (await me(gate, key))["binding"]["used_credits"] == PRICE
    assert await accounts.verify(gate.rt) == []


@pytest.mark.parametrize(
    "zone", ["Berlin", "UTC+1", "", "Europe/Berlin; DROP TABLE teams", "posix"]
)
async def test_a_time_zone_that_nobody_knows_is_refused(still_gate: Gateway, zone: str) -> None:
    with pytest.raises(InvalidRequest, match="must be the name of a time zone"):
        await teams.create_team(
            still_gate.rt, "other", credit_limit=None, time_zone=zone or " ", actor=TESTER
        )


async def test_periods_change_while_many_create_and_end(still_gate: Gateway) -> None:
    """Each entry is counted before the change or after it, and never in a period that is gone."""
    key = await still_gate.member(rate_burst=1000, max_open=1000)

    async def spend() -> None:
        for _ in range(8):
            answer = await still_gate.create(key)
            uuid = answer.json()["aiRecord"]["uuid"]
            await cancel.cancel(still_gate.rt, UUID(uuid), actor="test")
            assert (await still_gate.create(key)).status_code == 202

    async def change() -> None:
        for period in (*Period, *reversed(Period)):
            await limit(still_gate, credit_period=period)
            await teams.change_team(still_gate.rt, TEAM, credit_period=period, actor=TESTER)
            await keys.limit_key(still_gate.rt, key, credit_period=period, actor=TESTER)
            await teams.change_team(still_gate.rt, TEAM, time_zone="Asia/Tokyo", actor=TESTER)

    await asyncio.gather(*(spend() for _ in range(4)), change())
    assert await accounts.verify(still_gate.rt) == []
    assert (await me(still_gate, key))["binding"]["used_credits"] == 32 * PRICE


async def test_a_balance_that_was_changed_by_hand_is_found_and_made_anew(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    assert (await still_gate.create(key)).status_code == 202
    await execute(still_gate, "UPDATE balances SET held = held + 1, settled = 7")
    found = await accounts.verify(still_gate.rt)
    assert len(found) == 3
    assert {(one.held, one.ledger_held) for one in found} == {(PRICE + 1, PRICE)}
    assert {(one.settled, one.ledger_settled) for one in found} == {(7, 0)}
    await accounts.rebuild(still_gate.rt, actor="test")
    assert await accounts.verify(still_gate.rt) == []
    assert (await me(still_gate, key))["binding"]["used_credits"] == PRICE


async def test_the_ledger_stays_as_it_is(still_gate: Gateway) -> None:
    key = await still_gate.member()
    assert (await still_gate.create(key)).status_code == 202
    for attack in ("UPDATE ledger_entries SET held = 1", "DELETE FROM ledger_entries",
                   "TRUNCATE ledger_entries CASCADE"):  # fmt: skip
        with pytest.raises(Exception, match="InsufficientPrivilege"):
            await execute(still_gate, attack)
