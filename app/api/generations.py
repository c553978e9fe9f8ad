"""A member's generations: create, read, cancel, delete and retry."""

from __future__ import annotations

import math
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from app.api import cursor as cursors
from app.api import wire
from app.api.documents import GenerationDocument, GenerationList, generation_document
from app.api.parameters import (
    CREATED,
    IDEMPOTENCY_KEY,
    PREFER,
    GenerationId,
    Instant,
    Prompt,
    headers,
    refusals,
)
from app.db import favorites
from app.db.searches import Wanted, list_wanted
from app.domain.generation import CLOSED, Generation, State
from app.domain.searches import patterns_of
from app.domain.text import MAX_END_USER_CHARS
from app.errors import Forbidden, NotRetryable
from app.generations import cancel, progress, queries
from app.generations.admission import Extras
from app.http.access import Active, Caller, Creator, Presented, ReadLimited, Rt
from app.http.after_commit import after_commit
from app.http.bodies import read_json_object
from app.http.creation import Accepted, NewGeneration, create
from app.http.metadata import FILTER, TagFilter
from app.http.plain import plain
from app.http.polling import look_again
from app.http.thumbnails import thumbnail_response
from app.http.video import callers_video_response
from app.runtime import ApiRuntime
from app.videos import deletion
from app.webhooks.urls import check_optional_callback_url

#: The `generations.dialect` of those created here.
DIALECT = "rest"

router = APIRouter(prefix="/generations", tags=["generations"])

_BODY = {"requestBody": {"required": True, "content": {"application/json": {
    "schema": {"$ref": "#/components/schemas/GenerationRequest"}}}}}  # fmt: skip
_ENDED: dict[str, Any] = {
    "description": "The generation has already ended: the wait was long enough, or this repeats "
    "the response to an earlier request.",
    "model": GenerationDocument,
    "headers": CREATED,
}
_ACCEPTED: dict[int | str, dict[str, Any]] = {
    200: _ENDED,
    202: {"description": "Accepted.", "headers": CREATED},
    **refusals(402, 422, 429),
}


@router.post(
    "",
    name="create_generation",
    status_code=202,
    response_model=GenerationDocument,
    responses={**_ACCEPTED, **refusals(408, 413)},
    openapi_extra={**_BODY, "parameters": [IDEMPOTENCY_KEY, PREFER]},
)
@plain
async def create_generation(request: Request, rt: Rt, caller: Creator) -> Response:
    """Creates a video.

    Returns at once with 202 and the generation; follow its `state` with `get_generation` or the
    events. Credits are reserved now and spent when there is a video. Send an `Idempotency-Key`, so
    that repeating a request whose response was lost never pays twice.
    """
    parsed = wire.parse(await read_json_object(request), rt.aliases)
    extras = Extras(
        callback_url=check_optional_callback_url(rt, parsed.callback_url),
        end_user=parsed.end_user,
        metadata=parsed.metadata,
    )
    new = NewGeneration(spec=parsed.spec, extras=extras)
    return await create(
        rt, request, caller, new, dialect=DIALECT, render=lambda accepted: _answer(rt, accepted)
    )


