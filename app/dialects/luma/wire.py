"""The Luma Dream Machine dialect: its requests, generations and errors. Pure.

The formats are those of Luma's own SDKs, lumaai 1.21 for Python and 1.19 for Node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

GENERATION_TYPE = "video"
#: The model for SDKs that are too old to send one: the only model of their time.
FIRST_MODEL = "ray-1-6"
_MADE_OF = (
    "model", "prompt", "aspect_ratio", "resolution", "duration", "loop", "callback_url",
    "generation_type", "keyframes", "user_id", "metadata",
)  # fmt: skip
_NOT_OFFERED = ("concepts",)
#: Where a request has the image that the video begins with.
FIRST_FRAME = "keyframes.frame0.url"

#: Clients of Luma poll until `completed` or `failed`; another word would keep them polling for
#: ever. `unknown` may still end either way.
STATES: Mapping[State, str] = {
    State.QUEUED: "queued",
    State.SUBMITTING: "dreaming",
    State.RUNNING: "dreaming",
    State.UNKNOWN: "dreaming",
    State.SUCCEEDED: "completed",
    State.FAILED: "failed",
    State.CANCELED: "failed",
}


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """`model_name` is the name that the caller sent; `callback_url` is not validated yet;
    `adjusted` names the options that were replaced by ones that are offered."""

    spec: Spec
    model_name: str
    callback_url: str | None
    end_user: str | None
    metadata: Mapping[str, str]
    adjusted: tuple[str, ...]
    path_of: Callable[[Field, int | None], str]


def parse(
    body: Mapping[str, Any], *, aliases: Aliases, strict: bool, model: str | None = None
) -> VideoRequest:
    """The request. Raises an error that names every invalid field. `model` is the default."""
    read = OptionReader(aliases, strict)
    read.only({n: v for n, v in body.items() if n not in _NOT_OFFERED}, _MADE_OF)
    read.without(body, _NOT_OFFERED)
    kind = body.get("generation_type")
    if kind not in (None, GENERATION_TYPE):
        message = f"must be {GENERATION_TYPE}; nothing else is offered by the upstream"
        read.not_offered("generation_type", message, kind, allowed=[GENERATION_TYPE])
    callback = body.get("callback_url")
    if callback is not None and not isinstance(callback, str):
        read.issues.add("callback_url", "type", "must be a string", value=shown(callback))
    end_user = read.end_user(body.get("user_id"), "user_id")
    metadata = read.metadata(body.get("metadata"), "metadata")
    prompt = read.prompt(body.get("prompt"), "prompt")
    name = body.get("model")
    if name is None:
        name = model
    read.model(name, "model")
    images = read.images(*_frames(body.get("keyframes"), read))
    facts = Facts(
        prompt=prompt,
        seconds=read.seconds(body.get("duration"), "duration"),
        aspect_ratio=read.aspect_ratio(body.get("aspect_ratio"), "aspect_ratio"),
        lines=read.lines(body.get("resolution"), "resolution"),
        loop=read.loop(body.get("loop"), "loop"),
    )
    found = read.chosen
    if read.issues.issues or found is None or name is None:
        raise invalid(read)
    return VideoRequest(
        read.spec(found, facts, images), name, callback, end_user, metadata, tuple(read.adjusted),
        path_of(read.image_paths, FIRST_FRAME),
    )  # fmt: skip


def _frames(keyframes: Any, read: OptionReader) -> tuple[Named, Named]:
    """The images of `{"frame0": {"type": "image", "url": …}, "frame1": …}`. The upstream takes no
    other generation as one."""
    if keyframes and not isinstance(keyframes, dict):
        read.issues.add("keyframes", "type", "must be an object", value=shown(keyframes))
    given = keyframes if isinstance(keyframes, dict) else {}
    read.only(given, ("frame0", "frame1"), prefix="keyframes.")
    first, last = (
        Named(_url(given.get(name), f"keyframes.{name}", read), f"keyframes.{name}.url")
        for name in ("frame0", "frame1")
    )
    return first, last


def _url(frame: Any, path: str, read: OptionReader) -> Any:
    if frame is None:
        return None
    if not isinstance(frame, dict):
        read.issues.add(path, "type", "must be an object", value=shown(frame))
        return None
    kind = frame.get("type")
    if kind != "image":
        message = "must be image; nothing else is offered by the upstream"
        read.not_offered(f"{path}.type", message, kind, allowed=["image"])
        return None
    read.only(frame, ("type", "url"), prefix=f"{path}.")
    return frame.get("url") or ""


def render(
    generation: Generation, links: Links | None, images: Mapping[UUID, str]
) -> dict[str, Any]:
    """A Generation. `links` are given while there is a video; without them there are no `assets`.
    `images` are links to what it is made of, by the id of the input.
    By Luma's document these are optional and never null. Generated clients fail at a null, and
    programs that wait until there are `assets` fail at an object without a video."""
    state = generation.state
    return {
        "id": str(generation.id),
        "generation_type": GENERATION_TYPE,
        "state": STATES[state],
        "failure_reason": _reason(generation),
        "failure_code": generation.error_code if STATES[state] == "failed" else None,
        "created_at": _instant(generation.created_at),
        "model": _model(generation),
        **({"assets": {"video": links.video, "image": links.thumbnail}} if links else {}),
        "request": _request(generation, images),
    }


def render_callback(
    generation: Generation, links: Links | None, images: Mapping[UUID, str]
) -> dict[str, Any]:
    """The body of a callback when it is dreaming, completed or failed: the Generation."""
    return render(generation, links, images)


def render_list(
    page: Sequence[dict[str, Any]], *, limit: int, offset: int, has_more: bool
) -> dict[str, Any]:
    """`count` is the number on this page."""
    return {
        "generations": list(page),
        "count": len(page),
        "limit": limit,
        "offset": offset,
        "has_more": has_more,
    }


def render_error(error: GatewayError, request_id: str) -> tuple[int, dict[str, Any]]:
    return detail_of(error, request_id)


def _reason(generation: Generation) -> str | None:
    if generation.state is State.CANCELED:
        return "canceled"
    if generation.state is State.FAILED:
        return generation.error_message or generation.error_code or "failed"
    return None


def _model(generation: Generation) -> str:
    return str(generation.echo.get("model", generation.spec.model))


def _request(generation: Generation, images: Mapping[UUID, str]) -> dict[str, Any]:
    """The request with its adjustments. Luma's SDK recognizes the kind of a request by its fields,
    and without `generation_type` it takes this for another kind."""
    return {
        "generation_type": GENERATION_TYPE,
        **generation.spec.facts.words,
        "model": _model(generation),
        **({"keyframes": frames} if (frames := _keyframes(generation, images)) else {}),
        **({"callback_url": url} if (url := generation.callback_url) else {}),
    }


def _keyframes(generation: Generation, images: Mapping[UUID, str]) -> dict[str, Any]:
    """With links of ours: what the caller named an image by, which may be a secret, is not kept."""
    both = zip(("frame0", "frame1"), first_and_last(generation.inputs), strict=True)
    return {
        name: {"type": "image", "url": images[use.input_id]}
        for name, use in both
        if use is not None and use.input_id in images
    }


def _instant(moment: datetime) -> str:
    """ISO 8601, UTC, milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
