"""Statements: what a team spent in a calendar month, and its lines as CSV. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.domain.spreadsheets import csv_rows

#: How a month is written. The first year of four digits is early enough.
MONTH = r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])$"


class Kind(StrEnum):
    """What a line is: an end that cost something, a correction, or credits that were still held
    when the month was closed, for a generation that is unknown or open."""

    SETTLE = "settle"
    CORRECT = "correct"
    UNKNOWN = "unknown"
    OPEN = "open"


class GroupBy(StrEnum):
    MEMBER = "member"
    KEY = "key"
    MODEL = "model"
    MONTH = "month"
    TAG = "tag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """`month` is its first day. `credits` is what its `lines` add up to; `earlier_credits` of them
    belong to months before, because they were settled or corrected after those were closed. The
    CSV has further lines for what was held: `unknown_credits` and `open_credits`."""

    id: UUID
    team_id: UUID
    team_name: str
    month: date
    time_zone: str
    ends_at: datetime
    lines: int
    credits: int
    earlier_credits: int
    unknown_generations: int
    unknown_credits: int
    open_generations: int
    open_credits: int
    csv_bytes: int
    csv_sha256: bytes
    actor: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An entry of the ledger, with names as they were when the month was closed. `day` is when its
    generation was created, in the statement's time zone, which says to which month it belongs.
    `credits` may be negative, `held` is 0 for what cost something."""

    position: int
    generation_id: UUID
    day: date
    member_id: UUID
    member: str
    key_id: UUID
    key: str
    key_prefix: str
    model: str
    tags: Mapping[str, str]
    kind: Kind
    credits: int
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """Of the lines with one `value`; None: those without the tag. `id` is that of the member or
    key, whose name or prefix the value is."""

    value: str | None
    id: UUID | None
    lines: int
    credits: int
    held: int


def month_of(day: date) -> str:
    """As 2026-03."""
    return f"{day.year:04}-{day.month:02}"


def first_day(month: str) -> date:
    """Of a month as `MONTH` has it."""
    return date.fromisoformat(f"{month}-01")


def next_month(month: date) -> date:
    """The first day of the month after the one that begins on this day."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


_COLUMNS = (
    "generation_id", "day", "month", "member", "key", "key_prefix", "model", "tags", "kind",
    "credits", "held_credits",
)  # fmt: skip
CSV_HEADER = csv_rows([_COLUMNS])


def csv_lines(lines: Iterable[Line]) -> bytes:
    """The same lines always give the same bytes."""
    return csv_rows(_cells(line) for line in lines)


def _cells(line: Line) -> tuple[Any, ...]:
    tags = json.dumps(dict(line.tags), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return (
        line.generation_id, line.day, month_of(line.day), line.member, line.key, line.key_prefix,
        line.model, tags if line.tags else "", line.kind.value, line.credits, line.held,
    )  # fmt: skip
