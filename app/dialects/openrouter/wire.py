"""OpenRouter's video API: its requests, generations and errors. Pure.

The formats are those of OpenRouter's own SDKs, openrouter 1.3 for Python and @openrouter/sdk 1.3
for Node, and of its webhooks (https://openrouter.ai/docs/api_reference/videos). Of what the SDKs
read, they refuse nulls: a member that does not apply is left out.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from app.dialects.openrouter.options import (
    named_options,
    object_in,
    passed_on,
    provider_options,
)
from app.domain.assets import AssetState
from app.domain.catalog.models import Model, Offered
from app.domain.catalog.pages import Field
from app.domain.catalog.spec import Facts, Spec, frame_size, ratio_of
from app.domain.generation import Generation, State
from app.domain.links import Links
from app.domain.metadata import check_metadata
from app.domain.nearest import Aliases
from app.domain.options import Named, OptionReader, invalid, path_of, usual_seconds
from app.domain.text import shown
from app.errors import GatewayError, IdempotencyMismatch, InvalidRequest, Rejections

FIELDS = ("model", "prompt", "duration", "resolution", "aspect_ratio", "size", "seed",
          "generate_audio", "provider", "frame_images", "input_references", "callback_url", "user",
          "session_id",
          "trace")  # fmt: skip
#: Where a request has the image that the video begins with.
FIRST_FRAME = "frame_images.0.image_url.url"
FRAME_TYPES = ("first_frame", "last_frame")
#: More than any model takes.
_MOST_IMAGES = 20
#: What this API accepts and the upstream does not offer.
NOT_OFFERED = ("creativity", "upscale_factor", "previous_job_id")

#: Clients poll while it is `pending` or `in_progress`. `unknown` may still end either way.
STATUS: Mapping[State, str] = {
    State.QUEUED: "pending",
    State.SUBMITTING: "in_progress",
    State.RUNNING: "in_progress",
    State.UNKNOWN: "in_progress",
    State.SUCCEEDED: "completed",
    State.FAILED: "failed",
    State.CANCELED: "cancelled",
}
#: Once the file is gone.
EXPIRED = "expired"
_GONE = (AssetState.DELETED, AssetState.LOST)


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """`model_name` is the name that the caller sent; `callback_url` is not validated yet."""

    spec: Spec
    model_name: str
    callback_url: Any
    end_user: str | None
    metadata: Mapping[str, str]
    path_of: Callable[[Field, int | None], str]


def parse(body: Mapping[str, Any], *, aliases: Aliases) -> VideoRequest:
    """The request. Raises an error that names every invalid field. A null is an omitted field.

    Nothing is replaced by what is near: this API lists what each model offers, and refuses all
    else."""
    read = OptionReader(aliases, strict=True)
    read.only({n: v for n, v in body.items() if n not in NOT_OFFERED}, FIELDS)
    _check_not_offered(body, read)
    prompt = read.prompt(body.get("prompt"), "prompt")
    name = body.get("model")
    read.model(_bare(name, aliases), "model")
    images = read.images(*_frames(body, read), _references(body, read))
    seconds = _duration(body.get("duration"), read)
    ratio, lines = _frame(body, read)
    options = named_options(body, read) | provider_options(body.get("provider"), read)
    end_user = read.end_user(body.get("user"), "user")
    metadata = _tags(body, read)
    model = read.chosen
    if read.issues.issues or model is None or name is None:
        raise invalid(read)
    facts = Facts(prompt=prompt, seconds=seconds, aspect_ratio=ratio, lines=lines)
    spec = read.spec(model, facts, images, options=options)
    return VideoRequest(
        spec, name, body.get("callback_url"), end_user, metadata,
        path_of(read.image_paths, FIRST_FRAME),
    )  # fmt: skip


def _frames(body: Mapping[str, Any], read: OptionReader) -> tuple[Named, Named | None]:
    """The first and the last frame of `[{frame_type: first_frame, image_url: {url: …}}]`."""
    found: dict[str, Named] = {}
    for at, frame in enumerate(_list(body, "frame_images", read)):
        path = f"frame_images.{at}"
        read.only(frame, ("type", "frame_type", "image_url"), prefix=f"{path}.")
        kind = frame.get("frame_type", FRAME_TYPES[0])
        if kind not in FRAME_TYPES:
            message = f"must be one of {', '.join(FRAME_TYPES)}"
            read.issues.add(f"{path}.frame_type", "value", message, value=shown(kind),
                            allowed=list(FRAME_TYPES))  # fmt: skip
        elif kind in found:
            message = "there is another frame of this type; leave one out"
            read.issues.add(f"{path}.frame_type", "value", message, value=kind)
        else:
            found[kind] = _named(frame, path)
    first, last = map(found.get, FRAME_TYPES)
    return first or Named(None, FIRST_FRAME), last


def _references(body: Mapping[str, Any], read: OptionReader) -> list[Named]:
    """Of `[{type: image_url, image_url: {url: …}}]`."""
    found = []
    for at, each in enumerate(_list(body, "input_references", read)):
        path = f"input_references.{at}"
        read.only(each, ("type", "image_url"), prefix=f"{path}.")
        found.append(_named(each, path))
    return found


def _list(body: Mapping[str, Any], name: str, read: OptionReader) -> list[dict[str, Any]]:
    given = body.get(name)
    if not given:
        return []
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        read.issues.add(name, "type", "must be a list of objects", value=shown(given))
        return []
    return given[:_MOST_IMAGES]


def _named(image: Mapping[str, Any], path: str) -> Named:
    url = image.get("image_url")
    return Named((url.get("url") if isinstance(url, dict) else url) or "", f"{path}.image_url.url")


def _bare(name: Any, aliases: Aliases) -> Any:
    """A model's own name, of the `id` that it is listed under; any other name as it is."""
    if not isinstance(name, str):
        return name
    provider, _, own = name.rpartition("/")
    model = aliases.catalog.enabled.get(own)
    return own if model is not None and model.provider == provider else name


