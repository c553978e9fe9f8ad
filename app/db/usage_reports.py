"""Reports of usage: how many generations were requested, and what they cost.

Those that have ended are read where they were added up when they ended, those that have not from
their own table: few, and found by an index. One statement reads both, so each is in one of them.
What has several tags at once is in no sum, and is read from the generations themselves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.db.generations import HAS_TAGS
from app.db.session import Tx
from app.domain.usage import Dimension, Question


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What is not a dimension of its report is None. `tag` is the value of the tag that rows are
    grouped by; None for what lacks it. `month` is as `2026-03`. A key is the newest of those that
    replaced each other. `held_credits` are reserved for generations that have not ended."""

    day: date | None
    month: str | None
    model: str | None
    state: str | None
    team_id: UUID | None
    team: str | None
    member_id: UUID | None
    member: str | None
    key_id: UUID | None
    key: str | None
    key_prefix: str | None
    tag: str | None
    generations: int
    settled_credits: int
    held_credits: int


#: Columns of the sources below: day, model, state, team_id, member_id, account_id, tag,
#: generations, settled and held. `{filters}` are of model, state and account.
_OF_TEAM = """
    SELECT day, model, state, team_id, CAST(NULL AS uuid) AS member_id,
           CAST(NULL AS uuid) AS account_id, CAST(NULL AS text) AS tag, generations, settled,
           0 AS held
      FROM team_usage
     WHERE {whose} AND day BETWEEN :first AND :last {filters}
"""
_OF_MEMBERS = """
    SELECT day, model, state, team_id, member_id, account_id, {value} AS tag,
           {sign} generations AS generations, {sign} settled AS settled, 0 AS held
      FROM daily_usage
     WHERE {whose} AND tag = {tag} AND day BETWEEN :first AND :last {filters}
"""
_OF_GENERATIONS = """
    SELECT day, model, state, team_id, member_id, account_id, tag, 1 AS generations,
           coalesce(settled, 0) AS settled, CASE WHEN settled IS NULL THEN quote ELSE 0 END AS held
      FROM (
        SELECT reelgate_period_on('day', t.time_zone, g.created_at) AS day,
               g.model, g.state, g.team_id, g.member_id, k.account_id,
               g.metadata ->> CAST(:by_tag AS text) AS tag, g.settled, g.quote
          FROM generations g JOIN teams t ON t.id = g.team_id JOIN api_keys k ON k.id = g.api_key_id
         WHERE {which}) g
     WHERE day BETWEEN :first AND :last {filters}
"""
_UNENDED = "g.state IN ('queued', 'submitting', 'running', 'unknown')"
#: Any time zone's day is between these.
_ABOUT = """
    g.created_at >= CAST(:first AS date)::timestamp AT TIME ZONE 'UTC' - interval '1 day'
    AND g.created_at < CAST(:last AS date)::timestamp AT TIME ZONE 'UTC' + interval '2 days'
"""
_REPORT = """
    SELECT {shown}, generations, settled_credits, held_credits
      FROM (
        SELECT {grouped}, sum(generations)::bigint AS generations,
               sum(settled)::bigint AS settled_credits, sum(held)::bigint AS held_credits
          FROM (SELECT *, to_char(day, 'YYYY-MM') AS month FROM ({sources}) s) u
         GROUP BY {grouped} HAVING sum(generations) <> 0 ORDER BY {grouped} LIMIT :limit) r
      {joins}
     ORDER BY {ordered}
"""
#: Of each dimension: its column, and where the rest of its fields are from.
_COLUMNS = {
    Dimension.DAY: ("day", ""),
    Dimension.MONTH: ("month", ""),
    Dimension.MODEL: ("model", ""),
    Dimension.STATE: ("state", ""),
    Dimension.TEAM: ("team_id", "JOIN teams t ON t.id = r.team_id"),
    Dimension.MEMBER: ("member_id", "JOIN members m ON m.id = r.member_id"),
    Dimension.KEY: (
        "account_id",
        "JOIN LATERAL (SELECT id, name, prefix FROM api_keys WHERE account_id = r.account_id"
        " ORDER BY created_at DESC, id DESC LIMIT 1) k ON true",
    ),
}
#: Of each field of a row before its figures: the column that it belongs to, and what it is.
_SHOWN = (
    ("day", "r.day"), ("month", "r.month"), ("model", "r.model"), ("state", "r.state"),
    ("team_id", "r.team_id"), ("team_id", "t.name"), ("member_id", "r.member_id"),
    ("member_id", "m.name"), ("account_id", "k.id"), ("account_id", "k.name"),
    ("account_id", "k.prefix"), ("tag", "r.tag"),
)  # fmt: skip


