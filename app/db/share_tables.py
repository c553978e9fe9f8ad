"""The table of shares, as Alembic compares it; see `tables.py`."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Uuid

from app.db.columns import created, instant, metadata

shares = Table(
    "shares",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("generation_id", ForeignKey("generations.id"), nullable=False, index=True),
    # Who made it, and with which key.
    Column("member_id", ForeignKey("members.id"), nullable=False),
    Column("api_key_id", ForeignKey("api_keys.id"), nullable=False, index=True),
    # The secret itself is only in the link.
    Column("secret_sha256", LargeBinary, nullable=False),
    created(),
    instant("expires_at", nullable=False),
    Index("shares_expires_idx", "expires_at"),
)
