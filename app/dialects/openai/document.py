"""OpenAPI descriptions of the OpenAI dialect: keywords for its routes. Requests are JSON or a form,
which the framework cannot declare on one route."""

from __future__ import annotations

from typing import Any

from app.dialects.openai.webhook_wire import EVENT_TYPES, MAX_NAME_CHARS
from app.dialects.openai.wire import DEFAULT_MODEL, STATUS
from app.http.metadata import FILTER
from app.http.schemas import (
    BILLED,
    END_USER,
    ENDS,
    GENERATION_THAT_EXISTS,
    IMAGE_URL,
    INTEGER,
    METADATA,
    PROMPT,
    RATIO,
    RESOLUTION,
    TEXT,
    TRUTH,
    application,
    object_of,
    or_null,
)

_VIDEO = object_of(
    {
        "id": {**TEXT, "examples": ["video_06e92293ee3247d785f2fd4b59482b91"]},
        "object": {"const": "video", "type": "string"},
        "model": {**TEXT, "description": "The model name you used."},
        "status": {**TEXT, "enum": list(dict.fromkeys(STATUS.values()))},
        "progress": {**INTEGER, "minimum": 0, "maximum": 100},
        "created_at": {**INTEGER, "description": "Unix seconds."},
        "completed_at": or_null(INTEGER),
        "expires_at": or_null({**INTEGER, "description": "In the past once the file is gone."}),
        "prompt": TEXT,
        "seconds": {**TEXT, "description": "Seconds, `5` or `10`.", "examples": ["5"]},
        "size": {**TEXT, "description": "Of the file, or of the request until there is one."},
        "remixed_from_video_id": or_null(TEXT),
        "error": or_null(object_of({"code": TEXT, "message": TEXT,
                                   "billed": TRUTH})),
        "metadata": METADATA,
    }
)  # fmt: skip


def _page(item: dict[str, Any]) -> dict[str, Any]:
    return object_of(
        {
            "object": {"const": "list", "type": "string"},
            "data": {"type": "array", "items": item},
            "first_id": or_null(TEXT),
            "last_id": or_null(TEXT),
            "has_more": TRUTH,
        }
    )


