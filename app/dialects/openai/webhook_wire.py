"""Webhooks of the OpenAI dialect: endpoints as `client.webhooks` manages them, and the events that
they receive. Pure.

The formats are those of openai 3.57 for Python and 7.59 for Node. `enabled` and `disabled_reason`
of an endpoint are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.ids import video_id, webhook_id
from app.domain.nearest import NO_ALIASES
from app.domain.options import OptionReader
from app.domain.text import check_text, shown
from app.domain.webhooks import Endpoint, Event, WebhookEvent
from app.errors import InvalidRequest, Rejections, summary

FIELDS = ("name", "url", "event_types")
MAX_NAME_CHARS = 500
#: A cancellation is `video.failed` here, since this API has no other word for it.
EVENT_TYPES = (WebhookEvent.COMPLETED, WebhookEvent.FAILED, WebhookEvent.ARCHIVED)
#: The video of an event that is only a test.
_NO_VIDEO = UUID(int=0)
_DAY_SECONDS = 86_400


def parse(fields: Mapping[str, Any], *, complete: bool) -> dict[str, Any]:
    """The fields of `Endpoint` that the request sets; `url` is not validated yet. With `complete`,
    all are required. A null is an omitted field. Raises `InvalidRequest`."""
    read = _reader()
    read.only(fields, FIELDS)
    given = {name: fields[name] for name in FIELDS if fields.get(name) is not None}
    for name in FIELDS:
        if complete and name not in given:
            read.issues.add(name, "missing", "this field is required")
    found: dict[str, Any] = {}
    if "name" in given:
        found["description"] = check_text(given["name"], "name", read.issues, most=MAX_NAME_CHARS)
    if "url" in given:
        found["url"] = given["url"]
    if "event_types" in given:
        found["events"] = _events(given["event_types"], read.issues)
    _refuse_issues(read)
    return found


def parse_rotation(fields: Mapping[str, Any]) -> int:
    """For how many seconds the old secret signs too."""
    read, name = _reader(), "keep_old_secret_active_for_24_hours"
    read.only(fields, (name,))
    kept = read.flag(fields.get(name), name)
    _refuse_issues(read)
    return _DAY_SECONDS if kept else 0


def parse_test(fields: Mapping[str, Any]) -> WebhookEvent:
    """The event of which to send an example."""
    read, name = _reader(), "event_type"
    read.only(fields, (name,))
    event = None
    if fields.get(name) is None:
        read.issues.add(name, "missing", "this field is required", allowed=EVENT_TYPES)
    else:
        event = _event(fields[name], name, read.issues)
    _refuse_issues(read)
    assert event is not None
    return event


def _reader() -> OptionReader:
    return OptionReader(NO_ALIASES, strict=True)


def _refuse_issues(read: OptionReader) -> None:
    if issues := read.issues.issues:
        raise InvalidRequest(summary(issues, listed_in="details"), issues=issues)


def _events(value: Any, issues: Rejections) -> tuple[WebhookEvent, ...]:
    """Each once."""
    if not isinstance(value, list) or not value:
        issues.add("event_types", "type", "must be a list with at least one event type",
                   value=shown(value), allowed=EVENT_TYPES)  # fmt: skip
        return ()
    found = set()
    for number, each in enumerate(value):
        if issues.full:
            break
        found.add(_event(each, f"event_types[{number}]", issues))
    return tuple(event for event in EVENT_TYPES if event in found)


def _event(value: Any, path: str, issues: Rejections) -> WebhookEvent | None:
    if isinstance(value, str) and value in EVENT_TYPES:
        return WebhookEvent(value)
    issues.add(path, "value", f"must be one of {', '.join(EVENT_TYPES)}", value=shown(value),
               allowed=EVENT_TYPES)  # fmt: skip
    return None


def render(endpoint: Endpoint, *, secret: str, issued: bool = False) -> dict[str, Any]:
    """A WebhookEndpoint. It shows the secret only where this was `issued` just now, and else its
    last four of 32 characters, by which people tell secrets apart."""
    shown_secret = {"signing_secret": secret} if issued else {}
    return {
        "id": webhook_id(endpoint.id),
        "object": "webhook_endpoint",
        "created_at": int(endpoint.created_at.timestamp()),
        "updated_at": int(endpoint.updated_at.timestamp()),
        "name": endpoint.description or "",
        "url": endpoint.url,
        "event_types": list(dict.fromkeys(map(event_type, endpoint.events))),
        **shown_secret,
        "signing_secret_hint": f"whsec_...{secret[-4:]}",
        "enabled": endpoint.enabled,
        "disabled_reason": endpoint.disabled_reason,
    }


def render_deleted(endpoint_id: UUID) -> dict[str, Any]:
    return {"id": webhook_id(endpoint_id), "object": "webhook_endpoint.deleted", "deleted": True}


def render_test(endpoint_id: UUID, event: WebhookEvent, *, status: int) -> dict[str, Any]:
    """`success` says that there was an answer, and `status_code` which."""
    return {
        "object": "webhook_endpoint.test",
        "webhook_endpoint_id": webhook_id(endpoint_id),
        "event_type": event_type(event),
        "status_code": status,
        "success": True,
    }


def render_event_types() -> dict[str, Any]:
    return {"object": "list", "data": list(EVENT_TYPES)}


def event_type(event: Event) -> str:
    return WebhookEvent.FAILED if event is WebhookEvent.CANCELED else event.value


def render_event(
    event_id: str,
    event: Event,
    created_at: datetime,
    generation_id: UUID | None,
    *,
    content: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The event of a generation that ended, or the `content` of one about credits. Neither for a
    test, which is about no video: every reader of these events expects an id."""
    return {
        "id": event_id,
        "object": "event",
        "created_at": int(created_at.timestamp()),
        "type": event_type(event),
        "data": content or {"id": video_id(generation_id or _NO_VIDEO)},
    }
