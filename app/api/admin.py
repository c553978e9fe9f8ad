"""Unknown generations, and what the upstream said about a generation."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from app.api import cursor as cursors
from app.api.documents import Document, GenerationDocument
from app.api.parameters import TEXT, Cursor, GenerationId, refusals
from app.api.story_documents import ManagedGenerationDocument, managed_fields, unwatched
from app.db import upstream_answers
from app.domain.authority import Actor
from app.domain.generation import State
from app.domain.operators import Outcome
from app.errors import NotFound
from app.generations import unknown
from app.http.access import Manager, Operator, ReadLimited, RecentOperator, Rt
from app.http.after_commit import after_commit
from app.http.bodies import BoundedRoute
from app.runtime import ApiRuntime

router = APIRouter(prefix="/admin", tags=["admin"], route_class=BoundedRoute)


class OutcomeDocument(Document):
    """What becomes of the credits that the generation holds, if it is resolved with this outcome.
    `held_credits` stay reserved until the upstream has been asked."""

    outcome: str
    settled_credits: int
    released_credits: int
    held_credits: int


class UnknownDocument(ManagedGenerationDocument):
    """A generation whose outcome is unknown: whose it is, why and since when nobody knows, and what
    resolving it would do."""

    outcomes: list[OutcomeDocument]


class UnknownList(Document):
    data: list[UnknownDocument]
    has_more: bool
    next_cursor: str | None


class AdminRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")


class UpstreamAnswerDocument(Document):
    """What the upstream said about a generation. `answer` is the HTTP status and its own words;
    null if it has said no more than the generation's state already says."""

    generation_id: UUID
    state: State
    error_code: str | None
    unknown_reason: str | None
    upstream_key: str | None
    upstream_id: str | None
    submitted_at: datetime | None
    answer: str | None


class ResolveRequest(AdminRequest):
    """How an unknown generation ended. `delivered` needs a `link` on a host that videos may be
    downloaded from; `found` needs an `upstream_id`."""

    outcome: Outcome
    reason: str = Field(min_length=1, max_length=500, pattern=TEXT)
    link: str | None = None
    upstream_id: str | None = None


@router.get("/unknown", name="list_unknown", responses=refusals(422, 429))
async def list_unknown(
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Generations per page.")] = 50,
) -> UnknownList:
    """Lists the generations whose outcome is unknown, oldest first: why and since when it is, whose
    they are, and what each outcome would do with the credits. Administrators of a team see those of
    their team; operators resolve them."""
    after = cursors.read(cursor)
    found = await unknown.unresolved(rt, actor=actor, after=after, limit=limit + 1)
    page, next_cursor = cursors.page_of(found, limit=limit)
    return UnknownList(
        data=[_unknown_document(rt, each, actor) for each in page],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


@router.get(
    "/generations/{generation_id}/upstream-answer",
    name="get_upstream_answer",
    responses=refusals(404),
)
async def get_upstream_answer(
    generation_id: GenerationId, rt: Rt, _operator: Operator
) -> UpstreamAnswerDocument:
    """Returns what the upstream said about a generation, in its own words. The member never sees
    them: they may name the account that pays, and contain links that need no key."""
    async with rt.db.single() as tx:
        found = await upstream_answers.find(tx, generation_id)
    if found is None:
        raise NotFound(f"There is no generation {generation_id}.")
    return UpstreamAnswerDocument(
        generation_id=found.generation_id,
        state=found.state,
        error_code=found.error_code,
        unknown_reason=found.unknown_reason,
        upstream_key=found.key_label,
        upstream_id=found.upstream_id,
        submitted_at=found.submitted_at,
        answer=found.answer,
    )


@router.post(
    "/unknown/{generation_id}/resolve",
    name="resolve_unknown",
    responses=refusals(404, 408, 409, 413, 422),
)
async def resolve_unknown(
    generation_id: GenerationId, body: ResolveRequest, rt: Rt, operator: RecentOperator
) -> GenerationDocument:
    """Resolves an unknown generation. `delivered` charges it and archives the video at `link`,
    `not_made` releases its credits, `lost` charges it without a video. `found` names the record at
    the upstream, which is then polled to decide."""
    generation = await unknown.resolve(
        rt,
        generation_id,
        body.outcome,
        reason=body.reason,
        link=body.link,
        upstream_id=body.upstream_id,
        downloads=rt.downloads,
        actor=operator.actor,
    )
    with after_commit(
        "The generation was resolved",
        generation_id=generation_id,
        billed=bool(generation.settled),
    ):
        return unwatched(rt, generation)


def _unknown_document(rt: ApiRuntime, found: unknown.Unresolved, actor: Actor) -> UnknownDocument:
    return UnknownDocument(
        **managed_fields(rt, found.details, actor),
        outcomes=[
            OutcomeDocument(
                outcome=effect.outcome,
                settled_credits=effect.settled,
                released_credits=effect.released,
                held_credits=effect.held,
            )
            for effect in found.effects
        ],
    )
