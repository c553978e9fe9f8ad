"""Whom an issuer signs in: which member that is, and what its groups give and take."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db import api_keys, sign_in_requests
from app.db.members import Member
from app.domain.caller import Caller, Role, Status
from app.domain.issuers import GroupRule, Issuer, Person, Refusal
from app.errors import Forbidden, InvalidRequest, NotFound
from app.members import identities, keys, members, teams
from app.members import sign_in_requests as requests
from app.members.identities import Denied
from tests.harness.actors import TESTER
from tests.harness.gateway import TEAM, Gateway

ISSUER = Issuer(
    id="id", issuer="https://id.example.com", name="Id", client_id="x",
    rules=(
        GroupRule(group="leads", team=TEAM, role=Role.ADMIN), GroupRule(group="artists", team=TEAM),
        GroupRule(group="others", team="other"),
    ),
)  # fmt: skip
OPEN = replace(ISSUER, default_team=TEAM)


def person(*groups: str, subject: str = "1", name: str = "ada", **more: Any) -> Person:
    return Person(
        issuer=ISSUER.issuer, subject=subject, name=name, groups=frozenset(groups), **more
    )


@pytest.fixture
async def site(still_gate: Gateway) -> Gateway:
    for team in (TEAM, "other"):
        await teams.create_team(still_gate.rt, team, credit_limit=9, actor=TESTER)
    return still_gate


async def admit(site: Gateway, who: Person, issuer: Issuer = ISSUER) -> Caller | Refusal:
    async with site.rt.db.begin() as tx:
        found = await identities.admit(site.rt, tx, issuer, who, now=None)
        if isinstance(found, Denied):
            return found.refusal
        caller = await api_keys.find_caller_of_key(tx, found)
        assert caller is not None
        return caller


async def admitted(site: Gateway, who: Person, issuer: Issuer = ISSUER) -> Caller:
    found = await admit(site, who, issuer)
    assert isinstance(found, Caller), found
    return found


async def member(site: Gateway, name: str = "ada", team: str = TEAM) -> Member:
    return await members.get_member(site.rt, team, name, actor=TESTER)


async def deeds(site: Gateway) -> list[tuple[str, str, Any]]:
    async with site.rt.db.single() as tx:
        rows = await tx.execute(
            text(
                "SELECT action, subject, coalesce(detail->>'role', detail->>'status') AS what"
                " FROM audit_log WHERE actor = 'oidc:id' ORDER BY id"
            )
        )
        return [tuple(row) for row in rows]


async def waiting(site: Gateway, **query: Any) -> list[UUID]:
    found = await requests.list_requests(site.rt, actor=TESTER, limit=None, **query)
    return [each.id for each in found]


async def test_a_first_sign_in_makes_a_member_of_the_group_s_team(site: Gateway) -> None:
    caller = await admitted(site, person("artists", "unheard-of"))
    made = await member(site)
    assert (caller.member_id, caller.actor, made.role) == (made.id, f"{TEAM}/ada", Role.MEMBER)
    settings = site.rt.settings
    assert (made.credit_limit, made.max_open) == (
        settings.member_credit_limit, settings.member_max_open,
    )  # fmt: skip
    again = await admitted(site, person("artists", name="renamed"))
    assert (again.key_id, again.member_id, again.name) == (caller.key_id, made.id, "ada")
    assert await deeds(site) == [
        ("member.create", f"{TEAM}/ada", "MEMBER"), ("key.create", f"{TEAM}/ada", None),
    ]  # fmt: skip


async def test_two_first_sign_ins_at_a_time_make_one_member(site: Gateway) -> None:
    callers = await asyncio.gather(*(admitted(site, person("leads")) for _ in range(5)))
    assert len({caller.member_id for caller in callers}) == 1
    assert len(await members.list_members(site.rt, TEAM, actor=TESTER, limit=9)) == 1


async def test_a_name_or_an_address_makes_no_two_people_one(site: Gateway) -> None:
    await site.member("ada")
    first = await admitted(site, person("artists", email="ada@example.com", email_verified=True))
    second = await admitted(
        site, person("artists", subject="2", email="ada@example.com", email_verified=True)
    )
    other = replace(ISSUER, id="two", issuer="https://two.example.com")
    same_subject = replace(person("artists"), issuer=other.issuer)
    third = await admitted(site, same_subject, other)
    found = [first, second, third]
    assert len({caller.member_id for caller in found}) == 3
    assert all(caller.name.startswith("ada-") for caller in found)


async def test_roles_come_and_go_with_groups(site: Gateway) -> None:
    assert (await admitted(site, person("artists"))).role is Role.MEMBER
    assert (await admitted(site, person("leads", "artists"))).role is Role.ADMIN
    assert (await admitted(site, person("artists"))).role is Role.MEMBER
    assert [what for action, _, what in await deeds(site) if action == "member.change"] == [
        "ADMIN", "MEMBER",
    ]  # fmt: skip


async def test_a_team_goes_with_its_last_group_and_comes_back_with_it(site: Gateway) -> None:
    caller = await admitted(site, person("leads"))
    assert await admit(site, person()) is Refusal.WAITING
    gone = await member(site)
    assert (gone.role, gone.status) == (Role.MEMBER, Status.SUSPENDED)
    assert await admit(site, person()) is Refusal.WAITING
    back = await admitted(site, person("artists"))
    assert (back.member_id, back.status) == (caller.member_id, Status.ACTIVE)
    assert await waiting(site) == []
    assert [what for action, _, what in await deeds(site) if action == "member.change"] == [
        "MEMBER", "SUSPENDED", "ACTIVE",
    ]  # fmt: skip


async def test_who_changes_teams_is_another_member(site: Gateway) -> None:
    before = await admitted(site, person("leads"))
    after = await admitted(site, person("others"))
    assert (after.team_name, after.role) == ("other", Role.MEMBER)
    assert after.member_id != before.member_id
    left = await member(site)
    assert (left.role, left.status) == (Role.MEMBER, Status.SUSPENDED)
    assert (await member(site, team="other")).status is Status.ACTIVE
    assert (await admitted(site, person("leads"))).member_id == before.member_id
    assert (await member(site, team="other")).status is Status.SUSPENDED


async def test_what_an_operator_suspends_no_group_brings_back(site: Gateway) -> None:
    await admitted(site, person("artists"))

    async def set_status(status: Status) -> None:
        await members.change_member(site.rt, TEAM, "ada", status=status, actor=TESTER)

    await set_status(Status.SUSPENDED)
    assert await admit(site, person("leads")) is Refusal.SUSPENDED
    await set_status(Status.ACTIVE)
    # It left, and then an operator decided.
    assert await admit(site, person()) is Refusal.WAITING
    await set_status(Status.SUSPENDED)
    assert await admit(site, person("artists")) is Refusal.SUSPENDED
    assert await admit(site, person("artists")) is Refusal.SUSPENDED
    assert (await member(site)).status is Status.SUSPENDED


async def test_without_a_group_the_default_team_stays(site: Gateway) -> None:
    caller = await admitted(site, person(), OPEN)
    assert (caller.team_name, caller.role) == (TEAM, Role.MEMBER)
    assert (await admitted(site, person("leads"), OPEN)).role is Role.ADMIN
    back = await admitted(site, person(), OPEN)
    assert (back.member_id, back.role, back.status) == (
        caller.member_id, Role.MEMBER, Status.ACTIVE,
    )  # fmt: skip
    # Also where a group gave it first.
    grouped = await admitted(site, person("leads", subject="2", name="bob"), OPEN)
    stays = await admitted(site, person(subject="2"), OPEN)
    assert (stays.member_id, stays.role, stays.status) == (
        grouped.member_id, Role.MEMBER, Status.ACTIVE,
    )  # fmt: skip


async def test_without_rules_operators_give_roles(site: Gateway) -> None:
    plain = replace(OPEN, rules=())
    await admitted(site, person(), plain)
    await members.change_member(site.rt, TEAM, "ada", role=Role.ADMIN, actor=TESTER)
    assert (await admitted(site, person(), plain)).role is Role.ADMIN


async def test_who_has_ended_is_not_made_anew(site: Gateway) -> None:
    await admitted(site, person("artists"))
    await members.end_member(site.rt, TEAM, "ada", actor=TESTER)
    assert await admit(site, person("leads")) is Refusal.ENDED
    await admitted(site, person("others"))
    await teams.end_team(site.rt, "other", actor=TESTER)
    assert await admit(site, person("others")) is Refusal.ENDED
    assert await admit(site, person("others", subject="2")) is Refusal.NO_TEAM
    nowhere = replace(ISSUER, default_team="nowhere")
    assert await admit(site, person(subject="2"), nowhere) is Refusal.NO_TEAM


async def test_a_suspended_team_signs_nobody_in(site: Gateway) -> None:
    await admitted(site, person("artists"))
    await teams.change_team(site.rt, TEAM, status=Status.SUSPENDED, actor=TESTER)
    assert await admit(site, person("artists")) is Refusal.SUSPENDED
    assert await admit(site, person("artists", subject="2")) is Refusal.SUSPENDED


async def test_a_revoked_key_is_replaced_at_the_next_sign_in(site: Gateway) -> None:
    before = await admitted(site, person("artists"))
    await keys.revoke_key(site.rt, before.key_prefix, actor=TESTER)
    after = await admitted(site, person("artists"))
    assert (after.member_id, after.key_id != before.key_id) == (before.member_id, True)
    assert (await admitted(site, person("artists"))).key_id == after.key_id


async def test_who_belongs_nowhere_waits_and_is_accepted(site: Gateway) -> None:
    for _ in range(2):
        assert await admit(site, person(email="a@example.com")) is Refusal.WAITING
    (request,) = await waiting(site)
    made = await requests.accept(site.rt, request, team=TEAM, actor=TESTER)
    assert (made.name, made.role) == ("ada", Role.MEMBER)
    assert await waiting(site) == []
    assert (await admitted(site, person())).member_id == made.id
    # What an operator gave lasts, whatever groups come and go.
    assert (await admitted(site, person("leads"))).role is Role.ADMIN
    back = await admitted(site, person())
    assert (back.member_id, back.role, back.status) == (made.id, Role.MEMBER, Status.ACTIVE)
    with pytest.raises(NotFound):
        await requests.accept(site.rt, request, team=TEAM, actor=TESTER)


async def test_a_person_is_accepted_as_a_member_that_there_is(site: Gateway) -> None:
    await site.member("grace")
    assert await admit(site, person()) is Refusal.WAITING
    (request,) = await waiting(site)
    linked = await requests.accept(site.rt, request, team=TEAM, member="grace", actor=TESTER)
    caller = await admitted(site, person())
    assert (caller.member_id, caller.name) == (linked.id, "grace")
    # Somebody else may be the same member, and does not suspend it by leaving.
    assert await admit(site, person(subject="2")) is Refusal.WAITING
    (other,) = await waiting(site)
    await requests.accept(site.rt, other, team=TEAM, member="grace", actor=TESTER)
    twice = await admitted(site, person(subject="2"))
    assert (twice.member_id, twice.key_id != caller.key_id) == (linked.id, True)


async def test_accepting_and_signing_in_at_a_time_wait_for_each_other(site: Gateway) -> None:
    for subject in map(str, range(5)):
        assert await admit(site, person(subject=subject)) is Refusal.WAITING
        (request,) = await waiting(site)
        found, _ = await asyncio.gather(
            admit(site, person(subject=subject)),
            requests.accept(site.rt, request, team=TEAM, actor=TESTER),
        )
        assert found is Refusal.WAITING or isinstance(found, Caller)
        await admitted(site, person(subject=subject))
        assert await waiting(site) == []


async def test_a_member_that_ended_is_nobody(site: Gateway) -> None:
    await site.member("grace")
    await members.end_member(site.rt, TEAM, "grace", actor=TESTER)
    assert await admit(site, person()) is Refusal.WAITING
    (request,) = await waiting(site)
    with pytest.raises(InvalidRequest, match="has ended"):
        await requests.accept(site.rt, request, team=TEAM, member="grace", actor=TESTER)
    await teams.end_team(site.rt, "other", actor=TESTER)
    with pytest.raises(InvalidRequest, match="has ended"):
        await requests.accept(site.rt, request, team="other", actor=TESTER)
    assert await waiting(site) == [request]


async def test_who_was_refused_is_told_and_can_still_be_accepted(site: Gateway) -> None:
    assert await admit(site, person()) is Refusal.WAITING
    (request,) = await waiting(site)
    with pytest.raises(InvalidRequest, match="reason"):
        await requests.refuse(site.rt, request, actor=TESTER.because(None))
    found = await requests.refuse(site.rt, request, actor=TESTER)
    assert (found.refused_by, found.refusal) == ("test", "a test")
    assert await admit(site, person()) is Refusal.NOT_ACCEPTED
    assert (await waiting(site), await waiting(site, refused=True)) == ([], [request])
    await requests.accept(site.rt, request, team=TEAM, actor=TESTER)
    await admitted(site, person())


async def test_only_so_many_wait(site: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_requests, "MOST_OPEN", 2)
    found = [await admit(site, person(subject=str(n))) for n in range(3)]
    assert found == [Refusal.WAITING, Refusal.WAITING, Refusal.TOO_MANY]
    assert await admit(site, person(subject="1")) is Refusal.WAITING
    first, _ = await waiting(site)
    await requests.refuse(site.rt, first, actor=TESTER)
    assert await admit(site, person(subject="9")) is Refusal.WAITING


async def test_an_operator_lets_nobody_else_be_itself(site: Gateway) -> None:
    await site.member("root", team="default", role=Role.ADMIN)
    assert await admit(site, person()) is Refusal.WAITING
    (request,) = await waiting(site)
    async with site.rt.db.single() as tx:
        own = await tx.scalar(
            text("SELECT k.id FROM api_keys k JOIN members m ON m.id = member_id"
                 " WHERE m.name = 'root'")
        )  # fmt: skip
        caller = await api_keys.find_caller_of_key(tx, own)
    assert caller is not None
    actor = TESTER.calling(caller, operator_team="default")
    with pytest.raises(Forbidden):
        await requests.accept(site.rt, request, team="default", member="root", actor=actor)
