"""Grants: credits that an account may use beside its limit for a while. They are never changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.db.session import Tx
from app.domain.accounts import AccountKind, Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """It counts from `created_at` until `ends_at`; None: for ever. `member_name` is None for a
    team's, `key_prefix` for a team's or a member's: of the keys of an account, the newest one's."""

    id: UUID
    kind: AccountKind
    team_id: UUID
    team_name: str
    member_name: str | None
    key_prefix: str | None
    credits: int
    reason: str
    actor: str
    created_at: datetime
    ends_at: datetime | None


async def present_period(
    tx: Tx, team_id: UUID, period: Period, *, now: datetime | None
) -> tuple[datetime, datetime | None]:
    """The present instant, and when the period that it is in ends, if it does. `now` None: by the
    database's clock. The time zone of the team stays as it is until the end of this transaction."""
    row = (
        await tx.execute(
            text(
                """
                SELECT n.at, reelgate_period_ends_at(
                           :period, t.time_zone, reelgate_period_on(:period, t.time_zone, n.at))
                  FROM teams t,
                       (SELECT coalesce(CAST(:now AS timestamptz), clock_timestamp()) AS at) n
                 WHERE t.id = :team_id FOR KEY SHARE OF t
                """
            ),
            {"team_id": team_id, "period": period.value, "now": now},
        )
    ).one()
    return row[0], row[1]


async def add_grant(
    tx: Tx,
    grant_id: UUID,
    *,
    account_id: UUID,
    kind: AccountKind,
    team_id: UUID,
    credits_: int,
    reason: str,
    actor: str,
    created_at: datetime,
    ends_at: datetime | None,
) -> None:
    await tx.execute(
        text(
            """
            INSERT INTO grants
                (id, account_id, kind, team_id, credits, reason, actor, created_at, ends_at)
            VALUES (:id, :account_id, :kind, :team_id, :credits, :reason, :actor, :created_at,
                    coalesce(CAST(:ends_at AS timestamptz), 'infinity'))
            """
        ),
        {
            "id": grant_id, "account_id": account_id, "kind": kind.value, "team_id": team_id,
            "credits": credits_, "reason": reason, "actor": actor, "created_at": created_at,
            "ends_at": ends_at,
        },
    )  # fmt: skip


_GRANTS = """
    SELECT g.id, g.kind, g.team_id, t.name AS team_name, m.name AS member_name,
           k.prefix AS key_prefix, g.credits, g.reason, g.actor, g.created_at,
           nullif(g.ends_at, 'infinity') AS ends_at
      FROM grants g JOIN teams t ON t.id = g.team_id
      LEFT JOIN LATERAL (
        SELECT x.prefix, x.member_id FROM api_keys x
         WHERE g.kind = 'key' AND x.account_id = g.account_id
         ORDER BY x.created_at DESC, x.id DESC LIMIT 1) k ON true
      LEFT JOIN members m
        ON m.id = CASE g.kind WHEN 'member' THEN g.account_id WHEN 'key' THEN k.member_id END
"""


async def list_grants(
    tx: Tx,
    *,
    account_id: UUID | None = None,
    team: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int | None = None,
) -> list[Grant]:
    """Oldest first, also those that have ended: of all accounts, of one, or of those of the team
    with this name, its members and their keys. `after` is the time and id of the last one of the
    previous page."""
    at, after_id = after or (None, None)
    rows = await tx.execute(
        text(
            _GRANTS + " WHERE (CAST(:account_id AS uuid) IS NULL OR g.account_id = :account_id)"
            " AND (CAST(:team AS text) IS NULL OR t.name = :team)"
            " AND (CAST(:at AS timestamptz) IS NULL OR (g.created_at, g.id) > (:at, :after_id))"
            " ORDER BY g.created_at, g.id LIMIT :limit"
        ),
        {"account_id": account_id, "team": team, "at": at, "after_id": after_id, "limit": limit},
    )
    return [_grant(row) for row in rows]


async def get_grant(tx: Tx, grant_id: UUID) -> Grant:
    rows = await tx.execute(text(_GRANTS + " WHERE g.id = :id"), {"id": grant_id})
    return _grant(rows.one())


def _grant(row: Row[Any]) -> Grant:
    return Grant(**{**row._mapping, "kind": AccountKind(row.kind)})
