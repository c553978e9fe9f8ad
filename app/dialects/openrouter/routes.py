"""OpenRouter's video API, as its SDKs call it."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Annotated
from uuid import UUID

from fastapi import FastAPI, Query, Request
from starlette.responses import JSONResponse, Response

from app.billing.money import rates
from app.dialects.openrouter import document, wire
from app.domain.catalog.images import Images
from app.domain.catalog.spec import Facts
from app.domain.generation import FINAL, Generation, State
from app.domain.ids import parse_generation_id
from app.errors import GatewayError, NotFound, PriceUnknown
from app.generations import queries
from app.generations.admission import Extras
from app.http import errors
from app.http.access import Caller, Creator, Presented, Rt
from app.http.answered import EndsCall
from app.http.bodies import read_json_object
from app.http.creation import Accepted, NewGeneration, create
from app.http.plain import plain
from app.http.polling import look_again
from app.http.schemas import AnyId
from app.http.sdk_retries import unmarked_attempt
from app.http.video import callers_video_response
from app.runtime import ApiRuntime
from app.webhooks.urls import check_optional_callback_url

DIALECT = "openrouter"
PREFIX = "/openrouter/api/v1"
#: In the `User-Agent` of OpenRouter's provider for the AI SDK. Its calls last until the video has
#: ended: if a look at it fails or all take too long, the AI SDK begins again with the create.
_LASTS_TO_THE_END = "ai-sdk/"


@cache
def create_dialect() -> FastAPI:
    app = FastAPI(**document.APPLICATION)
    errors.install(app, wire.render_error)
    app.post("/videos", name="create_video", **document.CREATE)(create_video)
    app.get("/videos/models", name="list_models", **document.MODELS)(list_models)
    one = "/videos/{video_id}"
    app.get(one, name="get_video", **document.VIDEO)(get_video)
    app.get(one + "/content", name="get_video_content", **document.CONTENT)(get_content)
    app.head(one + "/content", name="head_video_content", include_in_schema=False)(get_content)
    return app


@plain
async def create_video(request: Request, rt: Rt, caller: Creator) -> Response:
    """Creates a video and answers at once, unless `Prefer: wait=N` says otherwise."""
    parsed = wire.parse(await read_json_object(request), aliases=rt.aliases)
    extras = Extras(
        echo={"model": parsed.model_name},
        callback_url=check_optional_callback_url(rt, parsed.callback_url),
        end_user=parsed.end_user,
        metadata=parsed.metadata,
    )
    new = NewGeneration(spec=parsed.spec, path_of=parsed.path_of, extras=extras)
    try:
        return await create(
            rt, request, caller, new, dialect=DIALECT, attempt_of=unmarked_attempt,
            render=lambda accepted: _answer(rt, request, accepted),
        )  # fmt: skip
    except GatewayError as error:
        if error.generation_id is None:
            raise
        # The SDKs send a create again after any 5xx, for an hour. All that its answer has to say
        # is known.
        return _accepted(rt, request, error.generation_id, wire.STATUS[State.QUEUED], {})


def _answer(rt: ApiRuntime, request: Request, accepted: Accepted) -> Response:
    generation = accepted.generation
    history = rt.durations.at_hand(generation.spec)
    headers = accepted.headers | look_again(rt, generation, history, accepted.waiting)
    return _accepted(rt, request, generation.id, wire.status_of(generation), headers)


def _accepted(
    rt: ApiRuntime, request: Request, generation_id: UUID, status: str, headers: dict[str, str]
) -> Response:
    url = _polling_url(rt, generation_id)
    body = wire.render_accepted(generation_id, status, polling_url=url)
    answer = JSONResponse(body, 202, headers={**headers, "Location": url})
    if _LASTS_TO_THE_END in request.headers.get("user-agent", ""):
        return answer
    return EndsCall(answer, rt, generation_id)


def _polling_url(rt: ApiRuntime, generation_id: UUID) -> str:
    return f"{rt.settings.link_base}{PREFIX}/videos/{generation_id}"


@plain
async def get_video(video_id: AnyId, rt: Rt, key: Presented) -> Response:
    """A video. While it is in progress, `Retry-After` says when to poll again."""
    generation = await queries.read_own(rt, key, parse_generation_id(video_id))
    headers = {}
    if generation.state not in FINAL:
        headers = look_again(rt, generation, await rt.durations.of(generation.spec))
    body = wire.render(
        generation, queries.links(rt, generation),
        polling_url=_polling_url(rt, generation.id), cost=_cost(rt, generation),
    )  # fmt: skip
    answer = JSONResponse(body, headers=headers)
    if generation.state in FINAL and generation.dialect == DIALECT:
        return EndsCall(answer, rt, generation.id)
    return answer


def _cost(rt: ApiRuntime, generation: Generation) -> Decimal | None:
    """In US dollars, if that is what credits are priced in."""
    known = rates(rt)
    if known is None or known.currency != "USD" or generation.settled is None:
        return None
    return known.exact(generation.settled, generation.created_at)


async def get_content(
    request: Request,
    video_id: AnyId,
    rt: Rt,
    caller: Caller,
    index: Annotated[int, Query(description="Always 0: a generation makes one video.")] = 0,
) -> Response:
    """The file. Ranges and conditional requests work."""
    found = parse_generation_id(video_id)
    if found is None or index != 0:
        raise NotFound("There is no video with this id and index.")
    generation = await queries.get_own(rt, caller, found)
    return await callers_video_response(rt, request, caller, generation, disposition="attachment")


@plain
async def list_models(rt: Rt, _caller: Caller) -> Response:
    """What each model offers: our own first, then the aliases."""
    models = []
    for name in rt.aliases.names:
        model = rt.aliases.find(name)
        assert model is not None
        if model.text_model is not None:
            # Who sends an image names the model that makes the same from text.
            continue
        skus = {}
        for seconds in model.offered.seconds or (None,):
            for lines in model.offered.lines or (None,):
                spec = model.spec_of(Facts(prompt="x", seconds=seconds, lines=lines))
                try:
                    quote = await rt.prices.quote(spec)
                except PriceUnknown:
                    continue
                sku = "credits"
                sku += "" if seconds is None else f"_{seconds}s"
                sku += "" if lines is None else f"_{lines}p"
                skus[sku] = str(quote.credits)
        offered = (Images(first=True), Images(first=True, last=True))
        frames = [
            kind for kind, images in zip(wire.FRAME_TYPES, offered, strict=True)
            if rt.catalog.with_images(model, images) is not None
        ]  # fmt: skip
        models.append(
            wire.render_model(name, model, skus=skus, is_alias=name != model.id, frames=frames)
        )
    return JSONResponse({"data": models})
