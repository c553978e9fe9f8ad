"""`POST /api/features` and `GET /api/results/{uuid}`, as at 1min.ai; `assets` has the third."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from fastapi import FastAPI, Path, Request
from starlette.responses import JSONResponse, Response

from app.dialects.onemin import assets, wire
from app.dialects.onemin.documents import FeatureResult, ResultLookup
from app.domain.generation import FINAL
from app.domain.ids import parse_generation_id
from app.generations import queries
from app.generations.admission import Extras
from app.http import errors
from app.http.access import Creator, Presented, Rt
from app.http.bodies import read_json_object
from app.http.creation import Accepted, NewGeneration, create
from app.http.plain import plain
from app.http.polling import look_again
from app.http.waiting import WaitPolicy
from app.runtime import ApiRuntime

DIALECT = "onemin"


#: The path where it is mounted.
PREFIX = "/api"

_CREATE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/FeatureRequest"}}
        },
    },
    "parameters": [
        {
            "name": "Idempotency-Key", "in": "header", "required": False,
            "description": "Your own identifier for this request, 1 to 255 visible characters. "
            "Repeating the request with the same key returns the same record and pays nothing "
            "again.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        },
        {
            "name": "Prefer", "in": "header", "required": False,
            "description": "`wait=60` waits at most 60 seconds for the video, `respond-async` "
            "does not wait (RFC 7240).",
            "schema": {"type": "string"},
        },
    ],
}  # fmt: skip
_CREATED: dict[int | str, dict[str, Any]] = {
    200: {"model": FeatureResult, "description": 'It has ended, or `"async": true` was sent.'},
    202: {"model": FeatureResult, "description": "Still being made; look it up at `Location`."},
    **{status: {"description": ""} for status in (400, 402, 408, 413, 422, 429)},
}


@cache
def create_dialect() -> FastAPI:
    app = describe_dialect()
    errors.install(app, wire.render_error)
    return app


def describe_dialect() -> FastAPI:
    """Its routes only: the OpenAPI document needs no more."""
    app = FastAPI(
        title="Reelgate, 1min.ai dialect",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        separate_input_output_schemas=False,
    )
    app.add_api_route("/features", create_feature, methods=["POST"], name="create_feature",
                      tags=["onemin"], response_class=JSONResponse, responses=_CREATED,
                      openapi_extra=_CREATE)  # fmt: skip
    app.add_api_route("/results/{uuid}", get_result, methods=["GET"], name="get_result",
                      tags=["onemin"], response_class=JSONResponse,
                      responses={200: {"model": ResultLookup}})  # fmt: skip
    assets.add_routes(app)
    return app


@plain
async def create_feature(request: Request, rt: Rt, caller: Creator) -> Response:
    """Creates a video with the request body of 1min.ai, and waits for it unless `"async": true` or
    a `Prefer` header says otherwise. That takes minutes, and the connection must stay open. New
    clients should use `create_generation`."""
    body = await read_json_object(request)
    parsed = wire.parse(body, rt.catalog)
    return await create(
        rt,
        request,
        caller,
        NewGeneration(
            spec=parsed.spec,
            path_of=wire.path_of,
            extras=Extras(end_user=parsed.end_user, metadata=parsed.metadata),
        ),
        dialect=DIALECT,
        wait=WaitPolicy.NEVER if parsed.run_async else WaitPolicy.BY_DEFAULT,
        render=lambda accepted: _answer(rt, accepted, run_async=parsed.run_async),
    )


@plain
async def get_result(
    uuid: Annotated[str, Path(description="`aiRecord.uuid`, or any id of a generation.")],
    rt: Rt,
    key: Presented,
) -> Response:
    """Returns a record. An unknown uuid returns 200 with null, as at 1min.ai."""
    caller, own = await queries.read_own_and_used(rt, key, parse_generation_id(uuid))
    if own is None:
        return JSONResponse(wire.render_nothing())
    generation = own.generation
    headers = look_again(rt, generation, rt.durations.at_hand(generation.spec))
    content = wire.render(
        generation, caller, rt.catalog, used_credits=own.used_credits,
        links=queries.links(rt, generation),
    )  # fmt: skip
    return JSONResponse(content, headers=headers)


def _answer(rt: ApiRuntime, accepted: Accepted, *, run_async: bool) -> Response:
    """202 while the video is in progress; 200 after `"async": true`, as at the upstream."""
    generation, headers, status = accepted.generation, accepted.headers, 200
    if generation.state not in FINAL:
        status = 200 if run_async else 202
        history = rt.durations.at_hand(generation.spec)
        headers |= look_again(rt, generation, history, accepted.waiting)
        headers["Location"] = f"{rt.settings.link_base}/api/results/{generation.id}"
    content = wire.render(
        generation,
        accepted.caller,
        rt.catalog,
        used_credits=accepted.used_credits,
        links=accepted.links,
    )
    return JSONResponse(content, status, headers=headers)
