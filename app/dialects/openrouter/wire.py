"""OpenRouter's video API: its requests, generations and errors. Pure.

The formats are those of OpenRouter's own SDKs, openrouter 1.3 for Python and @openrouter/sdk 1.3
for Node, and of its webhooks (https://openrouter.ai/docs/api_reference/videos). Of what the SDKs
read, they refuse nulls: a member that does not apply is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from app.domain.assets import AssetState
from app.domain.catalog import shown
from app.domain.generation import (
    FRAME_SIZES,
    AspectRatio,
    Duration,
    Generation,
    Resolution,
    Spec,
    State,
)
from app.domain.links import Links
from app.domain.metadata import check_metadata
from app.domain.nearest import Aliases, find_duration
from app.domain.options import OptionReader, invalid
from app.errors import GatewayError, IdempotencyMismatch, InvalidRequest, Rejections

#: Who makes the videos, in the ids of models and in `provider.options`.
PROVIDER = "luma"
#: What `provider.options.luma.parameters` may have.
PASSED_ON = ("loop",)
FIELDS = ("model", "prompt", "duration", "resolution", "aspect_ratio", "size", "provider",
          "callback_url", "user", "session_id", "trace")  # fmt: skip
#: What this API accepts and the upstream does not offer.
NOT_OFFERED = ("frame_images", "input_references", "generate_audio", "seed", "creativity",
               "upscale_factor", "previous_job_id")  # fmt: skip
_SIZES = {f"{width}x{height}": options for options, (width, height) in FRAME_SIZES.items()}

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


def parse(body: Mapping[str, Any], *, aliases: Aliases) -> VideoRequest:
    """The request. Raises an error that names every invalid field. A null is an omitted field.

    Nothing is replaced by what is near: this API lists what each model offers, and refuses all
    else."""
    read = OptionReader(aliases, strict=True)
    read.only({n: v for n, v in body.items() if n not in NOT_OFFERED}, FIELDS)
    _check_not_offered(body, read)
    prompt = read.prompt(body.get("prompt"), "prompt")
    name = body.get("model")
    model = read.model(name, "model")
    duration = _duration(body.get("duration"), read)
    ratio, resolution = _frame(body, read)
    loop = _loop(body.get("provider"), read)
    end_user = read.end_user(body.get("user"), "user")
    metadata = _tags(body, read)
    if read.issues.issues or model is None or name is None:
        raise invalid(read)
    spec = Spec(
        prompt=prompt, model=model, duration=duration, aspect_ratio=ratio, resolution=resolution,
        loop=loop,
    )  # fmt: skip
    return VideoRequest(spec, name, body.get("callback_url"), end_user, metadata)


def _check_not_offered(body: Mapping[str, Any], read: OptionReader) -> None:
    for name in NOT_OFFERED:
        value = body.get(name)
        # Not by truth: 0 is a seed.
        if value is not None and value is not False and value != []:
            read.not_offered(name, "not offered by the upstream; leave it out", value)


def _duration(value: Any, read: OptionReader) -> Duration:
    """Five seconds by default."""
    if value is None:
        return Duration.FIVE_SECONDS
    is_number = isinstance(value, int) and not isinstance(value, bool)
    found = find_duration(value, strict=True) if is_number and 0 < value < 1_000 else None
    if found is None:
        allowed = sorted(each.seconds for each in Duration)
        read.issues.add("duration", "value", f"must be one of {', '.join(map(str, allowed))}",
                        value=shown(value), allowed=allowed)  # fmt: skip
    return found or Duration.FIVE_SECONDS


def _frame(
    body: Mapping[str, Any], read: OptionReader
) -> tuple[AspectRatio | None, Resolution | None]:
    """From `aspect_ratio` and `resolution`, or from `size`. If both are given, they must agree."""
    ratio = read.aspect_ratio(body.get("aspect_ratio"), "aspect_ratio")
    resolution = read.resolution(body.get("resolution"), "resolution")
    size = body.get("size")
    if size is None:
        return ratio, resolution
    found = _SIZES.get(size) if isinstance(size, str) else None
    if found is None:
        read.issues.add("size", "value", f"must be one of {', '.join(_SIZES)}", value=shown(size),
                        allowed=list(_SIZES))  # fmt: skip
        return ratio, resolution
    for name, other, mine in (
        ("aspect_ratio", ratio, found[0]), ("resolution", resolution, found[1]),
    ):  # fmt: skip
        if other is not None and other != mine:
            read.issues.add(name, "value", f"contradicts size, which is {mine}; leave one out",
                            value=shown(other), allowed=[str(mine)])  # fmt: skip
    return found


def _loop(provider: Any, read: OptionReader) -> bool | None:
    """Of `provider.options.luma.parameters`. Options of other providers are ignored, as this API
    documents: a request may have some for each provider that its model could be made by."""
    options = _object(_object({"provider": provider}, "provider", "", read), "options", "provider.",
                      read)  # fmt: skip
    read.only({} if not isinstance(provider, dict) else provider, ("options",), prefix="provider.")
    place = f"provider.options.{PROVIDER}."
    mine = _object(options, PROVIDER, "provider.options.", read)
    read.only(mine, ("parameters",), prefix=place)
    parameters = _object(mine, "parameters", place, read)
    read.only(parameters, PASSED_ON, prefix=f"{place}parameters.")
    return read.flag(parameters.get("loop"), f"{place}parameters.loop")


def _object(outer: Mapping[str, Any], name: str, prefix: str, read: OptionReader) -> dict[str, Any]:
    """Empty if it is omitted or no object."""
    value = outer.get(name)
    if value is None or isinstance(value, dict):
        return value or {}
    read.issues.add(f"{prefix}{name}", "type", "must be an object", value=shown(value))
    return {}


def _tags(body: Mapping[str, Any], read: OptionReader) -> dict[str, str]:
    """`session_id` and what `trace` has, as tags. They say nothing of the video: what cannot be a
    tag is accepted and not kept."""
    given = dict(_object(body, "trace", "", read))
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
    name: str, *, skus: Mapping[str, str], stands_for: str, is_alias: bool
) -> dict[str, Any]:
    """What a model offers, under one of its names."""
    own = f"{PROVIDER}/{stands_for}"
    return {
        "id": name if is_alias else own,
        "canonical_slug": own,
        "name": name,
        "created": 0,
        "supported_durations": sorted(each.seconds for each in Duration),
        "supported_resolutions": [each.value for each in Resolution],
        "supported_aspect_ratios": [each.value for each in AspectRatio],
        "supported_sizes": list(_SIZES),
        "supported_frame_images": [],
        "generate_audio": False,
        "seed": False,
        "creativity": None,
        "upscale_factor": None,
        "pricing_skus": dict(skus),
        "allowed_passthrough_parameters": list(PASSED_ON),
    }


def render_error(error: GatewayError, request_id: str) -> tuple[int, dict[str, Any]]:
    """`{"error": {code, message, metadata}}`: `code` is the status. An invalid request is 400; 422
    is only for reused idempotency keys."""
    invalid = isinstance(error, InvalidRequest) and not isinstance(error, IdempotencyMismatch)
    status = 400 if invalid else error.status
    metadata = error.members(request_id)
    message = metadata.pop("detail")
    return status, {"error": {"code": status, "message": message, "metadata": metadata}}
