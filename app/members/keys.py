"""Making, rotating and revoking keys of members, each deed with its audit line."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from app.db import audit, members
from app.db.members import Key
from app.db.session import Tx
from app.errors import NotFound
from app.members.members import get_member
from app.runtime import Runtime
from app.secrets import NewKey, make_key


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
        owner = await get_member(tx, team, member)
        return await _issue(tx, owner.id, name, expires_at, f"{team}/{member}", actor)


async def rotate_key(rt: Runtime, prefix: str, *, overlap_seconds: float, actor: str) -> NewKey:
    """A new key for the same member; the old one works for `overlap_seconds` more."""
    async with rt.db.begin() as tx:
        old = await _get_key(tx, prefix)
        subject = f"{old.team_name}/{old.member_name}"
        fresh = await _issue(tx, old.member_id, old.name, None, subject, actor)
        await members.end_key(tx, old.id, overlap_seconds=overlap_seconds)
        await audit.record(tx, actor, "key.rotate", subject, old=prefix, new=fresh.prefix)
        return fresh


async def revoke_key(rt: Runtime, prefix: str, *, actor: str) -> None:
    """The key stops working with the next request."""
    async with rt.db.begin() as tx:
        key = await _get_key(tx, prefix)
        await members.end_key(tx, key.id, overlap_seconds=0)
        await audit.record(
            tx, actor, "key.revoke", f"{key.team_name}/{key.member_name}", key=prefix
        )


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
    await audit.record(tx, actor, "key.create", subject, key=key.prefix, name=name)
    return key


async def _get_key(tx: Tx, prefix: str) -> Key:
    found = await members.list_keys(tx, prefix=prefix)
    if len(found) != 1:
        raise NotFound(f"There is no key that begins with {prefix}; see `reelgate key list`.")
    return found[0]
