"""Statements as CSV: what a spreadsheet makes of it, and that the bytes stay the same."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.spreadsheets import csv_rows
from app.domain.statements import CSV_HEADER, Kind, Line, csv_lines, first_day, month_of, next_month

ID = UUID(int=7)


def line(**changes: object) -> Line:
    values: dict[str, object] = {
        "position": 1, "generation_id": ID, "day": date(2026, 3, 31), "member_id": ID,
        "member": "ada", "key_id": ID, "key": "ci", "key_prefix": "rg_12345678", "model": "ray-v3",
        "tags": {}, "kind": Kind.SETTLE, "credits": 5, "held": 0, **changes,
    }  # fmt: skip
    return Line(**values)  # type: ignore[arg-type]


def test_a_line_is_these_bytes() -> None:
    lines = [
        line(tags={"b": "ü", "a": 'x"y'}),
        line(kind=Kind.CORRECT, credits=-5, member="=1+1", key="a, b"),
        line(kind=Kind.UNKNOWN, credits=0, held=9),
    ]
    start = f"{ID},2026-03-31,2026-03"
    assert (CSV_HEADER + csv_lines(lines)).decode() == (
        "generation_id,day,month,member,key,key_prefix,model,tags,kind,credits,held_credits\r\n"
        f'{start},ada,ci,rg_12345678,ray-v3,"{{""a"":""x\\""y"",""b"":""ü""}}",settle,5,0\r\n'
        f'{start},\'=1+1,"a, b",rg_12345678,ray-v3,,correct,-5,0\r\n'
        f"{start},ada,ci,rg_12345678,ray-v3,,unknown,0,9\r\n"
    )


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0-1", "＝1", "＠x"],
)
def test_no_text_is_a_formula(text: str) -> None:
    ((cell, number),) = csv.reader(io.StringIO(csv_rows([[text, -1]]).decode(), newline=""))
    assert (cell, number) == (f"'{text}", "-1")


@given(
    st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=3))
)
def test_what_is_written_is_read_again(rows: list[list[str]]) -> None:
    read = list(csv.reader(io.StringIO(csv_rows(rows).decode(), newline="")))
    assert [[cell.removeprefix("'") for cell in row] for row in read] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]


@given(st.dates(date(1000, 1, 1), date(9998, 12, 31)))
def test_months_follow_each_other(day: date) -> None:
    month = first_day(month_of(day))
    assert month <= day < next_month(month)
    assert next_month(month).day == 1
    assert month_of(next_month(month) - timedelta(days=1)) == month_of(day)
