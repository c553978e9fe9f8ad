"""Creates, rotates and revokes keys of members, each with an audit line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from app.db import accounts, api_keys, audit, members, notices, repeats, shares, webhook_endpoints
from app.db.api_keys import Key
from app.db.members import Member
from app.db.repeats import Repeat
from app.db.session import Tx
from app.domain.accounts import AccountKind, Period
from app.domain.authority import Actor
from app.domain.keys import UNRESTRICTED, Restrictions
from app.domain.limits import check_bound, raises_credits
from app.errors import (
    Forbidden,
    InvalidRequest,
    Issue,
    KeyAlreadyMade,
    Unauthenticated,
)
from app.members.members import get_lasting_member, managed_member
from app.members.named_keys import find_key, lock_key, managed_key
from app.members.names import check_name
from app.members.teams import managed_team
from app.runtime import Runtime
from app.secrets import make_key, make_seed

#: For longer, a key lasts for ever.
_LONGEST = timedelta(days=36_600)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A key with its secret, at the only time it is shown."""

    key: Key
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """`endpoints` are the webhook endpoints that were set up with the key and still sent."""

    key: Key
    endpoints: tuple[UUID, ...]


async def list_keys(
    rt: Runtime,
    team: UUID | str,
    member: UUID | str,
    *,
    actor: Actor,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Key]:
    """Of a member, oldest first. Raises `NotFound`."""
    async with rt.db.single() as tx:
        owner = await managed_member(tx, team, member, actor)
        return await api_keys.list_keys(tx, member_id=owner.id, after=after, limit=limit)


async def list_team_keys(
    rt: Runtime,
    team: UUID | str,
    *,
    actor: Actor,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Key]:
    """Of all members of a team, oldest first. Raises `Forbidden` and `NotFound`."""
    actor.require_manager()
    async with rt.db.single() as tx:
        found = await managed_team(tx, team, actor)
        return await api_keys.list_team_keys(tx, found.id, after=after, limit=limit)


async def get_key(rt: Runtime, key_id: UUID, *, actor: Actor) -> Key:
    """Raises `NotFound`."""
    async with rt.db.single() as tx:
        return await managed_key(tx, key_id, actor)


async def create_key(
    rt: Runtime,
    team: UUID | str,
    member: UUID | str,
    *,
    name: str,
    expires_at: datetime | None = None,
    credit_limit: int | None = None,
    credit_period: Period = Period.NONE,
    restrictions: Restrictions = UNRESTRICTED,
    once: Repeat | None = None,
    actor: Actor,
) -> IssuedKey:
    """The new key; it can never be shown again. A key makes none of its own member that may do more
    than itself. Raises `Forbidden`, `NotFound`, `InvalidRequest`, and `KeyAlreadyMade` for a
    repetition."""
    check_name("name", name)
    restrictions = restrictions.checked(rt.catalog.models)
    if credit_limit is not None:
        check_bound("credit_limit", credit_limit)
    if expires_at is not None:
        _check_expiry(expires_at, now=rt.clock.now())
    async with rt.db.begin() as tx:
        owner = await get_lasting_member(tx, team, member, actor)
        actor.require_keys_of(owner.id, owner.role)
        key_id = await _new_key_id(tx, once)
        await _require_no_more(
            rt, tx, actor, owner.id, account_id=None, expires_at=expires_at,
            restrictions=restrictions,
        )  # fmt: skip
        return await issue(
            tx, key_id, owner.id, name, expires_at, f"{owner.team_name}/{owner.name}", actor,
            credit_limit=credit_limit, credit_period=credit_period,
            restrictions=restrictions,
        )  # fmt: skip