def _check_not_offered(body: Mapping[str, Any], read: OptionReader) -> None:
    for name in NOT_OFFERED:
        value = body.get(name)
        # Not by truth: 0 is a seed.
        if value is not None and value is not False and value != []:
            read.not_offered(name, "not offered by the upstream; leave it out", value)


def _duration(value: Any, read: OptionReader) -> int | None:
    """Seconds: five by default. None where the model has no choice."""
    made = read.offered.seconds
    read.paths["duration"] = "duration"
    if not made:
        return read.seconds(value, "duration")
    if value is None:
        return usual_seconds(made)
    if isinstance(value, int) and not isinstance(value, bool) and value in made:
        return value
    read.issues.add("duration", "value", f"must be one of {', '.join(map(str, made))}",
                    value=shown(value), allowed=list(made))  # fmt: skip
    return None


def _frame(
    body: Mapping[str, Any], read: OptionReader
) -> tuple[tuple[int, int] | None, int | None]:
    """The ratio and the lines, from `aspect_ratio` and `resolution`, or from `size`. If both are
    given, they must agree."""
    ratio = read.aspect_ratio(body.get("aspect_ratio"), "aspect_ratio")
    lines = read.lines(body.get("resolution"), "resolution")
    size, sizes = body.get("size"), _sizes(read.offered)
    if size is None:
        return ratio, lines
    found = sizes.get(size) if isinstance(size, str) else None
    if not sizes:
        read.not_offered("size", "this model has no choice of a size; leave it out", size)
        return ratio, lines
    if found is None:
        read.issues.add("size", "value", f"must be one of {', '.join(sizes)}", value=shown(size),
                        allowed=list(sizes))  # fmt: skip
        return ratio, lines
    mine = Facts(aspect_ratio=found[0], lines=found[1]).words
    for name, other in Facts(aspect_ratio=ratio, lines=lines).words.items():
        if other != mine[name]:
            message = f"contradicts size, which is {mine[name]}; leave one out"
            read.issues.add(name, "value", message, value=other, allowed=[mine[name]])
    return found


def _sizes(offered: Offered) -> dict[str, tuple[tuple[int, int], int]]:
    """The ratio and the lines of every size that can be chosen by both."""
    return {
        "{}x{}".format(*frame_size(ratio, lines)): (ratio, lines)
        for word in offered.aspect_ratios
        if (ratio := ratio_of(word)) is not None
        for lines in offered.lines
    }


def _tags(body: Mapping[str, Any], read: OptionReader) -> dict[str, str]:
    """`session_id` and what `trace` has, as tags. They say nothing of the video: what cannot be a
    tag is accepted and not kept."""
    given = dict(object_in(body, "trace", "", read))
    if (session := body.get("session_id")) is not None:
        if not isinstance(session, str):
            read.issues.add("session_id", "type", "must be a string", value=shown(session))
        given["session_id"] = session
    tags: dict[str, str] = {}
    for name, value in given.items():
        tag = {**tags, name: _word(value)}
        issues = Rejections()
        check_metadata(tag, "trace", issues)
        if not issues.issues:
            tags = tag
    return tags


