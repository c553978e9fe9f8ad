"""Closes months of teams. A statement takes every entry of the ledger that is in none yet, and is
frozen: its lines, their sums and the digest of their CSV."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid4

from app.db import audit, statements
from app.db.session import Tx, take_your_time
from app.db.teams import Team
from app.domain.authority import Actor
from app.domain.statements import (
    CSV_HEADER,
    GroupBy,
    Kind,
    Line,
    Statement,
    Total,
    csv_lines,
    month_of,
    next_month,
)
from app.errors import InvalidRequest, Issue, NotFound
from app.members.teams import managed_team
from app.runtime import Runtime

#: The first ones show what is wrong.
_MOST_FINDINGS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong with a statement; `month` is None for what should be in one."""

    team: str
    month: date | None
    what: str


async def close(
    rt: Runtime, team: UUID | str, month: date, *, actor: Actor
) -> tuple[Statement, bool]:
    """The statement of the month that begins on this day, and whether it was closed by this. Months
    are closed in their order; the first statement also has what was spent before its month. Raises
    `Forbidden`, `NotFound`, and `InvalidRequest` for a month that has not ended or is not the next
    one."""
    async with rt.db.begin() as tx:
        found = await managed_team(tx, team, actor)
        actor.require_operator()
        await take_your_time(tx)
        await statements.lock_closing(tx, found.id)
        closed = await statements.find(tx, found.id, month)
        if closed is not None:
            return closed, False
        now = rt.clock.for_database()
        due = await statements.month_of_team(tx, found.id, month, now=now)
        ends_at = _check(found, month, due)
        statement_id = uuid4()
        await statements.collect_lines(
            tx, statement_id, team_id=found.id, time_zone=due.time_zone, ends_at=ends_at
        )
        csv_bytes, csv_sha256 = await _digest(tx, statement_id)
        statement = await statements.add(
            tx, statement_id, team_id=found.id, month=month, time_zone=due.time_zone,
            ends_at=ends_at, csv_bytes=csv_bytes, csv_sha256=csv_sha256, actor=actor.name,
            created_at=now,
        )  # fmt: skip
        await audit.record(
            tx, actor.name, "statement.close", found.name, team_id=found.id, month=month_of(month),
            credits=statement.credits, lines=statement.lines, sha256=csv_sha256.hex(),
            reason=actor.reason,
        )  # fmt: skip
        return statement, True


def _check(team: Team, month: date, due: statements.Month) -> datetime:
    """The end of the month, if it can be closed."""
    first = due.first if due.last is None else next_month(due.last)
    if month != first and (due.last is not None or month < first):
        which = f"the next one to close is {month_of(first)}"
        if due.last is None:
            which = f"team {team.name} has spent nothing before {month_of(first)}"
        raise _invalid(f"is not to be closed: {which}", month)
    if due.ends_at is None:
        raise _invalid(f"has not ended in {due.time_zone}", month)
    return due.ends_at


async def _digest(tx: Tx, statement_id: UUID) -> tuple[int, bytes]:
    """How long the CSV of the lines is, and its SHA-256."""
    digest, size = hashlib.sha256(CSV_HEADER), len(CSV_HEADER)
    async for lines in statements.pages_of_lines(tx, statement_id):
        part = csv_lines(lines)
        digest.update(part)
        size += len(part)
    return size, digest.digest()


async def list_statements(
    rt: Runtime,
    team: UUID | str,
    *,
    actor: Actor,
    after: date | None = None,
    limit: int,
) -> list[Statement]:
    """Of a team, in the order of their months, of those after `after`. Raises `Forbidden` and
    `NotFound`."""
    actor.require_manager()
    async with rt.db.single() as tx:
        found = await managed_team(tx, team, actor)
        position = None if after is None else (found.id, after)
        return await statements.list_statements(tx, team_id=found.id, after=position, limit=limit)


async def get_statement(rt: Runtime, team: UUID | str, month: date, *, actor: Actor) -> Statement:
    """Raises `Forbidden`, and `NotFound` also if the month is not closed."""
    actor.require_manager()
    async with rt.db.single() as tx:
        return await _get(tx, team, month, actor)


