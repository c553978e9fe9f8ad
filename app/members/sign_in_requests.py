"""Operators decide about people who signed in at an issuer and belong to no team."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.db import audit, identities, sign_in_requests
from app.db.members import Member
from app.db.session import Tx
from app.db.sign_in_requests import SignInRequest
from app.domain.authority import Actor
from app.domain.caller import Role
from app.domain.issuers import Person
from app.errors import Forbidden, NotFound
from app.members.identities import new_member
from app.members.members import get_lasting_member, managed_member
from app.members.names import check_name
from app.members.teams import managed_team, require_lasting
from app.runtime import Runtime


async def list_requests(
    rt: Runtime,
    *,
    actor: Actor,
    refused: bool = False,
    after: tuple[datetime, UUID] | None = None,
    limit: int | None,
) -> list[SignInRequest]:
    """Oldest first. Raises `Forbidden`."""
    actor.require_operator()
    async with rt.db.single() as tx:
        return await sign_in_requests.list_requests(tx, refused=refused, after=after, limit=limit)


async def accept(
    rt: Runtime,
    request_id: UUID,
    *,
    team: UUID | str,
    member: UUID | str | None = None,
    name: str | None = None,
    role: Role = Role.MEMBER,
    actor: Actor,
) -> Member:
    """The person is a member of the team from now on: an existing one, or a new one with this
    `name`, or the one that the issuer says. A request that was refused can be accepted too. Raises
    `Forbidden`, `NotFound`, and `InvalidRequest` if the member or the team has ended."""
    actor.require_operator()
    if name is not None:
        check_name("name", name)
    async with rt.db.begin() as tx:
        found = await sign_in_requests.find_request(tx, request_id)
        if found is not None:
            # Before the request, as a sign-in does.
            await identities.lock_person(tx, found.issuer, found.subject)
        request = await _lock(tx, request_id)
        if member is None:
            owner = await managed_team(tx, team, actor)
            await require_lasting(tx, owner)
            person = Person(
                issuer=request.issuer, subject=request.subject, name=name or request.name
            )
            member_id, _ = await new_member(rt, tx, owner, person, role=role, actor=actor)
            accepted = await managed_member(tx, owner.id, member_id, actor)
        else:
            accepted = await get_lasting_member(tx, team, member, actor)
            if actor.is_member(accepted.id):
                raise Forbidden("Nobody lets another person sign in as themself.")
        await identities.link(
            tx, request.issuer, request.subject, team_id=accepted.team_id, member_id=accepted.id,
            lasting=True, grouped=False,
        )  # fmt: skip
        await sign_in_requests.delete(tx, request.id)
        await audit.record(
            tx, actor.name, "sign_in_request.accept", f"{accepted.team_name}/{accepted.name}",
            request=str(request.id), issuer=request.issuer, existing=member is not None or None,
            reason=actor.reason, team_id=accepted.team_id,
        )  # fmt: skip
        return accepted


async def refuse(rt: Runtime, request_id: UUID, *, actor: Actor) -> SignInRequest:
    """The person is told so at its next sign-in. Raises `Forbidden`, `NotFound`, and
    `InvalidRequest` without a reason."""
    actor.require_operator()
    actor.require_reason("to refuse a person")
    async with rt.db.begin() as tx:
        request = await _lock(tx, request_id)
        await sign_in_requests.refuse(tx, request.id, by=actor.name, reason=actor.reason)
        await audit.record(
            tx, actor.name, "sign_in_request.refuse", str(request.id), issuer=request.issuer,
            reason=actor.reason, team_id=None,
        )  # fmt: skip
        return await _lock(tx, request_id)


async def _lock(tx: Tx, request_id: UUID) -> SignInRequest:
    found = await sign_in_requests.lock_request(tx, request_id)
    if found is None:
        raise NotFound(f"There is no sign-in request {request_id}.")
    return found
