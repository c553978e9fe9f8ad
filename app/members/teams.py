"""Creates and changes teams, each with an audit line. A team is named by its id or its name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from app.db import accounts, audit, notices, repeats, sessions, teams
from app.db.faults import Conflict
from app.db.repeats import Repeat
from app.db.session import Tx
from app.db.teams import Team
from app.domain.accounts import AccountKind, Period
from app.domain.authority import Actor
from app.domain.caller import Status
from app.domain.limits import check_bound, raises_credits
from app.domain.metadata import MAX_TAGS, check_key
from app.errors import Forbidden, InvalidRequest, Issue, NotFound, Rejections
from app.members.names import check_name, taken
from app.runtime import Runtime

#: A hundred years. For longer, keep videos for ever.
MAX_RETENTION_DAYS = 36_500


async def list_teams(
    rt: Runtime, *, actor: Actor, after: tuple[datetime, UUID] | None = None, limit: int
) -> list[Team]:
    """Those that the actor manages, oldest first."""
    actor.require_manager()
    own = None if actor.unbound or actor.caller is None else actor.caller.team_id
    async with rt.db.single() as tx:
        return await teams.list_teams(tx, team_id=own, after=after, limit=limit)


async def get_team(rt: Runtime, team: UUID | str, *, actor: Actor) -> Team:
    """Raises `Forbidden` and `NotFound`."""
    actor.require_manager()
    async with rt.db.single() as tx:
        return await managed_team(tx, team, actor)


async def create_team(
    rt: Runtime,
    name: str,
    *,
    credit_limit: int | None,
    credit_period: Period = Period.NONE,
    time_zone: str | None = None,
    retention_days: int | None = None,
    once: Repeat | None = None,
    actor: Actor,
) -> Team:
    """Raises `Forbidden`, and `InvalidRequest` if the name is taken or invalid. `time_zone` None:
    the configured one. A repetition gets the team that it made."""
    actor.require_operator()
    check_name("name", name)
    if credit_limit is not None:
        check_bound("credit_limit", credit_limit)
    _check_retention(retention_days)
    team_id = uuid4()
    try:
        async with rt.db.begin() as tx:
            if (made := await repeats.earlier(tx, once, team_id)) is not None:
                return await managed_team(tx, made, actor)
            zone = time_zone or rt.settings.time_zone
            await _check_time_zone(tx, zone)
            await teams.create_team(
                tx, team_id, name=name, credit_limit=credit_limit, credit_period=credit_period,
                time_zone=zone, retention_days=retention_days,
            )  # fmt: skip
            await audit.record(
                tx, actor.name, "team.create", name, credit_limit=credit_limit,
                credit_period=credit_period.value, time_zone=zone, retention_days=retention_days,
                reason=actor.reason, team_id=team_id,
            )  # fmt: skip
            return await managed_team(tx, team_id, actor)
    except Conflict:
        raise taken("name", name, f"There is a team {name} already.") from None


async def change_team(
    rt: Runtime,
    name: UUID | str,
    *,
    credit_limit: int | None = None,
    unlimited: bool = False,
    credit_period: Period | None = None,
    time_zone: str | None = None,
    retention_days: int | None = None,
    keep_forever: bool = False,
    required_tags: Sequence[str] | None = None,
    status: Status | None = None,
    actor: Actor,
) -> Team:
    """Changes what is given and keeps the rest. A shorter retention also applies to existing
    videos. `required_tags` are keys of metadata, without which nothing is admitted. An ended team
    has limits and a retention, and no other status. Raises `Forbidden`, `NotFound`, and
    `InvalidRequest`, also without a reason to raise a limit or to suspend."""
    if credit_limit is not None:
        check_bound("credit_limit", credit_limit)
    _check_retention(retention_days)
    tags = None if required_tags is None else _checked_tags(required_tags)
    async with rt.db.begin() as tx:
        team = await managed_team(tx, name, actor)
        actor.require_operator()
        if status is not None:
            await require_lasting(tx, team)
        if status is Status.SUSPENDED:
            _require_another(team, actor)
            actor.require_reason("to suspend a team")
            await sessions.end_of_team(tx, team.id)
        if raises_credits(
            team.credit_limit, team.credit_period,
            None if unlimited else team.credit_limit if credit_limit is None else credit_limit,
            credit_period or team.credit_period,
        ):  # fmt: skip
            actor.require_reason("to raise a limit")
        await teams.update_team(
            tx, team.id, credit_limit=credit_limit, unlimited=unlimited, status=status,
            retention_days=retention_days, keep_forever=keep_forever, required_tags=tags,
        )  # fmt: skip
        if credit_period not in (None, team.credit_period):
            await accounts.set_period(tx, AccountKind.TEAM, team.id, credit_period)
        changed = [team.id]
        if time_zone not in (None, team.time_zone):
            await _check_time_zone(tx, time_zone)
            changed = await accounts.set_time_zone(tx, team.id, time_zone)
        await notices.add_due(
            tx, changed, percents=rt.settings.notice_percents, now=rt.clock.for_database()
        )
        await audit.record(
            tx, actor.name, "team.change", team.name, credit_limit=credit_limit,
            unlimited=unlimited, credit_period=credit_period and credit_period.value,
            time_zone=time_zone, retention_days=retention_days, keep_forever=keep_forever or None,
            required_tags=tags, status=status and status.value, reason=actor.reason,
            team_id=team.id,
        )  # fmt: skip
        return await managed_team(tx, team.id, actor)


async def rename_team(rt: Runtime, name: UUID | str, *, new_name: str, actor: Actor) -> Team:
    """Lines of the audit log keep the name that they were written with. Raises `Forbidden`,
    `NotFound`, and `InvalidRequest` if the new name is taken or invalid."""
    check_name("new_name", new_name)
    try:
        async with rt.db.begin() as tx:
            team = await managed_team(tx, name, actor)
            actor.require_operator()
            await require_lasting(tx, team)
            await teams.rename_team(tx, team.id, name=new_name)
            await audit.record(
                tx,
                actor.name,
                "team.rename",
                team.name,
                new=new_name,
                reason=actor.reason,
                team_id=team.id,
            )
            return await managed_team(tx, team.id, actor)
    except Conflict:
        raise taken("new_name", new_name, f"There is a team {new_name} already.") from None


async def end_team(rt: Runtime, name: UUID | str, *, actor: Actor) -> list[str]:
    """Ends a team for ever, with its members. What was admitted goes on. Their names stay taken.
    Returns the prefixes of their keys. Raises `Forbidden`, `NotFound`, and `InvalidRequest` without
    a reason, or if it has ended or operates the gateway."""
    async with rt.db.begin() as tx:
        team = await managed_team(tx, name, actor)
        actor.require_operator()
        if team.name == rt.settings.operator_team:
            raise InvalidRequest(
                f"Team {team.name} operates the gateway: let REELGATE_OPERATOR_TEAM name another "
                "one first."
            )
        _require_another(team, actor)
        actor.require_reason("to end a team")
        keys = await teams.end_team(tx, team.id)
        if keys is None:
            raise _ended(team)
        await audit.record(
            tx,
            actor.name,
            "team.end",
            team.name,
            keys=keys,
            reason=actor.reason,
            team_id=team.id,
        )
        return keys


async def managed_team(tx: Tx, team: UUID | str, actor: Actor) -> Team:
    """The team. Raises `NotFound`, also if the actor does not manage it."""
    found = await teams.find_team(tx, team)
    if found is None or not actor.manages(found.id):
        raise NotFound(f"There is no team {team}.")
    return found


async def require_lasting(tx: Tx, team: Team) -> None:
    """From here on the team does not end before this transaction. Raises `InvalidRequest` if it has
    ended."""
    if await teams.has_team_ended(tx, team.id):
        raise _ended(team)


def _ended(team: Team) -> InvalidRequest:
    return InvalidRequest(f"Team {team.name} has ended, which is for good: create another one.")


def _require_another(team: Team, actor: Actor) -> None:
    if actor.caller is not None and actor.caller.team_id == team.id:
        raise Forbidden(
            "Nobody suspends or ends the team that they are in: the command line does, or somebody "
            "of another team."
        )


def _check_retention(days: int | None) -> None:
    if days is not None and not 1 <= days <= MAX_RETENTION_DAYS:
        message = f"must be from 1 to {MAX_RETENTION_DAYS}"
        raise InvalidRequest(issues=[Issue("retention_days", "value", message, days)])


def _checked_tags(keys: Sequence[str]) -> list[str]:
    """Each once."""
    issues, found = Rejections(), list(dict.fromkeys(keys))
    for key in found:
        check_key(key, "required_tags", issues)
    if len(found) > MAX_TAGS:
        issues.add("required_tags", "value", f"must be at most {MAX_TAGS} keys", value=len(found))
    if issues.issues:
        raise InvalidRequest(issues=issues.issues)
    return found


async def _check_time_zone(tx: Tx, time_zone: str) -> None:
    if not await accounts.knows_time_zone(tx, time_zone):
        message = "must be the name of a time zone, such as Europe/Berlin"
        raise InvalidRequest(issues=[Issue("time_zone", "value", message, time_zone)])
