"""Webhooks: event types, payload formats, and the schedule of attempts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from app.domain.generation import Generation, State
from app.domain.links import Links


class WebhookEvent(StrEnum):
    """The events that an endpoint can receive."""

    COMPLETED = "video.completed"
    FAILED = "video.failed"
    CANCELED = "video.canceled"
    #: The file is kept: its size and checksum are known, and its thumbnail can be made.
    ARCHIVED = "video.archived"
    #: An account has reached so many percent of its credit limit.
    THRESHOLD = "budget.threshold"
    #: A member has asked for credits, and what has become of it.
    REQUEST_OPENED = "credit_request.opened"
    REQUEST_GRANTED = "credit_request.granted"
    REQUEST_REFUSED = "credit_request.refused"
    REQUEST_WITHDRAWN = "credit_request.withdrawn"


#: What an endpoint gets that names no events: how each generation ended.
ENDS = (WebhookEvent.COMPLETED, WebhookEvent.FAILED, WebhookEvent.CANCELED)


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
    """The state of a delivery. Each comment says when it is entered and left, and what a crash
    means."""

    #: To be sent, now or later. Entered when it is made, and when somebody resends it. After a
    #: crash it is sent once more, with the same message id.
    PENDING = "pending"
    #: The receiver answered with a 2xx. Left when somebody resends it.
    DELIVERED = "delivered"
    #: Its last attempt failed, its receiver no longer exists, or its endpoint is disabled. Left
    #: when somebody resends it.
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """`member_id` None: it receives the events of every member of the team. The secrets are derived
    from `seed` and `previous_seed`; the previous one signs too until `previous_until`."""

    id: UUID
    team_id: UUID
    member_id: UUID | None
    url: str
    description: str | None
    events: tuple[WebhookEvent, ...]
    format: PayloadFormat
    enabled: bool
    disabled_reason: str | None
    failing_since: datetime | None
    seed: str
    previous_seed: str | None
    previous_until: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """The content of a webhook, before a format renders it. `generation` is None if it is about
    credits, which have another `content`, and for a test. `links` are given while there is a video;
    `images` are links to what it is made of, by the id of the input.
    The percentiles are those of similar generations."""

    message_id: str
    event: Event
    happened_at: datetime
    generation: Generation | None
    content: Mapping[str, Any] | None
    links: Links | None
    images: Mapping[UUID, str]
    elapsed_seconds: float
    p50_seconds: float | None
    p90_seconds: float | None


#: Seconds after the first attempt at which each further one is made, over one day.
_SCHEDULE = (0.0, 5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 86_400.0)
MOST_ATTEMPTS = len(_SCHEDULE)
#: A receiver may ask for a pause, but not for one beyond the day.
_MOST_RETRY_AFTER_SECONDS = 3_600.0
#: Disable an endpoint after five days without a success.
GIVE_UP_SECONDS = 5 * 86_400.0


def wait_after(attempts: int, *, retry_after_seconds: float | None, jitter: float) -> float | None:
    """Seconds until the next attempt, or None if that was the last. `jitter`, between 0 and 1,
    lengthens the wait by up to a tenth, so that deliveries that failed together are not retried
    together."""
    if attempts >= MOST_ATTEMPTS:
        return None
    wait = (_SCHEDULE[attempts] - _SCHEDULE[attempts - 1]) * (1 + jitter / 10)
    return max(wait, min(retry_after_seconds or 0.0, _MOST_RETRY_AFTER_SECONDS))


def event_of(stored: str) -> Event:
    """Raises `ValueError` if there is no such event."""
    listed = stored in WebhookEvent.__members__.values()
    return WebhookEvent(stored) if listed else UnlistedEvent(stored)


def message_id_of(delivery_id: UUID) -> str:
    """The same for all attempts at a delivery, so that receivers recognize repetitions."""
    return f"msg_{delivery_id.hex}"
