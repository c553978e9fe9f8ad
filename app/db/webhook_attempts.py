"""The attempts of webhook deliveries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt: what was sent, and the response. Signatures and links are not kept."""

    number: int
    created_at: datetime
    seconds: float
    request_headers: Mapping[str, str]
    request_body: str
    status: int | None
    error: str | None
    answer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """An attempt without what was sent and what came back, which is for the owner of the endpoint
    to see."""

    delivery_id: UUID
    number: int
    created_at: datetime
    seconds: float
    status: int | None
    error: str | None


async def tried(tx: Tx, delivery_ids: Collection[UUID], *, limit: int) -> list[Tried]:
    """The attempts of these deliveries, newest first."""
    rows = await tx.execute(
        text(
            "SELECT delivery_id, number, created_at, seconds, status, error"
            " FROM webhook_attempts WHERE delivery_id = ANY(:ids) ORDER BY id DESC LIMIT :limit"
        ),
        {"ids": list(delivery_ids), "limit": limit},
    )
    return [Tried(**row._mapping) for row in rows]


async def attempts_of(tx: Tx, delivery_id: UUID) -> list[Attempt]:
    """Oldest first."""
    rows = await tx.execute(
        text(
            "SELECT number, created_at, seconds, request_headers, request_body, status, error,"
            " answer FROM webhook_attempts WHERE delivery_id = :id ORDER BY id"
        ),
        {"id": delivery_id},
    )
    return [Attempt(**row._mapping) for row in rows]
