"""How often creates and status reads go to Postgres and back, counted on the wire.

Each trip is time for the caller and a connection nobody else can use. Counted is whatever Postgres
answers, whoever sends it: the pool's BEGIN, COMMIT and ROLLBACK too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TextIO

import httpx
import psycopg
import pytest
from psycopg.pq import Trace

from tests.harness.gateway import Gateway, body, gateway

#: The driver prepares a statement, with one more trip, once a connection has seen it five times.
_UNTIL_PREPARED = 8
#: The messages that end a trip: Query is answered at once, Sync for all that was sent before it.
_TRIPS = ("Query", "Sync")
_CONNECT = psycopg.AsyncConnection.connect


class Wire:
    """Everything that was sent to Postgres, in the words of the client library's own trace."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._files: list[TextIO] = []

    async def connect(self, *address: Any, **how: Any) -> psycopg.AsyncConnection[Any]:
        connection = await _CONNECT(*address, **how)
        path = self._folder / f"connection-{len(self._files)}"
        file = self._stack.enter_context(path.open("w+"))
        self._files.append(file)
        connection.pgconn.trace(file.fileno())
        connection.pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
        return connection

    def trips(self) -> int:
        count = 0
        for file in self._files:
            lines = [line.split("\t") for line in Path(file.name).read_text().splitlines()]
            count += sum(line[0] == "F" and line[2].strip() in _TRIPS for line in lines)
        return count


@contextmanager
def followed(folder: Path) -> Iterator[Wire]:
    """Connections that are opened inside the block are followed."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        wire = Wire(folder, stack)
        patch.setattr(psycopg.AsyncConnection, "connect", wire.connect)
        yield wire


async def _trips(wire: Wire, asking: Awaitable[httpx.Response], *, status: int) -> int:
    before = wire.trips()
    assert (await asking).status_code == status
    return wire.trips() - before


async def _prepared(gate: Gateway, key: str) -> None:
    for _ in range(_UNTIL_PREPARED):
        assert (await gate.create(key)).status_code == 202


async def test_an_accepted_create_takes_one_trip(database_url: str, tmp_path: Path) -> None:
    """The admission; nothing around it."""
    with followed(tmp_path) as wire:
        async with gateway(database_url, tmp_path, worker=False) as gate:
            key = await gate.member(rate_burst=100, max_open=100)
            await _prepared(gate, key)
            assert await _trips(wire, gate.create(key), status=202) == 1


async def test_so_does_one_with_an_idempotency_key(database_url: str, tmp_path: Path) -> None:
    with followed(tmp_path) as wire:
        async with gateway(database_url, tmp_path, worker=False) as gate:
            key = await gate.member(rate_burst=100, max_open=100)
            await _prepared(gate, key)
            created = gate.create(key, Idempotency_Key="once")
            assert await _trips(wire, created, status=202) == 1


async def test_a_create_after_other_work_sends_nothing_to_clean_up(
    database_url: str, tmp_path: Path
) -> None:
    """A connection that carried a transaction is as good as any other afterwards."""
    with followed(tmp_path) as wire:
        async with gateway(database_url, tmp_path, worker=False, database_pool_size=2) as gate:
            key = await gate.member(rate_burst=100, max_open=100)
            await _prepared(gate, key)
            await gate.member("bob")  # made in a transaction
            assert await _trips(wire, gate.create(key), status=202) == 1


async def test_a_refused_create_takes_no_more(database_url: str, tmp_path: Path) -> None:
    with followed(tmp_path) as wire:
        async with gateway(database_url, tmp_path, worker=False) as gate:
            key = await gate.member(rate_burst=_UNTIL_PREPARED, max_open=100, rate_per_minute=1)
            await _prepared(gate, key)
            assert await _trips(wire, gate.create(key), status=429) == 1
            illegal = gate.create(key, body(resolution="9000p"))
            assert await _trips(wire, illegal, status=422) == 0
            assert await _trips(wire, gate.create("rg_nobody"), status=401) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/api/results/",
        "/api/v1/generations/",
        "/v1/videos/",
        "/dream-machine/v1/generations/",
        "/luma/v1/generations/",
        "/openrouter/api/v1/videos/",
    ],
)
async def test_a_status_read_takes_one_trip(database_url: str, tmp_path: Path, path: str) -> None:
    """Who asks, and what: also where that is nobody, or nothing."""
    with followed(tmp_path) as wire:
        async with gateway(database_url, tmp_path, worker=False) as gate:
            key, other = await gate.member(), await gate.member("bob")
            uuid = (await gate.create(key)).json()["aiRecord"]["uuid"]

            def read(key: str) -> Awaitable[httpx.Response]:
                return gate.http.get(path + uuid, headers={"API-KEY": key})

            for _ in range(_UNTIL_PREPARED):
                assert (await read(key)).status_code == 200
            missing = 200 if path == "/api/results/" else 404
            for asks, status in ((key, 200), (other, missing), ("rg_nobody", 401)):
                assert await _trips(wire, read(asks), status=status) == 1