@router.get(
    "",
    name="list_generations",
    responses=refusals(403, 422, 429),
    openapi_extra={"parameters": [FILTER]},
)
async def list_generations(
    rt: Rt,
    caller: ReadLimited,
    tags: TagFilter,
    state: Annotated[list[State] | None, Query(description="Only in these states.")] = None,
    created_from: Annotated[Instant | None, Query(description="Created at or after.")] = None,
    created_before: Annotated[Instant | None, Query(description="Created before.")] = None,
    user: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=MAX_END_USER_CHARS,
            pattern=r"^[^\u0000]*$",
            description="Only those for this user, as their create said.",
        ),
    ] = None,
    member_id: Annotated[
        UUID | None, Query(description="Only of this member; for administrators. Default: all.")
    ] = None,
    cursor: Annotated[
        str | None, Query(min_length=1, description="`next_cursor` of the previous page.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Generations per page.")] = 20,
    q: Prompt = None,
    favorite: Annotated[bool, Query(description="Only those that you marked.")] = False,
    model: Annotated[
        str | None, Query(description="Only of this model. Pages can be short, as with `q`.")
    ] = None,
) -> GenerationList:
    """Lists your generations, newest first, whichever API created them. Administrators see those of
    the whole team."""
    if not caller.is_admin and member_id not in (None, caller.member_id):
        raise Forbidden("Only an administrator of the team may list another member's generations.")
    wanted = Wanted(
        team_id=caller.team_id,
        member_id=member_id if caller.is_admin else caller.member_id,
        favorites_of=caller.member_id if favorite else None,
        patterns=() if q is None else patterns_of(q, "q"),
        model=model and rt.catalog.check_name(model, "model"),
        states=state or (),
        created_from=created_from, created_before=created_before, end_user=user, metadata=tags,
    )  # fmt: skip
    after = cursors.read(cursor)
    async with rt.db.single() as tx:
        found = await list_wanted(tx, wanted, after=after, limit=limit + 1)
        marked = await favorites.among(tx, caller.member_id, [one.id for one in found.generations])
    page, next_cursor = cursors.page_of(found.generations, limit=limit, looked_to=found.looked_to)
    return GenerationList(
        object="list",
        data=[await _document(rt, each, favorite=each.id in marked) for each in page],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


@router.get(
    "/{generation_id}",
    name="get_generation",
    response_model=GenerationDocument,
    responses={200: {"headers": headers("Retry-After")}, **refusals(404, 422)},
)
@plain
async def get_generation(generation_id: GenerationId, rt: Rt, key: Presented) -> Response:
    """Returns one generation. While it is in progress, `Retry-After` says when to check again."""
    found = await queries.read_visible(rt, key, generation_id)
    generation, waiting = found.generation, found.waiting
    headers: dict[str, str] = {}
    if generation.state not in CLOSED:
        seconds = waiting.retry_after_seconds if waiting else rt.settings.poll_seconds
        headers["Retry-After"] = str(math.ceil(seconds))
    document = await _document(rt, generation, waiting=waiting, favorite=found.favorite)
    return _json(document, 200, headers)


@router.post("/{generation_id}/cancel", name="cancel_generation", responses=refusals(404, 409, 422))
async def cancel_generation(
    generation_id: GenerationId, rt: Rt, caller: Caller
) -> GenerationDocument:
    """Cancels a queued generation and releases its credits at once. A generation that has been sent
    upstream has been paid for: 409 `not_cancelable`."""
    generation = await queries.get_visible(rt, caller, generation_id)
    if generation.state is not State.CANCELED:
        generation = await cancel.cancel(rt, generation_id, actor=caller.actor)
        if generation.state is not State.CANCELED:
            raise cancel.not_cancelable(generation)
    with after_commit("The generation was canceled", generation_id=generation_id):
        return _document_at_hand(rt, generation)


@router.post(
    "/{generation_id}/retry",
    name="retry_generation",
    status_code=202,
    response_model=GenerationDocument,
    responses={**_ACCEPTED, **refusals(404, 409)},
    openapi_extra={"parameters": [IDEMPOTENCY_KEY, PREFER]},
)
async def retry_generation(
    request: Request, generation_id: GenerationId, rt: Rt, caller: Caller
) -> Response:
    """Creates a new generation with the spec of a failed or canceled one. It costs credits like any
    other. A generation that is in progress, has succeeded or is `unknown` would be paid for twice:
    409 `not_retryable`."""
    former = await queries.get_visible(rt, caller, generation_id)
    if former.state not in (State.FAILED, State.CANCELED):
        raise NotRetryable(
            f"Only a failed or canceled generation can be made again; this one is {former.state}.",
            extra={"state": former.state.value},
        )
    extras = Extras(
        remixed_from=former.remixed_from,
        callback_url=former.callback_url if former.member_id == caller.member_id else None,
        end_user=former.end_user,
        retry_of=former.id,
    )
    new = NewGeneration(
        spec=former.spec,
        extras=extras,
        # A caller's key cannot contain a line break, so the two never collide.
        key_scope=f"retry\n{generation_id}\n",
        inherited=former.metadata,
    )
    return await create(
        rt, request, caller, new, dialect=DIALECT, render=lambda accepted: _answer(rt, accepted)
    )


@router.delete(
    "/{generation_id}",
    name="delete_generation",
    status_code=204,
    response_class=Response,
    responses=refusals(404, 409, 422),
)
async def delete_generation(generation_id: GenerationId, rt: Rt, caller: Active) -> None:
    """Deletes the video of an ended generation permanently; its record stays. Deleting it again
    changes nothing. Administrators may delete videos of the whole team."""
    generation = await queries.get_visible(rt, caller, generation_id)
    own = generation.member_id == caller.member_id
    await deletion.delete(rt, generation, reason="owner" if own else "admin", by=caller)


@router.put(
    "/{generation_id}/favorite",
    name="add_favorite",
    status_code=204,
    response_class=Response,
    responses=refusals(404, 422),
)
async def add_favorite(generation_id: GenerationId, rt: Rt, caller: Active) -> None:
    """Marks a generation for yourself: nobody else sees it, and it changes nothing else. Marking it
    again changes nothing."""
    await queries.get_visible(rt, caller, generation_id)
    async with rt.db.begin() as tx:
        await favorites.add(tx, caller.member_id, generation_id)


@router.delete(
    "/{generation_id}/favorite",
    name="remove_favorite",
    status_code=204,
    response_class=Response,
    responses=refusals(404, 422),
)
async def remove_favorite(generation_id: GenerationId, rt: Rt, caller: Active) -> None:
    """Takes your mark from a generation. Taking it again changes nothing."""
    await queries.get_visible(rt, caller, generation_id)
    async with rt.db.begin() as tx:
        await favorites.remove(tx, caller.member_id, generation_id)


_FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The whole file.", "content": {"video/mp4": _FILE}},
    206: {"description": "The part requested by `Range`.", "content": {"video/mp4": _FILE}},
    304: {"description": "Not modified: you already have the file."},
    416: {"description": "`Range` starts after the end of the file."},
    **refusals(404, 409, 410, 412, 422),
}


