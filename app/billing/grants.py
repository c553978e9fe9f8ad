"""Grants credits to the account of a key, a member or a team, each with an audit line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from app.db import audit, grants, repeats
from app.db.api_keys import Key
from app.db.grants import Grant
from app.db.members import Member
from app.db.repeats import Repeat
from app.db.session import Tx
from app.domain.accounts import AccountKind, Period
from app.domain.authority import Actor
from app.domain.caller import Caller
from app.domain.limits import BOUNDS
from app.errors import InvalidRequest, Issue
from app.members.keys import require_raise
from app.members.members import get_lasting_member, managed_member
from app.members.named_keys import find_key, lock_key, managed_key
from app.members.teams import managed_team, require_lasting
from app.runtime import Runtime

#: As many as a limit can be.
MAX_GRANT = BOUNDS["credit_limit"][1]
#: For longer, grant without an end.
_LONGEST = timedelta(days=36_600)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamAccount:
    team: UUID | str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberAccount:
    team: UUID | str
    member: UUID | str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAccount:
    """A key by its id; at the command line also by itself, or by its beginning."""

    key: UUID | str


AccountOf = TeamAccount | MemberAccount | KeyAccount


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitedAccount:
    """An account that is locked, with its limit. `subject` is whose it is, for the audit log."""

    id: UUID
    kind: AccountKind
    team_id: UUID
    subject: str
    key_prefix: str | None = None
    credit_limit: int | None
    credit_period: Period


async def give(
    rt: Runtime,
    account_of: AccountOf,
    *,
    credits_: int,
    ends_at: datetime | None = None,
    once: Repeat | None = None,
    actor: Actor,
) -> Grant:
    """Credits that the account may use beside its limit from now on, until `ends_at` or the end of
    its present period; for ever if there is neither. Whoever may raise its limit may do that.
    A repetition gets the grant that it made. Raises `Forbidden`, `NotFound`, and `InvalidRequest`,
    also without a reason, or for an account without a limit."""
    async with rt.db.begin() as tx:
        return await give_within(
            rt, tx, account_of, credits_=credits_, ends_at=ends_at, once=once, actor=actor
        )  # fmt: skip


async def give_within(
    rt: Runtime,
    tx: Tx,
    account_of: AccountOf,
    *,
    credits_: int,
    ends_at: datetime | None,
    once: Repeat | None = None,
    actor: Actor,
) -> Grant:
    """The same, in a transaction that does more."""
    check_credits(credits_)
    account = await _lock(tx, account_of, actor)
    actor.require_reason("to grant credits")
    grant_id = uuid4()
    if (made := await repeats.earlier(tx, once, grant_id)) is not None:
        return await grants.get_grant(tx, made)
    now, until = await checked_end(rt, tx, account, ends_at)
    await grants.add_grant(
        tx, grant_id, account_id=account.id, kind=account.kind, team_id=account.team_id,
        credits_=credits_, reason=actor.reason or "", actor=actor.name, created_at=now,
        ends_at=until,
    )  # fmt: skip
    await audit.record(
        tx, actor.name, "grant.give", account.subject, account=account.kind.value,
        key=account.key_prefix, credits=credits_, ends_at=until and until.isoformat(),
        reason=actor.reason, team_id=account.team_id,
    )  # fmt: skip
    return await grants.get_grant(tx, grant_id)


def check_credits(credits_: int) -> None:
    """Raises `InvalidRequest`."""
    if not 1 <= credits_ <= MAX_GRANT:
        raise _invalid("credits", f"must be from 1 to {MAX_GRANT}", credits_)


async def checked_end(
    rt: Runtime, tx: Tx, account: LimitedAccount, ends_at: datetime | None
) -> tuple[datetime, datetime | None]:
    """The present instant, and when a grant to the account ends; None: never. Raises
    `InvalidRequest`, also for an account without a limit."""
    if account.credit_limit is None:
        raise InvalidRequest(
            f"This {account.kind.value} has no credit limit of its own: a grant would add "
            "nothing. Grant credits to the account whose limit refuses, or set a limit first."
        )
    now, period_ends_at = await grants.present_period(
        tx, account.team_id, account.credit_period, now=rt.clock.for_database()
    )
    if ends_at is not None:
        _check_end(ends_at, now=now, period_ends_at=period_ends_at)
    return now, ends_at or period_ends_at


async def list_grants(
    rt: Runtime,
    account_of: AccountOf,
    *,
    actor: Actor,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Grant]:
    """Of one account, oldest first, also those that have ended. Raises `Forbidden` and
    `NotFound`."""
    async with rt.db.single() as tx:
        account_id = await _account_id(tx, account_of, actor)
        return await grants.list_grants(tx, account_id=account_id, after=after, limit=limit)


async def _account_id(tx: Tx, account_of: AccountOf, actor: Actor) -> UUID:
    match account_of:
        case TeamAccount(team=team):
            return (await managed_team(tx, team, actor)).id
        case MemberAccount(team=team, member=member):
            return (await managed_member(tx, team, member, actor)).id
        case KeyAccount(key=UUID() as key):
            return (await managed_key(tx, key, actor)).account_id
        case KeyAccount(key=key):
            return (await find_key(tx, key, actor)).account_id


async def _lock(tx: Tx, account_of: AccountOf, actor: Actor) -> LimitedAccount:
    """The account, for whom may raise its limit; who has it does not end before this
    transaction."""
    match account_of:
        case TeamAccount(team=named):
            team = await managed_team(tx, named, actor)
            actor.require_operator()
            await require_lasting(tx, team)
            return LimitedAccount(
                id=team.id, kind=AccountKind.TEAM, team_id=team.id, subject=team.name,
                credit_limit=team.credit_limit, credit_period=team.credit_period,
            )  # fmt: skip
        case MemberAccount(team=of_team, member=named):
            member = await get_lasting_member(tx, of_team, named, actor)
            actor.require_above(member.id, member.role)
            return _of_member(member)
        case KeyAccount(key=named):
            key, owner = await lock_key(tx, named, actor)
            await require_raise(tx, owner, actor)
            return _of_key(key)


async def own_account(tx: Tx, caller: Caller, key_id: UUID | None, actor: Actor) -> LimitedAccount:
    """The caller's account, or that of a key of its. Raises `NotFound` and `InvalidRequest`."""
    if key_id is None:
        return _of_member(
            await get_lasting_member(tx, caller.team_id, caller.member_id, actor)
        )  # fmt: skip
    key, _ = await lock_key(tx, key_id, actor)
    return _of_key(key)


