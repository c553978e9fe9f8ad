"""The operators' API: unknown generations, pauses, and upstream keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi import Path as PathParameter
from pydantic import BaseModel, ConfigDict, Field

from app.api import cursor as cursors
from app.api.documents import Document, GenerationDocument
from app.api.parameters import TEXT, Cursor, GenerationId, refusals
from app.api.story_documents import ManagedGenerationDocument, managed_fields, unwatched
from app.db import pauses as pause_rows
from app.db import upstream_answers
from app.db import upstream_keys as key_rows
from app.domain.authority import Actor
from app.domain.generation import State
from app.domain.operators import Outcome, Pause
from app.domain.upstream_keys import BreakerState, KeyState
from app.errors import NotFound
from app.generations import unknown
from app.http.access import Manager, Operator, ReadLimited, Rt
from app.http.after_commit import after_commit
from app.http.bodies import BoundedRoute
from app.operators import pauses, upstream_keys
from app.runtime import ApiRuntime

router = APIRouter(prefix="/admin", tags=["admin"], route_class=BoundedRoute)


class PauseDocument(Document):
    name: Pause
    paused: bool
    reason: str | None
    changed_at: datetime


class UpstreamKeyDocument(Document):
    """An upstream key by its label; the key itself is never shown. `breaker` is `closed` while
    submissions go through it, `open` after too many in a row without an answer, and `half_open`
    while one of them is tried. `breaker_until` says when the upstream is asked again."""

    label: str
    state: KeyState
    reason: str | None
    set_aside_at: datetime | None
    return_at: datetime | None
    breaker: BreakerState
    breaker_failures: int
    breaker_until: datetime | None


class GatewayDocument(Document):
    pauses: list[PauseDocument]
    upstream_keys: list[UpstreamKeyDocument]


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


class PauseRequest(AdminRequest):
    what: Pause
    reason: str = Field(min_length=1, max_length=500, pattern=TEXT)


class ResumeRequest(AdminRequest):
    what: Pause


class ResolveRequest(AdminRequest):
    """How an unknown generation ended. `delivered` needs a `link` on a host that videos may be
    downloaded from; `found` needs an `upstream_id`."""

    outcome: Outcome
    reason: str = Field(min_length=1, max_length=500, pattern=TEXT)
    link: str | None = None
    upstream_id: str | None = None


@router.get("/gateway", name="get_gateway")
async def get_gateway(rt: Rt, _operator: Operator) -> GatewayDocument:
    """Returns what is paused, and the state of the upstream keys."""
    return await _gateway(rt)


@router.post("/pause", name="pause_gateway", responses=refusals(408, 413))
async def pause_gateway(body: PauseRequest, rt: Rt, operator: Operator) -> GatewayDocument:
    """Pauses the gateway. `admission` accepts no new generations, `submission` sends none upstream;
    what is running continues."""
    await pauses.set_paused(rt, body.what, paused=True, reason=body.reason, actor=operator.actor)
    with after_commit(f"{body.what.capitalize()} is paused"):
        return await _gateway(rt)


@router.post("/resume", name="resume_gateway", responses=refusals(408, 413))
async def resume_gateway(body: ResumeRequest, rt: Rt, operator: Operator) -> GatewayDocument:
    """Ends a pause; whatever waited for it continues at once."""
    await pauses.set_paused(rt, body.what, paused=False, reason=None, actor=operator.actor)
    with after_commit(f"{body.what.capitalize()} goes on"):
        return await _gateway(rt)


@router.post("/upstream-keys/{label}/return", name="return_upstream_key")
async def return_upstream_key(
    label: Annotated[
        str, PathParameter(pattern=TEXT, description="The `label` of an upstream key.")
    ],
    rt: Rt,
    operator: Operator,
) -> GatewayDocument:
    """Puts an upstream key that was set aside back into use."""
    await upstream_keys.return_to_use(rt, label, actor=operator.actor)
    with after_commit("The upstream key is back in use"):
        return await _gateway(rt)


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
    generation_id: GenerationId, body: ResolveRequest, rt: Rt, operator: Operator
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


async def _gateway(rt: ApiRuntime) -> GatewayDocument:
    async with rt.db.single() as tx:
        paused = await pause_rows.states(tx)
        keys = await key_rows.list_keys(tx)
    return GatewayDocument(
        pauses=[
            PauseDocument(name=p.name, paused=p.paused, reason=p.reason, changed_at=p.changed_at)
            for p in paused
        ],
        upstream_keys=[
            UpstreamKeyDocument(
                label=key.label,
                state=key.state,
                reason=key.reason,
                set_aside_at=key.set_aside_at,
                return_at=key.return_at,
                breaker=key.breaker,
                breaker_failures=key.breaker_failures,
                breaker_until=key.breaker_until,
            )
            for key in keys
        ],
    )
