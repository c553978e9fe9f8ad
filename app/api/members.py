"""Members, as operators and administrators of their team manage them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api import cursor as cursors
from app.api.management_documents import (
    Ended,
    Ending,
    ManagedMemberDocument,
    ManagedMemberList,
    MemberChange,
    MemberRequest,
    Renaming,
    given,
    member_document,
)
from app.api.parameters import Cursor, MemberId, TeamId, refusals
from app.domain.limits import Limits
from app.http.access import Manager, ReadLimited, Rt
from app.http.after_commit import after_commit
from app.http.bodies import BoundedRoute
from app.http.repeats import MADE, ONCE, Once, mark
from app.members import members

router = APIRouter(
    prefix="/admin/teams/{team_id}/members", tags=["admin"], route_class=BoundedRoute
)

_ONE = "/{member_id}"


@router.get("", name="list_members", responses=refusals(404, 422, 429))
async def list_members(
    team_id: TeamId,
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Members per page.")] = 50,
) -> ManagedMemberList:
    """Lists the members of a team, oldest first, also ended ones."""
    after = cursors.read(cursor)
    found = await members.list_members(rt, team_id, actor=actor, after=after, limit=limit + 1)
    page, next_cursor = cursors.page_of(found, limit=limit)
    return ManagedMemberList(
        object="list",
        data=[member_document(member) for member in page],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


@router.post(
    "", name="create_member", status_code=201, responses={**MADE, **refusals(404, 408, 413)},
    openapi_extra=ONCE,
)  # fmt: skip
async def create_member(
    team_id: TeamId, body: MemberRequest, rt: Rt, actor: Manager, once: Once, response: Response
) -> ManagedMemberDocument:
    """Creates a member. Limits that are left out get the gateway's defaults."""
    sent = given(body)
    name, role = sent.pop("name"), sent.pop("role", body.role)
    member = await members.create_member(
        rt, team_id, name, role=role, limits=Limits(**sent), once=once,
        actor=actor.because(body.reason),
    )  # fmt: skip
    with after_commit("The member was created"):
        mark(response, once)
        return member_document(member)


@router.get(_ONE, name="get_member", responses=refusals(404))
async def get_member(
    team_id: TeamId, member_id: MemberId, rt: Rt, actor: Manager
) -> ManagedMemberDocument:
    """Returns a member, its limits and how much of them is used."""
    return member_document(await members.get_member(rt, team_id, member_id, actor=actor))


@router.patch(_ONE, name="change_member", responses=refusals(404, 408, 413))
async def change_member(
    team_id: TeamId, member_id: MemberId, body: MemberChange, rt: Rt, actor: Manager
) -> ManagedMemberDocument:
    """Changes the fields that you send: limits, the role, or the status. Nobody changes themself,
    and only operators change an administrator of a team."""
    sent = given(body)
    role, status = sent.pop("role", None), sent.pop("status", None)
    member = await members.change_member(
        rt, team_id, member_id, limits=Limits(**sent), role=role, status=status,
        actor=actor.because(body.reason),
    )  # fmt: skip
    with after_commit("The member was changed"):
        return member_document(member)


@router.post(_ONE + "/rename", name="rename_member", responses=refusals(404, 408, 413))
async def rename_member(
    team_id: TeamId, member_id: MemberId, body: Renaming, rt: Rt, actor: Manager
) -> ManagedMemberDocument:
    """Gives a member another name. Its keys and videos stay as they are."""
    member = await members.rename_member(
        rt, team_id, member_id, new_name=body.new_name, actor=actor.because(body.reason)
    )
    with after_commit("The member was renamed"):
        return member_document(member)


@router.post(_ONE + "/end", name="end_member", responses=refusals(404, 408, 413))
async def end_member(
    team_id: TeamId, member_id: MemberId, body: Ending, rt: Rt, actor: Manager
) -> Ended:
    """Ends a member for ever: its keys end, and it gets no others. Generations in progress
    continue. Its name stays taken."""
    keys = await members.end_member(rt, team_id, member_id, actor=actor.because(body.reason))
    with after_commit("The member has ended"):
        return Ended(id=member_id, revoked_keys=keys)
