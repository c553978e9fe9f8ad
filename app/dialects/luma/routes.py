"""Luma's Dream Machine API, as its SDKs call it."""

from __future__ import annotations

from functools import cache
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Query, Request
from starlette.responses import JSONResponse, Response

from app.db import generations
from app.db.limits import limits_of
from app.dialects.luma import document, wire
from app.domain.accounts import binding
from app.domain.caller import Caller as CallerRecord
from app.domain.generation import FINAL, Generation, State
from app.domain.ids import parse_generation_id
from app.errors import NotCancelable, NotFound, NotOffered
from app.generations import cancel, queries
from app.generations.admission import Extras
from app.http import errors
from app.http.access import Active, Creator, Presented, ReadLimited, Rt, authenticate
from app.http.bodies import read_json_object
from app.http.creation import Accepted, NewGeneration, create
from app.http.plain import plain
from app.http.polling import look_again
from app.http.schemas import AnyId
from app.http.sdk_retries import retry_headers
from app.runtime import ApiRuntime
from app.settings import UnofferedValues
from app.videos import deletion
from app.webhooks.urls import check_optional_callback_url

DIALECT = "luma"
PREFIX = "/dream-machine/v1"
_MOST_LISTED = 200
#: Each skipped one is counted.
_MOST_SKIPPED = 100_000

#: What this API offers and the upstream does not.
_NOT_OFFERED = (
    "/generations/image",
    "/generations/image/reframe",
    "/generations/video/modify",
    "/generations/video/reframe",
    "/generations/{generation_id}/upscale",
    "/generations/{generation_id}/audio",
)


@cache
def create_dialect() -> FastAPI:
    app = FastAPI(**document.APPLICATION)
    errors.install(app, wire.render_error, headers_of=retry_headers)
    authenticated = [Depends(authenticate)]
    all_of_them, one = "/generations", "/generations/{generation_id}"
    app.post(all_of_them + "/video", name="create_video", **document.CREATE)(create_video)
    # The first SDKs create at this path.
    app.post(all_of_them, name="create_generation", **document.CREATE_FIRST)(create_generation)
    app.get(all_of_them, name="list_generations", **document.LIST)(list_generations)
    app.get(all_of_them + "/concepts/list", name="list_concepts", dependencies=authenticated,
            **document.CONCEPTS)(list_concepts)  # fmt: skip
    app.get(all_of_them + "/camera_motion/list", include_in_schema=False,
            dependencies=authenticated)(list_concepts)  # fmt: skip
    for path in _NOT_OFFERED:
        app.post(path, include_in_schema=False, dependencies=authenticated)(refuse)
    app.get(one, name="get_generation", **document.GET)(get_generation)
    app.delete(one, name="delete_generation", **document.DELETE)(delete_generation)
    app.get("/ping", name="ping", dependencies=authenticated, **document.PING)(ping)
    app.get("/credits", name="get_credits", **document.CREDITS)(get_credits)
    return app


@plain
async def create_video(request: Request, rt: Rt, caller: Creator) -> Response:
    """Creates a video and answers at once, unless `Prefer: wait=N` says otherwise."""
    return await _create(request, rt, caller, model=None)


@plain
async def create_generation(request: Request, rt: Rt, caller: Creator) -> Response:
    """The same, for SDKs that are too old to send a model."""
    return await _create(request, rt, caller, model=wire.FIRST_MODEL)


async def _create(
    request: Request, rt: ApiRuntime, caller: CallerRecord, *, model: str | None
) -> Response:
    body = await read_json_object(request)
    strict = rt.settings.unoffered_values is UnofferedValues.STRICT
    parsed = wire.parse(body, aliases=rt.aliases, strict=strict, model=model)
    extras = Extras(
        echo={"model": parsed.model_name},
        callback_url=check_optional_callback_url(rt, parsed.callback_url),
        end_user=parsed.end_user,
        metadata=parsed.metadata,
    )
    return await create(
        rt,
        request,
        caller,
        NewGeneration(
            spec=parsed.spec, path_of=parsed.path_of, extras=extras, adjusted=parsed.adjusted
        ),
        dialect=DIALECT,
        render=lambda accepted: _answer(rt, accepted),
    )


