"""Generations as the dialect is given them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.domain.assets import AssetState
from app.domain.generation import (
    Asset,
    Generation,
    State,
)
from tests.harness.specs import luma

NOW = datetime(2026, 3, 1, 12, 0, 0, 7_000, tzinfo=UTC)
SPEC = luma(
    prompt="a paper boat on a stormy puddle", model="ray-v3",
    duration="5s", aspect_ratio="9:16", resolution="720p",
)  # fmt: skip
ARCHIVED = Asset(
    state=AssetState.ARCHIVED, path="videos/film.mp4", size_bytes=7, sha256="ab" * 32,
    content_type="video/mp4", duration_seconds=5.0, width=704, height=1280, codec="h264",
    mismatch=None, archived_at=NOW + timedelta(minutes=8),
)  # fmt: skip


def generation(**changes: Any) -> Generation:
    """Queued, of this dialect, unless `changes` say otherwise."""
    queued = Generation(
        id=UUID("00000000-0000-4000-8000-0000000000ff"),
        team_id=UUID(int=3), member_id=UUID(int=2), dialect="openai", feature="TEXT_TO_VIDEO",
        provider="luma", spec=SPEC, state=State.QUEUED, quote=150_000, settled=None,
        result_paths=(), error_code=None, error_message=None, created_at=NOW, submitted_at=None,
        running_at=None, finished_at=None, asset=None, echo={"model": "sora-2"},
    )  # fmt: skip
    return replace(queued, **changes)


def in_state(state: State, **changes: Any) -> Generation:
    """As lifecycle leaves one in this state."""
    sent, ended = NOW + timedelta(seconds=2), NOW + timedelta(minutes=7)
    moved: dict[str, Any] = {"state": state}
    if state is not State.QUEUED and state is not State.CANCELED:
        moved["submitted_at"] = sent
    if state in (State.SUCCEEDED, State.FAILED, State.CANCELED):
        moved["finished_at"] = ended
    if state is State.SUCCEEDED:
        moved |= {"settled": 150_000, "result_paths": ("videos/film.mp4",), "asset": ARCHIVED}
    if state is State.FAILED:
        moved |= {"settled": 0, "error_code": "moderation_blocked",
                  "error_message": "The upstream's moderation blocked the prompt."}  # fmt: skip
    if state is State.CANCELED:
        moved |= {"settled": 0, "error_code": "canceled",
                  "error_message": "Canceled before it was sent to the upstream."}  # fmt: skip
    return generation(**moved | changes)
