"""Generations of everybody, for operators and administrators of their team."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.api import cursor as cursors
from app.api.documents import GenerationDocument
from app.api.management_documents import Deed, Reasoned
from app.api.parameters import IN_PROMPT, TEXT, Cursor, GenerationId, Instant, refusals
from app.api.story_documents import (
    GenerationStoryDocument,
    ManagedGenerationDocument,
    ManagedGenerationList,
    managed_fields,
    story_document,
    unwatched,
)
from app.db.managed_generations import Wanted
from app.domain.generation import State
from app.domain.searches import MAX_CHARS, patterns_of
from app.generations import cancel, story
from app.http.access import Manager, Operating, ReadLimited, Rt
from app.http.after_commit import after_commit
from app.http.bodies import BoundedRoute
from app.http.metadata import FILTER, TagFilter
from app.videos import retry, set_aside

router = APIRouter(prefix="/admin/generations", tags=["admin"], route_class=BoundedRoute)

_ONE = "/{generation_id}"


@router.get(
    "",
    name="list_managed_generations",
    responses=refusals(422, 429),
    openapi_extra={"parameters": [FILTER]},
)
async def list_managed_generations(
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    tags: TagFilter,
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=MAX_CHARS,
            description=f"{IN_PROMPT} Operators give `team_id`, `member_id` or `key_id` too.",
        ),
    ] = None,
    team_id: Annotated[UUID | None, Query(description="Only of this team.")] = None,
    member_id: Annotated[UUID | None, Query(description="Only of this member.")] = None,
    key_id: Annotated[UUID | None, Query(description="Only created with this API key.")] = None,
    state: Annotated[list[State] | None, Query(description="Only in these states.")] = None,
    model: Annotated[str | None, Query(description="Only of this model.")] = None,
    search: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=200,
            pattern=TEXT,
            description="Only the one with this id, in the form of any dialect; for operators also "
            "the upstream's. Or those of the key that begins like this: `rg_` and eight "
            "characters.",
        ),
    ] = None,
    created_from: Annotated[Instant | None, Query(description="Created at or after.")] = None,
    created_before: Annotated[Instant | None, Query(description="Created before.")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Generations per page.")] = 20,
) -> ManagedGenerationList:
    """Lists generations of everybody, newest first. Administrators of a team see those of their
    team."""
    wanted = Wanted(
        team_id=team_id, member_id=member_id, key_id=key_id, states=state or (),
        model=model and rt.catalog.check_name(model, "model"),
        created_from=created_from, created_before=created_before, metadata=tags,
        patterns=() if q is None else patterns_of(q, "q"),
    )  # fmt: skip
    after = cursors.read(cursor)
    found, looked_to = await story.list_managed(
        rt, wanted, actor=actor, search=search, after=after, limit=limit + 1
    )
    page, next_cursor = cursors.page_of(found, limit=limit, looked_to=looked_to)
    return ManagedGenerationList(
        object="list",
        data=[ManagedGenerationDocument(**managed_fields(rt, each, actor)) for each in page],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


@router.get(_ONE, name="get_generation_story", responses=refusals(404, 422, 429))
async def get_generation_story(
    generation_id: GenerationId, rt: Rt, actor: Manager, _caller: ReadLimited
) -> GenerationStoryDocument:
    """Returns all that is known of a generation: whose it is, each try upstream, what happened to
    it, what it cost, its files, its deliveries, and what was done with it by hand."""
    return story_document(rt, await story.get_story(rt, generation_id, actor=actor), actor)


@router.post(
    _ONE + "/cancel", name="cancel_managed_generation", responses=refusals(404, 408, 409, 413)
)
async def cancel_managed_generation(
    generation_id: GenerationId, body: Reasoned, rt: Rt, actor: Manager
) -> GenerationDocument:
    """Cancels a queued generation of somebody else and releases its credits at once. Canceling it
    again changes nothing. One that has been sent has been paid for: 409 `not_cancelable`."""
    generation = await cancel.cancel_managed(rt, generation_id, actor=actor.because(body.reason))
    with after_commit("The generation was canceled", generation_id=generation_id):
        return unwatched(rt, generation)


@router.post(
    _ONE + "/retry-archiving", name="retry_archiving", responses=refusals(404, 408, 409, 413)
)
async def retry_archiving(
    generation_id: GenerationId, rt: Rt, actor: Manager, body: Deed | None = None
) -> GenerationStoryDocument:
    """Tries again to archive a video that is lost or set aside. It is not made again and costs
    nothing."""
    actor = actor.because((body or Deed()).reason)
    await retry.retry_archiving(rt, generation_id, actor=actor)
    with after_commit("The video is being archived again", generation_id=generation_id):
        return story_document(rt, await story.get_story(rt, generation_id, actor=actor), actor)


@router.post(_ONE + "/accept-file", name="accept_file", responses=refusals(404, 408, 409, 413))
async def accept_file(
    generation_id: GenerationId, rt: Rt, operator: Operating, body: Deed | None = None
) -> GenerationStoryDocument:
    """Releases a video that is set aside, as it is. Check its file first, at the `path` that
    `get_generation_story` shows: reading it has ended every process that tried. Operators only."""
    operator = operator.because((body or Deed()).reason)
    await set_aside.accept(rt, generation_id, actor=operator)
    with after_commit("The video was released", generation_id=generation_id):
        return story_document(
            rt, await story.get_story(rt, generation_id, actor=operator), operator
        )
