"""Notices: an account has reached so many percent of its limit. Admission makes them, and a changed
limit."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx
from app.domain.notices import Notice, notice_from

_NOTICE = text(
    "SELECT reelgate_notice(CAST(:percents AS jsonb), :accounts, NULL,"
    " coalesce(CAST(:now AS timestamptz), clock_timestamp()))"
)


async def add_due(
    tx: Tx, accounts: Collection[UUID], *, percents: Collection[int], now: datetime | None
) -> None:
    """Makes the notices that are due for these accounts, in the transaction that has changed their
    limits. `now` None: by the database's clock."""
    values = {"percents": json.dumps(list(percents)), "accounts": list(accounts), "now": now}
    await tx.execute(_NOTICE, values)


_NOTICE_GENERATION = text(
    """
    SELECT reelgate_notice(
        CAST(:percents AS jsonb),
        ARRAY(SELECT a.account_id FROM reelgate_accounts(g.api_key_id, g.member_id, n.at) a), NULL,
        n.at)
      FROM generations g,
           (SELECT coalesce(CAST(:now AS timestamptz), clock_timestamp()) AS at) n
     WHERE g.id = :id
    """
)


async def add_due_of(
    tx: Tx, generation_id: UUID, *, percents: Collection[int], now: datetime | None
) -> None:
    """The same for the accounts in which a generation counts, which has cost more than was
    known."""
    values = {"percents": json.dumps(list(percents)), "id": generation_id, "now": now}
    await tx.execute(_NOTICE_GENERATION, values)


#: Of the period that each account is in.
_PRESENT = text(
    """
    SELECT n.data FROM notices n JOIN teams t ON t.id = n.team_id
      LEFT JOIN members m ON m.id = n.member_id
     WHERE n.team_id = :team_id
       AND (CAST(:member_id AS uuid) IS NULL OR n.member_id = :member_id)
       AND n.period = CASE n.kind
            WHEN 'team' THEN t.credit_period WHEN 'member' THEN m.credit_period
            ELSE (SELECT k.credit_period FROM api_keys k WHERE k.account_id = n.account_id LIMIT 1)
            END
       AND n.period_on = reelgate_period_on(
            n.period, t.time_zone, coalesce(CAST(:now AS timestamptz), now()))
       AND (CAST(:at AS timestamptz) IS NULL OR (n.created_at, n.id) < (:at, :after_id))
     ORDER BY n.created_at DESC, n.id DESC LIMIT :limit
    """
)


async def list_present(
    tx: Tx,
    *,
    team_id: UUID,
    member_id: UUID | None = None,
    now: datetime | None,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Notice]:
    """Of the present periods, newest first: of a member and its keys, or of a team, its members and
    their keys. `after` is the time and id of the last one of the previous page."""
    at, after_id = after or (None, None)
    values = {
        "team_id": team_id, "member_id": member_id, "now": now, "at": at, "after_id": after_id,
        "limit": limit,
    }  # fmt: skip
    return [notice_from(data) for data in await tx.scalars(_PRESENT, values)]


async def prune(tx: Tx, *, days: int, limit: int = 5_000) -> int:
    """Deletes the oldest notices of periods that ended so many days ago; returns how many. Those of
    accounts without periods stay."""
    result = await tx.execute(
        text(
            """
            DELETE FROM notices WHERE id IN (
                SELECT id FROM notices
                 WHERE created_at < now() - make_interval(days => :days) AND period <> 'none'
                   AND CAST(data->'account'->>'resets_at' AS timestamptz)
                       < now() - make_interval(days => :days)
                 ORDER BY created_at LIMIT :limit)
            """
        ),
        {"days": days, "limit": limit},
    )
    return int(result.rowcount)
