"""Creates and changes members, each with an audit line."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

from app.db import accounts, audit, members
from app.db.members import Member
from app.db.session import Conflict, Tx
from app.domain.accounts import AccountKind
from app.domain.caller import Role, Status
from app.domain.limits import Limits
from app.errors import InvalidRequest, NotFound
from app.members.names import check_name
from app.members.teams import get_lasting_team_id
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
            team_id = await get_lasting_team_id(tx, team)
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
        credit_period=settings.member_credit_period,
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
    role: Role | None = None,
    actor: str,
) -> Member:
    """The member after the change. Its generations in progress continue."""
    limits = limits or Limits()
    wanted = limits.given()
    async with rt.db.begin() as tx:
        member = await get_lasting_member(tx, team, name)
        await members.update_member(tx, member.id, status=status, role=role, limits=limits)
        if limits.credit_period not in (None, member.credit_period):
            await accounts.set_period(tx, AccountKind.MEMBER, member.id, limits.credit_period)
        await audit.record(
            tx, actor, "member.change", f"{team}/{name}", **wanted,
            status=status and status.value, role=role and role.value,
        )  # fmt: skip
        return await get_member(tx, team, name)


async def rename_member(rt: Runtime, team: str, name: str, *, new_name: str, actor: str) -> None:
    """Lines of the audit log keep the name that they were written with. Raises `NotFound`, and
    `InvalidRequest` if the new name is taken or invalid."""
    check_name("new_name", new_name)
    try:
        async with rt.db.begin() as tx:
            member = await get_lasting_member(tx, team, name)
            await members.update_member(tx, member.id, name=new_name, limits=Limits())
            await audit.record(tx, actor, "member.rename", f"{team}/{name}", new=new_name)
    except Conflict:
        raise InvalidRequest(f"Team {team} has a member {new_name} already.") from None


async def end_member(rt: Runtime, team: str, name: str, *, actor: str) -> list[str]:
    """Ends a member for ever: its keys end, and it gets no others. What was admitted goes on. Its
    name stays taken. Returns the prefixes of its keys. Raises `NotFound`, and `InvalidRequest` if
    it has ended."""
    async with rt.db.begin() as tx:
        member = await get_lasting_member(tx, team, name)
        keys = await members.end_members(tx, [member.id])
        await audit.record(tx, actor, "member.end", f"{team}/{name}", keys=keys)
        return keys


async def get_lasting_member(tx: Tx, team: str, name: str) -> Member:
    """The member, with its admission lock: it does not end before this transaction. Raises
    `NotFound`, and `InvalidRequest` if it has ended."""
    found = await get_member(tx, team, name)
    await members.lock_admission(tx, [found.id])
    member = await get_member(tx, team, name)
    if member.ended_at is not None:
        raise InvalidRequest(
            f"Member {name} of team {team} has ended, which is for good: create another one."
        )
    return member


async def get_member(tx: Tx, team: str, name: str) -> Member:
    member = await members.find_member(tx, team=team, name=name)
    if member is None:
        raise NotFound(f"There is no member {name} in a team {team}.")
    return member
