"""Usage of all teams: what each of them is told of itself, added up."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.db import usage_reports
from app.domain.caller import Role
from app.domain.usage import Dimension, Question
from tests.api.desk import Desk, operator
from tests.billing.test_usage import PRICE, create, fail
from tests.harness.clock import HandClock
from tests.harness.gateway import Gateway, gateway
from tests.harness.traces import execute

USAGE = "/api/v1/admin/usage"


async def _made(gate: Gateway) -> dict[str, str]:
    """Two teams, in which it is not the same day, each with one that ended and one that did
    not; keys by team."""
    found = {}
    for number, team in enumerate(("films", "clips"), start=1):
        found[team] = await gate.member("ada", team=team)
        tags = {"cost_centre": str(number), "order": "7"}
        await fail(gate, await create(gate, found[team], metadata=tags), billed=number)
        await create(gate, found[team])
    return found


async def _answer(desk: Desk, *groups: str, more: str = "") -> dict[str, Any]:
    query = "&".join(f"group_by={each}" for each in groups)
    answer = await desk("GET", f"{USAGE}?{query}{more}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def _figures(found: dict[str, Any], name: str) -> dict[Any, tuple[int, int, int]]:
    return {
        row[name]: (row["generations"], row["settled_credits"], row["held_credits"])
        for row in found["data"]
    }


async def test_operators_see_all_teams(still_gate: Gateway) -> None:
    await _made(still_gate)
    root = await operator(still_gate)
    found = await _answer(root, "team")
    assert _figures(found, "team") == {"films": (2, 1, PRICE), "clips": (2, 2, PRICE)}
    assert all(row["team_id"] for row in found["data"])
    assert (found["generations"], found["settled_credits"]) == (4, 3)
    assert (found["held_credits"], found["time_zone"]) == (2 * PRICE, None)
    for by in ("day", "month", "model"):
        [row] = (await _answer(root, by))["data"]
        assert (row["generations"], row["settled_credits"], row["team"]) == (4, 3, None)
    members = (await _answer(root, "team", "member"))["data"]
    # Of the same name, in two teams.
    assert {(row["team"], row["member"]) for row in members} == {("films", "ada"), ("clips", "ada")}


async def test_tags_of_all_teams(still_gate: Gateway) -> None:
    await _made(still_gate)
    root = await operator(still_gate)
    by_tag = await _answer(root, "metadata[cost_centre]")
    assert _figures(by_tag, "tag") == {"1": (1, 1, 0), "2": (1, 2, 0), None: (2, 0, 2 * PRICE)}
    of_tag = await _answer(root, "team", more="&metadata[order]=7")
    assert _figures(of_tag, "team") == {"films": (1, 1, 0), "clips": (1, 2, 0)}
    # Two tags are in no sum, and are read from the generations.
    both = await _answer(root, "metadata[cost_centre]", more="&metadata[order]=7")
    assert _figures(both, "tag") == {"1": (1, 1, 0), "2": (1, 2, 0)}


async def test_administrators_see_their_team_and_nothing_of_others(still_gate: Gateway) -> None:
    await _made(still_gate)
    lead = Desk(still_gate, await still_gate.member("lead", team="films", role=Role.ADMIN))
    found = await _answer(lead, "team")
    assert _figures(found, "team") == {"films": (2, 1, PRICE)}
    assert found["time_zone"] == "UTC"
    assert "clips" not in str(await _answer(lead, "metadata[cost_centre]", "member"))


async def test_it_is_the_latest_day_of_any_team(database_url: str, tmp_path: Path) -> None:
    clock = HandClock()
    clock.at = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        keys = await _made(gate)
        await execute(gate, "UPDATE teams SET time_zone = 'Europe/Berlin' WHERE name = 'clips'")
        await execute(gate, "SELECT reelgate_rebuild_usage(NULL)")
        found = await _answer(await operator(gate), "day", "team")
        assert found["to_day"] == "2026-03-29"
        assert {(row["day"], row["team"]) for row in found["data"]} == {
            ("2026-03-28", "films"), ("2026-03-29", "clips"),
        }  # fmt: skip
        assert set(keys) == {"films", "clips"}


async def test_csv_names_teams(still_gate: Gateway) -> None:
    await _made(still_gate)
    root = await operator(still_gate)
    answer = await root("GET", f"{USAGE}?group_by=month&group_by=team&format=csv")
    head, *lines = answer.text.splitlines()
    assert head == "month,team_id,team,generations,settled_credits,held_credits"
    assert Counter(line.split(",")[2] for line in lines) == {"films": 1, "clips": 1}


async def test_credits_are_shown_in_money(database_url: str, tmp_path: Path) -> None:
    async with gateway(
        database_url, tmp_path, worker=False, money_per_1000_credits="2000 EUR"
    ) as gate:
        await _made(gate)
        found = await _answer(await operator(gate), "team")
        assert found["settled_money"] == {"amount": "6.00", "currency": "EUR"}


@pytest.mark.parametrize("dimension", [Dimension.TEAM, Dimension.MEMBER])
async def test_only_the_days_asked_for_are_read(still_gate: Gateway, dimension: Dimension) -> None:
    """However many there are, by an index that begins with the team."""
    await _made(still_gate)
    await execute(
        still_gate,
        """
        WITH many AS (
            SELECT t.id AS team_id, m.id AS member_id, DATE '2020-01-01' + n AS day
              FROM teams t JOIN members m ON m.team_id = t.id, generate_series(1, 9000) n
        ), of_members AS (
            INSERT INTO daily_usage (member_id, tag, day, value, model, state, account_id, team_id,
                generations, settled)
            SELECT member_id, '', day, '', 'ray-v3', 'succeeded', member_id, team_id, 1, 5
              FROM many
        )
        INSERT INTO team_usage (team_id, day, model, state, dialect, generations, settled)
        SELECT DISTINCT team_id, day, 'ray-v3', 'succeeded', 'rest', 1, 5 FROM many
        """,
    )
    question = Question(dimensions=(dimension,))
    day = datetime(2021, 1, 1, tzinfo=UTC).date()
    values = usage_reports.values_of(question, team_id=None, first=day, last=day)
    async with still_gate.rt.db.begin() as tx:
        await tx.execute(text("ANALYZE team_usage, daily_usage, teams"))
        plan = await tx.execute(
            text(f"EXPLAIN {usage_reports.statement_of(question, of_all=True)}"),
            {**values, "limit": 10, "most_generations": 10},
        )
        lines = "\n".join(line[0] for line in plan)
        await tx.execute(text("DELETE FROM team_usage WHERE settled = 5"))
        await tx.execute(text("DELETE FROM daily_usage WHERE settled = 5"))
    assert not re.search(r"Seq Scan on (team_usage|daily_usage)", lines), lines
