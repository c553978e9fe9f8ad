"""Prices with effective dates. No row of them is ever changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.db.session import Tx
from app.domain.prices import Price

#: Where a change of prices is announced. It only wakes: the truth is the list's revision.
CHANNEL = "reelgate_prices"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPrices:
    """All prices that count at `read_at` or will later."""

    revision: UUID
    read_at: datetime
    prices: tuple[Price, ...]


_NOT_WITHDRAWN = "NOT EXISTS (SELECT FROM price_withdrawals w WHERE w.price_id = {0}.id)"
#: Whether a later price of the same match has taken effect at `n.at`.
_REPLACED = f"""
    EXISTS (SELECT FROM prices q
             WHERE q.match = p.match AND q.effective_at > p.effective_at AND q.effective_at <= n.at
               AND {_NOT_WITHDRAWN.format("q")})
"""
_NOW = "(SELECT coalesce(CAST(:now AS timestamptz), clock_timestamp()) AS at) n"
#: One snapshot: the prices are those of the revision.
_READ = text(
    f"""
    SELECT l.revision, n.at, p.id, p.match, p.credits, p.effective_at
      FROM price_list l CROSS JOIN {_NOW}
      LEFT JOIN prices p ON {_NOT_WITHDRAWN.format("p")} AND NOT {_REPLACED}
    """  # noqa: S608 - constants
)


async def read(tx: Tx, *, now: datetime | None) -> ReadPrices:
    """`now` None: by the database's clock."""
    rows = (await tx.execute(_READ, {"now": now})).all()
    return ReadPrices(
        revision=rows[0].revision,
        read_at=rows[0].at,
        prices=tuple(
            Price(id=row.id, match=row.match, credits=row.credits, effective_at=row.effective_at)
            for row in rows
            if row.id is not None
        ),
    )


async def revision_of(tx: Tx) -> UUID:
    found: UUID = await tx.scalar(text("SELECT revision FROM price_list"))
    return found


async def begin_change(tx: Tx, *, now: datetime | None) -> datetime:
    """From here on until the end of the transaction nothing is admitted, and what is admitted
    afterwards sees its changes. Returns this instant. `now` None: by the database's clock."""
    found: datetime = await tx.scalar(
        text("SELECT reelgate_change_prices(CAST(:now AS timestamptz))"), {"now": now}
    )
    return found


async def add_price(tx: Tx, price: Price, *, reason: str, actor: str, at: datetime) -> None:
    await tx.execute(
        text(
            """
            INSERT INTO prices (id, match, credits, effective_at, reason, actor, created_at)
            VALUES (:id, CAST(:match AS jsonb), :credits, :effective_at, :reason, :actor, :at)
            """
        ),
        {
            "id": price.id, "match": json.dumps(dict(price.match)), "credits": price.credits,
            "effective_at": price.effective_at, "reason": reason, "actor": actor, "at": at,
        },
    )  # fmt: skip


async def withdraw_price(tx: Tx, price_id: UUID, *, reason: str, actor: str, at: datetime) -> None:
    await tx.execute(
        text(
            """
            INSERT INTO price_withdrawals (price_id, reason, actor, created_at)
            VALUES (:id, :reason, :actor, :at)
            """
        ),
        {"id": price_id, "reason": reason, "actor": actor, "at": at},
    )


class PriceState(StrEnum):
    """Of a price that was set: it counts, will count, has counted, or never will."""

    CURRENT = "current"
    UPCOMING = "upcoming"
    PAST = "past"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    at: datetime
    reason: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPrice:
    """A price, who set it and why, and what became of it. `credits` None: it ended the price of its
    match. `ended_at` is when the next one of its match took effect."""

    id: UUID
    match: Mapping[str, Any]
    credits: int | None
    effective_at: datetime
    state: PriceState
    ended_at: datetime | None
    reason: str
    actor: str
    created_at: datetime
    withdrawal: Withdrawal | None


_LISTED = f"""
    SELECT p.*, w.created_at AS withdrawn_at, w.reason AS withdrawn_reason,
           w.actor AS withdrawn_by, s.state, q.ended_at
      FROM prices p CROSS JOIN {_NOW}
      LEFT JOIN price_withdrawals w ON w.price_id = p.id
     CROSS JOIN LATERAL (
        SELECT min(q.effective_at) AS ended_at FROM prices q
         WHERE w.price_id IS NULL AND q.match = p.match AND q.effective_at > p.effective_at
           AND q.effective_at <= n.at AND {_NOT_WITHDRAWN.format("q")}) q
     CROSS JOIN LATERAL (
        SELECT CASE WHEN w.price_id IS NOT NULL THEN 'withdrawn'
                    WHEN p.effective_at > n.at THEN 'upcoming'
                    WHEN q.ended_at IS NOT NULL THEN 'past' ELSE 'current' END AS state) s
"""  # noqa: S608 - constants


async def list_prices(
    tx: Tx,
    *,
    now: datetime | None,
    state: PriceState | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[ListedPrice]:
    """In the order in which they were set, the newest first. `after` is the time and id of the last
    one of the previous page."""
    at, after_id = after or (None, None)
    rows = await tx.execute(
        text(
            _LISTED + " WHERE (CAST(:state AS text) IS NULL OR s.state = :state)"
            " AND (CAST(:at AS timestamptz) IS NULL OR (p.created_at, p.id) < (:at, :after_id))"
            " ORDER BY p.created_at DESC, p.id DESC LIMIT :limit"
        ),
        {"now": now, "state": state and state.value, "at": at, "after_id": after_id,
         "limit": limit},
    )  # fmt: skip
    return [_listed(row) for row in rows]


async def find_price(tx: Tx, price_id: UUID, *, now: datetime | None) -> ListedPrice | None:
    rows = await tx.execute(text(_LISTED + " WHERE p.id = :id"), {"id": price_id, "now": now})
    row = rows.one_or_none()
    return None if row is None else _listed(row)


def _listed(row: Row[Any]) -> ListedPrice:
    withdrawal = None
    if row.withdrawn_at is not None:
        withdrawal = Withdrawal(
            at=row.withdrawn_at, reason=row.withdrawn_reason, actor=row.withdrawn_by
        )
    return ListedPrice(
        id=row.id, match=row.match, credits=row.credits, effective_at=row.effective_at,
        state=PriceState(row.state), ended_at=row.ended_at, reason=row.reason, actor=row.actor,
        created_at=row.created_at, withdrawal=withdrawal,
    )  # fmt: skip
