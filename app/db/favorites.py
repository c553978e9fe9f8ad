"""Generations that members marked for themselves."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx

#: SQL: whether the member `m` marked the generation `g`.
IS_FAVORITE = "EXISTS (SELECT FROM favorites f WHERE f.member_id = m.id AND f.generation_id = g.id)"


async def add(tx: Tx, member_id: UUID, generation_id: UUID) -> None:
    await tx.execute(
        text(
            "INSERT INTO favorites (member_id, generation_id, created_at)"
            " SELECT :member_id, id, created_at FROM generations WHERE id = :id"
            " ON CONFLICT DO NOTHING"
        ),
        {"member_id": member_id, "id": generation_id},
    )


async def remove(tx: Tx, member_id: UUID, generation_id: UUID) -> None:
    await tx.execute(
        text("DELETE FROM favorites WHERE member_id = :member_id AND generation_id = :id"),
        {"member_id": member_id, "id": generation_id},
    )


async def among(tx: Tx, member_id: UUID, ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of `ids` that the member marked."""
    rows = await tx.execute(
        text(
            "SELECT generation_id FROM favorites"
            " WHERE member_id = :member_id AND generation_id = ANY(:ids)"
        ),
        {"member_id": member_id, "ids": list(ids)},
    )
    return frozenset(row.generation_id for row in rows)
