"""Whether anything slows down as the tables fill: the same looks at a small past and at a large
one, in turns, in one run."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from app.db import migrate
from app.db.session import driver_conninfo
from app.runtime import open_runtime, open_worker
from app.settings import Settings
from app.webhooks.payloads import PAYLOAD_FORMATS
from bench import processes
from bench.filling import Filled, fill
from bench.looks import LOOKS, Look, Place

SMALL = 1_000
_ROUNDS = 5
#: A look that takes longer is not repeated within a round.
_LONG_MS = 200.0
_REPEATS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    look: str
    small_ms: float
    large_ms: float
    bound: str

    @property
    def ratio(self) -> float:
        return self.large_ms / self.small_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    sizes: tuple[int, int]
    rows: list[Row]


def measure(
    generations: int, *, small: int = SMALL, members: int = 200, rounds: int = _ROUNDS,
    repeats: int = _REPEATS, folder: Path | None = None, only: str = "",
) -> Found:  # fmt: skip
    """`folder` keeps the filled databases for the next run. `only`: looks with this in their
    name."""
    with tempfile.TemporaryDirectory(prefix="reelgate-bench-") as temporary:
        root = (folder or Path(temporary)).resolve()
        with processes.postgres(root) as server, _quiet_environment():
            sizes = (small, generations)
            return asyncio.run(_measure(root, server, sizes, members, rounds, repeats, only))


@contextmanager
def _quiet_environment() -> Iterator[None]:
    """Without the user's own configuration."""
    for name in [n for n in os.environ if n.startswith(("REELGATE_", "ONEMIN_"))]:
        del os.environ[name]
    yield


async def _measure(
    root: Path, server: processes.Postgres, sizes: tuple[int, int], members: int, rounds: int,
    repeats: int, only: str,
) -> Found:  # fmt: skip
    looks = [look for look in LOOKS if only in look.name]
    took: dict[str, tuple[list[float], list[float]]] = {look.name: ([], []) for look in looks}
    async with AsyncExitStack() as stack:
        places = [
            await stack.enter_async_context(_place(root, server, size, members)) for size in sizes
        ]
        for number in range(rounds + 1):
            print(f"round {number}", file=sys.stderr)
            for look in looks:
                for place, times in zip(places, took[look.name], strict=True):
                    found = await _times(look, place, repeats)
                    # The first round warms up: caches, plans, connections.
                    if number:
                        times += found
    rows = [
        Row(look=look.name, small_ms=median(small), large_ms=median(large), bound=look.bound)
        for look, (small, large) in zip(looks, took.values(), strict=True)
    ]
    return Found(sizes=sizes, rows=rows)


async def _times(look: Look, place: Place, repeats: int) -> list[float]:
    """In milliseconds."""
    found: list[float] = []
    while len(found) < repeats and sum(found) < _LONG_MS:
        started = time.perf_counter()
        await look.act(place)
        found.append((time.perf_counter() - started) * 1000)
    return found


@asynccontextmanager
async def _place(
    root: Path, server: processes.Postgres, size: int, members: int
) -> AsyncIterator[Place]:
    name = f"past_{size}"
    address = urlsplit(server.address)._replace(path=f"/{name}").geturl()
    folder = root / name
    folder.mkdir(exist_ok=True)
    settings = Settings.model_validate(
        {"database_url": address, "data_dir": folder, "onemin_api_key": "unused"}
    )
    kept = folder / "filled.json"
    if not kept.exists():
        _create_database(server.address, name)
    migrate.upgrade(address)
    async with AsyncExitStack() as stack:
        shared = await stack.enter_async_context(open_runtime(settings))
        rt = await stack.enter_async_context(open_worker(shared, formats=PAYLOAD_FORMATS))
        if not kept.exists():
            print(f"filling with {size:,} generations", file=sys.stderr)
            started = time.perf_counter()
            filled = await fill(rt, generations=size, members_=members)
            print(f"filled in {time.perf_counter() - started:.0f} s", file=sys.stderr)
            kept.write_text(json.dumps(asdict(filled)))
        env = processes.environment(folder, address)
        gateway = stack.enter_context(processes.gateway(folder, env))
        place = Place(server=gateway, rt=rt, filled=Filled(**json.loads(kept.read_text())))
        place.read_facts()
        with closing(place.client):
            yield place


def _create_database(address: str, name: str) -> None:
    with psycopg.connect(driver_conninfo(address), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def markdown(found: Found) -> str:
    small, large = (f"{size:,}" for size in found.sizes)
    return "\n".join(
        [
            f"| what | {small} ms | {large} ms | ratio | bound |",
            "| --- | --: | --: | --: | --- |",
            *(
                f"| {row.look.replace('|', ' ')} | {row.small_ms:.1f} | {row.large_ms:.1f}"
                f" | {row.ratio:.1f} | {row.bound} |"
                for row in found.rows
            ),
        ]
    )
