"""What is opened for whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app import processes
from app.cli.commands import cli
from app.http_client import HttpClient
from app.live.feed import Feed
from app.live.watch import Watch
from app.runtime import open_api, open_runtime, open_worker
from app.webhooks.payloads import PAYLOAD_FORMATS
from tests.harness.gateway import settings_for


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what listens or calls, as it is opened."""
    names: list[str] = []

    def recorded(kind: type[Any], method: str) -> None:
        original = getattr(kind, method)

        def record(self: Any, *args: Any, **options: Any) -> Any:
            names.append(kind.__name__)
            return original(self, *args, **options)

        monkeypatch.setattr(kind, method, record)

    recorded(Watch, "running")
    recorded(Feed, "running")
    recorded(HttpClient, "__init__")
    return names


@pytest.mark.parametrize(
    "command",
    [
        "team create studio",
        "key list",
        "pause submission --reason odd",
        "upstream list",
        "unknown list",
        "unknown resolve 00000000-0000-4000-8000-000000000000 not_made --reason seen",
        "webhooks list",
        "archive verify --orphans",
        "after-restore",
    ],
)
def test_a_command_opens_no_listener_and_no_client(
    command: str,
    opened: list[str],
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr(processes, "start_logging", lambda _: None)
    ran = CliRunner().invoke(cli, command.split())
    # It ran to its end: what is not there is said by the use case.
    assert ran.exit_code == 0 or "There is no generation" in ran.output, ran.output
    assert opened == []


async def test_an_api_listens_and_a_worker_does_not(
    opened: list[str], database_url: str, tmp_path: Path
) -> None:
    settings = settings_for(database_url, tmp_path)
    async with open_runtime(settings) as rt:
        assert opened == []
        async with open_worker(rt, formats=PAYLOAD_FORMATS):
            assert set(opened) == {"HttpClient"}
        opened.clear()
        async with open_api(rt, formats=PAYLOAD_FORMATS):
            # For downloads, for images by their URL, for tests of endpoints: none for the upstream.
            assert sorted(opened) == ["Feed", *["HttpClient"] * 3, "Watch"]
