"""OpenAPI descriptions of the Dream Machine API: keywords for its routes."""

from __future__ import annotations

from typing import Any

from app.dialects.luma.wire import FIRST_MODEL, GENERATION_TYPE, STATES
from app.http.schemas import (
    DETAILS,
    DURATION,
    END_USER,
    IMAGE_URL,
    INSTANT,
    INTEGER,
    LINK,
    METADATA,
    PROMPT,
    RATIO,
    RESOLUTION,
    TEXT,
    THUMBNAIL,
    TRUTH,
    UUID,
    answer,
    application,
    body,
    object_of,
    or_null,
)

_TYPE: dict[str, Any] = {**TEXT, "const": GENERATION_TYPE}
_BODY = object_of(
    {
        "model": {**TEXT, "examples": ["ray-2", "ray-flash-2"]},
        "prompt": PROMPT,
        "aspect_ratio": or_null(RATIO),
        "resolution": or_null(RESOLUTION),
        "duration": or_null(DURATION),
        "loop": or_null(TRUTH),
        "callback_url": or_null({**TEXT, "format": "uri",
                                 "description": "Receives webhooks when it starts and ends."}),
        "generation_type": or_null(_TYPE),
        "keyframes": or_null(object_of(
            {name: or_null(object_of({"type": {**TEXT, "const": "image"}, "url": IMAGE_URL}))
             for name in ("frame0", "frame1")},
            required=[])),
        "user_id": or_null(END_USER),
        "metadata": or_null(METADATA),
    },
    required=["model", "prompt"],
)  # fmt: skip
_REQUEST = object_of(
    {
        "generation_type": _TYPE, "model": TEXT, "prompt": TEXT, "duration": TEXT,
        "aspect_ratio": RATIO, "resolution": TEXT, "loop": TRUTH, "callback_url": TEXT,
        "keyframes": {
            **object_of(
                {name: object_of({"type": {**TEXT, "const": "image"}, "url": LINK})
                 for name in ("frame0", "frame1")},
                required=[]),
            "description": "With signed links of the gateway.",
        },
    },
    required=["generation_type", "model", "prompt", "duration"],
)  # fmt: skip
_ASSETS = {
    **object_of({"video": LINK, "image": THUMBNAIL}), "description": "Only while there is a video."
}  # fmt: skip
GENERATION = object_of(
    {
        "id": UUID,
        "generation_type": _TYPE,
        "state": {**TEXT, "enum": list(dict.fromkeys(STATES.values()))},
        "failure_reason": or_null(TEXT),
        "failure_code": or_null(TEXT),
        "created_at": INSTANT,
        "model": {**TEXT, "description": "The model name you used."},
        "assets": _ASSETS,
        "request": {**_REQUEST, "description": "What is made."},
    },
    required=[
        "id", "generation_type", "state", "failure_reason", "failure_code", "created_at", "model",
        "request",
    ],
)  # fmt: skip
_PAGE = object_of(
    {
        "generations": {"type": "array", "items": GENERATION},
        "count": INTEGER,
        "limit": INTEGER,
        "offset": INTEGER,
        "has_more": TRUTH,
    }
)

APPLICATION = application(
    "Luma Dream Machine dialect",
    "Luma's Dream Machine API, for programs written for it. The guide names what differs.",
    tags={"generations": "Videos.", "account": "Your key and your credits."},
    responses=DETAILS,
)
CREATE: dict[str, Any] = {
    **answer(GENERATION, "Accepted and paid for once.", status=201), **body(_BODY),
    "status_code": 201, "tags": ["generations"],
}  # fmt: skip
CREATE_FIRST: dict[str, Any] = {
    **CREATE,
    **body(
        object_of(
            {**_BODY["properties"], "model": or_null({**TEXT, "default": FIRST_MODEL})},
            required=["prompt"],
        )
    ),
}
GET: dict[str, Any] = {**answer(GENERATION, "The generation."), "tags": ["generations"]}
LIST: dict[str, Any] = {**answer(_PAGE, "One page, newest first."), "tags": ["generations"]}
DELETE: dict[str, Any] = {
    "responses": {204: {"description": "Canceled, or its video is deleted."}},
    "status_code": 204, "tags": ["generations"],
}  # fmt: skip
CONCEPTS: dict[str, Any] = {
    **answer({"type": "array", "items": TEXT}, "Always empty."), "tags": ["generations"],
}  # fmt: skip
PING: dict[str, Any] = {**answer(object_of({"message": TEXT}), "Pong."), "tags": ["account"]}
CREDITS: dict[str, Any] = {
    **answer(object_of({"credit_balance": {"type": "number"}}), "Credits that are left."),
    "tags": ["account"],
}
