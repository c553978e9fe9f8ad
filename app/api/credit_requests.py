"""Requests for more credits: a member's own, and those of members for who manages them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from app.api import cursor as cursors
from app.api.credit_documents import CreditRequestDocument
from app.api.documents import Document
from app.api.parameters import TEXT, Cursor, Instant, Whole, WholeOrNull, refusals
from app.billing import credit_requests
from app.billing.grants import MAX_GRANT
from app.db import credit_requests as rows
from app.domain.credit_requests import CreditRequest, RequestState
from app.http.access import Active, Manager, ReadLimited, Rt, Self
from app.http.after_commit import after_commit
from app.http.bodies import BoundedRoute

own = APIRouter(prefix="/credit-requests", tags=["account"], route_class=BoundedRoute)
router = APIRouter(prefix="/admin/credit-requests", tags=["admin"], route_class=BoundedRoute)

_ONE = "/{request_id}"
RequestId = Annotated[UUID, Path(description="The `id` of a request for credits.")]
Limit = Annotated[int, Query(ge=1, le=100, description="Requests per page.")]
OfState = Annotated[RequestState | None, Query(description="Only in this state.")]


class CreditRequestRequest(BaseModel):
    """Asks for more credits in your own account, or in that of a key of yours."""

    model_config = ConfigDict(extra="forbid")

    credits: Whole = Field(ge=1, le=MAX_GRANT)
    reason: str = Field(min_length=1, max_length=500, pattern=TEXT)
    key_id: UUID | None = Field(None, description="A key of yours with a credit limit of its own.")
    ends_at: Instant | None = Field(
        None,
        description="At the latest the end of the account's present period, which is the default. "
        "Null in an account without periods: never.",
    )


class CreditDecision(BaseModel):
    """Grants credits, those that were asked for or others."""

    model_config = ConfigDict(extra="forbid")

    credits: WholeOrNull = Field(
        None, ge=1, le=MAX_GRANT, description="Default: as many as were asked for."
    )
    ends_at: Instant | None = Field(
        None,
        description="Default: as asked for. Null: the end of the account's present period, or "
        "never where it has none.",
    )
    reason: str = Field(
        min_length=1, max_length=500, pattern=TEXT,
        description="Why; shown to the member, and kept in the audit log.",
    )  # fmt: skip


class CreditRefusal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(
        min_length=1, max_length=500, pattern=TEXT,
        description="Why; shown to the member, and kept in the audit log.",
    )  # fmt: skip


class CreditRequestList(Document):
    object: Literal["list"]
    data: list[CreditRequestDocument]
    has_more: bool
    next_cursor: str | None


@own.get("", name="list_own_credit_requests", responses=refusals(422, 429))
async def list_own_credit_requests(
    rt: Rt, caller: ReadLimited, state: OfState = None, cursor: Cursor = None, limit: Limit = 20
) -> CreditRequestList:
    """Lists your requests for credits, newest first."""
    async with rt.db.single() as tx:
        found = await rows.list_requests(
            tx, member_id=caller.member_id, state=state, after=cursors.read(cursor),
            limit=limit + 1,
        )  # fmt: skip
    return _list(found, limit)


@own.post("", name="open_credit_request", status_code=201, responses=refusals(404, 408, 409, 413))
async def open_credit_request(
    body: CreditRequestRequest, rt: Rt, actor: Self, caller: Active
) -> CreditRequestDocument:
    """Asks for more credits. An administrator of your team grants or refuses them; an operator, if
    you are one. You can have one open request."""
    request = await credit_requests.open_request(
        rt, caller, credits_=body.credits, key_id=body.key_id, ends_at=body.ends_at,
        actor=actor.because(body.reason),
    )  # fmt: skip
    with after_commit("The request was made"):
        return _document(request)


@own.get(_ONE, name="get_own_credit_request", responses=refusals(404, 422))
async def get_own_credit_request(
    request_id: RequestId, rt: Rt, caller: Active, _actor: Self
) -> CreditRequestDocument:
    """Returns a request of yours, and what became of it."""
    return _document(await credit_requests.get_own(rt, caller, request_id))


@own.post(_ONE + "/withdraw", name="withdraw_credit_request", responses=refusals(404, 409, 422))
async def withdraw_credit_request(
    request_id: RequestId, rt: Rt, actor: Self, caller: Active
) -> CreditRequestDocument:
    """Withdraws your open request."""
    request = await credit_requests.withdraw(rt, caller, request_id, actor=actor)
    with after_commit("The request was withdrawn"):
        return _document(request)


@router.get("", name="list_credit_requests", responses=refusals(422, 429))
async def list_credit_requests(
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    state: OfState = None,
    cursor: Cursor = None,
    limit: Limit = 20,
) -> CreditRequestList:
    """Lists requests for credits, newest first: those of your team; operators see all."""
    found = await credit_requests.list_managed(
        rt, actor=actor, state=state, after=cursors.read(cursor), limit=limit + 1
    )
    return _list(found, limit)


@router.get(_ONE, name="get_credit_request", responses=refusals(404, 422))
async def get_credit_request(
    request_id: RequestId, rt: Rt, actor: Manager
) -> CreditRequestDocument:
    """Returns a request for credits."""
    return _document(await credit_requests.get_managed(rt, request_id, actor=actor))


@router.post(
    _ONE + "/grant", name="grant_credit_request", responses=refusals(404, 408, 409, 413, 422)
)
async def grant_credit_request(
    request_id: RequestId, body: CreditDecision, rt: Rt, actor: Manager
) -> CreditRequestDocument:
    """Grants credits to who asked for them. Nobody grants their own request, nor that of somebody
    of their rank."""
    request = await credit_requests.grant(
        rt, request_id, credits_=body.credits, ends_at=body.ends_at,
        whole_period="ends_at" in body.model_fields_set and body.ends_at is None,
        actor=actor.because(body.reason),
    )  # fmt: skip
    with after_commit("The credits were granted"):
        return _document(request)


@router.post(
    _ONE + "/refuse", name="refuse_credit_request", responses=refusals(404, 408, 409, 413, 422)
)
async def refuse_credit_request(
    request_id: RequestId, body: CreditRefusal, rt: Rt, actor: Manager
) -> CreditRequestDocument:
    """Refuses a request for credits. The reason is shown to who made it."""
    request = await credit_requests.refuse(rt, request_id, actor=actor.because(body.reason))
    with after_commit("The request was refused"):
        return _document(request)


def _list(found: Sequence[CreditRequest], limit: int) -> CreditRequestList:
    page, next_cursor = cursors.page_of(found, limit=limit)
    return CreditRequestList(
        object="list",
        data=[_document(request) for request in page],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


def _document(request: CreditRequest) -> CreditRequestDocument:
    return CreditRequestDocument(**asdict(request))
