"""Examples of responses: made-up generations, rendered by the code that renders real ones.
Otherwise pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.api.documents import GenerationDocument, generation_document
from app.dialects.onemin import wire as onemin
from app.domain.assets import AssetState
from app.domain.caller import Caller, Role, Status
from app.domain.catalog.catalog import BUILT_IN
from app.domain.catalog.spec import Spec
from app.domain.generation import (
    Asset,
    FailureCode,
    Generation,
    State,
)
from app.domain.links import Links
from app.errors import GatewayError, InvalidRequest, Issue
from app.generations.progress import Progress
from app.generations.queries import Waiting
from app.http.errors import problem

_REQUEST_ID = "6f1d2c7b9a0e4d5c8b3a2f10"
_MADE = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
_MEMBER = UUID("7c9e6679-7425-40de-944b-e07fc1f90ae7")
_TEAM = UUID("9f1c2b1e-1f0a-4f3e-8a59-2d0c8f5f6a11")
_ID = UUID("0f8fad5b-d9cb-469f-a165-70867728950e")
_LINKS = Links(
    video=f"https://video.example.com/media/{_ID}.mp4?expires=1772971200&sig=3q2-7w",
    thumbnail=f"https://video.example.com/media/{_ID}.webp?expires=1772971200&sig=-8mZ0g",
)

_QUEUED = Generation(
    id=_ID,
    team_id=_TEAM,
    member_id=_MEMBER,
    dialect="rest",
    feature="TEXT_TO_VIDEO",
    provider="luma",
    spec=Spec(
        model="ray-v3",
        values={
            "prompt": "a majestic lion walking through golden savanna at sunset",
            "duration": "5s",
            "aspect_ratio": "16:9",
            "resolution": "720p",
        },
    ),
    state=State.QUEUED,
    quote=150_000,
    settled=None,
    result_paths=(),
    error_code=None,
    error_message=None,
    created_at=_MADE,
    submitted_at=None,
    running_at=None,
    finished_at=None,
    asset=None,
)
_SUCCEEDED = replace(
    _QUEUED,
    state=State.SUCCEEDED,
    settled=150_000,
    result_paths=("development/videos/2026_03_01_12_07_04_817_112233445566.mp4",),
    submitted_at=_MADE + timedelta(seconds=1),
    running_at=_MADE + timedelta(seconds=2),
    finished_at=_MADE + timedelta(seconds=424),
    asset=Asset(
        state=AssetState.ARCHIVED,
        path="videos/lion.mp4",
        size_bytes=4_812_330,
        sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        content_type="video/mp4",
        duration_seconds=5.04,
        width=1280,
        height=720,
        codec="h264",
        mismatch=None,
        archived_at=_MADE + timedelta(seconds=431),
    ),
)
_FAILED = replace(
    _QUEUED,
    state=State.FAILED,
    settled=0,
    error_code=FailureCode.MODERATION_BLOCKED,
    error_message="The upstream's moderation blocked the prompt.",
    submitted_at=_MADE + timedelta(seconds=1),
    finished_at=_MADE + timedelta(seconds=9),
)
_CALLER = Caller(
    key_id=UUID(int=1), key_prefix="rg_U4gJuwk_", member_id=_MEMBER, team_id=_TEAM, name="ada",
    team_name="studio",
    role=Role.MEMBER, status=Status.ACTIVE, credit_limit=15_000_000, rate_per_minute=60,
    rate_burst=20, max_open=20, created_at=_MADE - timedelta(days=40),
    updated_at=_MADE - timedelta(days=40),
)  # fmt: skip


def generations() -> dict[str, Any]:
    """Name → a generation of the own REST."""
    waiting = Waiting(position=3, reason="queue", retry_after_seconds=5.0)
    made = {
        "queued": _document(_QUEUED, 0.0, waiting=waiting),
        "succeeded": _document(_SUCCEEDED, 423.0, links=_LINKS),
        "failed": _document(_FAILED, 8.0),
    }
    return {name: document.model_dump(mode="json") for name, document in made.items()}


def _document(
    generation: Generation,
    elapsed: float,
    *,
    links: Links | None = None,
    waiting: Waiting | None = None,
) -> GenerationDocument:
    return generation_document(
        generation,
        links=links,
        progress=Progress(elapsed_seconds=elapsed, p50_seconds=409.0, p90_seconds=538.0),
        waiting=waiting,
    )


def records() -> dict[str, Any]:
    """Name → a record of the 1min.ai dialect."""
    return {
        "processing": onemin.render(_QUEUED, _CALLER, BUILT_IN, used_credits=150_000, links=None),
        "success": onemin.render(_SUCCEEDED, _CALLER, BUILT_IN, used_credits=150_000, links=_LINKS),
    }


def _family(root: type[GatewayError]) -> Iterator[type[GatewayError]]:
    for child in root.__subclasses__():
        if child.__module__ == GatewayError.__module__:
            yield child
            yield from _family(child)


def _coded() -> Iterator[type[GatewayError]]:
    """Every kind of error with a code of its own."""
    for kind in _family(GatewayError):
        if "code" in vars(kind):
            yield kind
    yield GatewayError


#: Code → the kind of error that has it.
KINDS = {kind.code: kind for kind in _coded()}


def refusals() -> list[GatewayError]:
    """One of every error that has a code of its own."""
    found: list[GatewayError] = []
    for kind in _coded():
        if kind is InvalidRequest:
            message = "must be one of 5s, 10s"
            issue = Issue("duration", "value", message, "7s", ["5s", "10s"])
            found.append(kind(f'duration: {message} (got "7s").', issues=[issue]))
        else:
            found.append(kind())
    return found


def problems() -> dict[int, dict[str, Any]]:
    """Status → code → the own REST's answer."""
    return _rendered(lambda error: problem(error, _REQUEST_ID))


def native_errors() -> dict[int, dict[str, Any]]:
    """Status → code → the 1min.ai dialect's answer."""
    return _rendered(lambda error: onemin.render_error(error, _REQUEST_ID))


def _rendered(render: Any) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for error in refusals():
        status, body = render(error)
        found.setdefault(status, {})[error.code] = body
    return found