_MODEL = object_of(
    {
        "id": TEXT,
        "object": {"const": "model", "type": "string"},
        "created": INTEGER,
        "owned_by": TEXT,
        "stands_for": {**TEXT, "description": "The model it selects."},
        "retires_on": ENDS,
    },
    required=["id", "object", "created", "owned_by", "stands_for"],
)
_MODELS = object_of(
    {
        "object": {"const": "list", "type": "string"},
        "data": {"type": "array", "items": _MODEL},
    }
)
_DELETED = object_of(
    {
        "id": TEXT,
        "object": {"const": "video.deleted", "type": "string"},
        "deleted": TRUTH,
    }
)
_ERROR = object_of(
    {
        "error": object_of(
            {
                "message": TEXT,
                "type": TEXT,
                "param": or_null(TEXT),
                "code": TEXT,
                "billed": BILLED,
                "retry_safe": TRUTH,
                "request_id": TEXT,
                "generation_id": {**TEXT, "description": GENERATION_THAT_EXISTS},
            },
            required=["message", "type", "param", "code", "billed", "retry_safe", "request_id"],
        )
    }
)
_CALLBACK = {
    **TEXT,
    "format": "uri",
    "description": "Receives a signed webhook when the video has ended.",
}
_KEY = {
    **TEXT,
    "minLength": 1,
    "maxLength": 255,
    "description": "The same as the header `Idempotency-Key`, for proxies that pass on no headers.",
}
_BODY = object_of(
    {
        "prompt": PROMPT,
        "model": {**TEXT, "default": DEFAULT_MODEL,
                  "description": "Any name that `GET /models` lists."},
        "seconds": {**TEXT, "default": "5", "examples": ["5", "10"],
                    "description": "An unsupported length becomes the next longer one."},
        "size": {**TEXT, "default": "720x1280", "examples": ["1280x720"],
                 "description": "Pixels or an aspect ratio; the nearest supported one is used."},
        "aspect_ratio": RATIO,
        "resolution": RESOLUTION,
        "loop": TRUTH,
        "input_reference": {
            "description": "The image that the video begins with: a file in a form, or this.",
            "anyOf": [IMAGE_URL, object_of({"image_url": IMAGE_URL})],
        },
        "image": {**IMAGE_URL, "description": "Another name of `input_reference`."},
        "last_frame": {**IMAGE_URL, "description": "The image that the video ends with."},
        "reference_images": {"type": "array", "items": IMAGE_URL,
                             "description": "Images that the video should be like."},
        "callback_url": _CALLBACK,
        "user": END_USER,
        "metadata": METADATA,
        "idempotency_key": _KEY,
    },
    required=["prompt"],
)  # fmt: skip
_REMIX = object_of(
    {
        "prompt": PROMPT,
        "callback_url": _CALLBACK,
        "user": END_USER,
        "metadata": METADATA,
        "idempotency_key": _KEY,
    },
    required=["prompt"],
)
_EVENT_TYPE = {**TEXT, "enum": list(EVENT_TYPES)}
_WEBHOOK_FIELDS: dict[str, Any] = {
    "name": {**TEXT, "minLength": 1, "maxLength": MAX_NAME_CHARS},
    "url": {**TEXT, "format": "uri", "description": "A public https address."},
    "event_types": {"type": "array", "items": _EVENT_TYPE, "minItems": 1},
}
_WEBHOOK = object_of(
    {
        "id": {**TEXT, "examples": ["whe_2b0a3b8e5c3f4e0c9f6f3a51b8c1d9e7"]},
        "object": {"const": "webhook_endpoint", "type": "string"},
        "created_at": {**INTEGER, "description": "Unix seconds."},
        "updated_at": INTEGER,
        "name": TEXT,
        "url": TEXT,
        "event_types": {"type": "array", "items": TEXT},
        "signing_secret_hint": {**TEXT, "description": "The end of the secret."},
        "enabled": TRUTH,
        "disabled_reason": or_null({**TEXT, "description": "`owner`, `operator`, `gone` or "
                                    "`failing`."}),
    }
)  # fmt: skip
_WEBHOOK_WITH_SECRET = object_of(
    {**_WEBHOOK["properties"],
     "signing_secret": {**TEXT, "description": "Signs the deliveries. Keep it: only this answer "
                        "shows it."}}
)  # fmt: skip
_WEBHOOK_DELETED = object_of(
    {
        "id": TEXT,
        "object": {"const": "webhook_endpoint.deleted", "type": "string"},
        "deleted": TRUTH,
    }
)
_WEBHOOK_TESTED = object_of(
    {
        "object": {"const": "webhook_endpoint.test", "type": "string"},
        "webhook_endpoint_id": TEXT,
        "event_type": TEXT,
        "status_code": {**INTEGER, "description": "What the endpoint answered."},
        "success": {**TRUTH, "description": "It answered."},
    }
)
_ROTATION = object_of(
    {"keep_old_secret_active_for_24_hours": {
        **TRUTH, "default": False, "description": "Whether the old secret signs too for a day."}},
    required=[],
)  # fmt: skip
_LISTED_TYPES = object_of(
    {
        "object": {"const": "list", "type": "string"},
        "data": {"type": "array", "items": TEXT},
    }
)


def _answer(schema: dict[str, Any], said: str) -> dict[int | str, Any]:
    return {200: {"description": said, "content": {"application/json": {"schema": schema}}}}


