"""The upstream's own words, as operators may read them. Pure.

They name the paying account, the provider behind the upstream and links that need no key: no caller
is shown them, and no log.
"""

from __future__ import annotations

import json
from typing import Any

MAX_CHARS = 4000
#: What a record says of how it ended; the rest is the request, and the account that pays. The link
#: comes first: paths without end must not push it out.
_OF_A_RECORD = ("status", "metadata", "temporaryUrl")


def verbatim(status: int, document: Any, body: bytes) -> str:
    """The HTTP status of an answer and what it says, on one line: the JSON that was read from its
    body, or where there is none, the body as text."""
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
    """Text that Postgres can keep and that steers no terminal."""
    return "".join(char if char.isprintable() else " " for char in text[:MAX_CHARS])
