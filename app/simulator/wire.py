"""The upstream's JSON: parses submissions and renders records. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from app.domain.catalog.catalog import Catalog, EnabledPage
from app.domain.catalog.images import FRAMES, LAST, REFERENCES
from app.domain.catalog.pages import Field, Kind
from app.domain.catalog.spec import INPUTS, Spec
from app.errors import Rejections
from app.simulator import refusals
from app.simulator.accounts import Account
from app.simulator.config import PAYER_AVATAR, PAYER_NAME
from app.simulator.records import Record, Stage


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


def parse(body: Mapping[str, Any] | None, catalog: Catalog) -> Submission:
    """Raises `Refusal`; like the upstream, it reports one kind of error at a time."""
    if body is None:
        raise refusals.body_invalid("The request body")
    missing = [name for name in ("type", "model", "promptObject") if body.get(name) in (None, "")]
    if missing:
        raise refusals.missing_fields(missing)
    if body["type"] not in {feature for feature, _ in catalog.pages}:
        raise refusals.unknown_error()
    page = catalog.pages.get((body["type"], str(body["model"])))
    if page is None:
        raise refusals.unsupported_model(str(body["model"]))
    if not isinstance(body["promptObject"], dict):
        raise refusals.body_invalid("promptObject")
    return _parse_prompt_object(page, body["promptObject"], held=body.get("async") is not True)


def _parse_prompt_object(page: EnabledPage, values: Mapping[str, Any], *, held: bool) -> Submission:
    fields = page.page.fields
    missing = [
        f"promptObject.{field.wire}"
        for field in fields
        if field.required and values.get(field.wire) in (None, "")
    ]
    if missing:
        raise refusals.missing_fields(missing)
    issues, chosen = Rejections(), {}
    for field in fields:
        if values.get(field.wire) is not None:
            chosen[field.name] = _value(field, values[field.wire], issues)
    if issues.issues:
        raise refusals.prompt_object_invalid(issues.issues)
    model = page.models.get(tuple(chosen.pop(name, None) for name in page.chosen_by))
    if model is None:
        raise refusals.external_error()
    wanted = [field for field in model.fields if field.required and field.name not in chosen]
    if wanted:
        raise refusals.missing_fields([f"promptObject.{field.wire}" for field in wanted])
    return Submission(
        spec=Spec(model=model.id, values=chosen),
        prompt_object={field.wire: values[field.wire] for field in fields if field.wire in values},
        held=held,
    )


_TYPES: Mapping[Kind, tuple[tuple[type, ...], str]] = {
    Kind.TEXT: ((str,), "a string"),
    Kind.FLAG: ((bool,), "a boolean"),
    Kind.INTEGER: ((int,), "a number"),
    Kind.NUMBER: ((int, float), "a number"),
    Kind.ASSET: ((str,), "a string"),
    Kind.ASSETS: ((list,), "an array"),
}


def _value(field: Field, value: Any, issues: Rejections) -> Any:
    """In our words."""
    path = f"promptObject.{field.wire}"
    if field.kind is Kind.CHOICE:
        allowed = field.allowed_on_wire or []
        if isinstance(value, str | int) and not isinstance(value, bool) and value in allowed:
            return field.choices[allowed.index(value)]
        names = ", ".join(map(str, allowed))
        issues.add(path, "value", f"{field.wire} must be one of {names}")
        return None
    types, said = _TYPES[field.kind]
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        issues.add(path, "type", f"{field.wire} must be {said}")
    return storable(value) if isinstance(value, str) else value


def assets_of(submission: Submission, catalog: Catalog) -> list[tuple[str, str]]:
    """The files that it names: the name of the field, and the key."""
    return [
        (field.wire, key)
        for field in catalog.models[submission.spec.model].image_fields
        if field.name in submission.spec.values
        for key in _all(submission.spec.values[field.name])
    ]


def pictures(spec: Spec, catalog: Catalog) -> list[tuple[float, str]]:
    """The images that a video shows: when, from 0 at its beginning to 1 at its end, and the key.
    Those that it shall be like are shown in between."""
    found: list[tuple[float, str]] = []
    model = catalog.models.get(spec.model)
    for field in () if model is None else model.image_fields:
        keys = _all(spec.values.get(field.name, []))
        for at, key in enumerate(keys):
            if field.name == REFERENCES:
                found.append(((at + 1) / (len(keys) + 1), key))
            elif field.name == FRAMES:
                found.append((at / max(len(keys) - 1, 1), key))
            else:
                found.append((1.0 if field.name == LAST else 0.0, key))
    return sorted(found)


def without_images(spec: Spec) -> Spec:
    kept = {name: value for name, value in spec.values.items() if name not in INPUTS}
    return Spec(model=spec.model, values=kept)


def _all(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [one for one in value if isinstance(one, str)]


def render(
    record: Record,
    account: Account,
    catalog: Catalog,
    *,
    used: int,
    stage: Stage,
    link: str | None,
) -> dict[str, Any]:
    """The whole answer. `used` is the used credit before this request, since the upstream's figure
    lags by one request. A model may have been removed since."""
    model = catalog.models.get(record.spec.model)
    body: dict[str, Any] = {
        "uuid": str(record.uuid),
        "userId": str(account.user_id),
        "teamId": str(account.team_id),
        "teamUser": _team_user(account, used),
        "model": record.spec.model if model is None else model.provider,
        "type": None if model is None else model.feature,
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
