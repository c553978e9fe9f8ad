"""A generation: one paid request for one video, with its states and its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from app.domain.assets import AssetState
from app.domain.catalog.spec import Spec
from app.domain.inputs import InputUse


class State(StrEnum):
    """The state of a generation. Each comment says when it is entered and what a crash means."""

    #: Admitted, with its hold committed; nothing has been sent. After a crash its job runs again.
    QUEUED = "queued"
    #: The attempt is committed and the POST may have been sent. After a crash there is no upstream
    #: id, so it becomes `unknown`; the gateway never sends it again.
    SUBMITTING = "submitting"
    #: The upstream gave an id. After a crash polling continues with that id.
    RUNNING = "running"
    #: The video path is known and the hold is settled. After a crash archiving runs again.
    SUCCEEDED = "succeeded"
    #: A definite refusal or failure. The hold is released, or settled if the upstream billed it.
    FAILED = "failed"
    #: Canceled while queued. The hold is released.
    CANCELED = "canceled"
    #: Nobody can know whether it was made and billed. The hold stays until a later answer or an
    #: administrator resolves it.
    UNKNOWN = "unknown"


ARROWS: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.QUEUED: frozenset({State.SUBMITTING, State.CANCELED, State.FAILED}),
        State.SUBMITTING: frozenset(
            {State.RUNNING, State.SUCCEEDED, State.FAILED, State.QUEUED, State.UNKNOWN}
        ),
        State.RUNNING: frozenset({State.SUCCEEDED, State.FAILED, State.UNKNOWN}),
        State.SUCCEEDED: frozenset(),
        State.FAILED: frozenset(),
        State.CANCELED: frozenset(),
        State.UNKNOWN: frozenset({State.SUCCEEDED, State.FAILED}),
    }
)

#: States that count towards a member's limit of open generations.
OPEN = frozenset({State.QUEUED, State.SUBMITTING, State.RUNNING})
#: Reasons for being unknown that no poll may end: only a person can tell whose record it is.
RECORD_OF_ANOTHER = "record_of_another"
UPSTREAM_ID_REPEATED = "upstream_id_repeated"
DISPUTED = frozenset({RECORD_OF_ANOTHER, UPSTREAM_ID_REPEATED})
#: States without further transitions.
FINAL = frozenset(state for state, targets in ARROWS.items() if not targets)
#: States that are not open. A waiting caller gets its response, since nothing more will happen
#: soon.
CLOSED = FINAL | {State.UNKNOWN}


def sources(target: State) -> frozenset[State]:
    """The states from which `target` may be entered."""
    return frozenset(state for state, targets in ARROWS.items() if target in targets)


class FailureCode(StrEnum):
    """Why a generation failed, was canceled or is unknown."""

    #: Canceled while queued. Nothing was sent, and the hold is released.
    CANCELED = "canceled"
    #: An image that it should be made of was deleted, or the upstream does not take it. Nothing was
    #: sent, and the hold is released.
    INPUT_UNUSABLE = "input_unusable"
    #: An operator found that it was charged and its video is not available.
    LOST = "lost"
    #: The upstream's moderation blocked the prompt or the video.
    MODERATION_BLOCKED = "moderation_blocked"
    #: An operator found that it was never made. The hold is released.
    NOT_MADE = "not_made"
    #: The upstream's answer was lost. The hold stays until the outcome is known. The gateway does
    #: not send the request again.
    OUTCOME_UNKNOWN = "outcome_unknown"
    #: The upstream accepted the request and failed to make the video.
    UPSTREAM_FAILED = "upstream_failed"
    #: The upstream refused the request.
    UPSTREAM_REFUSED = "upstream_refused"
    #: The upstream could not be reached in time. No video was made.
    UPSTREAM_UNAVAILABLE = "upstream_unavailable"


def video_path(generation_id: UUID, created_at: datetime, *, token: str) -> str:
    """The path of a video in the archive. Each attempt to archive has its own `token` and so its
    own file, which no other attempt can damage."""
    return f"videos/{created_at:%Y/%m/%d}/{generation_id}.{token}.mp4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file of a generation, and its state in the archive."""

    state: AssetState
    path: str | None
    size_bytes: int | None
    sha256: str | None
    content_type: str
    duration_seconds: float | None
    width: int | None
    height: int | None
    codec: str | None
    mismatch: str | None
    archived_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """A generation as its owner may see it. Times are aware and in UTC; credits are integers.

    `echo` has the values of the request that its dialect repeats unchanged in responses. Other
    dialects use only its `model`, the caller's name for the model. `end_user` is the caller's own
    word for whom it is, `metadata` are its tags, `inputs` are the images that it is made of.
    `price_id` is the price that its quote is of; None for the default.
    """

    id: UUID
    team_id: UUID
    member_id: UUID
    dialect: str
    feature: str
    provider: str
    spec: Spec
    state: State
    quote: int
    settled: int | None
    result_paths: tuple[str, ...]
    error_code: str | None
    error_message: str | None
    created_at: datetime
    submitted_at: datetime | None
    running_at: datetime | None
    finished_at: datetime | None
    asset: Asset | None
    echo: Mapping[str, Any] = field(default_factory=dict)
    remixed_from: UUID | None = None
    callback_url: str | None = None
    end_user: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[InputUse, ...] = ()
    price_id: UUID | None = None
