"""The OpenAI Videos dialect: its requests, videos and errors. Pure.

The formats are those of OpenAI's own SDKs, openai 2.2 to 3 for Python and 6 to 7 for Node.
`billed`, `retry_safe` and `details` of an error are ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.dialects.openai.images import FIRST_FRAMES, LAST_FRAME, REFERENCES, images
from app.dialects.openai.sizes import DEFAULT_FRAME, USUAL_FRAME, find_size, frames, pixels
from app.domain.assets import AssetState
from app.domain.catalog.pages import Field
from app.domain.catalog.spec import Facts, Spec, frame_size, ratio_of
from app.domain.generation import Generation, State
from app.domain.ids import video_id
from app.domain.nearest import NO_ALIASES, Aliases, accepted_seconds, find_seconds
from app.domain.options import OptionReader, invalid, path_of
from app.domain.text import shown
from app.errors import GatewayError, InvalidRequest, Issue, NotOffered, sentence, summary

#: OpenAI's own default.
DEFAULT_MODEL = "sora-2"

FIELDS = ("prompt", "model", "seconds", "size", "aspect_ratio", "resolution", "loop",
          *FIRST_FRAMES, LAST_FRAME, REFERENCES, "callback_url", "user", "metadata",
          "idempotency_key")  # fmt: skip
REMIX_FIELDS = ("prompt", "callback_url", "user", "metadata", "idempotency_key")
#: What OpenAI's API accepts and the upstream does not offer.
_OF_OPENAI = ("characters", "video")
#: And what newer clients of this API send, such as LLM Gateway's provider for the AI SDK.
_OF_OTHERS = ("reference_videos", "audio")
NOT_OFFERED = _OF_OPENAI + _OF_OTHERS
#: No sound, and no images at all, is what is made.
_SILENT = (*_OF_OTHERS, LAST_FRAME, REFERENCES)
#: More digits than any duration has.
_LONGEST_NUMBER = 20
_FIELD_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]{0,100}\]){1,8})")

#: Clients poll until `completed` or `failed`; any other word would end their polling at once.
#: `unknown` may still end either way.
STATUS: Mapping[State, str] = {
    State.QUEUED: "queued",
    State.SUBMITTING: "in_progress",
    State.RUNNING: "in_progress",
    State.UNKNOWN: "in_progress",
    State.SUCCEEDED: "completed",
    State.FAILED: "failed",
    State.CANCELED: "failed",
}

#: Our code → status, `type` and `code` here. Every other code is a 400, or keeps its status from
#: 500 on.
_ERRORS: Mapping[str, tuple[int, str, str]] = {
    "unauthenticated": (401, "invalid_request_error", "invalid_api_key"),
    "permission_denied": (403, "invalid_request_error", "permission_denied"),
    "suspended": (403, "invalid_request_error", "suspended"),
    "not_found": (404, "invalid_request_error", "not_found"),
    "method_not_allowed": (405, "invalid_request_error", "method_not_allowed"),
    "request_timeout": (408, "invalid_request_error", "request_timeout"),
    # Not 409, which the SDKs retry by themselves.
    "not_ready": (404, "invalid_request_error", "video_not_ready"),
    "video_expired": (404, "invalid_request_error", "video_expired"),
    "precondition_failed": (412, "invalid_request_error", "precondition_failed"),
    "payload_too_large": (413, "invalid_request_error", "payload_too_large"),
    "unsupported_encoding": (415, "invalid_request_error", "unsupported_encoding"),
    "range_not_satisfiable": (416, "invalid_request_error", "range_not_satisfiable"),
    "idempotency_mismatch": (422, "invalid_request_error", "idempotency_mismatch"),
    "insufficient_credits": (429, "insufficient_quota", "insufficient_quota"),
    "rate_limited": (429, "requests", "rate_limit_exceeded"),
    "max_open_reached": (429, "requests", "max_open_reached"),
}
#: The kind of an issue → `code`. Two fields have codes of their own.
_ISSUES: Mapping[str, str] = {
    "missing": "missing_required_parameter",
    "unknown": "unknown_parameter",
    "type": "invalid_type",
    "value": "invalid_value",
}
_VALUES: Mapping[str, str] = {
    "size": "unsupported_size",
    "seconds": "unsupported_duration",
    "model": "unsupported_model",
}


#: Of a request that repeats the images of another video.
_WHEREVER = path_of({}, FIRST_FRAMES[0])


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """`echo` is repeated in responses; `callback_url` and `idempotency_key` are not validated yet;
    `adjusted` names the options that were replaced by ones that are offered."""

    spec: Spec
    echo: Mapping[str, Any]
    callback_url: Any
    idempotency_key: Any
    end_user: str | None
    metadata: Mapping[str, str]
    adjusted: tuple[str, ...] = ()
    path_of: Callable[[Field, int | None], str] = _WHEREVER


def unnest(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The fields of a form as JSON would have them: `a[b][]=1` becomes `{"a": {"b": ["1"]}}`, and
    repeated names become a list. Node's forms end each line of a value with CR LF (WHATWG HTML,
    4.10.21.8); the original LF is restored."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        nested = _FIELD_NAME.fullmatch(name)
        path = [nested[1], *nested[2][1:-1].split("][")] if nested else [name]
        _put(found, path, value.replace("\r\n", "\n"))
    return found


def _put(into: dict[str, Any], path: Sequence[str], value: str) -> None:
    name, rest = path[0], path[1:]
    known = into.get(name)
    if not rest or rest == [""]:
        if name not in into:
            into[name] = [value] if rest else value
        else:
            into[name] = [*known, value] if isinstance(known, list) else [known, value]
    else:
        inner: dict[str, Any] = known if isinstance(known, dict) else {}
        into[name] = inner
        _put(inner, rest, value)


def parse(fields: Mapping[str, Any], *, aliases: Aliases, strict: bool) -> VideoRequest:
    """The request. Raises an error that names every invalid field, or `NotOffered` for what the
    upstream cannot do. A null is an omitted field."""
    fields = _offered(fields)
    read = OptionReader(aliases, strict)
    read.only(fields, FIELDS)
    prompt = read.prompt(fields.get("prompt"), "prompt")
    name = fields.get("model")
    if name is None:
        name = DEFAULT_MODEL
    read.model(name, "model")
    found = images(read, fields)
    seconds = _duration(read, fields.get("seconds"))
    ratio, lines = _frame_of(read, fields)
    loop = read.loop(_truth(fields.get("loop")), "loop")
    end_user = read.end_user(fields.get("user"), "user")
    metadata = read.metadata(fields.get("metadata"), "metadata")
    model = read.chosen
    if read.issues.issues or model is None:
        raise _refused(read)
    facts = Facts(prompt=prompt, seconds=seconds, aspect_ratio=ratio, lines=lines, loop=loop)
    return VideoRequest(
        read.spec(model, facts, found), {"model": name}, fields.get("callback_url"),
        fields.get("idempotency_key"), end_user, metadata, tuple(read.adjusted),
        path_of({place: path.partition(".")[0] for place, path in read.image_paths.items()},
                FIRST_FRAMES[0]),
    )  # fmt: skip


def parse_remix(fields: Mapping[str, Any], source: Generation) -> VideoRequest:
    """A new video with another prompt and the settings of `source`."""
    fields = _offered(fields)
    read = OptionReader(NO_ALIASES, strict=True)
    read.only(fields, REMIX_FIELDS)
    prompt = read.prompt(fields.get("prompt"), "prompt")
    end_user = read.end_user(fields.get("user"), "user")
    metadata = read.metadata(fields.get("metadata"), "metadata")
    if read.issues.issues:
        raise _invalid(read.issues.issues)
    return VideoRequest(
        source.spec.with_facts(Facts(prompt=prompt)), {"model": _model(source)},
        fields.get("callback_url"), fields.get("idempotency_key"), end_user, metadata,
    )  # fmt: skip


def not_offered(field: str, value: Any = None) -> NotOffered:
    message = (
        f"{field} is not offered: the upstream makes videos from text or an image alone. "
        "Nothing was charged."
    )
    reason = "is not offered by the upstream; leave it out"
    return NotOffered(message, issues=[Issue(field, "value", reason, shown(value))])


def _offered(fields: Mapping[str, Any]) -> dict[str, Any]:
    silent = {name for name in _SILENT if _truth(fields.get(name)) in (False, [])}
    fields = {name: value for name, value in fields.items() if name not in silent}
    for name in NOT_OFFERED:
        if fields.get(name) is not None:
            raise not_offered(name, fields[name])
    return {name: value for name, value in fields.items() if name not in NOT_OFFERED}


def _duration(read: OptionReader, value: Any) -> int | None:
    """Seconds: five by default, or the next longer that is made. None where the model has no
    choice."""
    made = read.offered.seconds
    read.paths["duration"] = "seconds"
    if value is None or not made:
        return read.seconds(value, "seconds")
    text = str(value) if _is_number(value) else value
    found = None
    if isinstance(text, str) and len(text) <= _LONGEST_NUMBER:
        found = find_seconds(text, made, strict=read.strict)
    if found is None:
        allowed = [str(seconds) for seconds in accepted_seconds(made, strict=read.strict)]
        read.issues.add("seconds", "value", f"must be one of {', '.join(allowed)}",
                        value=shown(value), allowed=allowed)  # fmt: skip
        return None
    seconds = int(str(text).removesuffix("s").partition(".")[0])
    if seconds != found:
        read.adjusted.append(f"seconds={seconds}->{found}")
    return found


def _is_number(value: Any) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool) and value.bit_length() <= 64
    return isinstance(value, float)


def _frame_of(
    read: OptionReader, fields: Mapping[str, Any]
) -> tuple[tuple[int, int] | None, int | None]:
    """The aspect ratio and the lines, from `size`, or from `aspect_ratio` and `resolution`. If both
    are given, they must agree. None where the model has no choice."""
    size = fields.get("size")
    ratio = read.aspect_ratio(fields.get("aspect_ratio"), "aspect_ratio")
    lines = read.lines(fields.get("resolution"), "resolution")
    made, offered = frames(read.offered), read.offered
    if not made:
        if size is not None:
            read.not_offered("size", "this model has no choice of a size; leave it out", size)
        return None, lines
    if size is not None:
        read.paths |= {"aspect_ratio": "size", "resolution": "size"}
    usual = DEFAULT_FRAME if DEFAULT_FRAME in made else made[0]
    if size is None:
        return ratio or usual[0], (lines or usual[1]) if offered.lines else None
    found = find_size(size, made, strict=read.strict) if isinstance(size, str) else None
    if found is None:
        allowed = [pixels(frame_size(*each)) for each in made]
        read.issues.add("size", "value", f"must be one of {', '.join(allowed)}, or an aspect ratio",
                        value=shown(size), allowed=[*allowed, *offered.aspect_ratios])  # fmt: skip
        return None, None
    if ratio_of(size) is not None:
        found = found[0], lines or found[1]
    elif pixels(frame_size(*found)) != size.lower():
        read.adjusted.append(f"size={size.lower()}->{pixels(frame_size(*found))}")
    mine = Facts(aspect_ratio=found[0], lines=found[1]).words
    for name, other in Facts(aspect_ratio=ratio, lines=lines).words.items():
        if other != mine[name]:
            message = f"contradicts size, which is {mine[name]}; leave one out"
            read.issues.add(name, "value", message, value=other, allowed=[mine[name]])
    return found[0], found[1] if offered.lines else None


def _truth(value: Any) -> Any:
    """Forms have no booleans."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def render(generation: Generation, *, percent: int) -> dict[str, Any]:
    """A Video with every key; those that do not apply are null."""
    made, facts = generation.state is State.SUCCEEDED, generation.spec.facts
    return {
        "id": video_id(generation.id),
        "object": "video",
        "model": _model(generation),
        "status": STATUS[generation.state],
        "progress": percent,
        "created_at": _seconds(generation.created_at),
        "completed_at": _seconds(generation.finished_at) if made else None,
        "expires_at": _expired_at(generation),
        "prompt": facts.prompt,
        "seconds": None if facts.seconds is None else str(facts.seconds),
        "size": _frame(generation),
        "remixed_from_video_id": generation.remixed_from and video_id(generation.remixed_from),
        "error": _failure(generation),
        "metadata": dict(generation.metadata),
    }


