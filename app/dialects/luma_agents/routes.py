"""Luma's Agents API, as its SDK calls it."""

from __future__ import annotations

from functools import cache
from uuid import UUID

from fastapi import Depends, FastAPI, Request
from starlette.responses import JSONResponse, Response

from app.dialects.luma_agents import document, wire
from app.domain.generation import FINAL, Generation
from app.domain.ids import parse_generation_id
from app.errors import NotOffered
from app.generations import queries
from app.generations.admission import Extras
from app.http import errors
from app.http.access import Creator, Presented, Rt, authenticate
from app.http.bodies import read_json_object
from app.http.creation import Accepted, NewGeneration, create
from app.http.plain import plain
from app.http.polling import look_again
from app.http.schemas import AnyId
from app.http.sdk_retries import retry_headers
from app.runtime import ApiRuntime
from app.settings import UnofferedValues

DIALECT = "luma_agents"
PREFIX = "/luma/v1"


@cache
def create_dialect() -> FastAPI:
    app = FastAPI(**document.APPLICATION)
    errors.install(app, wire.render_error, headers_of=retry_headers)
    app.post("/generations", name="create_generation", **document.CREATE)(create_generation)
    one = "/generations/{generation_id}"
    app.get(one, name="get_generation", **document.GET)(get_generation)
    for path in ("/files", "/files/{rest:path}"):
        app.add_api_route(
            path, refuse_files, methods=["GET", "POST", "DELETE"], include_in_schema=False,
            dependencies=[Depends(authenticate)],
        )  # fmt: skip
    return app


@plain
async def create_generation(request: Request, rt: Rt, caller: Creator) -> Response:
    """Creates a video and answers at once, unless `Prefer: wait=N` says otherwise."""
    body = await read_json_object(request)
    strict = rt.settings.unoffered_values is UnofferedValues.STRICT
    parsed = wire.parse(body, aliases=rt.aliases, strict=strict)
    new = NewGeneration(
        spec=parsed.spec,
        path_of=parsed.path_of,
        extras=Extras(
            echo={"model": parsed.model_name},
            end_user=parsed.end_user,
            metadata=parsed.metadata,
        ),
        adjusted=parsed.adjusted,
    )
    return await create(
        rt, request, caller, new, dialect=DIALECT, render=lambda accepted: _answer(rt, accepted)
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


async def refuse_files() -> Response:
    raise NotOffered(
        "Files are not offered: name an image by its URL, or send it as data. Nothing was charged."
    )
