"""Creates, rotates and revokes keys of members, each with an audit line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from app.db import accounts, api_keys, audit, members, webhook_endpoints
from app.db.api_keys import Key
from app.db.session import Tx
from app.domain.accounts import AccountKind, Period
from app.domain.limits import check_bound
from app.errors import InvalidRequest, NotFound
from app.members.members import get_lasting_member
from app.members.names import check_name
from app.runtime import Runtime
from app.secrets import NewKey, digest_of, make_key, make_seed, prefix_of, shown_of

#: Every key begins with `rg_`, so at least one more character is needed.
_LEAST = len("rg_") + 1
#: How many keys an error about an ambiguous prefix lists: there could be thousands.
_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """`endpoints` are the webhook endpoints that were set up with the key and still sent."""

    key: Key
    endpoints: tuple[UUID, ...]


async def create_key(
    rt: Runtime,
    team: str,
    member: str,
    *,
    name: str,
    expires_at: datetime | None = None,
    credit_limit: int | None = None,
    credit_period: Period = Period.NONE,
    actor: str,
) -> NewKey:
    """The new key; it can never be shown again. Raises `NotFound`, `InvalidRequest`."""
    check_name("name", name)
    if credit_limit is not None:
        check_bound("credit_limit", credit_limit)
    if expires_at is not None and expires_at <= rt.clock.now():
        raise InvalidRequest("A key must expire in the future.")
    async with rt.db.begin() as tx:
        owner = await get_lasting_member(tx, team, member)
        return await _issue(
            tx, owner.id, name, expires_at, f"{team}/{member}", actor, credit_limit=credit_limit,
            credit_period=credit_period,
        )  # fmt: skip


async def limit_key(
    rt: Runtime,
    given: str,
    *,
    credit_limit: int | None = None,
    unlimited: bool = False,
    credit_period: Period | None = None,
    actor: str,
) -> Key:
    """Changes what is given and keeps the rest; `unlimited` removes the credit limit. The key after
    the change. Raises what `revoke_key` raises."""
    if credit_limit is not None:
        check_bound("credit_limit", credit_limit)
    async with rt.db.begin() as tx:
        key = await _get_key(tx, given)
        await get_lasting_member(tx, key.team_name, key.member_name)
        if unlimited or credit_limit is not None:
            await api_keys.set_credit_limit(tx, key.account_id, credit_limit=credit_limit)
        if credit_period is not None:
            await accounts.set_period(tx, AccountKind.KEY, key.account_id, credit_period)
        await audit.record(
            tx, actor, "key.limit", f"{key.team_name}/{key.member_name}", key=key.prefix,
            credit_limit=credit_limit, unlimited=unlimited or None,
            credit_period=credit_period and credit_period.value,
        )  # fmt: skip
        return await api_keys.get_key(tx, key.id)


async def rotate_key(rt: Runtime, given: str, *, overlap_seconds: float, actor: str) -> NewKey:
    """A new key for the same member, which expires at the same time and goes on in the same
    account. The old one works for `overlap_seconds` more. Raises what `revoke_key` raises, and
    `InvalidRequest` if the key has expired."""
    async with rt.db.begin() as tx:
        old = await _get_key(tx, given)
        if old.expires_at is not None and old.expires_at <= rt.clock.now():
            raise InvalidRequest(f"Key {old.shown} has expired; make another for its member.")
        await get_lasting_member(tx, old.team_name, old.member_name)
        subject = f"{old.team_name}/{old.member_name}"
        fresh = await _issue(
            tx, old.member_id, old.name, old.expires_at, subject, actor,
            account_id=old.account_id, credit_limit=old.credit_limit,
            credit_period=old.credit_period,
        )  # fmt: skip
        await api_keys.end_key(tx, old.id, overlap_seconds=overlap_seconds)
        await audit.record(tx, actor, "key.rotate", subject, old=old.prefix, new=fresh.prefix)
        return fresh


async def revoke_key(rt: Runtime, given: str, *, compromised: bool = False, actor: str) -> Revoked:
    """The key stops working now. `given` is the key itself, or its beginning, also with the dots
    that `key list` shows. It may be a secret, so no error repeats it.

    Webhook endpoints and the callback secret are the member's and stay. If the key is
    `compromised`, those that were set up with it are disabled, and the secret, which it could
    read, is replaced. Raises `NotFound`, and `InvalidRequest` if it matches several keys or is
    revoked already.
    """
    async with rt.db.begin() as tx:
        key = await _get_key(tx, given)
        await api_keys.end_key(tx, key.id, overlap_seconds=0)
        endpoints = await webhook_endpoints.enabled_of_key(tx, key.id)
        if compromised:
            for endpoint_id in endpoints:
                await webhook_endpoints.disable(tx, endpoint_id, reason="operator")
            await members.rotate_callback_seed(
                tx, key.member_id, seed=make_seed(), previous_until=None
            )
        await audit.record(
            tx, actor, "key.revoke", f"{key.team_name}/{key.member_name}", key=key.prefix,
            compromised=compromised or None,
            disabled=[str(one) for one in endpoints] if compromised else None,
        )  # fmt: skip
        return Revoked(key=key, endpoints=tuple(endpoints))


async def _issue(
    tx: Tx,
    member_id: UUID,
    name: str,
    expires_at: datetime | None,
    subject: str,
    actor: str,
    *,
    account_id: UUID | None = None,
    credit_limit: int | None,
    credit_period: Period,
) -> NewKey:
    key, key_id = make_key(), uuid4()
    await api_keys.create_key(
        tx,
        key_id,
        member_id=member_id,
        name=name,
        prefix=key.prefix,
        digest=key.digest,
        expires_at=expires_at,
        account_id=account_id or key_id,
        credit_limit=credit_limit,
        credit_period=credit_period,
    )
    await audit.record(
        tx, actor, "key.create", subject, key=key.prefix, name=name, credit_limit=credit_limit,
        credit_period=credit_period.value if credit_limit is not None else None,
    )  # fmt: skip
    return key


async def _get_key(tx: Tx, given: str) -> Key:
    """The matching key that is not revoked."""
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
