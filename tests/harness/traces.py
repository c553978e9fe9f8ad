"""Counts what requests leave in the database, to show that a refused one leaves nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from tests.harness.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Traces:
    """`rates` has the timestamp of each member's rate limit, which advances with each request. A
    limit that refuses tells that it is reached, so only events of generations count."""

    generations: int
    ledger_entries: int
    idempotency_keys: int
    jobs: int
    events: int
    rates: tuple[datetime, ...]


async def traces(gate: Gateway) -> Traces:
    row = await one(
        gate,
        """
        SELECT (SELECT count(*) FROM generations) AS generations,
               (SELECT count(*) FROM ledger_entries) AS ledger_entries,
               (SELECT count(*) FROM idempotency_keys) AS idempotency_keys,
               (SELECT count(*) FROM procrastinate_jobs) AS jobs,
               (SELECT count(*) FROM events WHERE generation_id IS NOT NULL) AS events,
               (SELECT array_agg(arrival_at ORDER BY member_id) FROM rate_states) AS rates
        """,
    )
    return Traces(**{**row, "rates": tuple(row["rates"] or ())})


async def one(gate: Gateway, statement: str, **values: Any) -> dict[str, Any]:
    """The single row that the statement returns."""
    async with gate.rt.db.single() as tx:
        return dict((await tx.execute(text(statement), values)).one()._mapping)


async def execute(gate: Gateway, statement: str, **values: Any) -> None:
    async with gate.rt.db.begin() as tx:
        await tx.execute(text(statement), values)


async def used_credits(gate: Gateway) -> int:
    """The open holds and settlements of all members."""
    row = await one(
        gate, "SELECT coalesce(sum(held + settled), 0)::bigint AS used FROM ledger_entries"
    )
    return int(row["used"])