async def limit_key(
    rt: Runtime,
    given: UUID | str,
    *,
    credit_limit: int | None = None,
    unlimited: bool = False,
    credit_period: Period | None = None,
    restrict: Callable[[Restrictions], Restrictions] | None = None,
    actor: Actor,
) -> Key:
    """Changes what is given and keeps the rest; `unlimited` removes the credit limit, `restrict`
    says what the key's restrictions become. The key after the change. Raises what `revoke_key`
    raises."""
    if credit_limit is not None:
        check_bound("credit_limit", credit_limit)
    async with rt.db.begin() as tx:
        key, owner = await lock_key(tx, given, actor)
        restrictions = key.restrictions if restrict is None else restrict(key.restrictions)
        restrictions = restrictions.checked(rt.catalog.models)
        raises = raises_credits(
            key.credit_limit, key.credit_period,
            None if unlimited else key.credit_limit if credit_limit is None else credit_limit,
            credit_period or key.credit_period,
        )  # fmt: skip
        calling = None
        if raises or not key.restrictions.allows(restrictions):
            calling = await require_raise(tx, owner, actor)
        if unlimited or credit_limit is not None:
            await api_keys.set_credit_limit(tx, key.account_id, credit_limit=credit_limit)
        if credit_period not in (None, key.credit_period):
            await accounts.set_period(tx, AccountKind.KEY, key.account_id, credit_period)
        await notices.add_due(
            tx, [key.account_id], percents=rt.settings.notice_percents, now=rt.clock.for_database()
        )
        if restrictions != key.restrictions:
            if actor.caller is not None and actor.is_member(owner.id):
                calling = calling or await api_keys.get_key(tx, actor.caller.key_id)
                _require_within(calling, restrictions)
            await api_keys.restrict(tx, key.account_id, restrictions)
        await audit.record(
            tx, actor.name, "key.limit", f"{key.team_name}/{key.member_name}", key=key.prefix,
            credit_limit=credit_limit, unlimited=unlimited or None,
            credit_period=credit_period and credit_period.value, reason=actor.reason,
            **_differing(restrictions, key.restrictions), team_id=key.team_id,
        )  # fmt: skip
        return await api_keys.get_key(tx, key.id)


async def require_raise(tx: Tx, owner: Member, actor: Actor) -> Key | None:
    """Whether the actor may raise the credit limit of a key of this member. Returns the key that it
    calls with. Raises `Forbidden` and `InvalidRequest`."""
    calling = None
    if actor.caller is not None:
        calling = await api_keys.get_key(tx, actor.caller.key_id)
    limited = calling is not None and calling.credit_limit is not None
    actor.require_raise(owner.id, limited=limited)
    return calling


async def rotate_key(
    rt: Runtime,
    given: UUID | str,
    *,
    overlap_seconds: float,
    once: Repeat | None = None,
    actor: Actor,
) -> IssuedKey:
    """A new key for the same member, which expires at the same time and goes on in the same
    account. The old one works for `overlap_seconds` more. Raises what `revoke_key` raises,
    `InvalidRequest` if the key has expired, and `KeyAlreadyMade` for a repetition."""
    async with rt.db.begin() as tx:
        # First, since the key that was replaced may have ended by now.
        key_id = await _new_key_id(tx, once)
        old, owner = await lock_key(tx, given, actor)
        if old.expires_at is not None and old.expires_at <= rt.clock.now():
            raise InvalidRequest(f"Key {old.shown} has expired; make another for its member.")
        await _require_no_more(
            rt, tx, actor, owner.id, account_id=old.account_id, expires_at=old.expires_at,
            restrictions=old.restrictions,
        )  # fmt: skip
        subject = f"{old.team_name}/{old.member_name}"
        fresh = await issue(
            tx, key_id, old.member_id, old.name, old.expires_at, subject, actor,
            account_id=old.account_id, credit_limit=old.credit_limit,
            credit_period=old.credit_period, restrictions=old.restrictions,
        )  # fmt: skip
        await api_keys.end_key(tx, old.id, overlap_seconds=overlap_seconds)
        await audit.record(
            tx, actor.name, "key.rotate", subject, old=old.prefix, new=fresh.key.prefix,
            reason=actor.reason, team_id=old.team_id,
        )  # fmt: skip
        return fresh


async def revoke_key(
    rt: Runtime, given: UUID | str, *, compromised: bool = False, actor: Actor
) -> Revoked:
    """The key stops working now. `given` is the key itself, or its beginning, also with the dots
    that `key list` shows. It may be a secret, so no error repeats it.

    Webhook endpoints, shares and the callback secret are the member's and stay. If the key is
    `compromised`, those that were made with it are disabled or end, and the secret, which it could
    read, is replaced. Raises `NotFound`, and `InvalidRequest` if it matches several keys or is
    revoked already.
    """
    async with rt.db.begin() as tx:
        key = await find_key(tx, given, actor)
        owner = await managed_member(tx, key.team_id, key.member_id, actor)
        actor.require_keys_of(owner.id, owner.role)
        await api_keys.end_key(tx, key.id, overlap_seconds=0)
        return await _revoked(tx, key, actor, compromised=compromised)


async def revoke_keys(
    rt: Runtime,
    team: UUID | str,
    member: UUID | str,
    *,
    compromised: bool = False,
    actor: Actor,
) -> list[Revoked]:
    """All keys of a member that are not revoked, each as `revoke_key` does. Raises `Forbidden` and
    `NotFound`."""
    async with rt.db.begin() as tx:
        owner = await managed_member(tx, team, member, actor)
        actor.require_keys_of(owner.id, owner.role)
        await members.lock_admission(tx, [owner.id])
        revoked = []
        for key in await api_keys.list_keys(tx, member_id=owner.id):
            if key.revoked_at is None:
                await api_keys.end_key(tx, key.id, overlap_seconds=0)
                revoked.append(await _revoked(tx, key, actor, compromised=compromised))
        return revoked