def _either(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = ("application/json", "multipart/form-data")
    content = {kind: {"schema": schema} for kind in kinds}
    return {"requestBody": {"required": True, "content": content}}


def _json(schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": required, "content": content}}


#: For every route; also replaces the framework's own 422.
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": said, "content": {"application/json": {"schema": _ERROR}}}
    for status, said in (
        (400, "The request is invalid, or the upstream does not offer it."),
        (401, "The API key is missing or invalid."),
        (403, "The member is suspended."),
        (404, "Not found, not yours, not ready yet, or deleted."),
        (408, "The request body took too long to arrive."),
        (413, "The request body is too large."),
        (422, "The Idempotency-Key was used with a different body."),
        (429, "A limit is reached; the error names it, and says when to try again."),
        (500, "Internal error. Check whether the request was carried out before you repeat it."),
        (503, "Temporarily unavailable; `retry_safe` says whether you may send it again."),
    )
}

APPLICATION = application(
    "OpenAI Videos dialect",
    "OpenAI's Videos API, for programs written for it. The guide names what differs.",
    tags={
        "videos": "Videos.",
        "models": "Names of models.",
        "webhooks": "Endpoints for events of your videos.",
    },
    responses=ERRORS,
)

_BYTES = {"type": "string", "format": "binary"}

CREATE: dict[str, Any] = {
    "responses": _answer(_VIDEO, "Accepted and paid for once."),
    "openapi_extra": _either(_BODY),
    "tags": ["videos"],
}
REMIX: dict[str, Any] = {
    "responses": _answer(_VIDEO, "Accepted and paid for once."),
    "openapi_extra": _either(_REMIX),
    "tags": ["videos"],
}
LIST: dict[str, Any] = {
    "responses": _answer(_page(_VIDEO), "One page."),
    "openapi_extra": {"parameters": [FILTER]},
    "tags": ["videos"],
}
VIDEO: dict[str, Any] = {"responses": _answer(_VIDEO, "The video."), "tags": ["videos"]}
DELETE: dict[str, Any] = {"responses": _answer(_DELETED, "Deleted."), "tags": ["videos"]}
_FILE = {
    "content": {kind: {"schema": _BYTES} for kind in ("video/mp4", "image/webp", "image/jpeg")}
}
CONTENT: dict[str, Any] = {
    "responses": {
        200: {"description": "The file.", **_FILE},
        206: {"description": "The part requested by `Range`.", **_FILE},
        304: {"description": "Not modified: you already have the file."},
        412: {**ERRORS[400], "description": "`If-Match` does not match the file."},
        416: {**ERRORS[400], "description": "`Range` starts after the end of the file."},
    },
    "tags": ["videos"],
}
MODELS: dict[str, Any] = {"responses": _answer(_MODELS, "All names."), "tags": ["models"]}
MODEL: dict[str, Any] = {"responses": _answer(_MODEL, "The model."), "tags": ["models"]}
WEBHOOK_CREATE: dict[str, Any] = {
    "responses": _answer(_WEBHOOK_WITH_SECRET, "Created; the only answer with its secret."),
    "openapi_extra": _json(object_of(_WEBHOOK_FIELDS)),
    "tags": ["webhooks"],
}
WEBHOOK_LIST: dict[str, Any] = {
    "responses": _answer(_page(_WEBHOOK), "One page."),
    "tags": ["webhooks"],
}
WEBHOOK: dict[str, Any] = {
    "responses": _answer(_WEBHOOK, "The endpoint."),
    "tags": ["webhooks"],
}
WEBHOOK_UPDATE: dict[str, Any] = {
    "responses": _answer(_WEBHOOK, "The endpoint as it is now."),
    "openapi_extra": _json(object_of(_WEBHOOK_FIELDS, required=[])),
    "tags": ["webhooks"],
}
WEBHOOK_DELETE: dict[str, Any] = {
    "responses": _answer(_WEBHOOK_DELETED, "Deleted."),
    "tags": ["webhooks"],
}
WEBHOOK_ROTATE: dict[str, Any] = {
    "responses": _answer(_WEBHOOK_WITH_SECRET, "The only answer with the new secret."),
    "openapi_extra": _json(_ROTATION, required=False),
    "tags": ["webhooks"],
}
WEBHOOK_TEST: dict[str, Any] = {
    "responses": _answer(_WEBHOOK_TESTED, "The endpoint answered."),
    "openapi_extra": _json(object_of({"event_type": _EVENT_TYPE})),
    "tags": ["webhooks"],
}
WEBHOOK_EVENT_TYPES: dict[str, Any] = {
    "responses": _answer(_LISTED_TYPES, "All event types."),
    "tags": ["webhooks"],
}
