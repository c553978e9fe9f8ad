"""The documents of webhooks in the own REST."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.api.documents import Document
from app.api.parameters import TEXT, Whole
from app.db.webhook_attempts import Attempt
from app.db.webhook_deliveries import Delivery
from app.domain.webhooks import ENDS, DeliveryState, Endpoint, PayloadFormat, WebhookEvent

_MOST_OVERLAP_SECONDS = 30 * 86_400


class WebhookRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WebhookEndpointRequest(WebhookRequest):
    """A new endpoint. Its address must be https and public, unless an operator allows an internal
    one."""

    url: str = Field(examples=["https://hooks.example.com/reelgate"])
    event_types: list[WebhookEvent] = Field(
        default_factory=lambda: list(ENDS), min_length=1,
        description="The events to send. Default: how videos end. `video.archived` follows "
        "`video.completed`; `budget.threshold` and `credit_request.…` are about credits.",
    )  # fmt: skip
    format: PayloadFormat = Field(
        PayloadFormat.REELGATE,
        description="Format of the payloads. `reelgate`: the whole generation. `openai`: the event "
        "that OpenAI's SDKs expect.",
    )
    description: str | None = Field(None, max_length=500, pattern=TEXT)
    team_wide: bool = Field(
        False, description="Send events of everybody in the team; administrators only."
    )


class WebhookEndpointChange(WebhookRequest):
    """Fields that are left out stay as they are."""

    url: str | None = None
    event_types: list[WebhookEvent] | None = Field(None, min_length=1)
    format: PayloadFormat | None = None
    description: str | None = Field(None, max_length=500, pattern=TEXT)
    enabled: bool | None = Field(
        None, strict=True,
        description="`false` disables it; `true` enables it again, also after it was disabled for "
        "failing.",
    )  # fmt: skip


class WebhookRotation(WebhookRequest):
    overlap_seconds: Whole = Field(
        86_400, ge=0, le=_MOST_OVERLAP_SECONDS,
        description="How long the old secret signs too, beside the new one.",
    )  # fmt: skip


class WebhookEndpointDocument(Document):
    """An endpoint. Its secret was shown when it was created or rotated, and is not shown again."""

    object: str = "webhook_endpoint"
    id: UUID
    url: str
    event_types: list[str] = Field(description="The events it receives, such as `video.failed`.")
    format: PayloadFormat
    description: str | None
    team_wide: bool
    enabled: bool
    disabled_reason: str | None = Field(description="`owner`, `operator`, `gone` or `failing`.")
    failing_since: datetime | None = Field(description="No delivery has succeeded since then.")
    previous_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime


class WebhookEndpointWithSecret(WebhookEndpointDocument):
    """An endpoint with the secret that signs its deliveries. Keep it: it is shown only once."""

    secret: str


class WebhookEndpointList(Document):
    object: str = "list"
    data: list[WebhookEndpointDocument]


class CallbackSecretDocument(Document):
    """Signs the requests to the `callback_url` of your generations."""

    secret: str


class WebhookDeliveryDocument(Document):
    """One event for one receiver. `endpoint_id` is null for a `callback_url`, `generation_id` for
    an event about credits and for a test."""

    object: str = "webhook_delivery"
    id: UUID
    endpoint_id: UUID | None
    generation_id: UUID | None
    type: str
    state: DeliveryState
    attempt_count: int
    last_status: int | None
    last_error: str | None
    created_at: datetime
    next_attempt_at: datetime | None
    finished_at: datetime | None


class WebhookAttemptDocument(Document):
    """One attempt: the request, without signatures, and the beginning of the response."""

    number: int
    created_at: datetime
    seconds: float
    request_headers: dict[str, str]
    request_body: str
    status: int | None
    error: str | None
    answer: str | None


class WebhookDeliveryDetail(WebhookDeliveryDocument):
    attempts: list[WebhookAttemptDocument]


class WebhookDeliveryList(Document):
    object: str = "list"
    data: list[WebhookDeliveryDocument]
    has_more: bool
    next_cursor: str | None


def endpoint_fields(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "object": "webhook_endpoint",
        "id": endpoint.id,
        "url": endpoint.url,
        "event_types": list(endpoint.events),
        "format": endpoint.format,
        "description": endpoint.description,
        "team_wide": endpoint.member_id is None,
        "enabled": endpoint.enabled,
        "disabled_reason": endpoint.disabled_reason,
        "failing_since": endpoint.failing_since,
        "previous_secret_until": endpoint.previous_until,
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
    }


def delivery_fields(delivery: Delivery) -> dict[str, Any]:
    return {
        "object": "webhook_delivery",
        "id": delivery.id,
        "endpoint_id": delivery.endpoint_id,
        "generation_id": delivery.generation_id,
        "type": delivery.event.value,
        "state": delivery.state,
        "attempt_count": delivery.attempts,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
        "created_at": delivery.created_at,
        "next_attempt_at": delivery.next_attempt_at,
        "finished_at": delivery.finished_at,
    }


def attempt_document(attempt: Attempt) -> WebhookAttemptDocument:
    return WebhookAttemptDocument(
        number=attempt.number,
        created_at=attempt.created_at,
        seconds=attempt.seconds,
        request_headers=dict(attempt.request_headers),
        request_body=attempt.request_body,
        status=attempt.status,
        error=attempt.error,
        answer=attempt.answer,
    )


def in_order(events: list[WebhookEvent]) -> tuple[WebhookEvent, ...]:
    """Each once, in the order of the enumeration."""
    return tuple(event for event in WebhookEvent if event in events)
