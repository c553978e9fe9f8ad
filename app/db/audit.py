"""The audit log: who did what, written in the transaction of the action. It is append-only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx
from app.telemetry import request_identity


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """`team_id` is the team that it is about, if any. `team`, `member`, `key_prefix` and `address`
    are those of the request; None if the action was not done through a request."""

    id: int
    created_at: datetime
    actor: str
    action: str
    subject: str
    team_id: UUID | None
    team: str | None
    member: str | None
    key_prefix: str | None
    address: str | None
    detail: Mapping[str, Any]


_RECORD = text(
    """
    INSERT INTO audit_log (actor, action, subject, team_id, team, member, key_prefix, address,
                           detail)
    VALUES (:actor, :action, :subject, :team_id, :team, :member, :key_prefix, :address,
            CAST(:detail AS jsonb))
    """
)
_COLUMNS = (
    "id, created_at, actor, action, subject, team_id, team, member, key_prefix, address, detail"
)
_NEWEST_FIRST = "ORDER BY created_at DESC, id DESC LIMIT :limit"
#: Of an action: `key` of `key.revoke`.
_FAMILY = "split_part(action, '.', 1)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which lines; None: all. `member`, as `team/member`, is the one who acted or the subject.
    `action` also takes a family: `key` is every `key.…`."""

    team_id: UUID | None = None
    actor: str | None = None
    member: str | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> tuple[list[str], dict[str, Any]]:
        """Without `member`, and values for all."""
        values = {name: value for name, value in asdict(self).items() if value is not None}
        clauses = [_CONDITIONS[name] for name in values if name in _CONDITIONS]
        if self.action is not None:
            clauses.append(f"{'action' if '.' in self.action else _FAMILY} = :action")
        return clauses, values


_CONDITIONS = {
    "team_id": "team_id = :team_id",
    "actor": "actor = :actor",
    "subject": "subject = :subject",
    "since": "created_at >= :since",
    "until": "created_at < :until",
}


async def record(
    tx: Tx, actor: str, action: str, subject: str, *, team_id: UUID | None, **detail: Any
) -> None:
    """Adds a line. `team_id` is the team whose administrators may read it; None if it is about no
    team. What is None in `detail` is left out. Whose request this is, and from which address, is
    taken from the context of the request."""
    given = {name: value for name, value in detail.items() if value is not None}
    whose = request_identity()
    await tx.execute(
        _RECORD,
        {
            "actor": actor, "action": action, "subject": subject, "team_id": team_id,
            "detail": json.dumps(given),
            "team": whose.team, "member": whose.member, "key_prefix": whose.key_prefix,
            "address": whose.address,
        },
    )  # fmt: skip


async def lines(
    tx: Tx, wanted: Wanted, *, after: tuple[datetime, int] | None = None, limit: int
) -> list[AuditLine]:
    """Newest first; at or after `since` and before `until`. `after` is the (created_at, id) of the
    last line of the previous page."""
    clauses, values = wanted.conditions()
    if after is not None:
        clauses.append("(created_at, id) < (:after_at, :after_id)")
        values |= {"after_at": after[0], "after_id": after[1]}
    matching = "".join(f" AND {clause}" for clause in clauses)
    selected = f"SELECT {_COLUMNS} FROM audit_log WHERE true{matching}"  # noqa: S608
    query = f"{selected} {_NEWEST_FIRST}"
    if wanted.member is not None:
        # Each half by its own index: together they would be read whole, and sorted.
        query = (
            f"SELECT * FROM (({selected} AND actor = :member {_NEWEST_FIRST})"  # noqa: S608
            f" UNION ({selected} AND subject = :member {_NEWEST_FIRST})) lines {_NEWEST_FIRST}"
        )
    rows = await tx.execute(text(query), {**values, "limit": limit})
    return [AuditLine(**row._mapping) for row in rows]
