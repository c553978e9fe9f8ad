"""Reports of usage, beside the same sums of all generations."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from app.billing import usage
from app.db import usage_reports
from app.domain.caller import Role
from app.domain.generation import State
from app.domain.usage import Dimension, Question
from app.errors import InvalidRequest
from app.members import keys, teams
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, gateway

ZONE = "America/Sao_Paulo"
TODAY = datetime(2019, 6, 1, 12, tzinfo=UTC)
_INSERT = text(
    """
    INSERT INTO generations (id, team_id, member_id, api_key_id, dialect, feature, provider, spec,
        model, kind, fingerprint, state, upstream_id, quote, settled, created_at, queue_deadline_at,
        finished_at, metadata)
    SELECT g.id, m.team_id, m.id, k.id, 'rest', 'TEXT_TO_VIDEO', 'luma',
           jsonb_build_object('prompt', 'a lion', 'model', g.model, 'duration', '5s'), g.model,
           g.model || ' 5s', '', g.state,
           CASE g.state WHEN 'running' THEN g.id::text END, 100, g.settled, g.at, g.at,
           CASE WHEN g.settled IS NOT NULL THEN g.at END, g.tags
      FROM jsonb_to_recordset(CAST(:made AS jsonb)) g(
           id uuid, key uuid, model text, state text, settled bigint, at timestamptz, tags jsonb)
      JOIN api_keys k ON k.id = g.key JOIN members m ON m.id = k.member_id
    """
)


@dataclass(frozen=True, slots=True)
class Made:
    """`key` is the newest of those that replaced each other."""

    key: UUID
    member: UUID
    model: str
    state: State
    settled: int | None
    at: datetime
    tags: dict[str, str]


@dataclass(frozen=True, slots=True)
class Past:
    gate: Gateway
    team: UUID
    made: list[Made]


@pytest.fixture
async def past(database_url: str, tmp_path: Path) -> AsyncIterator[Past]:
    """A year of a team in a zone where midnight comes twice, or not at all, in one night each, and
    some of another team."""
    clock = HandClock()
    clock.at = TODAY
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        await teams.create_team(gate.rt, TEAM, credit_limit=None, time_zone=ZONE, actor=TESTER)
        secrets = [await gate.member(name) for name in ("ada", "bob")]
        secrets.append((await keys.create_key(gate.rt, TEAM, "ada", name="b", actor=TESTER)).secret)
        replaced = await keys.rotate_key(gate.rt, secrets[0], overlap_seconds=60, actor=TESTER)
        stranger = await gate.member("eve", team="other")
        async with gate.rt.db.begin() as tx:
            rows = await tx.execute(
                text("SELECT k.*, m.team_id FROM api_keys k JOIN members m ON m.id = k.member_id")
            )
            found = {row.prefix: row for row in rows}
            own = [found[each[:11]] for each in (*secrets, replaced.secret)]
            made = [_draw(Random(n), own[n % 4]) for n in range(400)]
            other = [_draw(Random(n), found[stranger[:11]]) for n in range(50)]
            await tx.execute(_INSERT, {"made": json.dumps([row for row, _ in made + other])})
            await tx.execute(text("SELECT reelgate_rebuild_usage(NULL)"))
        newest = {own[0].id: own[3].id}
        yield Past(
            gate, own[0].team_id,
            [_made(row, key, newest.get(key.id, key.id)) for row, key in made],
        )  # fmt: skip


def _draw(random: Random, key: Any) -> tuple[dict[str, Any], Any]:
    state = random.choice(list(State))
    ended = state in ("succeeded", "failed", "canceled")
    # The first half hours around the nights in which clocks are changed: 2018-11-04, 2019-02-17.
    night = random.choice(
        [datetime(2018, 11, 4, 3, tzinfo=UTC), datetime(2019, 2, 17, 2, 30, tzinfo=UTC), TODAY]
    )
    at = night - timedelta(minutes=random.choice([30, 90, 60 * 24 * random.randrange(200)]))
    row = {
        "id": str(uuid4()), "key": str(key.id), "model": random.choice(["ray-v2", "ray-v3"]),
        "state": state.value,
        "settled": random.randrange(100) if ended else None, "at": at.isoformat(),
        "tags": {name: random.choice("12") for name in ("a", "b", "c") if random.random() < 0.6},
    }  # fmt: skip
    return row, key


def _made(row: dict[str, Any], key: Any, newest: UUID) -> Made:
    return Made(
        newest, key.member_id, row["model"], State(row["state"]), row["settled"],
        datetime.fromisoformat(row["at"]), row["tags"],
    )  # fmt: skip


def _expected(past: Past, question: Question) -> dict[tuple[object, ...], tuple[int, int, int]]:
    found: Counter[tuple[object, ...]] = Counter()
    credits_: dict[tuple[object, ...], list[int]] = {}
    for one in past.made:
        day = one.at.astimezone(ZoneInfo(ZONE)).date()
        if (
            not (question.first or date.min) <= day <= (question.last or date.max)
            or question.member_id not in (None, one.member)
            or question.key_id not in (None, one.key)
            or question.model not in (None, one.model)
            or question.state not in (None, one.state)
            or not question.tags.items() <= one.tags.items()
        ):
            continue
        of = {
            Dimension.DAY: day, Dimension.MONTH: f"{day:%Y-%m}", Dimension.MODEL: one.model,
            Dimension.STATE: one.state, Dimension.TEAM: past.team,
            Dimension.MEMBER: one.member, Dimension.KEY: one.key,
        }  # fmt: skip
        group: tuple[object, ...] = tuple(of[each] for each in question.dimensions)
        if question.by_tag is not None:
            group = (*group, one.tags.get(question.by_tag))
        found[group] += 1
        sums = credits_.setdefault(group, [0, 0])
        sums[0] += one.settled or 0
        sums[1] += 100 if one.settled is None else 0
    return {
        group: (count, credits_[group][0], credits_[group][1]) for group, count in found.items()
    }


_FIELD = {
    Dimension.TEAM: "team_id", Dimension.MEMBER: "member_id", Dimension.KEY: "key_id",
}  # fmt: skip


async def _answered(
    past: Past, question: Question
) -> dict[tuple[object, ...], tuple[int, int, int]]:
    found = await usage.usage_of_team(past.gate.rt, past.team, question, actor=TESTER)
    fields = [_FIELD.get(each, each.value) for each in question.dimensions]
    fields += ["tag"] if question.by_tag is not None else []
    rows = {
        tuple(getattr(row, each) for each in fields): (
            row.generations, row.settled_credits, row.held_credits
        )
        for row in found.rows
    }  # fmt: skip
    assert len(rows) == len(found.rows)
    assert found.generations == sum(row.generations for row in found.rows)
    return rows


def _asked(random: Random, past: Past) -> Question:
    dimensions = tuple(random.sample(list(Dimension), random.randrange(1, 4)))
    first = date(2018, 6, 1) + timedelta(days=random.randrange(300))
    tags = {name: random.choice("12") for name in ("a", "b") if random.random() < 0.3}

    def maybe(value: Any) -> Any:
        return value if random.random() < 0.2 else None

    one = random.choice(past.made)
    return Question(
        first=first, last=first + timedelta(days=random.randrange(366)), dimensions=dimensions,
        by_tag=random.choice(["a", "c", None, None]), tags=tags, member_id=maybe(one.member),
        key_id=maybe(one.key), model=maybe(one.model), state=maybe(one.state),
    )  # fmt: skip


async def test_a_report_is_what_the_generations_add_up_to(past: Past) -> None:
    """Of any question: from the sums, from those that are open, and from all where two tags are
    asked for."""
    answered = 0
    for number in range(150):
        question = _asked(Random(number), past)
        expected = _expected(past, question)
        assert await _answered(past, question) == expected, question
        answered += len(expected) > 0
    assert answered > 100


async def test_a_key_that_was_replaced_stands_for_the_one_that_replaced_it(past: Past) -> None:
    async with past.gate.rt.db.single() as tx:
        old = await tx.scalar(
            text(
                "SELECT id FROM api_keys k WHERE account_id = id AND EXISTS (SELECT FROM api_keys x"
                " WHERE x.account_id = k.account_id AND x.id <> k.id)"
            )
        )
    by_key = Question(first=date(2018, 6, 1), last=date(2019, 6, 1), dimensions=(Dimension.KEY,))
    [(group, figures)] = (await _answered(past, replace(by_key, key_id=old))).items()
    assert group[0] not in (None, old)
    assert figures == _expected(past, by_key)[group]


async def test_what_is_not_added_up_is_bounded(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    question = Question(first=date(2018, 6, 1), last=date(2019, 6, 1), tags={"a": "1", "b": "1"})
    rows = await _answered(past, question)
    counted = sum(figures[0] for figures in rows.values())
    monkeypatch.setattr(usage, "MOST_GENERATIONS", counted)
    assert await _answered(past, question) == rows
    monkeypatch.setattr(usage, "MOST_GENERATIONS", counted - 1)
    with pytest.raises(InvalidRequest, match="ask for one tag, or for fewer days") as refused:
        await _answered(past, question)
    assert refused.value.issues[0].value == "a, b"


async def test_so_many_rows_are_refused(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    question = Question(first=date(2018, 6, 1), last=date(2019, 6, 1))
    rows = len(await _answered(past, question))
    monkeypatch.setattr(usage, "MOST_ROWS", rows)
    assert len(await _answered(past, question)) == rows
    monkeypatch.setattr(usage, "MOST_ROWS", rows - 1)
    with pytest.raises(InvalidRequest, match="group by less") as refused:
        await _answered(past, question)
    assert refused.value.issues[0].value == "day, model, state"


async def test_an_administrator_sees_one_member_and_one_key(past: Past) -> None:
    boss = await past.gate.member("boss", role=Role.ADMIN)
    lead = await past.gate.member("lead", team="third", role=Role.ADMIN)
    path = f"/api/v1/admin/teams/{past.team}/usage"
    days = {"from": "2018-01-01", "to": "2019-06-01"}
    one = past.made[0]

    async def asked(secret: str, **query: Any) -> Any:
        return await past.gate.http.get(path, params={**days, **query}, headers={"API-KEY": secret})

    found = (await asked(boss, group_by=["member", "key"])).json()
    assert (found["time_zone"], found["group_by"]) == (ZONE, ["member", "key"])
    assert {row["member"] for row in found["data"]} == {"ada", "bob"}
    assert {row["key"] for row in found["data"]} == {"test", "b"}
    assert found["generations"] == len(past.made)
    for query, value in (("member", one.member), ("key", one.key)):
        some = (await asked(boss, group_by=query, **{query: str(value)})).json()
        [row] = some["data"]
        assert row[f"{query}_id"] == str(value)
        assert 0 < some["generations"] < len(past.made)
    # Another team's member is nobody here, and this team is none to another's administrator.
    assert (await asked(boss, member=str(past.team))).json()["data"] == []
    assert (await asked(lead)).status_code == 404


@pytest.mark.parametrize(
    "groups",
    [["colour"], ["metadata[a]", "metadata[b]"], ["day", "metadata"], ["day"] * 9, [""]],
)  # fmt: skip
async def test_a_group_that_is_none_is_refused(still_gate: Gateway, groups: list[str]) -> None:
    answer = await still_gate.http.get(
        "/api/v1/usage", params={"group_by": groups},
        headers={"API-KEY": await still_gate.member()},
    )  # fmt: skip
    assert answer.status_code == 422
    [issue] = answer.json()["errors"]
    assert issue["field"].partition(".")[0] == "group_by", issue


async def test_a_year_is_read_from_the_sums(past: Past) -> None:
    """Of many generations, no more than those that have not ended, or have the tag, are looked
    at."""
    async with past.gate.rt.db.begin() as tx:
        await tx.execute(
            text(
                """
                INSERT INTO generations (id, team_id, member_id, api_key_id, dialect, feature,
                    provider, spec, model, kind, fingerprint, state, quote, settled, created_at,
                    queue_deadline_at, finished_at, metadata)
                SELECT gen_random_uuid(), team_id, member_id, api_key_id, dialect, feature,
                    provider, spec, model, kind, fingerprint, state, quote, settled,
                    created_at - n * interval '1 h', now(), now(), metadata
                  FROM generations, generate_series(1, 40) n WHERE settled IS NOT NULL
                """
            )
        )
        await tx.execute(text("SELECT reelgate_rebuild_usage(NULL)"))
        await tx.execute(text("ANALYZE generations, daily_usage, team_usage"))
    by_tag = Question(dimensions=(Dimension.MODEL,), by_tag="a")
    for question in (
        Question(), Question(dimensions=(Dimension.MEMBER, Dimension.KEY)), by_tag,
        replace(by_tag, tags={"a": "1"}), Question(member_id=past.made[0].member),
    ):  # fmt: skip
        values = usage_reports.values_of(
            question, team_id=past.team, first=date(2018, 6, 1), last=date(2019, 6, 1)
        )
        async with past.gate.rt.db.begin() as tx:
            # So few rows are cheaper to read as a whole, by some statistics.
            await tx.execute(text("SET LOCAL enable_seqscan = off"))
            plan = await tx.execute(
                text(f"EXPLAIN {usage_reports.statement_of(question)}"),
                {**values, "limit": 10, "most_generations": 10},
            )
            lines = "\n".join(line[0] for line in plan)
        assert "Seq Scan on generations" not in lines, lines
        used = set(re.findall(r"\bgenerations_\w+", lines))
        unfinished, of_tag = {"generations_unfinished_idx"}, {"generations_metadata_idx"}
        # What has a tag may be fewer rows than what has not ended.
        by_tag_too = [of_tag, of_tag | unfinished] if question.tags else []
        assert used in [unfinished, *by_tag_too], lines
