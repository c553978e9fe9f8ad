"""Refusals: their sentence, and the `detail` shape that the APIs of Luma have. Pure.

`{"detail": "<text>"}` is theirs; `code`, `billed`, `retry_safe`, `request_id`, `errors` and the
figures of a limit are ours.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from app.domain.options import OptionReader
from app.errors import MAX_ISSUES, GatewayError, InvalidRequest, Issue, NotOffered

#: With these APIs a request that is wrong is a 400; 422 stays for keys that are used twice.
_BAD_REQUEST = frozenset(
    {"invalid_request", "malformed_json", "unsupported_model", "not_offered", "price_unknown"}
)


def detail_of(error: GatewayError, request_id: str) -> tuple[int, dict[str, Any]]:
    """Status and body."""
    body: dict[str, Any] = {
        "detail": sentence(error),
        "code": error.code,
        "billed": error.billed,
        "retry_safe": error.retry_safe,
        "request_id": request_id,
        **error.extra,
    }
    if error.issues:
        body["errors"] = [issue.to_json() for issue in error.issues]
    return 400 if error.code in _BAD_REQUEST else error.status, body


def invalid(read: OptionReader) -> InvalidRequest:
    """What was wrong with a request; `NotOffered` where that is all."""
    issues = read.issues.issues
    sound = all(issue.field in read.unoffered for issue in issues)
    return (NotOffered if sound else InvalidRequest)(summary(issues), issues=issues)


def sentence(error: GatewayError, *, listed_in: str = "errors") -> str:
    """What a person reads: what is wrong in particular, where the message says only that the
    request is."""
    if error.issues and error.message == InvalidRequest.title:
        return summary(error.issues, listed_in=listed_in)
    return error.message


def summary(issues: Sequence[Issue], *, listed_in: str = "errors") -> str:
    """One sentence: the first thing that is wrong, and how many more there are in the member of the
    body that lists them."""
    first, more = issues[0], len(issues) - 1
    value = ""
    if first.code in ("value", "type"):
        value = f" (got {json.dumps(first.value, ensure_ascii=False)})"
    # Nobody looks for more than are listed.
    least = "at least " if len(issues) >= MAX_ISSUES else ""
    tail = f" (and {least}{more} more, see {listed_in})" if more else ""
    return f"{first.field}: {first.message}{value}{tail}."
