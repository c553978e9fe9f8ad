"""Creates and changes members, each with an audit line. Team and member are named by id or name."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

from app.db import accounts, audit, identities, members, notices, repeats, sessions
from app.db.faults import Conflict
from app.db.members import Member
from app.db.repeats import Repeat
from app.db.session import Tx
from app.domain.accounts import AccountKind
from app.domain.authority import Actor
from app.domain.caller import Role, Status
from app.domain.limits import Limits, raises_credits
from app.errors import InvalidRequest, NotFound
from app.members.names import check_name, taken
from app.members.teams import managed_team, require_lasting
from app.runtime import Runtime


async def list_members(
    rt: Runtime,
    team: UUID | str,
    *,
    actor: Actor,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Member]:
    """Of a team, oldest first. Raises `Forbidden` and `NotFound`."""
    actor.require_manager()
    async with rt.db.single() as tx:
        found = await managed_team(tx, team, actor)
        return await members.list_members(tx, team=found.id, after=after, limit=limit)


async def get_member(rt: Runtime, team: UUID | str, name: UUID | str, *, actor: Actor) -> Member:
    """Raises `Forbidden` and `NotFound`."""
    actor.require_manager()
    async with rt.db.single() as tx:
        return await managed_member(tx, team, name, actor)


async def create_member(
    rt: Runtime,
    team: UUID | str,
    name: str,
    *,
    role: Role,
    limits: Limits,
    once: Repeat | None = None,
    actor: Actor,
) -> Member:
    """Raises `Forbidden`, `NotFound` for an unknown team, and `InvalidRequest` if the name is taken
    or invalid. A repetition gets the member that it made."""
    actor.require_manager()
    check_name("name", name)
    member_id, wanted = uuid4(), limits.given()
    try:
        async with rt.db.begin() as tx:
            owner = await managed_team(tx, team, actor)
            if (made := await repeats.earlier(tx, once, member_id)) is not None:
                return await managed_member(tx, owner.id, made, actor)
            await require_lasting(tx, owner)
            await members.create_member(
                tx,
                member_id,
                team_id=owner.id,
                name=name,
                role=role,
                limits=replace(default_limits(rt), **wanted),
            )
            await audit.record(
                tx, actor.name, "member.create", f"{owner.name}/{name}", role=role.value, **wanted,
                reason=actor.reason, team_id=owner.id,
            )  # fmt: skip
            return await managed_member(tx, owner.id, member_id, actor)
    except Conflict:
        raise taken("name", name, f"Team {team} has a member {name} already.") from None


def default_limits(rt: Runtime) -> Limits:
    """Of a new member."""
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
    team: UUID | str,
    name: UUID | str,
    *,
    limits: Limits | None = None,
    status: Status | None = None,
    role: Role | None = None,
    actor: Actor,
) -> Member:
    """The member after the change. Its generations in progress continue. Raises `Forbidden`,
    `NotFound`, and `InvalidRequest`, also without a reason to raise a limit or to suspend."""
    limits = limits or Limits()
    wanted = limits.given()
    async with rt.db.begin() as tx:
        member = await get_lasting_member(tx, team, name, actor)
        actor.require_above(member.id, member.role)
        if status is Status.SUSPENDED:
            actor.require_reason("to suspend a member")
            await sessions.end_of_members(tx, [member.id])
        if status is not None:
            await identities.decided(tx, [member.id])
        if _raised(member, limits):
            actor.require_reason("to raise a limit")
        await members.update_member(tx, member.id, status=status, role=role, limits=limits)
        if limits.credit_period not in (None, member.credit_period):
            await accounts.set_period(tx, AccountKind.MEMBER, member.id, limits.credit_period)
        await notices.add_due(
            tx, [member.id], percents=rt.settings.notice_percents, now=rt.clock.for_database()
        )
        await audit.record(
            tx, actor.name, "member.change", _subject(member), **wanted,
            status=status and status.value, role=role and role.value, reason=actor.reason,
            team_id=member.team_id,
        )  # fmt: skip
        return await managed_member(tx, member.team_id, member.id, actor)


def _raised(member: Member, limits: Limits) -> bool:
    """Whether one of these limits is more than the member has."""
    wanted = limits.given()
    figures = ("rate_per_minute", "rate_burst", "max_open")
    return any(
        wanted[name] > getattr(member, name) for name in figures if name in wanted
    ) or raises_credits(
        member.credit_limit,
        member.credit_period,
        wanted.get("credit_limit", member.credit_limit),
        wanted.get("credit_period", member.credit_period),
    )


async def rename_member(
    rt: Runtime, team: UUID | str, name: UUID | str, *, new_name: str, actor: Actor
) -> Member:
    """Lines of the audit log keep the name that they were written with. Raises `Forbidden`,
    `NotFound`, and `InvalidRequest` if the new name is taken or invalid."""
    check_name("new_name", new_name)
    try:
        async with rt.db.begin() as tx:
            member = await get_lasting_member(tx, team, name, actor)
            actor.require_manager()
            if not actor.is_member(member.id):
                actor.require_above(member.id, member.role)
            await members.update_member(tx, member.id, name=new_name, limits=Limits())
            await audit.record(
                tx, actor.name, "member.rename", _subject(member), new=new_name,
                reason=actor.reason, team_id=member.team_id,
            )  # fmt: skip
            return await managed_member(tx, member.team_id, member.id, actor)
    except Conflict:
        message = f"Team {team} has a member {new_name} already."
        raise taken("new_name", new_name, message) from None


async def end_member(rt: Runtime, team: UUID | str, name: UUID | str, *, actor: Actor) -> list[str]:
    """Ends a member for ever: its keys end, and it gets no others. What was admitted goes on. Its
    name stays taken. Returns the prefixes of its keys. Raises `Forbidden`, `NotFound`, and
    `InvalidRequest` without a reason or if it has ended."""
    async with rt.db.begin() as tx:
        member = await get_lasting_member(tx, team, name, actor)
        actor.require_above(member.id, member.role)
        actor.require_reason("to end a member")
        keys = await members.end_members(tx, [member.id])
        await audit.record(
            tx,
            actor.name,
            "member.end",
            _subject(member),
            keys=keys,
            reason=actor.reason,
            team_id=member.team_id,
        )
        return keys


def _subject(member: Member) -> str:
    return f"{member.team_name}/{member.name}"


async def get_lasting_member(tx: Tx, team: UUID | str, name: UUID | str, actor: Actor) -> Member:
    """The member, with its admission lock: it does not end before this transaction. Raises
    `NotFound`, and `InvalidRequest` if it has ended."""
    found = await managed_member(tx, team, name, actor)
    await members.lock_admission(tx, [found.id])
    member = await managed_member(tx, found.team_id, found.id, actor)
    if member.ended_at is not None:
        raise InvalidRequest(
            f"Member {member.name} of team {member.team_name} has ended, which is for good: create "
            "another one."
        )
    return member


async def managed_member(tx: Tx, team: UUID | str, name: UUID | str, actor: Actor) -> Member:
    """The member. Raises `NotFound`, also if the actor does not manage its team and is another."""
    member = await members.find_member(tx, team=team, name=name)
    if member is None or not (actor.manages(member.team_id) or actor.is_member(member.id)):
        raise NotFound(f"There is no member {name} in a team {team}.")
    return member
