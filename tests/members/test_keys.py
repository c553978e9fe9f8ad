"""Naming, rotating and revoking keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app import processes
from app.cli.commands import cli
from app.db import api_keys
from app.db.api_keys import Key
from app.domain.caller import Role
from app.domain.limits import Limits
from app.errors import InvalidRequest, NotFound
from app.members import keys, members, teams
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, gateway
from tests.harness.traces import execute


async def listed(gate: Gateway, begins: str | None = None) -> list[Key]:
    async with gate.rt.db.single() as tx:
        return await api_keys.list_keys(tx, begins=begins)


@pytest.fixture
async def key(still_gate: Gateway) -> str:
    """One of two."""
    await still_gate.member("bob")
    return await still_gate.member()


GIVEN: dict[str, Callable[[str], str]] = {
    "whole": lambda key: key,
    "whole, pasted": lambda key: f" {key}\n",
    "prefix": lambda key: key[:11],
    "as listed": lambda key: f"{key[:11]}…",
    "as listed, in ASCII": lambda key: f"{key[:11]}...",
    "less": lambda key: key[:9],
    "cut": lambda key: key[:30],
}


@pytest.mark.parametrize("how", GIVEN)
async def test_a_key_is_revoked_however_it_is_named(
    still_gate: Gateway, key: str, how: str
) -> None:
    ended = await keys.revoke_key(still_gate.rt, GIVEN[how](key), actor=TESTER)
    assert (ended.key.member_name, ended.key.shown) == ("ada", f"{key[:11]}…")
    good = [one.member_name for one in await listed(still_gate) if one.revoked_at is None]
    assert good == ["bob"]


@pytest.mark.parametrize("given", ["", " ", "…", "rg_", "rg_…", "x", "rg_%", "rg________", "%"])
async def test_what_names_none_revokes_none(still_gate: Gateway, key: str, given: str) -> None:
    with pytest.raises((NotFound, InvalidRequest)):
        await keys.revoke_key(still_gate.rt, given, actor=TESTER)
    assert all(one.revoked_at is None for one in await listed(still_gate))


async def test_a_whole_key_has_to_be_right(still_gate: Gateway, key: str) -> None:
    wrong = key[:-1] + ("x" if key[-1] != "x" else "y")
    with pytest.raises(NotFound) as refused:
        await keys.revoke_key(still_gate.rt, wrong, actor=TESTER)
    assert wrong not in refused.value.message
    assert wrong[:11] not in refused.value.message


async def test_what_names_several_names_them(still_gate: Gateway, key: str) -> None:
    await execute(
        still_gate, "UPDATE api_keys SET prefix = 'rg_same' || left(name, 0) || right(prefix, 4)"
    )
    one, other = await listed(still_gate)
    with pytest.raises(InvalidRequest) as refused:
        await keys.revoke_key(still_gate.rt, "rg_same…", actor=TESTER)
    assert refused.value.message.startswith("2 keys begin like that: ")
    for found in (one, other):
        named = f"{found.shown} ({TEAM}/{found.member_name}, test)"
        assert named in refused.value.message
    # The whole key is one of them.
    ended = await keys.revoke_key(still_gate.rt, key, actor=TESTER)
    assert ended.key.member_name == "ada"
    # And what was revoked is not meant.
    ended = await keys.revoke_key(still_gate.rt, "rg_same…", actor=TESTER)
    assert ended.key.member_name == "bob"
    with pytest.raises(InvalidRequest, match="revoked already"):
        await keys.revoke_key(still_gate.rt, key, actor=TESTER)


async def test_a_rotated_key_keeps_its_end(database_url: str, tmp_path: Path) -> None:
    clock = HandClock()
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        endless = await gate.member()
        end = clock.now() + timedelta(days=30)
        old = await keys.create_key(gate.rt, TEAM, "ada", name="ci", expires_at=end, actor=TESTER)
        new = await keys.rotate_key(gate.rt, old.secret, overlap_seconds=3600, actor=TESTER)
        (found,) = await listed(gate, new.key.prefix)
        assert (found.name, found.expires_at) == ("ci", end)
        new = await keys.rotate_key(gate.rt, endless, overlap_seconds=3600, actor=TESTER)
        (found,) = await listed(gate, new.key.prefix)
        assert found.expires_at is None


async def test_what_has_ended_is_not_rotated(database_url: str, tmp_path: Path) -> None:
    clock = HandClock()
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        revoked = await gate.member()
        await keys.revoke_key(gate.rt, revoked, actor=TESTER)
        end = clock.now() + timedelta(hours=1)
        expired = await keys.create_key(
            gate.rt, TEAM, "ada", name="ci", expires_at=end, actor=TESTER
        )
        clock.move(3600)
        for ended in (revoked, expired.secret):
            with pytest.raises(InvalidRequest):
                await keys.rotate_key(gate.rt, ended, overlap_seconds=60, actor=TESTER)
        assert len(await listed(gate)) == 2


@pytest.mark.parametrize("name", ["", " ", " x", "x ", "a\nb", "\u202ea", "x" * 101])
async def test_a_name_can_be_told_from_another(still_gate: Gateway, name: str) -> None:
    await still_gate.member()
    rt = still_gate.rt
    with pytest.raises(InvalidRequest):
        await teams.create_team(rt, name, credit_limit=None, actor=TESTER)
    with pytest.raises(InvalidRequest):
        await members.create_member(rt, TEAM, name, role=Role.MEMBER, limits=Limits(), actor=TESTER)
    with pytest.raises(InvalidRequest):
        await keys.create_key(rt, TEAM, "ada", name=name, actor=TESTER)


async def test_a_key_ends_in_the_future(still_gate: Gateway) -> None:
    await still_gate.member()
    with pytest.raises(InvalidRequest, match="in the future"):
        await keys.create_key(
            still_gate.rt, TEAM, "ada", name="x", actor=TESTER,
            expires_at=datetime.now(UTC) - timedelta(seconds=1),
        )  # fmt: skip


OF_ADA = ("--team", TEAM, "--member", "ada")


class CommandLine:
    def types(self, *words: str) -> tuple[int, str]:
        ran = CliRunner().invoke(cli, words)
        return ran.exit_code, ran.output


@pytest.fixture
def operator(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr(processes, "start_logging", lambda _: None)
    return CommandLine()


@pytest.fixture
def secret(operator: CommandLine) -> str:
    assert operator.types("team", "create", TEAM)[0] == 0
    assert operator.types("member", "create", "ada", "--team", TEAM)[0] == 0
    code, printed = operator.types(
        "key", "create", "--team", TEAM, "--member", "ada", "--days", "30"
    )
    assert code == 0
    return printed.strip()


def test_no_command_repeats_a_key(operator: CommandLine, secret: str) -> None:
    wrong = secret[:-1] + ("x" if secret[-1] != "x" else "y")
    code, printed = operator.types("key", "revoke", wrong)
    assert (code, secret[3:] in printed, wrong[3:] in printed) == (1, False, False)
    code, printed = operator.types("key", "rotate", secret)
    assert (code, secret[11:] in printed) == (0, False)
    code, printed = operator.types("key", "revoke", secret)
    assert code == 0
    assert printed == f"Key {secret[:11]}… of {TEAM}/ada is revoked.\n"
    code, printed = operator.types("key", "revoke", secret)
    assert (code, secret[11:] in printed) == (1, False)


def test_the_list_is_that_of_one_team(operator: CommandLine, secret: str) -> None:
    everybodys = operator.types("key", "list")[1]
    assert secret[:11] in everybodys
    assert operator.types("key", "list", "--team", TEAM)[1] == everybodys
    assert secret[:11] not in operator.types("key", "list", "--team", "another")[1]


@pytest.mark.parametrize("days", ["0", "-1", "nan", "inf", "1e9"])
def test_days_are_some(operator: CommandLine, secret: str, days: str) -> None:
    code, printed = operator.types(
        "key", "create", "--team", TEAM, "--member", "ada", "--days", days
    )
    assert code == 2, printed
    assert "--days" in printed
    assert len(operator.types("key", "list")[1].splitlines()) == 2


@pytest.mark.parametrize(
    ("limit", "value"),
    [("credit_limit", -1), ("credit_limit", 10**15 + 1), ("rate_per_minute", 0),
     ("rate_burst", 0), ("max_open", 0), ("max_open", 10**12)],
)  # fmt: skip
async def test_a_limit_is_one_that_can_be_kept(still_gate: Gateway, limit: str, value: Any) -> None:
    await still_gate.member()
    rt = still_gate.rt
    for act in (
        members.create_member(
            rt, TEAM, "bob", role=Role.MEMBER, limits=Limits(**{limit: value}), actor=TESTER
        ),
        members.change_member(rt, TEAM, "ada", limits=Limits(**{limit: value}), actor=TESTER),
    ):
        with pytest.raises(InvalidRequest, match=rf"{limit}: must be from .* \(got {value}\)"):
            await act


async def test_a_member_has_the_defaults_but_for_what_is_given(still_gate: Gateway) -> None:
    await still_gate.member(max_open=3)
    changed = await members.change_member(
        still_gate.rt, TEAM, "ada", limits=Limits(credit_limit=0), actor=TESTER
    )
    defaults = still_gate.rt.settings
    assert (changed.credit_limit, changed.max_open) == (0, 3)
    assert changed.rate_per_minute == defaults.member_rate_per_minute
    assert changed.rate_burst == defaults.member_rate_burst
