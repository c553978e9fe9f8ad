"""Webhooks: event types, payload formats, and the schedule of attempts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from app.domain.generation import Generation, State


class WebhookEvent(StrEnum):
    """The events that an endpoint can receive."""

    COMPLETED = "video.completed"
    FAILED = "video.failed"
    CANCELED = "video.canceled"


class UnlistedEvent(StrEnum):
    """Events that no endpoint can ask for."""

    #: Only to callback addresses of a dialect that knows it.
    STARTED = "video.started"
    #: A member or an operator sends it. It is about no generation.
    TEST = "webhook.test"


Event = WebhookEvent | UnlistedEvent
#: The event of entering a state.
EVENT_OF_STATE: Mapping[State, Event] = MappingProxyType(
    {
        State.RUNNING: UnlistedEvent.STARTED,
        State.SUCCEEDED: WebhookEvent.COMPLETED,
        State.FAILED: WebhookEvent.FAILED,
        State.CANCELED: WebhookEvent.CANCELED,
    }
)
#: Dialects whose callbacks also get `video.started`.
STARTED_DIALECTS = ("luma",)


class PayloadFormat(StrEnum):
    """The format of the payloads that an endpoint is sent: the gateway's own, or OpenAI's."""

    REELGATE = "reelgate"
    OPENAI = "openai"


class DeliveryState(StrEnum):
    """Where a delivery is. Each line: who enters, who leaves, what a crash here means."""

    #: To be sent, now or again later. Entered when it is made, and by whoever has it sent again. A
    #: crash: it is sent once more, under the same message id.
    PENDING = "pending"
    #: The receiver answered with a 2xx. Left where somebody has it sent again.
    DELIVERED = "delivered"
    #: Its last attempt failed, the receiver is gone, or its endpoint is disabled. Left where
    #: somebody has it sent again.
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What a webhook says, before a format renders it. `generation` is None for a test. `link` is
    a signed link to the video while there is one. The percentiles are those of similar
    generations."""

    message_id: str
    event: Event
    happened_at: datetime
    generation: Generation | None
    link: str | None
    elapsed_seconds: float
    p50_seconds: float | None
    p90_seconds: float | None


#: Seconds after the first attempt at which each further one is made, over a day.
_SCHEDULE = (0.0, 5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 86_400.0)
MOST_ATTEMPTS = len(_SCHEDULE)
#: A receiver may ask for a pause, but not put itself beyond the day.
_MOST_RETRY_AFTER_SECONDS = 3_600.0
#: Disable an endpoint after five days without a success.
GIVE_UP_SECONDS = 5 * 86_400.0


def wait_after(attempts: int, *, retry_after_seconds: float | None, jitter: float) -> float | None:
    """Seconds until the next attempt, or None where that was the last. `jitter` is between 0 and 1
    and lengthens the wait by up to a tenth, so that deliveries that failed together do not come
    together again."""
    if attempts >= MOST_ATTEMPTS:
        return None
    wait = (_SCHEDULE[attempts] - _SCHEDULE[attempts - 1]) * (1 + jitter / 10)
    return max(wait, min(retry_after_seconds or 0.0, _MOST_RETRY_AFTER_SECONDS))


def event_of(stored: str) -> Event:
    """Raises `ValueError` if there is no such event."""
    listed = stored in WebhookEvent.__members__.values()
    return WebhookEvent(stored) if listed else UnlistedEvent(stored)


def message_id_of(delivery_id: UUID) -> str:
    """The same for all attempts at a delivery: receivers recognise repetitions by it."""
    return f"msg_{delivery_id.hex}"
