"""Error answers of `/api/features` and `/api/results`. Pure.

The envelope is `{"errorCode", "message", "details"?, "context"?}`. `details` is often JSON inside a
string, with private data of the account.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from app.errors import Issue
from app.simulator.config import PROVIDER_NAME, PROVIDER_URL, TEAM_NAME

BUSY_MESSAGE = "The service is busy at the moment. Please try again in a little while."


class JsonAnswer(Response):
    """JSON that escapes what UTF-8 cannot encode, such as a lone surrogate."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        try:
            return json.dumps(content, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return json.dumps(content).encode()


class Refusal(Exception):
    """The request is refused before anything is made or billed."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Any = None,
        context: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.code, self.message = status, code, message
        self.details, self.context = details, context
        self.headers = dict(headers or {})
        super().__init__(message)

    def answer(self) -> Response:
        body: dict[str, Any] = {"errorCode": self.code, "message": self.message}
        if self.details is not None:
            body["details"] = self.details
        if self.context is not None:
            body["context"] = dict(self.context)
        return JsonAnswer(body, self.status, self.headers)


def key_missing() -> Refusal:
    return Refusal(401, "HTTP_EXCEPTION", "API key is missing or not valid")


def key_deleted() -> Refusal:
    return Refusal(401, "HTTP_EXCEPTION", "This API key has been deleted")


def key_inactive() -> Refusal:
    message = "This API key is not active, contact the administrator of your team"
    return Refusal(401, "HTTP_EXCEPTION", message)


def rate_limited(retry_after_seconds: float | None = None) -> Refusal:
    headers = {} if retry_after_seconds is None else {"Retry-After": f"{retry_after_seconds:g}"}
    return Refusal(429, "RATE_LIMITED", "Too many requests, slow down", headers=headers)


def body_invalid(what: str) -> Refusal:
    return Refusal(400, "REQUEST_BODY_VALIDATION_FAILED", f"{what} must be a JSON object")


def missing_fields(fields: Sequence[str]) -> Refusal:
    details = json.dumps([{"field": name, "message": f"{name} is required"} for name in fields])
    return Refusal(400, "MISSING_REQUIRED_FIELDS", "Required fields are missing", details=details)


def prompt_object_invalid(issues: Sequence[Issue]) -> Refusal:
    details = json.dumps([{"field": each.field, "message": each.message} for each in issues])
    message = "The promptObject is not valid"
    return Refusal(422, "PROMPT_OBJECT_VALIDATION_FAILED", message, details=details)


def asset_invalid(message: str) -> Refusal:
    return Refusal(400, "INVALID_FILE", message)


def asset_too_large() -> Refusal:
    return Refusal(413, "FILE_TOO_LARGE", "The file is larger than 50 MB")


def unsupported_model(model: str) -> Refusal:
    return Refusal(400, "UNSUPPORTED_MODEL", f"Model {model} is not supported for this feature")


def unknown_error() -> Refusal:
    return Refusal(400, "UNKNOWN_ERROR", "An unknown error occurred")


def credits_message(price: int, balance: int) -> str:
    """As the upstream does, this discloses the price and the balance of the paying team."""
    return (
        f"The feature requires {price} credits, but the {TEAM_NAME} team only has {balance} credits"
    )


def insufficient_credits(price: int, balance: int, status: int = 402) -> Refusal:
    return Refusal(status, "INSUFFICIENT_CREDITS", credits_message(price, balance))


def external_error(provider_status: int = 400, message: str = BUSY_MESSAGE) -> Refusal:
    """The answer of the provider behind 1min.ai, wrapped. The message says "busy" even if the
    provider rejected the request itself; only `details.response.status` shows the difference."""
    details = {
        "response": {
            "status": provider_status,
            "data": {"detail": "duration is not allowed for this model"},
        },
        "request": {"method": "POST", "url": PROVIDER_URL},
    }
    return Refusal(
        400,
        "EXTERNAL_API_RESPONSE_WITH_ERROR",
        message,
        details=details,
        context={"service": PROVIDER_NAME},
    )