def _of_member(member: Member) -> LimitedAccount:
    return LimitedAccount(
        id=member.id, kind=AccountKind.MEMBER, team_id=member.team_id,
        subject=f"{member.team_name}/{member.name}", credit_limit=member.credit_limit,
        credit_period=member.credit_period,
    )  # fmt: skip


def _of_key(key: Key) -> LimitedAccount:
    return LimitedAccount(
        id=key.account_id, kind=AccountKind.KEY, team_id=key.team_id,
        subject=f"{key.team_name}/{key.member_name}", key_prefix=key.prefix,
        credit_limit=key.credit_limit, credit_period=key.credit_period,
    )  # fmt: skip


def _check_end(ends_at: datetime, *, now: datetime, period_ends_at: datetime | None) -> None:
    if ends_at <= now:
        raise _invalid("ends_at", "must be in the future", ends_at.isoformat())
    if period_ends_at is not None and ends_at > period_ends_at:
        last = period_ends_at.isoformat()
        raise _invalid(
            "ends_at", f"must be in the account's present period, which ends at {last}",
            ends_at.isoformat(),
        )  # fmt: skip
    if ends_at > now + _LONGEST:
        raise _invalid(
            "ends_at", "must be within a hundred years; leave it out for ever", ends_at.isoformat()
        )


def _invalid(field: str, message: str, value: object) -> InvalidRequest:
    return InvalidRequest(issues=[Issue(field, "value", message, value)])
