"""Creates, rotates and revokes keys of members, each with an audit line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from app.db import accounts, api_keys, audit, members, notices, webhook_endpoints
from app.db.api_keys import Key
from app.db.members import Member
from app.db.session import Tx
from app.domain.accounts import AccountKind, Period
from app.domain.authority import Actor
from app.domain.keys import UNRESTRICTED, Restrictions
from app.domain.limits import check_bound, raises_credits
from app.errors import Forbidden, InvalidRequest, Issue, NotFound, Unauthenticated
from app.members.members import get_lasting_member, managed_member
from app.members.names import check_name
from app.runtime import Runtime
from app.secrets import digest_of, make_key, make_seed, prefix_of, shown_of

#: Every key begins with `rg_`, so at least one more character is needed.
_LEAST = len("rg_") + 1
#: For longer, a key lasts for ever.
_LONGEST = timedelta(days=36_600)
#: How many keys an error about an ambiguous prefix lists: there could be thousands.
_NAMED = 10


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
    actor: Actor,
) -> IssuedKey:
    """The new key; it can never be shown again. A key makes none of its own member that may do more
    than itself. Raises `Forbidden`, `NotFound`, `InvalidRequest`."""
    check_name("name", name)
    restrictions = restrictions.checked()
    if credit_limit is not None:
        check_bound("credit_limit", credit_limit)
    if expires_at is not None:
        _check_expiry(expires_at, now=rt.clock.now())
    async with rt.db.begin() as tx:
        owner = await get_lasting_member(tx, team, member, actor)
        actor.require_keys_of(owner.id, owner.role)
        await _require_no_more(
            rt, tx, actor, owner.id, account_id=None, expires_at=expires_at,
            restrictions=restrictions,
        )  # fmt: skip
        return await _issue(
            tx, owner.id, name, expires_at, f"{owner.team_name}/{owner.name}", actor,
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
        restrictions = restrictions.checked()
        raises = raises_credits(
            key.credit_limit, key.credit_period,
            None if unlimited else key.credit_limit if credit_limit is None else credit_limit,
            credit_period or key.credit_period,
        )  # fmt: skip
        if raises or not key.restrictions.allows(restrictions):
            await require_raise(tx, owner, actor)
        if unlimited or credit_limit is not None:
            await api_keys.set_credit_limit(tx, key.account_id, credit_limit=credit_limit)
        if credit_period not in (None, key.credit_period):
            await accounts.set_period(tx, AccountKind.KEY, key.account_id, credit_period)
        await notices.add_due(
            tx, [key.account_id], percents=rt.settings.notice_percents, now=rt.clock.for_database()
        )
        if restrictions != key.restrictions:
            if actor.caller is not None and actor.is_member(owner.id):
                _require_within(await api_keys.get_key(tx, actor.caller.key_id), restrictions)
            await api_keys.restrict(tx, key.account_id, restrictions)
        await audit.record(
            tx, actor.name, "key.limit", f"{key.team_name}/{key.member_name}", key=key.prefix,
            credit_limit=credit_limit, unlimited=unlimited or None,
            credit_period=credit_period and credit_period.value, reason=actor.reason,
            **_differing(restrictions, key.restrictions),
        )  # fmt: skip
        return await api_keys.get_key(tx, key.id)


async def require_raise(tx: Tx, owner: Member, actor: Actor) -> None:
    """Whether the actor may raise the credit limit of a key of this member. Raises `Forbidden` and
    `InvalidRequest`."""
    calling = actor.caller and await api_keys.get_key(tx, actor.caller.key_id)
    limited = calling is not None and calling.credit_limit is not None
    actor.require_raise(owner.id, limited=limited)


async def rotate_key(
    rt: Runtime, given: UUID | str, *, overlap_seconds: float, actor: Actor
) -> IssuedKey:
    """A new key for the same member, which expires at the same time and goes on in the same
    account. The old one works for `overlap_seconds` more. Raises what `revoke_key` raises, and
    `InvalidRequest` if the key has expired."""
    async with rt.db.begin() as tx:
        old, owner = await lock_key(tx, given, actor)
        if old.expires_at is not None and old.expires_at <= rt.clock.now():
            raise InvalidRequest(f"Key {old.shown} has expired; make another for its member.")
        await _require_no_more(
            rt, tx, actor, owner.id, account_id=old.account_id, expires_at=old.expires_at,
            restrictions=old.restrictions,
        )  # fmt: skip
        subject = f"{old.team_name}/{old.member_name}"
        fresh = await _issue(
            tx, old.member_id, old.name, old.expires_at, subject, actor,
            account_id=old.account_id, credit_limit=old.credit_limit,
            credit_period=old.credit_period, restrictions=old.restrictions,
        )  # fmt: skip
        await api_keys.end_key(tx, old.id, overlap_seconds=overlap_seconds)
        await audit.record(
            tx, actor.name, "key.rotate", subject, old=old.prefix, new=fresh.key.prefix,
            reason=actor.reason,
        )  # fmt: skip
        return fresh


async def revoke_key(
    rt: Runtime, given: UUID | str, *, compromised: bool = False, actor: Actor
) -> Revoked:
    """The key stops working now. `given` is the key itself, or its beginning, also with the dots
    that `key list` shows. It may be a secret, so no error repeats it.

    Webhook endpoints and the callback secret are the member's and stay. If the key is
    `compromised`, those that were set up with it are disabled, and the secret, which it could
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
    if compromised:
        for endpoint_id in endpoints:
            await webhook_endpoints.disable(
                tx, endpoint_id, reason="owner" if actor.is_member(key.member_id) else "operator"
            )
        await members.rotate_callback_seed(tx, key.member_id, seed=make_seed(), previous_until=None)
    await audit.record(
        tx, actor.name, "key.revoke", f"{key.team_name}/{key.member_name}", key=key.prefix,
        compromised=compromised or None,
        disabled=[str(one) for one in endpoints] if compromised else None, reason=actor.reason,
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
        raise InvalidRequest(
            "A key must expire in the future." if past else f"expires_at {message}.",
            issues=[Issue("expires_at", "value", message, expires_at.isoformat())],
        )


async def _issue(
    tx: Tx,
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
        restrictions=restrictions,
    )
    await audit.record(
        tx, actor.name, "key.create", subject, key=key.prefix, name=name, credit_limit=credit_limit,
        credit_period=credit_period.value if credit_limit is not None else None,
        reason=actor.reason,
        **_differing(restrictions, UNRESTRICTED),
    )  # fmt: skip
    return IssuedKey(key=await api_keys.get_key(tx, key_id), secret=key.secret)


def _differing(restrictions: Restrictions, before: Restrictions) -> dict[str, object]:
    """What is another than before, for the audit log."""
    old, new = asdict(before), asdict(restrictions)
    return {name: value for name, value in new.items() if value != old[name]}


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