def _answer(rt: ApiRuntime, accepted: Accepted) -> Response:
    generation = accepted.generation
    history = rt.durations.at_hand(generation.spec)
    headers = accepted.headers | look_again(rt, generation, history, accepted.waiting)
    headers["Location"] = f"{rt.settings.link_base}{PREFIX}/generations/{generation.id}"
    body = wire.render(generation, accepted.links, _images(rt, generation))
    return JSONResponse(body, 201, headers=headers)


def _images(rt: ApiRuntime, generation: Generation) -> dict[UUID, str]:
    return queries.image_links(rt, rt.signer, generation)


@plain
async def get_generation(generation_id: AnyId, rt: Rt, key: Presented) -> Response:
    """A generation. While it is in progress, `Retry-After` says when to poll again."""
    generation = await queries.read_own(rt, key, parse_generation_id(generation_id))
    headers = {}
    if generation.state not in FINAL:
        headers = look_again(rt, generation, await rt.durations.of(generation.spec))
    body = wire.render(generation, queries.links(rt, generation), _images(rt, generation))
    return JSONResponse(body, headers=headers)


async def list_generations(
    rt: Rt,
    caller: ReadLimited,
    limit: Annotated[int, Query(ge=1, le=_MOST_LISTED, description="Generations per page.")] = 100,
    offset: Annotated[int, Query(ge=0, le=_MOST_SKIPPED, description="Skips the newest ones.")] = 0,
) -> Response:
    """The caller's own, newest first."""
    found: list[Generation] = []
    async with rt.db.single() as tx:
        after = None
        if offset:
            after = await generations.position_after(tx, caller.member_id, skipped=offset)
        if after is not None or not offset:
            found = await generations.list_visible(
                tx,
                team_id=caller.team_id,
                member_id=caller.member_id,
                after=after,
                limit=limit + 1,
            )
    page = [wire.render(each, queries.links(rt, each), _images(rt, each)) for each in found[:limit]]
    return JSONResponse(
        wire.render_list(page, limit=limit, offset=offset, has_more=len(found) > limit)
    )


async def delete_generation(generation_id: AnyId, rt: Rt, caller: Active) -> Response:
    """Cancels a queued generation; deletes the video of one that has ended. The record stays."""
    generation = await queries.get_own(rt, caller, _id(generation_id))
    if generation.state in FINAL:
        await deletion.delete(rt, generation, reason="owner", by=caller)
    else:
        await _cancel(rt, caller, generation)
    return Response(status_code=204)


async def _cancel(rt: ApiRuntime, caller: CallerRecord, generation: Generation) -> None:
    if (await cancel.cancel(rt, generation.id, actor=caller.actor)).state is not State.CANCELED:
        raise NotCancelable(
            "This generation has been sent to the upstream and cannot be called back. It can be "
            "deleted once it is completed or failed.",
            extra={"state": wire.STATES[State.RUNNING]},
        )


async def list_concepts() -> Response:
    """Always empty: the upstream has no concepts, nor the camera motions of the first SDKs."""
    return JSONResponse([])


async def ping() -> Response:
    """Says that the gateway answers and the key is valid."""
    return JSONResponse({"message": "pong"})


async def get_credits(rt: Rt, caller: ReadLimited) -> Response:
    """What is left of the limit of key, member or team, whichever is least, in credits of the
    gateway, not cents."""
    async with rt.db.single() as tx:
        status = await limits_of(
            tx, caller.member_id, key_id=caller.key_id, now=rt.clock.for_database()
        )
    return JSONResponse({"credit_balance": float(binding(status.accounts).remaining or 0)})


async def refuse(request: Request) -> Response:
    what = request.scope["route"].path
    raise NotOffered(
        f"POST {what} is not offered: the upstream makes videos from text or an image, and nothing "
        "else. Nothing was charged."
    )


def _id(text: str) -> UUID:
    found = parse_generation_id(text)
    if found is None:
        raise NotFound("There is no generation with this id.")
    return found