def _word(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(shown(value)) if isinstance(value, int | float) else value


def render_accepted(generation_id: UUID, status: str, *, polling_url: str) -> dict[str, Any]:
    """The answer to a create. It needs nothing that could fail to be read."""
    return {"id": str(generation_id), "polling_url": polling_url, "status": status}


def render(
    generation: Generation, links: Links | None, *, polling_url: str, cost: Decimal | None
) -> dict[str, Any]:
    """A video. `links` are given while there is one, `cost` in US dollars if that is known."""
    status = status_of(generation)
    body = render_accepted(generation.id, status, polling_url=polling_url)
    body["generation_id"] = str(generation.id)
    if links is not None:
        # Programs download from either, and some without a key: both are signed.
        body |= {"unsigned_urls": [links.video], "urls": [links.video],
                 "expires_at": _expiry(links.video)}  # fmt: skip
    if generation.settled is not None:
        body["usage"] = _usage(generation.settled, cost)
    if (error := _failure(generation, status)) is not None:
        body["error"] = error
    return body


def render_event(
    generation: Generation, happened_at: datetime, links: Links | None, *, cost: Decimal | None
) -> dict[str, Any]:
    """The body of a callback."""
    status = status_of(generation)
    data: dict[str, Any] = {
        "id": str(generation.id), "status": status, "generation_id": str(generation.id),
        "model": str(generation.echo.get("model", generation.spec.model)),
    }  # fmt: skip
    if links is not None:
        data["unsigned_urls"] = [links.video]
    if generation.settled is not None:
        data["usage"] = _usage(generation.settled, cost)
    if (error := _failure(generation, status)) is not None:
        data["error"] = error
    moment = happened_at.astimezone(UTC).isoformat(timespec="milliseconds")
    return {
        "type": f"video.generation.{status}", "created_at": moment.replace("+00:00", "Z"),
        "data": data,
    }  # fmt: skip


def event_headers(
    body: Mapping[str, Any], *, document: str, timestamp: int, secrets: Sequence[str]
) -> dict[str, str]:
    """Of a callback: HMAC-SHA256 over `<timestamp>,<body>` in hex, with the secret as it is shown,
    and a key that all attempts share."""
    message = f"{timestamp},{document}".encode()
    signed = [hmac.new(each.encode(), message, hashlib.sha256).hexdigest() for each in secrets]
    data = body["data"]
    return {
        "X-OpenRouter-Signature": ",".join([f"t={timestamp}", *(f"v1={each}" for each in signed)]),
        "X-OpenRouter-Idempotency-Key": f"{data['id']}-{data['status']}",
    }


def status_of(generation: Generation) -> str:
    asset = generation.asset
    if generation.state is State.SUCCEEDED and asset is not None and asset.state in _GONE:
        return EXPIRED
    return STATUS[generation.state]


def _usage(settled: int, cost: Decimal | None) -> dict[str, Any]:
    """`credits` are ours."""
    known = {} if cost is None else {"cost": float(cost)}
    return {**known, "is_byok": False, "credits": settled}


def _failure(generation: Generation, status: str) -> str | None:
    if status == EXPIRED:
        return "The video is no longer available."
    if generation.state is State.CANCELED:
        return "The video was canceled before it was made."
    if generation.state is State.FAILED:
        return generation.error_message or generation.error_code or "The video could not be made."
    return None


def _expiry(link: str) -> int:
    """Unix seconds."""
    return int(parse_qs(urlsplit(link).query)["expires"][0])


def render_model(
    name: str,
    model: Model,
    *,
    skus: Mapping[str, str],
    is_alias: bool,
    frames: Sequence[str] = (),
) -> dict[str, Any]:
    """What a model offers, under one of its names. `frames` are the types of those it takes."""
    own, offered = f"{model.provider}/{model.id}", model.offered
    return {
        "id": name if is_alias else own,
        "canonical_slug": own,
        "name": name,
        "created": 0,
        "supported_durations": list(offered.seconds),
        "supported_resolutions": [f"{lines}p" for lines in offered.lines],
        "supported_aspect_ratios": list(offered.aspect_ratios),
        "supported_sizes": list(_sizes(offered)),
        "supported_frame_images": list(frames),
        "generate_audio": "generate_audio" in model.form.names,
        "seed": "seed" in model.form.names,
        "creativity": None,
        "upscale_factor": None,
        "pricing_skus": dict(skus),
        "allowed_passthrough_parameters": passed_on(model),
        **model.end,
    }


def render_error(error: GatewayError, request_id: str) -> tuple[int, dict[str, Any]]:
    """`{"error": {code, message, metadata}}`: `code` is the status. An invalid request is 400; 422
    is only for reused idempotency keys."""
    invalid = isinstance(error, InvalidRequest) and not isinstance(error, IdempotencyMismatch)
    status = 400 if invalid else error.status
    metadata = error.members(request_id)
    message = metadata.pop("detail")
    return status, {"error": {"code": status, "message": message, "metadata": metadata}}
