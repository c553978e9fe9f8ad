"""The upstream's JSON: parses submissions and renders records. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from app.domain.generation import AspectRatio, Duration, Resolution, Spec, VideoModel
from app.errors import Rejections
from app.simulator import refusals
from app.simulator.accounts import Account
from app.simulator.config import PAYER_AVATAR, PAYER_NAME
from app.simulator.records import Record, Stage

FEATURE, PROVIDER = "TEXT_TO_VIDEO", "luma"
REQUIRED = ("prompt", "modelName", "duration")
CHOICES: Mapping[str, type[StrEnum]] = {
    "modelName": VideoModel,
    "duration": Duration,
    "aspectRatio": AspectRatio,
    "resolution": Resolution,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A valid request. `prompt_object` holds the known fields as sent; unknown ones are silently
    dropped, as by the upstream."""

    spec: Spec
    prompt_object: Mapping[str, Any]
    held: bool


def parse_json(raw: bytes) -> dict[str, Any] | None:
    """The body if it is a JSON object, which has no NaN or Infinity."""
    try:
        body = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def prompt_of(body: Mapping[str, Any] | None) -> str | None:
    """The prompt of any body, valid or not, in characters that the database can store."""
    prompt_object = (body or {}).get("promptObject")
    prompt = prompt_object.get("prompt") if isinstance(prompt_object, dict) else None
    return storable(prompt) if isinstance(prompt, str) else None


def storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def parse(body: Mapping[str, Any] | None) -> Submission:
    """Raises `Refusal`; like the upstream, it reports one kind of error at a time."""
    if body is None:
        raise refusals.body_invalid("The request body")
    missing = [name for name in ("type", "model", "promptObject") if body.get(name) in (None, "")]
    if missing:
        raise refusals.missing_fields(missing)
    if body["type"] != FEATURE:
        raise refusals.unknown_error()
    if body["model"] != PROVIDER:
        raise refusals.unsupported_model(str(body["model"]))
    if not isinstance(body["promptObject"], dict):
        raise refusals.body_invalid("promptObject")
    return _parse_prompt_object(body["promptObject"], held=body.get("async") is not True)


def _parse_prompt_object(values: Mapping[str, Any], *, held: bool) -> Submission:
    missing = [f"promptObject.{name}" for name in REQUIRED if values.get(name) in (None, "")]
    if missing:
        raise refusals.missing_fields(missing)
    issues = Rejections()
    chosen = {name: _choice(values, name, issues) for name in CHOICES}
    prompt, loop = values["prompt"], values.get("loop")
    if not isinstance(prompt, str):
        issues.add("promptObject.prompt", "type", "prompt must be a string")
    if loop is not None and not isinstance(loop, bool):
        issues.add("promptObject.loop", "type", "loop must be a boolean")
    if issues.issues:
        raise refusals.prompt_object_invalid(issues.issues)
    known = (*REQUIRED, "aspectRatio", "resolution", "loop")
    spec = Spec(
        prompt=storable(prompt),
        model=VideoModel(chosen["modelName"]),
        duration=Duration(chosen["duration"]),
        aspect_ratio=AspectRatio(chosen["aspectRatio"]) if chosen["aspectRatio"] else None,
        resolution=Resolution(chosen["resolution"]) if chosen["resolution"] else None,
        loop=loop,
    )
    return Submission(
        spec=spec,
        prompt_object={name: values[name] for name in known if name in values},
        held=held,
    )


def _choice(values: Mapping[str, Any], name: str, issues: Rejections) -> Any:
    value = values.get(name)
    if value is None:
        return None
    allowed = [member.value for member in CHOICES[name]]
    if not isinstance(value, str) or value not in allowed:
        issues.add(f"promptObject.{name}", "value", f"{name} must be one of {', '.join(allowed)}")
    return value


def render(
    record: Record, account: Account, *, used: int, stage: Stage, link: str | None
) -> dict[str, Any]:
    """The whole answer. `used` is the used credit before this request, since the upstream's figure
    lags by one request."""
    body: dict[str, Any] = {
        "uuid": str(record.uuid),
        "userId": str(account.user_id),
        "teamId": str(account.team_id),
        "teamUser": _team_user(account, used),
        "model": PROVIDER,
        "type": FEATURE,
        "metadata": None,
        "rating": None,
        "feedback": None,
        "conversationId": None,
        "status": stage.status,
        "createdAt": instant(record.created_at),
        "aiRecordDetail": {
            "promptObject": in_stored_order(record.prompt_object),
            "resultObject": stage.result,
            "responseObject": {},
        },
        "additionalData": None,
    }
    if link is not None:
        body["temporaryUrl"] = link
    return {"aiRecord": body}


def hide_team_user(body: dict[str, Any]) -> None:
    if body["aiRecord"] is not None:
        body["aiRecord"]["teamUser"] = None


def no_record() -> dict[str, Any]:
    """The answer to a look-up of an unknown uuid or of another account's record."""
    return {"aiRecord": None}


def _team_user(account: Account, used: int) -> dict[str, Any]:
    return {
        "teamId": str(account.team_id),
        "userId": str(account.user_id),
        "userName": PAYER_NAME,
        "userAvatar": PAYER_AVATAR,
        "status": "ACTIVE",
        "role": "ADMIN",
        "creditLimit": account.credit_limit,
        "usedCredit": used,
        "createdAt": instant(account.created_at),
        "createdBy": "SYSTEM",
        "updatedAt": instant(account.updated_at),
        "updatedBy": "SYSTEM",
    }


def in_stored_order(values: Mapping[str, Any]) -> dict[str, Any]:
    """Ordered by length, then alphabetically, as in the upstream's sample."""
    return {name: values[name] for name in sorted(values, key=lambda name: (len(name), name))}


def instant(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
