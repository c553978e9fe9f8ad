"""Downloads of a large video from a folder, beside nginx, and what slow readers cost."""

from __future__ import annotations

import os
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which
from statistics import median
from typing import Any
from uuid import UUID

import psycopg

from app.db.session import driver_conninfo
from bench import processes
from bench.figures import cpu_seconds, memory_mb
from bench.finished import FINISHED, values
from bench.processes import Server
from bench.reader import request_of

GATEWAY = "gateway"
NGINX = "floor: nginx"
_PATH = "videos/film.mp4"
_CONNECTIONS = (1, 4)
#: What each slow reader reads before it stops.
_SLOW_BYTES = 64 << 10
_SETTLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`cpu_ms` is that of the serving process for 100 MB."""

    target: str
    connections: int
    mb_per_second: float
    cpu_ms: float


@dataclass(slots=True, kw_only=True)
class Found:
    """`memory` is the PSS of the gateway in MB: before, while readers stand still, and after."""

    size: int
    readers: int
    samples: list[Sample] = field(default_factory=list)
    memory: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Target:
    name: str
    port: int
    pid: int
    request: str


def measure(size: int, *, rounds: int, readers: int) -> Found:
    """Of a file of `size` bytes."""
    found = Found(size=size, readers=readers)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reelgate-bench-")))
        database = stack.enter_context(processes.postgres(folder))
        env = processes.environment(folder, database.address)
        [key] = processes.run_module("bench.seeding", "prepare", "--members=1", env=env)
        film = folder / "archive" / _PATH
        film.parent.mkdir(parents=True)
        _write(film, size)
        generation = _archived(database.address, size)
        gateway = stack.enter_context(processes.gateway(folder, env))
        path = f"/api/v1/generations/{generation}/content"
        of_gateway = request_of(path, headers=f"API-KEY: {key}\r\n")
        targets = [_Target(GATEWAY, gateway.port, gateway.pid, of_gateway)]
        if which("nginx"):
            nginx = stack.enter_context(_nginx(folder))
            targets.append(_Target(NGINX, nginx.port, nginx.pid, request_of(f"/{_PATH}")))
        else:
            found.problems.append("nginx is not installed, so there is no floor")
        for number in range(rounds + 1):
            for connections in _CONNECTIONS:
                for target in targets:
                    sample = _sample(target, connections, size, env)
                    if number:  # the first round warms up
                        found.samples.append(sample)
        _stand_still(found, gateway, of_gateway)
    return found


def _write(file: Path, size: int) -> None:
    with file.open("wb") as output:
        while left := size - output.tell():
            output.write(os.urandom(min(left, 1 << 20)))


def _archived(address: str, size: int) -> UUID:
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        wanted = values(1, path=_PATH, size=size)
        row = connection.execute(_ARCHIVED.encode(), wanted).fetchone()
    assert row is not None
    found: UUID = row[0]
    return found


@contextmanager
def _nginx(folder: Path) -> Iterator[Server]:
    """One process, as the gateway is one."""
    port = processes.free_port()
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, port=port))
    command = [str(which("nginx")), "-p", str(folder), "-c", str(config)]
    with processes.running("nginx", command, port, "/livez", folder, dict(os.environ)) as server:
        yield server


def _sample(target: _Target, connections: int, size: int, env: dict[str, str]) -> Sample:
    plan = {
        "port": target.port, "request": target.request, "length": size, "connections": connections,
    }  # fmt: skip
    before = cpu_seconds(target.pid)
    seconds: float = processes.run_module("bench.reader", env=env, stdin=plan)["seconds"]
    passed_mb = size * connections / 1e6
    return Sample(
        target=target.name, connections=connections, mb_per_second=passed_mb / seconds,
        cpu_ms=(cpu_seconds(target.pid) - before) * 1000 / (passed_mb / 100),
    )  # fmt: skip


def _stand_still(found: Found, gateway: Server, request: str) -> None:
    found.memory["before"] = memory_mb(gateway.pid)["pss"]
    with ExitStack() as stack:
        for _ in range(found.readers):
            reader = stack.enter_context(socket.socket())
            # As on a slow line: the kernel takes little for them.
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
            reader.connect(("127.0.0.1", gateway.port))
            reader.sendall(request.encode())
            left = _SLOW_BYTES
            while left > 0:
                left -= len(reader.recv(left))
        time.sleep(_SETTLE_SECONDS)
        found.memory["slow readers"] = memory_mb(gateway.pid)["pss"]
    time.sleep(_SETTLE_SECONDS)
    found.memory["after"] = memory_mb(gateway.pid)["pss"]


def markdown(found: Found) -> str:
    lines = [
        "| connections | target | MB/s | CPU ms of 100 MB | throughput ÷ nginx | CPU ÷ nginx |",
        "| --: | --- | --: | --: | --: | --: |",
    ]
    for connections in _CONNECTIONS:
        speed, cpu = (
            {
                name: median(getattr(each, what) for each in samples)
                for name in dict.fromkeys(each.target for each in found.samples)
                if (samples := [
                    each for each in found.samples
                    if (each.target, each.connections) == (name, connections)
                ])
            }
            for what in ("mb_per_second", "cpu_ms")
        )  # fmt: skip
        for name in speed:
            lines.append(
                f"| {connections} | {name} | {speed[name]:.0f} | {cpu[name]:.0f} |"
                f" {_ratio(speed, name)} | {_ratio(cpu, name)} |"
            )
    memory = ", ".join(f"{when} {mb:.0f} MB" for when, mb in found.memory.items())
    return "\n".join([*lines, "", f"PSS of the gateway, {found.readers} slow readers: {memory}."])


def _ratio(values: dict[str, Any], name: str) -> str:
    floor = values.get(NGINX)
    return f"{values[name] / floor:.2f}" if floor else "–"


_NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    sendfile on;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/archive;
        location = /livez {{ return 200; }}
    }}
}}
"""
_ARCHIVED = f"""
WITH made AS ({FINISHED}), archived AS (
    INSERT INTO assets (
        generation_id, team_id, kind, state, path, size_bytes, sha256, duration_seconds, width,
        height, codec, archived_at)
    SELECT id, team_id, 'video', 'archived', %(path)s, %(size)s, repeat('a', 64), 5, 1280, 720,
           'h264', now() FROM made
)
SELECT id FROM made
"""
