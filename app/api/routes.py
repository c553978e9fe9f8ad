"""The gateway's own REST: generations and the caller itself."""

from __future__ import annotations

import math
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Query, Request, Response
from pydantic import AwareDatetime

from app import custody, lifecycle, views
from app.api import admin
from app.api import cursor as cursors
from app.api.documents import (
    GenerationDocument,
    GenerationList,
    MeDocument,
    Problem,
    RateDocument,
    TeamDocument,
    generation_document,
)
from app.db import generations, ledger
from app.domain.generation import RESTING, Generation, State
from app.errors import Forbidden, NotCancelable
from app.http import errors
from app.http.access import Active, Caller, Rt
from app.http.video import video_response
from app.runtime import Runtime

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem, "content": {"application/problem+json": {}}}
    for code in (401, 403, 404, 422)
}

_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": Problem, "content": {"application/problem+json": {}}}
}


def create_api(rt: Runtime) -> FastAPI:
    app = FastAPI(
        title="Reelgate",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=_PROBLEMS,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.runtime = rt
    errors.install(app, errors.problem, media_type="application/problem+json")
    app.get("/me", name="get_me", tags=["me"])(get_me)
    app.get("/generations", name="list_generations", tags=["generations"])(list_generations)
    one = "/generations/{generation_id}"
    app.get(one, name="get_generation", tags=["generations"])(get_generation)
    app.post(one + "/cancel", name="cancel_generation", tags=["generations"])(cancel_generation)
    app.delete(one, name="delete_generation", tags=["generations"], status_code=204,
               response_class=Response, responses=_CONFLICT)(delete_generation)  # fmt: skip
    app.get(one + "/content", name="get_content", tags=["generations"],
            response_class=Response)(get_content)  # fmt: skip
    # A route of its own: a description may not give two operations one id.
    app.head(one + "/content", name="head_content", include_in_schema=False)(get_content)
    app.include_router(admin.router)
    return app


async def get_me(rt: Rt, caller: Caller) -> MeDocument:
    """Who the key belongs to, its limits and what of them is used."""
    async with rt.db.single() as tx:
        used = await ledger.used_by_member(tx, caller.member_id)
        open_now = await generations.count_open(tx, caller.member_id)
    return MeDocument(
        member_id=caller.member_id,
        name=caller.name,
        role=caller.role,
        status=caller.status,
        team=TeamDocument(id=caller.team_id, name=caller.team_name),
        credit_limit=caller.credit_limit,
        used_credits=used,
        remaining_credits=max(caller.credit_limit - used, 0),
        max_open=caller.max_open,
        open=open_now,
        rate=RateDocument(per_minute=caller.rate_per_minute, burst=caller.rate_burst),
    )


async def list_generations(
    rt: Rt,
    caller: Caller,
    state: Annotated[list[State] | None, Query(description="Only these states.")] = None,
    created_from: Annotated[AwareDatetime | None, Query(description="Made at or after.")] = None,
    created_before: Annotated[AwareDatetime | None, Query(description="Made before.")] = None,
    member_id: Annotated[
        UUID | None, Query(description="Of this member; administrators only. Default: all.")
    ] = None,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> GenerationList:
    """Newest first. A member sees its own, an administrator the team's."""
    if not caller.is_admin and member_id not in (None, caller.member_id):
        raise Forbidden("Only an administrator of the team may list another member's generations.")
    async with rt.db.single() as tx:
        found = await generations.list_visible(
            tx,
            team_id=caller.team_id,
            member_id=member_id if caller.is_admin else caller.member_id,
            states=state or (),
            created_from=created_from,
            created_before=created_before,
            after=None if cursor is None else cursors.read(cursor),
            limit=limit + 1,
        )
    page = found[:limit]
    has_more = len(found) > limit
    return GenerationList(
        data=[_document(rt, generation) for generation in page],
        has_more=has_more,
        next_cursor=cursors.write((page[-1].created_at, page[-1].id)) if has_more else None,
    )


async def get_generation(
    generation_id: UUID, rt: Rt, caller: Caller, response: Response
) -> GenerationDocument:
    """One generation. While it is under way, `Retry-After` says when to look again."""
    generation = await views.get_visible(rt, caller, generation_id)
    waiting = await views.waiting_of(rt, generation)
    if generation.state not in RESTING:
        seconds = waiting.retry_after_seconds if waiting else rt.settings.poll_seconds
        response.headers["Retry-After"] = str(math.ceil(seconds))
    return generation_document(generation, link=views.video_link(rt, generation), waiting=waiting)


async def cancel_generation(generation_id: UUID, rt: Rt, caller: Caller) -> GenerationDocument:
    """Cancels a generation that is still queued; its credits are free again at once."""
    generation = await views.get_visible(rt, caller, generation_id)
    if generation.state is not State.CANCELED:
        async with rt.db.begin() as tx:
            canceled = await lifecycle.cancel(tx, generation_id, now=rt.clock.now())
        generation = await views.get_visible(rt, caller, generation_id)
        if canceled:
            rt.metrics.transitions.labels(State.CANCELED.value).inc()
        else:
            raise NotCancelable(
                f"Only a queued generation can be canceled; this one is {generation.state}.",
                extra={"state": generation.state.value},
            )
    return _document(rt, generation)


async def delete_generation(generation_id: UUID, rt: Rt, caller: Active) -> None:
    """Deletes the video of a generation that has ended, for ever; the record stays. Asking again
    changes nothing. An administrator may delete the team's."""
    generation = await views.get_visible(rt, caller, generation_id)
    own = generation.member_id == caller.member_id
    await custody.delete(rt, generation, reason="owner" if own else "admin", by=caller.member_id)


async def get_content(
    request: Request, generation_id: UUID, rt: Rt, caller: Caller, download: bool = False
) -> Response:
    """The video's bytes; ranges and conditional requests work. `download` names it a download."""
    generation = await views.get_visible(rt, caller, generation_id)
    return await video_response(
        rt, request, generation, disposition="attachment" if download else "inline"
    )


def _document(rt: Runtime, generation: Generation) -> GenerationDocument:
    return generation_document(generation, link=views.video_link(rt, generation))
