"""Connections that are held shut nobody out."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from app.http.connections import Connections
from tests.http.holding import KEYLESS, REQUEST, Site, ask, gone


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"], scope="module")
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.mark.parametrize("site", [{"max_connections": 60}], indirect=True)
async def test_connections_that_are_held_shut_nobody_out(site: Site) -> None:
    held = []
    for _ in range(60):
        streams = await site.connect()
        assert await ask(streams, KEYLESS)
        streams[1].write(b"x")
        held.append(streams)
    for address in ("127.0.0.2", "127.0.0.1", "127.0.0.3"):
        await site.used(address)
    # Half of all are one address's; its newest ones are still there.
    assert await ask(held[-1], b"x" * 98 + REQUEST)
    assert await gone(held[0]) == b""


@pytest.mark.parametrize(
    "site", [{"max_connections": 3, "max_connections_per_address": 3}], indirect=True
)
async def test_the_place_of_the_longest_wait_is_given_away(site: Site) -> None:
    busy, first, second = await site.held(), await site.used(), await site.used()
    assert await ask(first)
    third = await site.used()
    assert await gone(second) == b""
    assert await ask(first)
    await site.used("127.0.0.2")
    assert await gone(third) == b""
    site.release.set()
    assert await busy[0].readuntil(b"ok")


@pytest.mark.parametrize(
    ("site", "stranger"),
    [({"max_connections": 2, "max_connections_per_address": 2}, False),
     ({"max_connections": 9, "max_connections_per_address": 2}, True)],
    indirect=["site"],
)  # fmt: skip
async def test_no_answer_is_given_up_for_a_newcomer(site: Site, stranger: bool) -> None:
    busy = [await site.held(), await site.held()]
    assert not await ask(await site.connect())
    assert await ask(await site.connect("127.0.0.2")) is stranger
    site.release.set()
    for streams in busy:
        assert await streams[0].readuntil(b"ok")
    await site.used()


class Held:
    def __init__(self) -> None:
        self.gone = False

    def give_way(self) -> None:
        self.gone = True


def entered(places: Connections, *addresses: str) -> list[bool]:
    answers = []
    for each in addresses:
        held = Held()
        answers.append(places.enter(held, ip_address(each)))
        if answers[-1]:
            places.answers(held)
    return answers


def test_one_client_has_all_addresses_of_its_ipv6_network() -> None:
    places = Connections(most=100, most_of_address=2)
    assert entered(places, "2001:db8::1", "2001:db8::2", "2001:db8::3") == [True, True, False]
    assert entered(places, "2001:db8:0:1::1", "192.0.2.1") == [True, True]


def test_a_trusted_proxy_has_the_bound_of_all() -> None:
    places = Connections(most=4, most_of_address=1, trusted=[ip_network("10.0.0.0/8")])
    assert entered(places, "192.0.2.1", "192.0.2.1") == [True, False]
    assert entered(places, *["10.0.0.1"] * 4) == [True, True, True, False]


def test_places_are_given_back() -> None:
    places = Connections(most=2, most_of_address=1)
    held = Held()
    for _ in range(3):
        assert places.enter(held, ip_address("192.0.2.1"))
        places.waits(held)
        places.leave(held)
        places.leave(held)
    assert not held.gone
    other = Held()
    assert places.enter(held, ip_address("192.0.2.1"))
    places.waits(held)
    assert places.enter(other, ip_address("192.0.2.1"))
    assert held.gone
    places.leave(held)
    assert entered(places, "192.0.2.1", "192.0.2.2") == [False, True]
