"""Finds generations by their prompts, through one index: the cost does not grow with the number of
past generations."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx
from app.domain.catalog.spec import Spec
from app.domain.prompts import Marks

#: Prompts made from one template begin alike, so there may be any number of them.
MAX_ALIKE = 50


async def is_known(tx: Tx, marks: Marks, *, besides: UUID) -> bool:
    """Whether another generation has exactly this prompt."""
    found = await tx.scalar(
        text(
            """
            SELECT EXISTS (SELECT FROM generations WHERE prompt_head = :head
                              AND prompt_digest = :digest AND id <> :besides)
            """
        ),
        {"head": marks.head, "digest": marks.digest, "besides": besides},
    )
    return bool(found)


async def list_alike(tx: Tx, marks: Marks, *, besides: UUID) -> list[str]:
    """Prompts of other generations that begin like this one."""
    rows = await tx.execute(
        text(
            """
            SELECT spec FROM generations WHERE prompt_head = :head AND id <> :besides
             LIMIT :at_most
            """
        ),
        {"head": marks.head, "besides": besides, "at_most": MAX_ALIKE},
    )
    return [Spec.from_json(row.spec).facts.prompt or "" for row in rows]
