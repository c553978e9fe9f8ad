"""The 1min.ai dialect: its requests, records and errors. Pure.

The formats are those of the upstream's page for Luma text-to-video and of its live error envelope
`{errorCode, message, details, context}`. `billed`, `retry_safe` and `requestId` are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.caller import Caller
from app.domain.catalog.catalog import Catalog, EnabledPage
from app.domain.catalog.pages import Field
from app.domain.catalog.spec import Spec
from app.domain.generation import Generation, State
from app.domain.inputs import Input, named
from app.domain.links import Links
from app.domain.metadata import check_metadata
from app.domain.text import MAX_END_USER_CHARS, check_text, shown
from app.errors import GatewayError, InvalidRequest, Rejections, UnsupportedModel, summary

_FIELDS = ("type", "model", "promptObject", "async", "user", "metadata")
_PROMPT = "promptObject"
#: Of some pages: the name of the feature once more. It may be left out.
_CONVERSATION = "conversationId"

#: For `unknown` this dialect has no better word than `PROCESSING`.
STATUS: Mapping[State, str] = {
    State.QUEUED: "PROCESSING",
    State.SUBMITTING: "PROCESSING",
    State.RUNNING: "PROCESSING",
    State.UNKNOWN: "PROCESSING",
    State.SUCCEEDED: "SUCCESS",
    State.FAILED: "FAILED",
    State.CANCELED: "CANCELED",
}

#: Our code → HTTP status and errorCode here. Every other code keeps its own status.
_ERRORS: Mapping[str, tuple[int, str]] = {
    "malformed_json": (400, "REQUEST_BODY_VALIDATION_FAILED"),
    "unsupported_model": (400, "UNSUPPORTED_MODEL"),
    "unauthenticated": (401, "UNAUTHORIZED"),
    "permission_denied": (403, "FORBIDDEN"),
    "suspended": (403, "FORBIDDEN"),
    "insufficient_credits": (402, "INSUFFICIENT_CREDITS"),
    "rate_limited": (429, "RATE_LIMITED"),
}


@dataclass(frozen=True, slots=True)
class FeatureRequest:
    spec: Spec
    run_async: bool
    end_user: str | None
    metadata: Mapping[str, str]


def parse(body: Mapping[str, Any], catalog: Catalog) -> FeatureRequest:
    """The request. Raises an error that names every invalid field. Adds no defaults."""
    issues = Rejections()
    talks = _has_conversation(body, catalog)
    allowed = (*_FIELDS, _CONVERSATION) if talks else _FIELDS
    for name in body:
        if issues.full:
            break
        if name not in allowed:
            message = f"unknown field; allowed fields are {', '.join(allowed)}"
            issues.add(shown(name), "unknown", message, value=shown(body[name]), allowed=allowed)
    page = _page(body, catalog, issues)
    if talks and body.get(_CONVERSATION, body["type"]) != body["type"]:
        issues.add(_CONVERSATION, "value", f"must be {body['type']}",
                   value=shown(body[_CONVERSATION]), allowed=[body["type"]])  # fmt: skip
    run_async = body.get("async", False)
    if not isinstance(run_async, bool):
        issues.add("async", "type", "must be true or false", value=shown(run_async),
                   allowed=[True, False])  # fmt: skip
    end_user = None
    if "user" in body:
        end_user = check_text(body["user"], "user", issues, most=MAX_END_USER_CHARS)
    metadata = check_metadata(body.get("metadata", {}), "metadata", issues)
    prompt, spec = body.get(_PROMPT), None
    if _PROMPT not in body:
        issues.add(_PROMPT, "missing", "this field is required")
    elif not isinstance(prompt, dict):
        issues.add(_PROMPT, "type", "must be an object", value=shown(prompt))
    elif page is not None:
        spec = page.check(prompt, prefix=_PROMPT, issues=issues)
    if issues.issues or spec is None:
        raise InvalidRequest(summary(issues.issues, listed_in="details"), issues=issues.issues)
    return FeatureRequest(spec, run_async, end_user, metadata)


def _has_conversation(body: Mapping[str, Any], catalog: Catalog) -> bool:
    feature, provider = body.get("type"), body.get("model")
    if not isinstance(feature, str) or not isinstance(provider, str):
        return False
    page = catalog.pages.get((feature, provider))
    return page is not None and page.page.conversation


def path_of(field: Field, at: int | None) -> str:
    """Where a request has an image."""
    return f"{_PROMPT}.{field.wire}" + ("" if at is None else f".{at}")


def _page(body: Mapping[str, Any], catalog: Catalog, issues: Rejections) -> EnabledPage | None:
    """The page of `type` and `model`. Raises `UnsupportedModel` if both are given and the pair is
    not offered."""
    choices = {
        "type": sorted({feature for feature, _ in catalog.pages}),
        "model": sorted({provider for _, provider in catalog.pages}),
    }
    for name, allowed in choices.items():
        if name not in body:
            issues.add(name, "missing", "this field is required", allowed=allowed)
        elif not isinstance(body[name], str):
            issues.add(name, "type", "must be a string", value=shown(body[name]), allowed=allowed)
    feature, provider = body.get("type"), body.get("model")
    if not isinstance(feature, str) or not isinstance(provider, str):
        return None
    page = catalog.pages.get((feature, provider))
    if page is None:
        wrong = Rejections()
        for name, value in (("type", feature), ("model", provider)):
            if value not in choices[name]:
                wrong.add(name, "value", f"must be one of {', '.join(choices[name])}",
                          value=shown(value), allowed=choices[name])  # fmt: skip
        if not wrong.issues:
            of_type = sorted(each for kind, each in catalog.pages if kind == feature)
            wrong.add("model", "value", f"must be one of {', '.join(of_type)} for {feature}",
                      value=shown(provider), allowed=of_type)  # fmt: skip
        raise UnsupportedModel(summary(wrong.issues, listed_in="details"), issues=wrong.issues)
    return page


def render(
    generation: Generation,
    caller: Caller,
    catalog: Catalog,
    *,
    used_credits: int,
    links: Links | None,
) -> dict[str, Any]:
    """The whole response, `{"aiRecord": …}`, with the gateway's ids, and the caller's limit and use
    in `teamUser`. `links` are given while there is a video."""
    return {
        "aiRecord": {
            "uuid": str(generation.id),
            "userId": str(generation.member_id),
            "teamId": str(generation.team_id),
            "teamUser": {
                "teamId": str(caller.team_id),
                "userId": str(caller.member_id),
                "userName": caller.name,
                "userAvatar": None,
                "status": caller.status.value,
                "role": caller.role.value,
                "creditLimit": caller.credit_limit,
                "usedCredit": used_credits,
                "createdAt": instant(caller.created_at),
                "createdBy": "SYSTEM",
                "updatedAt": instant(caller.updated_at),
                "updatedBy": "SYSTEM",
            },
            "model": generation.provider,
            "type": generation.feature,
            "metadata": None,
            "rating": None,
            "feedback": None,
            "conversationId": None,
            "status": STATUS[generation.state],
            "createdAt": instant(generation.created_at),
            "aiRecordDetail": {
                "promptObject": catalog.prompt_object(_as_sent(generation)),
                "resultObject": _result(generation),
                "responseObject": {},
            },
            "additionalData": _additional(generation),
            "temporaryUrl": links and links.video,
        }
    }


def _as_sent(generation: Generation) -> Spec:
    """With the paths of its images that an upload is answered with."""
    paths = {use.input_id: use.public_path for use in generation.inputs}
    return named(generation.spec, paths, generation.inputs)


def _result(generation: Generation) -> list[str] | dict[str, Any]:
    """Paths on success; `{code, message}` on failure, as at the upstream."""
    if generation.state in (State.FAILED, State.CANCELED):
        return {"code": generation.error_code, "message": generation.error_message}
    return list(generation.result_paths)


def _additional(generation: Generation) -> dict[str, Any] | None:
    if generation.state is State.UNKNOWN:
        return {"state": "unknown", "message": generation.error_message}
    if generation.state is State.FAILED:
        return {"billed": bool(generation.settled), "credits": generation.settled or 0}
    return None


def render_nothing() -> dict[str, Any]:
    """The response for an unknown id, with 200."""
    return {"aiRecord": None}


def render_asset(found: Input, *, location: str) -> dict[str, Any]:
    """The response to an upload, with the gateway's ids. `content`, `token` and `character` are of
    documents, which are not uploaded here."""
    return {
        "asset": {
            "fieldname": "asset",
            "originalname": found.name,
            "encoding": "7bit",
            "mimetype": found.content_type,
            "size": found.size_bytes,
            "bucket": "reelgate",
            "key": found.public_path,
            "acl": "private",
            "contentType": found.content_type,
            "contentDisposition": None,
            "contentEncoding": None,
            "storageClass": "STANDARD",
            "serverSideEncryption": None,
            "metadata": {"team-id": str(found.team_id), "user-id": str(found.member_id)},
            "location": location,
            "etag": f'"{found.sha256}"',
        },
        "fileContent": {
            "uuid": str(found.id),
            "path": found.public_path,
            "type": "IMAGE",
            "name": found.name,
            "content": None,
            "status": "SUCCESS",
            "metadata": {"token": 0, "character": 0},
            "createdAt": instant(found.created_at),
        },
    }


def render_error(error: GatewayError, request_id: str) -> tuple[int, dict[str, Any]]:
    status, code = _status_and_code(error)
    body: dict[str, Any] = {"errorCode": code, "message": error.message}
    if error.issues:
        body["details"] = [issue.to_json() for issue in error.issues]
    context = dict(error.extra)
    if error.generation_id is not None:
        context["uuid"] = str(error.generation_id)
    if context:
        body["context"] = context
    body["billed"] = error.billed
    body["retry_safe"] = error.retry_safe
    body["requestId"] = request_id
    return status, body


def _status_and_code(error: GatewayError) -> tuple[int, str]:
    if error.code == "invalid_request":
        # The upstream has separate codes for a missing field, a malformed body, and an invalid
        # promptObject.
        if error.issues and all(issue.code == "missing" for issue in error.issues):
            return 400, "MISSING_REQUIRED_FIELDS"
        if error.issues and all(_of_prompt(issue.field) for issue in error.issues):
            return 422, "PROMPT_OBJECT_VALIDATION_FAILED"
        return 400, "REQUEST_BODY_VALIDATION_FAILED"
    return _ERRORS.get(error.code, (error.status, error.code.upper()))


def _of_prompt(field: str) -> bool:
    return field == _PROMPT or field.startswith(f"{_PROMPT}.")


def instant(moment: datetime) -> str:
    """ISO 8601 with milliseconds and `Z`, as at the upstream."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
