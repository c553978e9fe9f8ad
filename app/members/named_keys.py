"""Finds the key that somebody names and may look at, or change."""

from __future__ import annotations

from uuid import UUID

from app.db import api_keys
from app.db.api_keys import Key
from app.db.members import Member
from app.db.session import Tx
from app.domain.authority import Actor
from app.errors import InvalidRequest, NotFound
from app.members.members import get_lasting_member
from app.secrets import digest_of, prefix_of, shown_of

#: Every key begins with `rg_`, so at least one more character is needed.
_LEAST = len("rg_") + 1
#: How many keys an error about an ambiguous prefix lists: there could be thousands.
_NAMED = 10


async def lock_key(tx: Tx, given: UUID | str, actor: Actor) -> tuple[Key, Member]:
    """A key that the actor may change, and its member, whose admission lock is taken: neither ends
    nor changes before this transaction. Raises what `revoke_key` raises."""
    found = await find_key(tx, given, actor)
    owner = await get_lasting_member(tx, found.team_id, found.member_id, actor)
    actor.require_keys_of(owner.id, owner.role)
    return await find_key(tx, found.id, actor), owner


async def managed_key(tx: Tx, key_id: UUID, actor: Actor) -> Key:
    (found,) = await api_keys.list_keys(tx, key_id=key_id) or (None,)
    if found is None or not (actor.manages(found.team_id) or actor.is_member(found.member_id)):
        raise NotFound(f"There is no key {key_id}.")
    return found


async def find_key(tx: Tx, given: UUID | str, actor: Actor) -> Key:
    """The matching key that is not revoked. Its beginning matches keys of all teams, so only the
    command line names a key by that."""
    if isinstance(given, UUID):
        found_one = await managed_key(tx, given, actor)
        if found_one.revoked_at is not None:
            raise InvalidRequest(f"Key {found_one.shown} is revoked already.")
        return found_one
    key = given.strip().rstrip("….")
    if len(key) < _LEAST:
        raise InvalidRequest("Name a key by itself or by its beginning, as in rg_Xx1….")
    if prefix_of(key) is not None:
        found = await api_keys.list_keys(tx, digest=digest_of(key))
    else:
        found = await api_keys.list_keys(tx, begins=shown_of(key))
    good = [one for one in found if one.revoked_at is None]
    if len(good) == 1:
        return good[0]
    if good:
        named = ", ".join(
            f"{one.shown} ({one.team_name}/{one.member_name}, {one.name})" for one in good[:_NAMED]
        )
        raise InvalidRequest(f"{len(good)} keys begin like that: {named}. Give more of it.")
    if found:
        raise InvalidRequest(f"Key {found[0].shown} is revoked already.")
    raise NotFound("There is no such key; `reelgate key list` shows how each of them begins.")
