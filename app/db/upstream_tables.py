"""The tables of the upstream accounts' figures, as Alembic compares them; see `tables.py` and
`migrations/sql/upstream_watermarks.sql`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    text,
)

from app.db.columns import instant, metadata


def _sum(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default=text("0"))


upstream_watermarks = Table(
    "upstream_watermarks",
    metadata,
    Column("upstream_key_id", ForeignKey("upstream_keys.id"), primary_key=True),
    # Of the ended holds of the generations that were sent with this key.
    _sum("settled"),
    _sum("released"),
    # Answers noted so far, and the latest figures.
    _sum("number"),
    instant("observed_at"),
    Column("used", BigInteger),
    Column("credit_limit", BigInteger),
    # What was settled when the answer before was noted, and both sums when the latest one was.
    _sum("ledger_low"),
    _sum("observed_settled"),
    _sum("observed_released"),
    # The used credits without those of the ledger: what all answers agree on.
    Column("offset_low", BigInteger),
    Column("offset_high", BigInteger),
    # The latest record that they came with. To look it up is free, and shows them again.
    Column("record", Text),
    # An operator returned the key, so the figures stop nothing before the next answer.
    Column("in_doubt", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint("settled >= 0 AND released >= 0", name="ledger"),
    CheckConstraint(
        "num_nulls(observed_at, used, credit_limit, offset_low, offset_high) IN (0, 5)",
        name="figures",
    ),
    CheckConstraint("offset_low <= offset_high", name="offset"),
    postgresql_with={"fillfactor": 50},
)

upstream_watermark_history = Table(
    "upstream_watermark_history",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("upstream_key_id", ForeignKey("upstream_keys.id"), nullable=False),
    instant("observed_at", nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("credit_limit", BigInteger, nullable=False),
    Column("ledger_low", BigInteger, nullable=False),
    Column("ledger_high", BigInteger, nullable=False),
    # Since the row before: at least so many were used that the ledger does not have, at least so
    # many were added, and by how much more it may be.
    _sum("unexplained"),
    _sum("added"),
    _sum("uncertain"),
    CheckConstraint("unexplained >= 0 AND added >= 0 AND uncertain >= 0", name="credits"),
    Index("upstream_watermark_history_key_idx", "upstream_key_id", "observed_at"),
    Index(
        "upstream_watermark_history_events_idx",
        "upstream_key_id",
        "observed_at",
        postgresql_where=text("unexplained > 0 OR added > 0"),
    ),
)
