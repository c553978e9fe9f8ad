"""`reelgate up` starts everything with one command and ends all of it at Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app import __version__
from tests.catalog.test_made_up import FAMILY, PRICES
from tests.harness.database import open_folder
from tests.harness.gateway import SIGNING_SECRET, body
from tests.harness.processes import Api, Process, ending_processes, environment, until

QUICK = {
    "REELGATE_PORT": "0",
    "REELGATE_SIMULATOR_PORT": "0",
    "REELGATE_SIMULATOR_SPEED": "100000",
}
PRODUCTION = {
    "REELGATE_PORT": "0",
    "REELGATE_PROFILE": "production",
    "ONEMIN_API_KEY": "canary-upstream-key-0001",
    "REELGATE_SIGNING_SECRET": SIGNING_SECRET,
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "REELGATE_PUBLIC_URL": "https://video.example.com",
    "REELGATE_ARCHIVE_URL": "s3://videos/archive",
}


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Process]]:
    with ending_processes() as processes:
        yield processes
    left = postmaster(tmp_path)
    if left is not None:
        # A failed test kills its processes, which leaves their Postgres running.
        with contextlib.suppress(ProcessLookupError):
            os.kill(left, signal.SIGQUIT)


def up(started: list[Process], folder: Path, **settings: str) -> Api:
    api = Api("up", folder=folder, name=f"up-{len(started)}", settings=QUICK | settings)
    started.append(api)
    return api


def runs(pid: int) -> bool:
    """False for a zombie, which the machine's init process has to reap."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def postmaster(folder: Path) -> int | None:
    """The process id of the embedded server, if it runs."""
    file = folder / "data" / "postgres" / "postmaster.pid"
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError:
        return None
    # A starting server creates the file before it writes to it.
    pid = int(lines[0]) if lines else None
    return pid if pid is not None and runs(pid) else None


def end(api: Api, folder: Path, *, lost_postgres: bool = False) -> None:
    """Ctrl-C, after which nothing is left. The job library logs a traceback if Postgres was
    away."""
    running = postmaster(folder)
    assert running is not None
    api.interrupt()
    assert api.exit_code() == 0, api.errors
    assert not runs(running)
    assert not (folder / "data" / "postgres" / "postmaster.pid").exists()
    tracebacks = [line for line in api.errors.splitlines() if "Traceback" in line]
    assert all(lost_postgres and '"logger": "procrastinate' in line for line in tracebacks), (
        tracebacks
    )


def test_a_postgres_that_ends_is_started_again(started: list[Process], tmp_path: Path) -> None:
    api = up(started, tmp_path).ready()
    before = postmaster(tmp_path)
    assert before is not None
    os.kill(before, signal.SIGQUIT)
    until(lambda: not runs(before), "Postgres has ended")
    until(lambda: postmaster(tmp_path) not in (before, None), "another one runs")
    api.ready()
    until(lambda: api.http.get("/readyz").status_code == 200, "it is ready again")
    # Ctrl-C also ends the process that starts Postgres, so wait until that has finished.
    until(
        lambda: any(entry["started_again"] for entry in api.events("postgres_ended")),
        "it is logged",
    )
    end(api, tmp_path, lost_postgres=True)


