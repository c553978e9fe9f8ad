"""Grants of credits to the account of a team, a member or a key, for who may raise its limit."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from app.api import cursor as cursors
from app.api.documents import Document
from app.api.management_documents import Deed
from app.api.parameters import TEXT, Cursor, Instant, KeyId, MemberId, TeamId, Whole, refusals
from app.billing import grants
from app.billing.grants import MAX_GRANT, AccountOf, KeyAccount, MemberAccount, TeamAccount
from app.db.grants import Grant
from app.domain.accounts import AccountKind
from app.domain.authority import Actor
from app.http.access import Manager, ReadLimited, Rt
from app.http.after_commit import after_commit
from app.http.bodies import BoundedRoute
from app.http.repeats import MADE, ONCE, Once, mark
from app.runtime import ApiRuntime

router = APIRouter(prefix="/admin", tags=["admin"], route_class=BoundedRoute)

_OF_TEAM = "/teams/{team_id}/grants"
_OF_MEMBER = "/teams/{team_id}/members/{member_id}/grants"
_OF_KEY = "/keys/{key_id}/grants"
Limit = Annotated[int, Query(ge=1, le=100, description="Grants per page.")]
_GIVEN = {**MADE, **refusals(404, 408, 413)}


class GrantRequest(Deed):
    """Credits that an account may use beside its limit."""

    credits: Whole = Field(ge=1, le=MAX_GRANT)
    ends_at: Instant | None = Field(
        None,
        description="At the latest the end of the account's present period, which is the default. "
        "Null in an account without periods: never.",
    )
    reason: str = Field(
        min_length=1, max_length=500, pattern=TEXT,
        description="Why; kept with the grant and in the audit log.",
    )  # fmt: skip


class GrantDocument(Document):
    """Credits beside the limit of an account. They count from `created_at` until `ends_at`."""

    object: Literal["grant"]
    id: UUID
    account: AccountKind = Field(description="Whose account it is: a key's, a member's, a team's.")
    team_id: UUID
    credits: int
    reason: str
    actor: str = Field(description="Who gave it: `team/member`, or a person at the command line.")
    created_at: datetime
    ends_at: datetime | None = Field(description="Null: never.")


class GrantList(Document):
    object: Literal["list"]
    data: list[GrantDocument]
    has_more: bool
    next_cursor: str | None


@router.get(_OF_TEAM, name="list_team_grants", responses=refusals(404, 422, 429))
async def list_team_grants(
    team_id: TeamId,
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> GrantList:
    """Lists the grants to a team, oldest first, also those that have ended."""
    return await _list(rt, actor, TeamAccount(team=team_id), cursor, limit)


@router.post(
    _OF_TEAM, name="create_team_grant", status_code=201, responses=_GIVEN, openapi_extra=ONCE
)
async def create_team_grant(
    team_id: TeamId, body: GrantRequest, rt: Rt, actor: Manager, once: Once, response: Response
) -> GrantDocument:
    """Grants credits to a team with a limit, for all its members together. Operators only."""
    return await _give(rt, actor, TeamAccount(team=team_id), body, once, response)


@router.get(_OF_MEMBER, name="list_member_grants", responses=refusals(404, 422, 429))
async def list_member_grants(
    team_id: TeamId,
    member_id: MemberId,
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> GrantList:
    """Lists the grants to a member, oldest first, also those that have ended."""
    return await _list(rt, actor, MemberAccount(team=team_id, member=member_id), cursor, limit)


@router.post(
    _OF_MEMBER, name="create_member_grant", status_code=201, responses=_GIVEN, openapi_extra=ONCE
)
async def create_member_grant(
    team_id: TeamId,
    member_id: MemberId,
    body: GrantRequest,
    rt: Rt,
    actor: Manager,
    once: Once,
    response: Response,
) -> GrantDocument:
    """Grants credits to a member. The limits of its team and its keys apply beside it."""
    return await _give(
        rt, actor, MemberAccount(team=team_id, member=member_id), body, once, response
    )


@router.get(_OF_KEY, name="list_key_grants", responses=refusals(404, 422, 429))
async def list_key_grants(
    key_id: KeyId,
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> GrantList:
    """Lists the grants to a key, oldest first, also those that have ended. Keys that replaced each
    other share them."""
    return await _list(rt, actor, KeyAccount(key=key_id), cursor, limit)


@router.post(
    _OF_KEY, name="create_key_grant", status_code=201, responses=_GIVEN, openapi_extra=ONCE
)
async def create_key_grant(
    key_id: KeyId, body: GrantRequest, rt: Rt, actor: Manager, once: Once, response: Response
) -> GrantDocument:
    """Grants credits to a key with a limit of its own. The limits of its member and its team apply
    beside it."""
    return await _give(rt, actor, KeyAccount(key=key_id), body, once, response)


async def _list(
    rt: ApiRuntime, actor: Actor, account_of: AccountOf, cursor: str | None, limit: int
) -> GrantList:
    after = cursors.read(cursor)
    found = await grants.list_grants(rt, account_of, actor=actor, after=after, limit=limit + 1)
    page, next_cursor = cursors.page_of(found, limit=limit)
    return GrantList(
        object="list",
        data=[_document(grant) for grant in page],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


async def _give(
    rt: ApiRuntime,
    actor: Actor,
    account_of: AccountOf,
    body: GrantRequest,
    once: Once,
    response: Response,
) -> GrantDocument:
    grant = await grants.give(
        rt, account_of, credits_=body.credits, ends_at=body.ends_at, once=once,
        actor=actor.because(body.reason),
    )  # fmt: skip
    with after_commit("The credits were granted"):
        mark(response, once)
        return _document(grant)


def _document(grant: Grant) -> GrantDocument:
    return GrantDocument(
        object="grant", id=grant.id, account=grant.kind, team_id=grant.team_id,
        credits=grant.credits, reason=grant.reason, actor=grant.actor,
        created_at=grant.created_at, ends_at=grant.ends_at,
    )  # fmt: skip
