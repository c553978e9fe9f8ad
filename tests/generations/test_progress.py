"""Elapsed time against what like ones took."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.db.durations import History
from app.domain.generation import Generation, State
from app.generations.progress import look_again_seconds, percent_of, progress_of
from tests.harness.specs import luma

_NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
_KNOWN = History(samples=50, p10_seconds=300, p50_seconds=400, p90_seconds=500)
_NONE = History(samples=0, p10_seconds=0, p50_seconds=0, p90_seconds=0)


def _generation(state: State, *, sent_seconds_ago: float | None = None, **more: Any) -> Generation:
    since = None if sent_seconds_ago is None else _NOW - timedelta(seconds=sent_seconds_ago)
    return Generation(
        id=uuid4(), team_id=uuid4(), member_id=uuid4(), dialect="openai", feature="TEXT_TO_VIDEO",
        provider="luma", state=state, quote=1, settled=None, result_paths=(), error_code=None,
        error_message=None, created_at=_NOW, submitted_at=since, running_at=since, asset=None,
        spec=luma(prompt="p", model="ray-v3", duration="5s"),
        **{"finished_at": None, **more},
    )  # fmt: skip


def test_progress_says_what_is_known_and_nothing_else() -> None:
    running = _generation(State.RUNNING, sent_seconds_ago=100)
    known = progress_of(running, _KNOWN, now=_NOW)
    assert (known.elapsed_seconds, known.p50_seconds, known.p90_seconds) == (100, 400, 500)
    unknown = progress_of(running, _NONE, now=_NOW)
    assert (unknown.p50_seconds, unknown.p90_seconds) == (None, None)


def test_it_stops_where_the_generation_ended() -> None:
    ended = _generation(
        State.SUCCEEDED, sent_seconds_ago=1000, finished_at=_NOW - timedelta(seconds=600)
    )
    assert progress_of(ended, _KNOWN, now=_NOW).elapsed_seconds == 400


@pytest.mark.parametrize("history", [_KNOWN, _NONE], ids=["history", "none"])
def test_a_percentage_grows_and_is_a_hundred_only_with_a_video(history: History) -> None:
    shown = [
        percent_of(_generation(State.RUNNING, sent_seconds_ago=seconds), history, now=_NOW)
        for seconds in (0, 1, 60, 300, 500, 700, 3_600, 600_000)
    ]
    assert shown == sorted(shown)
    assert shown[0] >= 1
    assert shown[-1] < 100
    assert percent_of(_generation(State.SUCCEEDED), history, now=_NOW) == 100
    for state in (State.QUEUED, State.FAILED, State.CANCELED):
        assert percent_of(_generation(state), history, now=_NOW) == 0


def test_looking_again_is_soon_when_it_is_due_and_late_when_it_is_not() -> None:
    new = _generation(State.RUNNING, sent_seconds_ago=0)
    due = _generation(State.RUNNING, sent_seconds_ago=395)
    assert look_again_seconds(new, _KNOWN, now=_NOW) == 15
    assert look_again_seconds(due, _KNOWN, now=_NOW) == 2
    assert look_again_seconds(_generation(State.FAILED), _KNOWN, now=_NOW) == 2
