"""What is left of a member's limits: the figures that admission uses, read without a lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx
from app.domain.accounts import account_from
from app.domain.limits import Limit, LimitStatus

_FIGURES = tuple(each.name for each in fields(LimitStatus))
_LIMITS = text(
    "SELECT l.* FROM reelgate_limits(CAST(:key_id AS uuid), :member_id, :quote,"
    " coalesce(CAST(:now AS timestamptz), clock_timestamp()), 'view') l"
)


async def limits_of(
    tx: Tx, member_id: UUID, *, key_id: UUID | None, quote: int = 0, now: datetime | None
) -> LimitStatus:
    """Every figure is set. `binding_limit` is the one that would refuse a request of `quote`
    credits with this key. `now` None: the database's own clock."""
    values = {"member_id": member_id, "key_id": key_id, "quote": quote, "now": now}
    return status_from(dict((await tx.execute(_LIMITS, values)).one()._mapping))


def status_from(row: Mapping[str, Any], *, held: int = 0) -> LimitStatus:
    """From a row of `reelgate_limits`, or its JSON, with so many credits held besides. Figures that
    only the next release knows are ignored: after admission they must not fail what was
    accepted."""
    known = {name: row[name] for name in _FIGURES}
    binding = known["binding_limit"]
    accounts = (account_from(figures) for figures in known["accounts"] or ())
    return LimitStatus(**{
        **known,
        "binding_limit": None if binding is None else Limit(binding),
        "accounts": tuple(replace(each, held=each.held + held) for each in accounts),
    })  # fmt: skip
