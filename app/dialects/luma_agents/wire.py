"""The Luma Agents dialect: its requests, generations and errors. Pure.

The formats are those of Luma's own SDK, luma-agents 0.5 for Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from app.dialects.luma.errors import detail_of
from app.domain.catalog.pages import Field
from app.domain.catalog.spec import Facts, Spec
from app.domain.generation import Generation, State
from app.domain.inputs import first_and_last
from app.domain.links import Links
from app.domain.nearest import Aliases
from app.domain.options import Named, OptionReader, invalid, path_of
from app.domain.text import shown
from app.errors import GatewayError

TYPE = "video"
#: This API has only one video model, so clients need not send it.
DEFAULT_MODEL = "ray-3.2"
_MADE_OF = ("prompt", "model", "type", "aspect_ratio", "video", "user_id", "metadata")
_NOT_OFFERED = ("image_ref", "layering", "output_format", "source", "style", "web_search")
_VIDEO_MADE_OF = ("duration", "resolution", "loop")
#: Where a request has the image that the video begins with.
FIRST_FRAME = "video.start_frame"
_VIDEO_NOT_OFFERED = (
    "keyframes", "keyframe_indexes", "edit", "hdr", "exr_export",
    "source_position",
)  # fmt: skip

#: Clients poll until `completed` or `failed`. `unknown` may still end either way.
STATES: Mapping[State, str] = {
    State.QUEUED: "queued",
    State.SUBMITTING: "processing",
    State.RUNNING: "processing",
    State.UNKNOWN: "processing",
    State.SUCCEEDED: "completed",
    State.FAILED: "failed",
    State.CANCELED: "failed",
}

#: Why there is no video, in this API's closed set of codes; every other reason is
#: `generation_failed`. Errors without a code here get none.
FAILURES: Mapping[str, str] = {
    "moderation_blocked": "content_moderated",
    "lost": "output_not_found",
    "insufficient_credits": "budget_exhausted",
    "rate_limited": "rate_limited",
    "max_open_reached": "rate_limited",
    "invalid_request": "invalid_request",
    "malformed_json": "invalid_request",
    "unsupported_model": "invalid_request",
    "not_offered": "invalid_request",
    "price_unknown": "invalid_request",
    "idempotency_mismatch": "invalid_request",
}
_FAILED = "generation_failed"


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """`model_name` is the name that the caller sent; `adjusted` names the options that were
    replaced by ones that are offered."""

    spec: Spec
    model_name: str
    end_user: str | None
    metadata: Mapping[str, str]
    adjusted: tuple[str, ...]
    path_of: Callable[[Field, int | None], str]


def parse(body: Mapping[str, Any], *, aliases: Aliases, strict: bool) -> VideoRequest:
    """The request. Raises an error that names every invalid field."""
    read = OptionReader(aliases, strict)
    read.only({n: v for n, v in body.items() if n not in _NOT_OFFERED}, _MADE_OF)
    read.without(body, _NOT_OFFERED)
    _check_type(body.get("type"), read)
    end_user = read.end_user(body.get("user_id"), "user_id")
    metadata = read.metadata(body.get("metadata"), "metadata")
    video = _video(body.get("video"), read)
    prompt = read.prompt(body.get("prompt"), "prompt")
    name = body.get("model")
    read.model(DEFAULT_MODEL if name is None else name, "model")
    images = read.images(
        _frame(video.get("start_frame"), FIRST_FRAME, read),
        _frame(video.get("end_frame"), "video.end_frame", read),
    )
    facts = Facts(
        prompt=prompt,
        aspect_ratio=read.aspect_ratio(body.get("aspect_ratio"), "aspect_ratio"),
        seconds=read.seconds(video.get("duration"), "video.duration"),
        lines=read.lines(video.get("resolution"), "video.resolution"),
        loop=read.loop(video.get("loop"), "video.loop"),
    )
    if facts.loop and facts.seconds == 10:
        read.issues.add(
            "video.loop", "value", "a video of 10s cannot be a loop; ask for 5s", value=True,
            allowed=[False],
        )  # fmt: skip
    model = read.chosen
    if read.issues.issues or model is None:
        raise invalid(read)
    return VideoRequest(
        read.spec(model, facts, images), name or DEFAULT_MODEL, end_user, metadata,
        tuple(read.adjusted), path_of(read.image_paths, FIRST_FRAME),
    )  # fmt: skip


def _frame(frame: Any, path: str, read: OptionReader) -> Named:
    """A `url`, or base64 `data` with its `media_type`. There are no other generations or files to
    begin or end with."""
    if frame is None:
        return Named(None, path)
    if not isinstance(frame, dict):
        read.issues.add(path, "type", "must be an object", value=shown(frame))
        return Named(None, path)
    read.without(frame, ("generation_id", "file_id"), prefix=f"{path}.")
    given = {n: v for n, v in frame.items() if v is not None}
    known = {n: v for n, v in given.items() if n not in ("generation_id", "file_id")}
    read.only(known, ("url", "data", "media_type"), prefix=f"{path}.")
    if "data" in known and "url" not in known:
        kind = known.get("media_type", "image/png")
        if not isinstance(known["data"], str) or not isinstance(kind, str):
            read.issues.add(f"{path}.data", "type", "must be a string", value=shown(known["data"]))
            return Named(None, path)
        return Named(f"data:{kind};base64,{known['data']}", f"{path}.data")
    if "data" in known:
        read.issues.add(f"{path}.data", "value", "contradicts url; leave one out",
                        value=shown(known["data"]))  # fmt: skip
    return Named(known.get("url", ""), f"{path}.url")


def _check_type(kind: Any, read: OptionReader) -> None:
    """Without a type this API makes images, so the type is required."""
    if kind is None:
        read.issues.add("type", "missing", f"this field is required; send {TYPE}", allowed=[TYPE])
    elif kind != TYPE:
        message = f"must be {TYPE}; nothing else is offered by the upstream"
        read.not_offered("type", message, kind, allowed=[TYPE])


def _video(video: Any, read: OptionReader) -> Mapping[str, Any]:
    if video is None:
        return {}
    if not isinstance(video, dict):
        read.issues.add("video", "type", "must be an object", value=shown(video))
        return {}
    known = {name: value for name, value in video.items() if name not in _VIDEO_NOT_OFFERED}
    read.only(known, (*_VIDEO_MADE_OF, "start_frame", "end_frame"), prefix="video.")
    read.without(video, _VIDEO_NOT_OFFERED, prefix="video.")
    return video


def render(
    generation: Generation, links: Links | None, images: Mapping[UUID, str]
) -> dict[str, Any]:
    """A Generation. `links` are given while there is a video; `images` are links to what it is made
    of, by the id of the input. The last three fields are ours: the request with its adjustments."""
    state, said = generation.state, generation.spec.facts.words
    failed = STATES[state] == "failed"
    return {
        "id": str(generation.id),
        "created_at": _instant(generation.created_at),
        "model": str(generation.echo.get("model", generation.spec.model)),
        "type": TYPE,
        "state": STATES[state],
        "failure_reason": _reason(generation) if failed else None,
        "failure_code": FAILURES.get(generation.error_code or "", _FAILED) if failed else None,
        "output": [{"type": TYPE, "url": links.video}] if links else [],
        "prompt": said.get("prompt"),
        "aspect_ratio": said.get("aspect_ratio"),
        "video": {
            **{name: said[name] for name in _VIDEO_MADE_OF if name in said},
            **_frames(generation, images),
        },
    }


def _frames(generation: Generation, images: Mapping[UUID, str]) -> dict[str, Any]:
    both = zip(("start_frame", "end_frame"), first_and_last(generation.inputs), strict=True)
    return {
        name: {"url": images[use.input_id]}
        for name, use in both
        if use is not None and use.input_id in images
    }


def render_error(error: GatewayError, request_id: str) -> tuple[int, dict[str, Any]]:
    status, body = detail_of(error, request_id)
    if (code := FAILURES.get(error.code)) is not None:
        body["failure_code"] = code
    return status, body


def _reason(generation: Generation) -> str:
    if generation.state is State.CANCELED:
        return "canceled"
    return generation.error_message or generation.error_code or "failed"


def _instant(moment: datetime) -> str:
    """ISO 8601, UTC, milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
