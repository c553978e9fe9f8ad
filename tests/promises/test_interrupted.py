"""Ctrl-C while a process is still starting: it ends with one sentence and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import httpx
import psycopg
import pytest

from app.db.server import Server
from app.db.session import driver_conninfo
from tests.harness.database import open_folder
from tests.harness.gateway import body
from tests.harness.processes import START_SECONDS, Process, ending_processes, until
from tests.promises.test_up import QUICK

SENTENCE = "reelgate: stopped before it was done."


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as made:
        yield made


@pytest.fixture
def started() -> Iterator[list[Process]]:
    with ending_processes() as processes:
        yield processes


def holds_signals(process: Process, _: Path) -> bool:
    """It imports what it needs."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (blocked,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigBlk:"))
    return bool(int(blocked, 16) & 1 << signal.SIGINT - 1)


def makes_its_database(_: Process, folder: Path) -> bool:
    return (folder / "data" / "postgres.new" / "base").exists()


def starts_its_database(_: Process, folder: Path) -> bool:
    return (folder / "data" / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize("moment", [holds_signals, makes_its_database, starts_its_database])
def test_a_start_that_is_interrupted_ends_with_one_sentence(
    started: list[Process], folder: Path, moment: Callable[[Process, Path], bool]
) -> None:
    process = Process("up", folder=folder, name="up", settings=QUICK)
    started.append(process)
    until(lambda: moment(process, folder), moment.__name__)
    process.interrupt()
    assert process.exit_code() == 0, process.errors
    own = [line for line in process.errors.splitlines() if not line.startswith("{")]
    # Whoever is through before the signal comes stops as it always does.
    assert own in ([SENTENCE], []), process.errors
    assert "Traceback" not in process.errors
    assert Server(folder / "data" / "postgres").pid() is None
    assert not (folder / "data" / "postgres.new").exists()


def test_a_migration_that_is_interrupted_says_so(
    database_url: str, started: list[Process], folder: Path
) -> None:
    with psycopg.connect(driver_conninfo(database_url), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(hashtext('reelgate migrate'))")
        settings = {"DATABASE_URL": database_url}
        process = Process("migrate", folder=folder, name="migrate", settings=settings)
        started.append(process)

        def waits() -> bool:
            found = other.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            ).fetchone()
            return bool(found and found[0])

        until(waits, "it waits for its turn")
        os.kill(process.pid, signal.SIGTERM)
        assert process.exit_code() == 130, process.errors
    assert process.errors.splitlines() == [SENTENCE]


def test_a_second_signal_cuts_the_simulator_short_without_a_traceback(
    started: list[Process], folder: Path
) -> None:
    settings = {"REELGATE_SIMULATOR_PORT": "0", "REELGATE_SIMULATOR_SPEED": "0.001"}
    process = Process("simulate", folder=folder, name="simulate", settings=settings)
    started.append(process)
    address = process.logged("simulator_started")["address"]
    caller = Thread(target=_submit, args=(address,))
    caller.start()
    summary = f"{address}/_simulator/summary"
    until(
        lambda: httpx.get(summary, trust_env=False, timeout=120).json()["submissions"],
        "it was asked",
    )
    process.terminate()
    process.terminate()
    process.exit_code()
    caller.join()
    assert [line for line in process.errors.splitlines() if not line.startswith("{")] == []
    assert "Traceback" not in process.errors


def _submit(address: str) -> None:
    """A request that waits for its video."""
    with contextlib.suppress(httpx.HTTPError):
        httpx.post(
            f"{address}/api/features", json=body(), headers={"API-KEY": "k"}, trust_env=False,
            timeout=START_SECONDS,
        )  # fmt: skip