# A separate route: the OpenAPI document may not use one operation id twice.
@router.head("/{generation_id}/content", name="head_content", include_in_schema=False)
@router.get(
    "/{generation_id}/content",
    name="get_content",
    response_class=Response,
    responses=_CONTENT,
)
async def get_content(
    request: Request,
    generation_id: GenerationId,
    rt: Rt,
    caller: Caller,
    download: Annotated[bool, Query(description="Send it as an attachment.")] = False,
) -> Response:
    """Returns the video file once the generation has succeeded. Supports ranges and conditional
    requests. Web pages do not need this: `video.url` is a link that works without a key."""
    generation = await queries.get_visible(rt, caller, generation_id)
    return await callers_video_response(
        rt, request, caller, generation, disposition="attachment" if download else "inline"
    )


_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture.", "content": {"image/webp": _FILE}},
    206: {"description": "The part requested by `Range`.", "content": {"image/webp": _FILE}},
    **{status: _CONTENT[status] for status in (304, 416)},
    **refusals(404, 409, 410, 412, 422),
}


@router.get(
    "/{generation_id}/thumbnail",
    name="get_thumbnail",
    response_class=Response,
    responses=_PICTURE,
)
async def get_thumbnail(
    request: Request, generation_id: GenerationId, rt: Rt, caller: Caller
) -> Response:
    """Returns one frame of the video as WebP, at most 640 pixels on its longest side. Until the
    video is archived: 409 `not_ready`."""
    generation = await queries.get_visible(rt, caller, generation_id)
    return await thumbnail_response(rt, request, generation)


async def _document(
    rt: ApiRuntime, generation: Generation, *, waiting: queries.Waiting | None = None,
    favorite: bool,
) -> GenerationDocument:  # fmt: skip
    await rt.durations.of(generation.spec)
    return _document_at_hand(rt, generation, waiting=waiting, favorite=favorite)


def _document_at_hand(
    rt: ApiRuntime, generation: Generation, *, waiting: queries.Waiting | None = None,
    favorite: bool | None = None,
) -> GenerationDocument:  # fmt: skip
    """Without reading the database."""
    history = rt.durations.at_hand(generation.spec)
    return generation_document(
        generation,
        links=queries.links(rt, generation),
        progress=progress.progress_of(generation, history, now=rt.clock.now()),
        waiting=waiting,
        favorite=favorite,
    )


def _answer(rt: ApiRuntime, accepted: Accepted) -> Response:
    generation, waiting, now = accepted.generation, accepted.waiting, rt.clock.now()
    history = rt.durations.at_hand(generation.spec)
    # Without a host: the caller knows one that leads here; the gateway may not.
    path = f"{rt.settings.base_path}/api/v1/generations/{generation.id}"
    headers = {**accepted.headers, "Location": path}
    status = 200
    if generation.state not in CLOSED:
        status = 202
        headers |= look_again(rt, generation, history, waiting)
    document = generation_document(
        generation,
        links=accepted.links,
        progress=progress.progress_of(generation, history, now=now),
        waiting=waiting,
    )
    return _json(document, status, headers)


def _json(document: GenerationDocument, status: int, headers: dict[str, str]) -> Response:
    """Without the framework's validation of what has been made from valid parts."""
    return Response(document.model_dump_json(), status, headers, "application/json")
