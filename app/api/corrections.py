"""Corrections of what generations have cost, for operators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from app.api.documents import Document
from app.api.management_documents import Deed
from app.api.parameters import TEXT, GenerationId, Whole, refusals
from app.billing import corrections
from app.db.ledger import Correction
from app.domain.limits import BOUNDS
from app.http.access import Manager, ReadLimited, Rt
from app.http.after_commit import after_commit
from app.http.bodies import BoundedRoute

router = APIRouter(
    prefix="/admin/generations/{generation_id}/corrections", tags=["admin"],
    route_class=BoundedRoute,
)  # fmt: skip


class CorrectionRequest(Deed):
    """What an ended generation shall have cost."""

    settled_credits: Whole = Field(
        ge=0, le=BOUNDS["credit_limit"][1],
        description="In all, from 0 to its quote: 0 takes everything back.",
    )  # fmt: skip
    reason: str = Field(
        min_length=1, max_length=500, pattern=TEXT,
        description="Why; kept in the ledger and in the audit log.",
    )  # fmt: skip


class CorrectionDocument(Document):
    """An entry of the ledger that changes what a generation has cost. It counts in the period in
    which the generation was created."""

    object: Literal["correction"]
    id: int
    generation_id: UUID
    credits: int = Field(description="The change; negative if credits were given back.")
    settled_credits: int = Field(description="What the generation has cost since then.")
    reason: str
    actor: str = Field(description="Who made it: `team/member`, or a person at the command line.")
    created_at: datetime


class CorrectionList(Document):
    object: Literal["list"]
    data: list[CorrectionDocument]
    has_more: bool
    next_cursor: str | None


@router.get("", name="list_corrections", responses=refusals(404, 422, 429))
async def list_corrections(
    generation_id: GenerationId,
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    cursor: Annotated[
        str | None,
        Query(pattern=r"^[0-9]{1,18}$", description="`next_cursor` of the previous page."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Corrections per page.")] = 50,
) -> CorrectionList:
    """Lists the corrections of a generation, oldest first. Operators only."""
    found = await corrections.list_corrections(
        rt, generation_id, actor=actor, after=None if cursor is None else int(cursor),
        limit=limit + 1,
    )  # fmt: skip
    page, has_more = found[:limit], len(found) > limit
    return CorrectionList(
        object="list",
        data=[_document(correction) for correction in page],
        has_more=has_more,
        next_cursor=str(page[-1].id) if has_more else None,
    )


@router.post("", name="correct_generation", status_code=201, responses=refusals(404, 408, 413))
async def correct_generation(
    generation_id: GenerationId, body: CorrectionRequest, rt: Rt, actor: Manager
) -> CorrectionDocument:
    """Corrects what a generation has cost once it has ended, as for a failure that was billed, or a
    refund. Operators only. The same request again corrects nothing: it is refused."""
    correction = await corrections.correct(
        rt, generation_id, settled_credits=body.settled_credits, actor=actor.because(body.reason)
    )
    with after_commit("The cost was corrected", generation_id=generation_id):
        return _document(correction)


def _document(correction: Correction) -> CorrectionDocument:
    return CorrectionDocument(
        object="correction", id=correction.id, generation_id=correction.generation_id,
        credits=correction.credits, settled_credits=correction.settled, reason=correction.reason,
        actor=correction.actor, created_at=correction.created_at,
    )  # fmt: skip
