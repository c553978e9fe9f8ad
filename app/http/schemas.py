"""Parts of the OpenAPI documents of the SDK dialects, which parse and render by hand."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path

from app.domain.metadata import MAX_KEY_CHARS, MAX_TAGS, MAX_VALUE_CHARS
from app.domain.text import MAX_END_USER_CHARS, MAX_PROMPT_CHARS

TEXT: dict[str, Any] = {"type": "string"}
TRUTH: dict[str, Any] = {"type": "boolean"}
INTEGER: dict[str, Any] = {"type": "integer"}
PROMPT: dict[str, Any] = {**TEXT, "minLength": 1, "maxLength": MAX_PROMPT_CHARS}
END_USER: dict[str, Any] = {
    **TEXT, "maxLength": MAX_END_USER_CHARS,
    "description": "Whom it is for: kept with the video, never sent upstream.",
}  # fmt: skip
METADATA: dict[str, Any] = {
    "type": "object", "maxProperties": MAX_TAGS,
    "additionalProperties": {**TEXT, "maxLength": MAX_VALUE_CHARS},
    "description": f"Tags of your own, with keys of 1 to {MAX_KEY_CHARS} characters: kept with the "
    "video, never sent upstream.",
}  # fmt: skip
#: These depend on the model, and an operator may have others than are built in.
RATIO: dict[str, Any] = {
    **TEXT, "examples": ["16:9", "9:16"], "description": "One that the model offers.",
}  # fmt: skip
DURATION: dict[str, Any] = {
    **TEXT, "default": "5s", "examples": ["5s", "10s"],
    "description": "An unsupported length becomes the next longer one.",
}  # fmt: skip
RESOLUTION: dict[str, Any] = {
    **TEXT, "examples": ["720p", "1080p"],
    "description": "Smaller ones become 720p; larger ones are refused.",
}  # fmt: skip
#: In lists of models, where it is known.
ENDS: dict[str, Any] = {
    **TEXT, "format": "date", "description": "When the upstream stops making it, if that is known.",
}  # fmt: skip
INSTANT: dict[str, Any] = {**TEXT, "format": "date-time"}
UUID: dict[str, Any] = {**TEXT, "format": "uuid"}
LINK: dict[str, Any] = {
    **TEXT, "format": "uri", "description": "A signed link: needs no key, and expires."
}  # fmt: skip
THUMBNAIL: dict[str, Any] = {
    **TEXT, "format": "uri",
    "description": "A signed link to one frame as WebP; 409 until the video is archived.",
}  # fmt: skip


#: In a path; the routes parse it.
AnyId = Annotated[str, Path(description="The `id` of a video, in the format of any dialect.")]
CONTACT = {"name": "The operators of this gateway"}
LICENSE = {"name": "MIT", "identifier": "MIT"}


def application(
    title: str, about: str, *, tags: dict[str, str], responses: dict[int | str, dict[str, Any]]
) -> dict[str, Any]:
    """Keywords for the application of a dialect, which serves its document at `openapi.json` below
    its prefix. `tags`: each with its description."""
    return {
        "title": f"Reelgate, {title}", "version": "1", "description": about,
        "contact": CONTACT, "license_info": LICENSE,
        "openapi_tags": [{"name": name, "description": said} for name, said in tags.items()],
        "responses": responses, "docs_url": None, "redoc_url": None, "redirect_slashes": False,
        "generate_unique_id_function": lambda route: route.name,
    }  # fmt: skip


def object_of(properties: dict[str, Any], *, required: list[str] | None = None) -> dict[str, Any]:
    """All properties are required unless some are named."""
    named = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": named}


def or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def answer(schema: dict[str, Any], said: str, *, status: int = 200) -> dict[str, Any]:
    """Keywords for a route that responds with this."""
    content = {"application/json": {"schema": schema}}
    return {"responses": {status: {"description": said, "content": content}}}


def body(schema: dict[str, Any]) -> dict[str, Any]:
    """Keywords for a route that reads this."""
    content = {"application/json": {"schema": schema}}
    return {"openapi_extra": {"requestBody": {"required": True, "content": content}}}


#: An image that a video begins with.
IMAGE_URL = {
    **TEXT, "minLength": 1, "description": "A public https address, `data:image/png;base64,…` with "
    "the image itself, or the id of an input that you uploaded.",
}  # fmt: skip

#: In every error.
BILLED = or_null(
    {**TRUTH, "description": "Whether this request reserved or spent credits. Null: not known "
     "yet."}
)  # fmt: skip
GENERATION_THAT_EXISTS = "The generation that exists although this request failed: look it up."

_ISSUE = object_of(
    {
        "field": TEXT,
        "code": {**TEXT, "enum": ["missing", "unknown", "type", "value"]},
        "message": TEXT,
        "value": {},
        "allowed": {"type": "array", "items": {}},
    },
    required=["field", "code", "message"],
)
_ERROR = object_of(
    {
        "detail": {**TEXT, "description": "One sentence."},
        "code": TEXT,
        "billed": BILLED,
        "retry_safe": TRUTH,
        "request_id": TEXT,
        "generation_id": {**UUID, "description": GENERATION_THAT_EXISTS},
        "errors": {"type": "array", "items": _ISSUE},
    },
    required=["detail", "code", "billed", "retry_safe", "request_id"],
)
#: For every route; also replaces the framework's own 422.
DETAILS: dict[int | str, dict[str, Any]] = {
    status: {"description": said, "content": {"application/json": {"schema": _ERROR}}}
    for status, said in (
        (400, "The request is invalid, or the upstream does not offer it."),
        (401, "The API key is missing or invalid."),
        (402, "The remaining credits do not cover the request."),
        (403, "The member is suspended."),
        (404, "Not found, or not yours."),
        (408, "The request body took too long to arrive."),
        (409, "It is in progress and cannot be deleted yet."),
        (413, "The request body is too large."),
        (422, "The Idempotency-Key was used with a different body."),
        (429, "A limit is reached; the error names it, and says when to try again."),
        (500, "Internal error. Check whether the request was carried out before you repeat it."),
        (503, "Temporarily unavailable; `retry_safe` says whether you may send it again."),
    )
}