async def _revoked(tx: Tx, key: Key, actor: Actor, *, compromised: bool) -> Revoked:
    endpoints = await webhook_endpoints.enabled_of_key(tx, key.id)
    ended: list[UUID] = []
    if compromised:
        ended = await shares.end_of_key(tx, key.id)
        for endpoint_id in endpoints:
            await webhook_endpoints.disable(
                tx, endpoint_id, reason="owner" if actor.is_member(key.member_id) else "operator"
            )
        await members.rotate_callback_seed(tx, key.member_id, seed=make_seed(), previous_until=None)
    await audit.record(
        tx, actor.name, "key.revoke", f"{key.team_name}/{key.member_name}", key=key.prefix,
        compromised=compromised or None,
        disabled=[str(one) for one in endpoints] if compromised else None,
        revoked_shares=[str(one) for one in ended] or None, reason=actor.reason,
        team_id=key.team_id,
    )  # fmt: skip
    return Revoked(key=await api_keys.get_key(tx, key.id), endpoints=tuple(endpoints))


async def _require_no_more(
    rt: Runtime,
    tx: Tx,
    actor: Actor,
    member_id: UUID,
    *,
    account_id: UUID | None,
    expires_at: datetime | None,
    restrictions: Restrictions,
) -> None:
    """Lets the key of a request make another one only while it is valid: whoever revokes it waits
    for this transaction, or this one is refused. For its own member it makes none that may spend
    more, in another account, or that lasts longer. Raises `Unauthenticated` and `Forbidden`."""
    if actor.caller is None:
        return
    if not await api_keys.lock_valid_key(tx, actor.caller.key_id, now=rt.clock.for_database()):
        raise Unauthenticated()
    if not actor.is_member(member_id):
        return
    calling = await api_keys.get_key(tx, actor.caller.key_id)
    if calling.credit_limit is not None and account_id != calling.account_id:
        raise Forbidden("A key with a credit limit makes no other key; it can only be rotated.")
    until = calling.expires_at
    if until is not None and (expires_at is None or expires_at > until):
        raise Forbidden(
            f"A key that expires makes none that lasts longer: until {until.isoformat()} at most."
        )
    _require_within(calling, restrictions)


def _require_within(calling: Key, restrictions: Restrictions) -> None:
    if not calling.restrictions.allows(restrictions):
        raise Forbidden(
            "A key makes none that may do more than itself: its scopes, models, addresses, rate "
            "and max_open are as `GET /api/v1/me` shows them."
        )


def _check_expiry(expires_at: datetime, *, now: datetime) -> None:
    if not now < expires_at <= now + _LONGEST:
        past = expires_at <= now
        message = "must be in the future" if past else "must be within a hundred years, or never"
        raise InvalidRequest(issues=[Issue("expires_at", "value", message, expires_at.isoformat())])


async def _new_key_id(tx: Tx, once: Repeat | None) -> UUID:
    """Raises `KeyAlreadyMade` for a repetition."""
    key_id = uuid4()
    if (made := await repeats.earlier(tx, once, key_id)) is not None:
        raise KeyAlreadyMade(
            f"This Idempotency-Key made the key {made}, whose secret is not shown again: rotate "
            "it if you do not have the secret.",
            extra={"key_id": str(made)},
        )
    return key_id


async def issue(
    tx: Tx,
    key_id: UUID,
    member_id: UUID,
    name: str,
    expires_at: datetime | None,
    subject: str,
    actor: Actor,
    *,
    account_id: UUID | None = None,
    credit_limit: int | None,
    credit_period: Period,
    restrictions: Restrictions,
) -> IssuedKey:
    """Nobody asks whether the actor may: the caller has, and holds the member's admission lock."""
    key = make_key()
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
        restrictions=restrictions,
    )
    issued = await api_keys.get_key(tx, key_id)
    await audit.record(
        tx, actor.name, "key.create", subject, key=key.prefix, name=name, credit_limit=credit_limit,
        credit_period=credit_period.value if credit_limit is not None else None,
        reason=actor.reason,
        **_differing(restrictions, UNRESTRICTED), team_id=issued.team_id,
    )  # fmt: skip
    return IssuedKey(key=issued, secret=key.secret)


def _differing(restrictions: Restrictions, before: Restrictions) -> dict[str, object]:
    """What is another than before, for the audit log."""
    old, new = asdict(before), asdict(restrictions)
    return {name: value for name, value in new.items() if value != old[name]}
