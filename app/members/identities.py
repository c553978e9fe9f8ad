"""Whom an issuer of OpenID Connect has signed in becomes a member, with the team and the role that
its groups give now.

The person is (issuer, subject); a name or an e-mail address never makes two people one. A team or
a role that a group gave goes with the group, at the next sign-in; one that an operator gave, or
that is the default, stays. Each change has an audit line.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from app.db import audit, identities, members, sessions, sign_in_requests, teams
from app.db.identities import Identity
from app.db.session import Tx
from app.db.teams import Team
from app.domain.accounts import Period
from app.domain.authority import Actor
from app.domain.caller import Role, Status
from app.domain.issuers import Assignment, Issuer, Person, Refusal, assign
from app.domain.keys import UNRESTRICTED
from app.domain.limits import Limits
from app.members import keys
from app.members.members import default_limits
from app.runtime import Runtime
from app.secrets import digest_of

#: Of what tells members with the same name apart.
_MARK_CHARACTERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """Why the person is not signed in. `team_id` and `subject` are of the member, if there is
    one."""

    refusal: Refusal
    team_id: UUID | None = None
    subject: str | None = None


async def admit(
    rt: Runtime, tx: Tx, issuer: Issuer, person: Person, *, now: datetime | None
) -> UUID | Denied:
    """The key that a session of the person acts with. What was taken away, and that somebody waits,
    counts also where the person is not signed in: commit either."""
    await identities.lock_person(tx, person.issuer, person.subject)
    known = await identities.of_person(tx, person.issuer, person.subject, now=now)
    await members.lock_admission(tx, [each.member_id for each in known])
    known = await identities.of_person(tx, person.issuer, person.subject, now=now)
    given = assign(issuer.rules, person.groups)
    team = _team_of(issuer, given, known)
    for each in known:
        if each.grouped and (given is None or each.team_name != given.team):
            await _leave(tx, issuer, person, each, stays=each.team_name == team)
    if team is None:
        return await _wait(tx, person)
    own = next((each for each in known if each.team_name == team), None)
    if own is None:
        return await _first_time(rt, tx, issuer, person, team, given)
    return await _again(tx, issuer, person, own, given, now=now)


def _team_of(issuer: Issuer, given: Assignment | None, known: list[Identity]) -> str | None:
    if given is not None:
        return given.team
    lasting = next((each.team_name for each in known if each.lasting), None)
    return lasting or issuer.default_team


async def _first_time(
    rt: Runtime, tx: Tx, issuer: Issuer, person: Person, team: str, given: Assignment | None
) -> UUID | Denied:
    found = await teams.find_team(tx, team)
    if found is None or await teams.has_team_ended(tx, found.id):
        return Denied(refusal=Refusal.NO_TEAM)
    if found.status is not Status.ACTIVE:
        return Denied(refusal=Refusal.SUSPENDED, team_id=found.id, subject=found.name)
    role = Role.MEMBER if given is None else given.role
    actor = Actor(name=issuer.actor, reason=f"first sign-in at {issuer.name}")
    member_id, name = await new_member(rt, tx, found, person, role=role, actor=actor)
    await identities.link(
        tx, person.issuer, person.subject, team_id=found.id, member_id=member_id,
        lasting=given is None, grouped=given is not None,
    )  # fmt: skip
    await sign_in_requests.forget(tx, person.issuer, person.subject)
    return await _key(
        tx, issuer, person, team_id=found.id, member_id=member_id, subject=f"{found.name}/{name}"
    )


async def _again(
    tx: Tx,
    issuer: Issuer,
    person: Person,
    own: Identity,
    given: Assignment | None,
    *,
    now: datetime | None,
) -> UUID | Denied:
    if own.ended_at is not None or own.team_ended_at is not None:
        return Denied(refusal=Refusal.ENDED, team_id=own.team_id, subject=own.subject)
    if given is not None and given.role is not own.role:
        await _change(tx, issuer, own, "groups give this role", role=given.role)
    await identities.keep(
        tx, person.issuer, person.subject, own.team_id, lasting=own.lasting or given is None,
        grouped=given is not None,
    )  # fmt: skip
    if own.status is not Status.ACTIVE:
        if own.left_at is None:
            return Denied(refusal=Refusal.SUSPENDED, team_id=own.team_id, subject=own.subject)
        await _change(tx, issuer, own, "belongs to this team again", status=Status.ACTIVE)
    if own.team_status is not Status.ACTIVE:
        return Denied(refusal=Refusal.SUSPENDED, team_id=own.team_id, subject=own.subject)
    await sign_in_requests.forget(tx, person.issuer, person.subject)
    if own.key_id is None:
        return await _key(
            tx, issuer, person, team_id=own.team_id, member_id=own.member_id, subject=own.subject,
            now=now,
        )  # fmt: skip
    await identities.set_signed_in(
        tx, person.issuer, person.subject, own.team_id, key_id=own.key_id, now=now
    )
    return own.key_id


async def _leave(tx: Tx, issuer: Issuer, person: Person, one: Identity, *, stays: bool) -> None:
    """No group gives this team any more. Who is there for another reason stays, as a member."""
    if one.ended_at is None and one.role is Role.ADMIN:
        await _change(tx, issuer, one, "no group gives this role any more", role=Role.MEMBER)
    stays = (
        stays
        or one.lasting
        or await identities.is_wanted_otherwise(tx, one.member_id, person.issuer, person.subject)
    )
    left = not stays and one.ended_at is None and one.status is Status.ACTIVE
    if left:
        await _change(tx, issuer, one, "no group gives this team any more", status=Status.SUSPENDED)
    await identities.leave(tx, person.issuer, person.subject, one.team_id, left=left)


async def _change(
    tx: Tx,
    issuer: Issuer,
    one: Identity,
    reason: str,
    *,
    role: Role | None = None,
    status: Status | None = None,
) -> None:
    await members.update_member(tx, one.member_id, role=role, status=status, limits=Limits())
    if status is Status.SUSPENDED:
        await sessions.end_of_members(tx, [one.member_id])
    await audit.record(
        tx, issuer.actor, "member.change", one.subject, role=role and role.value,
        status=status and status.value, reason=reason, team_id=one.team_id,
    )  # fmt: skip


async def new_member(
    rt: Runtime, tx: Tx, team: Team, person: Person, *, role: Role, actor: Actor
) -> tuple[UUID, str]:
    """A member with the person's name, or one like it if that is taken, and the limits of every new
    member. The team does not end before this transaction."""
    member_id = uuid4()
    mark = digest_of(f"{person.issuer}\x00{person.subject}").hex()
    names = (person.name, *(f"{person.name}-{mark[:n]}" for n in (_MARK_CHARACTERS, 16)))
    for name in names:
        if await members.find_member(tx, team=team.id, name=name) is None:
            break
    else:
        # Somebody has taken all of them.
        name = f"{person.name[:40]}-{member_id.hex}"
    await members.create_member(
        tx, member_id, team_id=team.id, name=name, role=role, limits=default_limits(rt)
    )
    await audit.record(
        tx, actor.name, "member.create", f"{team.name}/{name}", role=role.value,
        reason=actor.reason, team_id=team.id,
    )  # fmt: skip
    return member_id, name


async def _key(
    tx: Tx,
    issuer: Issuer,
    person: Person,
    *,
    team_id: UUID,
    member_id: UUID,
    subject: str,
    now: datetime | None = None,
) -> UUID:
    made = await keys.issue(
        tx, uuid4(), member_id, f"sign-in: {issuer.name}", None, subject,
        Actor(name=issuer.actor, reason="what the sessions of this person act with"),
        credit_limit=None, credit_period=Period.NONE, restrictions=UNRESTRICTED,
    )  # fmt: skip
    await identities.set_signed_in(
        tx, person.issuer, person.subject, team_id, key_id=made.key.id, now=now
    )
    return made.key.id


async def _wait(tx: Tx, person: Person) -> Denied:
    request = await sign_in_requests.ask(tx, uuid4(), person)
    if request is None:
        return Denied(refusal=Refusal.TOO_MANY)
    refused = request.refused_at is not None
    return Denied(refusal=Refusal.NOT_ACCEPTED if refused else Refusal.WAITING)
