"""Prices with effective dates, for operators. Members see what counts for them in the models."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from app.api import cursor as cursors
from app.api.documents import Document
from app.api.management_documents import Deed
from app.api.parameters import TEXT, Cursor, Instant, WholeOrNull, refusals
from app.billing import prices
from app.billing.prices import MAX_PRICE
from app.db.prices import ListedPrice, PriceState
from app.http.access import Manager, ReadLimited, Rt
from app.http.after_commit import after_commit
from app.http.bodies import BoundedRoute
from app.http.repeats import MADE, ONCE, Once, mark

router = APIRouter(prefix="/admin/prices", tags=["admin"], route_class=BoundedRoute)

_EXAMPLE = {"model": "ray-v3", "duration": "10s"}


class PriceReason(Deed):
    reason: str = Field(
        min_length=1, max_length=500, pattern=TEXT,
        description="Why; kept with the price and in the audit log.",
    )  # fmt: skip


class PriceRequest(PriceReason):
    """What requests with these values cost, from an instant on."""

    match: dict[str, Any] = Field(
        max_length=20, examples=[_EXAMPLE],
        description="A `model`, and any other options of it with a fixed set of values. The price "
        "with the most values counts; two with equally many that could match the same request at "
        "the same time are refused.",
    )  # fmt: skip
    credits: WholeOrNull = Field(
        ge=1, le=MAX_PRICE,
        description="Of one generation. Null: ends the price of the same match. Then the next less "
        "specific one counts, or the gateway's default.",
    )  # fmt: skip
    effective_at: Instant | None = Field(
        None, description="From when on it counts, not in the past. Default: from now on."
    )


class WithdrawalDocument(Document):
    at: datetime
    reason: str
    actor: str


class SetPriceDocument(Document):
    """A price that was set. It is never changed: it counts until the next one of the same
    `match`."""

    object: Literal["price"]
    id: UUID
    match: dict[str, Any] = Field(examples=[_EXAMPLE])
    credits: int | None = Field(description="Null: it ended the price of the same match.")
    effective_at: datetime = Field(description="From when on it counts.")
    state: PriceState = Field(
        description="`current`, `upcoming`, `past`: another one took its place. `withdrawn`: it "
        "never counted."
    )
    ended_at: datetime | None = Field(description="When another one took its place.")
    reason: str
    actor: str = Field(description="Who set it: `team/member`, or a person at the command line.")
    created_at: datetime
    withdrawal: WithdrawalDocument | None


class SetPriceList(Document):
    object: Literal["list"]
    data: list[SetPriceDocument]
    has_more: bool
    next_cursor: str | None


@router.get("", name="list_prices", responses=refusals(422, 429))
async def list_prices(
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    state: Annotated[PriceState | None, Query(description="Only those in this state.")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Prices per page.")] = 50,
) -> SetPriceList:
    """Lists the prices that were set, the newest first, also past and upcoming ones. Operators
    only; what a request costs now, everybody sees in the models and by an estimate."""
    after = cursors.read(cursor)
    found = await prices.list_prices(rt, state=state, after=after, limit=limit + 1, actor=actor)
    page, next_cursor = cursors.page_of(found, limit=limit)
    return SetPriceList(
        object="list",
        data=[_document(price) for price in page],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


@router.post(
    "", name="set_price", status_code=201, responses={**MADE, **refusals(408, 413)},
    openapi_extra=ONCE,
)  # fmt: skip
async def set_price(
    body: PriceRequest, rt: Rt, actor: Manager, once: Once, response: Response
) -> SetPriceDocument:
    """Sets a price, from now on or from a later instant. What was accepted before keeps its own.
    Operators only."""
    price = await prices.set_price(
        rt, body.match, credits_=body.credits, effective_at=body.effective_at, once=once,
        actor=actor.because(body.reason),
    )  # fmt: skip
    with after_commit("The price was set"):
        mark(response, once)
        return _document(price)


@router.post("/{price_id}/withdraw", name="withdraw_price", responses=refusals(404, 408, 413))
async def withdraw_price(
    price_id: Annotated[UUID, Path(description="The `id` of a price.")],
    body: PriceReason,
    rt: Rt,
    actor: Manager,
) -> SetPriceDocument:
    """Withdraws an upcoming price, which then never counts. Operators only."""
    price = await prices.withdraw_price(rt, price_id, actor=actor.because(body.reason))
    with after_commit("The price was withdrawn"):
        return _document(price)


def _document(price: ListedPrice) -> SetPriceDocument:
    gone = price.withdrawal
    return SetPriceDocument(
        object="price", id=price.id, match=dict(price.match), credits=price.credits,
        effective_at=price.effective_at, state=price.state, ended_at=price.ended_at,
        reason=price.reason, actor=price.actor, created_at=price.created_at,
        withdrawal=gone
        and WithdrawalDocument(at=gone.at, reason=gone.reason, actor=gone.actor),
    )  # fmt: skip
