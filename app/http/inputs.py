"""Receives images: as a form with a file, or as JSON with a URL."""

from __future__ import annotations

from starlette.requests import Request

from app.domain.caller import Caller
from app.domain.inputs import Input
from app.domain.text import check_text, shown
from app.errors import InvalidRequest, Issue, Rejections
from app.http.bodies import MAX_BODY_BYTES, read_json_object
from app.http.multipart import is_form, read_form
from app.inputs import fetching, uploads
from app.inputs.spool import spooling
from app.runtime import ApiRuntime

#: How long a client may take to send an image: the largest takes this long at 1.4 Mbit/s.
UPLOAD_SECONDS = 300.0
#: Of a form, beside the image.
_MAX_FIELD_BYTES = 65_536


async def receive(
    rt: ApiRuntime, request: Request, caller: Caller, *, field: str, url_field: str | None = None
) -> Input:
    """The input of a request that is an image and nothing else: a form with the file in `field` or,
    if there is a `url_field`, JSON with a URL. Raises what `uploads.keep` raises, and
    `RateLimited`, `MalformedJson` and `RequestTimedOut`."""
    async with (
        rt.upload_limits.place(caller.member_id),
        spooling(max_bytes=rt.settings.max_input_bytes) as spool,
    ):
        if is_form(request):
            form = await read_form(
                request, limit=_MAX_FIELD_BYTES, seconds=UPLOAD_SECONDS, wanted=field, spool=spool
            )
            _check_form(form.received, form.file, [name for name, _ in form.fields], field)
        elif url_field is None:
            raise InvalidRequest(
                f"The request must be multipart/form-data with a file in {field}.",
                issues=[Issue(field, "missing", "this field is required, as a file")],
            )
        else:
            body = await read_json_object(request)
            await fetching.fetch(rt, _url_of(body, url_field), spool, field=url_field)
            field = url_field
        return await uploads.keep(rt, caller, spool, field=field)


def _check_form(received: bool, other: str | None, fields: list[str], field: str) -> None:
    """Raises `InvalidRequest` unless the file is all there is."""
    issues = Rejections()
    if other is not None:
        issues.add(shown(other), "unknown", f"the file must be in the field {field}, once",
                   value="(a file)", allowed=[field])  # fmt: skip
    for name in fields:
        if name == field:
            issues.add(field, "type", "must be a file", value="(text)")
        else:
            issues.add(shown(name), "unknown", f"unknown field; allowed fields are {field}",
                       value="(text)", allowed=[field])  # fmt: skip
    if not received and not issues.issues:
        issues.add(field, "missing", "this field is required, as a file")
    if issues.issues:
        raise InvalidRequest(issues=issues.issues)


def _url_of(body: dict[str, object], name: str) -> str:
    issues = Rejections()
    for other in body:
        if other != name:
            issues.add(shown(other), "unknown", f"unknown field; allowed fields are {name}",
                       value=shown(body[other]), allowed=[name])  # fmt: skip
    url = None
    if name not in body:
        issues.add(name, "missing", "this field is required")
    else:
        url = check_text(body[name], name, issues, most=MAX_BODY_BYTES)
    if url is not None and not fetching.is_url(url):
        issues.add(name, "value", "must be an https URL", value=shown(url))
    if issues.issues or url is None:
        raise InvalidRequest(issues=issues.issues)
    return url
