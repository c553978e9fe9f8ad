"""Reads the audit log: operators all of it, administrators what is about their team."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime

from app.db import audit
from app.db.audit import AuditLine, Wanted
from app.domain.authority import Actor
from app.runtime import Runtime

#: How many lines of an export are read at a time.
_BATCH = 1_000
Position = tuple[datetime, int]
#: Of an export, in this order.
COLUMNS = (
    "id", "created_at", "actor", "action", "subject", "team_id", "team", "member", "key_prefix",
    "address", "detail",
)  # fmt: skip
#: A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


async def list_lines(
    rt: Runtime, wanted: Wanted, *, actor: Actor, after: Position | None = None, limit: int
) -> list[AuditLine]:
    """Newest first. `after` is the position of the last line before the page. Raises
    `Forbidden`."""
    actor.require_manager()
    if wanted.team_id is not None and not actor.manages(wanted.team_id):
        return []
    wanted = replace(wanted, team_id=wanted.team_id or actor.only_team)
    async with rt.db.single() as tx:
        found = await audit.lines(tx, wanted, after=after, limit=limit)
    return [fit_for(actor, line) for line in found]


async def all_lines(rt: Runtime, wanted: Wanted, *, actor: Actor) -> AsyncIterator[AuditLine]:
    """Newest first; those that are written meanwhile are left out. No connection is held while one
    is handed out. Raises `Forbidden`."""
    after: Position | None = None
    while True:
        found = await list_lines(rt, wanted, actor=actor, after=after, limit=_BATCH)
        for line in found:
            yield line
        if len(found) < _BATCH:
            return
        after = (found[-1].created_at, found[-1].id)


def fit_for(actor: Actor, line: AuditLine) -> AuditLine:
    """For administrators of a team without the key and the address of those outside of it, and
    without what the upstream calls a generation."""
    if actor.unbound:
        return line
    detail = {name: value for name, value in line.detail.items() if name != "upstream_id"}
    if actor.caller is not None and line.team == actor.caller.team_name:
        return replace(line, detail=detail)
    return replace(line, detail=detail, team=None, member=None, key_prefix=None, address=None)


def as_json(line: AuditLine) -> str:
    """One object on one line."""
    return json.dumps(_fields(line), ensure_ascii=False)


def as_csv(rows: Sequence[Sequence[object]]) -> str:
    """Lines of a table that a spreadsheet opens without calculating anything."""
    written = io.StringIO()
    csv.writer(written).writerows([[_cell(value) for value in row] for row in rows])
    return written.getvalue()


def cells(line: AuditLine) -> list[object]:
    """In the order of `COLUMNS`."""
    fields = _fields(line) | {"detail": json.dumps(dict(line.detail), ensure_ascii=False)}
    return [fields[name] for name in COLUMNS]


def _fields(line: AuditLine) -> dict[str, object]:
    return asdict(line) | {
        "created_at": line.created_at.isoformat(),
        "team_id": None if line.team_id is None else str(line.team_id),
    }


def _cell(value: object) -> object:
    """With an apostrophe before what would be a formula, which spreadsheets do not show."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
