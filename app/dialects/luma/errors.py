"""Errors in the format of both Luma APIs. Pure.

`{"detail": "<text>"}` is theirs. `code`, `billed`, `retry_safe`, `request_id`, `errors` and the
figures of a limit are ours.
"""

from __future__ import annotations

from typing import Any

from app.errors import GatewayError, sentence

#: These APIs answer an invalid request with 400; 422 is only for reused idempotency keys.
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
    if error.generation_id is not None:
        body["generation_id"] = str(error.generation_id)
    if error.issues:
        body["errors"] = [issue.to_json() for issue in error.issues]
    return 400 if error.code in _BAD_REQUEST else error.status, body
