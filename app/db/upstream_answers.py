"""What the upstream said about a generation, in its own words: for operators only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx
from app.domain.generation import State


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamAnswer:
    """`answer` may name the account that pays, and links that need no key. None if the upstream
    said no more than a normal answer does."""

    generation_id: UUID
    state: State
    key_label: str | None
    upstream_id: str | None
    unknown_reason: str | None
    error_code: str | None
    submitted_at: datetime | None
    answer: str | None = field(repr=False)


async def keep(tx: Tx, generation_id: UUID, answer: str) -> None:
    """Replaces an earlier answer."""
    await tx.execute(
        text(
            "UPDATE generations SET upstream_answer = :answer"
            " WHERE id = :id AND upstream_answer IS DISTINCT FROM :answer"
        ),
        {"id": generation_id, "answer": answer},
    )


async def find(tx: Tx, generation_id: UUID) -> UpstreamAnswer | None:
    """None if there is no such generation."""
    row = (
        await tx.execute(
            text(
                """
                SELECT g.id AS generation_id, g.state, k.label AS key_label, g.upstream_id,
                       g.unknown_reason, g.error_code, g.submitted_at, g.upstream_answer AS answer
                  FROM generations g LEFT JOIN upstream_keys k ON k.id = g.upstream_key_id
                 WHERE g.id = :id
                """
            ),
            {"id": generation_id},
        )
    ).one_or_none()
    return None if row is None else UpstreamAnswer(**{**row._mapping, "state": State(row.state)})
