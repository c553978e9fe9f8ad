"""Refusals as documented or recorded. Two envelopes are live, and a status alone says little."""

from __future__ import annotations

import json
from typing import Any

from tests.standin.answers import Answer, html_answer, json_answer

#: "kling", "hailuo" and others have pages of their own; this stand-in renders Luma only.
FEATURE, MODEL = "TEXT_TO_VIDEO", "luma"
_REQUIRED = ("prompt", "modelName", "duration")
_ALLOWED = {
    "modelName": ("ray-v1", "ray-v2", "ray-v2-flash", "ray-v3", "ray-v3-reasoning"),
    "duration": ("5s", "10s"),
    "aspectRatio": ("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"),
    "resolution": ("720p", "1080p"),
    "loop": (True, False),
}


def refused(status: int, code: str, message: str, **more: Any) -> Answer:
    """The envelope of `/api/features`."""
    return json_answer({"errorCode": code, "message": message, **more}, status)


def bare(status: int, message: Any, error: str = "Bad Request") -> Answer:
    """The framework's own envelope, without a code."""
    return json_answer({"statusCode": status, "message": message, "error": error}, status)


def chat_envelope(status: int, code: str, message: str) -> Answer:
    """The envelope of the chat pages, which other routes use now and then."""
    details = [{"field": "promptObject", "message": message}]
    error = {"code": code, "message": message, "details": details}
    return json_answer({"success": False, "error": error}, status)


def bad_key() -> Answer:
    return refused(401, "HTTP_EXCEPTION", "API key is not active. Contact your team administrator.")


def rate_limited() -> Answer:
    """Nothing proves that `Retry-After` is sent."""
    return refused(429, "RATE_LIMITED", "Too many requests")


def out_of_credits(needed: int, left: int) -> Answer:
    message = f"The feature requires {needed} credits, but the Team only has {left} credits"
    return refused(400, "INSUFFICIENT_CREDITS", message)


def not_found(method: str, path: str) -> Answer:
    return bare(404, f"Cannot {method} {path}", "Not Found")


def provider_error(status: int) -> Answer:
    """The provider behind the upstream: its own status is in a string inside the JSON."""
    details = {
        "response": {"status": status, "data": {"message": "parameter error"}},
        "request": {"url": "https://api.ttapi.io/luma/v1/generations"},
    }
    return refused(
        400, "EXTERNAL_API_RESPONSE_WITH_ERROR", "The service is busy, please try again shortly",
        details=json.dumps(details), context={"service": "ttapi"},
    )  # fmt: skip


def edge_error(status: int) -> Answer:
    return html_answer(status, f"api.1min.ai | {status}: error")


def refusal(document: Any) -> Answer | None:
    """What is wrong with a create, or None. Unknown fields are accepted and ignored."""
    if not isinstance(document, dict):
        return refused(400, "REQUEST_BODY_VALIDATION_FAILED", "Request body is invalid")
    missing = [name for name in ("type", "model", "promptObject") if name not in document]
    if missing:
        return _missing(missing)
    if document["type"] != FEATURE:
        return refused(400, "UNKNOWN_ERROR", "An unknown error occurred")
    if document["model"] != MODEL:
        return refused(400, "UNSUPPORTED_MODEL", f"Model {document['model']} is not supported")
    asked = document["promptObject"]
    if not isinstance(asked, dict):
        return refused(400, "REQUEST_BODY_VALIDATION_FAILED", "promptObject must be an object")
    missing = [name for name in _REQUIRED if not asked.get(name)]
    if missing:
        return _missing([f"promptObject.{name}" for name in missing])
    wrong = [name for name, words in _ALLOWED.items() if name in asked and asked[name] not in words]
    if wrong:
        return _refused_fields([f"promptObject.{name}" for name in wrong], "is invalid")
    return None


def _missing(names: list[str]) -> Answer:
    details = [{"field": name, "message": "is required"} for name in names]
    return refused(
        400, "MISSING_REQUIRED_FIELDS", "Missing required fields", details=json.dumps(details)
    )


def _refused_fields(names: list[str], message: str) -> Answer:
    details = [{"field": name, "message": f"{name} {message}"} for name in names]
    return refused(
        422, "PROMPT_OBJECT_VALIDATION_FAILED", "Prompt object is invalid",
        details=json.dumps(details),
    )  # fmt: skip
