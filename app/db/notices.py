"""Notices: an account has reached so many percent of its limit. Admission makes them; here are
those that a changed limit makes."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx

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
