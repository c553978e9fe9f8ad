"""OpenAPI descriptions of the OpenAI dialect: keywords for its routes. Requests are JSON or a form,
which the framework cannot declare on one route."""

from __future__ import annotations

from typing import Any

from app.dialects.openai.wire import DEFAULT_MODEL, STATUS
from app.domain.generation import AspectRatio, Resolution
from app.http.schemas import (
    BILLED,
    END_USER,
    GENERATION_THAT_EXISTS,
    PROMPT,
    TEXT,
    TRUTH,
    application,
    object_of,
    or_null,
)

_INTEGER: dict[str, Any] = {"type": "integer"}

_VIDEO = object_of(
    {
        "id": {**TEXT, "examples": ["video_06e92293ee3247d785f2fd4b59482b91"]},
        "object": {"const": "video", "type": "string"},
        "model": {**TEXT, "description": "The model name you used."},
        "status": {**TEXT, "enum": list(dict.fromkeys(STATUS.values()))},
        "progress": {**_INTEGER, "minimum": 0, "maximum": 100},
        "created_at": {**_INTEGER, "description": "Unix seconds."},
        "completed_at": or_null(_INTEGER),
        "expires_at": or_null({**_INTEGER, "description": "In the past once the file is gone."}),
        "prompt": TEXT,
        "seconds": {**TEXT, "description": "Seconds, `5` or `10`.", "examples": ["5"]},
        "size": {**TEXT, "description": "Of the file, or of the request until there is one."},
        "remixed_from_video_id": or_null(TEXT),
        "error": or_null(object_of({"code": TEXT, "message": TEXT,
                                   "billed": TRUTH})),
    }
)  # fmt: skip
_PAGE = object_of(
    {
        "object": {"const": "list", "type": "string"},
        "data": {"type": "array", "items": _VIDEO},
        "first_id": or_null(TEXT),
        "last_id": or_null(TEXT),
        "has_more": TRUTH,
    }
)
_MODEL = object_of(
    {
        "id": TEXT,
        "object": {"const": "model", "type": "string"},
        "created": _INTEGER,
        "owned_by": TEXT,
        "stands_for": {**TEXT, "description": "The model it selects."},
    }
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
_BODY = object_of(
    {
        "prompt": PROMPT,
        "model": {**TEXT, "default": DEFAULT_MODEL,
                  "description": "Any name that `GET /models` lists."},
        "seconds": {**TEXT, "default": "5", "examples": ["5", "10"],
                    "description": "An unsupported length becomes the next longer one."},
        "size": {**TEXT, "default": "720x1280", "examples": ["1280x720"],
                 "description": "Pixels or an aspect ratio; the nearest supported one is used."},
        "aspect_ratio": {**TEXT, "enum": list(AspectRatio)},
        "resolution": {**TEXT, "enum": list(Resolution)},
        "loop": TRUTH,
        "callback_url": _CALLBACK,
        "user": END_USER,
    },
    required=["prompt"],
)  # fmt: skip
_REMIX = object_of(
    {"prompt": PROMPT, "callback_url": _CALLBACK, "user": END_USER}, required=["prompt"]
)


def _answer(schema: dict[str, Any], said: str) -> dict[int | str, Any]:
    return {200: {"description": said, "content": {"application/json": {"schema": schema}}}}


def _either(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = ("application/json", "multipart/form-data")
    content = {kind: {"schema": schema} for kind in kinds}
    return {"requestBody": {"required": True, "content": content}}


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
    tags={"videos": "Videos.", "models": "Names of models."},
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
LIST: dict[str, Any] = {"responses": _answer(_PAGE, "One page."), "tags": ["videos"]}
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
