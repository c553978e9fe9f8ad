"""The tables of prices, as Alembic compares them; see `tables.py`."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from app.db.columns import instant, metadata

prices = Table(
    "prices",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Values of a Spec by their names.
    Column("match", JSONB, nullable=False),
    # Null ends the price of the same match.
    Column("credits", BigInteger),
    # It counts from here on, until the next one of the same match.
    instant("effective_at", nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    instant("created_at", nullable=False),
    CheckConstraint("credits > 0", name="credits"),
    CheckConstraint("effective_at >= created_at", name="effective_at"),
    Index("prices_match_idx", "match", "effective_at"),
    Index("prices_created_at_idx", "created_at", "id"),
)

price_withdrawals = Table(
    "price_withdrawals",
    metadata,
    Column("price_id", ForeignKey("prices.id"), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    instant("created_at", nullable=False),
)

price_list = Table("price_list", metadata, Column("revision", Uuid, nullable=False))
