"""What is told of a generation to those who asked, and when it is tried again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from app.domain.generation import Generation, State


class Kind(StrEnum):
    """What happened, in the words of the receivers."""

    COMPLETED = "video.completed"
    FAILED = "video.failed"
    CANCELED = "video.canceled"
    #: Only to callback addresses of a dialect that knows it.
    STARTED = "video.started"
    #: Sent when somebody asks for it; about no generation.
    TEST = "webhook.test"


#: The kinds an endpoint may ask for.
OFFERED = (Kind.COMPLETED, Kind.FAILED, Kind.CANCELED)
#: What entering a state tells.
KIND_OF_STATE: Mapping[State, Kind] = MappingProxyType(
    {
        State.RUNNING: Kind.STARTED,
        State.SUCCEEDED: Kind.COMPLETED,
        State.FAILED: Kind.FAILED,
        State.CANCELED: Kind.CANCELED,
    }
)
#: Dialects whose callbacks are also called when the upstream begins.
TOLD_OF_START = ("luma",)


class Format(StrEnum):
    """The format of the payloads that an endpoint is sent: the gateway's own, or OpenAI's."""

    REELGATE = "reelgate"
    OPENAI = "openai"


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One thing to be told. `generation` is None of a test. `link` is a signed link of ours while
    the video can be had; seconds are elapsed time beside that of half and of nine tenths of like
    ones."""

    message_id: str
    kind: Kind
    happened_at: datetime
    generation: Generation | None
    link: str | None
    elapsed_seconds: float
    p50_seconds: float | None
    p90_seconds: float | None


#: Seconds after the first try at which each further one is made, over a day.
_SCHEDULE = (0.0, 5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 86_400.0)
MOST_ATTEMPTS = len(_SCHEDULE)
#: A receiver may ask for a pause, but not put itself beyond the day.
_MOST_RETRY_AFTER_SECONDS = 3_600.0
#: An endpoint none of whose receivers' answers was good for so long is disabled.
GIVE_UP_SECONDS = 5 * 86_400.0


def wait_after(attempts: int, *, retry_after_seconds: float | None, jitter: float) -> float | None:
    """Seconds until the next try after so many, or None where that was the last. `jitter` is
    between 0 and 1 and lengthens the wait by up to a tenth, so that what failed together does not
    come together again."""
    if attempts >= MOST_ATTEMPTS:
        return None
    wait = (_SCHEDULE[attempts] - _SCHEDULE[attempts - 1]) * (1 + jitter / 10)
    return max(wait, min(retry_after_seconds or 0.0, _MOST_RETRY_AFTER_SECONDS))


def message_id_of(delivery_id: UUID) -> str:
    """The same over all tries of a delivery: what receivers tell repetitions by."""
    return f"msg_{delivery_id.hex}"
