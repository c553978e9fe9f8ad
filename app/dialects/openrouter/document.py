"""OpenAPI descriptions of OpenRouter's video API: keywords for its routes."""

from __future__ import annotations

from typing import Any

from app.dialects.openrouter.wire import EXPIRED, FIELDS, FRAME_TYPES, STATUS
from app.http.schemas import (
    BILLED,
    DETAILS,
    END_USER,
    ENDS,
    IMAGE_URL,
    INTEGER,
    LINK,
    PROMPT,
    RATIO,
    TEXT,
    TRUTH,
    UUID,
    answer,
    application,
    body,
    object_of,
    or_null,
)

_TEXTS: dict[str, Any] = {"type": "array", "items": TEXT}
_OPEN: dict[str, Any] = {"type": "object", "additionalProperties": True}
_STATUS = {**TEXT, "enum": [*dict.fromkeys(STATUS.values()), EXPIRED]}
_POLLING: dict[str, Any] = {**TEXT, "format": "uri", "description": "Where to look for it."}
_PASSED_ON = object_of(
    {"parameters": {**_OPEN, "description": "Those that the model lists as "
                    "`allowed_passthrough_parameters`."}},
    required=[],
)  # fmt: skip
_PROPERTIES: dict[str, Any] = {
    "model": {**TEXT, "description": "Any `id` that `GET /videos/models` lists."},
    "prompt": PROMPT,
    "duration": or_null({**INTEGER, "minimum": 1, "default": 5, "examples": [5, 10],
                         "description": "Seconds; those that the model lists."}),
    "resolution": or_null({**TEXT, "examples": ["720p", "1080p"],
                           "description": "One that the model lists."}),
    "aspect_ratio": or_null(RATIO),
    "size": or_null({**TEXT, "examples": ["1280x720"],
                     "description": "In place of `aspect_ratio` and `resolution`."}),
    "seed": or_null({**INTEGER, "description": "Of models that list it."}),
    "generate_audio": or_null({**TRUTH, "description": "Of models that list it."}),
    "frame_images": or_null({"type": "array", "maxItems": 2, "items": object_of(
        {"type": {**TEXT, "const": "image_url"},
         "frame_type": {**TEXT, "enum": list(FRAME_TYPES)},
         "image_url": object_of({"url": IMAGE_URL})},
        required=["image_url"])}),
    "input_references": or_null({"type": "array", "items": object_of(
        {"type": {**TEXT, "const": "image_url"}, "image_url": object_of({"url": IMAGE_URL})},
        required=["image_url"])}),
    "provider": or_null(object_of(
        {"options": or_null({
            "type": "object", "additionalProperties": _PASSED_ON,
            "description": "By provider, which is the part of a model's `id` before its name, as "
            "`luma` of `luma/ray-v3`. Options of other providers are ignored."})},
        required=[])),
    "callback_url": or_null({**TEXT, "format": "uri",
                             "description": "Receives a signed webhook when the video ended."}),
    "user": or_null(END_USER),
    "session_id": or_null({**TEXT, "description": "Kept as a tag."}),
    "trace": or_null({**_OPEN, "description": "Kept as tags."}),
}  # fmt: skip
_BODY = object_of({name: _PROPERTIES[name] for name in FIELDS}, required=["model", "prompt"])
_ACCEPTED = object_of({"id": UUID, "polling_url": _POLLING, "status": _STATUS})
_VIDEO = object_of(
    {
        "id": UUID,
        "polling_url": _POLLING,
        "status": _STATUS,
        "generation_id": UUID,
        "unsigned_urls": {"type": "array", "items": LINK},
        "urls": {"type": "array", "items": LINK},
        "expires_at": {**INTEGER, "description": "Of the links, in Unix seconds."},
        "usage": object_of(
            {
                "cost": {"type": "number",
                         "description": "US dollars, if the operator prices credits in these."},
                "is_byok": TRUTH,
                "credits": {**INTEGER, "description": "What it cost, in credits."},
            },
            required=["is_byok", "credits"],
        ),
        "error": {**TEXT, "description": "Why there is no video."},
    },
    required=["id", "polling_url", "status", "generation_id"],
)  # fmt: skip
_MODEL = object_of(
    {
        "id": TEXT,
        "canonical_slug": {**TEXT, "description": "The model that it stands for."},
        "name": TEXT,
        "created": INTEGER,
        "supported_durations": {"type": "array", "items": INTEGER},
        "supported_resolutions": _TEXTS,
        "supported_aspect_ratios": _TEXTS,
        "supported_sizes": _TEXTS,
        "supported_frame_images": _TEXTS,
        "generate_audio": TRUTH,
        "seed": TRUTH,
        "creativity": or_null(_TEXTS),
        "upscale_factor": or_null(_OPEN),
        "pricing_skus": {"type": "object", "additionalProperties": TEXT,
                         "description": "Credits a video, by seconds and resolution."},
        "allowed_passthrough_parameters": _TEXTS,
        "retires_on": ENDS,
    },
    required=[
        "id", "canonical_slug", "name", "created", "supported_durations", "supported_resolutions",
        "supported_aspect_ratios", "supported_sizes", "supported_frame_images", "generate_audio",
        "seed", "creativity", "upscale_factor", "pricing_skus", "allowed_passthrough_parameters",
    ],
)  # fmt: skip
_ERROR = object_of(
    {
        "error": object_of(
            {
                "code": {**INTEGER, "description": "The status."},
                "message": TEXT,
                "metadata": {
                    **object_of({"code": TEXT, "billed": BILLED, "retry_safe": TRUTH,
                                 "request_id": TEXT}),
                    "additionalProperties": True,
                    "description": "`code` for programs, and `errors` with each wrong field.",
                },
            }
        )
    }
)  # fmt: skip
_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {**said, "content": {"application/json": {"schema": _ERROR}}}
    for status, said in DETAILS.items()
}

APPLICATION = application(
    "OpenRouter dialect",
    "OpenRouter's video API, for programs written for it. The guide names what differs.",
    tags={"videos": "Videos.", "models": "What each model offers."},
    responses=_RESPONSES,
)
CREATE: dict[str, Any] = {
    **answer(_ACCEPTED, "Accepted and paid for once.", status=202), **body(_BODY),
    "status_code": 202, "tags": ["videos"],
}  # fmt: skip
VIDEO: dict[str, Any] = {**answer(_VIDEO, "The video."), "tags": ["videos"]}
MODELS: dict[str, Any] = {
    **answer(object_of({"data": {"type": "array", "items": _MODEL}}), "The models."),
    "tags": ["models"],
}  # fmt: skip
CONTENT: dict[str, Any] = {
    "responses": {
        status: {"description": said, "content": {"video/mp4": {
            "schema": {**TEXT, "format": "binary"}}}}
        for status, said in ((200, "The whole file."), (206, "A part of it."))
    },
    "tags": ["videos"],
}  # fmt: skip
