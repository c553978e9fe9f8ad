"""Members ask for more credits; whoever may raise the limit grants them or refuses. Each deed has
an audit line, and an event that the member and the administrators of its team are told."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from uuid import UUID, uuid4

from app.billing import grants
from app.billing.grants import AccountOf, KeyAccount, MemberAccount
from app.db import audit, credit_requests, events
from app.db.faults import Conflict
from app.db.session import Tx
from app.domain.accounts import AccountKind
from app.domain.authority import Actor
from app.domain.caller import Caller
from app.domain.credit_requests import CreditRequest, RequestState
from app.domain.webhooks import WebhookEvent
from app.errors import NotFound, RequestConflict
from app.members.members import managed_member
from app.runtime import Runtime

#: The word of the audit log, and the event.
_ENDS = {
    RequestState.GRANTED: ("credit_request.grant", WebhookEvent.REQUEST_GRANTED),
    RequestState.REFUSED: ("credit_request.refuse", WebhookEvent.REQUEST_REFUSED),
    RequestState.WITHDRAWN: ("credit_request.withdraw", WebhookEvent.REQUEST_WITHDRAWN),
}


async def open_request(
    rt: Runtime,
    caller: Caller,
    *,
    credits_: int,
    key_id: UUID | None = None,
    ends_at: datetime | None = None,
    actor: Actor,
) -> CreditRequest:
    """Asks for credits in the caller's own account, or in that of a key of its, until `ends_at` or
    the end of the account's present period. Raises `NotFound`, `RequestConflict`, and
    `InvalidRequest`, also without a reason, or for an account without a limit."""
    grants.check_credits(credits_)
    actor.require_reason("to ask for credits")
    request_id = uuid4()
    try:
        async with rt.db.begin() as tx:
            account = await grants.own_account(tx, caller, key_id, actor)
            now, _ = await grants.checked_end(rt, tx, account, ends_at)
            await credit_requests.add_request(
                tx, request_id, team_id=account.team_id, member_id=caller.member_id,
                account_id=account.id, kind=account.kind, credits_=credits_,
                reason=actor.reason or "", ends_at=ends_at, created_at=now,
            )  # fmt: skip
            await audit.record(
                tx, actor.name, "credit_request.open", account.subject, account=account.kind.value,
                key=account.key_prefix, credits=credits_, ends_at=ends_at and ends_at.isoformat(),
                request=str(request_id), reason=actor.reason, team_id=account.team_id,
            )  # fmt: skip
            return await _tell(rt, tx, request_id, WebhookEvent.REQUEST_OPENED)
    except Conflict:
        raise RequestConflict(
            "You have an open request for credits: withdraw it before you make another one."
        ) from None


async def get_own(rt: Runtime, caller: Caller, request_id: UUID) -> CreditRequest:
    """Raises `NotFound`."""
    async with rt.db.single() as tx:
        return _own(await credit_requests.find_request(tx, request_id), caller, request_id)


async def withdraw(rt: Runtime, caller: Caller, request_id: UUID, *, actor: Actor) -> CreditRequest:
    """Raises `NotFound` and `RequestConflict`."""
    async with rt.db.begin() as tx:
        found = await credit_requests.lock_request(tx, request_id)
        request = _open(_own(found, caller, request_id))
        return await _end(rt, tx, request, RequestState.WITHDRAWN, actor=actor)


async def list_managed(
    rt: Runtime,
    *,
    actor: Actor,
    state: RequestState | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[CreditRequest]:
    """Those of the teams that the actor manages, newest first. Raises `Forbidden`."""
    actor.require_manager()
    own = None if actor.unbound or actor.caller is None else actor.caller.team_id
    async with rt.db.single() as tx:
        return await credit_requests.list_requests(
            tx, team_id=own, state=state, after=after, limit=limit
        )


async def get_managed(rt: Runtime, request_id: UUID, *, actor: Actor) -> CreditRequest:
    """Raises `Forbidden` and `NotFound`."""
    actor.require_manager()
    async with rt.db.single() as tx:
        return _managed(await credit_requests.find_request(tx, request_id), actor, request_id)


async def grant(
    rt: Runtime,
    request_id: UUID,
    *,
    credits_: int | None = None,
    ends_at: datetime | None = None,
    whole_period: bool = False,
    actor: Actor,
) -> CreditRequest:
    """Grants what was asked for, or so many credits until `ends_at`; `whole_period`: until the
    present period of the account ends, whatever was asked for. Raises `Forbidden`, also to whoever
    asked, `NotFound`, `RequestConflict`, and `InvalidRequest`, also without a reason."""
    async with rt.db.begin() as tx:
        request = await _lock_decidable(tx, request_id, actor)
        until = None if whole_period else ends_at or request.ends_at
        given = await grants.give_within(
            rt, tx, _account_of(request), credits_=credits_ or request.credits, ends_at=until,
            actor=actor,
        )  # fmt: skip
        return await _end(
            rt, tx, request, RequestState.GRANTED, actor=actor, grant_id=given.id
        )  # fmt: skip


async def refuse(rt: Runtime, request_id: UUID, *, actor: Actor) -> CreditRequest:
    """Raises what `grant` raises."""
    async with rt.db.begin() as tx:
        request = await _lock_decidable(tx, request_id, actor)
        actor.require_reason("to refuse a request")
        return await _end(rt, tx, request, RequestState.REFUSED, actor=actor)


async def _lock_decidable(tx: Tx, request_id: UUID, actor: Actor) -> CreditRequest:
    actor.require_manager()
    found = await credit_requests.lock_request(tx, request_id)
    request = _managed(found, actor, request_id)
    member = await managed_member(tx, request.team_id, request.member_id, actor)
    actor.require_above(member.id, member.role)
    return _open(request)


def _managed(found: CreditRequest | None, actor: Actor, request_id: UUID) -> CreditRequest:
    if found is None or not actor.manages(found.team_id):
        raise NotFound(f"There is no request {request_id}.")
    return found


def _own(found: CreditRequest | None, caller: Caller, request_id: UUID) -> CreditRequest:
    if found is None or found.member_id != caller.member_id:
        raise NotFound(f"There is no request {request_id}.")
    return found


def _open(request: CreditRequest) -> CreditRequest:
    if request.state is not RequestState.OPEN:
        raise RequestConflict(f"Request {request.id} is {request.state.value} already.")
    return request


def _account_of(request: CreditRequest) -> AccountOf:
    if request.account is AccountKind.KEY and request.key_id is not None:
        return KeyAccount(key=request.key_id)
    return MemberAccount(team=request.team_id, member=request.member_id)


async def _end(
    rt: Runtime,
    tx: Tx,
    request: CreditRequest,
    state: RequestState,
    *,
    actor: Actor,
    grant_id: UUID | None = None,
) -> CreditRequest:
    action, event = _ENDS[state]
    await credit_requests.end_request(
        tx, request.id, state, decided_by=actor.name, decision=actor.reason, grant_id=grant_id,
        now=rt.clock.for_database(),
    )  # fmt: skip
    await audit.record(
        tx, actor.name, action, f"{request.team}/{request.member}", request=str(request.id),
        grant=grant_id and str(grant_id), reason=actor.reason, team_id=request.team_id,
    )  # fmt: skip
    return await _tell(rt, tx, request.id, event)


async def _tell(rt: Runtime, tx: Tx, request_id: UUID, event: WebhookEvent) -> CreditRequest:
    """Tells the member and its team's administrators how the request is now."""
    request = await credit_requests.find_request(tx, request_id)
    assert request is not None
    content = json.dumps(asdict(request), default=_plain)
    await events.tell(
        tx, event.value, team_id=request.team_id, member_id=request.member_id, content=content,
        now=rt.clock.for_database(),
    )  # fmt: skip
    return request


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
