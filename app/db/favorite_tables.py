"""The table of favorites, as Alembic compares it; see `tables.py`."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table, text

from app.db.columns import instant, metadata

favorites = Table(
    "favorites",
    metadata,
    Column("member_id", ForeignKey("members.id"), primary_key=True),
    Column("generation_id", ForeignKey("generations.id"), primary_key=True),
    # Its generation's.
    instant("created_at", nullable=False),
    Index("favorites_member_idx", "member_id", text("created_at DESC"), text("generation_id DESC")),
)