def test_up_prints_a_key_once_keeps_everything_and_ends_with_all_it_started(
    started: list[Process], tmp_path: Path
) -> None:
    first = up(started, tmp_path).ready()
    keys = re.findall(r"^ +(rg_\S+)$", first.printed, re.MULTILINE)
    assert len(keys) == 1
    key = {"API-KEY": keys[0]}
    assert f"export REELGATE_URL={first.address} REELGATE_KEY={keys[0]}\n" in first.printed
    assert keys[0] not in first.errors, "the log keeps no key"
    assert first.events("simulator_in_place_of_upstream")
    said = first.logged("process_started")
    assert said["listens"] == said["public"] == first.address
    assert first.http.get(said["docs"]).status_code == 200
    assert said["data"] == str(tmp_path / "data")
    assert said["database"] == "embedded PostgreSQL in the data folder"
    assert said["upstream"].startswith("SIMULATOR at http://127.0.0.1:")
    for fact in ("listens", "docs", "data", "database", "upstream", "new_key"):
        assert f"  {said[fact]}\n" in first.printed
    lost = said["new_key"].split()
    assert lost[1:] == ["key", "create", "--team", "default", "--member", "admin"]
    another = subprocess.run(
        lost, cwd=tmp_path, env=environment(tmp_path, QUICK), capture_output=True, check=True
    )
    assert another.stdout.startswith(b"rg_")
    for event in ("api_started", "worker_started"):
        assert first.logged(event)["version"] == __version__

    answer = first.http.post("/api/features", json=body(aspectRatio="1:1"), headers=key)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Reelgate-Upstream"] == "simulator"
    record = answer.json()["aiRecord"]
    video = first.http.get(record["temporaryUrl"]).content
    assert video[4:8] == b"ftyp"
    first.logged("archived")
    data = tmp_path / "data"
    assert {"archive", "simulator"} <= {path.name for path in data.iterdir()}
    assert [
        path for path in data.rglob("*") if path.lstat().st_mode & 0o077 and not path.is_socket()
    ] == []
    end(first, tmp_path)

    second = up(started, tmp_path).ready()
    assert "rg_" not in second.printed, "no second key"
    again = second.http.get(f"/api/results/{record['uuid']}", headers=key).json()["aiRecord"]
    assert again["status"] == "SUCCESS"
    assert second.http.get(again["temporaryUrl"]).content == video
    second.kill()
    assert postmaster(tmp_path) is not None, "a killed process leaves its Postgres behind"

    third = up(started, tmp_path).ready()
    assert "rg_" not in third.printed
    content = third.http.get(f"/api/v1/generations/{record['uuid']}/content", headers=key)
    assert content.content == video
    end(third, tmp_path)


def one_sentence(process: Process) -> str:
    """The single line that a failed command printed, without a traceback."""
    assert process.exit_code() == 1, process.errors
    own = [line for line in process.errors.splitlines() if not line.startswith("{")]
    assert len(own) == 1, process.errors
    assert own[0].startswith("reelgate: ")
    assert process.printed == ""
    return own[0].removeprefix("reelgate: ")


