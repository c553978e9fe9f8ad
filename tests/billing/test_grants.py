"""Grants: credits beside the limit of one account, which end by the clock."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing import accounts, grants
from app.billing.grants import AccountOf, KeyAccount, MemberAccount, TeamAccount
from app.db.grants import Grant
from app.domain.accounts import Period, remaining_credits
from app.domain.limits import Limits
from app.errors import InvalidRequest
from app.members import keys, members, teams
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, gateway
from tests.harness.traces import execute

PRICE = 150_000
START = datetime(2026, 3, 30, 12, tzinfo=UTC)
NEXT_MONTH = datetime(2026, 4, 1, tzinfo=UTC)
ADA = MemberAccount(team=TEAM, member="ada")
EVERYTHING: dict[str, Any] = {"rate_burst": 1000, "rate_per_minute": 60_000, "max_open": 1000}


@pytest.fixture
async def timed(database_url: str, tmp_path: Path) -> AsyncIterator[tuple[Gateway, HandClock]]:
    """Two days before a month ends."""
    clock = HandClock()
    clock.at = START
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        yield gate, clock


async def give(
    gate: Gateway, credits_: int, account_of: AccountOf = ADA, *, ends_at: datetime | None = None
) -> Grant:
    return await grants.give(
        gate.rt, account_of, credits_=credits_, ends_at=ends_at, actor=TESTER.because("launch")
    )


async def account(gate: Gateway, key: str, kind: str = "member") -> dict[str, Any]:
    me = (await gate.http.get("/api/v1/me", headers={"API-KEY": key})).json()
    found: dict[str, Any] = next(a for a in me["credits"]["accounts"] if a["account"] == kind)
    return found


async def test_a_grant_counts_until_the_period_ends(timed: tuple[Gateway, HandClock]) -> None:
    gate, clock = timed
    key = await gate.member(credit_limit=PRICE, credit_period=Period.MONTH, **EVERYTHING)
    assert (await gate.create(key)).status_code == 202
    assert (await gate.create(key)).status_code == 402
    assert (await give(gate, PRICE)).ends_at == NEXT_MONTH
    assert (await account(gate, key))["remaining_credits"] == PRICE
    assert (await gate.create(key)).status_code == 202
    refused = (await gate.create(key)).json()
    told = refused["context"]
    assert (told["limit_value"], told["granted_value"]) == (PRICE, PRICE)
    assert (told["used_value"], told["remaining_value"]) == (2 * PRICE, 0)
    assert f"{2 * PRICE} of the member's {PRICE}, and {PRICE} granted, are" in refused["message"]
    # At the end the next month begins, without the grant.
    clock.at = NEXT_MONTH - timedelta(microseconds=1)
    assert (await account(gate, key))["granted_credits"] == PRICE
    clock.at = NEXT_MONTH
    now = await account(gate, key)
    assert (now["granted_credits"], now["remaining_credits"]) == (0, PRICE)
    assert (await gate.create(key)).status_code == 202
    assert (await gate.create(key)).status_code == 402
    assert await accounts.verify(gate.rt) == []


async def test_a_grant_may_end_earlier_and_what_was_used_stays_used(
    timed: tuple[Gateway, HandClock],
) -> None:
    gate, clock = timed
    key = await gate.member(credit_limit=PRICE, **EVERYTHING)
    end = START + timedelta(hours=1)
    assert (await give(gate, 2 * PRICE, ends_at=end)).ends_at == end
    for _ in range(2):
        assert (await gate.create(key)).status_code == 202
    clock.at = end
    assert (await gate.create(key)).status_code == 402
    now = await account(gate, key)
    assert (now["used_credits"], now["granted_credits"], now["remaining_credits"]) == (
        2 * PRICE, 0, 0,
    )  # fmt: skip
    # In an account without a period, one that never ends lasts.
    assert (await give(gate, 2 * PRICE)).ends_at is None
    clock.at = START + timedelta(days=30_000)
    assert (await account(gate, key))["remaining_credits"] == PRICE


async def test_an_end_is_in_the_future_and_in_the_period(timed: tuple[Gateway, HandClock]) -> None:
    gate, _ = timed
    await gate.member(credit_limit=PRICE, credit_period=Period.MONTH)
    for end, said in (
        (START, "must be in the future"),
        (NEXT_MONTH + timedelta(seconds=1), "which ends at 2026-04-01T00:00:00+00:00"),
    ):
        with pytest.raises(InvalidRequest, match="ends_at") as refused:
            await give(gate, 1, ends_at=end)
        assert said in str(refused.value)
        assert [issue.field for issue in refused.value.issues] == ["ends_at"]
    for wrong in (0, -1, grants.MAX_GRANT + 1):
        with pytest.raises(InvalidRequest, match="credits: must be from 1 to"):
            await give(gate, wrong)


async def test_each_account_has_its_own_grants(still_gate: Gateway) -> None:
    key = await still_gate.member(credit_limit=PRICE, **EVERYTHING)
    await keys.limit_key(still_gate.rt, key, credit_limit=PRICE, actor=TESTER)
    await teams.change_team(still_gate.rt, TEAM, credit_limit=PRICE, actor=TESTER)
    assert (await still_gate.create(key)).status_code == 202
    for account_of, binding in (
        (KeyAccount(key=key), "member"), (ADA, "team"), (TeamAccount(team=TEAM), None)
    ):  # fmt: skip
        await give(still_gate, PRICE, account_of)
        answer = await still_gate.create(key)
        limit = answer.json().get("context", {}).get("limit")
        assert limit == (binding and f"{binding}_credit_limit")
    # A key that replaces another goes on with its grants.
    rotated = await keys.rotate_key(still_gate.rt, key, overlap_seconds=60, actor=TESTER)
    own = await account(still_gate, rotated.secret, "key")
    assert (own["granted_credits"], own["remaining_credits"]) == (PRICE, 0)


async def test_an_account_without_a_limit_takes_no_grant(still_gate: Gateway) -> None:
    key = await still_gate.member()
    for account_of in (KeyAccount(key=key), TeamAccount(team=TEAM)):
        with pytest.raises(InvalidRequest, match="has no credit limit of its own"):
            await give(still_gate, 1, account_of)
    with pytest.raises(InvalidRequest, match="reason: is required to grant credits"):
        await grants.give(still_gate.rt, ADA, credits_=1, actor=TESTER.because(" "))


async def test_what_has_ended_takes_no_grant_and_keeps_those_it_had(still_gate: Gateway) -> None:
    rt = still_gate.rt
    key = await still_gate.member(credit_limit=PRICE)
    await keys.limit_key(rt, key, credit_limit=PRICE, actor=TESTER)
    await teams.change_team(rt, TEAM, credit_limit=PRICE, actor=TESTER)
    whose: list[AccountOf] = [KeyAccount(key=key), ADA, TeamAccount(team=TEAM)]
    before = [await give(still_gate, 5, each) for each in whose]
    listed = [await grants.list_grants(rt, each, actor=TESTER, limit=9) for each in whose]
    assert listed == [[grant] for grant in before]
    await keys.revoke_key(rt, key, actor=TESTER)
    await members.end_member(rt, TEAM, "ada", actor=TESTER)
    await teams.end_team(rt, TEAM, actor=TESTER)
    for each, said in zip(whose, ("is revoked", "has ended", "has ended"), strict=True):
        with pytest.raises(InvalidRequest, match=said):
            await give(still_gate, 5, each)
    assert await grants.list_grants(rt, ADA, actor=TESTER, limit=9) == [before[1]]


async def test_grants_together_are_at_most_what_a_limit_can_be(still_gate: Gateway) -> None:
    key = await still_gate.member(credit_limit=grants.MAX_GRANT)
    for _ in range(2):
        await give(still_gate, grants.MAX_GRANT)
    shown = await account(still_gate, key)
    assert shown["granted_credits"] == grants.MAX_GRANT
    assert shown["remaining_credits"] == 2 * grants.MAX_GRANT


async def test_a_changed_period_keeps_the_end_of_a_grant(timed: tuple[Gateway, HandClock]) -> None:
    gate, clock = timed
    key = await gate.member(credit_limit=PRICE, credit_period=Period.MONTH)
    await give(gate, 5)
    limits = Limits(credit_period=Period.DAY)
    await members.change_member(gate.rt, TEAM, "ada", limits=limits, actor=TESTER)
    clock.at = START + timedelta(days=1)
    assert (await account(gate, key))["granted_credits"] == 5
    clock.at = NEXT_MONTH
    assert (await account(gate, key))["granted_credits"] == 0


@pytest.mark.parametrize("of_team", [False, True])
async def test_of_many_at_once_exactly_those_are_admitted_that_the_grant_covers(
    still_gate: Gateway, of_team: bool
) -> None:
    """One more than the limit, for creates that arrive while it is given and after it."""
    key = await still_gate.member(credit_limit=10 * PRICE if of_team else PRICE, **EVERYTHING)
    if of_team:
        await teams.change_team(still_gate.rt, TEAM, credit_limit=PRICE, actor=TESTER)
    assert (await still_gate.create(key)).status_code == 202
    whose = TeamAccount(team=TEAM) if of_team else ADA

    async def create() -> int:
        return (await still_gate.create(key)).status_code

    giving = asyncio.create_task(give(still_gate, 2 * PRICE - 1, whose))
    during = await asyncio.gather(*(create() for _ in range(8)))
    await giving
    after = await asyncio.gather(*(create() for _ in range(8)))
    assert Counter([*during, *after]) == {202: 1, 402: 15}
    assert await accounts.verify(still_gate.rt) == []


async def test_whatever_is_given_lowered_and_ended_nothing_is_overspent_or_negative(
    timed: tuple[Gateway, HandClock],
) -> None:
    gate, clock = timed
    chance = random.Random(7)
    key = await gate.member(credit_limit=PRICE, credit_period=Period.DAY, **EVERYTHING)
    answered: Counter[int] = Counter()
    for _ in range(80):
        deed = chance.choice(("create", "create", "give", "limit", "wait"))
        before = await account(gate, key)
        if deed == "create":
            status = (await gate.create(key)).status_code
            answered[status] += 1
            assert (status == 202) is (before["remaining_credits"] >= PRICE)
        elif deed == "give":
            end = clock.at + timedelta(minutes=chance.randint(1, 300))
            await give(gate, chance.randint(1, 2 * PRICE), ends_at=min(end, before_midnight(clock)))
        elif deed == "limit":
            limits = Limits(credit_limit=chance.randint(0, 3) * PRICE // 2)
            await members.change_member(gate.rt, TEAM, "ada", limits=limits, actor=TESTER)
        else:
            clock.move(chance.randint(1, 4 * 3600))
        now = await account(gate, key)
        left = now["credit_limit"] + now["granted_credits"] - now["used_credits"]
        assert now["remaining_credits"] == max(left, 0)
    assert min(answered[202], answered[402]) > 5
    assert await accounts.verify(gate.rt) == []


def before_midnight(clock: HandClock) -> datetime:
    return (clock.at + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)


_CREDITS = st.integers(0, 2**62)


@given(limit=st.none() | _CREDITS, granted=_CREDITS, used=_CREDITS)
def test_what_remains_is_never_negative(limit: int | None, granted: int, used: int) -> None:
    left = remaining_credits(limit, granted, used)
    assert (left is None) is (limit is None)
    if left is not None:
        assert left >= 0
        assert left == 0 or left + used == (limit or 0) + granted


async def test_grants_stay_as_they_are(still_gate: Gateway) -> None:
    await still_gate.member()
    await give(still_gate, 5)
    for attack in (
        "UPDATE grants SET credits = 1",
        "DELETE FROM grants",
        "TRUNCATE grants CASCADE",
    ):
        with pytest.raises(Exception, match="InsufficientPrivilege"):
            await execute(still_gate, attack)
