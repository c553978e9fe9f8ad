"""Use cases of those who run the gateway: teams, members and keys, each with its audit line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from app.db import members
from app.db.members import Key, Member
from app.db.session import Conflict, Tx
from app.domain.caller import Role, Status
from app.errors import InvalidRequest, NotFound
from app.runtime import Runtime
from app.secrets import NewKey, make_key

#: A hundred years; what is longer is for ever.
_MAX_RETENTION_DAYS = 36_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """None leaves a limit as it is, or at the configured default for a new member."""

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


async def create_team(rt: Runtime, name: str, *, credit_limit: int | None, actor: str) -> UUID:
    """Raises `InvalidRequest` where the name is taken."""
    if credit_limit is not None and credit_limit < 0:
        raise InvalidRequest("credit_limit must not be negative.")
    team_id = uuid4()
    try:
        async with rt.db.begin() as tx:
            await members.create_team(tx, team_id, name=name, credit_limit=credit_limit)
            await _audit(tx, actor, "team.create", name, credit_limit=credit_limit)
    except Conflict:
        raise InvalidRequest(f"There is a team {name} already.") from None
    return team_id


async def create_member(
    rt: Runtime, team: str, name: str, *, role: Role, limits: Limits, actor: str
) -> UUID:
    """Raises `NotFound` for an unknown team, `InvalidRequest` where the name is taken."""
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
            await _audit(tx, actor, "member.create", f"{team}/{name}", role=role.value, **wanted)
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
    """The member as it is afterwards. Generations that are under way go on."""
    wanted = (limits or Limits()).given()
    async with rt.db.begin() as tx:
        member = await _get_member(tx, team, name)
        await members.update_member(tx, member.id, status=status, **wanted)
        noted: dict[str, Any] = {**wanted, **({"status": status.value} if status else {})}
        await _audit(tx, actor, "member.change", f"{team}/{name}", **noted)
        return await _get_member(tx, team, name)


async def change_team(
    rt: Runtime,
    name: str,
    *,
    credit_limit: int | None = None,
    unlimited: bool = False,
    retention_days: int | None = None,
    keep_forever: bool = False,
    status: Status | None = None,
    actor: str,
) -> None:
    """What is not given stays. A shorter retention also binds the videos that are there already."""
    if credit_limit is not None and credit_limit < 0:
        raise InvalidRequest("credit_limit must not be negative.")
    if retention_days is not None and not 1 <= retention_days <= _MAX_RETENTION_DAYS:
        raise InvalidRequest(f"retention_days must be from 1 to {_MAX_RETENTION_DAYS}.")
    async with rt.db.begin() as tx:
        team_id = await members.find_team_id(tx, name)
        if team_id is None:
            raise NotFound(f"There is no team {name}.")
        await members.update_team(
            tx, team_id, credit_limit=credit_limit, unlimited=unlimited, status=status,
            retention_days=retention_days, keep_forever=keep_forever,
        )  # fmt: skip
        await _audit(
            tx, actor, "team.change", name, credit_limit=credit_limit, unlimited=unlimited,
            retention_days=retention_days, keep_forever=keep_forever or None,
            status=status and status.value,
        )  # fmt: skip


async def create_key(
    rt: Runtime,
    team: str,
    member: str,
    *,
    name: str,
    expires_at: datetime | None = None,
    actor: str,
) -> NewKey:
    """The key, at the only moment it can be shown."""
    async with rt.db.begin() as tx:
        owner = await _get_member(tx, team, member)
        return await _issue(tx, owner.id, name, expires_at, f"{team}/{member}", actor)


async def rotate_key(rt: Runtime, prefix: str, *, overlap_seconds: float, actor: str) -> NewKey:
    """A new key for the same member; the old one works for `overlap_seconds` more."""
    async with rt.db.begin() as tx:
        old = await _get_key(tx, prefix)
        subject = f"{old.team_name}/{old.member_name}"
        fresh = await _issue(tx, old.member_id, old.name, None, subject, actor)
        await members.end_key(tx, old.id, overlap_seconds=overlap_seconds)
        await _audit(tx, actor, "key.rotate", subject, old=prefix, new=fresh.prefix)
        return fresh


async def revoke_key(rt: Runtime, prefix: str, *, actor: str) -> None:
    """The key stops working with the next request."""
    async with rt.db.begin() as tx:
        key = await _get_key(tx, prefix)
        await members.end_key(tx, key.id, overlap_seconds=0)
        await _audit(tx, actor, "key.revoke", f"{key.team_name}/{key.member_name}", key=prefix)


async def _issue(
    tx: Tx, member_id: UUID, name: str, expires_at: datetime | None, subject: str, actor: str
) -> NewKey:
    key = make_key()
    await members.create_key(
        tx,
        uuid4(),
        member_id=member_id,
        name=name,
        prefix=key.prefix,
        digest=key.digest,
        expires_at=expires_at,
    )
    await _audit(tx, actor, "key.create", subject, key=key.prefix, name=name)
    return key


async def _get_member(tx: Tx, team: str, name: str) -> Member:
    member = await members.find_member(tx, team=team, name=name)
    if member is None:
        raise NotFound(f"There is no member {name} in a team {team}.")
    return member


async def _get_key(tx: Tx, prefix: str) -> Key:
    found = await members.list_keys(tx, prefix=prefix)
    if len(found) != 1:
        raise NotFound(f"There is no key that begins with {prefix}; see `reelgate key list`.")
    return found[0]


async def _audit(tx: Tx, actor: str, action: str, subject: str, **detail: Any) -> None:
    said = {name: value for name, value in detail.items() if value is not None}
    await members.record_audit(
        tx, actor=actor, action=action, subject=subject, detail=json.dumps(said)
    )
