"""The audit log: who did what, written in the transaction of the action. It is append-only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from app.db.session import Tx
from app.telemetry import request_identity


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """`team`, `member`, `key_prefix` and `address` are those of the request; None if the action was
    not done through a request."""

    id: int
    created_at: datetime
    actor: str
    action: str
    subject: str
    team: str | None
    member: str | None
    key_prefix: str | None
    address: str | None
    detail: Mapping[str, Any]


_RECORD = text(
    """
    INSERT INTO audit_log (actor, action, subject, team, member, key_prefix, address, detail)
    VALUES (:actor, :action, :subject, :team, :member, :key_prefix, :address,
            CAST(:detail AS jsonb))
    """
)
#: The newest of those that match, from an index in their order.
_NEWEST = """
    SELECT id, created_at, actor, action, subject, team, member, key_prefix, address, detail
      FROM audit_log WHERE {} ORDER BY created_at DESC, id DESC LIMIT :limit
"""


async def record(tx: Tx, actor: str, action: str, subject: str, **detail: Any) -> None:
    """Adds a line. What is None in `detail` is left out. Whose request this is, and from which
    address, is taken from the context of the request."""
    given = {name: value for name, value in detail.items() if value is not None}
    whose = request_identity()
    await tx.execute(
        _RECORD,
        {
            "actor": actor, "action": action, "subject": subject, "detail": json.dumps(given),
            "team": whose.team, "member": whose.member, "key_prefix": whose.key_prefix,
            "address": whose.address,
        },
    )  # fmt: skip


async def lines(
    tx: Tx,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    member: str | None = None,
    subject: str | None = None,
    action: str | None = None,
    before: int | None = None,
    limit: int,
) -> list[AuditLine]:
    """Newest first, at or after `since` and before `until`. `before` is the id of the last line of
    the previous page. `member`, as `team/member`, matches the one who acted and the subject.
    `action` also takes a family: `key` matches every `key.…`.
    """
    values = {"since": since, "until": until, "member": member, "subject": subject,
              "action": action, "before": before, "limit": limit}  # fmt: skip
    clauses = [clause for name, clause in _CLAUSES.items() if values[name] is not None]
    # Each way to be found has its own index.
    ways = ["team || '/' || member = :member", "subject = :member"] if member else ["true"]
    found = " UNION ".join(f"({_NEWEST.format(' AND '.join([way, *clauses]))})" for way in ways)
    rows = await tx.execute(
        text(f"SELECT * FROM ({found}) f ORDER BY created_at DESC, id DESC LIMIT :limit"),  # noqa: S608
        values,
    )
    return [AuditLine(**row._mapping) for row in rows]


_CLAUSES = {
    "since": "created_at >= :since",
    "until": "created_at < :until",
    "subject": "subject = :subject",
    "action": "split_part(action, '.', 1) = split_part(:action, '.', 1)"
    " AND (action = :action OR starts_with(action, :action || '.'))",
    "before": "(created_at, id) < (SELECT created_at, id FROM audit_log WHERE id = :before)",
}