def reads_generations(question: Question) -> bool:
    """Whether it asks for two tags at once, which no sum has."""
    return len(question.tags.keys() | ({question.by_tag} - {None})) > 1


async def report(
    tx: Tx,
    question: Question,
    *,
    team_id: UUID | None,
    first: date,
    last: date,
    limit: int,
    most_generations: int,
) -> list[UsageRow]:
    """Of a team; None: of all. At most `limit` rows, in the order of the dimensions. A question
    that reads generations reads at most `most_generations` that have ended."""
    values = values_of(question, team_id=team_id, first=first, last=last)
    found = await tx.execute(
        text(statement_of(question, of_all=team_id is None)),
        {**values, "limit": limit, "most_generations": most_generations},
    )
    # In the order of the fields: a report can have thousands.
    return [UsageRow(*row) for row in found]


def values_of(
    question: Question, *, team_id: UUID | None, first: date, last: date
) -> dict[str, Any]:
    filter_key, filter_value = next(iter(question.tags.items()), (None, None))
    return {
        "team_id": team_id, "first": first, "last": last, "by_tag": question.by_tag,
        "member_id": question.member_id, "key_id": question.key_id, "model": question.model,
        "state": question.state and question.state.value,
        "metadata": json.dumps(dict(question.tags)), "filter_key": filter_key,
        "filter_value": filter_value,
    }  # fmt: skip


def statement_of(question: Question, *, of_all: bool = False) -> str:
    """With the parameters of `values_of`, `limit` and `most_generations`. `of_all` teams, or of
    one."""
    columns = [_COLUMNS[each] for each in question.dimensions]
    grouped = [column for column, _ in columns] + (["tag"] if question.by_tag is not None else [])
    return _REPORT.format(
        shown=", ".join(what if column in grouped else "NULL" for column, what in _SHOWN),
        grouped=", ".join(grouped),
        ordered=", ".join(f"r.{column}" for column in grouped),
        sources=" UNION ALL ".join(_sources(question, of_all=of_all)),
        joins=" ".join(join for _, join in columns),
    )


def _sources(question: Question, *, of_all: bool) -> list[str]:
    filters = "".join(
        f" AND {clause}"
        for given, clause in (
            (question.model, "model = :model"),
            (question.state, "state = :state"),
            (question.key_id,
             "account_id = (SELECT account_id FROM api_keys WHERE id = :key_id)"),
        )
        if given is not None
    )  # fmt: skip
    # Of all teams, the sums of each are read by the index of its days.
    whose = "team_id IN (SELECT id FROM teams)" if of_all else "team_id = :team_id"
    which = "true" if of_all else "g.team_id = :team_id"
    if question.member_id is not None:
        whose += " AND member_id = :member_id"
        which += " AND g.member_id = :member_id"
    if question.tags:
        which += f" AND {HAS_TAGS}"
    unended = _OF_GENERATIONS.format(which=f"{which} AND {_UNENDED}", filters=filters)

    def of_members(*, tag: str, value: str = "CAST(NULL AS text)", sign: str = "") -> str:
        return _OF_MEMBERS.format(tag=tag, value=value, sign=sign, whose=whose, filters=filters)

    if reads_generations(question):
        ended = _OF_GENERATIONS.format(
            which=f"{which} AND g.settled IS NOT NULL AND {_ABOUT}", filters=filters
        )
        return [f"({ended} LIMIT :most_generations)", unended]
    if question.tags:
        tag = ":filter_key AND value = :filter_value"
        return [of_members(tag=tag, value="value"), unended]
    if question.by_tag is not None:
        # What lacks the tag is all but what has it.
        return [
            of_members(tag="''"),
            of_members(tag=":by_tag", value="value"),
            of_members(tag=":by_tag", sign="-"),
            unended,
        ]
    of_whole_team = question.member_id is None and question.key_id is None
    if of_whole_team and not {Dimension.MEMBER, Dimension.KEY} & set(question.dimensions):
        return [_OF_TEAM.format(whose=whose, filters=filters), unended]
    return [of_members(tag="''"), unended]


async def today(tx: Tx, team_id: UUID | None, *, now: datetime) -> tuple[str, date]:
    """A team's time zone, and the day it is there; of all teams, those where it is latest."""
    row = (
        await tx.execute(
            text(
                "SELECT time_zone, reelgate_period_on('day', time_zone, :now) AS day FROM teams"
                " WHERE id = :team_id OR CAST(:team_id AS uuid) IS NULL ORDER BY day DESC LIMIT 1"
            ),
            {"team_id": team_id, "now": now},
        )
    ).one()
    return row.time_zone, row.day
