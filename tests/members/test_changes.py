"""Renaming teams and members, changing roles, and what the command line says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import processes
from app.cli.commands import cli
from app.domain.caller import Role
from app.errors import InvalidRequest, NotFound
from app.members import members, teams
from tests.harness.actors import TESTER
from tests.harness.gateway import TEAM, Gateway

Types = Callable[[str], tuple[int, str]]


@pytest.fixture
def types(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Types:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr(processes, "start_logging", lambda _: None)

    def run(command: str) -> tuple[int, str]:
        ran = CliRunner().invoke(cli, command.split())
        return ran.exit_code, " ".join(ran.output.replace("│", " ").split())

    return run


async def me(gate: Gateway, key: str) -> dict[str, object]:
    answer = await gate.http.get("/api/v1/me", headers={"API-KEY": key})
    assert answer.status_code == 200, answer.text
    known: dict[str, object] = answer.json()
    return known


async def test_a_key_knows_the_new_names(still_gate: Gateway) -> None:
    key = await still_gate.member()
    made = (await still_gate.create(key)).json()["aiRecord"]["uuid"]
    await members.rename_member(still_gate.rt, TEAM, "ada", new_name="grace", actor=TESTER)
    await teams.rename_team(still_gate.rt, TEAM, new_name="atelier", actor=TESTER)
    known = await me(still_gate, key)
    assert (known["name"], known["team"]["name"]) == ("grace", "atelier")  # type: ignore[index]
    found = await still_gate.http.get(f"/api/v1/generations/{made}", headers={"API-KEY": key})
    assert found.status_code == 200
    # The old names are free.
    await still_gate.member()


async def test_a_taken_name_is_refused(still_gate: Gateway) -> None:
    await still_gate.member()
    await still_gate.member("bob")
    await still_gate.member(team="atelier")
    with pytest.raises(InvalidRequest, match=f"Team {TEAM} has a member bob already"):
        await members.rename_member(still_gate.rt, TEAM, "ada", new_name="bob", actor=TESTER)
    with pytest.raises(InvalidRequest, match="There is a team atelier already"):
        await teams.rename_team(still_gate.rt, TEAM, new_name="atelier", actor=TESTER)


@pytest.mark.parametrize("name", ["", " ada", "ada\n", "x" * 101])
async def test_a_name_that_looks_like_another_is_refused(still_gate: Gateway, name: str) -> None:
    await still_gate.member()
    with pytest.raises(InvalidRequest, match="new_name: must have 1 to 100 printable"):
        await members.rename_member(still_gate.rt, TEAM, "ada", new_name=name, actor=TESTER)
    with pytest.raises(InvalidRequest, match="new_name: must have 1 to 100 printable"):
        await teams.rename_team(still_gate.rt, TEAM, new_name=name, actor=TESTER)


async def test_who_is_not_there_is_not_renamed(still_gate: Gateway) -> None:
    with pytest.raises(NotFound, match="no member ada in a team nowhere"):
        await members.rename_member(still_gate.rt, "nowhere", "ada", new_name="bob", actor=TESTER)
    with pytest.raises(NotFound, match="no team nowhere"):
        await teams.rename_team(still_gate.rt, "nowhere", new_name="x", actor=TESTER)


async def test_a_role_counts_from_the_next_request_on(still_gate: Gateway) -> None:
    key = await still_gate.member(team="default")
    for role, status in ((Role.ADMIN, 200), (Role.MEMBER, 403)):
        await members.change_member(still_gate.rt, "default", "ada", role=role, actor=TESTER)
        answer = await still_gate.http.get("/api/v1/admin/audit", headers={"API-KEY": key})
        assert answer.status_code == status
        assert (await me(still_gate, key))["role"] == role


async def test_others_are_told_who_may_operate(still_gate: Gateway) -> None:
    for key in (await still_gate.member("root", role=Role.ADMIN),
                await still_gate.member("ada", team="default")):  # fmt: skip
        answer = await still_gate.http.get("/api/v1/admin/pauses", headers={"API-KEY": key})
        assert (answer.status_code, answer.json()["detail"]) == (
            403,
            "Only administrators of the operators' team may do that: the team that "
            "REELGATE_OPERATOR_TEAM names.",
        )


def test_a_wrong_role_names_those_that_are_allowed(types: Types) -> None:
    code, said = types("member role ada boss --team studio")
    assert (code, "'boss' is not one of 'admin', 'member'" in said) == (2, True), said


def test_renaming_the_operators_team_says_which_setting_follows(types: Types) -> None:
    assert types("team create default")[0] == types("team create studio")[0] == 0
    assert types("team rename studio atelier") == (0, "Team studio is now atelier.")
    code, said = types("team rename default staff")
    assert (code, "Set REELGATE_OPERATOR_TEAM=staff" in said) == (0, True), said


def test_lists_show_what_has_ended(types: Types) -> None:
    for command in ("team create studio", "member create ada --team studio"):
        assert types(command)[0] == 0
    assert types("key create --team studio --member ada")[0] == 0
    ended = "Member ada of team studio has ended. Keys revoked: 1."
    assert types("member end ada --team studio --reason gone") == (0, ended)
    assert "studio ada MEMBER ENDED" in types("member list")[1]
    assert types("team end studio --reason gone") == (0, "Team studio has ended. Keys revoked: 0.")
    assert "studio ENDED 1" in types("team list")[1]
    code, said = types("key create --team studio --member ada")
    assert (code, said) == (1, "reelgate: Member ada of team studio has ended, which is for good: "
                               "create another one.")  # fmt: skip


def test_the_command_line_says_which_tags_a_team_requires(types: Types) -> None:
    assert types("team create studio")[0] == 0
    limit = "team limit studio --require-tag"
    assert types(f"{limit} cost_centre --require-tag project")[0] == 0
    assert types("team limit studio --retention-days 3")[0] == 0
    assert "3 cost_centre, project" in types("team list")[1]
    code, said = types(f"{limit} {'x' * 65}")
    assert (code, "--require-tag: a key must be at most 64 characters long" in said) == (1, True)
    assert types("team limit studio --require-no-tags")[0] == 0
    assert "cost_centre" not in types("team list")[1]
    code, said = types(f"{limit} a --require-no-tags")
    assert (code, "not both" in said) == (2, True)
    assert '"required_tags": ["cost_centre", "project"]' in types("audit")[1]


def test_the_command_line_grants_credits_and_shows_them(types: Types) -> None:
    for command in (
        "team create studio --credit-limit 7",
        "member create ada --team studio --credit-limit 7 --period month",
    ):
        assert types(command)[0] == 0
    key = types("key create --team studio --member ada --credit-limit 7")[1]
    give = "grant give --credits 5 --reason launch"
    assert types(f"{give} --team studio") == (0, "Granted 5 credits for good.")
    for whose in ("--team studio --member ada --days 0.0001", f"--key {key[:11]} --days 3"):
        code, said = types(f"{give} {whose}")
        assert (code, said.startswith("Granted 5 credits until 20")) == (0, True), said
    listed = types("grant list --team studio")[1]
    assert all(each in listed for each in ("team studio 5", "member studio ada 5")), listed
    assert f"key studio ada {key[:11]}… 5" in listed
    assert types("grant list --team other")[1].count("studio") == 0
    assert "1 7 5 none" in types("team list")[1]
    for wrong in ("", "--member ada", f"--team studio --key {key[:11]}"):
        code, said = types(f"{give} {wrong}")
        assert (code, "give --team, or --team and --member, or --key" in said) == (2, True), said
    code, said = types(f"{give} --team studio --days 0")
    assert (code, "--days must be more than 0" in said) == (2, True), said
