"""What is upset is upset, and what is put right is right again."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from app.db.session import driver_conninfo
from app.runtime import Clock
from tests.chaos import disk, folders, rig
from tests.chaos.rig import Rig, Rigged
from tests.chaos.saboteur import broken_tls
from tests.chaos.site import kept_port


@pytest.fixture
def rigged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    rigged = Rig(tmp_path / "some.rig")
    for name, value in rigged.settings.items():
        monkeypatch.setenv(name, value)
    return rigged


def test_a_clock_jumps_and_jumps_back(rigged: Rig) -> None:
    def off() -> timedelta:
        return rig.now(Clock()) - datetime.now(UTC)

    assert abs(off()) < timedelta(seconds=5)
    rigged.turn(Rigged(ahead_seconds=-3600))
    assert abs(off() + timedelta(hours=1)) < timedelta(seconds=5)
    rigged.turn(Rigged())
    assert abs(off()) < timedelta(seconds=5)


class Kept:
    """A writer of the store's library that keeps what it is given."""

    def __init__(self) -> None:
        self.bytes_ = b""

    async def write(self, block: bytes) -> None:
        self.bytes_ += block


async def test_an_archive_fills_up_in_the_middle_of_a_piece(rigged: Rig) -> None:
    kept = Kept()
    writer = rig.Writer(kept)
    await writer.write(b"12345678")
    rigged.turn(Rigged(archive="full"))
    with pytest.raises(OSError, match="No space left"):
        await writer.write(b"12345678")
    assert kept.bytes_ == b"123456781234"


def test_a_folder_that_is_made_anew_meanwhile_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    (folder / "videos").mkdir(parents=True)
    (folder / "videos" / "one").write_bytes(b"1")
    away = folders.take_away(folder)
    assert folder.is_file()
    anew = tmp_path / "anew"
    (anew / "videos").mkdir(parents=True)
    (anew / "videos" / "two").write_bytes(b"2")
    folders.join(anew, away)
    folders.bring_back(folder, away)
    assert {path.name for path in folder.rglob("*") if path.is_file()} == {"one", "two"}
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_a_full_disk_refuses_what_is_written_and_shows_what_is_there(database_url: str) -> None:
    disk.install(database_url)
    insert = "INSERT INTO teams (id, name) VALUES (gen_random_uuid(), %s)"
    with psycopg.connect(driver_conninfo(database_url), autocommit=True) as connection:
        connection.execute(insert, ["before"])
        disk.fill(database_url)
        with pytest.raises(psycopg.errors.DiskFull):
            connection.execute(insert, ["meanwhile"])
        found = connection.execute("SELECT name FROM teams WHERE name <> 'default'").fetchall()
        assert found == [("before",)]
        disk.make_room(database_url)
        connection.execute(insert, ["after"])


def test_a_port_stays_with_its_process_from_one_life_to_the_next() -> None:
    with contextlib.ExitStack() as stack:
        address = ("127.0.0.1", kept_port(stack))
        for _ in range(2):
            # As `reelgate serve` does it.
            with socket.create_server(address), socket.create_connection(address):
                pass
            with pytest.raises(ConnectionRefusedError), socket.create_connection(address):
                pass
            with pytest.raises(OSError, match="in use"), socket.socket() as other:
                other.bind(address)


@pytest.fixture(params=[True, False], ids=["certificate", "handshake"])
async def nowhere(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    async with broken_tls(certificate=request.param) as address:
        yield address


async def test_tls_fails_before_a_request_is_sent(nowhere: str) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        with pytest.raises(httpx.ConnectError) as failed:
            await http.get(nowhere)
    assert isinstance(_root(failed.value), ssl.SSLError)


def _root(error: BaseException) -> BaseException:
    before = error.__cause__ or error.__context__
    return error if before is None else _root(before)
