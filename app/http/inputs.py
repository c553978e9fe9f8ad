"""Receives images: as a form with a file, as JSON with a URL, or named in a request for a video."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request

from app.domain.caller import Caller, Status
from app.domain.catalog.pages import Field, Kind
from app.domain.catalog.spec import Spec
from app.domain.inputs import Input, InputUse, parse_input_id
from app.domain.text import check_text, shown
from app.errors import InvalidRequest, Issue, Rejections, Suspended
from app.http.bodies import BODY_SECONDS, MAX_BODY_BYTES, read_json_object
from app.http.multipart import Form, Wanted, is_form, read_form
from app.inputs import fetching, uploads
from app.inputs.spool import Spool, spooling
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
    if is_form(request):
        async with _form(rt, request, caller, (field,), limit=_MAX_FIELD_BYTES) as (form, spool):
            _check_form(form, field)
            assert spool is not None
            return await uploads.keep(rt, caller, spool, field=field)
    if url_field is None:
        raise InvalidRequest(
            f"The request must be multipart/form-data with a file in {field}.",
            issues=[Issue(field, "missing", "this field is required, as a file")],
        )
    url = _url_of(await read_json_object(request), url_field)
    async with _place(rt, caller) as spool:
        await fetching.fetch(rt, url, spool, field=url_field)
        return await uploads.keep(rt, caller, spool, field=url_field)


async def read_form_with_image(
    rt: ApiRuntime, request: Request, caller: Caller, fields: Collection[str], *, limit: int
) -> tuple[Form, Input | None]:
    """A form that may have an image in one of these fields. It is kept unless there is another
    file. Raises what `receive` raises."""
    async with _form(rt, request, caller, fields, limit=limit) as (form, spool):
        if spool is None or form.file is not None:
            return form, None
        return form, await uploads.keep(rt, caller, spool, field=form.received or "")


@asynccontextmanager
async def _place(rt: ApiRuntime, caller: Caller) -> AsyncIterator[Spool]:
    """For one image. Raises `Suspended`, `RateLimited` and `Unavailable`."""
    if caller.status is not Status.ACTIVE:
        raise Suspended()
    async with (
        rt.upload_limits.place(caller.member_id),
        spooling(max_bytes=rt.settings.max_input_bytes) as spool,
    ):
        yield spool


@asynccontextmanager
async def _form(
    rt: ApiRuntime, request: Request, caller: Caller, fields: Collection[str], *, limit: int
) -> AsyncIterator[tuple[Form, Spool | None]]:
    """With the spool that has the file, if there is one. The SDKs send forms without any: those
    take no place."""
    async with AsyncExitStack() as stack:
        spool: Spool | None = None

        async def begin() -> Spool:
            nonlocal spool
            spool = await stack.enter_async_context(_place(rt, caller))
            return spool

        wanted = Wanted(fields, begin, UPLOAD_SECONDS)
        form = await read_form(request, limit=limit, seconds=BODY_SECONDS, wanted=wanted)
        yield form, spool


def _check_form(form: Form, field: str) -> None:
    """Raises `InvalidRequest` unless the file is all there is."""
    issues = Rejections()
    if form.file is not None:
        issues.add(shown(form.file), "unknown", f"the file must be in the field {field}, once",
                   value="(a file)", allowed=[field])  # fmt: skip
    for name, _ in form.fields:
        if name == field:
            issues.add(field, "type", "must be a file", value="(text)")
        else:
            issues.add(shown(name), "unknown", f"unknown field; allowed fields are {field}",
                       value="(text)", allowed=[field])  # fmt: skip
    if form.received is None and not issues.issues:
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


@dataclass(frozen=True, slots=True)
class _Named:
    """One image of a request, as the caller named it, and the path of that in its body."""

    field: Field
    path: str
    word: str


#: Where the caller's body has an image: of a field, and which of its images.
PathOf = Callable[[Field, int | None], str]


def has_images(rt: ApiRuntime, spec: Spec) -> bool:
    """Whether a request names any."""
    return any(each.name in spec.values for each in rt.catalog.models[spec.model].image_fields)


async def resolve(
    rt: ApiRuntime, caller: Caller, spec: Spec, *, path_of: PathOf
) -> tuple[Spec, tuple[InputUse, ...]]:
    """The Spec with the ids of its inputs in place of what the caller called them: an id, a path
    of the 1min.ai API, or a URL, which is fetched. `path_of` is where an image is in the caller's
    body. Raises `InvalidRequest` and what `receive` raises."""
    fields = rt.catalog.models[spec.model].image_fields
    images = [one for field in fields for one in _named(spec, field, path_of)]
    if not images:
        return spec, ()
    if caller.status is not Status.ACTIVE:
        raise Suspended()
    found = await _find(rt, caller, images)
    issues = Rejections()
    for one, image in zip(images, found, strict=True):
        broken = one.field.image and one.field.image.broken_by(image)
        if broken:
            # Not what the caller calls it, which may be a signed URL.
            issues.add(one.path, "value", broken, value=str(image.id))
    if issues.issues:
        raise InvalidRequest(issues=issues.issues)
    ids = {id(one): str(image.id) for one, image in zip(images, found, strict=True)}
    values = dict(spec.values)
    for field in fields:
        own = [ids[id(one)] for one in images if one.field is field]
        if own:
            values[field.name] = own if field.kind is Kind.ASSETS else own[0]
    uses = (InputUse.of(one.field.name, image) for one, image in zip(images, found, strict=True))
    return Spec(model=spec.model, values=values), tuple(uses)


def _named(spec: Spec, field: Field, path_of: PathOf) -> list[_Named]:
    value = spec.values.get(field.name)
    if value is None:
        return []
    if field.kind is Kind.ASSETS:
        return [_Named(field, path_of(field, at), word) for at, word in enumerate(value)]
    return [_Named(field, path_of(field, None), value)]


async def _find(rt: ApiRuntime, caller: Caller, images: Sequence[_Named]) -> list[Input]:
    """The input of each, in order."""
    ids = {one.word: parse_input_id(one.word) for one in images}
    wanted = [each for each in ids.values() if each is not None]
    known = {each.id: each for each in await uploads.find_visible(rt, caller, wanted)}
    issues = Rejections()
    for one in images:
        found_id = ids[one.word]
        if found_id is None and not fetching.is_url(one.word):
            message = "must be the id of an input, the path of an uploaded image, or an https URL"
            issues.add(one.path, "value", message, value=shown(one.word))
        elif found_id is not None and found_id not in known:
            message = "there is no such image, or it has expired; upload it first"
            issues.add(one.path, "value", message, value=shown(one.word))
    if issues.issues:
        raise InvalidRequest(issues=issues.issues)
    found = []
    for one in images:
        found_id = ids[one.word]
        found.append(known[found_id] if found_id is not None else await _fetched(rt, caller, one))
    return found


async def _fetched(rt: ApiRuntime, caller: Caller, one: _Named) -> Input:
    async with _place(rt, caller) as spool:
        await fetching.fetch(rt, one.word, spool, field=one.path)
        return await uploads.keep(rt, caller, spool, field=one.path)
