"""The embedded Postgres: private, and started whatever the last end left behind."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app.db import server as servers
from app.db.server import Server
from app.db.session import driver_conninfo
from app.embedded import embedded_postgres
from app.errors import ConfigurationError
from tests.harness.database import open_folder
from tests.harness.processes import until

KILLED = """
import os, signal, sys
from pathlib import Path
from app.embedded import embedded_postgres
with embedded_postgres(Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data folder with a row in it, whose server was stopped."""
    with open_folder() as folder:
        with embedded_postgres(folder / "data") as address:
            assert rows(address) == 1
        yield folder / "data"


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """A copy of it. Under root the files are root's then, as after `cp -r`."""
    return Path(shutil.copytree(made, tmp_path / "data"))


def rows(address: str) -> int:
    """How many there are, with another one."""
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (one int)")
        connection.execute("INSERT INTO kept VALUES (1)")
        found = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert found is not None
    return int(found[0])


def refusal(address: str, *, user: str = "postgres") -> str:
    """What Postgres says to whoever may not come in; nothing where it lets them."""
    try:
        with psycopg.connect(driver_conninfo(address), user=user):
            return ""
    except psycopg.OperationalError as error:
        return str(error)


def killed(folder: Path) -> int:
    """Leaves a server running, as `kill -9` of the process that started it does."""
    subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False)
    pid = Server(folder / "postgres").pid()
    assert pid is not None
    return pid


def sentence(folder: Path) -> str:
    """Why it is not started, and nothing runs then."""
    with pytest.raises(ConfigurationError) as refused, embedded_postgres(folder):
        pass
    assert Server(folder / "postgres").pid() is None
    said = str(refused.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


def modes(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mode for path in folder.parents}


# Private


def test_it_opens_no_folder_above_its_own(tmp_path: Path) -> None:
    """Under root it runs as another user, which may not pass through this one."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    before, refused = modes(closed / "data"), ""
    try:
        with embedded_postgres(closed / "data") as address:
            assert rows(address) == 1
    except ConfigurationError as error:
        refused = str(error)
    assert modes(closed / "data") == before
    # A container may not give it a place of its own.
    assert refused == "" or f"may not pass through {closed}" in refused


def test_it_lets_in_its_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    before = modes(data)
    with embedded_postgres(data) as address:
        assert modes(data) == before
        assert stat.S_IMODE(data.stat().st_mode) in (0o700, 0o710)
        assert stat.S_IMODE((data / "postgres").stat().st_mode) == 0o700
        open_to_others = [
            path for path in data.rglob("*") if path.stat().st_mode & 0o077 and not path.is_socket()
        ]
        assert open_to_others == []
        with psycopg.connect(driver_conninfo(address)) as connection:
            said = connection.execute("SHOW listen_addresses").fetchone()
            assert said == ("",)
            connection.execute("CREATE ROLE guest LOGIN SUPERUSER")
        assert "no pg_hba.conf entry" in refusal(address, user="guest")
    assert modes(data) == before


def test_it_asks_the_operating_system_who_connects(data: Path) -> None:
    with embedded_postgres(data) as address:
        # As it looks to any other user.
        (data / "postgres" / "pg_ident.conf").write_text("owner nobody postgres\n")
        with psycopg.connect(driver_conninfo(address)) as connection:
            connection.execute("SELECT pg_reload_conf()")
        until(lambda: "eer authentication failed" in refusal(address), "others are refused")


def test_a_folder_that_an_older_version_left_open_is_closed(data: Path) -> None:
    (data / "postgres" / "pg_hba.conf").write_text("local all all trust\n")
    (data / "postgres").chmod(0o755)
    with embedded_postgres(data) as address:
        assert stat.S_IMODE((data / "postgres").stat().st_mode) == 0o700
        with psycopg.connect(driver_conninfo(address)) as connection:
            connection.execute("CREATE ROLE guest LOGIN")
        assert "no pg_hba.conf entry" in refusal(address, user="guest")


@pytest.mark.parametrize("name", ["x" * 120, "a, b", "9 % + &?#@:é"], ids=["long", "comma", "odd"])
def test_its_socket_lies_in_its_folder_whatever_that_is_called(
    made: Path, tmp_path: Path, name: str
) -> None:
    data = Path(shutil.copytree(made, tmp_path / name))
    with embedded_postgres(data) as address:
        assert rows(address) == 2
        assert (data / "postgres" / ".s.PGSQL.5432").is_socket()


def test_a_data_folder_in_which_everybody_may_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    assert sentence(tmp_path).startswith(f"Every user of this machine may write in {tmp_path}")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_another_user_is_refused(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = pwd.struct_passwd(("ada", "x", 4242, 4242, "", "/", "/bin/sh"))
    monkeypatch.setattr(servers, "account", lambda: stranger)
    monkeypatch.setattr(os, "geteuid", lambda: stranger.pw_uid)
    assert f"{data}/postgres belongs to another user" in sentence(data)


def test_under_root_it_is_refused_where_its_user_cannot_get_to(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On systems, such as containers, that let nobody see folders of his own."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda *_, **__: None)
    monkeypatch.setattr(os, "fchown", lambda *_: None)
    monkeypatch.setattr(servers, "account", lambda: pwd.getpwnam("nobody"))
    monkeypatch.setattr(servers, "_place_apart", lambda *_: None)
    closed = data.parent / "closed"
    closed.mkdir(mode=0o700)
    data = data.rename(closed / "data")
    before = modes(data)
    said = sentence(data)
    assert f"started by root it runs as nobody, which may not pass through {closed}" in said
    assert modes(data) == before


def test_a_user_without_a_name_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 3_999_999)
    assert "this machine has no user with the number 3999999" in sentence(tmp_path / "data")


def test_two_first_starts_under_root_may_make_its_user_at_the_same_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The later one finds it made, although it could not make it."""
    users = {}

    def made_by_another(*_: object, **__: object) -> None:
        users["pgserver"] = pwd.getpwuid(os.getuid())
        raise FileExistsError

    monkeypatch.setattr(pwd, "getpwnam", users.__getitem__)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(subprocess, "run", made_by_another)
    assert servers.account() == pwd.getpwuid(os.getuid())


# After an end that nobody planned


def note(pid: int, folder: Path) -> list[str]:
    """What a server writes down while it runs."""
    return [str(pid), str(folder), "1764145745", "5432", str(folder), "", "8826964 65536", "ready"]


def test_a_note_that_names_no_server_of_this_folder_keeps_none_from_starting(data: Path) -> None:
    """As a container leaves it that was killed, and that has given the process id to another
    process when it runs again."""
    folder, user = data / "postgres", servers.account().pw_uid
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=user) as process:
        for file in (folder / "postmaster.pid", folder / ".s.PGSQL.5432.lock"):
            assert not file.exists()
            file.write_text("\n".join(note(process.pid, folder)))
        with embedded_postgres(data) as address:
            assert rows(address) == 2


