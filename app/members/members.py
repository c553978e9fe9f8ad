"""Creates and changes members, each with an audit line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from app.db import audit, members
from app.db.members import Member
from app.db.session import Conflict, Tx
from app.domain.caller import Role, Status
from app.errors import InvalidRequest, NotFound
from app.members.names import check_name
from app.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """None keeps a limit as it is; a new member gets the configured default."""

    credit_limit: int | None = None
    rate_per_minute: int | None = None
    rate_burst: int | None = None
    max_open: int | None = None

    def given(self) -> dict[str, int]:
        pairs = {
            "credit_limit": self.credit_limit,
            "rate_per_minute": self.rate_per_minute,
            "rate_burst": self.rate_burst,
            "max_open": self.max_open,
        }
        wrong = [n for n, v in pairs.items() if v is not None and v < (n != "credit_limit")]
        if wrong:
            raise InvalidRequest(f"{', '.join(wrong)} must be a positive number.")
        return {name: value for name, value in pairs.items() if value is not None}


async def create_member(
    rt: Runtime, team: str, name: str, *, role: Role, limits: Limits, actor: str
) -> UUID:
    """Raises `NotFound` for an unknown team, and `InvalidRequest` if the name is taken or
    invalid."""
    check_name("name", name)
    member_id, wanted, defaults = uuid4(), limits.given(), rt.settings
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
                credit_limit=wanted.get("credit_limit", defaults.member_credit_limit),
                rate_per_minute=wanted.get("rate_per_minute", defaults.member_rate_per_minute),
                rate_burst=wanted.get("rate_burst", defaults.member_rate_burst),
                max_open=wanted.get("max_open", defaults.member_max_open),
            )
            await audit.record(
                tx, actor, "member.create", f"{team}/{name}", role=role.value, **wanted
            )
    except Conflict:
        raise InvalidRequest(f"Team {team} has a member {name} already.") from None
    return member_id


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
    wanted = (limits or Limits()).given()
    async with rt.db.begin() as tx:
        member = await get_member(tx, team, name)
        await members.update_member(tx, member.id, status=status, **wanted)
        noted: dict[str, Any] = {**wanted, **({"status": status.value} if status else {})}
        await audit.record(tx, actor, "member.change", f"{team}/{name}", **noted)
        return await get_member(tx, team, name)


async def get_member(tx: Tx, team: str, name: str) -> Member:
    member = await members.find_member(tx, team=team, name=name)
    if member is None:
        raise NotFound(f"There is no member {name} in a team {team}.")
    return member