async def list_lines(
    rt: Runtime,
    team: UUID | str,
    month: date,
    *,
    actor: Actor,
    kind: Kind | None = None,
    after: int,
    limit: int,
) -> list[Line]:
    """In the order of the CSV, behind the position `after`. Raises what `get_statement` does."""
    actor.require_manager()
    async with rt.db.single() as tx:
        found = await _get(tx, team, month, actor)
        return await statements.lines(tx, found.id, after=after, limit=limit, kind=kind)


async def list_totals(
    rt: Runtime,
    team: UUID | str,
    month: date,
    *,
    actor: Actor,
    by: GroupBy,
    tag: str | None = None,
    skip: int = 0,
    limit: int,
) -> list[Total]:
    """Of its lines by what they have in common, most credits first. Raises what `get_statement`
    does, and `InvalidRequest` if the key of a tag is missing, or is given with another `by`."""
    actor.require_manager()
    if (tag is not None) != (by is GroupBy.TAG):
        message = "is given with `by=tag`, and only then"
        raise InvalidRequest(f"tag {message}.", issues=[Issue("tag", "value", message, tag)])
    async with rt.db.single() as tx:
        found = await _get(tx, team, month, actor)
        return await statements.totals(tx, found.id, by=by, tag=tag, skip=skip, limit=limit)


async def csv_of(rt: Runtime, statement: Statement) -> AsyncIterator[bytes]:
    """The same bytes each time. No connection is held in between."""
    yield CSV_HEADER
    after, more = 0, True
    while more:
        async with rt.db.single() as tx:
            lines = await statements.lines(tx, statement.id, after=after, limit=statements.PAGE)
        if lines:
            after = lines[-1].position
            yield csv_lines(lines)
        more = len(lines) == statements.PAGE


async def verify(rt: Runtime, team: str | None, *, actor: Actor) -> list[Finding]:
    """Where a statement is not what its lines and the ledger say, and which entries are not in
    exactly one: none, unless somebody changed rows by hand or the gateway has a bug. Reads every
    statement, of a team or of all, and the whole ledger."""
    findings: list[Finding] = []
    async with rt.db.begin() as tx:
        await take_your_time(tx)
        team_id = None if team is None else (await managed_team(tx, team, actor)).id
        after = None
        while page := await statements.list_statements(tx, team_id=team_id, after=after, limit=100):
            for statement in page:
                findings += [
                    Finding(team=statement.team_name, month=statement.month, what=what)
                    for what in await _wrong(tx, statement)
                ]
            after = page[-1].team_id, page[-1].month
        findings += [
            Finding(team=name, month=None, what=f"entry {entry} is not in exactly one statement")
            for name, entry in await statements.out_of_place(
                tx, team_id=team_id, limit=_MOST_FINDINGS
            )
        ]
    return findings[:_MOST_FINDINGS]


async def _wrong(tx: Tx, statement: Statement) -> list[str]:
    found = []
    if await _digest(tx, statement.id) != (statement.csv_bytes, statement.csv_sha256):
        found.append("its lines do not have its digest")
    for name, value in (await statements.figures(tx, statement)).items():
        if value != getattr(statement, name):
            found.append(f"its {name} are {getattr(statement, name)}, and its lines have {value}")
    if wrong := await statements.wrong_lines(tx, statement.id):
        found.append(f"{wrong} lines are not what the ledger says")
    return found


async def _get(tx: Tx, team: UUID | str, month: date, actor: Actor) -> Statement:
    found = await managed_team(tx, team, actor)
    statement = await statements.find(tx, found.id, month)
    if statement is None:
        raise NotFound(f"{month_of(month)} of team {found.name} is not closed.")
    return statement


def _invalid(message: str, month: date) -> InvalidRequest:
    value = month_of(month)
    return InvalidRequest(
        f"month {message}; got {value}.", issues=[Issue("month", "value", message, value)]
    )
