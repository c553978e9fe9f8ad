"""Building blocks of the tables: names of constraints, and columns that many of them share."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, DateTime, MetaData, Text, text

from app.domain.accounts import Period

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)


def instant(name: str, *, nullable: bool = True, now: bool = False) -> Column[object]:
    default = text("now()") if now else None
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=default)


def created() -> Column[object]:
    return instant("created_at", nullable=False, now=True)


def credit_period() -> Column[object]:
    return Column("credit_period", Text, nullable=False, server_default=Period.NONE.value)


def one_of(column: str, values: list[str]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
