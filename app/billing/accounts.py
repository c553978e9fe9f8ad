"""Compares every balance with the ledger, and usage with the generations."""

from __future__ import annotations

from app.db import accounts, audit, ledger, usage
from app.db.ledger import Difference
from app.runtime import Runtime

#: The first ones show what is wrong.
_MOST_DIFFERENCES = 1000


async def verify(rt: Runtime) -> list[Difference]:
    """Where a balance is not what the ledger adds up to: nowhere, unless somebody changed rows by
    hand or the gateway has a bug. Reads the whole ledger."""
    async with rt.db.begin() as tx:
        return await ledger.differences(tx, limit=_MOST_DIFFERENCES)


async def verify_usage(rt: Runtime) -> list[usage.Difference]:
    """Where usage is not what the generations add up to: nowhere, in the same way. Reads all of
    them."""
    async with rt.db.begin() as tx:
        return await usage.differences(tx, limit=_MOST_DIFFERENCES)


async def rebuild(rt: Runtime, *, actor: str) -> None:
    """Makes every balance what the ledger adds up to, and usage what the generations do. Creates
    and ends wait meanwhile."""
    async with rt.db.begin() as tx:
        await accounts.rebuild_all(tx)
        await audit.record(tx, actor, "ledger.rebuild", "balances", team_id=None)
