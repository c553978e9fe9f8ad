"""What a team or a member used, by day, model, state, member, key or tag."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import chain
from uuid import UUID

from app.db import usage_reports
from app.db.session import Tx
from app.db.usage_reports import UsageRow
from app.domain.authority import Actor
from app.domain.caller import Caller
from app.domain.spreadsheets import csv_rows
from app.domain.text import shown
from app.domain.usage import Dimension, Question
from app.errors import Forbidden, InvalidRequest, Issue
from app.members.teams import managed_team
from app.runtime import Runtime

_DAYS = 30
#: Three years. What is read grows with the days, and not with the generations.
MOST_DAYS = 1_096
#: Tags can have as many values as there are generations.
MOST_ROWS = 10_000
#: Of those that no sum has.
MOST_GENERATIONS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """All rows of the days from `first` to `last`, inclusive, in `time_zone`, and their totals.
    `time_zone` None: that of each team."""

    first: date
    last: date
    time_zone: str | None
    rows: Sequence[UsageRow]

    @property
    def generations(self) -> int:
        return sum(row.generations for row in self.rows)

    @property
    def settled_credits(self) -> int:
        return sum(row.settled_credits for row in self.rows)

    @property
    def held_credits(self) -> int:
        return sum(row.held_credits for row in self.rows)


async def usage_of_caller(
    rt: Runtime, question: Question, *, caller: Caller, whole_team: bool
) -> Usage:
    """A caller's own usage, or its team's, for an administrator. Raises `Forbidden`, and
    `InvalidRequest` for a range that is none, or a question with too long an answer."""
    if whole_team and not caller.is_admin:
        raise Forbidden("Only an administrator of the team may see the team's usage.")
    if not whole_team:
        question = replace(question, member_id=caller.member_id)
    async with rt.db.single() as tx:
        return await _usage(rt, tx, caller.team_id, question)


async def usage_of_team(
    rt: Runtime, team: UUID | str, question: Question, *, actor: Actor
) -> Usage:
    """A team's usage, for those who manage it. Raises as `usage_of_caller`, and `NotFound`."""
    actor.require_manager()
    async with rt.db.single() as tx:
        return await _usage(rt, tx, (await managed_team(tx, team, actor)).id, question)


async def usage_of_all(rt: Runtime, question: Question, *, actor: Actor) -> Usage:
    """The usage of all teams, for operators, and of its team, for an administrator. Raises as
    `usage_of_caller`."""
    actor.require_manager()
    async with rt.db.single() as tx:
        return await _usage(rt, tx, actor.only_team, question)


async def _usage(rt: Runtime, tx: Tx, team_id: UUID | None, question: Question) -> Usage:
    time_zone, today = await usage_reports.today(tx, team_id, now=rt.clock.now())
    last = question.last or today
    first = question.first or last - timedelta(days=min(_DAYS - 1, last.toordinal() - 1))
    if not 0 <= (last - first).days < MOST_DAYS:
        raise _invalid(
            "from", f"must be at most {MOST_DAYS - 1} days before `to`, and not after it",
            first.isoformat(),
        )  # fmt: skip
    rows = await usage_reports.report(
        tx, question, team_id=team_id, first=first, last=last, limit=MOST_ROWS + 1,
        most_generations=MOST_GENERATIONS + 1,
    )  # fmt: skip
    if len(rows) > MOST_ROWS:
        raise _invalid(
            "group_by", f"gives more than {MOST_ROWS} rows; group by less, ask for fewer days, or "
            "filter", ", ".join(question.groups),
        )  # fmt: skip
    found = Usage(
        first=first, last=last, time_zone=None if team_id is None else time_zone, rows=rows
    )
    if usage_reports.reads_generations(question) and found.generations > MOST_GENERATIONS:
        raise _invalid(
            "metadata", f"more than {MOST_GENERATIONS} generations have these tags, and only those "
            "of one tag are added up; ask for one tag, or for fewer days",
            shown(", ".join(question.tags)),
        )  # fmt: skip
    return found


def _invalid(field: str, message: str, value: object) -> InvalidRequest:
    return InvalidRequest(f"{field} {message}.", issues=[Issue(field, "value", message, value)])


#: Of each dimension, the fields of a row.
_FIELDS = {
    Dimension.TEAM: ("team_id", "team"),
    Dimension.MEMBER: ("member_id", "member"),
    Dimension.KEY: ("key_id", "key", "key_prefix"),
}


def table(question: Question, rows: Iterable[UsageRow]) -> tuple[list[str], list[list[object]]]:
    """What rows are grouped by, and their figures. The tag's column has its name."""
    fields = [
        *chain.from_iterable(_FIELDS.get(each, (each.value,)) for each in question.dimensions),
        *(() if question.by_tag is None else ("tag",)),
        "generations", "settled_credits", "held_credits",
    ]  # fmt: skip
    names = {"tag": f"metadata[{question.by_tag}]"}
    cells = [[getattr(row, each) for each in fields] for row in rows]
    return [names.get(each, each) for each in fields], cells


def usage_csv(question: Question, rows: Iterable[UsageRow]) -> bytes:
    names, cells = table(question, rows)
    return csv_rows([names, *cells])
