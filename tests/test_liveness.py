"""A loop that turns answers whoever asks; one that stands still does not."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from app import liveness
from app.errors import ConfigurationError
from app.liveness import answering


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "live.sock"


async def test_a_loop_answers_as_often_as_it_is_asked(path: Path) -> None:
    async with answering(path):
        for _ in range(3):
            await asyncio.to_thread(liveness.ask, str(path))
    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(liveness.ask, str(path))


async def test_a_loop_that_stands_still_does_not(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread of its process would still have answered."""
    monkeypatch.setattr(liveness, "ANSWER_SECONDS", 0.1)
    async with answering(path):
        # Here the loop waits for its own thread.
        with pytest.raises(TimeoutError):
            liveness.ask(str(path))
        await asyncio.to_thread(liveness.ask, str(path))


async def test_what_a_killed_process_left_is_replaced(path: Path) -> None:
    async with answering(path):
        pass
    assert await asyncio.to_thread(path.is_socket)
    async with answering(path):
        await asyncio.to_thread(liveness.ask, str(path))


async def test_the_socket_of_a_process_that_answers_is_not_replaced(path: Path) -> None:
    async with answering(path):
        with pytest.raises(ConfigurationError, match="another process answers"):
            async with answering(path):
                pass
        await asyncio.to_thread(liveness.ask, str(path))


@pytest.mark.parametrize("name", ["missing/live.sock", "a" * 200])
async def test_a_path_that_cannot_be_listened_on_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(ConfigurationError, match="REELGATE_LIVENESS_SOCKET") as refusal:
        async with answering(path):
            pass
    assert str(path) in str(refusal.value)


def probe(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.liveness"], env=environment, capture_output=True, text=True
    )


async def test_the_program_ends_with_0_where_it_answers_and_says_why_not(path: Path) -> None:
    setting = {"REELGATE_LIVENESS_SOCKET": str(path)}
    async with answering(path):
        done = await asyncio.to_thread(probe, **setting)
    assert (done.returncode, done.stderr) == (0, "")
    done = await asyncio.to_thread(probe, **setting)
    assert (done.returncode, done.stderr) == (1, f"Nobody answers at {path}: Connection refused.\n")
    done = await asyncio.to_thread(probe)
    assert done.returncode == 1
    assert done.stderr.startswith("REELGATE_LIVENESS_SOCKET is not set")


def test_the_program_is_light() -> None:
    """It runs every few seconds beside each process."""
    program = "import sys, app.liveness; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    loaded = done.stdout.split()
    assert "socket" in loaded
    assert {"asyncio", "pydantic", "structlog", "typer"}.isdisjoint(loaded)
