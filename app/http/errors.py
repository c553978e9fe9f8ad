"""Renders every error in the format of the edge where it happens."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from app.domain.text import shown
from app.errors import (
    MAX_ISSUES,
    Forbidden,
    GatewayError,
    Internal,
    InvalidRequest,
    Issue,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    Unauthenticated,
)
from app.http import paths
from app.http.middleware import PATHS
from app.telemetry import logger

log = logger(__name__)

#: (error, request id) → status, body.
Render = Callable[[GatewayError, str], tuple[int, dict[str, Any]]]
#: Headers of an error at this edge, in addition to those that every edge sends, or replacing them.
HeadersOf = Callable[[GatewayError], Mapping[str, str]]

_BY_STATUS: dict[int, type[GatewayError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    413: PayloadTooLarge,
}


_WORDS = {
    "missing": "this field is required",
    "extra_forbidden": "unknown field",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be a string",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_attributes_type": "must be an object",
    "uuid_parsing": "must be a UUID",
    "datetime_from_date_parsing": "must be a date and time, such as 2026-03-01T12:00:00Z",
    "datetime_parsing": "must be a date and time, such as 2026-03-01T12:00:00Z",
    "timezone_aware": "must have an offset from UTC, as in 2026-03-01T12:00:00Z",
    "date_from_datetime_parsing": "must be a day, such as 2026-03-01",
    "date_parsing": "must be a day, such as 2026-03-01",
}
_QUOTED = re.compile("'([^']*)'")
#: Kind of issue → what limits it, and the words for it.
_LIMITS = {
    "greater_than_equal": ("ge", "must be at least {}"),
    "greater_than": ("gt", "must be more than {}"),
    "less_than_equal": ("le", "must be at most {}"),
    "less_than": ("lt", "must be less than {}"),
    "string_too_short": ("min_length", "must have at least {} characters"),
    "string_too_long": ("max_length", "must have at most {} characters"),
    "too_short": ("min_length", "must have at least {} entries"),
    "too_long": ("max_length", "must have at most {} entries"),
    "string_pattern_mismatch": ("pattern", "must match {}"),
}


def problem(error: GatewayError, request_id: str) -> tuple[int, dict[str, Any]]:
    """RFC 9457 problem details, with our `code`, `billed` and `retry_safe`."""
    kind = {
        "type": f"urn:reelgate:error:{error.code}",
        "title": error.title,
        "status": error.status,
    }
    return error.status, kind | error.members(request_id)


def install(
    app: FastAPI,
    render: Render,
    *,
    media_type: str = "application/json",
    headers_of: HeadersOf | None = None,
) -> None:
    """Has `render` render every error of this application, including the framework's own."""

    def respond(request: Request, error: GatewayError) -> Response:
        status, body = render(error, request_id_of(request))
        headers = dict(error.headers)
        if error.retry_after_seconds is not None:
            headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_seconds)))
        if headers_of is not None:
            headers |= headers_of(error)
        request.scope["reelgate.error"] = error.code
        return JSONResponse(body, status, headers=headers, media_type=media_type)

    async def on_gateway_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, GatewayError)
        return respond(request, error)

    async def on_framework_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        found = from_framework(error)
        if isinstance(found, NotFound):
            found = NotFound(paths.missing(request.scope["path"], request.scope[PATHS]()))
        if isinstance(found, MethodNotAllowed):
            found.headers["Allow"] = ", ".join(_methods(request)) or found.headers.get("Allow", "")
        return respond(request, found)

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return respond(request, from_validation(error))

    async def on_fault(request: Request, error: Exception) -> Response:
        log.error("request_failed", exc_info=error)
        return respond(request, Internal())

    app.add_exception_handler(GatewayError, on_gateway_error)
    app.add_exception_handler(HTTPException, on_framework_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(Exception, on_fault)


def _methods(request: Request) -> list[str]:
    """The methods of this path, over all its routes: the framework knows only those of the
    first."""
    return [
        method
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.router.routes
        )
    ]


def request_id_of(request: Request) -> str:
    return str(request.scope.get("reelgate.request_id", ""))


def from_framework(error: HTTPException) -> GatewayError:
    kind = _BY_STATUS.get(error.status_code)
    headers = {name: value for name, value in (error.headers or {}).items() if name == "Allow"}
    if kind is not None:
        return kind(headers=headers)
    return InvalidRequest() if error.status_code < 500 else Internal()


def from_validation(error: RequestValidationError) -> InvalidRequest:
    """The issues of query and path parameters, which the framework checks."""
    return InvalidRequest(issues=[_issue(found) for found in error.errors()[:MAX_ISSUES]])


def _issue(found: Mapping[str, Any]) -> Issue:
    place = [str(shown(part)) for part in found["loc"][1:]]
    if found["loc"][0] in ("query", "header") and len(place) > 1:
        # The place within a repeated parameter.
        del place[1:]
    return Issue(
        ".".join(place) or str(found["loc"][0]),
        "missing" if found["type"] == "missing" else "value",
        _in_words(found),
        shown(found.get("input")),
        _allowed(found),
    )


def _allowed(found: Mapping[str, Any]) -> list[str] | None:
    """The values that can be listed."""
    if found["type"] in ("enum", "literal_error"):
        return _QUOTED.findall(str(found["ctx"]["expected"]))
    return None


def _in_words(found: Mapping[str, Any]) -> str:
    """The framework speaks of inputs and types of Python's."""
    kind, limits = str(found["type"]), found.get("ctx", {})
    if kind in ("enum", "literal_error"):
        return f"must be one of {', '.join(_allowed(found) or ())}"
    if kind in _LIMITS:
        name, words = _LIMITS[kind]
        return words.format(limits[name])
    return _WORDS.get(kind) or str(found["msg"]).removeprefix("Value error, ")
