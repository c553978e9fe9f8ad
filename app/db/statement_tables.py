"""The tables of statements, as Alembic compares them; see `tables.py`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.db.columns import created, instant, metadata, one_of
from app.domain.statements import Kind


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


statements = Table(
    "statements",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("team_id", ForeignKey("teams.id"), nullable=False),
    # Its first day, in the time zone that the team had when it was closed.
    Column("month", Date, nullable=False),
    Column("time_zone", Text, nullable=False),
    instant("ends_at", nullable=False),
    # Of those that cost something, and of them what belongs to months before.
    _count("lines"),
    _count("credits"),
    _count("earlier_credits"),
    # What was held then, by generations of that month and before.
    _count("unknown_generations"),
    _count("unknown_credits"),
    _count("open_generations"),
    _count("open_credits"),
    _count("csv_bytes"),
    Column("csv_sha256", LargeBinary, nullable=False),
    Column("actor", Text, nullable=False),
    created(),
    CheckConstraint("extract(day FROM month) = 1", name="month"),
    UniqueConstraint("team_id", "month"),
)

statement_lines = Table(
    "statement_lines",
    metadata,
    Column(
        "statement_id", ForeignKey("statements.id", deferrable=True, initially="DEFERRED"),
        primary_key=True,
    ),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    # Of what is held, the hold.
    Column("ledger_entry_id", ForeignKey("ledger_entries.id"), nullable=False),
    Column("generation_id", Uuid, nullable=False),
    # On which it was admitted, in the time zone of the statement.
    Column("day", Date, nullable=False),
    Column("member_id", Uuid, nullable=False),
    Column("member", Text, nullable=False),
    Column("key_id", Uuid, nullable=False),
    Column("key", Text, nullable=False),
    Column("key_prefix", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("tags", JSONB, nullable=False),
    Column("kind", Text, nullable=False),
    _count("credits"),
    _count("held"),
    one_of("kind", [kind.value for kind in Kind]),
    CheckConstraint("CASE WHEN kind IN ('settle', 'correct') THEN credits <> 0 AND held = 0"
                    " ELSE credits = 0 AND held > 0 END", name="credits"),
    # Each entry is in one statement.
    Index("statement_lines_entry_idx", "ledger_entry_id", unique=True,
          postgresql_where=text("kind IN ('settle', 'correct')")),
)  # fmt: skip

unclosed_entries = Table(
    "unclosed_entries",
    metadata,
    Column("team_id", Uuid, primary_key=True),
    Column("counts_at", DateTime(timezone=True), primary_key=True),
    Column("ledger_entry_id", BigInteger, primary_key=True, autoincrement=False),
)
