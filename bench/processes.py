"""The processes of a run: Postgres, the gateway's API and the floors."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.embedded import embedded_postgres

ROOT = Path(__file__).resolve().parents[1]
_START_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    port: int
    pid: int
    #: From the start of the process to its first answer.
    start_seconds: float


@dataclass(frozen=True, slots=True)
class Postgres:
    address: str
    pid: int


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """An embedded server with its default, durable settings."""
    with embedded_postgres(folder) as address:
        pid = (folder / "postgres" / "postmaster.pid").read_text().splitlines()[0]
        yield Postgres(address, int(pid))


def environment(folder: Path, address: str) -> dict[str, str]:
    """The settings of this run, without the user's configuration. Nothing listens at the upstream's
    address."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("REELGATE_", "ONEMIN_", "DATABASE_"))
    }
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": address,
        "ONEMIN_API_KEY": "unused",
        "ONEMIN_BASE_URL": "http://127.0.0.1:9",
        "REELGATE_DATA_DIR": str(folder),
        "REELGATE_SIGNING_SECRET": "0123456789abcdef0123456789abcdef",
    }


@contextmanager
def gateway(folder: Path, env: dict[str, str]) -> Iterator[Server]:
    """`reelgate serve`, with its log in a file."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("reelgate")), "serve"]
    settings = {**env, "REELGATE_PORT": str(port)}
    with running("gateway", command, port, "/livez", folder, settings) as server:
        yield server


@contextmanager
def floor(which: str, folder: Path, env: dict[str, str]) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "bench.floors", which, "--port", str(port)]
    with running(which, command, port, "/openapi.json", folder, env) as server:
        yield server


@contextmanager
def upstream(folder: Path) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "bench.upstream", str(port)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with running("upstream", command, port, "/counts", folder, env) as server:
        yield server


@contextmanager
def worker(folder: Path, env: dict[str, str]) -> Iterator[Server]:
    """`reelgate worker`, once it works."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("reelgate")), "worker"]
    settings = {**env, "REELGATE_WORKER_METRICS_PORT": str(port)}
    with running("worker", command, port, "/metrics", folder, settings) as server:
        yield server


def run_module(module: str, *arguments: str, env: dict[str, str], stdin: object = None) -> Any:
    """Runs one of our modules in its own process, with JSON on stdin and stdout."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        input=json.dumps(stdin), env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


@contextmanager
def running(
    name: str, command: list[str], port: int, path: str, folder: Path, env: dict[str, str]
) -> Iterator[Server]:
    """A process that answers with 200 at `path`, with its log in a file."""
    log = folder / f"{name}.log"
    started = time.perf_counter()
    with log.open("wb") as output:
        # In its own folder, so that it reads no .env of a checkout.
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=output, stderr=output)
    try:
        while not _answers(port, path):
            if process.poll() is not None or time.perf_counter() - started > _START_SECONDS:
                raise SystemExit(f"{name} did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.01)
        yield Server(name, port, process.pid, time.perf_counter() - started)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
