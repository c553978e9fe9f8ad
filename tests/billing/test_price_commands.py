"""`reelgate prices`: set, list and withdraw at the command line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import processes
from app.cli.commands import cli

Types = Callable[..., tuple[int, str]]


@pytest.fixture
def types(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Types:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr(processes, "start_logging", lambda _: None)

    def run(*words: str) -> tuple[int, str]:
        ran = CliRunner().invoke(cli, ["--as", "grace", "prices", *words])
        return ran.exit_code, ran.output

    return run


def test_prices_are_set_listed_and_withdrawn(types: Types) -> None:
    why = ("--reason", "a new list")
    code, printed = types("set", "--model", "ray-v3", "--with", "duration=10s", "--with",
                          "loop=true", "--credits", "7", "--from", "2040-01-01T00:00:00+02:00",
                          *why)  # fmt: skip
    assert code == 0, printed
    assert "ray-v3, duration=10s, loop=true: 7 credits from 2039-12-31T22:00:00+00:00" in printed
    found = re.search(r"price ([0-9a-f-]{36})", printed)
    assert found is not None
    assert types("set", "--model", "ray-v2", "--credits", "8", *why)[0] == 0
    code, printed = types("set", "--model", "ray-v2", "--end", *why)
    assert "ray-v2: no price from" in printed
    code, printed = types("withdraw", found[1], "--reason", "a mistake")
    assert (code, printed) == (0, f"Price {found[1]} is withdrawn.\n")
    head, *lines = types("list")[1].splitlines()
    assert head.split()[:4] == ["price", "state", "matches", "credits"]
    assert [line.split()[1] for line in lines] == ["current", "past", "withdrawn"]
    assert "cli:grace" in lines[0]
    assert "none" in lines[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--credits", "7", "--end"), "give --credits or --end"),
        ((), "give --credits or --end"),
        (("--credits", "7", "--with", "duration"), "OPTION=VALUE"),
        (("--credits", "7", "--with", "duration=7s"), "must be one of 5s, 10s"),
        (("--credits", "7", "--from", "2040-01-01"), "an instant with its offset"),
        (("--credits", "7", "--from", "2020-01-01T00:00:00Z"), "must not be in the past"),
    ],
)
def test_what_cannot_be_set_is_said(types: Types, words: tuple[str, ...], said: str) -> None:
    code, printed = types("set", "--model", "ray-v3", "--reason", "odd", *words)
    assert code != 0
    assert said in " ".join(re.sub(r"[│╭╮╰╯─]", " ", printed).split())
