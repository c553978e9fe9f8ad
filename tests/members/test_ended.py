"""Members and teams that have ended."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from app.db import members as rows
from app.db import teams as team_rows
from app.domain.caller import Role, Status
from app.domain.generation import State
from app.errors import GatewayError, InvalidRequest
from app.members import keys, members, teams
from tests.harness.actors import TESTER
from tests.harness.gateway import TEAM, Gateway


async def audited(gate: Gateway, action: str) -> list[tuple[str, list[str]]]:
    async with gate.rt.db.single() as tx:
        found = await tx.execute(
            text("SELECT subject, detail FROM audit_log WHERE action = :action"),
            {"action": action},
        )
        return [(row.subject, row.detail["keys"]) for row in found]


async def test_a_member_ends_with_all_its_keys(still_gate: Gateway) -> None:
    other = await still_gate.member("bob")
    first = await still_gate.member()
    second = (await keys.create_key(still_gate.rt, TEAM, "ada", name="2", actor=TESTER)).secret
    revoked = await members.end_member(still_gate.rt, TEAM, "ada", actor=TESTER)
    assert revoked == sorted([first[:11], second[:11]])
    assert await audited(still_gate, "member.end") == [(f"{TEAM}/ada", revoked)]
    for key in (first, second):
        assert (await still_gate.create(key)).status_code == 401
    assert (await still_gate.create(other)).status_code == 202


@pytest.mark.parametrize("what", ["member", "team"])
async def test_what_was_admitted_is_made(gate: Gateway, what: str) -> None:
    key = await gate.member()
    await gate.stop_workers()
    made = (await gate.create(key)).json()["aiRecord"]["uuid"]
    if what == "member":
        await members.end_member(gate.rt, TEAM, "ada", actor=TESTER)
    else:
        await teams.end_team(gate.rt, TEAM, actor=TESTER)
    gate.start_worker()
    generation = await gate.archived(made)
    assert generation.state is State.SUCCEEDED
    assert generation.settled


async def test_a_team_ends_with_all_its_members_and_no_others(still_gate: Gateway) -> None:
    ada, bob = await still_gate.member(), await still_gate.member("bob")
    other = await still_gate.member("ada", team="atelier")
    revoked = await teams.end_team(still_gate.rt, TEAM, actor=TESTER)
    assert revoked == sorted([ada[:11], bob[:11]])
    assert await audited(still_gate, "team.end") == [(TEAM, revoked)]
    for key in (ada, bob):
        assert (await still_gate.create(key)).status_code == 401
    assert (await still_gate.create(other)).status_code == 202
    async with still_gate.rt.db.single() as tx:
        lasting = [(m.team_name, m.name) for m in await rows.list_members(tx) if not m.ended_at]
        ended = [team.name for team in await team_rows.list_teams(tx) if team.ended_at]
    assert (lasting, ended) == ([("atelier", "ada")], [TEAM])


async def test_nothing_brings_a_member_back(still_gate: Gateway) -> None:
    rt, key = still_gate.rt, await still_gate.member()
    await still_gate.member("bob")
    await members.end_member(rt, TEAM, "ada", actor=TESTER)
    for change in (
        keys.create_key(rt, TEAM, "ada", name="new", actor=TESTER),
        members.change_member(rt, TEAM, "ada", status=Status.ACTIVE, actor=TESTER),
        members.change_member(rt, TEAM, "ada", role=Role.ADMIN, actor=TESTER),
        members.rename_member(rt, TEAM, "ada", new_name="grace", actor=TESTER),
        members.end_member(rt, TEAM, "ada", actor=TESTER),
    ):
        with pytest.raises(InvalidRequest, match=f"Member ada of team {TEAM} has ended"):
            await change
    with pytest.raises(InvalidRequest, match="revoked already"):
        await keys.rotate_key(rt, key, overlap_seconds=60, actor=TESTER)
    with pytest.raises(InvalidRequest, match=f"Team {TEAM} has a member ada already"):
        await still_gate.member()
    with pytest.raises(InvalidRequest, match=f"Team {TEAM} has a member ada already"):
        await members.rename_member(rt, TEAM, "bob", new_name="ada", actor=TESTER)


async def test_nothing_brings_a_team_back(still_gate: Gateway) -> None:
    rt = still_gate.rt
    await still_gate.member()
    await teams.end_team(rt, TEAM, actor=TESTER)
    for change in (
        still_gate.member("bob"),
        teams.change_team(rt, TEAM, status=Status.ACTIVE, actor=TESTER),
        teams.rename_team(rt, TEAM, new_name="atelier", actor=TESTER),
        teams.end_team(rt, TEAM, actor=TESTER),
    ):
        with pytest.raises(InvalidRequest, match=f"Team {TEAM} has ended"):
            await change
    with pytest.raises(InvalidRequest, match="Member ada of team"):
        await keys.create_key(rt, TEAM, "ada", name="new", actor=TESTER)
    # Its videos can still be deleted after some time.
    await teams.change_team(rt, TEAM, retention_days=1, actor=TESTER)


async def test_the_operators_team_does_not_end(still_gate: Gateway) -> None:
    key = await still_gate.member("root", team="default", role=Role.ADMIN)
    with pytest.raises(InvalidRequest, match="let REELGATE_OPERATOR_TEAM name another one"):
        await teams.end_team(still_gate.rt, "default", actor=TESTER)
    assert (await still_gate.create(key)).status_code == 202


@pytest.mark.parametrize("what", ["member", "team"])
async def test_no_key_is_made_beside_the_end(still_gate: Gateway, what: str) -> None:
    """Whoever comes first, no key is valid afterwards."""
    rt = still_gate.rt
    for number in range(5):
        team = f"team {number}"
        key = await still_gate.member(team=team)
        end = (
            members.end_member(rt, team, "ada", actor=TESTER)
            if what == "member"
            else teams.end_team(rt, team, actor=TESTER)
        )
        done = await asyncio.gather(
            keys.rotate_key(rt, key, overlap_seconds=60, actor=TESTER),
            end,
            keys.create_key(rt, team, "ada", name="new", actor=TESTER),
            return_exceptions=True,
        )
        assert not isinstance(done[1], BaseException), done
        assert all(isinstance(each, GatewayError) or not isinstance(each, BaseException)
                   for each in done), done  # fmt: skip
        async with rt.db.single() as tx:
            valid = await tx.scalar(text("SELECT count(*) FROM api_keys WHERE revoked_at IS NULL"))
        assert valid == 0
