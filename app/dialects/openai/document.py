"""How the OpenAI dialect is described: keywords for its routes. Requests come as JSON or as a form,
which the framework cannot declare on one route."""

from __future__ import annotations

from typing import Any

from app.dialects.openai.wire import DEFAULT_MODEL, STATUS
from app.domain.catalog import MAX_PROMPT_CHARS
from app.domain.generation import AspectRatio, Resolution

_TEXT: dict[str, Any] = {"type": "string"}
_INTEGER: dict[str, Any] = {"type": "integer"}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(properties: dict[str, Any], *, required: list[str] | None = None) -> dict[str, Any]:
    named = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": named}


_VIDEO = _object(
    {
        "id": {**_TEXT, "examples": ["video_06e92293ee3247d785f2fd4b59482b91"]},
        "object": {"const": "video", "type": "string"},
        "model": {**_TEXT, "description": "The name it was asked for by."},
        "status": {**_TEXT, "enum": list(dict.fromkeys(STATUS.values()))},
        "progress": {**_INTEGER, "minimum": 0, "maximum": 100},
        "created_at": {**_INTEGER, "description": "Unix seconds."},
        "completed_at": _or_null(_INTEGER),
        "expires_at": _or_null({**_INTEGER, "description": "Past, once the file is gone."}),
        "prompt": _TEXT,
        "seconds": {**_TEXT, "description": "What is made: `5` or `10`.", "examples": ["5"]},
        "size": {**_TEXT, "description": "Of the file; before there is one, of what was asked."},
        "remixed_from_video_id": _or_null(_TEXT),
        "error": _or_null(_object({"code": _TEXT, "message": _TEXT,
                                   "billed": {"type": "boolean"}})),
    }
)  # fmt: skip
_PAGE = _object(
    {
        "object": {"const": "list", "type": "string"},
        "data": {"type": "array", "items": _VIDEO},
        "first_id": _or_null(_TEXT),
        "last_id": _or_null(_TEXT),
        "has_more": {"type": "boolean"},
    }
)
_MODEL = _object(
    {
        "id": _TEXT,
        "object": {"const": "model", "type": "string"},
        "created": _INTEGER,
        "owned_by": _TEXT,
        "stands_for": {**_TEXT, "description": "The model's own name."},
    }
)
_MODELS = _object(
    {
        "object": {"const": "list", "type": "string"},
        "data": {"type": "array", "items": _MODEL},
    }
)
_DELETED = _object(
    {
        "id": _TEXT,
        "object": {"const": "video.deleted", "type": "string"},
        "deleted": {"type": "boolean"},
    }
)
_ERROR = _object(
    {
        "error": _object(
            {
                "message": _TEXT,
                "type": _TEXT,
                "param": _or_null(_TEXT),
                "code": _TEXT,
                "billed": {"type": "boolean"},
                "retry_safe": {"type": "boolean"},
                "request_id": _TEXT,
            }
        )
    }
)
_PROMPT = {**_TEXT, "minLength": 1, "maxLength": MAX_PROMPT_CHARS}
_CALLBACK = {**_TEXT, "format": "uri", "description": "Where the end is told, signed."}
_ASKED = _object(
    {
        "prompt": _PROMPT,
        "model": {**_TEXT, "default": DEFAULT_MODEL,
                  "description": "Any name that `GET /models` lists."},
        "seconds": {**_TEXT, "default": "5", "examples": ["5", "10"],
                    "description": "Lengths that are not made become the next longer one."},
        "size": {**_TEXT, "default": "720x1280", "examples": ["1280x720"],
                 "description": "Pixels or an aspect ratio; the nearest that is made."},
        "aspect_ratio": {**_TEXT, "enum": list(AspectRatio)},
        "resolution": {**_TEXT, "enum": list(Resolution)},
        "loop": {"type": "boolean"},
        "callback_url": _CALLBACK,
    },
    required=["prompt"],
)  # fmt: skip
_REMIX = _object({"prompt": _PROMPT, "callback_url": _CALLBACK}, required=["prompt"])


def _answer(schema: dict[str, Any], said: str) -> dict[int | str, Any]:
    return {200: {"description": said, "content": {"application/json": {"schema": schema}}}}


def _either(schema: dict[str, Any]) -> dict[str, Any]:
    kinds = ("application/json", "multipart/form-data")
    content = {kind: {"schema": schema} for kind in kinds}
    return {"requestBody": {"required": True, "content": content}}


#: Of every route, also in place of the framework's own 422.
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": said, "content": {"application/json": {"schema": _ERROR}}}
    for status, said in (
        (400, "Something is wrong with the request, or is not offered by the upstream."),
        (401, "The key is missing or not valid."),
        (403, "The member is suspended."),
        (404, "There is no such video or model, or no file of it yet or any more."),
        (422, "The Idempotency-Key was used with another body."),
        (429, "A limit is reached; the error says which, and when to come back."),
        (503, "The gateway cannot take the request now; nothing was taken."),
    )
}

_BYTES = {"type": "string", "format": "binary"}

CREATE: dict[str, Any] = {
    "responses": _answer(_VIDEO, "Accepted and paid for once."),
    "openapi_extra": _either(_ASKED),
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
CONTENT: dict[str, Any] = {
    "responses": {
        200: {
            "description": "The file.",
            "content": {
                kind: {"schema": _BYTES} for kind in ("video/mp4", "image/webp", "image/jpeg")
            },
        }
    },
    "tags": ["videos"],
}
MODELS: dict[str, Any] = {"responses": _answer(_MODELS, "All names."), "tags": ["models"]}
MODEL: dict[str, Any] = {"responses": _answer(_MODEL, "The model."), "tags": ["models"]}
