"""The audit log: who did what, written in the transaction of the action."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import text

from app.db.session import Tx


async def record(tx: Tx, actor: str, action: str, subject: str, **detail: Any) -> None:
    """A line of the audit log; what is None in `detail` is left out."""
    given = {name: value for name, value in detail.items() if value is not None}
    await tx.execute(
        text(
            "INSERT INTO audit_log (actor, action, subject, detail)"
            " VALUES (:actor, :action, :subject, CAST(:detail AS jsonb))"
        ),
        {"actor": actor, "action": action, "subject": subject, "detail": json.dumps(given)},
    )
