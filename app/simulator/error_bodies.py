"""The error answers that faults produce. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import HTMLResponse, PlainTextResponse, Response

from app.errors import Issue
from app.simulator import refusals
from app.simulator.faults import Fault
from app.simulator.refusals import JsonAnswer

_TITLES = {
    500: "Internal Server Error",
    502: "Bad gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway time-out",
    522: "Connection timed out",
    524: "A timeout occurred",
}


def edge_page(status: int) -> Response:
    """An error page like that of the proxy in front of the upstream."""
    title = _TITLES[status]
    html = (
        f"<!DOCTYPE html>\n<html><head><title>api.1min.ai | {status}: {title}</title></head>"
        f"<body><h1>{title}</h1><p>Error code {status}</p></body></html>"
    )
    return HTMLResponse(html, status, headers={"CF-RAY": "simulated-SIM"})


def _challenge() -> Response:
    html = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>"
    headers = {"cf-mitigated": "challenge", "CF-RAY": "simulated-SIM"}
    return HTMLResponse(html, 403, headers=headers)


def _status(fault: Fault) -> Response:
    body, status, headers = fault["body"], int(fault["status"]), fault["headers"]
    if body is None or isinstance(body, str):
        return PlainTextResponse(body or "", status, headers=headers)
    return JsonAnswer(body, status, headers)


def _rate_limited(fault: Fault) -> Response:
    answer = refusals.rate_limited(fault["retry_after"]).answer()
    if not fault["bare"]:
        return answer
    headers = {name: answer.headers[name] for name in ("retry-after",) if name in answer.headers}
    return JsonAnswer({"error": "Too many requests"}, 429, headers)


def _external_error(fault: Fault) -> Response:
    message = fault["message"] or refusals.BUSY_MESSAGE
    return refusals.external_error(int(fault["provider_status"]), message).answer()


def _validation(_: Fault) -> Response:
    issue = Issue("promptObject.duration", "value", "duration is not allowed with this model")
    return refusals.prompt_object_invalid([issue]).answer()


def _page(status: int) -> Callable[[Fault], Response]:
    return lambda _: edge_page(status)


_ANSWERS: Mapping[str, Callable[[Fault], Response]] = {
    "status": _status,
    "unsupported_model": lambda _: refusals.unsupported_model("luma").answer(),
    "missing_fields": lambda _: refusals.missing_fields(["promptObject.duration"]).answer(),
    "validation": _validation,
    "unknown_error": lambda _: refusals.unknown_error().answer(),
    "external_error": _external_error,
    "key_deleted": lambda _: refusals.key_deleted().answer(),
    "key_inactive": lambda _: refusals.key_inactive().answer(),
    "rate_limited": _rate_limited,
    **{f"http_{status}": _page(status) for status in _TITLES},
    "html_200": lambda _: HTMLResponse("<!DOCTYPE html><html><body>Welcome</body></html>"),
    "challenge_403": lambda _: _challenge(),
    "not_acceptable_406": lambda _: PlainTextResponse("Not Acceptable", 406),
}


def answer(fault: Fault, price: int) -> Response | None:
    """None if this fault has no error answer."""
    if fault.name == "insufficient_credits" and fault["form"] == "envelope":
        return refusals.insufficient_credits(price, 0, int(fault["status"])).answer()
    make = _ANSWERS.get(fault.name)
    return None if make is None else make(fault)


def failure(fault: Fault, price: int) -> dict[str, Any] | None:
    """Status and resultObject of a failed record; None if this fault does not fail it."""
    if fault.name == "insufficient_credits":
        result = {"code": "INSUFFICIENT_CREDITS", "message": refusals.credits_message(price, 0)}
        return {"status": "FAILED", "result": result}
    if fault.name not in ("failed_200", "fail_later"):
        return None
    shapes = {
        "object": {"code": fault["code"], "message": fault["message"]},
        "array": [fault["message"]],
        "string": fault["message"],
    }
    return {"status": fault["status"], "result": shapes[fault["shape"]]}