@pytest.mark.parametrize(
    "left", ["half", "empty", "of one that ended", "of a stranger", "of one that lives"]
)
def test_a_note_counts_where_a_process_of_this_folder_stands_behind_it(
    tmp_path: Path, left: str
) -> None:
    folder, before = tmp_path / "now", tmp_path / "then"
    folder.mkdir()
    program = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    here = None if left == "of a stranger" else folder
    with subprocess.Popen(program, stdin=subprocess.PIPE, cwd=here) as process:
        assert process.stdin is not None
        if left == "of one that ended":
            process.stdin.close()
            # Nobody has taken note of its end, as in a container without an init.
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        lines = {"half": note(process.pid, before)[:1], "empty": []}
        # The folder was renamed since, which does not change whose server it is.
        (folder / "postmaster.pid").write_text(
            "\n".join(lines.get(left, note(process.pid, before)))
        )
        expected = process.pid if left == "of one that lives" else None
        assert Server(folder).pid() == expected


def test_a_server_that_was_left_running_is_used_again(data: Path) -> None:
    left = killed(data)
    with embedded_postgres(data) as address:
        assert rows(address) == 2
    until(lambda: not Path(f"/proc/{left}/cwd").exists(), "the server has ended")


def test_a_folder_that_was_moved_is_started_also_while_its_server_runs(
    data: Path, tmp_path: Path
) -> None:
    left = killed(data)
    moved = data.rename(tmp_path / "moved")
    with embedded_postgres(moved) as address:
        assert rows(address) == 2
        assert Server(moved / "postgres").pid() != left
    with embedded_postgres(moved.rename(tmp_path / "again")) as address:
        assert rows(address) == 3


