"""Creates and changes members, each with an audit line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from app.db import audit, members
from app.db.members import Member
from app.db.session import Conflict, Tx
from app.domain.caller import Role, Status
from app.domain.limits import Limits
from app.errors import InvalidRequest, NotFound
from app.members.names import check_name
from app.runtime import Runtime


async def create_member(
    rt: Runtime, team: str, name: str, *, role: Role, limits: Limits, actor: str
) -> UUID:
    """Raises `NotFound` for an unknown team, and `InvalidRequest` if the name is taken or
    invalid."""
    check_name("name", name)
    member_id, wanted = uuid4(), limits.given()
    try:
        async with rt.db.begin() as tx:
            team_id = await members.find_team_id(tx, team)
            if team_id is None:
                raise NotFound(f"There is no team {team}.")
            await members.create_member(
                tx,
                member_id,
                team_id=team_id,
                name=name,
                role=role,
                limits=replace(_defaults(rt), **wanted),
            )
            await audit.record(
                tx, actor, "member.create", f"{team}/{name}", role=role.value, **wanted
            )
    except Conflict:
        raise InvalidRequest(f"Team {team} has a member {name} already.") from None
    return member_id


def _defaults(rt: Runtime) -> Limits:
    settings = rt.settings
    return Limits(
        credit_limit=settings.member_credit_limit,
        rate_per_minute=settings.member_rate_per_minute,
        rate_burst=settings.member_rate_burst,
        max_open=settings.member_max_open,
    )


async def change_member(
    rt: Runtime,
    team: str,
    name: str,
    *,
    limits: Limits | None = None,
    status: Status | None = None,
    actor: str,
) -> Member:
    """The member after the change. Its generations in progress continue."""
    limits = limits or Limits()
    wanted = limits.given()
    async with rt.db.begin() as tx:
        member = await get_member(tx, team, name)
        await members.update_member(tx, member.id, status=status, limits=limits)
        noted: dict[str, Any] = {**wanted, **({"status": status.value} if status else {})}
        await audit.record(tx, actor, "member.change", f"{team}/{name}", **noted)
        return await get_member(tx, team, name)


async def get_member(tx: Tx, team: str, name: str) -> Member:
    member = await members.find_member(tx, team=team, name=name)
    if member is None:
        raise NotFound(f"There is no member {name} in a team {team}.")
    return member