@pytest.mark.parametrize("command", ["serve", "up"])
def test_a_port_in_use_ends_the_start_with_one_sentence(
    database_url: str, started: list[Process], tmp_path: Path, command: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = QUICK | {"REELGATE_PORT": str(port), "DATABASE_URL": database_url}
        process = Process(command, folder=tmp_path, name=command, settings=settings)
        started.append(process)
        assert one_sentence(process) == (
            f"127.0.0.1 port {port} cannot be listened on (Address already in use); "
            "set REELGATE_PORT to a free one."
        )


def test_the_production_profile_refuses_what_is_unsafe_with_one_sentence(
    started: list[Process], tmp_path: Path
) -> None:
    # tests/test_settings.py covers the other refusals without a process.
    refused = {
        "at least 32 characters": {"REELGATE_SIGNING_SECRET": "short-canary"},
        "https://": {"ONEMIN_BASE_URL": "http://127.0.0.1:1"},
    }
    for number, changed in enumerate(refused.values()):
        settings = PRODUCTION | changed
        started.append(Process("up", folder=tmp_path, name=f"up-{number}", settings=settings))
    for named, process in zip(refused, started, strict=True):
        sentence = one_sentence(process)
        assert named in sentence
        assert "canary" not in sentence
    assert not (tmp_path / "data").exists(), "nothing was started"


def test_an_unreachable_database_ends_the_start_with_one_sentence(
    started: list[Process], tmp_path: Path
) -> None:
    process = Process("up", folder=tmp_path, name="up", settings=PRODUCTION)
    started.append(process)
    assert "database" in one_sentence(process)


def test_a_second_up_on_the_same_data_shares_its_postgres_and_does_not_stop_it(
    started: list[Process], tmp_path: Path
) -> None:
    first = up(started, tmp_path).ready()
    second = up(started, tmp_path).ready()
    second.interrupt()
    assert second.exit_code() == 0
    assert until(lambda: first.readiness() == 200, "the first still works")
    end(first, tmp_path)


def test_each_process_says_where_it_listens_and_what_it_uses(
    database_url: str, started: list[Process], tmp_path: Path
) -> None:
    settings = QUICK | {
        "DATABASE_URL": database_url,
        "ONEMIN_API_KEY": "canary-upstream-key-0001",
        "ONEMIN_BASE_URL": "http://127.0.0.1:1/upstream",
        "REELGATE_PUBLIC_URL": "https://video.example.com/base",
        "REELGATE_LOG_FORMAT": "pretty",
    }
    serve = Process("serve", folder=tmp_path, name="serve", settings=settings)
    worker = Process("worker", folder=tmp_path, name="worker", settings=settings)
    started += [serve, worker]
    until(lambda: "new key" in serve.printed, "the API says what it uses")
    until(lambda: "upstream" in worker.printed, "the worker says what it uses")
    listens = re.search(r"^  listens +(http://127\.0\.0\.1:(\d+))$", serve.printed, re.MULTILINE)
    assert listens
    assert int(listens[2]) > 0
    for said, name, fact in (
        (serve, "public", "https://video.example.com/base"),
        (serve, "docs", f"{listens[1]}/docs"),
        (serve, "new key", r".*reelgate key create --team TEAM --member MEMBER"),
        *(
            (process, name, fact)
            for process in (serve, worker)
            for name, fact in (
                ("data", str(tmp_path / "data")),
                ("videos", f"file://{tmp_path}/data/archive"),
                ("database", r"[^@]+:\d+/test_\d+"),
                ("upstream", "http://127.0.0.1:1/upstream"),
            )
        ),
    ):
        assert re.search(rf"^  {name} +{fact}$", said.printed, re.MULTILINE), said.printed
    assert "canary" not in serve.printed + worker.printed


def test_a_simulator_apart_reports_under_its_own_name(
    started: list[Process], tmp_path: Path
) -> None:
    simulate = Process("simulate", folder=tmp_path, name="simulate", settings=QUICK)
    started.append(simulate)
    said = simulate.logged("process_started")
    assert (said["command"], said["version"]) == ("simulate", __version__)
    assert said["listens"] == simulate.logged("simulator_started")["address"]
    assert said["setting"] == f"REELGATE_SIMULATOR_URL={said['listens']}"
    assert said["data"] == str(tmp_path / "data" / "simulator")
    assert "public" not in said


def test_an_operators_own_model_works_from_the_first_start(
    started: list[Process], tmp_path: Path
) -> None:
    """The simulator that it starts beside the gateway makes it too."""
    models, prices = tmp_path / "models.toml", tmp_path / "prices.toml"
    models.write_text(FAMILY)
    prices.write_text(PRICES)
    api = up(
        started, tmp_path, REELGATE_CATALOG_FILE=str(models), REELGATE_PRICES_FILE=str(prices)
    ).ready()
    (key,) = re.findall(r"^ +(rg_\S+)$", api.printed, re.MULTILINE)
    asked = {"text": "a wave", "kind": "large", "secs": 3, "shape": "2:1"}
    made = api.http.post(
        "/api/features", headers={"API-KEY": key},
        json={"type": "TEXT_TO_VIDEO", "model": "acme/films", "promptObject": asked},
    )  # fmt: skip
    assert made.status_code == 200, made.text
    record = made.json()["aiRecord"]
    assert (record["status"], record["model"]) == ("SUCCESS", "acme/films")
    assert record["aiRecordDetail"]["promptObject"] == asked
    end(api, tmp_path)


def test_a_simulator_apart_makes_an_operators_own_models(
    started: list[Process], tmp_path: Path
) -> None:
    models = tmp_path / "models.toml"
    models.write_text(FAMILY)
    settings = QUICK | {"REELGATE_CATALOG_FILE": str(models)}
    simulate = Process("simulate", folder=tmp_path, name="simulate", settings=settings)
    started.append(simulate)
    address = simulate.logged("simulator_started")["address"]
    listed = httpx.get(
        f"{address}/models", params={"feature": "TEXT_TO_VIDEO"}, trust_env=False, timeout=120
    )
    entries = {each["modelId"]: each for each in listed.json()["models"]}
    assert entries["acme/films"]["name"] == "Acme"
    assert httpx.get(f"{address}/models", trust_env=False, timeout=120).json() == {
        "models": [],
        "total": 0,
    }
