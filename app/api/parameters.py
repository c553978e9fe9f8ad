"""Parameters that several routes of the own REST share, with their OpenAPI descriptions."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query
from pydantic import AwareDatetime, BeforeValidator

from app.domain.ids import parse_generation_id, parse_webhook_id
from app.domain.searches import MAX_CHARS


def _any_form(given: Any) -> UUID:
    found = parse_generation_id(given) if isinstance(given, str) else None
    if found is None:
        raise ValueError("must be the id of a generation: a UUID, or `video_` and 32 hex digits")
    return found


#: A query parameter with an id in the format of any dialect.
AnyFormOfId = BeforeValidator(_any_form)
#: An id in the format of any dialect.
GenerationId = Annotated[
    UUID,
    AnyFormOfId,
    Path(
        description="The `id` of a generation. Ids of the OpenAI dialect (`video_` and 32 hex "
        "digits) are accepted too."
    ),
]
DeliveryId = Annotated[UUID, Path(description="The `id` of a webhook delivery.")]


def _any_form_of_endpoint(given: Any) -> UUID:
    found = parse_webhook_id(given) if isinstance(given, str) else None
    if found is None:
        raise ValueError("must be the id of an endpoint: a UUID, or `whe_` and 32 hex digits")
    return found


#: A query parameter with an endpoint's id in the format of any dialect.
AnyFormOfEndpointId = BeforeValidator(_any_form_of_endpoint)
EndpointId = Annotated[
    UUID,
    AnyFormOfEndpointId,
    Path(
        description="The `id` of a webhook endpoint. Ids of the OpenAI dialect (`whe_` and 32 hex "
        "digits) are accepted too."
    ),
]


TeamId = Annotated[UUID, Path(description="The `id` of a team.")]
MemberId = Annotated[UUID, Path(description="The `id` of a member.")]
KeyId = Annotated[UUID, Path(description="The `id` of an API key.")]
#: What `q` of a list does.
IN_PROMPT = (
    "Only with all of these words in the prompt, in any order and in either case. A page looks at "
    "5,000 generations: if it is not full, `next_cursor` goes on behind them."
)
Prompt = Annotated[str | None, Query(min_length=1, max_length=MAX_CHARS, description=IN_PROMPT)]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the previous page.")]
#: Text that Postgres can keep.
TEXT = r"^[^\x00]*$"


def _number(given: Any) -> Any:
    """Refuses what Python takes for a number and JSON does not."""
    if isinstance(given, bool | str):
        raise ValueError("must be a whole number")
    return given


Whole = Annotated[int, BeforeValidator(_number)]
#: `Whole | None` would lose the names of its bounds in the OpenAPI document.
WholeOrNull = Annotated[int | None, BeforeValidator(_number)]


def _written_out(given: Any) -> Any:
    """Refuses a number, which would be read as seconds since 1970."""
    if isinstance(given, int | float) or (
        isinstance(given, str) and not re.match(r"[0-9]{4}-", given)
    ):
        raise ValueError("must begin with a year, as in 2026-03-01 or 2026-03-01T12:00:00Z")
    return given


#: With an offset from UTC.
Instant = Annotated[AwareDatetime, BeforeValidator(_written_out)]
Day = Annotated[date, BeforeValidator(_written_out)]

#: Without an example: pages and programs fill it in, and every create would be the same request.
IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Your own identifier for this request, such as a random UUID, 1 to 255 visible "
    "characters. Repeating the request with the same key returns the same generation, with "
    "`Idempotent-Replayed: true`, instead of paying for a second one.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
PREFER: dict[str, Any] = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`wait=60` delays the response for up to 60 seconds, or until there is a video, "
    "whichever comes first (RFC 7240). Without it the response comes at once.",
    "schema": {"type": "string"},
}

_HEADERS: dict[str, tuple[str, str, Any]] = {
    "Location": ("string", "Where to look up the generation.",
                 "/api/v1/generations/0f8fad5b-d9cb-469f-a165-70867728950e"),
    "Retry-After": ("integer", "Seconds to wait before checking again.", 5),
    "Idempotent-Replayed": ("string", "`true` if an earlier request created this generation.",
                            "true"),
    "Preference-Applied": ("string", "The part of `Prefer` that was applied.", "wait=60"),
    "RateLimit": ("string", "Creates left, and seconds until all are available again (IETF draft).",
                  '"member";r=19;t=1'),
    "RateLimit-Policy": ("string", "Your burst, and the seconds it takes to refill (IETF draft).",
                         '"member";q=20;w=20'),
}  # fmt: skip


def headers(*names: str) -> dict[str, Any]:
    """Response headers as OpenAPI describes them."""
    return {
        name: {"description": said, "schema": {"type": kind}, "example": example}
        for name, (kind, said, example) in _HEADERS.items()
        if name in names
    }


CREATED = headers("Location", "Retry-After", "Idempotent-Replayed", "Preference-Applied",
                  "RateLimit", "RateLimit-Policy")  # fmt: skip


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Statuses of errors in addition to those of every route. The document gives each its
    schema."""
    return {status: {"description": ""} for status in statuses}
