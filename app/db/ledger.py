"""The ledger of credits, which is never changed, and the balances that are moved with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx, take_your_time
from app.domain.generation import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`kind` is hold, settle, release or correct. `held` and `settled` are what it adds to the
    balances: the end of a hold takes away what was held."""

    kind: str
    held: int
    settled: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a generation may cost and has cost; `settled` is None while its hold is open."""

    quote: int
    settled: int | None
    state: State
    team_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A change of what a generation had cost by `credits`, which made it `settled`."""

    id: int
    generation_id: UUID
    credits: int
    settled: int
    reason: str
    actor: str
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


#: The entries of a generation: each kind has an index of its own.
_OF_ONE = " OR ".join(
    f"(generation_id = :id AND {kind})"
    for kind in ("kind = 'hold'", "kind IN ('settle', 'release')", "kind = 'correct'")
)


_ENTRIES = f"SELECT kind, held, settled, created_at FROM ledger_entries WHERE {_OF_ONE}"  # noqa: S608
_CORRECTIONS = f"""
    SELECT id, generation_id, credits, settled, reason, actor, created_at FROM (
        SELECT id, generation_id, kind, settled AS credits,
               (sum(settled) OVER (ORDER BY id))::bigint AS settled, reason, actor, created_at
          FROM ledger_entries WHERE {_OF_ONE}) e
     WHERE kind = 'correct'
"""  # noqa: S608 - a constant


async def entries_of(tx: Tx, generation_id: UUID) -> list[Entry]:
    """Oldest first."""
    rows = await tx.execute(text(f"{_ENTRIES} ORDER BY id"), {"id": generation_id})
    return [Entry(**row._mapping) for row in rows]


#: What is held and settled of a member's own account in the period of an instant: an expression.
USED_BY_MEMBER = """(
    SELECT b.held + b.settled
      FROM reelgate_accounts(NULL, {member}, {now}) c
      JOIN balances b ON b.account_id = c.account_id AND b.period_on = c.period_on
     WHERE c.kind = 'member')"""
_USED_BY_MEMBER = text(
    "SELECT "
    + USED_BY_MEMBER.format(member=":id", now="coalesce(CAST(:now AS timestamptz), now())")
)


async def used_by_member(tx: Tx, member_id: UUID, *, now: datetime | None) -> int:
    """What is held and settled of its own account in the present period. `now` None: by the
    database's clock."""
    used = await tx.scalar(_USED_BY_MEMBER, {"id": member_id, "now": now})
    return int(used or 0)


async def close_hold(tx: Tx, generation_id: UUID, *, settle: int) -> None:
    """Ends the hold of a generation: settles `settle` credits, or releases it if that is 0. The
    constraints refuse a settlement above the hold."""
    await tx.execute(
        text("SELECT reelgate_close_hold(:id, :settle)"), {"id": generation_id, "settle": settle}
    )


async def find_cost(tx: Tx, generation_id: UUID, *, lock: bool = False) -> Cost | None:
    """With `lock`, nobody else ends or corrects it before this transaction ends."""
    query = "SELECT quote, settled, state, team_id FROM generations WHERE id = :id"
    rows = await tx.execute(
        text(f"{query} FOR NO KEY UPDATE" if lock else query), {"id": generation_id}
    )
    row = rows.one_or_none()
    return None if row is None else Cost(**{**row._mapping, "state": State(row.state)})


async def correct(
    tx: Tx, generation_id: UUID, *, settled: int, reason: str, actor: str
) -> Correction:
    """Adds an entry that makes what an ended generation has cost `settled` credits, which it has
    not cost already. The constraints refuse more than its quote."""
    await tx.execute(
        text("SELECT reelgate_correct(:id, :settled, :reason, :actor)"),
        {"id": generation_id, "settled": settled, "reason": reason, "actor": actor},
    )
    rows = await tx.execute(text(f"{_CORRECTIONS} ORDER BY id DESC LIMIT 1"), {"id": generation_id})
    return Correction(**rows.one()._mapping)


async def corrections_of(
    tx: Tx, generation_id: UUID, *, after: int | None, limit: int
) -> list[Correction]:
    """Oldest first. `after` is the id of the last one of the previous page."""
    rows = await tx.execute(
        text(
            f"{_CORRECTIONS} AND (CAST(:after AS bigint) IS NULL OR id > :after)"
            " ORDER BY id LIMIT :limit"
        ),
        {"id": generation_id, "after": after, "limit": limit},
    )
    return [Correction(**row._mapping) for row in rows]


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
