"""The upstream's own words, for operators. Pure.

They may name the paying account and the provider, and contain links that need no key, so callers
and logs never get them.
"""

from __future__ import annotations

import json
from typing import Any

MAX_CHARS = 4000
#: The parts of a record that say how it ended; the rest is the request and the paying account. The
#: link comes first, so that endless paths cannot push it out.
_OF_A_RECORD = ("status", "metadata", "temporaryUrl")


def verbatim(status: int, document: Any, body: bytes) -> str:
    """The HTTP status of an answer and its content on one line: the JSON of its body or, without
    JSON, the body as text."""
    try:
        said = json.dumps(_shortened(document), ensure_ascii=False)
    except TypeError:
        said = body[: 4 * MAX_CHARS].decode("utf-8", errors="replace")
    except RecursionError:
        said = "(nested without end)"
    return f"{status} {_on_one_line(said)}"[:MAX_CHARS]


def _shortened(document: Any) -> Any:
    record = document.get("aiRecord") if isinstance(document, dict) else None
    if not isinstance(record, dict):
        return document
    detail = record.get("aiRecordDetail")
    result = detail.get("resultObject") if isinstance(detail, dict) else None
    return {name: record.get(name) for name in _OF_A_RECORD} | {"resultObject": result}


def _on_one_line(text: str) -> str:
    """Text that Postgres can store and that does not control a terminal."""
    return "".join(char if char.isprintable() else " " for char in text[:MAX_CHARS])
