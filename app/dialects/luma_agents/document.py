"""OpenAPI descriptions of the Luma Agents API: keywords for its routes."""

from __future__ import annotations

from typing import Any

from app.dialects.luma_agents.wire import DEFAULT_MODEL, FAILURES, STATES, TYPE
from app.http.schemas import (
    DETAILS,
    DURATION,
    END_USER,
    IMAGE_URL,
    INSTANT,
    LINK,
    METADATA,
    PROMPT,
    RATIO,
    RESOLUTION,
    TEXT,
    TRUTH,
    UUID,
    answer,
    application,
    body,
    object_of,
    or_null,
)

_TYPE: dict[str, Any] = {**TEXT, "const": TYPE}
_FRAME = object_of(
    {"url": or_null(IMAGE_URL), "data": or_null(TEXT), "media_type": or_null(TEXT)}, required=[]
)
_BODY = object_of(
    {
        "type": _TYPE,
        "prompt": PROMPT,
        "model": or_null({**TEXT, "default": DEFAULT_MODEL}),
        "aspect_ratio": or_null(RATIO),
        "video": or_null(
            object_of(
                {
                    "duration": or_null(DURATION),
                    "resolution": or_null(RESOLUTION),
                    "loop": or_null({**TRUTH, "description": "Not with 10s."}),
                    **{name: or_null(_FRAME) for name in ("start_frame", "end_frame")},
                },
                required=[],
            )
        ),
        "user_id": or_null(END_USER),
        "metadata": or_null(METADATA),
    },
    required=["type", "prompt"],
)
_FAILURE_CODES = sorted({*FAILURES.values(), "generation_failed"})
GENERATION = object_of(
    {
        "id": UUID,
        "created_at": INSTANT,
        "model": {**TEXT, "description": "The model name you used."},
        "type": _TYPE,
        "state": {**TEXT, "enum": list(dict.fromkeys(STATES.values()))},
        "failure_reason": or_null(TEXT),
        "failure_code": or_null({**TEXT, "enum": _FAILURE_CODES}),
        "output": {"type": "array", "items": object_of({"type": _TYPE, "url": LINK})},
        "prompt": TEXT,
        "aspect_ratio": or_null(RATIO),
        "video": {
            **object_of(
                {
                    "duration": TEXT,
                    "resolution": TEXT,
                    "loop": TRUTH,
                    **{name: object_of({"url": LINK}) for name in ("start_frame", "end_frame")},
                },
                required=["duration"],
            ),
            "description": "What is made.",
        },
    }
)

APPLICATION = application(
    "Luma Agents dialect",
    "Luma's Agents API, for programs written for it. The guide names what differs.",
    tags={"generations": "Videos."},
    responses=DETAILS,
)
CREATE: dict[str, Any] = {
    **answer(GENERATION, "Accepted and paid for once.", status=201), **body(_BODY),
    "status_code": 201, "tags": ["generations"],
}  # fmt: skip
GET: dict[str, Any] = {**answer(GENERATION, "The generation."), "tags": ["generations"]}
