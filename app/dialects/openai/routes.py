"""OpenAI's Videos API, with models and webhook endpoints, as its SDKs call it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, FastAPI, Path, Query, Request
from starlette.responses import JSONResponse, Response

from app.db import generations
from app.dialects.openai import document, webhooks, wire
from app.dialects.openai.images import FIRST_FRAMES
from app.domain.caller import Caller as CallerRecord
from app.domain.generation import FINAL, Generation, State
from app.domain.ids import parse_generation_id, video_id
from app.domain.text import shown
from app.errors import InvalidRequest, Issue, NotCancelable, NotFound
from app.generations import cancel, progress, queries
from app.generations.admission import Extras
from app.http import errors
from app.http.access import Active, Caller, Creator, Presented, ReadLimited, Rt, authenticate
from app.http.after_commit import after_commit
from app.http.bodies import BODY_SECONDS, MAX_BODY_BYTES, read_json_object
from app.http.creation import Accepted, NewGeneration, create
from app.http.inputs import read_form_with_image
from app.http.metadata import TagFilter
from app.http.multipart import is_form, read_form
from app.http.plain import plain
from app.http.polling import look_again
from app.http.schemas import AnyId
from app.http.sdk_retries import retry_headers
from app.http.thumbnails import spritesheet_response, thumbnail_response
from app.http.video import callers_video_response
from app.runtime import ApiRuntime
from app.settings import UnofferedValues
from app.videos import deletion
from app.webhooks.urls import check_optional_callback_url

DIALECT = "openai"
PREFIX = "/v1"


#: What this API offers and the upstream does not: path, method, and the field that requests it.
_NOT_OFFERED = (
    ("/videos/edits", "POST", "video"),
    ("/videos/extensions", "POST", "video"),
    ("/videos/characters", "POST", "video"),
    ("/videos/characters/{character_id}", "GET", "character_id"),
)


@cache
def create_dialect() -> FastAPI:
    app = FastAPI(**document.APPLICATION)
    errors.install(app, wire.render_error, headers_of=retry_headers)
    for path, method, field in _NOT_OFFERED:
        app.add_api_route(
            path, _refusing(field), methods=[method], include_in_schema=False,
            dependencies=[Depends(authenticate)], name=f"refuse_{method}_{path}",
        )  # fmt: skip
    app.post("/videos", name="create_video", **document.CREATE)(create_video)
    app.get("/videos", name="list_videos", **document.LIST)(list_videos)
    one = "/videos/{video_id}"
    app.get(one, name="get_video", **document.VIDEO)(get_video)
    app.delete(one, name="delete_video", **document.DELETE)(delete_video)
    app.post(one + "/remix", name="remix_video", **document.REMIX)(remix_video)
    app.get(one + "/content", name="get_video_content", **document.CONTENT)(get_content)
    app.head(one + "/content", name="head_video_content", include_in_schema=False)(get_content)
    webhooks.add_routes(app)
    app.get("/models", name="list_models", **document.MODELS)(list_models)
    app.get("/models/{model:path}", name="get_model", **document.MODEL)(get_model)
    return app


@plain
async def create_video(request: Request, rt: Rt, caller: Creator) -> Response:
    """Creates a video and answers at once, unless `Prefer: wait=N` says otherwise."""
    fields = await _read_create(request, rt, caller)
    strict = rt.settings.unoffered_values is UnofferedValues.STRICT
    parsed = wire.parse(fields, aliases=rt.aliases, strict=strict)
    return await _create(request, rt, caller, parsed, source=None)


async def remix_video(video_id: AnyId, request: Request, rt: Rt, caller: Caller) -> Response:
    """A new video with another prompt and the settings of this one. The upstream never sees the old
    video: only the settings are the same."""
    source = await queries.get_own(rt, caller, _id(video_id))
    parsed = wire.parse_remix(await _read_fields(request), source)
    return await _create(request, rt, caller, parsed, source=source)


async def _read_fields(request: Request) -> dict[str, Any]:
    """The fields of the body, whether it is JSON or a form."""
    if not is_form(request):
        return await read_json_object(request)
    form = await read_form(request, limit=MAX_BODY_BYTES, seconds=BODY_SECONDS)
    if form.file is not None:
        raise wire.not_offered(str(shown(form.file)), "(a file)")
    return wire.unnest(form.fields)


async def _read_create(request: Request, rt: ApiRuntime, caller: CallerRecord) -> dict[str, Any]:
    """The same, of a request that may have a file with the image. The file becomes an input, and
    the field its id."""
    if not is_form(request):
        return await read_json_object(request)
    form, image = await read_form_with_image(
        rt, request, caller, FIRST_FRAMES, limit=MAX_BODY_BYTES
    )
    if form.file is not None:
        raise wire.not_offered(str(shown(form.file)), "(a file)")
    fields = wire.unnest(form.fields)
    if image is not None and form.received is not None:
        fields[form.received] = str(image.id)
    return fields


async def _create(
    request: Request,
    rt: ApiRuntime,
    caller: CallerRecord,
    parsed: wire.VideoRequest,
    *,
    source: Generation | None,
) -> Response:
    extras = Extras(
        echo=parsed.echo,
        remixed_from=source.id if source else None,
        callback_url=check_optional_callback_url(rt, parsed.callback_url),
        end_user=parsed.end_user,
        metadata=parsed.metadata,
    )
    return await create(
        rt,
        request,
        caller,
        NewGeneration(
            spec=parsed.spec,
            path_of=parsed.path_of,
            extras=extras,
            adjusted=parsed.adjusted,
            idempotency_key=parsed.idempotency_key,
            inherited=source.metadata if source else {},
        ),
        dialect=DIALECT,
        render=lambda accepted: _answer(rt, accepted),
    )


def _answer(rt: ApiRuntime, accepted: Accepted) -> Response:
    generation = accepted.generation
    history = rt.durations.at_hand(generation.spec)
    percent = progress.percent_of(generation, history, now=rt.clock.now())
    headers = accepted.headers | look_again(rt, generation, history, accepted.waiting)
    headers["Location"] = f"{rt.settings.link_base}{PREFIX}/videos/{video_id(generation.id)}"
    return JSONResponse(wire.render(generation, percent=percent), headers=headers)


async def _video(rt: ApiRuntime, generation: Generation) -> dict[str, Any]:
    """The Video. Reads the durations of similar ones only if the percentage needs them."""
    if generation.state in FINAL or generation.state is State.QUEUED:
        return wire.render(generation, percent=100 if generation.state is State.SUCCEEDED else 0)
    history = await rt.durations.of(generation.spec)
    percent = progress.percent_of(generation, history, now=rt.clock.now())
    return wire.render(generation, percent=percent)


async def list_videos(
    rt: Rt,
    caller: ReadLimited,
    tags: TagFilter,
    after: Annotated[str | None, Query(description="`last_id` of the page before.")] = None,
    limit: Annotated[int, Query(ge=0, le=100, description="Videos per page.")] = 20,
    order: Annotated[
        Literal["asc", "desc"], Query(description="By the time of creation.")
    ] = "desc",
) -> Response:
    """The caller's own videos, whichever API created them."""
    position = None
    if after is not None:
        position = await _position(rt, caller, after)
    async with rt.db.single() as tx:
        found = await generations.list_visible(
            tx,
            team_id=caller.team_id,
            member_id=caller.member_id,
            metadata=tags,
            after=position,
            limit=limit + 1,
            oldest_first=order == "asc",
        )
    page = [await _video(rt, generation) for generation in found[:limit]]
    return JSONResponse(wire.render_page(page, has_more=len(found) > limit))


