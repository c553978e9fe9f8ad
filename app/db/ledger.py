"""The ledger of credits, which is never changed, and the balances that are moved with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx, take_your_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`kind` is hold, settle or release. `held` and `settled` are what it adds to the balances: the
    end of a hold takes away what was held."""

    kind: str
    held: int
    settled: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A balance that is not what the ledger adds up to."""

    account_id: UUID
    period_on: date | None
    member_id: UUID
    held: int
    settled: int
    ledger_held: int
    ledger_settled: int


async def entries_of(tx: Tx, generation_id: UUID) -> list[Entry]:
    """Oldest first."""
    rows = await tx.execute(
        text(
            "SELECT kind, held, settled, created_at FROM ledger_entries"
            " WHERE generation_id = :id ORDER BY id"
        ),
        {"id": generation_id},
    )
    return [Entry(**row._mapping) for row in rows]


async def used_by_member(tx: Tx, member_id: UUID, *, now: datetime | None) -> int:
    """What is held and settled of its own account in the present period. `now` None: by the
    database's clock."""
    used = await tx.scalar(
        text(
            """
            SELECT b.held + b.settled
              FROM reelgate_accounts(NULL, :id, coalesce(CAST(:now AS timestamptz), now())) a
              JOIN balances b ON b.account_id = a.account_id AND b.period_on = a.period_on
             WHERE a.kind = 'member'
            """
        ),
        {"id": member_id, "now": now},
    )
    return int(used or 0)


async def close_hold(tx: Tx, generation_id: UUID, *, settle: int) -> None:
    """Ends the hold of a generation: settles `settle` credits, or releases it if that is 0. The
    constraints refuse a settlement above the hold."""
    await tx.execute(
        text("SELECT reelgate_close_hold(:id, :settle)"), {"id": generation_id, "settle": settle}
    )


async def differences(tx: Tx, *, limit: int) -> list[Difference]:
    """Where balances and ledger disagree; reads all of the ledger. One snapshot has both. Needs a
    transaction, for the time that this takes."""
    await take_your_time(tx)
    rows = await tx.execute(
        text(
            """
            SELECT account_id, nullif(period_on, '-infinity') AS period_on, member_id,
                   coalesce(b.held, 0) AS held, coalesce(b.settled, 0) AS settled,
                   coalesce(l.held, 0) AS ledger_held, coalesce(l.settled, 0) AS ledger_settled
              FROM balances b
              FULL JOIN ledger_by_account l USING (account_id, period_on, member_id)
             WHERE (coalesce(b.held, 0), coalesce(b.settled, 0))
                <> (coalesce(l.held, 0), coalesce(l.settled, 0))
             ORDER BY account_id, period_on, member_id LIMIT :limit
            """
        ),
        {"limit": limit},
    )
    return [Difference(**row._mapping) for row in rows]
