"""Errors in the format of both Luma APIs. Pure.

`{"detail": "<text>"}` is theirs. `code`, `billed`, `retry_safe`, `request_id`, `errors` and the
figures of a limit are ours.
"""

from __future__ import annotations

from typing import Any

from app.errors import GatewayError, IdempotencyMismatch, InvalidRequest


def detail_of(error: GatewayError, request_id: str) -> tuple[int, dict[str, Any]]:
    """Status and body. These APIs answer an invalid request with 400; 422 is only for reused
    idempotency keys."""
    invalid = isinstance(error, InvalidRequest) and not isinstance(error, IdempotencyMismatch)
    return 400 if invalid else error.status, error.members(request_id)