def render_page(objects: Sequence[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    """The SDKs request the page after `last_id` as long as `has_more` is true."""
    return {
        "object": "list",
        "data": list(objects),
        "first_id": objects[0]["id"] if objects else None,
        "last_id": objects[-1]["id"] if objects else None,
        "has_more": has_more,
    }


def render_deleted(generation: Generation) -> dict[str, Any]:
    return {"id": video_id(generation.id), "object": "video.deleted", "deleted": True}


def render_model(name: str, aliases: Aliases) -> dict[str, Any] | None:
    """A model under one of its names; `stands_for` is ours. None for unknown names."""
    model = aliases.find(name)
    if model is None:
        return None
    return {"id": name, "object": "model", "created": 0, "owned_by": model.provider,
            "stands_for": model.id, **model.end}  # fmt: skip


def render_models(aliases: Aliases) -> dict[str, Any]:
    found = [render_model(name, aliases) for name in aliases.names]
    return {"object": "list", "data": found}


def render_error(error: GatewayError, request_id: str) -> tuple[int, dict[str, Any]]:
    """`{"error": {message, type, param, code, …}}`."""
    status, kind, code = _kind_of(error)
    body: dict[str, Any] = {
        "message": sentence(error, listed_in="details"),
        "type": kind,
        "param": error.issues[0].field if error.issues else None,
        "code": code,
        "billed": error.billed,
        "retry_safe": error.retry_safe,
        "request_id": request_id,
        **error.extra,
    }
    if error.generation_id is not None:
        body["generation_id"] = video_id(error.generation_id)
    if error.issues:
        body["details"] = [issue.to_json() for issue in error.issues]
    return status, {"error": body}


def _kind_of(error: GatewayError) -> tuple[int, str, str]:
    if error.status >= 500:
        return error.status, "server_error", error.code
    if error.code == "invalid_request" and error.issues:
        first = error.issues[0]
        code = _ISSUES.get(first.code, "invalid_value")
        if first.code in ("value", "type"):
            code = _VALUES.get(first.field, code)
        return 400, "invalid_request_error", code
    return _ERRORS.get(error.code, (400, "invalid_request_error", error.code))


def _refused(read: OptionReader) -> InvalidRequest:
    """`NotOffered` if images are all that is wrong."""
    error, issues = invalid(read), read.issues.issues
    kind = NotOffered if isinstance(error, NotOffered) else InvalidRequest
    return kind(summary(issues, listed_in="details"), issues=issues)


def _invalid(issues: Sequence[Issue]) -> InvalidRequest:
    return InvalidRequest(summary(issues, listed_in="details"), issues=issues)


def _model(generation: Generation) -> str:
    """The name that the caller sent, in whichever dialect."""
    return str(generation.echo.get("model", generation.spec.model))


def _frame(generation: Generation) -> str:
    """The size of the file or, until there is one, the requested size."""
    asset = generation.asset
    if asset is not None and asset.width and asset.height:
        return pixels((asset.width, asset.height))
    facts = generation.spec.facts
    return pixels(frame_size(facts.aspect_ratio or USUAL_FRAME[0], facts.lines or USUAL_FRAME[1]))


def _expired_at(generation: Generation) -> int | None:
    """The time it ended, once the file is gone; null while it is kept."""
    asset = generation.asset
    if asset is None or asset.state not in (AssetState.DELETED, AssetState.LOST):
        return None
    return _seconds(generation.finished_at)


def _failure(generation: Generation) -> dict[str, Any] | None:
    if STATUS[generation.state] != "failed":
        return None
    return {
        "code": generation.error_code or "failed",
        "message": generation.error_message or "The video could not be made.",
        "billed": bool(generation.settled),
    }


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
