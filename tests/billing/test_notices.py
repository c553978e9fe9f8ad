"""Notices: each percent of a limit is told once in a period, when it is reached."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.billing.grants import MemberAccount, give
from app.domain.accounts import Period
from app.domain.limits import Limits
from app.errors import ConfigurationError
from app.members import keys, members, teams
from app.settings import Settings
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, gateway

PRICE = 150_000
START = datetime(2026, 3, 30, 12, tzinfo=UTC)
EVERYTHING: dict[str, Any] = {"rate_burst": 1000, "rate_per_minute": 60_000, "max_open": 1000}


@pytest.fixture
async def timed(database_url: str, tmp_path: Path) -> AsyncIterator[tuple[Gateway, HandClock]]:
    """Two days before a month ends."""
    clock = HandClock()
    clock.at = START
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        yield gate, clock


async def told(gate: Gateway) -> list[tuple[str, int]]:
    """Kind and percent of every notice, as they were made."""
    return [(row.kind, row.percent) for row in await notices(gate)]


async def notices(gate: Gateway) -> Sequence[Any]:
    async with gate.rt.db.single() as tx:
        rows = await tx.execute(
            text("SELECT kind, percent, data FROM notices ORDER BY created_at, kind, percent")
        )
        return rows.all()


async def limit(gate: Gateway, **limits: Any) -> None:
    await members.change_member(gate.rt, TEAM, "ada", limits=Limits(**limits), actor=TESTER)


async def test_each_percent_is_told_when_a_create_reaches_it(still_gate: Gateway) -> None:
    key = await still_gate.member(credit_limit=10 * PRICE, **EVERYTHING)
    seen = []
    for _ in range(10):
        assert (await still_gate.create(key)).status_code == 202
        seen.append(await told(still_gate))
    counts = [len(each) for each in seen]
    assert counts == [0, 0, 0, 0, 1, 1, 1, 2, 3, 4]
    assert seen[-1] == [("member", 50), ("member", 80), ("member", 90), ("member", 100)]


async def test_a_create_tells_all_that_it_passes_of_each_account(still_gate: Gateway) -> None:
    key = await still_gate.member(credit_limit=10 * PRICE, **EVERYTHING)
    await keys.limit_key(still_gate.rt, key, credit_limit=PRICE, actor=TESTER)
    await teams.change_team(still_gate.rt, TEAM, credit_limit=2 * PRICE, actor=TESTER)
    assert (await still_gate.create(key)).status_code == 202
    assert await told(still_gate) == [
        ("key", 50), ("key", 80), ("key", 90), ("key", 100), ("team", 50)
    ]  # fmt: skip
    (data,) = [row.data for row in await notices(still_gate) if row.kind == "team"]
    assert (data["member"], data["key"], data["team"]["name"]) == (None, None, TEAM)
    account = data["account"]
    assert (account["credit_limit"], account["held"], account["settled"]) == (2 * PRICE, PRICE, 0)


async def test_a_refusal_by_the_limit_is_the_hundred_once(still_gate: Gateway) -> None:
    key = await still_gate.member(credit_limit=3 * PRICE - 1, **EVERYTHING)
    for status in (202, 202, 402, 402, 402):
        assert (await still_gate.create(key)).status_code == status
    assert await told(still_gate) == [("member", 50), ("member", 100)]


async def test_a_refusal_by_anything_else_tells_nothing(still_gate: Gateway) -> None:
    key = await still_gate.member(credit_limit=10 * PRICE, rate_burst=1, rate_per_minute=1)
    assert [(await still_gate.create(key)).status_code for _ in range(2)] == [202, 429]
    assert await told(still_gate) == []


async def test_a_limit_of_nothing_is_told_when_it_refuses(still_gate: Gateway) -> None:
    key = await still_gate.member(credit_limit=PRICE)
    await limit(still_gate, credit_limit=0)
    assert await told(still_gate) == []
    assert (await still_gate.create(key)).status_code == 402
    assert await told(still_gate) == [("member", 100)]


async def test_a_period_tells_anew(timed: tuple[Gateway, HandClock]) -> None:
    gate, clock = timed
    key = await gate.member(credit_limit=PRICE, credit_period=Period.DAY, **EVERYTHING)
    for _ in range(3):
        assert (await gate.create(key)).status_code == 202
        assert (await gate.create(key)).status_code == 402
        clock.move(86_400)
    assert Counter(await told(gate)) == dict.fromkeys(
        [("member", 50), ("member", 80), ("member", 90), ("member", 100)], 3
    )


async def test_what_is_granted_counts_and_its_end_is_told_late(
    timed: tuple[Gateway, HandClock],
) -> None:
    """When a grant ends, nothing happens in the database: the next create that reaches a percent
    tells all."""
    gate, clock = timed
    key = await gate.member(credit_limit=10 * PRICE, **EVERYTHING)
    until = START + timedelta(hours=1)
    whose = MemberAccount(team=TEAM, member="ada")
    await give(gate.rt, whose, credits_=10 * PRICE, ends_at=until, actor=TESTER)
    for _ in range(8):
        await gate.create(key)
    assert await told(gate) == []
    clock.at = until
    await gate.create(key)
    assert await told(gate) == [("member", 50), ("member", 80), ("member", 90)]


async def test_a_lowered_limit_tells_and_not_twice(still_gate: Gateway) -> None:
    key = await still_gate.member(credit_limit=100 * PRICE, **EVERYTHING)
    for _ in range(4):
        await still_gate.create(key)
    assert await told(still_gate) == []
    await limit(still_gate, credit_limit=8 * PRICE)
    assert await told(still_gate) == [("member", 50)]
    # Raised above it and reached again: it was told.
    await limit(still_gate, credit_limit=100 * PRICE)
    await limit(still_gate, credit_limit=5 * PRICE)
    await limit(still_gate, credit_limit=5 * PRICE)
    assert await told(still_gate) == [("member", 50), ("member", 80)]
    await keys.limit_key(still_gate.rt, key, credit_limit=4 * PRICE, actor=TESTER)
    await teams.change_team(still_gate.rt, TEAM, credit_limit=5 * PRICE, actor=TESTER)
    assert Counter(kind for kind, _ in await told(still_gate)) == {"key": 4, "member": 2, "team": 2}


async def test_a_changed_period_or_time_zone_tells_what_it_reaches(
    timed: tuple[Gateway, HandClock],
) -> None:
    gate, clock = timed
    key = await gate.member(credit_limit=4 * PRICE, credit_period=Period.DAY, **EVERYTHING)
    await gate.create(key)
    clock.move(21 * 3600)
    await gate.create(key)
    assert await told(gate) == []
    # There it was the 31st both times, fourteen hours ahead.
    await teams.change_team(gate.rt, TEAM, time_zone="Pacific/Kiritimati", actor=TESTER)
    assert await told(gate) == [("member", 50)]
    await limit(gate, credit_period=Period.WEEK)
    assert await told(gate) == [("member", 50), ("member", 50)]
    await limit(gate, credit_period=Period.DAY)
    assert await told(gate) == [("member", 50), ("member", 50)]


async def test_no_percents_no_notices(database_url: str, tmp_path: Path) -> None:
    async with gateway(database_url, tmp_path, worker=False, notice_percents=()) as gate:
        key = await gate.member(credit_limit=PRICE, **EVERYTHING)
        assert [(await gate.create(key)).status_code for _ in range(2)] == [202, 402]
        assert await told(gate) == []


def test_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    def percents(value: str) -> tuple[int, ...]:
        monkeypatch.setenv("REELGATE_NOTICE_PERCENTS", value)
        return Settings(_env_file=None).notice_percents

    assert percents("") == (50, 80, 90, 100)
    assert percents("100, 75,75") == (75, 100)
    assert percents("none") == ()
    for wrong in ("0", "101", "half", "50;80"):
        with pytest.raises(ConfigurationError, match="REELGATE_NOTICE_PERCENTS"):
            percents(wrong)


async def test_whatever_happens_all_that_is_reached_is_told_once(
    timed: tuple[Gateway, HandClock],
) -> None:
    gate, clock = timed
    chance = random.Random(11)
    key = await gate.member(credit_limit=PRICE, credit_period=Period.DAY, **EVERYTHING)
    whose, expected = MemberAccount(team=TEAM, member="ada"), set()
    for _ in range(100):
        deed = chance.choice(("create", "create", "create", "give", "limit", "wait"))
        refused = False
        if deed == "create":
            refused = (await gate.create(key)).status_code == 402
        elif deed == "give":
            await give(gate.rt, whose, credits_=chance.randint(1, PRICE), actor=TESTER)
        elif deed == "limit":
            await limit(gate, credit_limit=chance.randint(0, 12 * PRICE))
        else:
            clock.move(chance.randint(1, 16 * 3600))
        me = (await gate.http.get("/api/v1/me", headers={"API-KEY": key})).json()
        now = next(a for a in me["credits"]["accounts"] if a["account"] == "member")
        allowed, used = now["credit_limit"] + now["granted_credits"], now["used_credits"]
        expected |= {
            (now["resets_at"], percent)
            for percent in (50, 80, 90, 100)
            if (used and used * 100 >= percent * allowed) or (refused and percent == 100)
        }
        made = [(row.data["account"]["resets_at"], row.percent) for row in await notices(gate)]
        instants = [(datetime.fromisoformat(at).timestamp(), percent) for at, percent in made]
        assert Counter(instants) == Counter(
            (datetime.fromisoformat(at).timestamp(), percent) for at, percent in expected
        )
    assert len(expected) > 10
