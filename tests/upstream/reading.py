"""Both readings of an answer, and the statuses and codes that tests try."""

from __future__ import annotations

import json
from typing import Any

from app.upstream.answers import ResultAnswer, SubmitAnswer
from app.upstream.wire import read_result, read_submission
from tests.upstream.calling import ID

STATUSES = [200, 201, 202, 204, 302, 400, 401, 402, 403, 404, 406, 408, 409, 413, 422, 425, 429]
STATUSES += [499, 500, 502, 503, 504, 522, 524, 0, 999]
CODES = [
    "UNSUPPORTED_MODEL", "MISSING_REQUIRED_FIELDS", "REQUEST_BODY_VALIDATION_FAILED",
    "PROMPT_OBJECT_VALIDATION_FAILED", "EXTERNAL_API_RESPONSE_WITH_ERROR", "UNKNOWN_ERROR",
    "HTTP_EXCEPTION", "INVALID_AUTH_TOKEN", "INSUFFICIENT_CREDITS", "INVALID_REQUEST",
    "UNAUTHORIZED", "RATE_LIMITED", "UNPROCESSABLE_ENTITY", "CONTENT_MODERATION", "BRAND_NEW",
]  # fmt: skip


def read(status: int, headers: dict[str, str], body: bytes) -> tuple[SubmitAnswer, ResultAnswer]:
    return (
        read_submission(status, headers, body),
        read_result(status, headers, body, expected_id=ID),
    )


def submission(status: int, document: Any) -> SubmitAnswer:
    return read_submission(status, {}, json.dumps(document).encode())
