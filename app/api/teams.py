"""Teams, as operators manage them and their administrators see them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api import cursor as cursors
from app.api.management_documents import (
    Ended,
    Ending,
    ManagedTeamDocument,
    ManagedTeamList,
    Renaming,
    TeamChange,
    TeamRequest,
    given,
    team_document,
)
from app.api.parameters import Cursor, TeamId, refusals
from app.http.access import Manager, ReadLimited, Rt
from app.http.after_commit import after_commit
from app.http.bodies import BoundedRoute
from app.http.repeats import MADE, ONCE, Once, mark
from app.members import teams

router = APIRouter(prefix="/admin/teams", tags=["admin"], route_class=BoundedRoute)

_ONE = "/{team_id}"


@router.get("", name="list_teams", responses=refusals(422, 429))
async def list_teams(
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Teams per page.")] = 50,
) -> ManagedTeamList:
    """Lists teams, oldest first, also ended ones. Administrators of a team see theirs."""
    after = cursors.read(cursor)
    found = await teams.list_teams(rt, actor=actor, after=after, limit=limit + 1)
    page, next_cursor = cursors.page_of(found, limit=limit)
    return ManagedTeamList(
        object="list",
        data=[team_document(team) for team in page],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


@router.post(
    "", name="create_team", status_code=201, responses={**MADE, **refusals(408, 413)},
    openapi_extra=ONCE,
)  # fmt: skip
async def create_team(
    body: TeamRequest, rt: Rt, actor: Manager, once: Once, response: Response
) -> ManagedTeamDocument:
    """Creates a team. Operators only."""
    team = await teams.create_team(
        rt, body.name, credit_limit=body.credit_limit, credit_period=body.credit_period,
        time_zone=body.time_zone, retention_days=body.retention_days, once=once,
        actor=actor.because(body.reason),
    )  # fmt: skip
    with after_commit("The team was created"):
        mark(response, once)
        return team_document(team)


@router.get(_ONE, name="get_team", responses=refusals(404))
async def get_team(team_id: TeamId, rt: Rt, actor: Manager) -> ManagedTeamDocument:
    """Returns a team, its limits and how much of them is used."""
    return team_document(await teams.get_team(rt, team_id, actor=actor))


@router.patch(_ONE, name="change_team", responses=refusals(404, 408, 413))
async def change_team(
    team_id: TeamId, body: TeamChange, rt: Rt, actor: Manager
) -> ManagedTeamDocument:
    """Changes the fields that you send: limits, retention, or the status. Operators only, and
    nobody suspends their own team."""
    sent = given(body, may_be_null=("credit_limit", "retention_days"))
    team = await teams.change_team(
        rt,
        team_id,
        **sent,
        unlimited="credit_limit" in sent and sent["credit_limit"] is None,
        keep_forever="retention_days" in sent and sent["retention_days"] is None,
        actor=actor.because(body.reason),
    )
    with after_commit("The team was changed"):
        return team_document(team)


@router.post(_ONE + "/rename", name="rename_team", responses=refusals(404, 408, 413))
async def rename_team(
    team_id: TeamId, body: Renaming, rt: Rt, actor: Manager
) -> ManagedTeamDocument:
    """Gives a team another name. Its members, keys and videos stay as they are. Operators only."""
    team = await teams.rename_team(
        rt, team_id, new_name=body.new_name, actor=actor.because(body.reason)
    )
    with after_commit("The team was renamed"):
        return team_document(team)


@router.post(_ONE + "/end", name="end_team", responses=refusals(404, 408, 413))
async def end_team(team_id: TeamId, body: Ending, rt: Rt, actor: Manager) -> Ended:
    """Ends a team for ever, with its members and their keys. Generations in progress continue. Its
    name stays taken. Operators only."""
    keys = await teams.end_team(rt, team_id, actor=actor.because(body.reason))
    with after_commit("The team has ended"):
        return Ended(id=team_id, revoked_keys=keys)