def test_a_folder_moved_while_in_use_can_be_left(data: Path, tmp_path: Path) -> None:
    with embedded_postgres(data) as address:
        before = rows(address)
        moved = data.rename(tmp_path / "moved")
    with embedded_postgres(moved) as address:
        assert rows(address) == before + 1


def test_a_copy_of_a_folder_in_use_is_refused(data: Path, tmp_path: Path) -> None:
    """Two gateways on the same queue would send what is in it twice."""
    with embedded_postgres(data):
        copy = Path(
            shutil.copytree(data, tmp_path / "copy", ignore=shutil.ignore_patterns(".s.PGSQL*"))
        )
        said = sentence(copy)
        assert said.startswith(f"{copy}/postgres is a copy of a folder that is still in use")
    with embedded_postgres(copy) as address:
        assert rows(address) == 2


def test_a_first_start_that_was_broken_off_leaves_nothing_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(servers, "_INITDB", ("postgres", "--interrupted"))
        patched.setattr(servers, "_reason", interrupted)
        with pytest.raises(KeyboardInterrupt), embedded_postgres(tmp_path / "data"):
            pass
    assert {path.suffix for path in (tmp_path / "data").iterdir()} == {".lock"}
    # As `kill -9` in the middle of it leaves it.
    (tmp_path / "data" / "postgres.new" / "base").mkdir(parents=True)
    with embedded_postgres(tmp_path / "data") as address:
        assert rows(address) == 1


def interrupted(_: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture
def stopped_in_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", interrupted)


@pytest.mark.usefixtures("stopped_in_wait")
def test_a_start_that_is_interrupted_leaves_no_server(data: Path) -> None:
    with pytest.raises(KeyboardInterrupt), embedded_postgres(data):
        pass
    assert Server(data / "postgres").pid() is None


def test_a_start_that_takes_too_long_ends_with_a_sentence(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "_START_SECONDS", 0)
    assert f"not ready within 0 s; see {data}/postgres/log" in sentence(data)


def test_a_server_that_is_slow_to_become_ready_is_waited_for(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one is that replays a long log."""
    really, looks = Server.noted, iter(range(20))

    def not_ready_yet(server: Server) -> servers.Note | None:
        return None if next(looks, None) is not None else really(server)

    monkeypatch.setattr(Server, "noted", not_ready_yet)
    with embedded_postgres(data) as address:
        assert rows(address) == 2


def test_what_postgres_says_of_its_own_failure_is_in_the_sentence(data: Path) -> None:
    (data / "postgres" / "postgresql.auto.conf").write_text("max_connections = many\n")
    said = sentence(data)
    assert said.startswith("The embedded PostgreSQL did not start: ")
    assert "postgresql.auto.conf" in said
    assert f"see {data}/postgres/log" in said


def test_a_folder_of_another_version_is_refused(data: Path) -> None:
    (data / "postgres" / "PG_VERSION").write_text("17\n")
    assert sentence(data).startswith(f"{data}/postgres is of PostgreSQL 17, and this is 18")


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    assert f"{tmp_path}/data" in sentence(tmp_path / "data")
    (tmp_path / "other" / "postgres").mkdir(parents=True)
    (tmp_path / "other" / "postgres" / "mine").write_text("")
    assert "not empty" in sentence(tmp_path / "other")


def test_an_installation_without_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert "it is not installed here" in sentence(tmp_path / "data")


def test_a_killed_server_whose_children_still_hold_its_memory_is_waited_for(data: Path) -> None:
    with embedded_postgres(data) as address:
        with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
            found = connection.execute("SELECT pg_backend_pid()").fetchone()
            assert found is not None
            child = int(found[0])
            os.kill(child, signal.SIGSTOP)
            pid = Server(data / "postgres").pid()
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            until(lambda: Server(data / "postgres").pid() is None, "Postgres has ended")
            (data / "postgres" / "postmaster.pid").unlink()
            reason = Server(data / "postgres")._try(time.monotonic() + 60)
            assert reason is not None
            assert "still in use" in reason
            os.kill(child, signal.SIGCONT)
        Server(data / "postgres").ensure_running()
        assert rows(address) == 2
