"""Creates and changes teams, each with an audit line."""

from __future__ import annotations

from uuid import UUID, uuid4

from app.db import accounts, audit, members
from app.db.session import Conflict, Tx
from app.domain.accounts import AccountKind, Period
from app.domain.caller import Status
from app.domain.limits import check_bound
from app.errors import InvalidRequest, Issue, NotFound
from app.members.names import check_name
from app.runtime import Runtime

#: A hundred years. For longer, keep videos for ever.
_MAX_RETENTION_DAYS = 36_500


async def create_team(
    rt: Runtime,
    name: str,
    *,
    credit_limit: int | None,
    credit_period: Period = Period.NONE,
    time_zone: str | None = None,
    actor: str,
) -> UUID:
    """Raises `InvalidRequest` if the name is taken or invalid. `time_zone` None: the configured
    one."""
    check_name("name", name)
    if credit_limit is not None:
        check_bound("credit_limit", credit_limit)
    team_id = uuid4()
    try:
        async with rt.db.begin() as tx:
            zone = time_zone or rt.settings.time_zone
            await _check_time_zone(tx, zone)
            await members.create_team(
                tx, team_id, name=name, credit_limit=credit_limit, credit_period=credit_period,
                time_zone=zone,
            )  # fmt: skip
            await audit.record(
                tx, actor, "team.create", name, credit_limit=credit_limit,
                credit_period=credit_period.value, time_zone=zone,
            )  # fmt: skip
    except Conflict:
        raise InvalidRequest(f"There is a team {name} already.") from None
    return team_id


async def change_team(
    rt: Runtime,
    name: str,
    *,
    credit_limit: int | None = None,
    unlimited: bool = False,
    credit_period: Period | None = None,
    time_zone: str | None = None,
    retention_days: int | None = None,
    keep_forever: bool = False,
    status: Status | None = None,
    actor: str,
) -> None:
    """Changes what is given and keeps the rest. A shorter retention also applies to existing
    videos. An ended team has limits and a retention, and no other status."""
    if credit_limit is not None:
        check_bound("credit_limit", credit_limit)
    if retention_days is not None and not 1 <= retention_days <= _MAX_RETENTION_DAYS:
        raise InvalidRequest(f"retention_days must be from 1 to {_MAX_RETENTION_DAYS}.")
    async with rt.db.begin() as tx:
        team_id = await (get_lasting_team_id if status else _get_team_id)(tx, name)
        await members.update_team(
            tx, team_id, credit_limit=credit_limit, unlimited=unlimited, status=status,
            retention_days=retention_days, keep_forever=keep_forever,
        )  # fmt: skip
        if credit_period is not None:
            await accounts.set_period(tx, AccountKind.TEAM, team_id, credit_period)
        if time_zone is not None:
            await _check_time_zone(tx, time_zone)
            await accounts.set_time_zone(tx, team_id, time_zone)
        await audit.record(
            tx, actor, "team.change", name, credit_limit=credit_limit, unlimited=unlimited,
            credit_period=credit_period and credit_period.value, time_zone=time_zone,
            retention_days=retention_days, keep_forever=keep_forever or None,
            status=status and status.value,
        )  # fmt: skip


async def _check_time_zone(tx: Tx, time_zone: str) -> None:
    if not await accounts.knows_time_zone(tx, time_zone):
        message = "must be the name of a time zone, such as Europe/Berlin"
        raise InvalidRequest(
            f"time_zone {message}; got {time_zone!r}.",
            issues=[Issue("time_zone", "value", message, time_zone)],
        )


async def rename_team(rt: Runtime, name: str, *, new_name: str, actor: str) -> None:
    """Lines of the audit log keep the name that they were written with. Raises `NotFound`, and
    `InvalidRequest` if the new name is taken or invalid."""
    check_name("new_name", new_name)
    try:
        async with rt.db.begin() as tx:
            team_id = await get_lasting_team_id(tx, name)
            await members.rename_team(tx, team_id, name=new_name)
            await audit.record(tx, actor, "team.rename", name, new=new_name)
    except Conflict:
        raise InvalidRequest(f"There is a team {new_name} already.") from None


async def end_team(rt: Runtime, name: str, *, actor: str) -> list[str]:
    """Ends a team for ever, with its members. What was admitted goes on. Their names stay taken.
    Returns the prefixes of their keys. Raises `NotFound`, and `InvalidRequest` if it has ended or
    operates the gateway."""
    if name == rt.settings.operator_team:
        raise InvalidRequest(
            f"Team {name} operates the gateway: let REELGATE_OPERATOR_TEAM name another one first."
        )
    async with rt.db.begin() as tx:
        keys = await members.end_team(tx, await _get_team_id(tx, name))
        if keys is None:
            raise _ended(name)
        await audit.record(tx, actor, "team.end", name, keys=keys)
        return keys


async def get_lasting_team_id(tx: Tx, name: str) -> UUID:
    """The team does not end before this transaction. Raises `NotFound`, and `InvalidRequest` if it
    has ended."""
    team_id = await _get_team_id(tx, name)
    if await members.has_team_ended(tx, team_id):
        raise _ended(name)
    return team_id


def _ended(name: str) -> InvalidRequest:
    return InvalidRequest(f"Team {name} has ended, which is for good: create another one.")


async def _get_team_id(tx: Tx, name: str) -> UUID:
    team_id = await members.find_team_id(tx, name)
    if team_id is None:
        raise NotFound(f"There is no team {name}.")
    return team_id