async def _position(rt: ApiRuntime, caller: CallerRecord, after: str) -> tuple[Any, UUID]:
    try:
        generation = await queries.get_own(rt, caller, _id(after))
    except NotFound:
        message = "is not the id of one of your videos"
        raise InvalidRequest(
            f"after {message}.", issues=[Issue("after", "value", message, shown(after))]
        ) from None
    return generation.created_at, generation.id


@plain
async def get_video(video_id: AnyId, rt: Rt, key: Presented) -> Response:
    """A video. `openai-poll-after-ms` says when to poll again, in whole milliseconds; the SDK's
    poll helper obeys it. `Retry-After` says the same in seconds."""
    generation = await queries.read_own(rt, key, parse_generation_id(video_id))
    headers: dict[str, str] = {}
    if generation.state not in FINAL:
        history = await rt.durations.of(generation.spec)
        wait = progress.look_again_seconds(generation, history, now=rt.clock.now())
        headers["openai-poll-after-ms"] = str(math.ceil(wait * 1000))
        headers |= look_again(rt, generation, history)
    return JSONResponse(await _video(rt, generation), headers=headers)


async def delete_video(video_id: AnyId, rt: Rt, caller: Active) -> Response:
    """Cancels a queued video; deletes the file of one that has ended. The record stays."""
    generation = await queries.get_own(rt, caller, _id(video_id))
    if generation.state in FINAL:
        await deletion.delete(rt, generation, reason="owner", by=caller)
    else:
        await _cancel(rt, caller, generation)
    with after_commit("The video was deleted", generation_id=generation.id):
        return JSONResponse(wire.render_deleted(generation))


async def _cancel(rt: ApiRuntime, caller: CallerRecord, generation: Generation) -> None:
    if (await cancel.cancel(rt, generation.id, actor=caller.actor)).state is not State.CANCELED:
        raise NotCancelable(
            "This video has been sent to the upstream and cannot be called back. It can be deleted "
            "once it is completed or failed.",
            extra={"status": wire.STATUS[State.RUNNING]},
        )


async def get_content(
    request: Request,
    video_id: AnyId,
    rt: Rt,
    caller: Caller,
    variant: Annotated[
        Literal["video", "thumbnail", "spritesheet"],
        Query(description="MP4, one frame as WebP, or ten frames as JPEG."),
    ] = "video",
) -> Response:
    """The file, or pictures made from it. Ranges and conditional requests work."""
    generation = await queries.get_own(rt, caller, _id(video_id))
    match variant:
        case "thumbnail":
            return await thumbnail_response(rt, request, generation)
        case "spritesheet":
            return await spritesheet_response(rt, request, generation)
    return await callers_video_response(rt, request, caller, generation, disposition="attachment")


async def list_models(rt: Rt, _caller: Caller) -> Response:
    """Our own models first, then the aliases."""
    return JSONResponse(wire.render_models(rt.aliases))


async def get_model(
    model: Annotated[str, Path(description="Any name that `GET /models` lists.")],
    rt: Rt,
    _caller: Caller,
) -> Response:
    """One name, and the model it selects."""
    found = wire.render_model(model, rt.aliases)
    if found is None:
        raise NotFound(f"There is no model {shown(model)}.")
    return JSONResponse(found)


def _refusing(field: str) -> Callable[[], Awaitable[Response]]:
    async def refuse() -> Response:
        raise wire.not_offered(field)

    return refuse


def _id(text: str) -> UUID:
    found = parse_generation_id(text)
    if found is None:
        raise NotFound("There is no video with this id.")
    return found
