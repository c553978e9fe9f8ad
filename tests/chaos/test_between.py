"""What the relay passes on as it came, and what it alters."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator

import pytest

from tests.chaos.between import Between
from tests.chaos.site import kept_port
from tests.standin import raw
from tests.standin.oddities import ODDITIES
from tests.standin.oddities.downloads import DAMAGED_FILMS
from tests.standin.raw import KEY, create, exchange, get
from tests.standin.script import Point
from tests.standin.server import StandIn


class Relayed(StandIn):
    """A stand-in that is called through the relay."""

    between: Between

    @property
    def address(self) -> str:
        return self.between.address


@pytest.fixture
async def relayed() -> AsyncIterator[Relayed]:
    with contextlib.ExitStack() as ports:
        async with Relayed([KEY], render_seconds=0.0) as stand_in:
            stand_in.between = Between(kept_port(ports), stand_in.shelf.origin)
            await stand_in.between.open()
            yield stand_in
            await stand_in.between.close()


async def altered(relayed: Relayed, mood: str, request: bytes) -> bytes:
    """The answer to the first of two: the second one is spared."""
    before = relayed.between.done[mood]
    altering = asyncio.create_task(relayed.between.alter(mood, 1, seconds=30))
    await asyncio.sleep(0)
    answer = await exchange(relayed, request)
    await altering
    assert await exchange(relayed, request) != answer
    assert relayed.between.done[mood] == before + 1
    return answer


async def look(relayed: Relayed, prompt: str) -> bytes:
    made = raw.record(await exchange(relayed, create(prompt)))
    return get(f"/api/results/{made['uuid']}")


async def test_what_it_is_not_told_to_alter_passes_as_it_came(relayed: Relayed) -> None:
    for name in ("reset", "chunk_extensions", "header_bytes"):
        relayed.script.on(Point.POST, ODDITIES[name])
    assert await exchange(relayed, create()) == b"RESET"
    assert b'40;name=value;quoted="a;b' in await exchange(relayed, create())
    assert b"X-Note: \xff\xfe caf\xe9" in await exchange(relayed, create())
    assert not relayed.between.done


async def test_cookies_redirects_and_gzip_leave_the_record_there(relayed: Relayed) -> None:
    answer = await altered(relayed, "cookies", create())
    assert b"\r\nSet-Cookie: a=\xe9\r\n" in answer
    answer = await altered(relayed, "redirects", create())
    assert answer.startswith(b"HTTP/1.1 307 ")
    assert b"\r\nLocation: javascript:alert(1)\r\n" in answer
    assert raw.record(answer)["uuid"]
    answer = await altered(relayed, "packed", create())
    assert b'"uuid"' in gzip.decompress(raw.body(answer))


async def test_looks_are_bombs_or_show_another_prompt(relayed: Relayed) -> None:
    request = await look(relayed, "ours")
    assert len(await altered(relayed, "packed", request)) < 20_000
    await exchange(relayed, create("another's"))
    answer = await altered(relayed, "foreign", request)
    shown = raw.record(answer)["aiRecordDetail"]["promptObject"]
    assert shown["prompt"] == "another's"


async def test_films_are_damaged(relayed: Relayed) -> None:
    found = raw.record(await exchange(relayed, await look(relayed, "a film")))
    link = found["temporaryUrl"].removeprefix(relayed.shelf.origin)
    answer = await altered(relayed, "poison", get(link))
    assert raw.body(answer) in DAMAGED_FILMS


async def test_a_mood_that_nothing_meets_ends(relayed: Relayed) -> None:
    await relayed.between.alter("cookies", 1, seconds=0.01)
    assert b"Set-Cookie" not in await exchange(relayed, create())


async def test_two_absences_are_one_after_the_other(relayed: Relayed) -> None:
    async def leave() -> None:
        async with relayed.between.away():
            with pytest.raises(ConnectionRefusedError):
                await exchange(relayed, create())

    await asyncio.gather(leave(), leave())
    assert raw.record(await exchange(relayed, create()))["uuid"]


async def test_a_cookie_is_seen_and_who_is_away_refuses(relayed: Relayed) -> None:
    await exchange(relayed, create(headers=["Cookie: sid=1"]))
    assert relayed.between.cookies == {"sid=1": 1}
    async with relayed.between.away():
        with pytest.raises(ConnectionRefusedError):
            await exchange(relayed, create())
    assert raw.record(await exchange(relayed, create()))["uuid"]
