"""CSV (RFC 4180) that a spreadsheet opens without running what others wrote. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

#: Spreadsheets take text that begins so for a formula, some of them also in its wide forms or after
#: blanks.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def csv_rows(rows: Iterable[Sequence[Any]]) -> bytes:
    """Numbers stay numbers; text that would be a formula gets an apostrophe before it."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows([_cell(value) for value in row] for row in rows)
    return written.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and (
        value.startswith(("\t", "\r", "\n")) or value.lstrip().startswith(_FORMULA)
    ):
        return f"'{value}"
    return value
