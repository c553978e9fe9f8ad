"""The tables of usage, as Alembic compares them; see `tables.py`. Generations are counted in them
when they end; those that have not are read from their own table."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from app.db.columns import metadata, one_of

_ENDED = ["succeeded", "failed", "canceled"]

daily_usage = Table(
    "daily_usage",
    metadata,
    Column("member_id", ForeignKey("members.id"), nullable=False),
    # Empty: all generations. Those with tags count once more in a row of each of them.
    Column("tag", Text, nullable=False),
    # On which they were admitted, in the team's time zone.
    Column("day", Date, nullable=False),
    Column("value", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("state", Text, nullable=False),
    # The key's: one that replaces another goes on in it.
    Column("account_id", Uuid, nullable=False),
    Column("team_id", ForeignKey("teams.id"), nullable=False),
    Column("generations", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False),
    PrimaryKeyConstraint("member_id", "tag", "day", "value", "model", "state", "account_id"),
    one_of("state", _ENDED),
    CheckConstraint("generations >= 0", name="generations"),
    CheckConstraint("settled >= 0", name="settled"),
    Index("daily_usage_team_idx", "team_id", "tag", "day", "value"),
    postgresql_with={"fillfactor": 50},
)

team_usage = Table(
    "team_usage",
    metadata,
    Column("team_id", ForeignKey("teams.id"), nullable=False),
    # -infinity: since ever.
    Column("day", Date, nullable=False),
    Column("model", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("dialect", Text, nullable=False),
    Column("generations", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False),
    PrimaryKeyConstraint("team_id", "day", "model", "state", "dialect"),
    one_of("state", _ENDED),
    CheckConstraint("generations >= 0", name="generations"),
    CheckConstraint("settled >= 0", name="settled"),
    Index("team_usage_ever_idx", "team_id", postgresql_where=text("day = '-infinity'::date")),
    postgresql_with={"fillfactor": 50},
)
