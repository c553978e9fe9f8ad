"""Every error there is, through every edge there is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from app import errors
from app.dialects.luma import wire as dream_machine
from app.dialects.luma_agents import wire as agents
from app.dialects.onemin import wire
from app.dialects.openai import wire as openai
from app.dialects.openrouter import wire as openrouter
from app.domain.ids import parse_generation_id, video_id
from app.errors import (
    GatewayError,
    IdempotencyMismatch,
    Internal,
    Issue,
    LimitReached,
    Unavailable,
    WrongState,
)
from app.http.errors import Render, problem

#: (what was raised, status, body) → its issues and its figures, once the shape is looked at.
Look = Callable[[GatewayError, int, dict[str, Any]], tuple[Any, dict[str, Any]]]


def _own_rest(raised: GatewayError, status: int, body: dict[str, Any]) -> tuple[Any, Any]:
    assert status == body["status"] == raised.status
    assert body["type"] == f"urn:reelgate:error:{raised.code}"
    assert (body["code"], body["title"]) == (raised.code, raised.title)
    assert (body["detail"], body["request_id"]) == (raised.message, "request-1")
    return body.get("errors"), body


def _onemin(raised: GatewayError, _: int, body: dict[str, Any]) -> tuple[Any, Any]:
    assert (body["message"], body["requestId"]) == (raised.message, "request-1")
    assert body["errorCode"].isupper()
    return body.get("details"), body.get("context", {})


def _luma(raised: GatewayError, status: int, body: dict[str, Any]) -> tuple[Any, Any]:
    assert status in (raised.status, 400)
    assert (body["detail"], body["code"]) == (raised.message, raised.code)
    assert body["request_id"] == "request-1"
    return body.get("errors"), body


def _openai(raised: GatewayError, status: int, body: dict[str, Any]) -> tuple[Any, Any]:
    # The SDKs send what met a 409 again by themselves.
    assert status != 409
    assert (body["message"], body["request_id"]) == (raised.message, "request-1")
    assert all(isinstance(body[name], str) and body[name] for name in ("type", "code"))
    assert body["param"] == (ISSUES[0].field if raised.issues else None)
    return body.get("details"), body


def _openrouter(raised: GatewayError, status: int, body: dict[str, Any]) -> tuple[Any, Any]:
    # What its SDKs do not know beside these two they show as `metadata`.
    assert status in (raised.status, 400)
    assert (body["code"], body["message"]) == (raised.code, raised.message)
    assert body["request_id"] == "request-1"
    return body.get("errors"), body


def _members(body: dict[str, Any]) -> dict[str, Any]:
    """Where this body has what is the gateway's own."""
    error: dict[str, Any] = body.get("error", body)
    return {"message": error["message"], **error["metadata"]} if "metadata" in error else error


EDGES: dict[str, tuple[Render, Look]] = {
    "own REST": (problem, _own_rest),
    "1min.ai": (wire.render_error, _onemin),
    "OpenAI": (openai.render_error, _openai),
    "Luma Dream Machine": (dream_machine.render_error, _luma),
    "Luma Agents": (agents.render_error, _luma),
    "OpenRouter": (openrouter.render_error, _openrouter),
}
ISSUES = [Issue("promptObject.duration", "value", "must be one of 5s", "7s", ["5s"])]


def family(root: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    yield root
    for child in root.__subclasses__():
        yield from family(child)


EVERY = sorted(set(family()), key=lambda error: error.__name__)


def test_the_family_is_whole_and_its_docstring_draws_it() -> None:
    drawn = errors.__doc__ or ""
    named = {error for error in EVERY if error not in (GatewayError, LimitReached, WrongState)}
    for error in named:
        assert error.__name__ in drawn
        line = next(line for line in drawn.splitlines() if f" {error.__name__} " in line)
        assert line.split()[-2:] == [str(error.status), error.code]
    codes = [error.code for error in named]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("error", EVERY, ids=lambda error: error.__name__)
def test_every_error_has_its_shape_at_every_edge(error: type[GatewayError], edge: str) -> None:
    render, look = EDGES[edge]
    for raised in (
        error(),
        error("What happened, in a sentence."),
        error("With issues.", issues=ISSUES, retry_after_seconds=1.5),
        error("With figures.", extra={"limit": "max_open", "limit_value": 3}),
    ):
        status, body = render(raised, "request-1")
        assert 400 <= status <= 599
        assert json.loads(json.dumps(body, allow_nan=False)) == body
        body = _members(body)
        assert body["billed"] is raised.billed
        assert body["retry_safe"] is raised.retry_safe
        issues, figures = look(raised, status, body)
        assert issues == ([issue.to_json() for issue in ISSUES] if raised.issues else None)
        assert figures.get("limit_value") == raised.extra.get("limit_value")


@pytest.mark.parametrize("edge", EDGES)
def test_a_key_that_was_used_otherwise_is_said_in_plain_words(edge: str) -> None:
    issue = Issue("Idempotency-Key", "value", "already used with another body")
    _, body = EDGES[edge][0](IdempotencyMismatch(issues=[issue]), "request-1")
    body = _members(body)
    assert (body.get("detail") or body["message"]) == IdempotencyMismatch.title


@pytest.mark.parametrize("edge", EDGES)
def test_an_error_may_take_its_promise_of_a_safe_retry_back(edge: str) -> None:
    raised = Unavailable(retry_safe=False)
    assert Unavailable().retry_safe is True
    _, body = EDGES[edge][0](raised, "request-1")
    body = _members(body)
    assert body["retry_safe"] is False
    assert "context" not in body


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("billed", [True, None])
def test_an_error_may_name_the_generation_that_exists(edge: str, billed: bool | None) -> None:
    made = UUID("06e92293-ee32-47d7-85f2-fd4b59482b91")
    raised = Internal(billed=billed, retry_safe=False, generation_id=made)
    _, body = EDGES[edge][0](raised, "request-1")
    body = _members(body)
    assert body["billed"] is billed
    named = body["context"]["uuid"] if edge == "1min.ai" else body["generation_id"]
    assert parse_generation_id(named) == made
    # In the form that this API's ids have.
    assert named == (video_id(made) if edge == "OpenAI" else str(made))


def test_no_error_claims_that_money_was_spent_and_that_a_retry_is_free() -> None:
    for error in EVERY:
        assert not (error.billed and error.retry_safe)
    assert [error.__name__ for error in EVERY if error.retry_safe is False] == [
        "GatewayError", "Internal",
    ]  # fmt: skip
