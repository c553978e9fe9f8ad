"""People who have signed in by OpenID Connect and wait for an operator."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import Field

from app.api import cursor as cursors
from app.api.documents import Document
from app.api.management_documents import (
    Deed,
    ManagedMemberDocument,
    Reasoned,
    member_document,
)
from app.api.parameters import TEXT, Cursor, refusals
from app.db.sign_in_requests import SignInRequest
from app.domain.caller import Role
from app.errors import InvalidRequest, Issue
from app.http.access import Operating, ReadLimited, Rt
from app.http.after_commit import after_commit
from app.http.bodies import BoundedRoute
from app.members import sign_in_requests
from app.members.names import MAX_NAME_CHARS

router = APIRouter(prefix="/admin/sign-in-requests", tags=["admin"], route_class=BoundedRoute)

RequestId = Annotated[UUID, Path(description="The `id` of a sign-in request.")]


class SignInRequestDocument(Document):
    """Somebody whom an issuer has signed in, and whom neither a group nor a default gives a team.
    `name` and `email` are what the issuer says, and others may have the same."""

    object: Literal["sign_in_request"]
    id: UUID
    issuer: str
    subject: str = Field(description="What the issuer calls this person for good.")
    name: str
    email: str | None
    email_verified: bool | None = Field(
        description="Whether the issuer says that the address is this person's. Null: it does not "
        "say."
    )
    created_at: datetime
    seen_at: datetime = Field(description="When the person last tried.")
    refused_at: datetime | None
    refused_by: str | None
    refusal: str | None = Field(description="Why it was refused.")


class SignInRequestList(Document):
    object: Literal["list"]
    data: list[SignInRequestDocument]
    has_more: bool
    next_cursor: str | None


class Acceptance(Deed):
    """Which member the person is from now on: an existing one, or a new one."""

    team_id: UUID
    member_id: UUID | None = Field(
        None, description="An existing member of this team. Null: a new one is made."
    )
    name: str | None = Field(
        None, min_length=1, max_length=MAX_NAME_CHARS, pattern=TEXT,
        description="Of a new member. Default: as the issuer says.",
    )  # fmt: skip
    role: Role | None = Field(None, description="Of a new member. Default: `MEMBER`.")


@router.get("", name="list_sign_in_requests", responses=refusals(422, 429))
async def list_sign_in_requests(
    rt: Rt,
    actor: Operating,
    _caller: ReadLimited,
    refused: Annotated[bool, Query(description="Those that were refused instead.")] = False,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Requests per page.")] = 50,
) -> SignInRequestList:
    """Lists the people who have signed in by OpenID Connect and wait for an operator, oldest
    first."""
    found = await sign_in_requests.list_requests(
        rt, actor=actor, refused=refused, after=cursors.read(cursor), limit=limit + 1
    )
    page, next_cursor = cursors.page_of(found, limit=limit)
    return SignInRequestList(
        object="list",
        data=[_document(request) for request in page],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


@router.post(
    "/{request_id}/accept", name="accept_sign_in_request", responses=refusals(404, 408, 413, 422)
)
async def accept_sign_in_request(
    request_id: RequestId, body: Acceptance, rt: Rt, actor: Operating
) -> ManagedMemberDocument:
    """Lets a person sign in, as a new member of a team or as an existing one. A request that was
    refused can be accepted too."""
    if body.member_id is not None:
        for field in ("name", "role"):
            if getattr(body, field) is not None:
                message = "is of a new member: leave it out, or `member_id`"
                raise InvalidRequest(issues=[Issue(field, "unknown", message)])
    member = await sign_in_requests.accept(
        rt, request_id, team=body.team_id, member=body.member_id, name=body.name,
        role=body.role or Role.MEMBER, actor=actor.because(body.reason),
    )  # fmt: skip
    with after_commit("The person was accepted"):
        return member_document(member)


@router.post(
    "/{request_id}/refuse", name="refuse_sign_in_request", responses=refusals(404, 408, 413, 422)
)
async def refuse_sign_in_request(
    request_id: RequestId, body: Reasoned, rt: Rt, actor: Operating
) -> SignInRequestDocument:
    """Refuses a person, who is told so at the next sign-in, without the reason."""
    request = await sign_in_requests.refuse(rt, request_id, actor=actor.because(body.reason))
    with after_commit("The person was refused"):
        return _document(request)


def _document(request: SignInRequest) -> SignInRequestDocument:
    return SignInRequestDocument(object="sign_in_request", **asdict(request))
